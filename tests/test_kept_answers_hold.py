"""What the kept answers (cms/response_cache) rely on: nothing else of a request matters, and time changes answers only at
the boundaries that are known.
"""

import json
import sqlite3
from datetime import timedelta

import psycopg
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from cms.publication.effects import notify_followers
from cms.response_cache import version
from cms.response_cache.boundaries import next_boundary
from cms.response_cache.kept_answers import KeptAnswer, KeptAnswers
from cms.response_cache.wsgi import CONDITIONS, HEADERS, PERSONAL
from pages import models
from pages.content.choices import WithdrawalKind
from tests import factories

PLACES = ["/", "/news/", "/news/story/", "/meetings/", "/feeds/", "/feeds/news/", "/feeds/news.rss", "/feeds/news.atom",
          "/feeds/news.json", "/feeds/meetings.ics", "/feeds.opml", "/sitemap.xml", "/robots.txt"]  # fmt: skip
QUERIES = [
    "{ news { totalCount nodes { title url } } nextMeeting { title } alerts { message } }",
    "{ upcoming: meetings(when: UPCOMING) { nodes { title venue { name } } } past: meetings(when: PAST) { nodes { title } } }",
    "{ partnership { currentPeriod { title status } pastPeriods { title } currentPlan { title } } priorities { title } }",
    "{ plans { nodes { title } } feeds { title url } navigation { title } topics { name } site { name } changes { nodes { kind } } }",
    '{ search(query: "story") { totalCount } page(urlPath: "/news/story/") { title url __typename } }',
]
OTHER_HEADERS = {
    "Accept-Language": "cy, de;q=0.9", "Cache-Control": "no-cache", "Cookie": "consent=1; csrftoken=abc; lang=de",
    "DNT": "1", "Forwarded": "for=192.0.2.9;host=evil.example.org;proto=https", "From": "a@example.org",
    "Origin-Agent-Cluster": "?1", "Pragma": "no-cache", "Prefer": "return=minimal", "Priority": "u=1",
    "Purpose": "prefetch", "Referer": "https://evil.example.org/", "Save-Data": "on", "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site", "Sec-GPC": "1", "TE": "trailers",
    "Upgrade-Insecure-Requests": "1", "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)", "Via": "1.1 proxy",
    "X-Forwarded-Host": "evil.example.org", "X-Forwarded-Port": "81", "X-Http-Method-Override": "DELETE",
    "X-Original-Url": "/admin/", "X-Real-Ip": "192.0.2.9", "X-Requested-With": "XMLHttpRequest", "X-Rewrite-Url": "/admin/",
}  # fmt: skip


def answers(**headers) -> dict[str, tuple]:
    """Everything that may be kept: status, headers and body, by address or query."""
    client = Client()
    asked = {place: client.get(place, headers=headers) for place in PLACES}
    for query in QUERIES:
        response = client.post("/graphql/", {"query": query}, content_type="application/json", headers=headers)
        assert "errors" not in json.loads(response.content), response.content
        asked[query] = response
    return {name: (response.status_code, dict(response.headers), response.content) for name, response in asked.items()}


@pytest.fixture
def site(home):
    """A bit of everything that time changes, the next of it within days."""
    now = timezone.now()
    news = factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.NewsPage, news, slug="story", title="A story")
    ends = factories.page(models.NewsPage, news, title="A story that ends")
    models.ContentPage.objects.filter(pk=ends.pk).update(expire_at=now + timedelta(hours=30))
    gone = factories.page(models.NewsPage, news, title="A story that was withdrawn")
    models.ContentPage.objects.filter(pk=gone.pk).update(
        withdrawal_kind=WithdrawalKind.WITHDRAWN, withdrawal_explanation="Wrong.", withdrawn_at=now - timedelta(days=29)
    )
    venue = factories.venue(name="Town Hall")
    models.Venue.objects.filter(pk=venue.pk).update(expire_at=now + timedelta(hours=50))
    meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
    for hours in (5, 60):
        factories.page(
            models.MeetingPage, meetings, starts_at=now + timedelta(hours=hours), venue=venue, open_to_public="open"
        )
    times = {"active_from": now + timedelta(hours=7), "active_until": now + timedelta(hours=40)}
    factories.snippet(models.Alert, message="Closed", **times)
    today = timezone.localdate(now)
    for starts, ends in ((-400, -1), (0, 0), (1, 300)):
        days = [(today + timedelta(days=day)).isoformat() for day in (starts, ends)]
        period = factories.page(models.PriorityPeriodPage, home, starts_on=days[0], ends_on=days[1])
        factories.page(models.PriorityPage, period)
    plans = factories.page(models.PublicationIndexPage, home, publication_kind="plans")
    for starts, ends in ((-400, 0), (1, 300)):
        days = [(today + timedelta(days=day)).isoformat() for day in (starts, ends)]
        factories.page(models.CommunitySafetyPlanPage, plans, effective_from=days[0], effective_to=days[1])
    notify_followers()
    return home


def test_no_other_header_changes_an_answer(site):
    with time_machine.travel(timezone.now(), tick=False):
        plain = answers()
        assert answers(**OTHER_HEADERS) == plain
    variables = {f"HTTP_{name.upper().replace('-', '_')}" for name in OTHER_HEADERS}
    assert variables & {*HEADERS, *CONDITIONS, *PERSONAL} == set()


def test_between_two_boundaries_time_changes_no_answer(site):
    instant = timezone.now() + timedelta(seconds=2)
    changed = 0
    before = None
    for _ in range(10):
        with time_machine.travel(instant, tick=False):
            notify_followers()  # as `publish_scheduled` does each minute
            first, until = {name: each[2] for name, each in answers().items()}, next_boundary(instant)
        assert instant < until <= instant + timedelta(days=1, hours=1)
        with time_machine.travel(until - timedelta(microseconds=1), tick=False):
            assert {name: each[2] for name, each in answers().items()} == first, (instant, until)
        changed += before is not None and before != first
        instant, before = until, first
    assert changed >= 5  # the control: at the boundaries, something does change


class ComparedBy(int):
    """A version. While it is compared, another thread runs."""

    between = None

    def __ne__(self, other):
        between, self.between = self.between, None
        if between:
            between()
        return int(self) != other

    __hash__ = int.__hash__


def test_no_answer_of_another_version_is_found_while_a_slow_thread_keeps_one():
    """It has found its version unchanged just before a takedown was committed."""

    def answer(body):
        return KeptAnswer([], body, "", None, 0, 1e12)

    kept = KeptAnswers(1_000_000)
    kept.keep(("other",), 2, answer(b"new"))
    asked = ComparedBy(2)
    asked.between = lambda: kept.keep(("page",), 1, answer(b"taken down"))
    assert kept.get(("page",), asked, 0.0) is None
    assert kept.get(("page",), 1, 0.0).body == b"taken down"


@pytest.mark.parametrize(("max_age", "opened"), [(600, [1, 1, 2]), (0, [1, 2, 3]), (None, [1, 1, 1])])
def test_the_connection_of_the_version_ends_as_those_of_django(max_age, opened, db, monkeypatch):
    """The file of an SQLite database may have been exchanged for a backup."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", max_age)
    now, found, made = [1000.0], [], []
    opens = version._open
    monkeypatch.setattr(version, "monotonic", lambda: now[0])
    monkeypatch.setattr(version, "_open", lambda: made.append(opens()) or made[-1])
    reader = version.VersionReader()
    for seconds in (0, 599, 1):
        now[0] += seconds
        reader.read()
        found.append(len(made))
    reader.close()
    assert found == opened
    for each in made:
        with pytest.raises((sqlite3.ProgrammingError, psycopg.Error)):
            each.execute("SELECT 1")
