"""What the feeds tell of a meeting, and once each."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile

from pages import models
from tests import factories
from tests.factories import london
from tests.test_feed_stories import Follower, changed, clock, items, removed, titles  # noqa: F401 - fixtures


@pytest.fixture
def meeting(home):
    meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
    return factories.page(
        models.MeetingPage,
        meetings,
        slug="march",
        title="Meeting in March",
        starts_at=london(2026, 3, 24, 10),
        venue=factories.venue(name="Parkside Place"),
    )


def test_what_happens_to_a_meeting_is_told_once_each(client, meeting, clock):
    reader = Follower(client, "/feeds/meetings.atom")
    assert reader.poll() == ["Meeting in March"]
    clock.shift(timedelta(days=1))
    agenda = models.Paper(kind="agenda", document=factories.document("Agenda"))
    changed(meeting, papers=[agenda])
    assert reader.poll() == ["Agenda published: Meeting in March"]
    clock.shift(timedelta(days=1))
    changed(meeting, starts_at=london(2026, 3, 31, 10), status_notice="<p>The hall is closed.</p>")
    assert reader.poll() == ["Meeting moved: Meeting in March"]
    moved = items(client, "meetings")[0]
    assert moved["summary"] == (
        f"The meeting planned for Tuesday 24 March 2026, 10am, {PLACE} has been moved to Tuesday 31 March 2026, 10am, "
        f"{PLACE}: The hall is closed."
    )
    clock.shift(timedelta(days=1))
    changed(meeting, status="cancelled", status_notice="<p>The hall is closed.</p><p>We could not find another.</p>")
    assert reader.poll() == ["Meeting cancelled: Meeting in March"]
    clock.shift(timedelta(days=30))
    minutes = models.Paper(kind="minutes", document=factories.document("Minutes"))
    changed(meeting, papers=[*meeting.papers.all(), minutes])
    assert reader.poll() == ["Approved minutes published: Meeting in March"]
    changed(meeting, slug="another")
    assert reader.poll() == []
    own = next(item for item in items(client, "meetings") if item["id"] == meeting.uuid.urn)
    assert own["title"] == "Cancelled: Meeting in March"
    assert own["summary"].startswith("This meeting was planned for Tuesday 31 March 2026, 10am")
    assert [each["title"] for each in items(client, "meetings")[0]["attachments"]] == ["Minutes"]


def with_other_document(meeting):
    changed(meeting, papers=[models.Paper(kind="agenda", document=factories.document("Second"))])


def with_other_file(meeting):
    document = meeting.papers.get().document
    document.title, document.file = "Second", ContentFile(b"Another", "second.csv")
    document.save()
    changed(meeting)


@pytest.mark.parametrize("replace", [with_other_document, with_other_file])
@pytest.mark.parametrize("announced_with", [True, False])
def test_another_agenda_is_a_correction_of_the_entry_and_says_so(client, meeting, clock, replace, announced_with):
    agenda = models.Paper(kind="agenda", document=factories.document("First"))
    if announced_with:
        parent, starts_at = meeting.get_parent().specific, meeting.starts_at
        meeting = factories.page(models.MeetingPage, parent, title="Forum", starts_at=starts_at, papers=[agenda])
    else:
        clock.shift(timedelta(days=1))
        changed(meeting, papers=[agenda])
        [item, _] = items(client, "meetings")
        assert [item["title"], *(each["title"] for each in item["attachments"])] == [
            "Agenda published: Meeting in March",
            "First",
        ]
    clock.shift(timedelta(days=1))
    replace(meeting)
    [item] = [item for item in items(client, "meetings") if item["title"] == f"Agenda replaced: {meeting.title}"]
    assert [each["title"] for each in item["attachments"]] == ["Second"]
    replaced_on, first = ("3 March 2026", "2 March 2026") if announced_with else ("4 March 2026", "3 March 2026")
    assert item["content_html"].startswith(
        f"<p><strong>Updated {replaced_on}:</strong> This agenda replaces the one of {first}.</p>"
    )
    assert (item["date_published"], item["date_modified"]) == (
        "2026-03-03T09:00:00+00:00",
        "2026-03-03T09:00:00+00:00" if announced_with else "2026-03-04T09:00:00+00:00",
    )
    page = client.get(f"/meetings/{meeting.slug}/").content.decode()
    assert f"<li>{replaced_on}. The agenda of {first} was replaced.</li>" in page


def test_an_agenda_minutes_after_the_announcement_is_told(client, meeting, clock):
    reader = Follower(client, "/feeds/meetings.atom")
    assert reader.poll() == ["Meeting in March"]
    clock.shift(timedelta(minutes=2))
    changed(meeting, papers=[models.Paper(kind="agenda", document=factories.document("Agenda"))])
    assert reader.poll() == ["Agenda published: Meeting in March"]


def test_papers_that_come_together_make_one_entry(client, meeting, clock):
    reader = Follower(client, "/feeds/meetings.atom")
    assert reader.poll() == ["Meeting in March"]
    clock.shift(timedelta(days=1))
    agenda, first = (models.Paper(kind=kind, document=factories.document(kind)) for kind in ("agenda", "report"))
    changed(meeting, papers=[first, agenda])
    assert reader.poll() == ["Agenda published: Meeting in March"]
    assert [each["title"] for each in items(client, "meetings")[0]["attachments"]] == ["agenda", "report"]
    clock.shift(timedelta(days=1))
    two = [models.Paper(kind=kind, document=factories.document(f"New {kind}")) for kind in ("report", "supplement")]
    changed(meeting, papers=[first, agenda, *two])
    assert reader.poll() == ["2 papers published: Meeting in March"]
    [told, *_] = items(client, "meetings")
    assert told["summary"] == (f"“New report” is new. “New supplement” is new. Tuesday 24 March 2026, 10am, {PLACE}.")
    assert [each["title"] for each in told["attachments"]] == ["New report", "New supplement"]


def test_a_late_agenda_says_why(client, meeting, clock):
    clock.move_to(london(2026, 3, 23, 9))
    late = models.Paper(kind="agenda", document=factories.document("Agenda"), late_reason="The clerk was ill")
    changed(meeting, papers=[late])
    assert items(client, "meetings")[0]["summary"] == (
        f"Tuesday 24 March 2026, 10am, {PLACE}. It is late: The clerk was ill."
    )


def test_approved_minutes_are_news_after_the_draft(client, meeting, clock):
    reader = Follower(client, "/feeds/meetings.atom")
    assert reader.poll() == ["Meeting in March"]
    clock.shift(timedelta(days=30))
    draft = models.Paper(kind="draft-minutes", document=factories.document("Draft"))
    changed(meeting, papers=[draft])
    assert reader.poll() == ["Draft minutes published: Meeting in March"]
    [of_the_draft, _] = items(client, "meetings")
    clock.shift(timedelta(days=30))
    changed(meeting, papers=[draft, models.Paper(kind="minutes", document=factories.document("Approved"))])
    assert reader.poll() == ["Approved minutes published: Meeting in March"]
    [approved, still, _] = items(client, "meetings")
    assert still == of_the_draft
    assert ([each["title"] for each in approved["attachments"]], approved["date_published"]) == (
        ["Approved"],
        "2026-05-01T10:00:00+01:00",
    )
    # The draft is taken off the page, and its entry goes.
    clock.shift(timedelta(days=1))
    changed(meeting, papers=[paper for paper in meeting.papers.all() if paper.kind == "minutes"])
    assert titles(client, "meetings") == ["Approved minutes published: Meeting in March", "Meeting in March"]
    assert list(removed(client, "meetings")) == [of_the_draft["id"]]
    assert reader.poll() == []


PLACE = "Parkside Place, Cambridge, CB1 1JF"


@pytest.mark.parametrize("off", ["cancelled", "postponed"])
def test_a_meeting_that_takes_place_after_all_is_news(client, meeting, clock, off):
    reader = Follower(client, "/feeds/meetings.atom")
    changed(meeting, status="confirmed")
    assert reader.poll() == ["Meeting in March"]
    clock.shift(timedelta(days=1))
    changed(meeting, status=off, status_notice="<p>The hall is flooded.</p>")
    assert reader.poll() == [f"Meeting {off}: Meeting in March"]
    clock.shift(timedelta(days=1))
    changed(meeting, status="confirmed", status_notice="<p>The hall is flooded.</p><p>It is dry again.</p>")
    assert reader.poll() == ["Meeting goes ahead: Meeting in March"]
    assert [item["summary"] for item in items(client, "meetings")[:2]] == [
        f"The meeting on Tuesday 24 March 2026, 10am, {PLACE} goes ahead after all: It is dry again.",
        f"The meeting planned for Tuesday 24 March 2026, 10am, {PLACE} has been {off}: The hall is flooded.",
    ]
    clock.shift(timedelta(days=30))
    changed(meeting, status="held")
    assert reader.poll() == []


def test_a_meeting_that_is_off_invites_nobody(client, meeting, clock):
    changed(
        meeting,
        attendance_mode="hybrid",
        joining_url="https://meet.example.org/1",
        how_to_ask_a_question="<p>Write to us.</p>",
        questions_deadline=london(2026, 3, 20, 12),
    )
    invitations = ("Send questions by", "Write to us.", "https://meet.example.org/1")

    def invited():
        entry = next(item for item in items(client, "meetings") if item["id"] == meeting.uuid.urn)
        texts = (entry["content_html"], client.get("/meetings/march/").content.decode())
        return [[text in each for text in invitations] for each in texts]

    assert invited() == [[True] * 3] * 2
    clock.shift(timedelta(days=1))
    changed(meeting, status="cancelled", status_notice="<p>The hall is flooded.</p>")
    assert invited() == [[False] * 3] * 2
    page = client.get("/meetings/march/").content.decode()
    assert (
        f"<li>3 March 2026. The meeting planned for Tuesday 24 March 2026, 10am, {PLACE} and online has been cancelled: "
        "The hall is flooded.</li>"
    ) in page


def test_a_meeting_that_goes_online_is_moved(client, meeting, clock):
    clock.shift(timedelta(days=1))
    changed(meeting, attendance_mode="hybrid", joining_url="https://meet.example.org/1")
    assert titles(client, "meetings") == ["Meeting in March"]
    clock.shift(timedelta(days=1))
    changed(meeting, attendance_mode="online", status_notice="<p>The hall is closed.</p>")
    [moved, _] = items(client, "meetings")
    assert (moved["title"], moved["summary"]) == (
        "Meeting moved: Meeting in March",
        f"The meeting planned for Tuesday 24 March 2026, 10am, {PLACE} and online has been moved to Tuesday 24 March "
        "2026, 10am, online: The hall is closed.",
    )


def test_a_place_that_there_was_not_before(client, meeting, clock):
    changed(
        meeting,
        attendance_mode="online",
        joining_url="https://meet.example.org/1",
        venue=None,
        status_notice="<p>Online.</p>",
    )
    clock.shift(timedelta(days=1))
    hall = factories.venue(name="Town Hall", room="", address="Cambridge", postcode="CB2 3QJ")
    changed(meeting, attendance_mode="hybrid", venue=hall, status_notice="<p>Online.</p><p>We found one.</p>")
    assert items(client, "meetings")[0]["summary"] == (
        "The meeting planned for Tuesday 24 March 2026, 10am, online has been moved to Tuesday 24 March 2026, 10am, "
        "Town Hall, Cambridge, CB2 3QJ and online: We found one."
    )


def test_what_is_no_news_of_a_meeting_makes_no_entry(client, meeting, clock):
    """A meeting that is confirmed or held, an end that is known now, an agenda that came with the announcement."""
    clock.shift(timedelta(days=1))
    changed(meeting, status="confirmed", ends_at=london(2026, 3, 24, 12))
    assert titles(client, "meetings") == ["Meeting in March"]
    with_agenda = factories.page(
        models.MeetingPage,
        meeting.get_parent().specific,
        title="Meeting in April",
        papers=[models.Paper(kind="agenda", document=factories.document())],
        starts_at=london(2026, 4, 28, 10),
    )
    assert titles(client, "meetings") == ["Meeting in April", "Meeting in March"]
    assert with_agenda.live
