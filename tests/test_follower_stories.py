"""Stories of people who follow the partnership, in the programs that they follow it with."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from feeds.entry import REMOVED
from feeds.models import FeedPing
from pages import models
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.factories import london
from tests.feed_clients import FollowsWithNewsboat, FollowsWithReader
from tests.hidden_content import administrator
from tests.loopback import passed_on
from tests.test_feed_stories import Follower, changed, entries, items
from tests.test_websub import hub, in_formats, publish  # noqa: F401 - fixtures

NOW = london(2026, 3, 2, 9)
PLACE = "Parkside Place, Cambridge, CB1 1JF"


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def meetings(tree):
    return tree[models.MeetingIndexPage]


def announced(meetings, **fields):
    values = {"title": "Forum", "slug": "forum", "starts_at": london(2026, 3, 24, 10), "status": "confirmed"}
    return factories.page(
        models.MeetingPage, meetings, **{**values, "venue": factories.venue(name="Parkside Place"), **fields}
    )


def test_story_r1_a_cancelled_meeting_is_told_to_a_hub_within_seconds(client, meetings, hub, publish):
    """The clock ticks: whoever fetches the feeds when the hub says so finds date, time, place and reason."""
    with time_machine.travel(NOW, tick=True):
        forum = publish(lambda: announced(meetings))
        hub.told.clear()
        publish(lambda: changed(forum, status="cancelled", status_notice="<p>The hall is flooded.</p>"))
        assert hub.topics() == sorted([*in_formats("all", "meetings"), "meetings.ics", "meetings-with-cancelled.ics"])
        assert FeedPing.objects.count() == 0
        [told, own] = items(client, "meetings")
    assert (told["title"], told["summary"]) == (
        "Meeting cancelled: Forum",
        f"The meeting planned for Tuesday 24 March 2026, 10am, {PLACE} has been cancelled: The hall is flooded.",
    )
    assert (own["title"], own["summary"].partition(". ")[0]) == (
        "Cancelled: Forum",
        f"This meeting was planned for Tuesday 24 March 2026, 10am, {PLACE}",
    )


def test_story_r2_a_late_paper_is_an_entry_with_its_reason(client, meetings, clock):
    forum = announced(meetings, papers=[models.Paper(kind="agenda", document=factories.document("Agenda"))])
    reader = Follower(client, "/feeds/meetings.rss")
    assert reader.poll() == ["Forum"]
    clock.move_to(london(2026, 3, 23, 15))
    late = models.Paper(
        kind="supplement",
        document=factories.document("Figures for February"),
        late_reason="The police sent them today.",
    )
    changed(forum, papers=[*forum.papers.all(), late])
    assert reader.poll() == ["Late supplement published: Forum"]
    told = items(client, "meetings")[0]
    assert told["summary"] == (
        f"“Figures for February” is late: The police sent them today. Tuesday 24 March 2026, 10am, {PLACE}."
    )
    assert [each["title"] for each in told["attachments"]] == ["Figures for February"]
    assert told["date_published"] == "2026-03-23T15:00:00+00:00"
    clock.shift(timedelta(hours=1))
    changed(forum, summary="Come along.")
    assert reader.poll() == []


# --- What is taken down, what is entered late, what goes ---


@pytest.fixture
def news(tree):
    return tree[models.NewsIndexPage]


def stories(news, clock, number):
    made = []
    for each in range(number):
        clock.shift(timedelta(hours=1))
        made.append(factories.page(models.NewsPage, news, title=f"Story {each}"))
    return made


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_story_r3_a_takedown_overwrites_the_copy_that_reader_keeps(client, news, clock, tmp_path, kind):
    """Also of a story that is too old for the newest thirty by now."""
    first, *_ = stories(news, clock, 30)
    address = f"/feeds/news.{kind}"
    with closing(FollowsWithReader(passed_on(client), tmp_path / "reader.sqlite")) as reader:
        assert len(reader.poll(address)[address]) == 30
        [last] = stories(news, clock, 1)
        assert len(reader.poll(address)[address]) == 1
        for story in (first, last):
            clock.shift(timedelta(hours=1))
            take_down(story, administrator(), "It names somebody.")
        assert reader.poll(address)[address] == []
        kept = reader.kept(address)
    overwritten = [entry for entry in kept if entry.title == REMOVED]
    assert {entry.id for entry in overwritten} == {first.uuid.urn, last.uuid.urn}
    for entry in overwritten:
        assert (entry.summary or "", "".join(each.value for each in entry.content).strip()) == ("", "")
        assert entry.link.endswith(news.slug + "/")  # where the feed leads
    assert len(kept) == 31


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_story_r3_a_takedown_overwrites_the_copy_that_newsboat_keeps(client, news, clock, tmp_path, kind):
    story, other = stories(news, clock, 2)
    with closing(FollowsWithNewsboat(passed_on(client), tmp_path)) as newsboat:
        before = newsboat.poll(f"/feeds/news.{kind}")
        assert {title: bool(content) for title, content in before.values()} == {"Story 0": True, "Story 1": True}
        clock.shift(timedelta(hours=1))
        take_down(story, administrator(), "It names somebody.")
        after = newsboat.poll(f"/feeds/news.{kind}")
    assert after == {story.uuid.urn: (REMOVED, ""), other.uuid.urn: before[other.uuid.urn]}


def test_story_r3_the_place_is_kept_for_ninety_days(client, news, clock):
    [story] = stories(news, clock, 1)
    assert len(items(client)) == 1
    take_down(story, administrator(), "It names somebody.")
    assert items(client) == []
    clock.shift(timedelta(days=90))
    assert [entry["title"] for entry in entries(client, "news")] == [REMOVED]
    clock.shift(timedelta(days=1))
    assert entries(client, "news") == []


def test_story_r4_an_archive_of_200_old_meetings_makes_no_entry_dated_today(client, meetings, clock):
    forum = announced(meetings)
    reader = Follower(client, "/feeds/meetings.atom")
    assert reader.poll() == ["Forum"]
    clock.shift(timedelta(days=1))
    days = [NOW - timedelta(days=each) for each in range(1, 401, 2)]
    for number, starts_at in enumerate(days):
        minutes = models.Paper(kind="minutes", document=factories.document()) if number < 5 else None
        factories.page(
            models.MeetingPage,
            meetings,
            title=f"Old {number}",
            slug=f"old-{number}",
            starts_at=starts_at,
            venue=forum.venue,
            papers=[minutes] if minutes else [],
        )
    today = timezone.localdate().isoformat()
    found, archive = [], "/feeds/meetings.json"
    while archive:
        document = client.get(archive).json()
        found += document["items"]
        archive = document.get("next_url")
    assert [item["title"] for item in found if today in (item["date_published"][:10], item["date_modified"][:10])] == []
    dates = {item["title"]: item["date_published"] for item in found}
    assert len(dates) == 201
    assert dates["Old 0"] == "2026-03-01T09:00:00+00:00"
    # Those of the last month are news all the same; the others are in archives only.
    assert sorted(reader.poll()) == sorted(f"Old {number}" for number in range(15))


def test_story_r5_taking_something_away_brings_nothing_old_back_as_new(client, news, clock):
    made = stories(news, clock, 34)
    readers = [Follower(client, f"/feeds/{name}.{kind}") for name in ("news", "all") for kind in ("rss", "atom")]
    for reader in readers:
        assert len(reader.poll()) == 30
    made[33].unpublish()
    made[32].delete()
    take_down(made[31], administrator(), "It names somebody.")
    for days in (1, 89, 2, 30):
        clock.shift(timedelta(days=days))
        assert [reader.poll() for reader in readers] == [[], [], [], []], days


def test_story_r5_so_does_a_story_that_leaves_a_topic(client, news, clock):
    cycling = factories.topic(name="Cycling", slug="cycling")
    made = stories(news, clock, 32)
    for story in made:
        changed(story, topics=[cycling])
    reader = Follower(client, "/feeds/topics/cycling.atom")
    assert len(reader.poll()) == 30
    before = reader.updated()
    clock.shift(timedelta(hours=1))
    changed(made[31], topics=[])
    assert reader.poll() == []
    assert reader.updated() > before  # something left
    assert "Story 31" not in [item["title"] for item in items(client, "topics/cycling")]


PLAN = {"effective_from": "2019"}


@pytest.mark.parametrize(
    ("model", "kind", "fields", "dated"),
    [
        (models.InsightPage, "insights", {"reference_year": "2019/20"}, "2020-03-31T00:00:00+01:00"),
        (models.AnnualReviewPage, "annual-reviews", {"year": "2015"}, "2015-12-31T00:00:00+00:00"),
        (models.CommunitySafetyPlanPage, "plans", PLAN | {"effective_to": "2022-06"}, "2022-06-30T00:00:00+01:00"),
        # These are news: reviews take a year or more, and a plan may have no end.
        (models.InsightPage, "insights", {"reference_year": "2024/25"}, NOW.isoformat()),
        (models.InsightPage, "insights", {"reference_year": ""}, NOW.isoformat()),
        (models.AnnualReviewPage, "annual-reviews", {"year": "2024"}, NOW.isoformat()),
        (models.CommunitySafetyPlanPage, "plans", PLAN, NOW.isoformat()),
    ],
)
def test_story_r4_old_publications_are_not_dated_today(client, tree, clock, model, kind, fields, dated):
    page = factories.page(model, tree[kind], **fields)
    archived = [] if dated == NOW.isoformat() else [dated]
    assert [item["date_published"] for item in items(client, "publications")] == ([] if archived else [dated])
    answer = client.get("/feeds/publications.json?archive=1")
    found = [item["date_published"] for item in answer.json()["items"]] if answer.status_code == 200 else []
    assert found == archived
    # A correction is news, whatever it corrects.
    clock.shift(timedelta(days=1))
    page.update_kind, page.change_note = "major", "A figure was wrong."
    factories.publish(page)
    [item] = items(client, "publications")
    assert (item["date_published"], item["date_modified"][:10]) == (dated, "2026-03-03")


@pytest.mark.parametrize(("held", "new"), [(30, ["Approved minutes published: Forum"]), (364, [])])
def test_story_r4_minutes_of_a_meeting_entered_afterwards(client, meetings, clock, held, new):
    """They are news for a year after the meeting; its agenda and its date are none any more."""
    forum = announced(meetings, starts_at=NOW - timedelta(days=held))
    reader = Follower(client, "/feeds/meetings.atom")
    reader.poll()
    clock.shift(timedelta(days=2))
    papers = [models.Paper(kind=kind, document=factories.document(kind)) for kind in ("agenda", "minutes", "report")]
    changed(forum, papers=papers, status="held")
    changed(forum, starts_at=forum.starts_at - timedelta(hours=1), status_notice="<p>It began at 8.</p>")
    assert reader.poll() == new
