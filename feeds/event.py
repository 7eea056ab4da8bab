"""What a calendar is told of a meeting; the preview in the admin shows it, and a serialiser needs to know no more.

An event keeps its identity as an entry does (feeds/entry.py), so that a meeting that is moved moves in the calendar.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from feeds.entry import clean, clean_line
from pages import addresses
from pages.choices import AttendanceMode, MeetingStatus
from pages.models import MeetingPage
from pages.page_html import Targets
from pages.plain_words import local, place
from pages.rich_text import plain_text

OFF = {MeetingStatus.CANCELLED, MeetingStatus.POSTPONED}


@dataclass(frozen=True)
class Event:
    """A meeting as an event of RFC 5545, section 3.6.1.

    `starts` and `ends` carry the offset of Europe/London. `ends` is None where no end was announced: none is made up.
    `status` is the STATUS of section 3.8.1.11.
    """

    uuid: UUID
    url: str
    summary: str
    starts: datetime
    ends: datetime | None
    status: str
    location: str
    description: str


def event(meeting: MeetingPage, targets: Targets) -> Event | None:
    """None while the meeting has no date: a calendar has no place for it."""
    if meeting.starts_at is None:
        return None
    title = f"{meeting.get_status_display().upper()}: {meeting.title}" if meeting.status in OFF else meeting.title
    joining = f"Join online: {meeting.joining_url}" if meeting.joining_url else ""
    said = [plain_text(meeting.status_notice), meeting.summary, joining]
    return Event(
        uuid=meeting.uuid,
        url=addresses.url(meeting),
        summary=clean_line(title),
        starts=local(meeting.starts_at),
        ends=local(meeting.ends_at) if meeting.ends_at else None,
        status=_status(meeting),
        location=clean_line(where(meeting, targets)),
        description=clean("\n\n".join(text for text in said if text)),
    )


def where(meeting: MeetingPage, targets: Targets) -> str:
    """As in "Conference Room 2, …, CB1 1JF and online"; empty where no place is known."""
    places = []
    if meeting.attendance_mode != AttendanceMode.ONLINE and (venue := targets.related(meeting, "venue")):
        places.append(place(venue))
    if meeting.attendance_mode != AttendanceMode.IN_PERSON:
        places.append("online")
    return " and ".join(places)


def _status(meeting: MeetingPage) -> str:
    """A postponed meeting does not take place at its time either, and RFC 5545 has no other word for that."""
    if meeting.status in OFF:
        return "CANCELLED"
    return "TENTATIVE" if meeting.status == MeetingStatus.PROVISIONAL else "CONFIRMED"
