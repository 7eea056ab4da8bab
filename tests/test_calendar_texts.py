"""No text breaks a calendar."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import re
from uuid import UUID

import icalendar
import pytest
import vobject
from django.core.cache import cache
from django.utils import timezone
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feeds.event import Event, event
from feeds.write import calendar
from pages import models
from pages.models import ContentPage
from tests.factories import london
from tests.test_calendars import CALENDAR, _clock, events_in, hall, index, meeting, own_address, read_by_ical_js  # noqa: F401 - fixtures
from tests.test_node_clients import need_node

pytestmark = pytest.mark.one_database


TEXTS = st.text(st.characters(), max_size=200)


def event_with(text):
    return Event(
        uuid=UUID(int=7),
        url=f"http://testserver/meetings/{text}/",
        summary=text,
        starts=london(2026, 7, 1, 10),
        ends=None,
        status="CONFIRMED",
        location=text,
        description=f"{text}\n\n{text}",
        sequence=0,
        revised=london(2026, 2, 11, 9),
    )


ODD = [
    "\x00\x08\x0b\x1f\x7f\x85",
    "a\ud800b\udfffc",
    "\ufffe\uffff",
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 40,
    "\u202eברא\u202c العربية" * 20,
    "a\r\nEND:VEVENT\r\nBEGIN:VALARM\rb\u2028c\u2029d",
    "one, two; three: four \\ five \\n six \\, seven",
    "Titles without an end. " * 10_000,
    ";" * 500,
    "\\" * 500,
    "",
    " \t\r\n ",
]


def valid(data):
    """What RFC 5545 says of lines: CRLF after each, 75 octets at most, nothing but text in them."""
    assert data.endswith(b"\r\n")
    for line in data[:-2].split(b"\r\n"):
        assert 0 < len(line) <= 75
        assert not re.search("[\x00-\x08\x0a-\x1f\x7f]", line.decode())  # each line by itself is UTF-8


def examples(function):
    for text in ODD:
        function = example(text)(function)
    return function


@hypothesis_settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(TEXTS)
@examples
def test_no_text_breaks_a_calendar(text):
    given_event = event_with(text)
    data = calendar.calendar([given_event, given_event], text, text, "http://testserver/feeds/meetings.ics")
    valid(data)
    valid(calendar.single(given_event))
    found = icalendar.Calendar.from_ical(data)
    assert len(found.events) == len(vobject.readOne(data.decode()).vevent_list) == 2
    for each in found.events:
        assert not each.errors
        assert each["uid"] == "00000000-0000-0000-0000-000000000007"
        assert each["dtstart"].dt == london(2026, 7, 1, 10)
        assert each["url"].isascii()
        for name in ("summary", "location", "description"):
            # The library takes the letters \N for the end of a line.
            assert str(each.get(name, "")) == getattr(given_event, name).replace("\\N", "\n")


def test_ical_js_reads_odd_texts_too(tmp_path):
    need_node()
    events = [event_with(text) for text in ODD]
    data = calendar.calendar(events, "Meetings", "About", "http://testserver/feeds/meetings.ics")
    read = read_by_ical_js(data, tmp_path)
    assert [(each["summary"], each["location"] or "", each["description"]) for each in read] == [
        (each.summary, each.location, each.description) for each in events
    ]


@pytest.mark.parametrize(
    ("text", "summary", "description"),
    [
        ("Plain", "Plain", "Plain\n\nPlain"),
        ("Two\r\n lines\t here", "Two lines here", "Two\n lines\t here\n\nTwo\n lines\t here"),
        ("Bell\x07 and \ud83d half", "Bell and half", "Bell and  half\n\nBell and  half"),
        ("Café 🚲 ברא", "Café 🚲 ברא", "Café 🚲 ברא\n\nCafé 🚲 ברא"),
        ("\x00\ufffe", "Meeting", "\n\n"),
    ],
)
def test_texts_lose_only_what_cannot_be_shown(text, summary, description):
    found = event_with(text)
    assert (found.summary, found.description) == (summary, description)


def test_a_meeting_of_odd_texts_from_the_database(client, meeting, hall):
    for text in ("Bell \x07 rings; at, ten", "🚲 & <b>bikes</b>", "\u202eברא\r\nX:1"):
        ContentPage.objects.filter(pk=meeting.pk).update(title=text, summary=text)
        models.Venue.objects.filter(pk=hall.pk).update(name=text)
        cache.clear()
        response = client.get(CALENDAR)
        valid(response.content)
        [found] = events_in(response.content)
        assert str(found["summary"]) == " ".join(text.replace("\x07", "").split())
        assert client.get(own_address(meeting))["Content-Disposition"] == 'inline; filename="meeting-2026-02-24.ics"'


def test_a_draft_without_a_date_is_no_event(db):
    draft = models.MeetingPage(title="Soon", slug="soon", url_path="/home/meetings/soon/")
    assert event(draft, None, sequence=0, revised=timezone.now()) is None
