"""The feeds over HTTP: cheap to poll, readable from everywhere, and what is said of a feed that is not there."""

import gzip
import json
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import brotli
import feedparser
import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feeds.build import items
from feeds.build.items import update_entries
from feeds.catalogue import listings
from feeds.read import sources
from pages import models
from tests import factories
from tests.factories import london
from tests.recorded_rows import RecordedRows

NOW = london(2026, 3, 2, 9)
ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(scope="module")
def recorded_index(recorded_home, django_db_blocker):
    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        return RecordedRows(lambda: news_index(models.PartnershipPage.objects.get()), upon=recorded_home)


@pytest.fixture(scope="module")
def recorded_story(recorded_home, recorded_index, django_db_blocker):
    def make():
        stories(models.NewsIndexPage.objects.get(), 1)

    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        return RecordedRows(make, upon=recorded_index)


@pytest.fixture
def index(home, recorded_index):
    recorded_index.write()
    return models.NewsIndexPage.objects.get()


@pytest.fixture
def story(index, recorded_story):
    """A story with a file and a picture."""
    recorded_story.write()
    return models.NewsPage.objects.get()


def news_index(home):
    return factories.page(models.NewsIndexPage, home, slug="news")


def stories(index, number, **fields):
    """The first three with a file and a picture each."""
    words = ("paragraph", "<p>Words enough to be worth compressing.</p>")
    return [
        factories.page(
            models.NewsPage,
            index,
            title=f"Story {each}",
            body=[("document", factories.document()), words] if each < 3 else [words],
            image=factories.image() if each < 3 else None,
            **fields,
        )
        for each in range(number)
    ]


def titles(client, name="news"):
    return [item["title"] for item in json.loads(client.get(f"/feeds/{name}.json").content)["items"]]


def sql(run):
    with CaptureQueriesContext(connection) as captured:
        answer = run()
    return answer, len(captured.captured_queries)


@pytest.fixture(scope="module")
def recorded_full(recorded_home, recorded_index, django_db_blocker):
    """More stories about a topic and a priority than a feed has at once. They are made once."""

    def make():
        period = factories.page(models.PriorityPeriodPage, models.PartnershipPage.objects.get(), slug="2026-2029")
        priority = factories.page(models.PriorityPage, period, slug="theft")
        topics = [factories.topic(name="Cycling", slug="cycling")]
        stories(models.NewsIndexPage.objects.get(), sources.AT_ONCE + 2, priority=priority, topics=topics)
        update_entries(NOW)  # as after each publication

    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        recorded = RecordedRows(make, upon=recorded_index)
    cache.clear()
    return recorded


ENTRY = {"rss": b"<item>", "atom": b"<entry>", "json": b'"date_published"'}


@pytest.mark.parametrize("kind", ENTRY)
@pytest.mark.parametrize("name", ["news", "all", "topics/cycling", "priorities/2026-2029-theft"])
def test_a_full_feed_costs_few_queries_cold_and_one_when_nothing_changed(
    client, index, recorded_full, clock, name, kind
):
    recorded_full.write()
    clock.shift(60)
    client.get("/feeds/meetings.atom")  # Wagtail's cached root of the site, Django's content types
    address = f"/feeds/{name}.{kind}"
    for key in list(cache._cache):
        if "feeds:" in key:
            cache.delete(key.partition(":1:")[2])
    first, cold = sql(lambda: client.get(address))
    again, warm = sql(lambda: client.get(address))
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    assert first.content.count(ENTRY[kind]) == 30
    for name_of_header, value in (("If-None-Match", first["ETag"]), ("If-Modified-Since", first["Last-Modified"])):
        known, cost = sql(lambda: client.get(address, headers={name_of_header: value}))  # noqa: B023
        assert (known.status_code, known.content) == (304, b"")
        assert cost == 1
    # To know the state, as ever; then which feed it is, and its entries.
    assert (cold, warm) == (1 + 2, 1)


def test_the_list_for_feed_readers_costs_few_queries(client, home, index, clock):
    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    for number in range(3):
        priority = factories.page(models.PriorityPage, period, slug=f"p{number}")
        factories.page(models.NewsPage, index, priority=priority, topics=[factories.topic()])
    update_entries(NOW)  # as after each publication
    clock.shift(60)
    client.get("/feeds/meetings.atom")
    first, cold = sql(lambda: client.get("/feeds.opml"))
    known, cost = sql(lambda: client.get("/feeds.opml", headers={"If-None-Match": first["ETag"]}))
    assert (first.status_code, first.content.count(b"<outline"), known.status_code) == (200, 5 + 3 + 3, 304)
    assert (cold, cost) == (4, 1)


def test_what_changes_elsewhere_leaves_the_validator_of_a_feed(client, home, story, clock):
    before = client.get("/feeds/news.atom")
    clock.shift(3600)
    factories.page(models.StandardPage, home)
    assert client.get("/feeds/news.atom", headers={"If-None-Match": before["ETag"]}).status_code == 304


def test_json_feed_1_1(client, story):
    answer = client.get("/feeds/news.json")
    assert answer["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(answer.content)
    assert {name: feed[name] for name in feed if name != "items"} == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Testing Partnership: news",
        "home_page_url": "http://testserver/news/",
        "feed_url": "http://testserver/feeds/news.json",
        "description": "What the partnership does, and wants residents to know.",
        "authors": [{"name": "Testing Partnership"}],
        "language": "en-GB",
        "icon": "http://testserver/static/feeds/logo.png",
        "favicon": "http://testserver/static/feeds/icon.png",
    }
    [item] = feed["items"]
    [attachment] = item["attachments"]
    assert set(item) == {
        "id", "url", "title", "summary", "content_html", "date_published", "date_modified", "language", "image",
        "attachments",
    }  # fmt: skip
    assert (attachment["mime_type"], attachment["size_in_bytes"]) == ("text/csv", 8)
    assert item["image"].startswith("http://testserver/images/")
    assert item["date_published"] == "2026-03-02T09:00:00+00:00"


def test_archives(client, index, clock, monkeypatch):
    """RFC 5005, section 4: every story is in the feed or in one of its archives, and archives do not change."""
    monkeypatch.setattr(sources, "AT_ONCE", 3)
    for _ in range(7):
        clock.shift(60)
        factories.page(models.NewsPage, index)
    feed = feedparser.parse(client.get("/feeds/news.atom").content)
    assert len(feed.entries) == 3
    links = {link["rel"]: link["href"] for link in feed.feed.links}
    assert links["prev-archive"] == "http://testserver/feeds/news.atom?archive=2"
    seen, address = {entry.id for entry in feed.entries}, links["prev-archive"]
    pages = []
    while address:
        content = client.get(address).content
        root = ElementTree.fromstring(content)  # noqa: S314 - our own bytes
        assert root.find(f"{HISTORY}archive") is not None
        links = {each.get("rel"): each.get("href") for each in root.findall(f"{ATOM}link")}
        assert links["current"] == "http://testserver/feeds/news.atom"
        assert links["self"] == address
        seen |= {each.text for each in root.findall(f"{ATOM}entry/{ATOM}id")}
        pages.append((address, content))
        address = links.get("prev-archive")
    assert [each for each, _ in pages] == [
        "http://testserver/feeds/news.atom?archive=2",
        "http://testserver/feeds/news.atom?archive=1",
    ]
    assert seen == {page.uuid.urn for page in models.NewsPage.objects.all()}
    clock.shift(60)
    factories.page(models.NewsPage, index)
    assert client.get(pages[1][0]).content == pages[1][1]
    assert (
        json.loads(client.get("/feeds/news.json").content)["next_url"] == "http://testserver/feeds/news.json?archive=2"
    )
    rss = client.get("/feeds/news.rss?archive=1").content.decode()
    assert "<fh:archive/>" in rss
    assert 'rel="prev-archive"' in client.get("/feeds/news.rss").content.decode()
    for wrong in ("3", "0", "-1", "x", "1.0", "99999999", "01", " 1", "١", ""):
        assert client.get("/feeds/news.atom", {"archive": wrong}).status_code == 404


def test_headers(client, story, settings):
    answer = client.get("/feeds/news.json")
    assert answer["Link"] == (
        '<http://testserver/feeds/news.json>; rel="self", <http://testserver/news/>; rel="alternate"'
    )
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get("/feeds/news.atom")
    assert answer["Cache-Control"] == "public, max-age=300"
    assert not answer.cookies
    settings.WEBSUB_HUB = "https://hub.example.org/"
    answer = client.get("/feeds/news.atom")
    assert '<https://hub.example.org/>; rel="hub"' in answer["Link"]
    assert b'<link rel="hub" href="https://hub.example.org/"/>' in answer.content
    assert b'<atom:link rel="hub" href="https://hub.example.org/"/>' in client.get("/feeds/news.rss").content
    assert json.loads(client.get("/feeds/news.json").content)["hubs"] == [
        {"type": "WebSub", "url": "https://hub.example.org/"}
    ]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_compressed(client, story, encoding):
    plain = client.get("/feeds/news.atom")
    answer = client.get("/feeds/news.atom", headers={"Accept-Encoding": encoding})
    assert answer["Content-Encoding"] == encoding
    unpack = gzip.decompress if encoding == "gzip" else brotli.decompress
    assert unpack(answer.content) == plain.content
    assert answer["ETag"] != plain["ETag"]
    known = client.get("/feeds/news.atom", headers={"Accept-Encoding": encoding, "If-None-Match": answer["ETag"]})
    assert known.status_code == 304


def test_the_list_for_feed_readers(client, home, index):
    factories.page(models.NewsPage, index, topics=[factories.topic(name="Cycling & walking", slug="cycling")])
    answer = client.get("/feeds.opml")
    assert answer["Content-Type"] == "text/x-opml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own bytes
    found = {each.get("title"): (each.get("xmlUrl"), each.get("htmlUrl")) for each in root.iter("outline")}
    home, feeds = "http://testserver/", "http://testserver/feeds"
    assert found == {
        "Testing Partnership: all updates": (f"{feeds}/all.atom", home),
        "Testing Partnership: news": (f"{feeds}/news.atom", f"{home}news/"),
        "Testing Partnership: meetings": (f"{feeds}/meetings.atom", home),
        "Testing Partnership: publications": (f"{feeds}/publications.atom", home),
        "Testing Partnership: priorities": (f"{feeds}/priorities.atom", home),
        "Testing Partnership: Cycling & walking": (f"{feeds}/topics/cycling.atom", home),
    }
    assert [each.get("text") for each in root.iter("outline")] == list(found)
    assert answer["Link"] == f'<{feeds}.opml>; rel="self", <{feeds}/>; rel="alternate"'
    assert client.get("/feeds.opml", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_topic_or_priority_that_nobody_may_see_has_no_feed(client, home, index):
    topic = factories.topic(slug="secret")
    draft = factories.draft(models.NewsPage, index, topics=[topic])
    assert client.get("/feeds/topics/secret.atom").status_code == 404
    factories.publish(draft)
    assert client.get("/feeds/topics/secret.atom").status_code == 200
    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    priority = factories.draft(models.PriorityPage, period, slug="bicycle-theft")
    address = "/feeds/priorities/2026-2029-bicycle-theft.atom"
    assert client.get(address).status_code == 404
    factories.publish(priority)
    assert client.get(address).status_code == 200
    priority.unpublish()
    gone = client.get(address)
    assert (gone.status_code, gone.content) == (
        410,
        b"The priority that this feed was about is not public any more.\n",
    )


def test_a_new_address_of_the_website_is_in_every_entry(client, story, settings):
    assert b"http://testserver/news/" in client.get("/feeds/news.json").content
    settings.WEBSITE_URL = "https://www.example.org"
    answer = client.get("/feeds/news.json").content
    assert b"https://www.example.org/news/" in answer
    assert b"http://testserver/news/" not in answer


def test_a_feed_has_one_name_and_no_other_spelling(client, home):
    """Each would be kept under a key of its own; SQLite compares the ends of paths without regard to capitals."""
    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    priority = factories.page(models.PriorityPage, period, slug="theft", title="Theft")
    assert client.get("/feeds/priorities/2026-2029-theft.rss").status_code == 200
    others = ("priorities/2026-2029-THEFT", "priorities/2026-2029-Theft", "Priorities/2026-2029-theft")
    for name in others:
        assert client.get(f"/feeds/{name}.rss").status_code == 404
        assert client.get(f"/feeds/{name}/").status_code == 404
    priority.unpublish()
    assert client.get("/feeds/priorities/2026-2029-theft.rss").status_code == 410
    for name in others:
        assert client.get(f"/feeds/{name}.rss").status_code == 404


ENDS = [".rss", ".atom", ".json", "/"]


def test_the_feed_of_a_priority_moves_with_its_address(client, home):
    """Also when the period above it gets another. Followers are led there, and nobody else is asked to remember it."""

    def ask(name):
        answers = {end: client.get(f"/feeds/priorities/{name}{end}") for end in ENDS}
        return {
            end: (answer.status_code, answer["Location"], answer["Cache-Control"])
            if answer.status_code == 301
            else answer.status_code
            for end, answer in answers.items()
        }

    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    priority = factories.page(models.PriorityPage, period, slug="theft", title="Theft")
    for changed, slug in ((priority, "burglary"), (period, "2026-2030")):
        page = type(changed).objects.get(pk=changed.pk)
        page.slug = slug
        factories.publish(page)
    here = "http://testserver/feeds/priorities/2026-2030-burglary"
    assert ask("2026-2030-burglary") == dict.fromkeys(ENDS, 200)
    for old in ("2026-2029-theft", "2026-2029-burglary"):
        assert client.get(f"/feeds/priorities/{old}.rss")["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert ask(old) == {end: (301, f"{here}{end}", "no-cache") for end in ENDS}
        assert client.get(f"/feeds/priorities/{old}.ics").status_code == 410
    # Another one that has an old address now comes first.
    again = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    factories.page(models.PriorityPage, again, slug="theft", title="Theft again")
    assert ask("2026-2029-theft") == dict.fromkeys(ENDS, 200)
    models.PriorityPage.objects.get(pk=priority.pk).unpublish()
    for old in ("2026-2030-burglary", "2026-2029-burglary"):
        assert ask(old) == dict.fromkeys(ENDS, 410)


def test_the_feed_of_a_topic_moves_with_its_slug(client, index):
    def ask(slug):
        answers = {end: client.get(f"/feeds/topics/{slug}{end}") for end in ENDS}
        return {end: (answer.status_code, answer.get("Location")) for end, answer in answers.items()}

    topic = factories.topic(name="Cycling", slug="cycling")
    factories.page(models.NewsPage, index, topics=[topic])
    there, nowhere = dict.fromkeys(ENDS, (200, None)), dict.fromkeys(ENDS, (404, None))
    assert ask("cycling") == there
    topic.slug = "bicycles"
    topic.save()
    assert ask("bicycles") == there
    assert ask("cycling") == {end: (301, f"http://testserver/feeds/topics/bicycles{end}") for end in ENDS}
    factories.page(models.NewsPage, index, topics=[factories.topic(name="Cycling again", slug="cycling")])
    assert ask("cycling") == there
    models.Topic.objects.filter(slug="cycling").delete()
    assert ask("cycling") == nowhere


def test_the_feed_of_a_topic_that_no_public_page_has_keeps_its_former_name_and_address(client, index):
    """The name that it got since may be about a draft."""
    topic = factories.topic(name="Burglary", slug="burglary")
    [story] = stories(index, 1, topics=[topic])
    assert client.get("/feeds/topics/burglary/").status_code == 200
    topic.slug = "theft"
    topic.save()
    assert client.get("/feeds/topics/theft/").status_code == 200
    models.NewsPage.objects.get(pk=story.pk).unpublish()
    topic.name, topic.slug = "Stalking of Jane Roe", "stalking-of-jane-roe"
    topic.save()
    factories.draft(models.NewsPage, index, topics=[topic])
    for end in (".rss", ".atom", ".json", "/"):
        answer = client.get(f"/feeds/topics/theft{end}")
        assert (answer.status_code, b"urglary" in answer.content, b"Jane" in answer.content) == (200, True, False)
        old = client.get(f"/feeds/topics/burglary{end}")
        assert (old.status_code, old["Location"]) == (301, f"http://testserver/feeds/topics/theft{end}")
        assert client.get(f"/feeds/topics/stalking-of-jane-roe{end}").status_code == 404
    assert [each.name for each in listings(timezone.now(), include_removed=True)][-1] == "topics/theft"
    factories.publish(models.NewsPage.objects.get(pk=story.pk))  # now readers see the topic on a page
    old = client.get("/feeds/topics/theft/")
    assert (old.status_code, old["Location"]) == (301, "http://testserver/feeds/topics/stalking-of-jane-roe/")
    assert b"Stalking of Jane Roe" in client.get("/feeds/topics/stalking-of-jane-roe/").content


JSON_AND_CALENDARS = ["/feeds/news.json", "/feeds/meetings.ics"]


@pytest.mark.parametrize("address", [*JSON_AND_CALENDARS, "/meetings/{uuid}.ics"])
def test_scripts_of_other_sites_may_read_every_answer(client, home, story, address, settings):
    meeting = factories.page(models.MeetingPage, factories.page(models.MeetingIndexPage, home, slug="meetings"))
    address = address.format(uuid=meeting.uuid)
    full = client.get(address)
    known = client.get(address, headers={"If-None-Match": full["ETag"]})
    meeting.unpublish()
    gone = client.get(f"/meetings/{meeting.uuid}.ics")
    answers = [full, known, gone, client.get("/feeds/nonsense.json"), client.get(f"/meetings/{uuid4()}.ics")]
    assert [each.status_code for each in answers] == [200, 304, 410, 404, 404]
    for each in answers:
        assert each["Access-Control-Allow-Origin"] == "*"
        assert each["Access-Control-Expose-Headers"] == "ETag, Link"
    # Browsers ask first, because of If-None-Match.
    asked = client.options(
        address,
        headers={
            "Origin": "https://www.example.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match",
        },
    )
    assert (asked.status_code, asked.content) == (204, b"")
    assert {name: asked[name] for name in asked.headers if name.startswith(("Access", "Allow"))} == {
        "Allow": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": ", ".join(["If-Modified-Since", "If-None-Match", *settings.TRACING_HEADERS]),
        "Access-Control-Expose-Headers": "ETag, Link",
        "Access-Control-Max-Age": "86400",
    }


def test_scripts_of_other_sites_do_not_read_the_other_formats(client, index):
    for answer in (client.get("/feeds/news.atom"), client.options("/feeds/news.atom"), client.get("/feeds/no.rss")):
        assert not answer.has_header("Access-Control-Allow-Origin")
    assert client.options("/feeds/news.atom")["Allow"] == "GET, HEAD, OPTIONS"


def test_a_hub_is_not_named_by_the_feed_of_death_reviews(client, home, settings):
    """It would have a notice after it was taken down."""
    settings.WEBSUB_HUB = "https://hub.example.org/"
    for kind in ("rss", "atom", "json"):
        answer = client.get(f"/feeds/death-reviews.{kind}")
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        assert "hub" not in answer["Link"]
        assert b"hub.example.org" not in answer.content


def test_what_has_no_body_has_no_length(client, index):
    """RFC 9110, section 8.6: on a 304 it would be that of what the client has."""
    full = client.get("/feeds/news.json")
    assert full["Content-Length"] == str(len(full.content))
    known = client.get("/feeds/news.json", headers={"If-None-Match": full["ETag"]})
    for answer, status in ((known, 304), (client.options("/feeds/news.json"), 204)):
        assert (answer.status_code, answer.has_header("Content-Length")) == (status, False)


def test_what_was_never_a_feed_is_not_gone(client, index):
    """Other pages have addresses that look like those of priorities."""
    factories.page(models.NewsPage, index, slug="fair")
    assert client.get("/news/fair/").status_code == 200
    assert client.get("/feeds/priorities/news-fair.rss").status_code == 404


@pytest.mark.parametrize("name", ["topics/a%00b", "priorities/2026-a%00b", "a%00b", "topics/%ff"])
def test_no_name_is_an_error_of_the_server(client, home, name):
    """PostgreSQL refuses to look for a text with a NUL."""
    assert client.get(f"/feeds/{name}.rss").status_code == 404
    assert client.get(f"/feeds/{name}/").status_code == 404


def test_all_entries_are_written_anew_when_the_code_that_writes_them_is_another(client, story, monkeypatch):
    """Also what only cleans their HTML."""
    assert "Words enough" in client.get("/feeds/news.json").content.decode()
    items.FeedItem.objects.update(html="<p>As an older version wrote it.</p>")
    cache.clear()
    assert "As an older version" in client.get("/feeds/news.json").content.decode()
    read = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or b"another")
    items.code_hash.cache_clear()
    try:
        content = client.get("/feeds/news.json").content.decode()
    finally:
        items.code_hash.cache_clear()
    assert ("Words enough" in content, "As an older version" in content) == (True, False)
    assert {"newspage.html", "heading.html", "happening.html", "rich_text.py", "page_html.py", "stories.py"} <= {*read}


def test_the_addresses_in_headers_are_ascii(client, home):
    factories.page(models.MeetingIndexPage, home, slug="réunions")
    for name in ("meetings.ics", "meetings.atom"):
        assert "<http://testserver/r%C3%A9unions/>; rel=" in client.get(f"/feeds/{name}")["Link"]
