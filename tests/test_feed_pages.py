"""The pages on which people find the feeds: they work with no script, and say all that one needs."""

import pytest
from bs4 import BeautifulSoup

from feeds.web_pages import _calendar
from pages import models
from tests import factories


CALENDAR = "http://testserver/feeds/meetings.ics"


@pytest.fixture
def story(home):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    topic = factories.topic(name="Cycling", slug="cycling")
    return factories.page(models.NewsPage, index, title="A <story>", summary="It happened.", topics=[topic])


def soup(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not answer.cookies
    return BeautifulSoup(answer.content, "html.parser")


def test_all_feeds_are_on_one_page(client, story):
    page = soup(client, "/feeds/")
    assert page.h1.text == "Follow what is published"
    assert [each.text for each in page.select(".feed h3")] == [
        "All updates",
        "News",
        "Meetings",
        "Publications",
        "Priorities",
        "Cycling",
    ]
    addresses = {link["href"] for link in page.select(".feed-addresses a")}
    assert {f"http://testserver/feeds/topics/cycling.{kind}" for kind in ("rss", "atom", "json")} <= addresses
    assert not any("death-reviews." in each for each in addresses)
    assert page.find("a", href="http://testserver/feeds/death-reviews/")
    assert page.find("a", href="http://testserver/feeds.opml")
    assert [each.text for each in page.select(".children a")] == ["A <story>"]
    discovered = {link["href"] for link in page.select('link[rel="alternate"]')}
    assert "http://testserver/feeds/all.atom" in discovered
    assert not any("death-reviews" in each for each in discovered)
    own = [link["href"] for link in page.select("a") if link["href"].startswith(("/", "http://testserver/"))]
    assert len(own) > 30
    assert {address: client.get(address).status_code for address in own} == dict.fromkeys(own, 200)
    others = {link["href"] for link in page.select("a")} - {*own, "#main"}
    assert others == {link for name, link in _calendar("Meetings", CALENDAR).items() if name != "url"}
    # Buttons that need a script are not there without one.
    assert all(button.has_attr("hidden") for button in page.select("button"))


@pytest.mark.parametrize("name", ["all", "news", "topics/cycling", "death-reviews"])
def test_each_feed_has_a_page_of_its_own(client, story, name):
    page = soup(client, f"/feeds/{name}/")
    kinds = ("rss", "atom", "json")
    assert [link["href"] for link in page.select(".feed-addresses a")] == [
        f"http://testserver/feeds/{name}.{kind}" for kind in kinds
    ]
    assert [link["href"] for link in page.select('link[rel="alternate"]')] == [
        f"http://testserver/feeds/{name}.{kind}" for kind in kinds
    ]
    shown = [each.text for each in page.select(".children a")]
    assert shown == ([] if name == "death-reviews" else ["A <story>"])
    assert ("Nothing has been published here yet." in page.text) is (name == "death-reviews")


def test_a_feed_that_is_not_there_has_no_page(client, story):
    for name in ("nonsense", "topics/nonsense", "priorities/nonsense"):
        assert client.get(f"/feeds/{name}/").status_code == 404
    assert client.get("/feeds/death-reviews/")["X-Robots-Tag"] == "noindex"


def test_links_that_add_a_calendar():
    assert _calendar("Meetings", "https://cms.example.org/feeds/meetings.ics") == {
        "url": "https://cms.example.org/feeds/meetings.ics",
        "webcal": "webcal://cms.example.org/feeds/meetings.ics",
        "google": "https://calendar.google.com/calendar/r?cid=webcal%3A%2F%2Fcms.example.org%2Ffeeds%2Fmeetings.ics",
        "outlook": "https://outlook.live.com/calendar/0/addfromweb"
        "?url=https%3A%2F%2Fcms.example.org%2Ffeeds%2Fmeetings.ics&name=Meetings",
    }
