"""Responses with a feed: headers, validators, errors, and what they cost."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import PageViewRestriction

from feeds.build.items import update_entries
from feeds.catalogue import listings
from pages import models
from pages.models import ContentPage
from tests import factories
from tests.factories import london
from tests.test_feeds import ADDRESSES, _clock, meeting_page, news_page, parsed, published_news, site  # noqa: F401 - fixtures


def test_the_same_bytes_while_nothing_changes(client, site):
    published_news()
    meeting_page()
    update_entries(timezone.now())  # as after each publication
    bodies = {}
    for day in (3, 20):
        cache.clear()
        with time_machine.travel(london(2026, 12, day, 9), tick=False):
            for address in ADDRESSES:
                response = client.get(address)
                known = (response.content, response["ETag"], response["Last-Modified"])
                assert bodies.setdefault(address, known) == known


@pytest.mark.parametrize("address", ADDRESSES)
def test_headers(client, site, address):
    published_news()
    get, head = client.get(address), client.head(address)
    assert get["Cache-Control"] == "public, max-age=300"
    assert re.fullmatch(r'"[0-9a-f]{32}"', get["ETag"])
    assert not get.cookies
    assert get["Vary"] == "Accept-Encoding"
    assert head.status_code == 200
    assert head.content == b""
    assert {name: head[name] for name in head.headers} == {name: get[name] for name in get.headers}
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(address).status_code == 405


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_reader_that_has_it_gets_304(client, site, address):
    full = client.get(address)
    for headers in (
        {"If-None-Match": full["ETag"]},
        {"If-None-Match": f'"other", W/{full["ETag"]}'},
        {"If-Modified-Since": full["Last-Modified"]},
        {"If-None-Match": full["ETag"], "If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    ):
        response = client.get(address, headers=headers)
        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == full["ETag"]
        assert response["Last-Modified"] == full["Last-Modified"]
        assert response["Cache-Control"] == full["Cache-Control"]
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"If-None-Match": '"other"', "If-Modified-Since": full["Last-Modified"]},
    ):
        assert client.get(address, headers=headers).status_code == 200


def take_down(page):
    page.unpublish()


def make_private(page):
    restriction = PageViewRestriction(page=page, restriction_type=PageViewRestriction.LOGIN)
    restriction.save(user=User.objects.create_user("moderator"))  # as the admin does; it logs who did it


def expire(page):
    ContentPage.objects.filter(pk=page.pk).update(expire_at=london(2026, 3, 1, 12))


@pytest.mark.parametrize("change", [factories.publish, take_down, make_private, expire])
def test_the_date_notices_what_goes_away_and_not_only_what_comes(client, site, change):
    """A reader that sends dates alone must not go on showing what was taken down."""
    with time_machine.travel(london(2026, 2, 11, 9), tick=False):
        page = news_page(title="Here today")
    with time_machine.travel(london(2026, 2, 12, 9), tick=False):
        before = client.get("/feeds/news.rss")
        assert client.get("/feeds/news.rss", headers={"If-Modified-Since": before["Last-Modified"]}).status_code == 304
    with time_machine.travel(london(2026, 3, 1, 9), tick=False):
        change(page)
    with time_machine.travel(london(2026, 3, 2, 9), tick=False):
        after = client.get("/feeds/news.rss", headers={"If-Modified-Since": before["Last-Modified"]})
        assert after.status_code == 200


def test_two_changes_in_one_second_are_both_noticed(client, site):
    with time_machine.travel(london(2026, 2, 11, 9), tick=False):
        news_page(title="First")
        first = client.get("/feeds/news.rss")
        news_page(title="Second")
    with time_machine.travel(london(2026, 2, 12, 9), tick=False):
        later = client.get("/feeds/news.rss", headers={"If-Modified-Since": first["Last-Modified"]})
    assert later.status_code == 200


def test_an_unknown_format_says_which_there_are(client, site):
    for path in ("/feeds/news.json5", "/feeds/news.RSS", "/feeds/news.xml"):
        response = client.get(path)
        assert response.status_code == 404
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response.content.decode() == (
            "There is no feed at this address. Try one of these:\n"
            "http://testserver/feeds/news.rss\n"
            "http://testserver/feeds/news.atom\n"
            "http://testserver/feeds/news.json\n"
        )
    response = client.get("/feeds/gossip.rss")
    assert response.status_code == 404
    assert "http://testserver/feeds/meetings.atom\n" in response.content.decode()
    assert "gossip" not in response.content.decode()


def test_the_list_of_feeds_leads_to_feeds(client, site):
    urls = [each.url(kind) for each in listings(timezone.now()) for kind in ("rss", "atom")]
    assert {f"http://testserver{address}" for address in ADDRESSES} <= set(urls)
    for url in urls:
        parsed(client.get(url))


# --- Cost ---


def fill(rows: int) -> None:
    for _ in range(rows):
        target = news_page()
        news_page(
            image=factories.image(),
            topics=[factories.topic()],
            body=[
                ("paragraph", f'<p><a linktype="page" id="{target.pk}">a</a></p>'),
                ("page_link", {"page": target, "text": ""}),
                ("image", {"image": factories.image(), "caption": ""}),
                ("document", factories.document(html_equivalent=target)),
            ],
        )
        meeting = meeting_page(
            topics=[factories.topic()],
            agenda_items=[models.AgendaItem(number="1", title="Item")],
            papers=[models.Paper(document=factories.document(), agenda_item_number="1")],
        )
        models.MeetingChange.objects.create(page=meeting, at=timezone.now(), field="venue", after="Hall")


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(client, site):
    counts = {}
    for rows in (2, 13):  # with 13, both feeds are full or nearly so
        fill(rows)
        for address in ADDRESSES:
            client.get(address)  # once before, for Wagtail's cached site root
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            counts.setdefault(address, []).append(len(captured.captured_queries))
    for address, (few, many) in counts.items():
        assert few == many, address
        assert many < 25, address


def test_work_on_drafts_moves_no_date_of_a_feed(client, home):
    index = factories.page(models.NewsIndexPage, home)
    page = factories.page(models.NewsPage, index)
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        before = client.get("/feeds/news.atom")["Last-Modified"]
        page.title = "Draft"
        page.save_revision(log_action=True)
        draft = factories.draft(models.NewsPage, index)
        draft.save_revision(log_action=True)
        draft.delete()
        assert client.get("/feeds/news.atom")["Last-Modified"] == before
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        factories.publish(page)
        assert client.get("/feeds/news.atom")["Last-Modified"] != before
