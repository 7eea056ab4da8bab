"""Meetings in people's calendars: the right time in every program, one event for each meeting, and no stale ones."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import icalendar
import pytest
import time_machine
import vobject
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import PageViewRestriction

from feeds.catalogue import addresses_to_forget
from feeds.read.meetings import AT_MOST
from feeds.write import calendar
from pages import models
from pages.models import ContentPage
from tests import factories
from tests.factories import london
from tests.test_node_clients import NODE, TESTS, need_node, run

pytestmark = pytest.mark.one_database

CALENDAR = "/feeds/meetings.ics"
SECRET = "MARKER-OF-SOMETHING-SECRET"


def at(*when):
    """The clock stands still at this time in Cambridge."""
    return time_machine.travel(london(*when), tick=False)


@pytest.fixture(autouse=True)
def _clock():
    with at(2026, 2, 11, 9):
        yield


@pytest.fixture
def index(home):
    with at(2026, 2, 1, 9):
        return factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")


@pytest.fixture
def hall(home):
    return factories.venue(name="Fire Station", room="Room 2", address="Cambridge", postcode="CB1 1JF")


@pytest.fixture
def meeting(index, hall):
    return factories.page(
        models.MeetingPage,
        index,
        title="Partnership meeting",
        summary="Come along.",
        slug="february",
        status="confirmed",
        starts_at=london(2026, 2, 24, 10),
        venue=hall,
    )


def told(client, address=CALENDAR):
    """The events of a calendar, by the end of their page address."""
    response = client.get(address)
    assert response.status_code == 200, response.content
    return {str(each["url"]).rsplit("/", 2)[1]: each for each in events_in(response.content)}


def events_in(data):
    return icalendar.Calendar.from_ical(data).events


def facts(found):
    return found["uid"], found["sequence"], found["status"], found["summary"], found["dtstart"].dt


def change(page, **fields):
    """Publish another version of a meeting, with a notice where one is needed."""
    page = models.MeetingPage.objects.get(pk=page.pk)
    for name, value in fields.items():
        setattr(page, name, value)
    if set(fields) & {"starts_at", "venue", "status"} or fields.get("attendance_mode") == "online":
        page.status_notice += f"<p>Changed on {timezone.now():%d %B}.</p>"
    return factories.publish(page)


def own_address(page):
    return f"/meetings/{page.uuid}.ics"


# --- To the letter ---


def test_a_calendar_to_the_letter(client, meeting):
    change(
        meeting,
        ends_at=london(2026, 2, 24, 12, 30),
        summary="Reports; questions, too.",
        questions_deadline=london(2026, 2, 20, 12),
        attendance_mode="hybrid",
        joining_url="https://meet.example.org/1",
    )
    response = client.get(CALENDAR)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    events = f"""\
BEGIN:VEVENT
SUMMARY:Partnership meeting
DTSTART;TZID=Europe/London:20260224T100000
DTEND;TZID=Europe/London:20260224T123000
DTSTAMP:20260211T090000Z
UID:{meeting.uuid}
SEQUENCE:1
DESCRIPTION:Reports\\; questions\\, too.\\n\\nSend questions by Friday 20 Febr
 uary 2026\\, midday.\\n\\nJoin online: https://meet.example.org/1\\n\\nMore abo
 ut this meeting: http://testserver/meetings/february/
LAST-MODIFIED:20260211T090000Z
LOCATION:Room 2\\, Fire Station\\, Cambridge\\, CB1 1JF and online
STATUS:CONFIRMED
URL:http://testserver/meetings/february/
END:VEVENT
"""
    start = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Community Safety CMS//Meetings//EN\n"
    about = """\
DESCRIPTION:When the partnership meets\\, with agendas and papers.
X-WR-CALDESC:When the partnership meets\\, with agendas and papers.
NAME:Testing Partnership: meetings
X-WR-CALNAME:Testing Partnership: meetings
REFRESH-INTERVAL;VALUE=DURATION:PT1H
SOURCE;VALUE=URI:http://testserver/feeds/meetings.ics
X-PUBLISHED-TTL:PT1H
"""
    lines = f"{start}{about}{calendar.EUROPE_LONDON}{events}END:VCALENDAR\n"
    assert response.content.decode() == lines.replace("\n", "\r\n")
    alone = client.get(own_address(meeting))
    assert alone["Content-Type"] == "text/calendar; charset=utf-8"
    lines = f"{start}{calendar.EUROPE_LONDON}{events}END:VCALENDAR\n"
    assert alone.content.decode() == lines.replace("\n", "\r\n")


def test_no_end_is_made_up(client, meeting):
    found = told(client)["february"]
    assert "dtend" not in found
    assert "duration" not in found
    assert "No end time was announced." in found["description"].split("\n\n")
    change(meeting, ends_at=london(2026, 2, 24, 12))
    assert "No end time" not in told(client)["february"]["description"]


@pytest.mark.parametrize(
    ("status", "told_status", "summary"),
    [
        ("provisional", "TENTATIVE", "Partnership meeting"),
        ("confirmed", "CONFIRMED", "Partnership meeting"),
        ("rescheduled", "CONFIRMED", "Partnership meeting"),
        ("postponed", "CANCELLED", "POSTPONED: Partnership meeting"),
        ("cancelled", "CANCELLED", "CANCELLED: Partnership meeting"),
        ("held", "CONFIRMED", "Partnership meeting"),
    ],
)
def test_the_status_in_a_calendar(client, index, status, told_status, summary):
    factories.page(
        models.MeetingPage, index, title="Partnership meeting", slug="m", status=status, status_notice="<p>Said.</p>"
    )
    found = told(client)["m"]
    assert (found["status"], found["summary"]) == (told_status, summary)
    assert found.get("transp") == ("TRANSPARENT" if told_status == "CANCELLED" else None)
    # Google Calendar hides a cancelled event, so its address says so only in the title.
    visible = told(client, "/feeds/meetings-with-cancelled.ics")["m"]
    assert (visible.get("status"), visible["summary"]) == (
        None if told_status == "CANCELLED" else told_status,
        summary,
    )
    assert {name: visible[name] for name in visible if name != "STATUS"} == {
        name: found[name] for name in found if name != "STATUS"
    }


def test_the_calendar_with_cancelled_meetings_has_an_address_of_its_own(client, meeting):
    answer = client.get("/feeds/meetings-with-cancelled.ics")
    own = "http://testserver/feeds/meetings-with-cancelled.ics"
    assert f'<{own}>; rel="self"' in answer["Link"]
    assert icalendar.Calendar.from_ical(answer.content)["source"] == own
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert (
        client.get("/feeds/meetings-with-cancelled.ics", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    )
    assert own in addresses_to_forget()
    for name in ("news", "topics/nonsense"):
        assert client.get(f"/feeds/{name}-with-cancelled.ics").status_code == 404


def test_a_meeting_that_is_off_asks_for_no_questions(client, index):
    fields = {"questions_deadline": london(2026, 2, 20, 12), "joining_url": "https://meet.example.org/1"}
    page = factories.page(models.MeetingPage, index, slug="m", attendance_mode="hybrid", summary="Come.", **fields)
    change(page, status="cancelled")
    assert str(told(client)["m"]["description"]) == (
        "Changed on 11 February.\n\nCome.\n\nMore about this meeting: http://testserver/meetings/m/"
    )


def test_an_empty_calendar_is_a_calendar(client, home):
    for _ in range(2):
        found = icalendar.Calendar.from_ical(client.get(CALENDAR).content)
        assert (found.events, [each.tz_name for each in found.timezones]) == ([], ["Europe/London"])
        cache.clear()
        home.unpublish()  # then the calendar has no name of the partnership either
    assert found.calendar_name == "Meetings"


# --- Stories ---


def test_story_the_clock_change(client, index, tmp_path):
    """A meeting at 10 is at 10 before the clocks change and after, for every program, wherever its reader is."""
    need_node()
    starts = {
        "winter": ((2026, 2, 24, 10), "20260224T100000", "2026-02-24T10:00:00"),
        "before-spring": ((2026, 3, 28, 10), "20260328T100000", "2026-03-28T10:00:00"),
        "after-spring": ((2026, 3, 30, 10), "20260330T100000", "2026-03-30T09:00:00"),
        "summer": ((2026, 7, 1, 18, 30), "20260701T183000", "2026-07-01T17:30:00"),
        "before-autumn": ((2026, 10, 24, 10), "20261024T100000", "2026-10-24T09:00:00"),
        "after-autumn": ((2026, 10, 26, 10), "20261026T100000", "2026-10-26T10:00:00"),
        "in-ten-years": ((2036, 7, 1, 10), "20360701T100000", "2036-07-01T09:00:00"),
    }
    # From the hour that the clocks of 25 October show twice, the first time and the second, until after it.
    nights = {
        "first": (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 15, tzinfo=UTC)),
        "second": (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
    }
    instants = {}
    for slug, (start, _, instant) in starts.items():
        ends = london(*start) + timedelta(hours=2)
        factories.page(models.MeetingPage, index, slug=slug, starts_at=london(*start), ends_at=ends)
        moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
        instants[slug] = moment, moment + timedelta(hours=2)
    for slug, (start, end) in nights.items():
        factories.page(models.MeetingPage, index, slug=slug, starts_at=start, ends_at=end)
        instants[slug] = start, end
    data = client.get(CALENDAR).content
    lines = data.decode().split("\r\n")
    for slug, (_, line, _) in starts.items():
        assert f"DTSTART;TZID=Europe/London:{line}" in lines, slug
    assert "DTSTART:20261025T003000Z" in lines
    assert "DTSTART:20261025T013000Z" in lines
    slugs = {str(page.uuid): page.slug for page in models.MeetingPage.objects.all()}
    assert len(slugs) == len(instants)

    read = {
        "icalendar": [(each["uid"], each["dtstart"].dt, each["dtend"].dt) for each in events_in(data)],
        "vobject": [
            (each.uid.value, each.dtstart.value, each.dtend.value)
            for each in vobject.readOne(data.decode()).vevent_list
        ],
        "ical.js": [
            (each["uid"], datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]))
            for each in read_by_ical_js(data, tmp_path)
        ],
    }
    for program, events in read.items():
        found = {slugs[uid]: (starts.astimezone(UTC), ends.astimezone(UTC)) for uid, starts, ends in events}
        assert found == instants, program


def read_by_ical_js(data, folder):
    (folder / "meetings.ics").write_bytes(data)
    return json.loads(run(TESTS / "node", NODE, "calendar.js", folder / "meetings.ics"))


def test_story_a_meeting_is_cancelled(client, meeting):
    """It shows as cancelled in the calendars that have it, long enough for everybody to see, and no longer."""
    before = told(client)["february"]
    assert facts(before) == (str(meeting.uuid), 0, "CONFIRMED", "Partnership meeting", london(2026, 2, 24, 10))
    with at(2026, 2, 20, 15, 30):
        change(meeting, status="cancelled")
        after = told(client)["february"]
    assert facts(after) == (
        str(meeting.uuid),
        1,
        "CANCELLED",
        "CANCELLED: Partnership meeting",
        london(2026, 2, 24, 10),
    )
    assert (before["dtstamp"].dt, after["dtstamp"].dt) == (london(2026, 2, 11, 9), london(2026, 2, 20, 15, 30))
    assert (before["last-modified"].dt, after["last-modified"].dt) == (before["dtstamp"].dt, after["dtstamp"].dt)
    assert str(after["description"]).startswith("Changed on 20 February.\n\n")
    with at(2026, 5, 25, 23, 59):  # 90 days later
        last = client.get(CALENDAR)
        assert [facts(each) for each in events_in(last.content)] == [facts(after)]
    with at(2026, 5, 26, 0, 0):
        for validator in (
            {"If-None-Match": last["ETag"]},
            {"If-Modified-Since": last["Last-Modified"]},
        ):
            response = client.get(CALENDAR, headers=validator)
            assert (response.status_code, events_in(response.content)) == (200, [])
        assert told(client, own_address(meeting))["february"]["status"] == "CANCELLED"  # its page is there, too


def test_story_one_meeting_is_one_event(client, meeting, index, hall):
    """Whatever is saved, calendars have one event for it, and take it for changed when it changed for people."""
    uid = str(meeting.uuid)
    for number in range(5):
        with at(2026, 2, 12, 9 + number):
            change(meeting, summary=f"Come along, {number}.", title=f"Meeting {number}")
    with at(2026, 2, 13, 9):
        change(meeting, slug="moved")
        page = models.MeetingPage.objects.get(pk=meeting.pk)
        page.move(ContentPage.objects.get(pk=index.pk), pos="first-child")
    found = told(client)
    assert set(found) == {"moved"}
    assert facts(found["moved"])[:2] == (uid, 0)
    assert found["moved"]["dtstamp"].dt == london(2026, 2, 13, 9)
    changes = [
        {"starts_at": london(2026, 2, 25, 10)},
        {"venue": factories.venue(name="Library")},
        {"ends_at": london(2026, 2, 25, 12)},
        {"starts_at": london(2026, 2, 26, 10), "ends_at": london(2026, 2, 26, 12), "venue": hall},  # at once: one
        {"attendance_mode": "online", "joining_url": "https://meet.example.org/1"},
        {"status": "cancelled"},
        {"status": "confirmed"},
    ]
    for number, fields in enumerate(changes, start=1):
        with at(2026, 2, 14, 9 + number):
            change(meeting, **fields)
            [event] = told(client).values()
            assert facts(event)[:2] == (uid, number), fields
    assert facts(event)[2:] == ("CONFIRMED", "Meeting 4", london(2026, 2, 26, 10))


def test_a_venue_that_was_put_right_shows_in_the_calendar(client, meeting, hall):
    with at(2026, 2, 12, 9):
        hall.name = "New Fire Station"
        factories.publish(hall)
        found = told(client)["february"]
    assert found["location"] == "Room 2, New Fire Station, Cambridge, CB1 1JF"
    assert (found["sequence"], found["dtstamp"].dt) == (0, london(2026, 2, 12, 9))


def test_a_venue_that_expired_is_a_change_of_the_event(client, meeting, hall):
    """Programs that follow the calendar would otherwise keep the place, or not know which of two is the later."""
    models.Venue.objects.filter(pk=hall.pk).update(expire_at=london(2026, 2, 13, 10))
    with at(2026, 2, 13, 9, 59):
        before = told(client)["february"]
    with at(2026, 2, 13, 11):
        after = told(client)["february"]
    assert (str(before["location"]), "location" in after) == ("Room 2, Fire Station, Cambridge, CB1 1JF", False)
    assert (before["dtstamp"].dt, after["dtstamp"].dt) == (london(2026, 2, 11, 9), london(2026, 2, 13, 10))
    assert after["last-modified"].dt == london(2026, 2, 13, 10)
    with at(2026, 2, 13, 12):
        call_command("publish_scheduled")
        later = told(client)["february"]
    assert later["dtstamp"].dt == london(2026, 2, 13, 12)


# --- Which meetings ---


def test_the_meetings_of_a_year_and_all_to_come(client, index):
    for slug, day in {"long-ago": 10, "a-year-ago": 11}.items():
        factories.page(models.MeetingPage, index, slug=slug, starts_at=london(2025, 2, day, 23, 30))
    factories.page(models.MeetingPage, index, slug="to-come", starts_at=london(2031, 7, 1, 10))
    response = client.get(CALENDAR)
    assert list(told(client)) == ["a-year-ago", "to-come"]
    with at(2026, 2, 12, 0):
        for validator in ({"If-None-Match": response["ETag"]}, {"If-Modified-Since": response["Last-Modified"]}):
            assert client.get(CALENDAR, headers=validator).status_code == 200
        assert list(told(client)) == ["to-come"]


def test_a_calendar_does_not_grow_for_ever(client, index, monkeypatch):
    assert AT_MOST == 500
    monkeypatch.setattr("feeds.read.meetings.AT_MOST", 2)
    for day in (3, 1, 2):
        factories.page(models.MeetingPage, index, slug=f"d{day}", starts_at=london(2026, 3, day, 10))
    assert list(told(client)) == ["d2", "d3"]


def hide(page):
    PageViewRestriction(page=page, restriction_type=PageViewRestriction.LOGIN).save()


def withdraw(page):
    ContentPage.objects.filter(pk=page.pk).update(
        withdrawal_kind="withdrawn", withdrawn_at=timezone.now(), withdrawal_explanation="It was an error."
    )


def expire(page):
    ContentPage.objects.filter(pk=page.pk).update(expire_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "go", [hide, withdraw, expire, models.MeetingPage.unpublish, models.MeetingPage.delete], ids=lambda go: go.__name__
)
def test_what_is_not_public_any_more_leaves_the_calendar(client, meeting, index, go):
    factories.page(models.MeetingPage, index, slug="other")
    uuid = meeting.uuid
    go(meeting)
    cache.clear()
    assert set(told(client)) == {"other"}
    response = client.get(f"/meetings/{uuid}.ics")
    assert (response.status_code, response.content) == (410, b"This meeting is not public any more.\n")


def test_what_never_was_public_is_not_there(client, index):
    draft = factories.draft(models.MeetingPage, index, title=SECRET)
    library = factories.venue(name=SECRET)
    changed = factories.page(models.MeetingPage, index, slug="changed", venue=library)
    library.unpublish()
    changed.title = SECRET
    changed.save_revision()
    assert set(told(client)) == {"changed"}
    assert "location" not in told(client)["changed"]
    for address in (CALENDAR, own_address(changed)):
        assert SECRET not in client.get(address).content.decode()
    news = factories.page(models.NewsPage, factories.page(models.NewsIndexPage, index.get_parent()), title=SECRET)
    for uuid in (draft.uuid, news.uuid, index.uuid, uuid4(), UUID(int=0)):
        response = client.get(f"/meetings/{uuid}.ics")
        assert (response.status_code, response.content) == (404, b"There is no meeting at this address.\n")


def test_addresses_beside_the_pages_of_meetings(client, meeting):
    assert client.get("/meetings/february/").status_code == 200
    for path in ("/meetings/february.ics", f"/meetings/{meeting.uuid}.rss", f"/meetings/{meeting.uuid}.ics/"):
        assert client.get(path).status_code == 404, path


def test_the_api_lists_the_calendar(ask, index):
    feeds = ask("{ feeds { title url format } }")["feeds"]
    assert [feed for feed in feeds if feed["format"] == "ICALENDAR"] == [
        {"title": "Meetings", "url": f"http://testserver{CALENDAR}", "format": "ICALENDAR"}
    ]


def test_only_meetings_have_a_calendar(client, index):
    response = client.get("/feeds/news.ics")
    assert response.status_code == 404
    assert ".ics" not in response.content.decode()
    assert f"http://testserver{CALENDAR}\n" in client.get("/feeds/meetings.ical").content.decode()
    assert client.get(f"{CALENDAR}?archive=1").status_code == 404
