"""Answers that are kept in memory are what Django would answer now, and nothing is kept that is for one person."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from itertools import count
from threading import Barrier, Event

import pytest
import time_machine
from django.apps import apps
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, models, transaction
from django.test import Client
from django.utils import timezone
from wagtail.models import Page

from cms.models import DataVersion
from cms.publication.effects import notify_followers
from cms.response_cache import boundaries, version
from cms.response_cache.allowed import MAY_BE_KEPT, VIEWS
from cms.response_cache.kept_answers import KeptAnswer, KeptAnswers
from cms.response_cache.wsgi import COUNTED_TOGETHER, ResponseCache
from cms.triggers import content_version, install
from pages.content.choices import WithdrawalKind
from pages.database_triggers import installed
from pages.models import Alert, MeetingIndexPage, NewsIndexPage, NewsPage, OutgoingMail, PartnershipPage, Venue
from tests import factories
from tests.recorded_rows import RecordedRows
from tests.threaded_site import threaded_site

NEWS = "{ news { nodes { title } } }"


def environ(path="/graphql/", query=None, method="GET", **more):
    body = json.dumps({"query": query}).encode() if query else b""
    path, _, query_string = path.partition("?")
    return {
        "REQUEST_METHOD": "POST" if query else method, "PATH_INFO": path, "QUERY_STRING": query_string,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost", "REMOTE_ADDR": "192.0.2.1",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr,
        **({"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if query else {}), **more,
    }  # fmt: skip


def ask(application, *arguments, **more):
    """Status, headers and body."""
    told = []
    body = application(
        environ(*arguments, **more), lambda status, headers, exc_info=None: told.append((status, dict(headers)))
    )
    try:
        return (*told[0], b"".join(body))
    finally:
        getattr(body, "close", lambda: None)()


class Counting:
    """An application that counts how often it is asked."""

    def __init__(self, application):
        self.application, self.asked = application, 0

    def __call__(self, *arguments):
        self.asked += 1
        return self.application(*arguments)


@pytest.fixture
def django_site(monkeypatch):
    """The application of Django in the test's transaction, which the reader of the version sees, too."""

    def own():
        return connection.connection if connection.vendor == "sqlite" else connection.connection.cursor()

    monkeypatch.setattr(version, "_open", own)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Counting(get_wsgi_application())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def site(django_site):
    return ResponseCache(django_site, 10_000_000)


@pytest.fixture(scope="module")
def recorded_story(recorded_home, django_db_blocker):
    def make():
        home = PartnershipPage.objects.get()
        factories.page(MeetingIndexPage, home, slug="meetings")
        index = factories.page(NewsIndexPage, home, slug="news")
        factories.page(NewsPage, index, slug="story", title="First title")
        notify_followers()  # as after the commit

    with django_db_blocker.unblock():
        return RecordedRows(make, upon=recorded_home)


@pytest.fixture
def news(home, recorded_story):
    """A public story at /news/story/, with the entries of the feeds written."""
    recorded_story.write()
    return NewsPage.objects.get()


# --- What is kept ----------------------------------------------------------------------------------------------

PLACES = ["/", "/news/", "/news/story/", "/feeds/", "/feeds/news/", "/feeds/news.rss", "/feeds/news.atom",
          "/feeds/news.json", "/feeds/meetings.ics", "/feeds.opml", "/sitemap.xml", "/robots.txt"]  # fmt: skip


@pytest.mark.parametrize("place", [*PLACES, "graphql"])
def test_the_second_answer_comes_from_memory_and_is_the_first(news, site, django_site, place):
    request = ("/graphql/", NEWS) if place == "graphql" else (place,)
    first = ask(site, *request)
    by_django = ask(django_site.application, *request)
    assert first[0] == by_django[0] == "200 OK"
    assert first[2] == by_django[2]
    added = {} if place == "graphql" else {"ETag", "Vary", "Last-Modified"}  # the last is up to a second before now
    assert {name: first[1].get(name) for name in by_django[1] if name not in added} == {
        name: value for name, value in by_django[1].items() if name not in added
    }
    assert ask(site, *request) == first
    assert django_site.asked == 1


def test_a_kept_answer_ends_with_each_change_that_readers_see(news, site, django_site):
    def titles():
        return [node["title"] for node in json.loads(ask(site, "/graphql/", NEWS)[2])["data"]["news"]["nodes"]]

    assert titles() == titles() == ["First title"]
    NewsPage.objects.filter(pk=news.pk).update(title="Second title")
    assert titles() == titles() == ["Second title"]
    NewsPage.objects.filter(pk=news.pk).update(withdrawal_kind=WithdrawalKind.GONE)
    assert titles() == titles() == []
    assert django_site.asked == 3


def test_a_draft_ends_no_kept_answer(news, site, django_site):
    ask(site, "/news/story/")
    news.title = "A draft"
    news.save_revision()
    assert b"First title" in ask(site, "/news/story/")[2]
    assert django_site.asked == 1


@pytest.mark.parametrize(
    "request_",
    [
        ("/graphql/", '{ page(urlPath: "/") { nothing } }'),
        ("/graphql/", '{ page(urlPath: "/", token: "x") { title } }'),
        ("/graphql/", "{ deathReviews { nodes { title } } }"),
        ("/no/such/page/",),
        ("/feeds/nothing.rss",),
        ("/healthz",),
        ("/admin/login/",),
        ("/docs/",),
    ],
)
def test_what_is_for_one_person_or_an_error_is_not_kept(tree, site, django_site, request_):
    notice = factories.page(
        apps.get_model("pages.DeathReviewNoticePage"), tree[apps.get_model("pages.DeathReviewIndexPage")], slug="notice"
    )
    assert notice.live
    ask(site, *request_)
    ask(site, *request_)
    assert (django_site.asked, len(site.answers)) == (2, 0)


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_AUTHORIZATION": "Bearer x"},
        {"HTTP_COOKIE": f"{django_settings.SESSION_COOKIE_NAME}=x"},
        {"HTTP_RANGE": "bytes=0-1"},
        {"method": "HEAD"},
        {"method": "OPTIONS"},
    ],
)
def test_requests_of_one_person_or_for_a_part_go_to_django(news, site, django_site, header):
    ask(site, "/news/story/")
    ask(site, "/news/story/", **header)
    assert django_site.asked == 2


def test_each_part_of_a_request_that_an_answer_depends_on_has_its_own_answer(news, site, django_site):
    variants = [
        {}, {"HTTP_HOST": "127.0.0.1"}, {"HTTP_ACCEPT": "application/graphql-response+json"},
        {"HTTP_ACCEPT_ENCODING": "gzip"}, {"HTTP_ORIGIN": "https://www.example.org"}, {"HTTP_X_FORWARDED_PROTO": "https"},
    ]  # fmt: skip
    for _ in range(2):
        answers = [ask(site, "/graphql/", NEWS, **variant) for variant in variants]
        assert {answer[0] for answer in answers} == {"200 OK"}
    assert django_site.asked == len(variants)


def test_a_wrong_host_is_refused_however_often_it_asks(news, site, django_site):
    ask(site, "/news/story/")
    statuses = [ask(site, "/news/story/", HTTP_HOST="evil.example.org")[0] for _ in range(2)]
    assert statuses == ["400 Bad Request"] * 2


# --- Conditional requests, compression and lifetimes ------------------------------------------------------------


@pytest.mark.parametrize("place", ["/news/story/", "/feeds/news.atom", "/feeds/"])
def test_a_client_that_has_the_answer_gets_a_304(news, site, django_site, place):
    _, headers, body = ask(site, place, HTTP_ACCEPT_ENCODING="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) == int(headers["Content-Length"])
    assert headers["ETag"].endswith('-gzip"')
    status, again, nothing = ask(site, place, HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=f"W/{headers['ETag']}")
    assert (status, nothing) == ("304 Not Modified", b"")
    assert again["ETag"] == headers["ETag"]
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & again.keys()
    assert ask(site, place, HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH='"another"')[0] == "200 OK"
    assert django_site.asked == 1
    NewsPage.objects.filter(pk=news.pk).update(title="Second title")
    assert ask(site, place, HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=headers["ETag"])[0] == (
        "200 OK" if place == "/news/story/" else "304 Not Modified"  # the entries of feeds are written at publication
    )
    assert django_site.asked == 2


def test_a_feed_that_has_not_changed_since_is_a_304(news, site):
    headers = ask(site, "/feeds/news.atom")[1]
    since = {"HTTP_IF_MODIFIED_SINCE": headers["Last-Modified"]}
    assert ask(site, "/feeds/news.atom", **since)[0] == "304 Not Modified"
    assert ask(site, "/feeds/news.atom", HTTP_IF_MODIFIED_SINCE="Thu, 01 Jan 2015 00:00:00 GMT")[0] == "200 OK"


def test_what_is_not_kept_is_a_304_too(tree, site, django_site):
    headers = ask(site, "/feeds/death-reviews.atom")[1]
    assert headers["Cache-Control"] == "no-store"
    assert ask(site, "/feeds/death-reviews.atom", HTTP_IF_NONE_MATCH=headers["ETag"])[0] == "304 Not Modified"
    assert (django_site.asked, len(site.answers)) == (2, 0)


def test_an_answer_ends_at_the_instant_at_which_it_changes(home, site, django_site):
    query, now = "{ alerts { message } }", timezone.now().replace(microsecond=0)
    times = {"active_from": now + timedelta(seconds=100), "active_until": now + timedelta(seconds=200)}
    factories.snippet(Alert, message="Closed", **times)
    for seconds, expected in ((0, 0), (99.9, 0), (100, 1), (199.9, 1), (200, 0)):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            answers = [json.loads(ask(site, "/graphql/", query)[2])["data"]["alerts"] for _ in range(2)]
        assert [len(answer) for answer in answers] == [expected] * 2, seconds
    assert django_site.asked == 3


def test_whoever_stores_an_answer_asks_again_when_time_changes_it(home, news, site):
    now = timezone.now().replace(microsecond=0) + timedelta(seconds=1)
    with time_machine.travel(now, tick=False):
        assert ask(site, "/sitemap.xml")[1]["Cache-Control"] == "public, max-age=300"
        Page.objects.filter(pk=news.pk).update(expire_at=now + timedelta(seconds=90))
        assert ask(site, "/sitemap.xml")[1]["Cache-Control"] == "public, max-age=90"
    with time_machine.travel(now + timedelta(seconds=60), tick=False):
        assert ask(site, "/sitemap.xml")[1]["Cache-Control"] == "public, max-age=30"


# --- While something is published -------------------------------------------------------------------------------


def test_an_answer_during_which_something_was_published_is_made_anew(news, site, django_site):
    """Its parts could be from before and after."""
    application, titles = django_site.application, count(1)

    def publishes_twice(*arguments):
        answer = application(*arguments)
        if (number := next(titles)) <= 2:
            NewsPage.objects.filter(pk=news.pk).update(title=f"Title {number}")
        return answer

    django_site.application = publishes_twice
    assert json.loads(ask(site, "/graphql/", NEWS)[2])["data"]["news"]["nodes"] == [{"title": "Title 2"}]
    assert (django_site.asked, len(site.answers)) == (3, 1)


def test_one_request_makes_the_answer_for_all_that_wait(monkeypatch):
    started, asked = Event(), []

    def slow(environ, start_response):
        asked.append(1)
        started.set()
        barrier.wait(10)
        environ[MAY_BE_KEPT] = True
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"made once"]

    barrier = Barrier(2)
    site = ResponseCache(slow, 1_000_000)
    monkeypatch.setattr(site, "_state", lambda: (1, 9e9))
    monkeypatch.setattr(site.versions, "read", lambda: 1)
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(ask, site, "/x/") for _ in range(4)]
        started.wait(10)
        barrier.wait(10)
        assert {answer.result()[2] for answer in answers} == {b"made once"}
    assert len(asked) == 1


def test_without_a_version_django_answers(news, site, django_site, monkeypatch):
    def unreachable():
        raise version.UnknownVersionError

    monkeypatch.setattr(site.versions, "read", unreachable)
    assert [ask(site, "/news/story/")[0] for _ in range(2)] == ["200 OK"] * 2
    assert (django_site.asked, len(site.answers)) == (2, 0)


@pytest.mark.each_database
def test_no_answer_is_older_than_the_last_commit(copied_database):
    """Two processes' worth of caches, a publisher that commits and rolls back, and readers who know what is committed."""
    committed, done = [0], Event()
    caches = []

    def around(application):
        caches.extend(ResponseCache(application, 1_000_000) for _ in range(2))
        turns = count()

        def in_turn(*arguments):
            return caches[next(turns) % 2](*arguments)

        return in_turn

    with threaded_site(copied_database, around) as threads:
        home = threads.within(factories.home)

        def publish():
            for number in range(1, 201):
                Page.objects.filter(pk=home.pk).update(title=str(number))
                committed[0] = number
                with transaction.atomic():
                    Page.objects.filter(pk=home.pk).update(title="-1")
                    transaction.set_rollback(True)
            done.set()

        def read():
            reader, stale, number = threads.anonymous(), [], 0
            query = json.dumps({"query": "{ partnership { title } site { name } }"}).encode()
            while not done.is_set() or number < 50:
                before = committed[0]
                answer = json.loads(reader.post_json("/graphql/", query).body)
                assert "errors" not in answer, answer
                data = answer["data"]
                both = {int(data["partnership"]["title"]), int(data["site"]["name"])}
                if len(both) > 1 or min(both) < before:
                    stale.append((before, both))
                number += 1
            return number, stale

        Page.objects  # noqa: B018
        with ThreadPoolExecutor(4) as pool:
            threads.within(lambda: Page.objects.filter(pk=home.pk).update(title="0"))
            readers = [pool.submit(read) for _ in range(3)]
            pool.submit(threads.within, publish).result()
            found = [reader.result() for reader in readers]
    assert [stale for _, stale in found] == [[], [], []]
    assert sum(number for number, _ in found) >= 150
    assert sum(len(cache.answers) for cache in caches) == 2


# --- Bounds -----------------------------------------------------------------------------------------------------


def kept_answer(size, until=9e9):
    return KeptAnswer([], b"x" * size, "", None, 0, until)


def test_memory_is_bounded_and_the_answers_asked_for_least_lately_go():
    answers = KeptAnswers(limit=100_000)
    for number in range(20):
        answers.keep((str(number),), 1, kept_answer(8_000))
        assert answers.get(("0",), 1, 0) is not None  # asked for all the time
    assert answers.size <= answers.limit
    assert [number for number in range(20) if answers.get((str(number),), 1, 0)] == [0, *range(11, 20)]
    answers.keep(("large",), 1, kept_answer(20_000))  # more than a tenth of the memory
    assert answers.get(("large",), 1, 0) is None
    answers.keep(("new",), 2, kept_answer(10))
    assert (len(answers), answers.get(("0",), 1, 0), answers.get(("0",), 2, 0)) == (1, None, None)


def test_answers_from_memory_count_towards_the_rate_limit(news, site, django_site, settings):
    settings.RATE_LIMIT = 50
    statuses = [ask(site, "/news/story/")[0] for _ in range(100)]
    assert statuses[:50] == ["200 OK"] * 50
    assert statuses[-30:] == ["429 Too Many Requests"] * 30
    assert statuses.count("200 OK") <= 50 + COUNTED_TOGETHER
    assert ask(site, "/news/story/", REMOTE_ADDR="192.0.2.2")[0] == "200 OK"


def test_nobody_escapes_the_limit_by_naming_other_addresses(news, site, django_site, settings):
    """Without a trusted proxy, clients write X-Forwarded-For themselves; with one, all but its last address."""
    settings.RATE_LIMIT = 50
    for number, trusted in enumerate((False, True)):
        settings.TRUSTED_PROXY, settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted, int(trusted)
        of_proxy = f", 192.0.2.{7 + number}" if trusted else ""
        asked = [
            ask(
                site,
                "/news/story/",
                REMOTE_ADDR=f"198.51.100.{1 + number}",
                HTTP_X_FORWARDED_FOR=f"192.0.2.{n}{of_proxy}",
            )[0]
            for n in range(100)
        ]
        assert asked[-30:] == ["429 Too Many Requests"] * 30


def test_addresses_of_one_ipv6_network_are_one_client(news, site, settings):
    settings.RATE_LIMIT = 50
    asked = [ask(site, "/news/story/", REMOTE_ADDR=f"2001:db8::{number:x}")[0] for number in range(100)]
    assert asked[-30:] == ["429 Too Many Requests"] * 30


@pytest.mark.parametrize(
    "header", [("Set-Cookie", "a=1"), ("Cache-Control", "private, no-store"), ("Cache-Control", "private")]
)
def test_an_answer_for_one_person_is_not_kept_whatever_the_view_allows(monkeypatch, header):
    asked = []

    def careless(environ, start_response):
        asked.append(1)
        environ[MAY_BE_KEPT] = True
        start_response("200 OK", [("Content-Type", "text/plain"), header])
        return [b"for one"]

    site = ResponseCache(careless, 1_000_000)
    monkeypatch.setattr(site, "_state", lambda: (1, 9e9))
    monkeypatch.setattr(site.versions, "read", lambda: 1)
    answers = [ask(site, "/x/") for _ in range(2)]
    assert answers == [("200 OK", {"Content-Type": "text/plain", header[0]: header[1]}, b"for one")] * 2
    assert (len(asked), len(site.answers)) == (2, 0)


def test_an_answer_is_made_once_if_the_version_is_lost_meanwhile(monkeypatch):
    asked = []

    def answers(environ, start_response):
        asked.append(1)
        environ[MAY_BE_KEPT] = True
        start_response("200 OK", [("Cache-Control", "public, max-age=300")])
        return [b"x"]

    site = ResponseCache(answers, 1_000_000)
    monkeypatch.setattr(site, "_state", lambda: (None, 0.0))
    monkeypatch.setattr(site.versions, "read", lambda: 1)
    assert ask(site, "/x/")[1]["Cache-Control"] == "public, max-age=0"
    assert (len(asked), len(site.answers)) == (1, 0)


# --- The lists that the cache relies on --------------------------------------------------------------------------


def test_every_table_either_changes_the_version_or_says_why_not():
    known = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert content_version.PRIVATE.keys() <= known
    assert content_version.PRIVATE_APPS.keys() <= {config.label for config in apps.get_app_configs()}
    ours = {"cms", "documents", "feeds", "pages", "wagtailcore", "wagtailredirects", "wagtailsearch"}
    assert {model._meta.app_label for model in content_version.public_models()} == ours


def test_exactly_these_triggers_are_installed(db):
    assert installed() == {trigger.name for trigger in install.triggers()}


def total():
    return sum(DataVersion.objects.values_list("number", flat=True))


def test_the_version_changes_with_what_readers_see_and_with_nothing_else(home):
    venue = factories.venue(name="Town Hall")
    before = total()
    now = timezone.now()
    OutgoingMail.objects.create(to="a@example.org", sealed=b"x", written_at=now, next_try_at=now)
    Page.objects.filter(pk=home.pk).update(draft_title="x", has_unpublished_changes=True, locked=True)
    assert total() == before
    steps = [
        lambda: Venue.objects.filter(pk=venue.pk).update(room="2"),
        lambda: Page.objects.filter(pk=home.pk).update(title="x"),
        lambda: Venue.objects.filter(pk=venue.pk)._raw_delete("default"),
        lambda: Venue.objects.bulk_create([Venue(name="New", address="x", postcode="x", live=False)]),
    ]
    for step in steps:
        before = total()
        step()
        assert total() > before


def test_every_date_of_a_public_table_is_known_to_change_answers_or_not():
    named = {
        *boundaries.NEVER_CHANGES_AN_ANSWER,
        *boundaries.CHANGES_AT_THE_START_OF_A_DAY,
        *(f"{model._meta.label}.{field}" for model, fields in boundaries.CHANGES_WITH_TIME.items() for field in fields),
    }
    found = {
        f"{model._meta.label}.{field.name}"
        for model in content_version.public_models()
        for field in model._meta.local_fields
        if isinstance(field, models.DateField) or "Date" in type(field).__name__
    }
    assert named == found


def test_the_views_whose_answers_are_kept_exist(client, news):
    found = set()
    for place in PLACES:
        found.add(Client().get(place).resolver_match.view_name)
    assert found | {"meeting_calendar"} == VIEWS
