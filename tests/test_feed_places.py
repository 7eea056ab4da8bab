"""Which feed has what, and which feeds are offered to whom."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from datetime import timedelta

import feedparser
import pytest
from django.utils import timezone

from feeds.build.items import update_entries
from pages import models
from pages.takedown.withdrawal import withdraw
from tests import factories
from tests.hidden_content import administrator
from tests.test_feed_stories import clock, end, index, items, recorded, removed, story, titles  # noqa: F401 - fixtures


def test_each_page_is_in_the_feeds_that_it_belongs_to(client, home, index, story):
    cycling = factories.topic(name="Cycling", slug="cycling")
    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    priority = factories.page(models.PriorityPage, period, slug="theft", title="Theft", topics=[cycling])
    factories.page(models.NewsPage, index, title="About theft", priority=priority, topics=[cycling])
    publications = factories.page(models.PublicationIndexPage, home)
    factories.page(models.CommunitySafetyPlanPage, publications, title="The plan")
    factories.page(models.StandardPage, home, title="No news at all")
    found = {
        name: set(titles(client, name))
        for name in ("all", "news", "publications", "priorities", "topics/cycling", "priorities/2026-2029-theft")
    }
    assert found == {
        "all": {"A story", "About theft", "The plan", "Theft"},
        "news": {"A story", "About theft"},
        "publications": {"The plan"},
        "priorities": {"Theft"},
        "topics/cycling": {"About theft", "Theft"},
        "priorities/2026-2029-theft": {"About theft", "Theft"},
    }


def test_death_reviews_are_in_their_own_feed_alone_and_open_with_care(client, home, index, ask, settings):
    reviews = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    service = factories.support_service(name="Somebody who listens", phone="0800 111")
    topic = factories.topic(slug="abuse")
    factories.page(models.NewsPage, index, topics=[topic])
    notice = factories.page(
        models.DeathReviewNoticePage,
        reviews,
        topics=[topic],
        notice_support_services=[models.NoticeSupportService(service=service)],
    )
    [item] = items(client, "death-reviews")
    assert item["title"] == f"Death review {notice.reference}"
    warned = f"Content warning: this is about a death, and about domestic abuse. {notice.summary}"
    assert item["summary"] == warned
    for kind in ("rss", "atom"):
        [entry] = feedparser.parse(client.get(f"/feeds/death-reviews.{kind}").content).entries
        assert entry.summary == warned
    assert item["content_html"].startswith("<p><strong>Content warning:</strong>")
    assert "Somebody who listens, telephone 0800 111" in item["content_html"].partition("<dl>")[0]
    assert "attachments" not in item
    for name in ("all", "news", "topics/abuse"):
        assert notice.reference not in client.get(f"/feeds/{name}.json").content.decode()
    answer = client.get("/feeds/death-reviews.atom")
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
    # Nobody comes upon it by chance: not on any page, not in the list for feed readers, not in a list of good names.
    for path in ("/", "/news/", "/feeds.opml", "/feeds/nonsense.atom"):
        assert "death-reviews" not in client.get(path).content.decode()
    assert "http://testserver/feeds/death-reviews.rss" in {each["url"] for each in ask("{ feeds { url } }")["feeds"]}


def feeds_of_topics(ask):
    return {feed["topic"] for feed in ask("{ feeds { topic } }")["feeds"]} - {None}


def test_the_feed_of_a_topic_outlives_its_only_page(client, index, ask, clock):
    """Followers learn that it was withdrawn, and then that it is gone; nobody else is offered its feed."""
    topic = factories.topic(name="Cycling", slug="cycling")
    story = factories.page(models.NewsPage, index, title="A story", topics=[topic])
    assert (titles(client, "topics/cycling"), feeds_of_topics(ask)) == (["A story"], {"cycling"})
    withdraw(story, administrator(), "withdrawn", "The figures were wrong.")
    assert (titles(client, "topics/cycling"), feeds_of_topics(ask)) == (["Withdrawn: A story"], set())
    assert removed(client, "topics/cycling") == {}
    clock.shift(timedelta(days=31))
    assert titles(client, "topics/cycling") == []
    assert list(removed(client, "topics/cycling")) == [story.uuid.urn]
    assert client.get("/feeds/topics/cycling/").status_code == 200
    for path in ("/feeds/", "/feeds.opml"):
        assert "cycling" not in client.get(path).content.decode()
    clock.shift(timedelta(days=90))
    assert client.get("/feeds/topics/cycling.atom").status_code == 404


@pytest.mark.parametrize("how", ["unpublished", "deleted", "expired"])
def test_the_feed_of_a_topic_says_that_its_only_page_went(client, index, how, clock):
    story = factories.page(models.NewsPage, index, title="A story", topics=[factories.topic(slug="cycling")])
    assert titles(client, "topics/cycling") == ["A story"]
    clock.shift(timedelta(minutes=1))
    uuid = story.uuid
    end(story, how)
    assert titles(client, "topics/cycling") == []
    assert list(removed(client, "topics/cycling")) == [uuid.urn]
    assert "A story" not in client.get("/feeds/topics/cycling/").content.decode()


def test_what_a_death_review_is_about_is_in_no_list_of_feeds(client, home, index, ask):
    reviews = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    factories.page(models.DeathReviewNoticePage, reviews, topics=[factories.topic(name="Coercion", slug="coercion")])
    assert len(items(client, "death-reviews")) == 1
    assert feeds_of_topics(ask) == set()
    for path in ("/feeds/", "/feeds.opml", "/feeds/nonsense.atom"):
        assert "oercion" not in client.get(path).content.decode()
    for form in (".rss", ".atom", ".json", "/"):
        assert client.get(f"/feeds/topics/coercion{form}").status_code == 404


def test_the_list_of_feeds_in_the_api(home, index, ask):
    topic = factories.topic(name="Cycling", slug="cycling")
    factories.page(models.NewsPage, index, topics=[topic])
    update_entries(timezone.now())  # as after each publication
    found = ask("{ feeds { title url format topic } }")["feeds"]
    assert {
        "title": "Cycling",
        "url": "http://testserver/feeds/topics/cycling.json",
        "format": "JSON",
        "topic": "cycling",
    } in found
    assert {"title": "All updates", "url": "http://testserver/feeds/all.atom", "format": "ATOM", "topic": None} in found


def test_feeds_of_priorities_come_by_their_period_the_latest_first(home, ask):
    for slug, starts_on, names in (("old", "2021", "BA"), ("new", "2025-04", "AC"), ("middle", "2023", "D")):
        period = factories.page(models.PriorityPeriodPage, home, slug=slug, starts_on=starts_on)
        for name in names:
            factories.page(models.PriorityPage, period, title=f"{name} {slug}", slug=name.lower())
    found = [feed["title"] for feed in ask("{ feeds { title format } }")["feeds"] if feed["format"] == "RSS"]
    assert found[-5:] == ["A new", "C new", "D middle", "B old", "A old"]
