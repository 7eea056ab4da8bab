"""Feeds that are kept: what is said to be unchanged, and how long caches may store it."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from feeds.build.items import update_entries
from feeds.entry import REMOVED
from pages import models
from pages.takedown.withdrawal import withdraw
from tests import factories
from tests.factories import london
from tests.hidden_content import administrator
from tests.test_feed_http import NOW, clock, index, recorded_index, stories, titles  # noqa: F401 - fixtures


def test_what_expires_after_something_else_was_unpublished_is_not_shown_from_what_was_kept(client, home, index, clock):
    """Two states in which one thing has expired are not the same state."""
    stories(index, 1, expire_at=NOW + timedelta(hours=2))
    factories.snippet(models.Contact, team="A team", expire_at=NOW + timedelta(hours=1))
    clock.shift(timedelta(hours=1, minutes=30))
    assert titles(client) == ["Story 0"]
    models.Contact.objects.get().unpublish()  # on no page: nothing changes for readers
    clock.shift(timedelta(minutes=45))
    assert titles(client) == [REMOVED]


def test_a_request_that_began_before_a_publication_does_not_hide_it_from_others(client, index, clock):
    """Its clock may also be behind the one of the server that published."""
    stories(index, 1)
    clock.shift(-2)
    assert titles(client) == ["Story 0"]
    clock.shift(2)
    assert titles(client) == ["Story 0"]


def test_the_date_of_change_is_when_readers_could_see_it(client, index, settings, clock):
    """If-Modified-Since: also of a change that was held up, and of new addresses after a change of the settings."""
    stories(index, 1)
    clock.shift(60)
    since = client.get("/feeds/news.atom")["Last-Modified"]
    settings.WEBSITE_URL = "https://www.example.org"
    clock.shift(60)
    answer = client.get("/feeds/news.atom", headers={"If-Modified-Since": since})
    assert answer.status_code == 200
    assert b"https://www.example.org/news/" in answer.content
    clock.shift(60)
    with transaction.atomic():
        stories(index, 1)
        started = timezone.now()
        clock.shift(60)
    models.PublicChange.objects.filter(at__gte=started).update(at=NOW - timedelta(days=1))
    since = answer["Last-Modified"]
    answer = client.get("/feeds/news.atom", headers={"If-Modified-Since": since})
    assert answer.status_code == 200
    clock.shift(60)
    answer = client.get("/feeds/news.atom")
    call_command("publish_scheduled")  # nothing to do
    clock.shift(60)
    known = client.get("/feeds/news.atom", headers={"If-Modified-Since": answer["Last-Modified"]})
    assert known.status_code == 304


def test_what_was_withdrawn_long_ago_goes_at_the_start_of_a_day(client, index, clock):
    """So that the date of change can say it: an answer is kept for the day."""
    [story] = stories(index, 1)
    withdraw(story, administrator(), "withdrawn", "The figures were wrong.")
    update_entries(NOW)
    clock.move_to(london(2026, 4, 1, 0, 30))  # not 30 days after 9am
    before = client.get("/feeds/news.json")
    clock.move_to(london(2026, 4, 1, 23, 30))
    cache.clear()
    after = client.get("/feeds/news.json", headers={"If-Modified-Since": before["Last-Modified"]})
    assert after.status_code == 304
    assert client.get("/feeds/news.json").content == before.content
    clock.move_to(london(2026, 4, 2, 0, 30))
    after = client.get("/feeds/news.json", headers={"If-Modified-Since": before["Last-Modified"]})
    assert (after.status_code, [item["title"] for item in json.loads(after.content)["items"]]) == (200, [REMOVED])


def test_archives_are_not_stored_since_nobody_could_tell_the_caches_which_there_are(client, index):
    stories(index, 61)
    archive = client.get("/feeds/news.atom?archive=1")
    assert (archive.status_code, archive["Cache-Control"]) == (200, "no-cache")
    assert client.get("/feeds/news.atom")["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("address", ["/feeds/all.rss", "/feeds/meetings.ics", "/feeds.opml"])
def test_under_an_address_that_caches_are_not_told_of_nothing_is_stored(client, index, address):
    assert client.get(address)["Cache-Control"] == "public, max-age=300"
    answer = client.get(f"{address}?x=1")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-cache")
    known = client.get(f"{address}?x=1", headers={"If-None-Match": answer["ETag"]})
    assert (known.status_code, known["Cache-Control"]) == (304, "no-cache")


@pytest.mark.parametrize("address", ["/feeds/news.atom", "/feeds/all.json", "/feeds/topics/cycling.rss"])
def test_a_change_by_sql_is_not_hidden_by_what_was_kept(client, index, address):
    """The ledger does not know of it."""
    [story] = stories(index, 1, topics=[factories.topic(slug="cycling")])
    assert b"Story 0" in client.get(address).content
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wagtailcore_page SET live = %s WHERE id = %s", [False, story.pk])
    answer = client.get(address)
    assert b"Story 0" not in answer.content
