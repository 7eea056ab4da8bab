"""The feeds: what is in them to the letter, what never is, and that readers fetch only what changed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from xml.etree import ElementTree

import feedparser
import pytest
import time_machine
from django.utils import timezone
from wagtail.models import PageLogEntry, PageViewRestriction

from feeds.build.stories import places
from feeds.catalogue import listings
from feeds.read.sources import AT_ONCE
from pages import models
from pages.demo import sample_content
from pages.models import ContentPage
from tests import factories
from tests.factories import london

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
SECRET = "MARKER-OF-SOMETHING-SECRET"
ADDRESSES = ["/feeds/news.rss", "/feeds/news.atom", "/feeds/meetings.rss", "/feeds/meetings.atom"]


@pytest.fixture(autouse=True)
def _clock():
    """1 December 2026, 9am, unless a test goes elsewhere."""
    with time_machine.travel(london(2026, 12, 1, 9), tick=False):
        yield


@pytest.fixture
def site(home):
    """A home page and the two index pages, as if all of it had been published on 1 February 2026 at 9am."""
    with time_machine.travel(london(2026, 2, 1, 9), tick=False):
        factories.page(models.NewsIndexPage, home, title="News", slug="news")
        factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")
    PageLogEntry.objects.update(timestamp=london(2026, 2, 1, 9))
    ContentPage.objects.update(first_published_at=london(2026, 2, 1, 9), public_updated_at=london(2026, 2, 1, 9))
    home.refresh_from_db()
    return home


def news_page(**fields) -> models.NewsPage:
    return factories.page(models.NewsPage, models.NewsIndexPage.objects.get(), **fields)


def meeting_page(**fields) -> models.MeetingPage:
    return factories.page(models.MeetingPage, models.MeetingIndexPage.objects.get(), **fields)


def parsed(response):
    assert response.status_code == 200
    result = feedparser.parse(response.content)
    assert result.bozo == 0, result.get("bozo_exception")
    return result


def instant(moment) -> datetime:
    return datetime(*moment[:6], tzinfo=UTC)


# --- To the letter ---


def published_news(**fields) -> models.NewsPage:
    with time_machine.travel(london(2026, 2, 11, 9, 30, 15), tick=False):
        page = news_page(title="Fish & chips", slug="fish", summary="Less < more.", **fields)
    with time_machine.travel(london(2026, 7, 1, 18), tick=False):
        page.update_kind, page.change_note = "major", "Said more."
        return factories.publish(page)


def test_atom_to_the_letter(client, site):
    data, other = factories.document("Data", b"a,b\n", "data.csv"), factories.document("More", b"x", "b.txt")
    cycling = factories.topic(name="Cycling & walking")
    page = published_news(
        body=[("paragraph", "<p>Salt &amp; vinegar.</p>"), ("document", data), ("document", other)],
        topics=[cycling],
    )
    response = client.get("/feeds/news.atom")
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(response.content)  # noqa: S314 - our own bytes
    feed_id = feed.findtext(f"{ATOM}id")
    assert UUID(feed_id.removeprefix("urn:uuid:")) != site.uuid
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-GB"
    assert feed.findtext(f"{ATOM}title") == "Testing Partnership: news"
    assert feed.findtext(f"{ATOM}subtitle") == "What the partnership does, and wants residents to know."
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Testing Partnership"
    assert feed.findtext(f"{ATOM}updated") == "2026-07-01T18:00:00+01:00"
    assert [link.attrib for link in feed.findall(f"{ATOM}link")] == [
        {"href": "http://testserver/feeds/news.atom", "rel": "self", "type": "application/atom+xml"},
        {"href": "http://testserver/news/", "rel": "alternate", "type": "text/html"},
    ]
    [entry] = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{page.uuid}"
    assert entry.findtext(f"{ATOM}title") == "Fish & chips"
    assert entry.findtext(f"{ATOM}summary") == "Less < more."
    assert entry.findtext(f"{ATOM}published") == "2026-02-11T09:30:15+00:00"
    assert entry.findtext(f"{ATOM}updated") == "2026-07-01T18:00:00+01:00"
    assert [each.attrib for each in entry.findall(f"{ATOM}category")] == [{"term": "Cycling & walking"}]
    assert [link.attrib for link in entry.findall(f"{ATOM}link")] == [
        {"href": "http://testserver/news/fish/", "rel": "alternate", "type": "text/html"},
        {
            "href": f"http://testserver/documents/{data.file_key}/data.csv",
            "rel": "enclosure",
            "type": "text/csv",
            "length": "4",
            "title": "Data",
        },
        {
            "href": f"http://testserver/documents/{other.file_key}/b.txt",
            "rel": "enclosure",
            "type": "text/plain",
            "length": "1",
            "title": "More",
        },
    ]
    content = entry.find(f"{ATOM}content")
    assert content.attrib == {"type": "html"}
    assert content.text.splitlines()[:3] == [
        "<p><strong>Updated 1 July 2026:</strong> Said more.</p>",
        '<p class="note">Published 11 February 2026</p>',
        "<p>Salt &amp; vinegar.</p>",
    ]


def test_rss_to_the_letter(client, site):
    data, other = factories.document("Data", b"a,b\n", "data.csv"), factories.document("More", b"x", "b.txt")
    page = published_news(
        body=[("paragraph", "<p>Salt &amp; vinegar.</p>"), ("document", data), ("document", other)],
        topics=[factories.topic(name="Cycling")],
    )
    response = client.get("/feeds/news.rss")
    assert response["Content-Type"] == "application/rss+xml; charset=utf-8"
    channel = ElementTree.fromstring(response.content).find("channel")  # noqa: S314 - our own bytes
    assert channel.findtext("title") == "Testing Partnership: news"
    assert channel.findtext("link") == "http://testserver/news/"
    assert channel.findtext("description") == "What the partnership does, and wants residents to know."
    assert channel.findtext("language") == "en-GB"
    assert channel.findtext("lastBuildDate") == "Wed, 01 Jul 2026 18:00:00 +0100"
    assert [link.attrib for link in channel.findall(f"{ATOM}link")] == [
        {"href": "http://testserver/feeds/news.rss", "rel": "self", "type": "application/rss+xml"}
    ]
    [item] = channel.findall("item")
    assert {child.tag for child in item} == {
        "title",
        "link",
        "description",
        CONTENT,
        "guid",
        "category",
        "enclosure",
        "pubDate",
        f"{ATOM}updated",
        CREATOR,
    }
    assert item.findtext(CREATOR) == "Testing Partnership"
    assert item.find("guid").attrib == {"isPermaLink": "false"}
    assert item.findtext("guid") == f"urn:uuid:{page.uuid}"
    assert item.findtext("title") == "Fish & chips"
    assert item.findtext("link") == "http://testserver/news/fish/"
    assert item.findtext("description") == "Less &lt; more."  # HTML, which says: Less < more.
    assert item.findtext("pubDate") == "Wed, 11 Feb 2026 09:30:15 +0000"
    assert item.findtext(f"{ATOM}updated") == "2026-07-01T18:00:00+01:00"
    assert item.findtext("category") == "Cycling"
    assert [each.attrib for each in item.findall("enclosure")] == [
        {
            "url": f"http://testserver/documents/{data.file_key}/data.csv",
            "length": "4",
            "type": "text/csv",
        }
    ]
    assert "<p>Salt &amp; vinegar.</p>" in item.findtext(CONTENT)


def test_a_feed_reader_gets_the_same_from_both_formats(client, site):
    first = published_news()
    with time_machine.travel(london(2026, 3, 1, 9), tick=False):
        second = news_page(title="Second", slug="second")
    for address in ADDRESSES[:2]:
        result = parsed(client.get(address))
        assert result.feed.title == "Testing Partnership: news"
        assert result.feed.link == "http://testserver/news/"
        assert instant(result.feed.updated_parsed) == datetime(2026, 7, 1, 17, tzinfo=UTC)
        assert [(entry.id, entry.title, entry.link, instant(entry.published_parsed)) for entry in result.entries] == [
            (
                second.uuid.urn,
                "Second",
                "http://testserver/news/second/",
                datetime(2026, 3, 1, 9, tzinfo=UTC),
            ),
            (
                first.uuid.urn,
                "Fish & chips",
                "http://testserver/news/fish/",
                datetime(2026, 2, 11, 9, 30, 15, tzinfo=UTC),
            ),
        ]


def test_what_a_meeting_says(client, site):
    hall = factories.venue(name="Fire Station", room="Room 2", address="Cambridge", postcode="CB1 1JF")
    agenda, report = (
        factories.document("Agenda", sample_content.pdf("Agenda"), "a.pdf", accessible="yes"),
        factories.document("Report"),
    )
    with time_machine.travel(london(2026, 2, 1, 9), tick=False):
        meeting = meeting_page(
            title="Partnership meeting",
            summary="Come along.",
            slug="open",
            status="confirmed",
            starts_at=london(2026, 2, 24, 10),
            venue=hall,
            agenda_items=[models.AgendaItem(number="1", title="Bicycles")],
            papers=[
                models.Paper(kind="report", document=report, agenda_item_number="1"),
                models.Paper(kind="agenda", document=agenda),
            ],
        )
    with time_machine.travel(london(2026, 2, 2, 9), tick=False):
        meeting_page(
            title="Summer meeting",
            summary="On Wednesday 1 July 2026 at the usual place.",
            slug="cancelled",
            status="cancelled",
            status_notice="<p>The hall is flooded.</p>",
            starts_at=london(2026, 7, 1, 14, 30),
            ends_at=london(2026, 7, 1, 16),
            venue=hall,
        )
    with time_machine.travel(london(2026, 2, 3, 9), tick=False):
        meeting_page(
            title="Moved meeting",
            summary="Join us.",
            slug="moved",
            status="rescheduled",
            status_notice="<p>Moved.</p>",
            starts_at=london(2026, 9, 1, 18),
            attendance_mode="online",
            joining_url="https://meet.example/1",
            venue=None,
        )
    with time_machine.travel(london(2026, 2, 4, 9), tick=False):
        meeting_page(
            title="Late meeting",
            summary="Details follow.",
            slug="late",
            status="postponed",
            status_notice="<p>Not yet.</p>",
            starts_at=london(2026, 10, 1, 12),
            attendance_mode="hybrid",
            joining_url="https://meet.example/2",
            venue=(library := factories.venue(name=SECRET)),
        )
    library.unpublish()
    with time_machine.travel(london(2026, 2, 5, 9), tick=False):
        for address in ADDRESSES[2:]:
            response = client.get(address)
            result = parsed(response)
            assert [(entry.title, entry.summary) for entry in result.entries] == [
                (
                    "Postponed: Late meeting",
                    "This meeting was planned for Thursday 1 October 2026, midday, online. Not yet. Details follow.",
                ),
                ("Rescheduled: Moved meeting", "Tuesday 1 September 2026, 6pm, online. Moved. Join us."),
                (
                    "Cancelled: Summer meeting",
                    "This meeting was planned for Wednesday 1 July 2026, 2:30pm to 4pm, "
                    "Room 2, Fire Station, Cambridge, CB1 1JF. The hall is flooded.",
                ),
                (
                    "Partnership meeting",
                    "Tuesday 24 February 2026, 10am, Room 2, Fire Station, Cambridge, CB1 1JF. Come along.",
                ),
            ]
            last = result.entries[-1]
            assert last.id == meeting.uuid.urn
            assert instant(last.published_parsed) == datetime(2026, 2, 1, 9, tzinfo=UTC)
            assert "1. Bicycles" in last.content[0].value
            assert last.enclosures[0].href == f"http://testserver/documents/{agenda.file_key}/a.pdf"
            assert (last.enclosures[0].type, last.enclosures[0].length) == ("application/pdf", str(agenda.file_size))
            assert "The hall is flooded." in result.entries[2].content[0].value
            assert SECRET not in response.content.decode()
        assert len(parsed(client.get("/feeds/meetings.atom")).entries[-1].enclosures) == 2


def test_identity_outlives_a_new_title_a_new_address_and_a_new_host(client, site, settings):
    page = news_page(title="Before", slug="before")
    before = parsed(client.get("/feeds/news.atom"))
    page.title, page.slug = "After", "after"
    factories.publish(page)
    settings.CMS_URL = "https://cms.example.org"
    settings.WEBSITE_URL = "https://www.example.org"
    after = parsed(client.get("/feeds/news.atom"))
    assert after.entries[0].title == "After"
    assert after.entries[0].link == "https://www.example.org/news/after/"
    assert after.feed.link == "https://www.example.org/news/"
    assert [link.href for link in after.feed.links if link.rel == "self"] == ["https://cms.example.org/feeds/news.atom"]
    assert (after.feed.id, after.entries[0].id) == (before.feed.id, before.entries[0].id)
    assert parsed(client.get("/feeds/meetings.atom")).feed.id != after.feed.id


def test_the_newest_thirty_by_first_publication(client, site):
    for number in range(AT_ONCE + 2):
        with time_machine.travel(london(2026, 3, 1, 9) + timedelta(hours=number), tick=False):
            news_page(title=f"News {number}", slug=f"n{number}")
    with time_machine.travel(london(2026, 4, 1, 9), tick=False):
        factories.publish(models.NewsPage.objects.get(slug="n5"))  # a minor update moves nothing
    titles = [entry.title for entry in parsed(client.get("/feeds/news.rss")).entries]
    assert titles == [f"News {number}" for number in range(AT_ONCE + 1, 1, -1)]


# --- What is not in a feed ---


def test_nothing_hidden_is_in_a_feed(client, site):
    text = {"title": SECRET, "summary": SECRET, "body": [("paragraph", f"<p>{SECRET}</p>")]}
    index = models.NewsIndexPage.objects.get()
    now = timezone.now()
    draft = factories.draft(models.NewsPage, index, **text)
    scheduled = factories.draft(models.NewsPage, index, **text)
    scheduled.go_live_at = now + timedelta(days=1)
    factories.approve(scheduled).publish()
    expired, private, withdrawn, unpublished = (news_page(**text) for _ in range(4))
    ContentPage.objects.filter(pk=expired.pk).update(expire_at=now - timedelta(seconds=1))
    PageViewRestriction.objects.create(page=private, restriction_type=PageViewRestriction.LOGIN)
    ContentPage.objects.filter(pk=withdrawn.pk).update(withdrawal_kind="withdrawn")
    unpublished.unpublish()
    hidden = [draft, scheduled, expired, private, withdrawn, unpublished]
    links = "".join(f'<a linktype="page" id="{page.pk}">word</a> ' for page in hidden)
    body = [("paragraph", f"<p>{links}</p>"), *(("page_link", {"page": page, "text": ""}) for page in hidden)]
    news_page(title="Public", body=body)
    changed = news_page(title="Public too")
    changed.title = SECRET
    changed.save_revision()
    factories.draft(models.MeetingPage, models.MeetingIndexPage.objects.get(), title=SECRET)
    for address in ADDRESSES:
        assert SECRET not in client.get(address).content.decode()
    entries = {entry.title: entry for entry in parsed(client.get("/feeds/news.atom")).entries}
    assert set(entries) == {"Public", "Public too"}
    assert "<p>word word word word word word </p>" in entries["Public"].content[0].value


def test_no_place_that_readers_may_not_see_is_in_the_log_of_a_meeting(client, site, ask):
    """The log is for good: a venue that is not public when the meeting changes does not come into it."""
    hall = factories.venue(name=SECRET, address=SECRET, postcode="CB1 1JF")
    with time_machine.travel(london(2026, 11, 30, 9), tick=False):
        meeting = meeting_page(title="Public meeting", slug="public", venue=hall, starts_at=london(2026, 12, 24, 10))
        hall.unpublish()
    hidden = factories.venue(name=SECRET, address=SECRET, live=False)
    after = models.MeetingPage.objects.get()
    after.venue = hidden
    assert after.changes_since(meeting, timezone.now()) == []  # from one that nobody sees to another
    after.venue, after.status_notice = factories.venue(name="Library", room=""), "<p>Elsewhere.</p>"
    factories.publish(after)
    assert meeting.change_log.get().before == ""
    log = ask("{ meetings { nodes { changeLog { field before after reason } } } }")["meetings"]["nodes"]
    assert log == [
        {
            "changeLog": [
                {"field": "venue", "before": None, "after": "Library, Cambridge, CB1 1JF", "reason": "Elsewhere."}
            ]
        }
    ]
    assert parsed(client.get("/feeds/meetings.atom")).entries[0].summary == (
        "The meeting planned for Thursday 24 December 2026, 10am has been moved to Thursday 24 December 2026, 10am, "
        "Library, Cambridge, CB1 1JF: Elsewhere."
    )
    for address in ("/meetings/public/", "/feeds/meetings.json", "/feeds/meetings.ics", *ADDRESSES):
        assert SECRET not in client.get(address).content.decode()


@pytest.mark.parametrize("name", ["first_published_at", "public_updated_at"])
def test_nothing_is_dated_in_the_future(client, site, name):
    page = news_page(title=SECRET)
    ContentPage.objects.filter(pk=page.pk).update(**{name: timezone.now() + timedelta(hours=1)})
    for address in ADDRESSES[:2]:
        assert parsed(client.get(address)).entries == []
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert [entry.title for entry in parsed(client.get(ADDRESSES[0])).entries] == [SECRET]


def test_a_feed_is_valid_before_there_is_anything(client, site):
    for each in listings(timezone.now()):
        for kind in ("rss", "atom"):
            result = parsed(client.get(f"/feeds/{each.name}.{kind}"))
            assert result.entries == []
            # That of the page which lists the same things, where there is one.
            since = datetime(2026, 2, 1, 9, tzinfo=UTC) if each.page else datetime(2000, 1, 1, tzinfo=UTC)
            assert instant(result.feed.updated_parsed) == since
    site.unpublish()
    for address in ADDRESSES:
        response = client.get(address)
        assert instant(parsed(response).feed.updated_parsed) == datetime(2000, 1, 1, tzinfo=UTC)
        assert "Testing Partnership" not in response.content.decode()


# --- Any text ---


def test_odd_titles_from_the_database(client, site):
    titles = ["Bell \x07 rings", "🚲 & <b>bikes</b>", "\u202eברא"]
    for number, title in enumerate(titles):
        with time_machine.travel(london(2026, 3, 1 + number, 9), tick=False):
            page = news_page(slug=f"n{number}")
        ContentPage.objects.filter(pk=page.pk).update(title=title)
    root = ElementTree.fromstring(client.get("/feeds/news.rss").content)  # noqa: S314 - our own bytes
    assert [item.findtext("title") for item in root.iter("item")] == [
        "\u202eברא",
        "🚲 & <b>bikes</b>",
        "Bell rings",
    ]
    assert len(parsed(client.get("/feeds/news.atom")).entries) == 3


def test_the_general_feed_can_be_the_only_one_of_a_type(home, monkeypatch):
    monkeypatch.setattr(models.StandardPage, "feed_key", "all")
    assert places(factories.page(models.StandardPage, home)) == ["all"]
