"""Every document of every feed is what its specification says, with any text; and the checks refuse what is not."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from html import unescape
from uuid import UUID

import feedparser
import icalendar
import pytest
import time_machine
from django.utils import timezone
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree

from cms.leakcheck.check import Answer
from feeds.catalogue import FeedDefinition, listings
from feeds.entry import REMOVED, Enclosure, Entry, Feed, clean, clean_address, clean_line, removed
from feeds.event import Event
from feeds.read.sources import AT_ONCE
from feeds.write import calendar, syndication
from feeds.write.json_feed import json_feed
from feeds.write.opml import opml
from pages import models
from pages.takedown.withdrawal import withdraw
from tests import factories
from tests.factories import london
from tests.feed_clients import FollowsWithReader, by_feedsmith
from tests.hidden_content import administrator
from tests.test_calendar_texts import valid as valid_calendar
from tests.test_node_clients import need_node
from tests.valid_feeds import ATOM, CONTENT, MEDIA, faults_of_atom, faults_of_json_feed, faults_of_opml, faults_of_rss
from tests.w3c_rules import warnings_of

pytestmark = pytest.mark.one_database

FAULTS_OF = {"rss": faults_of_rss, "atom": faults_of_atom, "json": faults_of_json_feed}
URL = "http://testserver/feeds/news.xml"
HUB = "https://hub.example.org/"


# --- The documents of a site ---


@pytest.fixture
def full_site(client, home, settings):
    """More stories than fit into a feed, a correction, one that was withdrawn, one that went, one of everything else."""
    settings.WEBSUB_HUB = HUB
    with time_machine.travel(london(2026, 3, 1, 9), tick=False) as clock:
        index = factories.page(models.NewsIndexPage, home, slug="news")
        meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
        reviews = factories.page(models.DeathReviewIndexPage, home)
        period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
        topic = factories.topic(slug="cycling")
        factories.page(models.PriorityPage, period, slug="theft", topics=[topic])
        factories.page(models.DeathReviewNoticePage, reviews)
        factories.page(
            models.MeetingPage, meetings, papers=[models.Paper(kind="agenda", document=factories.document())]
        )
        stories = []
        for number in range(AT_ONCE + 4):
            clock.shift(timedelta(hours=1))
            more = (
                {} if number < AT_ONCE else {"image": factories.image(), "body": [("document", factories.document())]}
            )
            stories.append(factories.page(models.NewsPage, index, topics=[topic], **more))
        clock.shift(timedelta(hours=1))
        client.get("/feeds/news.atom")  # writes the entries
        withdraw(stories[-1], administrator(), "withdrawn", "The figures were wrong.")
        clock.shift(timedelta(minutes=1))
        stories[-2].unpublish()
        clock.shift(timedelta(minutes=1))
        stories[-3].update_kind, stories[-3].change_note = "major", "It was <Tuesday>."
        factories.publish(stories[-3])
        clock.shift(timedelta(hours=1))
        yield listings(london(2026, 3, 4, 9))


def test_every_document_of_a_site_is_valid(client, full_site):
    checked = set()
    for each in full_site:
        for kind, faults_of in FAULTS_OF.items():
            for query in ("", "?archive=1"):
                response = client.get(f"/feeds/{each.name}.{kind}{query}")
                if response.status_code == 200:
                    assert faults_of(response.content) == [], (each.name, kind, query)
                    checked.add((each.name, kind, query))
                    if kind != "json":
                        address = f"{each.url(kind)}{query}"
                        assert warnings_of(response.content, address, timezone.now()) == [], address
    assert len(checked) == 3 * (8 + 3)  # eight feeds, three of which have an archive
    assert faults_of_opml(client.get("/feeds.opml").content) == []
    news = etree.fromstring(client.get("/feeds/news.atom").content)
    assert [each.text for each in news.iter(f"{ATOM}title")].count(REMOVED) == 1


def test_a_hub_and_the_pages_of_a_json_feed(client, full_site):
    """An older page belongs to the same feed, whose address identifies it."""
    first = json.loads(client.get("/feeds/news.json").content)
    second = json.loads(client.get("/feeds/news.json?archive=1").content)
    assert first["next_url"] == "http://testserver/feeds/news.json?archive=1"
    assert first["feed_url"] == second["feed_url"] == "http://testserver/feeds/news.json"
    assert (first["hubs"], "hubs" in second, "next_url" in second) == ([{"type": "WebSub", "url": HUB}], False, False)


def test_pictures_and_files_of_unknown_length():
    """Atom has room for both; RSS for one file, beside the picture."""
    documents = written(feed_of(entry_with("Fish")))
    assert [dict(each.attrib) for each in etree.fromstring(documents["atom"]).findall(f"{ATOM}entry/{ATOM}link")] == [
        {"href": "http://testserver/news/x/", "rel": "alternate", "type": "text/html"},
        {"href": "http://testserver/news/x/", "rel": "enclosure", "type": "text/csv", "title": "Fish"},
        {"href": "http://testserver/news/x/", "rel": "enclosure", "type": "text/csv", "length": "5"},
    ]
    [item] = etree.fromstring(documents["rss"]).iter("item")
    [file] = item.findall("enclosure")
    assert dict(file.attrib) == {"url": "http://testserver/news/x/", "length": "0", "type": "text/csv"}
    for entry in (item, etree.fromstring(documents["atom"]).find(f"{ATOM}entry")):
        [picture] = entry.findall(f"{MEDIA}content")
        assert dict(picture.attrib) == {"url": "http://testserver/news/x/", "type": "image/webp", "medium": "image"}
        assert [(each.tag, each.text) for each in picture] == [(f"{MEDIA}description", "Fish")]
    [item] = json.loads(documents["json"])["items"]
    assert item["image"] == "http://testserver/news/x/"
    assert item["attachments"] == [
        {"url": "http://testserver/news/x/", "mime_type": "text/csv", "title": "Fish"},
        {"url": "http://testserver/news/x/", "mime_type": "text/csv", "size_in_bytes": 5},
    ]


def test_what_has_no_words():
    """RSS needs a description of a feed, not of an entry; its content stays content."""
    documents = written(feed_of(entry_with(""), ""))
    channel = etree.fromstring(documents["rss"]).find("channel")
    assert (channel.findtext("title"), channel.findtext("description")) == ("Untitled", "Untitled")
    [item] = channel.findall("item")
    assert (item.findtext("title"), item.findtext("description"), item.findtext(CONTENT)) == ("Untitled", "", "<p></p>")
    feed = etree.fromstring(documents["atom"])
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Untitled"
    assert feed.findtext(f"{ATOM}entry/{ATOM}summary") == " "  # validators warn of an empty one


@pytest.mark.parametrize(
    ("address", "written_as"),
    [
        ("http://testserver/news/x/?a=b&c=%20#d", "http://testserver/news/x/?a=b&c=%20#d"),
        ("http://testserver/café/🚲 and\nmore/", "http://testserver/caf%C3%A9/%F0%9F%9A%B2%20and%20more/"),
        ("http://testserver/100%/%zz/[x]/", "http://testserver/100%25/%25zz/%5Bx%5D/"),
        ("http://[::1]:8000/x\x00\ud800/", "http://[::1]:8000/x/"),
        ("http://testserver", "http://testserver"),
    ],
)
def test_addresses_are_uris(address, written_as):
    assert clean_address(address) == clean_address(written_as) == written_as
    assert Enclosure(address, 0, "text/csv").url == written_as


# --- The checks refuse what is broken ---


def entry_with(text: str, address: str = "http://testserver/news/x/") -> Entry:
    at = london(2026, 7, 1, 9)
    return Entry(
        uuid=UUID(int=7),
        url=address,
        title=text,
        summary=text,
        html=f"<p>{text}</p>",
        published=at,
        updated=at,
        categories=(text,),
        enclosures=(Enclosure(address, 0, "text/csv", text), Enclosure(address, 5, "text/csv")),
        image=Enclosure(address, 0, "image/webp", text),
        change_note=text,
    )


def feed_of(entry: Entry, text: str = "News", *more: Entry) -> Feed:
    return Feed(
        uuid=UUID(int=8),
        url=entry.url,
        title=text,
        description=text,
        author=text,
        updated=london(2026, 7, 1, 9),
        entries=(entry, *more),
        icon="http://testserver/static/feeds/icon.png",
        logo="http://testserver/static/feeds/logo.png",
        archive=2,
    )


def written(feed: Feed) -> dict[str, bytes]:
    links = [("hub", HUB), ("prev-archive", f"{URL}?archive=1")]
    return {
        "rss": syndication.rss(feed, URL, links),
        "atom": syndication.atom(feed, URL, links),
        "json": json_feed(feed, URL, f"{URL}?archive=1", HUB),
    }


BROKEN = {
    "atom": {
        "<id>urn:uuid:00000000-0000-0000-0000-000000000007</id>": "",
        "<title>Fish</title>": "",
        "<updated>2026-07-01T09:00:00+01:00</updated><author>": "<author>",
        "<published>2026-07-01T09:00:00+01:00</published>": "<published>2026-07-01T09:00:00</published>",
        "<published>2026-07-01": "<published>2026-7-1",
        "<author><name>News</name></author>": "",
        '<content type="html">': '<content type="CDATA">',
        ' length="5"': ' length="0"',
        ' type="text/csv"': ' type="csv"',
        '<category term="Fish"/>': '<category label="Fish"/>',
        'rel="self"': 'rel="related"',
        '<link href="http://testserver/news/x/" rel="alternate" type="text/html"/>': '<link href="/news/x/"/>',
        'rel="enclosure" href="http://testserver/news/x/" type="text/csv" length="5"': 'href="http://testserver/a" type="text/html"',
        "<summary>Fish</summary>": "<abstract>Fish</abstract>",
        "<published>": "<published>2026-07-01T09:00:00+01:00</published><published>",
        'xml:lang="en-GB"': 'xml:lang="British English"',
    },
    "rss": {
        'version="2.0"': 'version="0.91"',
        "<title>News</title>": "",
        "<link>http://testserver/news/x/</link><description>News": "<description>News",
        "<description>News</description>": "",
        "Wed, 01 Jul 2026": "Thu, 01 Jul 2026",
        "<pubDate>Wed, 01 Jul 2026 09:00:00 +0100</pubDate>": "<pubDate>2026-07-01T09:00:00+01:00</pubDate>",
        ' isPermaLink="false"': "",
        '<guid isPermaLink="false">urn:uuid:00000000-0000-0000-0000-000000000007</guid>': "",
        ' length="0"': "",
        'length="0"': 'length="unknown"',
        "<category>Fish</category>": "<tag>Fish</tag>",
        '<enclosure url="http://testserver/news/x/"': '<enclosure url="/x/"',
        "<enclosure ": '<enclosure url="http://testserver/y" length="1" type="text/csv"/><enclosure ',
        'rel="self"': 'rel="related"',
        "<pubDate>": "<pubDate>Wed, 01 Jul 2026 09:00:00 +0100</pubDate><pubDate>",
    },
    "json": {
        '"version": "https://jsonfeed.org/version/1.1"': '"version": "1.1"',
        '"title": "News"': '"name": "News"',
        '"id": "urn:uuid:00000000-0000-0000-0000-000000000007"': '"id": 7',
        '"content_html"': '"content"',
        '"date_published": "2026-07-01T09:00:00+01:00"': '"date_published": "2026-07-01"',
        '"url": "http://testserver/news/x/"': '"url": "/news/x/"',
        '"size_in_bytes": 5': '"size_in_bytes": "5"',
        '"mime_type": "text/csv"': '"type": "text/csv"',
        '"authors"': '"author"',
        '"type": "WebSub"': '"kind": "WebSub"',
        "?archive=1": "",
    },
}


@pytest.mark.parametrize(
    ("kind", "sound", "broken"), [(k, *pair) for k, pairs in BROKEN.items() for pair in pairs.items()]
)
def test_a_broken_document_is_refused(kind, sound, broken):
    document = written(feed_of(entry_with("Fish")))[kind].decode()
    assert FAULTS_OF[kind](document.encode()) == []
    assert sound in document
    assert FAULTS_OF[kind](document.replace(sound, broken).encode()) != []


WARNED_OF = {
    "atom": {
        'xmlns="http://www.w3.org/2005/Atom"': 'xmlns="http://www.w3.org/2005/Atom" xmlns:atom="http://www.w3.org/2005/Atom"',
        'xmlns:media="http://search.yahoo.com/mrss/"': 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"',
        "<icon>http://testserver/static/feeds/icon.png</icon>": "",
        ' length="5"': "",
        "<summary>Fish</summary>": "<summary></summary>",
        "<summary>Fish</summary> ": "<summary>&lt;b&gt;Fish&lt;/b&gt;</summary>",
        "&lt;p&gt;Fish": "&lt;script&gt;&lt;/script&gt;&lt;p&gt;Fish",
        "&lt;p&gt;Fish ": "&lt;a href='/x'&gt;&lt;/a&gt;Fish",
        "2026-07-01T08:00:00+01:00</updated>": "2026-07-01T09:00:00+01:00</updated>",
        f'{URL}" rel="self': f'{URL}x" rel="self',
        "<id>urn:uuid:00000000-0000-0000-0000-000000000007": "<updated>2031-07-01T09:00:00+01:00</updated><id>urn:uuid:7",
    },
    "rss": {
        "<dc:creator>News</dc:creator>": "",
        "<url>http://testserver/static/feeds/icon.png</url>": "<url>http://testserver/static/feeds/icon.webp</url>",
        "<description>Fish</description>": "",
        "<width>144</width>": "<width>145</width>",
        "<category>Fish</category>": "<category/>",
        '<atom:link href="http://testserver/feeds/news.xml" rel="self"': '<atom:link href="x" rel="self"',
    },
}


@pytest.mark.parametrize(
    ("kind", "sound", "broken"), [(k, *pair) for k, pairs in WARNED_OF.items() for pair in pairs.items()]
)
def test_what_the_validator_warns_of_is_seen(kind, sound, broken):
    entry = replace(entry_with("Fish"), enclosures=(Enclosure("http://testserver/a", 5, "text/csv"),))
    gone = removed(UUID(int=9), entry.url, london(2026, 7, 1, 8), london(2026, 7, 1, 8))
    document, now = written(feed_of(entry, "News", gone))[kind].decode(), london(2026, 7, 1, 9)
    assert warnings_of(document.encode(), URL, now) == []
    assert sound.strip() in document
    assert warnings_of(document.replace(sound.strip(), broken).encode(), URL, now) != []


@pytest.mark.parametrize("kind", FAULTS_OF)
def test_one_identity_twice_is_refused(kind):
    entry = entry_with("Fish")
    feed = feed_of(entry)
    object.__setattr__(feed, "entries", (entry, entry))
    assert [each for each in FAULTS_OF[kind](written(feed)[kind]) if each in ("one identity twice", "one guid twice")]


@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        ('version="2.0"', ""),
        ("<title>News</title>", "<title/>"),
        ('type="rss"', 'type="link"'),
        ('text="Fish"', 'name="Fish"'),
        ('xmlUrl="http://', 'xmlUrl="'),
    ],
)
def test_a_broken_list_of_feeds_is_refused(sound, broken):
    document = opml("News", [FeedDefinition("k", "news", "Fish", "About fish.")]).decode()
    assert faults_of_opml(document.encode()) == []
    assert sound in document
    assert faults_of_opml(document.replace(sound, broken).encode()) != []


# --- Any text ---

ODD = [
    "\x00\x08\x0b\x1f\x7f\x85",
    "a\ud800b\udfffc",
    "\ufffe\uffff",
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\u202eברא\u202c العربية",
    "]]><!-- & <b> &#0; &nope;",
    "<p><ul><li>broken </b></p><script>alert(1)</script",
    "Long. " * 20_000,
    "",
    " \t\r\n\u2028 ",
]
TEXTS = st.text(st.characters(), max_size=60) | st.text(st.sampled_from("<>&;\"'/!-[]ab \n\x00\ud800🚲א"), max_size=60)
ADDRESSES = [
    "http://testserver/news/x/",
    "http://testserver/caf\u00e9/\U0001f6b2/?q=a b&c=<d>#\u05d0",
    "http://testserver/100%/%zz/%41",
    'http://testserver/"quoted"/\\{x}|^`',
    "http://testserver/\x00bell\x07/\ud800\n/end",
]
EVERYTHING = st.sampled_from(ADDRESSES) | st.text(st.characters(), max_size=30).map("http://testserver/x{}".format)


def examples(function):
    for number, text in enumerate(ODD):
        function = example(text, ADDRESSES[number % len(ADDRESSES)])(function)
    return function


def examples_of_texts(function):
    for text in ODD:
        function = example(text)(function)
    return function


@hypothesis_settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(TEXTS, EVERYTHING)
@examples
def test_no_text_and_no_address_breaks_a_feed(text, address):
    entry = entry_with(text, address)
    documents = written(feed_of(entry, text))
    for kind, document in documents.items():
        assert FAULTS_OF[kind](document) == []
    assert clean_address(entry.url) == entry.url
    title, name, html = clean_line(text) or "Untitled", clean_line(text), entry.content
    [item] = json.loads(documents["json"])["items"]
    assert (item["url"], item["title"], item["summary"], item["content_html"]) == (entry.url, title, name, html)
    assert clean(f"<p>{text}</p>") in html
    for kind in ("rss", "atom"):
        read = feedparser.parse(documents[kind], sanitize_html=False, resolve_relative_uris=False)
        assert read.bozo == 0
        [found] = read.entries
        assert found.id == "urn:uuid:00000000-0000-0000-0000-000000000007"
        assert found.link == entry.url
        assert found.content[0].value == html.strip()
        if kind == "atom":
            assert (found.title, found.get("summary", "")) == (title, name)
            assert [tag.term for tag in found.get("tags", [])] == ([name] if name else [])
        elif name:  # feedparser would take the content for it
            assert unescape(found.summary) == name


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Plain", "Plain"),
        ("Two\n lines\t here", "Two lines here"),
        ("Bell\x07 and \ud83d half", "Bell and half"),
        ("Café 🚲 ברא", "Café 🚲 ברא"),
        ("\x00\ufffe", "Untitled"),
    ],
)
def test_titles_lose_only_what_cannot_be_shown(text, title):
    assert entry_with(text).title == title


def test_html_keeps_its_lines():
    assert clean("<p>a</p>\n<p>\x0bb\u00a0c</p>") == "<p>a</p>\n<p>b\u00a0c</p>"


def test_no_text_is_lost_in_feedsmith(tmp_path):
    need_node()
    paths, entries = [], []
    for number, (text, address) in enumerate(zip(ODD, [*ADDRESSES, *ADDRESSES], strict=True)):
        entries.append(entry_with(text, address))
        for kind, document in written(feed_of(entries[-1], text)).items():
            paths.append(tmp_path / f"{number}.{kind}")
            paths[-1].write_bytes(document)
    read = iter(by_feedsmith(*paths))
    for entry in entries:
        for kind in ("rss", "atom", "json"):
            [found] = next(read)
            assert (found.id, found.url) == (entry.id, entry.url)
            summary = unescape(found.summary) if kind == "rss" else found.summary
            assert (found.title, summary, found.html) == (entry.title, entry.summary, entry.content), kind
            assert found.categories == list(entry.categories)


def test_no_text_is_lost_in_reader(tmp_path):
    """Without RSS: the titles of that may be HTML or not, and whoever reads one has to guess."""
    entries = [entry_with(text, address) for text, address in zip(ODD, [*ADDRESSES, *ADDRESSES], strict=True)]
    documents = {
        f"/{number}.{kind}": document
        for number, entry in enumerate(entries)
        for kind, document in written(feed_of(entry)).items()
        if kind != "rss"
    }
    types = {"atom": "application/atom+xml", "json": "application/feed+json"}

    def respond(method, path, headers, body):
        return Answer(200, {"Content-Type": types[path.partition(".")[2]]}, documents[path])

    with closing(FollowsWithReader(respond, tmp_path / "reader.sqlite")) as reader:
        found = reader.poll(*documents)
    for number, entry in enumerate(entries):
        for kind in types:
            [read] = found[f"/{number}.{kind}"]
            assert (read.id, read.link, read.title) == (entry.id, entry.url, entry.title)
            assert (read.summary or "") == entry.summary
            if kind == "json":  # that of Atom it cleans
                assert read.content[0].value == entry.content


@hypothesis_settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(TEXTS)
@examples_of_texts
def test_no_text_breaks_the_list_of_feeds(text):
    document = opml(text, [FeedDefinition("k", "news", text, text)])
    assert faults_of_opml(document) == []
    [outline] = etree.fromstring(document).iter("outline")
    assert outline.get("text") == outline.get("title") == (clean_line(text) or "Untitled")
    assert outline.get("description") == clean_line(text)


@hypothesis_settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(TEXTS, EVERYTHING)
@examples
def test_no_text_and_no_address_breaks_a_calendar(text, address):
    at = london(2026, 7, 1, 9)
    event = Event(UUID(int=7), address, text, at, None, "CONFIRMED", text, text, 0, at)
    document = calendar.calendar([event], text, text, address)
    valid_calendar(document)
    [found] = icalendar.Calendar.from_ical(document).events
    assert found["url"] == clean_address(address)
    # The library takes the letters \\N for the end of a line.
    assert str(found["summary"]) == (clean_line(text) or "Meeting").replace("\\N", "\n")
