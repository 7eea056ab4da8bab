"""What feed readers show of a site with every type of page: the same in each program and in each format."""

import json
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from html import unescape
from uuid import uuid5

import pytest
import time_machine
from django.apps import apps
from django.core.cache import cache
from lxml.etree import canonicalize, tostring
from lxml.html import fragment_fromstring

from documents.models import Document
from feeds.catalogue import listings
from feeds.models import FeedItem
from feeds.read.sources import up_to_date_state
from pages import models
from pages.models import ContentPage
from tests import factories
from tests.factories import london
from tests.feed_clients import FollowsWithReader, Seen, by_feedparser, by_feedsmith, by_reader
from tests.loopback import passed_on
from tests.recorded_rows import RecordedRows
from tests.test_node_clients import need_node

pytestmark = pytest.mark.one_database

NOW = london(2026, 8, 1, 9)
FORMATS = ("rss", "atom", "json")


def on(*when):
    return time_machine.travel(london(*when), tick=False)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def make_site():
    """One page of each type at least, each published at a time of its own; the keys of those that make entries, by a
    short name.
    """
    home = models.PartnershipPage.objects.get()
    with on(2026, 1, 5, 9):
        index = factories.page(models.NewsIndexPage, home, slug="news")
        meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
        publications = factories.page(models.PublicationIndexPage, home, slug="publications")
        reviews = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
        period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
        factories.page(models.StandardPage, home, slug="about")
        factories.page(models.BusinessAsUsualPage, home, slug="our-work")
        topic = factories.topic(name="Cycling & walking", slug="cycling")
    made = {}
    with on(2026, 1, 6, 9):
        made["theft"] = factories.page(
            models.PriorityPage, period, slug="theft", title="Bicycle theft", summary="It is up.", topics=[topic]
        )
    with on(2026, 1, 7, 9):
        made["plan"] = factories.page(
            models.CommunitySafetyPlanPage,
            publications,
            slug="plan",
            title="The plan",
            summary="All of it.",
            page_documents=[models.PageDocument(document=factories.document("Plan", b"The plan\n", "plan.txt"))],
        )
    with on(2026, 1, 8, 9):
        made["insight"] = factories.page(
            models.InsightPage, publications, slug="insight", title="What we know", summary="Figures."
        )
    with on(2026, 1, 9, 9):
        made["review"] = factories.page(
            models.AnnualReviewPage, publications, slug="year", title="The year", summary="It is over."
        )
    with on(2026, 2, 11, 9, 30, 15):
        made["story"] = factories.page(
            models.NewsPage,
            index,
            slug="fish",
            title="Fish & chips: less < more?",
            summary="“Salt” & vinegar < nothing.",
            body=[
                ("paragraph", "<p>Salt &amp; vinegar, 2 &lt; 3.</p>"),
                ("document", factories.document("Data", b"a,b\n", "data.csv")),
                ("document", factories.document("More", b"x", "b.txt")),
            ],
            image=factories.image(description="A market & its square"),
            priority=made["theft"],
            topics=[topic],
        )
    with on(2026, 2, 12, 9):
        made["meeting"] = factories.page(
            models.MeetingPage,
            meetings,
            slug="july",
            title="Meeting in July",
            summary="Come along.",
            starts_at=london(2026, 7, 1, 14, 30),
            venue=factories.venue(name="Guildhall"),
        )
    with on(2026, 3, 2, 9):
        made["notice"] = factories.page(models.DeathReviewNoticePage, reviews, summary="Somebody died.", topics=[topic])
    with on(2026, 6, 22, 9):  # in summer: an hour of difference to UTC
        agenda = models.Paper(kind="agenda", document=factories.document("Agenda", b"1. Bikes", "agenda.txt"))
        made["meeting"].papers = [agenda]
        factories.publish(made["meeting"])
    with on(2026, 7, 1, 18):
        story = made["story"]
        story.update_kind, story.change_note = "major", "It was <Tuesday>."
        factories.publish(story)
    assert {type(page.specific) for page in ContentPage.objects.all()} == {
        model for model in apps.get_models() if issubclass(model, ContentPage) and model is not ContentPage
    }
    return {name: page.pk for name, page in made.items()}


@pytest.fixture(scope="module")
def recorded_site(recorded_home, django_db_blocker):
    with django_db_blocker.unblock():
        recorded = RecordedRows(make_site, upon=recorded_home)
    cache.clear()
    return recorded


@pytest.fixture
def site(home, recorded_site):
    """The pages that make entries, by a short name."""
    recorded_site.write()
    return {name: ContentPage.objects.get(pk=key).specific for name, key in recorded_site.returned.items()}


# What readers get to know of each: path, title, summary, first published, updated, topics, names of files, has a picture.
# All times are in UTC, from which July in Cambridge differs.
ENTRIES = {
    "theft": ("/2026-2029/theft/", "Bicycle theft", "It is up.", "2026-01-06T09:00:00", None, True, [], False),
    "plan": ("/publications/plan/", "The plan", "All of it.", "2026-01-07T09:00:00", None, False, [("plan.txt", "text/plain", 9)], False),
    "insight": ("/publications/insight/", "What we know", "Figures.", "2026-01-08T09:00:00", None, False, [], False),
    "review": ("/publications/year/", "The year", "It is over.", "2026-01-09T09:00:00", None, False, [], False),
    "story": (
        "/news/fish/",
        "Fish & chips: less < more?",
        "“Salt” & vinegar < nothing.",
        "2026-02-11T09:30:15",
        "2026-07-01T17:00:00",
        True,
        [("data.csv", "text/csv", 4), ("b.txt", "text/plain", 1)],
        True,
    ),
    "meeting": (
        "/meetings/july/",
        "Meeting in July",
        "Wednesday 1 July 2026, 2:30pm, Guildhall, Cambridge, CB1 1JF. Come along.",
        "2026-02-12T09:00:00",
        None,
        False,
        [("agenda.txt", "text/plain", 8)],
        False,
    ),
    "notice": ("/reviews/{slug}/", "Death review {reference}", "Content warning: this is about a death, and about domestic abuse. Somebody died.", "2026-03-02T09:00:00", None, True, [], False),
    "agenda": (
        "/meetings/july/",
        "Agenda published: Meeting in July",
        "Wednesday 1 July 2026, 2:30pm, Guildhall, Cambridge, CB1 1JF.",
        "2026-06-22T08:00:00",
        None,
        False,
        [("agenda.txt", "text/plain", 8)],
        False,
    ),
}  # fmt: skip
# The newest first.
FEEDS = {
    "all": ["agenda", "meeting", "story", "review", "insight", "plan", "theft"],
    "news": ["story"],
    "meetings": ["agenda", "meeting"],
    "publications": ["review", "insight", "plan"],
    "priorities": ["theft"],
    "death-reviews": ["notice"],
    "topics/cycling": ["story", "theft"],
    "priorities/2026-2029-theft": ["story", "theft"],
}


def told(site, kind):
    """The table as a program may show it that reads this format."""
    return {name: [_told(site, each, kind) for each in names] for name, names in FEEDS.items()}


def _told(site, name, kind):
    path, title, summary, published, updated, has_topic, files, has_picture = ENTRIES[name]
    page = site["meeting" if name == "agenda" else name]
    item = FeedItem.objects.get(record=page.uuid, title__startswith=title.partition(" {")[0])
    keys = {document.filename: document.file_key for document in Document.objects.all()}
    urls = [(f"http://testserver/documents/{keys[file]}/{file}", *facts) for file, *facts in files]
    return Seen(
        id=uuid5(page.uuid, "agenda").urn if name == "agenda" else page.uuid.urn,
        url="http://testserver" + path.format(slug=page.slug),
        title=title.format(reference=getattr(page, "reference", "")),
        summary=summary,
        html=same(f"{NOTE if updated else ''}{item.html}"),
        published=datetime.fromisoformat(f"{published}+00:00"),
        updated=datetime.fromisoformat(f"{updated or published}+00:00"),
        categories=["Cycling & walking"] if has_topic else [],
        files=urls[:1] if kind == "rss" else urls,
        image=f"http://testserver/images/{page.image.file_key}/content.webp" if has_picture else None,
    )


NOTE = "<p><strong>Updated 1 July 2026:</strong> It was &lt;Tuesday&gt;.</p>\n"


def same(html):
    """However it was written down: `reader` sorts attributes."""
    return canonicalize(
        tostring(fragment_fromstring(html.strip(), create_parent=True), encoding="unicode", method="xml")
    )


def shown(entries, kind):
    """Descriptions of RSS are HTML."""
    return [
        each._replace(html=same(each.html), summary=unescape(each.summary) if kind == "rss" else each.summary)
        for each in entries
    ]


def documents(client):
    """The feeds of the site by name and format."""
    found = {}
    for each in listings(up_to_date_state(NOW).at):
        for kind in FORMATS:
            response = client.get(f"/feeds/{each.name}.{kind}")
            assert response.status_code == 200
            found[each.name, kind] = response.content
    assert {name for name, _ in found} == set(FEEDS)
    return found


def test_all_feeds_in_feedparser(client, site):
    found = documents(client)
    for kind in ("rss", "atom"):
        expected = told(site, kind)
        for name in FEEDS:
            assert shown(by_feedparser(found[name, kind]), kind) == expected[name], (name, kind)


def test_all_feeds_in_feedsmith(client, site, tmp_path):
    need_node()
    paths = {}
    for (name, kind), content in documents(client).items():
        paths[name, kind] = tmp_path / f"{name.replace('/', '-')}.{kind}"
        paths[name, kind].write_bytes(content)
    found = dict(zip(paths, by_feedsmith(*paths.values()), strict=True))
    for kind in FORMATS:
        expected = told(site, kind)
        for name in FEEDS:
            assert shown(found[name, kind], kind) == expected[name], (name, kind)


def test_all_feeds_in_reader(client, site, tmp_path):
    addresses = {(name, kind): f"/feeds/{name}.{kind}" for name in FEEDS for kind in FORMATS}
    with closing(FollowsWithReader(passed_on(client), tmp_path / "reader.sqlite")) as reader:
        found = reader.poll(*addresses.values())
    for kind in FORMATS:
        expected = told(site, kind)
        for name in FEEDS:
            known = [each._replace(categories=[], image=None) for each in expected[name]]
            entries = by_reader(found[addresses[name, kind]])
            assert shown(sorted(entries, key=lambda each: each.published, reverse=True), kind) == known, (name, kind)


def test_every_address_in_an_entry_is_absolute(client, site):
    """Programs show entries where relative addresses lead nowhere."""
    addresses = [
        address
        for name in FEEDS
        for item in json.loads(client.get(f"/feeds/{name}.json").content)["items"]
        for element, _, address, _ in fragment_fromstring(item["content_html"], create_parent=True).iterlinks()
    ]
    assert len(addresses) > 10
    assert [each for each in addresses if not each.startswith("http://testserver/")] == []


# --- Polling ---


def changed(page, **fields):
    page = type(page).objects.get(pk=page.pk)
    for name, value in fields.items():
        setattr(page, name, value)
    return factories.publish(page)


class FollowsWithFeedparser:
    """A program built on feedparser: new is what has an identity that it has not seen."""

    def __init__(self, client):
        self.client, self.seen, self.validators, self.statuses = client, {}, {}, []

    def poll(self, address):
        response = self.client.get(address, headers=self.validators)
        self.statuses.append(response.status_code)
        entries = by_feedparser(response.content) if response.status_code == 200 else []
        self.validators = {"If-None-Match": response["ETag"], "If-Modified-Since": response["Last-Modified"]}
        new = [entry for entry in entries if entry.id not in self.seen]
        self.seen |= {entry.id: entry for entry in entries}
        return {address: new}


@pytest.fixture
def followers(client, tmp_path):
    """By the program and the format."""
    with ExitStack() as open_ones:
        found = {("feedparser", kind): FollowsWithFeedparser(client) for kind in ("rss", "atom")}
        for kind in FORMATS:
            reader = FollowsWithReader(passed_on(client), tmp_path / f"{kind}.sqlite")
            found["reader", kind] = open_ones.enter_context(closing(reader))
        yield found


def test_who_follows_is_told_nothing_twice(client, home, site, clock, followers):
    def new():
        """What each of them takes for new."""
        clock.shift(timedelta(hours=1))
        found = {}
        for (program, kind), follower in followers.items():
            feed = f"/feeds/all.{kind}"
            found[program, kind] = sorted(entry.title for entry in follower.poll(feed)[feed])
        return found

    def each(value):
        return dict.fromkeys(followers, value)

    def statuses(first):
        return {name: follower.statuses[first:] for name, follower in followers.items()}

    assert new() == each(sorted(ENTRIES[name][1] for name in FEEDS["all"]))
    assert new() == each([])
    assert statuses(0) == each([200, 304])
    changed(site["story"], slug="chips")
    assert new() == each([])
    other = factories.page(models.NewsIndexPage, home, slug="older-news")
    site["story"].refresh_from_db()
    site["story"].move(other, "last-child")
    assert new() == each([])
    for number in range(3):
        changed(site["story"], summary=f"Salt, {number} times.")
        assert new() == each([])
    assert statuses(2) == each([200] * 5)  # each of these changed something
    changed(site["meeting"], status="cancelled", status_notice="<p>The hall is closed.</p>")
    assert new() == each(["Meeting cancelled: Meeting in July"])
    assert new() == each([])
    now = {item["id"]: item for item in json.loads(client.get("/feeds/all.json").content)["items"]}
    assert len(now) == len(FEEDS["all"]) + 1
    assert now[site["story"].uuid.urn]["url"] == "http://testserver/older-news/chips/"
    assert now[site["meeting"].uuid.urn]["title"] == "Cancelled: Meeting in July"
