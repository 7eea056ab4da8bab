"""Serialises meetings as iCalendar (RFC 5545, and RFC 7986 for the properties of the calendar itself).

The same events give the same bytes, because no time of writing is included. METHOD is left out: it would turn the
calendar into a scheduling message between an organiser and attendees (RFC 5546).
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
# Clock changes as rules. The library would list each change by its date, which some programs misread. Without any,
# other programs assume the time zone of the reader.
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


def calendar(events: Iterable[Event], title: str, description: str, url: str, shows_cancelled: bool = False) -> bytes:
    """The calendar at this address, to subscribe to. Programs show its title and description.

    Google Calendar hides events with the status "cancelled", so people think that there never was one. A calendar that
    `shows_cancelled` leaves this status out: the titles say it.
    """
    component = _calendar(events, shows_cancelled)
    component.add("source", vUri(clean_address(url), params={"VALUE": "URI"}))
    # RFC 7986 requires the value type. Outlook knows only the other name.
    component.add("refresh-interval", vDuration(REFRESH, params={"VALUE": "DURATION"}))
    component.add("x-published-ttl", vDuration(REFRESH))
    # Under both names, because not all programs know RFC 7986.
    for name, text in (("name", title), ("description", description)):
        for each in (name, f"x-wr-cal{name[:4]}"):
            component.add(each, vText(clean_line(text)))
    return component.to_ical()


def single(event: Event) -> bytes:
    """One meeting to add to an existing calendar. It has no title, because that would rename the calendar."""
    return _calendar([event]).to_ical()


def _calendar(events: Iterable[Event], shows_cancelled: bool = False) -> Calendar:
    component = Calendar()
    component.add("prodid", PRODUCT)
    component.add("version", "2.0")
    component.add_component(Timezone.from_ical(EUROPE_LONDON))
    for event in events:
        component.add_component(_event_component(event, shows_cancelled))
    return component


def _event_component(event: Event, shows_cancelled: bool) -> Component:
    component = Component()
    revised = event.revised.astimezone(UTC).replace(microsecond=0)
    component.add("uid", str(event.uuid))
    component.add("sequence", event.sequence)
    component.add("dtstamp", revised)  # without METHOD the same as LAST-MODIFIED (RFC 5545, section 3.8.7.2)
    component.add("last-modified", revised)
    component.add("dtstart", _local_or_utc(event.starts))
    if event.ends:
        component.add("dtend", _local_or_utc(event.ends))
    if not (shows_cancelled and event.status == "CANCELLED"):
        component.add("status", event.status)
    if event.status == "CANCELLED":
        component.add("transp", "TRANSPARENT")  # a cancelled meeting does not block time
    component.add("summary", event.summary)
    if event.location:
        component.add("location", event.location)
    component.add("description", event.description)
    component.add("url", event.url)
    return component


def _local_or_utc(moment: datetime) -> datetime:
    """Local time, or UTC within the hour that is repeated in October.

    RFC 5545 (section 3.3.5) says which of the two hours a local time means, but programs disagree.
    """
    is_ambiguous = moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()
    return moment.astimezone(UTC) if is_ambiguous else moment
