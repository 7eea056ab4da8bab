"""What the feeds tell, and under which identity: nothing twice, nothing hidden, nothing that is no news."""

import json
from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from wagtail.models import PageViewRestriction

from feeds.build import stories
from feeds.build.items import update_entries
from feeds.models import FeedItem
from feeds.read import sources
from pages import models
from pages.content.choices import UpdateKind
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.factories import london
from tests.hidden_content import administrator
from tests.recorded_rows import RecordedRows

TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
NOW = london(2026, 3, 2, 9)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(scope="module")
def recorded(recorded_home, django_db_blocker):
    """The list of news, the story in it, and with it a page below another, to which the story links in the feeds."""

    def make_index():
        factories.page(models.NewsIndexPage, models.PartnershipPage.objects.get(), slug="news")

    def make_story():
        index = models.NewsIndexPage.objects.get()
        factories.page(models.NewsPage, index, slug="story", title="A story", summary="It happened.")

    def make_link():  # and have the feeds write it
        home, story = models.PartnershipPage.objects.get(), models.NewsPage.objects.get()
        above = factories.page(models.StandardPage, home, slug="above", title="Above")
        below = factories.page(models.StandardPage, above, slug="below", title="Below")
        changed(story, body=[("page_link", {"page": below, "text": ""})])
        assert '<a href="http://testserver/above/below/">Below</a>' in items(Client())[0]["content_html"]

    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        index = RecordedRows(make_index, upon=recorded_home)
        story = RecordedRows(make_story, upon=index)
        link = RecordedRows(make_link, upon=story)
    cache.clear()
    return {"index": index, "story": story, "link": link}


@pytest.fixture
def index(home, recorded):
    recorded["index"].write()
    return models.NewsIndexPage.objects.get()


@pytest.fixture
def story(index, recorded):
    recorded["story"].write()
    return models.NewsPage.objects.get()


@pytest.fixture
def link(story, recorded):
    recorded["link"].write()


def items(client, name="news"):
    """The entries of the JSON form, the newest first."""
    answer = client.get(f"/feeds/{name}.json")
    assert answer.status_code == 200
    return json.loads(answer.content)["items"]


def titles(client, name="news"):
    return [item["title"] for item in items(client, name)]


def tombstones(client, name="news"):
    root = ElementTree.fromstring(client.get(f"/feeds/{name}.atom").content)  # noqa: S314 - our own bytes
    return {each.get("ref"): each.get("when") for each in root.findall(TOMBSTONE)}


def changed(page, **fields):
    for name, value in fields.items():
        setattr(page, name, value)
    return factories.publish(page)


def end(page, how):
    if how == "deleted":
        page.delete()
    elif how == "unpublished":
        page.unpublish()
    elif how == "restricted":
        PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)
    elif how == "expired":
        type(page).objects.filter(pk=page.pk).update(expire_at=timezone.now())
    else:
        take_down(page, administrator(), "It names somebody.")


class Follower:
    """A feed reader: what it has seen by identity, and what it takes for new."""

    def __init__(self, client, address):
        self.client, self.address, self.seen = client, address, {}

    def poll(self):
        result = feedparser.parse(self.client.get(self.address).content)
        assert result.bozo == 0
        new = [entry for entry in result.entries if entry.id not in self.seen]
        self.seen.update({entry.id: entry.title for entry in result.entries})
        return [entry.title for entry in new]


def test_nothing_is_shown_twice(client, home, index, story, clock):
    """After a new address, a move, three minor saves and a correction, the story is still the same entry."""
    readers = [Follower(client, f"/feeds/news.{kind}") for kind in ("rss", "atom")]

    def poll():
        return [reader.poll() for reader in readers]

    nothing = [[], []]
    assert poll() == [["A story"], ["A story"]]
    clock.shift(timedelta(hours=1))
    changed(story, slug="another-address")
    assert poll() == nothing
    index.slug = "latest"
    factories.publish(index)
    assert poll() == nothing
    for number in range(3):
        changed(story, summary=f"It happened {number} times.")
        assert poll() == nothing
    changed(story, update_kind=UpdateKind.MAJOR, change_note="It was Tuesday.")
    assert poll() == nothing
    assert [reader.seen for reader in readers] == [{story.uuid.urn: "A story"}] * 2
    [item] = items(client)
    assert item["url"] == "http://testserver/latest/another-address/"


def test_a_minor_save_moves_no_date(client, story, clock):
    [before] = items(client)
    clock.shift(timedelta(hours=1))
    changed(story, summary="It did happen.")
    [after] = items(client)
    assert (after["date_published"], after["date_modified"]) == (before["date_published"], before["date_modified"])
    assert (before["summary"], after["summary"]) == ("It happened.", "It did happen.")


def test_a_correction_keeps_its_id_and_opens_with_the_note(client, story, clock):
    [before] = items(client)
    clock.shift(timedelta(days=1))
    changed(story, update_kind=UpdateKind.MAJOR, change_note="It was <Tuesday>.")
    [after] = items(client)
    assert after["id"] == before["id"] == story.uuid.urn
    assert after["date_published"] == before["date_published"] == "2026-03-02T09:00:00+00:00"
    assert after["date_modified"] == "2026-03-03T09:00:00+00:00"
    assert after["content_html"].startswith("<p><strong>Updated 3 March 2026:</strong> It was &lt;Tuesday&gt;.</p>\n")


def test_what_happens_to_an_old_entry_is_told_beside_the_newest(client, index, story, clock, monkeypatch):
    """To those who poll and never open an archive: for 30 days, and of as many as are told at once (here 5) at most."""
    monkeypatch.setattr(sources, "AT_ONCE", 5)
    clock.shift(timedelta(minutes=1))
    second = factories.page(models.NewsPage, index, title="Second", slug="second")
    for number in range(5):
        clock.shift(timedelta(minutes=1))
        factories.page(models.NewsPage, index, title=f"News {number}", slug=f"n{number}")
    newest = [f"News {number}" for number in range(4, -1, -1)]
    assert titles(client) == newest
    clock.shift(timedelta(minutes=1))
    changed(story, title="A minor story")
    assert titles(client) == newest
    clock.shift(timedelta(minutes=1))
    changed(story, title="A corrected story", update_kind=UpdateKind.MAJOR, change_note="It was Tuesday.")
    assert titles(client) == [*newest, "A corrected story"]
    reader = Follower(client, "/feeds/news.atom")
    reader.poll()
    clock.shift(timedelta(minutes=1))
    withdraw(second, administrator(), "withdrawn", "The figures were wrong.")
    assert titles(client) == [*newest, "Withdrawn: Second", "A corrected story"]
    assert reader.poll() == ["Withdrawn: Second"]
    # The archive has both all the same (RFC 5005): nothing is taken from it.
    archive = feedparser.parse(client.get("/feeds/news.atom?archive=1").content)
    assert [entry.title for entry in archive.entries][-2:] == ["Withdrawn: Second", "A corrected story"]
    last = client.get("/feeds/news.json")
    clock.shift(timedelta(days=31))
    later = client.get("/feeds/news.json", headers={"If-Modified-Since": last["Last-Modified"]})
    assert (later.status_code, titles(client)) == (200, newest)


def test_of_old_entries_that_changed_the_latest_thirty_are_told(client, index, story, clock, monkeypatch):
    monkeypatch.setattr(sources, "AT_ONCE", 2)
    for number in range(5):
        clock.shift(timedelta(minutes=1))
        factories.page(models.NewsPage, index, title=f"News {number}", slug=f"n{number}")
    for slug in ("story", "n1", "n2", "n0"):
        clock.shift(timedelta(minutes=1))
        page = models.NewsPage.objects.get(slug=slug)
        changed(page, update_kind=UpdateKind.MAJOR, change_note="It was Tuesday.")
    assert titles(client) == ["News 4", "News 3", "News 2", "News 0"]


def test_a_withdrawn_story_says_why_and_then_is_a_tombstone(client, story, clock):
    clock.shift(timedelta(days=1))
    withdraw(story, administrator(), "withdrawn", "The figures were wrong.")
    [item] = items(client)
    assert (item["id"], item["title"], item["summary"]) == (
        story.uuid.urn,
        "Withdrawn: A story",
        "The figures were wrong.",
    )
    assert item["date_modified"] == "2026-03-03T09:00:00+00:00"
    assert "<p>The figures were wrong.</p>" in item["content_html"]
    assert tombstones(client) == {}
    clock.shift(timedelta(days=31))
    assert items(client) == []
    assert tombstones(client) == {story.uuid.urn: "2026-03-03T09:00:00+00:00"}
    clock.shift(timedelta(days=90))
    assert tombstones(client) == {}


@pytest.mark.parametrize("how", ["unpublished", "taken down", "deleted", "restricted", "expired"])
def test_what_is_gone_is_a_tombstone_without_a_word(how, client, story, clock):
    assert titles(client) == ["A story"]
    clock.shift(timedelta(days=1))
    if how == "expired":
        models.NewsPage.objects.filter(pk=story.pk).update(expire_at=timezone.now() - timedelta(seconds=1))
        assert items(client) == []  # at once, and told when it was processed
        call_command("publish_scheduled")
    else:
        end(story, how)
    assert items(client) == []
    assert tombstones(client) == {FeedItem.objects.get().uuid.urn: timezone.localtime().isoformat()}
    kept = FeedItem.objects.get()
    assert (kept.title, kept.summary, kept.html, kept.url, kept.enclosures, kept.categories) == ("", "", "", "", [], [])


def test_what_comes_back_is_the_same_entry(client, story, clock):
    story.unpublish()
    assert items(client) == []
    clock.shift(timedelta(days=1))
    factories.publish(models.NewsPage.objects.get(pk=story.pk).get_latest_revision_as_object())
    assert [item["id"] for item in items(client)] == [story.uuid.urn]
    assert tombstones(client) == {}


def test_an_entry_shows_what_other_pages_are_called_now(client, index, story, clock):
    """Titles and addresses of pages that it links to, also of one that was hidden when it was written."""
    hidden = factories.draft(models.NewsPage, index, slug="later", title="Not yet")
    link = f'<p><a linktype="page" id="{hidden.pk}">more</a></p>'
    changed(story, body=[("page_link", {"page": hidden, "text": ""}), ("paragraph", link)])
    assert "Not yet" not in items(client)[0]["content_html"]
    assert "<a" not in items(client)[0]["content_html"]
    factories.publish(hidden)
    html = next(item for item in items(client) if item["id"] == story.uuid.urn)["content_html"]
    assert '<a href="http://testserver/news/later/">Not yet</a>' in html
    assert '<a href="http://testserver/news/later/">more</a>' in html
    clock.shift(timedelta(minutes=1))
    models.NewsPage.objects.filter(pk=hidden.pk).update(expire_at=timezone.now())
    [item] = items(client)  # at the second, with nothing processed
    assert "Not yet" not in item["content_html"]
    assert "/news/later/" not in item["content_html"]


@pytest.mark.parametrize("goes", ["page", "page above"])
@pytest.mark.parametrize("how", ["deleted", "unpublished", "restricted", "expired", "taken down"])
def test_an_entry_forgets_pages_that_went(how, goes, client, link, clock):
    clock.shift(timedelta(minutes=1))
    page = models.StandardPage.objects.get(slug="below" if goes == "page" else "above")
    end(page, how)
    [item] = items(client)
    assert (item["title"], item["content_html"].count("Below")) == ("A story", 0)
    assert "/above/" not in item["content_html"]


@pytest.mark.parametrize("what", ["topic", "agency"])
def test_an_entry_forgets_a_label_or_snippet_that_was_deleted(what, client, home):
    topic, agency = factories.topic(name="Cycling"), factories.agency(name="The Shire")
    period = factories.page(models.PriorityPeriodPage, home, slug="2026-2029")
    action = models.Action(text="Mark bicycles.", horizon="in-year", lead_agency=agency)
    factories.page(models.PriorityPage, period, title="Theft", topics=[topic], actions=[action])
    [item] = items(client, "priorities")
    assert (item["tags"], item["content_html"].count("Led by The Shire")) == (["Cycling"], 1)
    (topic if what == "topic" else agency).delete()
    [item] = items(client, "priorities")
    assert ("tags" in item, item["content_html"].count("The Shire")) == ((False, 1) if what == "topic" else (True, 0))


def test_what_is_below_a_page_that_did_not_expire_after_all_comes_back(client, index, story, clock):
    """It was published with another date before the scheduler came: nothing was unpublished or published below it."""
    models.NewsIndexPage.objects.filter(pk=index.pk).update(expire_at=NOW + timedelta(hours=1))
    assert titles(client) == ["A story"]
    clock.shift(timedelta(hours=2))
    assert titles(client) == []
    changed(models.NewsIndexPage.objects.get(pk=index.pk), expire_at=None)
    assert titles(client) == ["A story"]
    assert tombstones(client) == {}


@pytest.mark.parametrize("how", ["unpublished", "deleted", "expired"])
def test_an_entry_forgets_a_file_that_another_page_made_public(how, client, index, story, clock):
    """It was exchanged after the approval of the story, and the other page has the new one."""
    figures = factories.document("Figures")
    changed(story, body=[("document", figures)])
    story.published_files.update(file_key="what-was-approved-then")
    clock.shift(timedelta(minutes=1))
    other = factories.page(models.NewsPage, index, title="Other", body=[("document", figures)])
    assert "Figures" in items(client)[1]["content_html"]
    clock.shift(timedelta(minutes=1))
    end(other, how)
    [item] = items(client)
    assert (item["title"], "Figures" in json.dumps(item)) == ("A story", False)


def test_a_page_that_cannot_be_written_keeps_no_other_back(client, index, story, clock, monkeypatch, caplog):
    """Its old entry goes, as it may say what was taken out of the page; it comes back when that can be written."""
    write = stories.article_html

    def fails(page, targets, **more):
        if page.pk == story.pk:
            raise ValueError(f"no way to write {page.title}")
        return write(page, targets, **more)

    assert titles(client) == ["A story"]
    with monkeypatch.context() as broken:
        broken.setattr(stories, "article_html", fails)
        clock.shift(timedelta(hours=1))
        changed(story, title="A secret story")
        factories.page(models.NewsPage, index, title="Another story")
        factories.page(models.NewsPage, index, title="A third story")
        assert set(titles(client)) == {"Another story", "A third story"}
        assert list(tombstones(client)) == [story.uuid.urn]
        assert client.get("/feeds/").status_code == client.get("/feeds/all/").status_code == 200
    assert FeedItem.objects.get(pk=story.uuid).html == ""
    assert [record.getMessage() for record in caplog.records if record.name == "feeds.build.items"] == [
        f"The entries of page {story.uuid} could not be written: ValueError."
    ]
    assert "secret" not in caplog.text
    changed(story, title="An open story")
    assert set(titles(client)) == {"Another story", "A third story", "An open story"}
    assert tombstones(client) == {}


def test_a_database_that_is_busy_ends_no_entry(client, story, clock, monkeypatch):
    assert titles(client) == ["A story"]

    def fails(page, targets, **more):
        raise OperationalError("database is locked")

    with monkeypatch.context() as busy:
        busy.setattr(stories, "article_html", fails)
        clock.shift(timedelta(hours=1))
        changed(story, title="The story")
        with pytest.raises(OperationalError):
            client.get("/feeds/news.json")
    assert titles(client) == ["The story"]


# --- Which feed has what ---


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
    assert tombstones(client, "topics/cycling") == {}
    clock.shift(timedelta(days=31))
    assert titles(client, "topics/cycling") == []
    assert list(tombstones(client, "topics/cycling")) == [story.uuid.urn]
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
    assert list(tombstones(client, "topics/cycling")) == [uuid.urn]
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
