"""What the feeds tell, and under which identity: nothing twice, nothing hidden, nothing that is no news."""

import json
from datetime import timedelta

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
from feeds.entry import REMOVED
from feeds.models import FeedItem
from feeds.read import sources
from pages import models
from pages.content.choices import UpdateKind
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.factories import london
from tests.hidden_content import administrator
from tests.recorded_rows import RecordedRows

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


def entries(client, name):
    """All entries of the JSON form, the newest first."""
    answer = client.get(f"/feeds/{name}.json")
    assert answer.status_code == 200
    return json.loads(answer.content)["items"]


def items(client, name="news"):
    """The entries that say something."""
    return [item for item in entries(client, name) if item["title"] != REMOVED]


def titles(client, name="news"):
    return [item["title"] for item in items(client, name)]


def removed(client, name="news"):
    """The ids of the entries without text, and when they went: the same in all formats."""
    found = {item["id"]: item for item in entries(client, name) if item["title"] == REMOVED}
    for kind in ("rss", "atom"):
        read = feedparser.parse(client.get(f"/feeds/{name}.{kind}").content).entries
        without_text = {entry.id: (entry.summary, entry.content[0].value) for entry in read if entry.title == REMOVED}
        assert without_text == dict.fromkeys(found, ("", ""))
    assert {(item["summary"], item["content_html"]) for item in found.values()} <= {("", "")}
    assert {"url", "id", "title", "summary", "content_html", "date_published", "date_modified", "language"} >= {
        name for item in found.values() for name in item
    }
    return {key: item["date_modified"] for key, item in found.items()}


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

    def updated(self):
        """When the feed says that it changed last."""
        return feedparser.parse(self.client.get(self.address).content).feed.updated


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


def test_a_withdrawn_story_says_why_and_then_nothing(client, story, clock):
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
    assert removed(client) == {}
    clock.shift(timedelta(days=31))
    assert items(client) == []
    assert removed(client) == {story.uuid.urn: "2026-04-03T00:00:00+01:00"}
    clock.shift(timedelta(days=90))
    assert removed(client) == {}


@pytest.mark.parametrize("how", ["unpublished", "taken down", "deleted", "restricted", "expired"])
def test_what_is_gone_takes_the_place_of_its_copies_without_a_word(how, client, story, clock):
    assert titles(client) == ["A story"]
    clock.shift(timedelta(days=1))
    if how == "expired":
        models.NewsPage.objects.filter(pk=story.pk).update(expire_at=timezone.now() - timedelta(seconds=1))
        assert items(client) == []  # at once, and told when it was processed
        call_command("publish_scheduled")
    else:
        end(story, how)
    assert items(client) == []
    assert removed(client) == {FeedItem.objects.get().uuid.urn: timezone.localtime().isoformat()}
    [entry] = entries(client, "news")
    assert entry["url"] == "http://testserver/news/"  # where its feed leads: its own address may tell what it was
    assert (entry["date_published"], story.slug in client.get("/feeds/news.atom").content.decode()) == (
        "2026-03-02T09:00:00+00:00",
        False,
    )
    for page in ("/feeds/news/", "/feeds/"):
        assert REMOVED not in client.get(page).content.decode()
    kept = FeedItem.objects.get()
    assert (kept.title, kept.summary, kept.html, kept.url, kept.enclosures, kept.categories) == ("", "", "", "", [], [])


def test_what_comes_back_is_the_same_entry(client, story, clock):
    story.unpublish()
    assert items(client) == []
    clock.shift(timedelta(days=1))
    factories.publish(models.NewsPage.objects.get(pk=story.pk).get_latest_revision_as_object())
    assert [item["id"] for item in items(client)] == [story.uuid.urn]
    assert removed(client) == {}


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
    assert removed(client) == {}


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
        assert list(removed(client)) == [story.uuid.urn]
        assert client.get("/feeds/").status_code == client.get("/feeds/all/").status_code == 200
    assert FeedItem.objects.get(pk=story.uuid).html == ""
    assert [record.getMessage() for record in caplog.records if record.name == "feeds.build.items"] == [
        f"The entries of page {story.uuid} could not be written: ValueError."
    ]
    assert "secret" not in caplog.text
    changed(story, title="An open story")
    assert set(titles(client)) == {"Another story", "A third story", "An open story"}
    assert removed(client) == {}


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
