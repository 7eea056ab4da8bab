"""The pages on which people find the feeds: they work with no script, and say all that one needs."""

import pytest
from bs4 import BeautifulSoup

from pages import models
from tests import factories

pytestmark = pytest.mark.one_database

CALENDAR = "http://testserver/feeds/meetings.ics"
QUERY = "?url=http%3A%2F%2Ftestserver%2Ffeeds%2Fmeetings.ics&name=Meetings"
BUTTONS = {
    "webcal": "webcal://testserver/feeds/meetings.ics",
    # Google Calendar hides events with the status "cancelled".
    "google": "https://calendar.google.com/calendar/r?cid=webcal%3A%2F%2Ftestserver%2Ffeeds%2Fmeetings-with-cancelled.ics",
    "outlook": f"https://outlook.live.com/calendar/0/addfromweb{QUERY}",
    "office": f"https://outlook.office.com/calendar/0/addfromweb{QUERY}",
}


@pytest.fixture
def story(home):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    topic = factories.topic(name="Cycling", slug="cycling")
    return factories.page(
        models.NewsPage, index, title="A <story>", slug="a-story", summary="It happened.", topics=[topic]
    )


POLICY = (
    "default-src 'none'; style-src 'self' http://testserver; img-src 'self' http://testserver; "
    "script-src 'self' http://testserver; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def soup(client, path, status=200, cache_control="no-cache"):
    client.cookies["sessionid"] = "not-a-session"
    answer = client.get(path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == cache_control
    assert answer["Content-Security-Policy"] == POLICY
    assert not answer.cookies
    assert not answer.has_header("Vary")
    return BeautifulSoup(answer.content, "html.parser")


def test_all_feeds_are_on_one_page(client, story):
    page = soup(client, "/feeds/")
    assert page.h1.text == "Follow what is published"
    assert [each.text for each in page.select(".feed h3, .feed h4")] == [
        "All updates",
        "News",
        "Meetings",
        "Publications",
        "Priorities",
        "Cycling",
    ]
    addresses = {code.text for code in page.select("details:not([open]) .feed-addresses code")}
    assert {f"http://testserver/feeds/topics/cycling.{kind}" for kind in ("rss", "atom", "json")} <= addresses
    assert {address: client.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)
    assert not any("death-reviews." in each for each in addresses)
    assert [each.text for each in page.select(".children a")] == ["A <story>"]
    discovered = {link["href"] for link in page.select('link[rel="alternate"]')}
    assert "http://testserver/feeds/all.atom" in discovered
    assert not any("death-reviews" in each for each in discovered)
    own = {link["href"] for link in page.select("a") if link["href"].startswith(("/", "http://testserver/"))}
    names = ["all", "news", "meetings", "publications", "priorities", "topics/cycling"]
    assert own == {
        "/feeds/",
        "http://testserver/",
        "http://testserver/news/a-story/",
        "http://testserver/feeds/death-reviews/",
        "http://testserver/feeds.opml",
        *(f"http://testserver/feeds/{name}/" for name in names),
    }
    # A link never opens a wall of code: it leads to a page for people, or saves a file.
    for link in page.select("a"):
        if link["href"] in own and not link.has_attr("download"):
            assert client.get(link["href"])["Content-Type"] == "text/html; charset=utf-8", link["href"]
    assert {address: client.get(address).status_code for address in own} == dict.fromkeys(own, 200)
    others = {link["href"] for link in page.select("a")} - {*own, "#main"}
    assert others == set(BUTTONS.values())
    # Buttons that need a script are not there without one.
    assert all(button.has_attr("hidden") for button in page.select("button"))


@pytest.mark.parametrize("name", ["all", "news", "topics/cycling", "death-reviews"])
def test_each_feed_has_a_page_of_its_own(client, story, name):
    page = soup(client, f"/feeds/{name}/", cache_control="no-store" if name == "death-reviews" else "no-cache")
    kinds = ("rss", "atom", "json")
    assert [code.text for code in page.select("details:not([open]) .feed-addresses code")] == [
        f"http://testserver/feeds/{name}.{kind}" for kind in kinds
    ]
    assert [link["href"] for link in page.select('link[rel="alternate"]')] == [
        f"http://testserver/feeds/{name}.{kind}" for kind in kinds
    ]
    shown = [each.text for each in page.select(".children a")]
    assert shown == ([] if name == "death-reviews" else ["A <story>"])
    assert ("Nothing has been published here yet." in page.text) is (name == "death-reviews")


def test_the_page_of_meetings_offers_their_calendar(client, story):
    page = soup(client, "/feeds/meetings/")
    assert [link["href"] for link in page.select("main a")] == list(BUTTONS.values())
    assert [code.text for code in page.select("details:not([open]) code")] == [
        CALENDAR,
        "http://testserver/feeds/meetings-with-cancelled.ics",
        *(f"http://testserver/feeds/meetings.{kind}" for kind in ("rss", "atom", "json")),
    ]
    assert "On an Android phone, choose “Google Calendar”" in page.text
    assert [link["href"] for link in page.select('link[rel="alternate"]')] == [
        f"http://testserver/feeds/meetings.{kind}" for kind in ("rss", "atom", "json", "ics")
    ]


def test_the_page_of_death_reviews_warns_names_who_helps_and_lets_people_leave(client, home):
    factories.support_service(name="A <helpline>", phone="0800 1")
    factories.support_service(name="Not yet", live=False)
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    notice = factories.page(models.DeathReviewNoticePage, index)
    helpline = notice.notice_support_services.get().service
    page = soup(client, "/feeds/death-reviews/", cache_control="no-store")
    assert page.select_one(".exit").text == "Exit this page"
    assert page.find("meta", attrs={"name": "robots"})["content"] == "noindex"
    assert client.get("/feeds/death-reviews/")["X-Robots-Tag"] == "noindex"
    warning = page.select_one(".callout")
    assert warning.p.text.startswith("Content warning: what you follow here is about deaths")
    assert [each.text for each in warning.select("li")] == [
        "A <helpline>, telephone 0800 1",
        f"{helpline.name}, telephone 0800 000 000",
    ]
    assert [each.text for each in page.select(".children a")] == [f"Death review {notice.reference}"]
    # No other page is as careful, or needs to be.
    other = soup(client, "/feeds/all/")
    assert not other.select(".exit, .callout, meta[name=robots]")
    assert not client.get("/feeds/all/").has_header("X-Robots-Tag")


def test_a_feed_that_is_not_there_has_no_page(client, story):
    for name in (
        "nonsense",
        "topics",
        "topics/nonsense",
        "priorities/nonsense",
        "all.rss",
        "%00",
        "topics/%00",
        "priorities/2025-%00",
        "a" * 999,
    ):
        page = soup(client, f"/feeds/{name}/", status=404)
        assert page.h1.text == "Page not found"
        assert client.get(f"/feeds/{name}.atom").status_code == 404
        assert "http://testserver/feeds/all.atom" in {link["href"] for link in page.select('link[rel="alternate"]')}


def test_the_page_of_a_priority_goes_with_it(client, home):
    period = factories.page(models.PriorityPeriodPage, home, slug="2025")
    priority = factories.page(models.PriorityPage, period, slug="theft", title="Theft")
    assert soup(client, "/feeds/priorities/2025-theft/").h1.text == "Follow: Theft"
    priority.unpublish()
    page = soup(client, "/feeds/priorities/2025-theft/", status=410)
    assert page.h1.text == "This page has been removed"
    assert "Theft" not in page.text


def test_only_reading_is_allowed(client, story):
    for address in ("/feeds/", "/feeds/all/"):
        head = client.head(address)
        assert (head.status_code, head.content) == (200, b"")
        for method in ("post", "put", "patch", "delete"):
            assert getattr(client, method)(address).status_code == 405


def test_a_correction_is_told_beside_its_entry(client, story):
    story.title, story.update_kind, story.change_note = "A <story>", "major", "The date was <wrong>."
    factories.publish(story)
    entry = soup(client, "/feeds/news/").select_one(".children li")
    assert entry.select_one(".note").text.endswith(": The date was <wrong>.")


def test_the_front_page_leads_there_and_offers_no_wall_of_addresses(client, story):
    page = BeautifulSoup(client.get("/").content, "html.parser")
    assert [link["href"] for link in page.select("a") if "feed" in link["href"]] == ["/feeds/", "/feeds/"]
    assert [(link.parent.name, link.text) for link in page.select("a[href='/feeds/']")] == [
        ("p", "how to get news, meetings and plans"),
        ("footer", "Follow what is published"),
    ]
    names = ["all", "news", "meetings", "publications", "priorities"]
    assert {link["href"] for link in page.select('link[rel="alternate"]')} == {
        CALENDAR,
        *(f"http://testserver/feeds/{name}.{kind}" for name in names for kind in ("rss", "atom", "json")),
    }


def test_priorities_are_under_the_titles_of_their_periods(client, home):
    """Two periods may have a priority of the same name."""
    for slug, starts_on in (("2021", "2021"), ("2025", "2025")):
        period = factories.page(models.PriorityPeriodPage, home, slug=slug, title=f"From {slug}", starts_on=starts_on)
        for title in ("CCTV", "Theft"):
            factories.page(models.PriorityPage, period, title=title, slug=title.lower())
    page = soup(client, "/feeds/")
    by_priority = page.find("h2", string="By priority")
    found = [(each.name, each.text) for each in by_priority.find_all_next(["h2", "h3", "h4"])]
    assert found[: found.index(("h2", "Death reviews"))] == [
        ("h3", "From 2025"),
        ("h4", "CCTV"),
        ("h4", "Theft"),
        ("h3", "From 2021"),
        ("h4", "CCTV"),
        ("h4", "Theft"),
    ]
    assert b"<title>Testing Partnership: CCTV</title>" in client.get("/feeds/priorities/2021-cctv.atom").content


@pytest.mark.parametrize("device", ["On an iPhone or an iPad", "On an Android phone", "On a computer"])
def test_there_is_a_way_for_each_device(client, story, device):
    steps = soup(client, "/feeds/").find("h3", string=device).find_next("ol").select("li")
    assert "“Copy link”" in steps[1].text
    assert len(steps) == 3


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        *((address, "all.rss") for address in ("/feed", "/feed/", "/rss", "/rss.xml", "/feed.xml", "/index.xml")),
        ("/atom.xml", "all.atom"),
        ("/feed.json", "all.json"),
        ("/calendar.ics", "meetings.ics"),
    ],
)
def test_usual_addresses_lead_to_the_feeds(client, home, address, leads_to):
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (301, f"http://testserver/feeds/{leads_to}")
    assert client.get(answer["Location"]).status_code == 200
