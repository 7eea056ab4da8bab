"""Writes meetings as iCalendar (RFC 5545, and RFC 7986 for what is said of the calendar itself).

The same events give the same bytes: there is no time of writing in them. There is no METHOD either: it would turn the
calendar into a message between an organiser and those invited (RFC 5546).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Timezone, vDuration, vText, vUri
from icalendar import Event as Component

from feeds.entry import clean_address, clean_line
from feeds.event import Event

PRODUCT = "-//Community Safety CMS//Meetings//EN"
# How often programs should look for changes.
REFRESH = timedelta(hours=1)
# Clock changes as rules. The library would list each by its date, which some programs read wrongly; without any,
# others take the times for those of wherever the reader is.
EUROPE_LONDON = """\
BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:DAYLIGHT
DTSTART:19810329T010000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZNAME:BST
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:GMT
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
"""


def calendar(events: Iterable[Event], title: str, description: str, url: str) -> bytes:
    """A calendar to follow, at this address. Programs show its title and description."""
    made = _calendar(events)
    made.add("source", vUri(clean_address(url), params={"VALUE": "URI"}))
    # RFC 7986 wants the type to be said; Outlook knows the other name alone.
    made.add("refresh-interval", vDuration(REFRESH, params={"VALUE": "DURATION"}))
    made.add("x-published-ttl", vDuration(REFRESH))
    # Under both names: there are programs that know RFC 7986 and programs that do not.
    for name, text in (("name", title), ("description", description)):
        for each in (name, f"x-wr-cal{name[:4]}"):
            made.add(each, vText(clean_line(text)))
    return made.to_ical()


def single(event: Event) -> bytes:
    """One meeting, to put into a calendar of one's own, which keeps its name."""
    return _calendar([event]).to_ical()


def _calendar(events: Iterable[Event]) -> Calendar:
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add_component(Timezone.from_ical(EUROPE_LONDON))
    for event in events:
        made.add_component(_component(event))
    return made


def _component(event: Event) -> Component:
    made = Component()
    revised = event.revised.astimezone(UTC).replace(microsecond=0)
    made.add("uid", str(event.uuid))
    made.add("sequence", event.sequence)
    made.add("dtstamp", revised)  # without METHOD it says the same as LAST-MODIFIED (RFC 5545, section 3.8.7.2)
    made.add("last-modified", revised)
    made.add("dtstart", _on_the_clock(event.starts))
    if event.ends:
        made.add("dtend", _on_the_clock(event.ends))
    made.add("status", event.status)
    if event.status == "CANCELLED":
        made.add("transp", "TRANSPARENT")  # nobody is busy then
    made.add("summary", event.summary)
    if event.location:
        made.add("location", event.location)
    made.add("description", event.description)
    made.add("url", event.url)
    return made


def _on_the_clock(moment: datetime) -> datetime:
    """In local time, but in UTC within the hour that the clocks show twice in October: programs do not agree on which
    of the two is meant, whatever RFC 5545 (section 3.3.5) says."""
    shown_twice = moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()
    return moment.astimezone(UTC) if shown_twice else moment
