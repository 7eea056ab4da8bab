"""A meeting as a calendar event: feeds/write/calendar.py serialises it, and the preview in the admin shows it.

The id of an event never changes (as in feeds/entry.py), so a rescheduled meeting moves in the calendars of readers.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from feeds.entry import clean, clean_address, clean_line
from pages.content import addresses
from pages.content.choices import MeetingStatus
from pages.content.plain_words import local, when
from pages.content.rich_text import plain_text
from pages.models import MeetingPage, Venue


@dataclass(frozen=True)
class Event:
    """A meeting as an event of RFC 5545, section 3.6.1.

    `starts` and `ends` are in the time zone Europe/London. `ends` is None if no end was announced. `status` is the
    STATUS of section 3.8.1.11. `sequence` counts the announced changes of time, place, way to attend or status.
    `revised` is the time of the last public change of the meeting.
    """

    uuid: UUID
    url: str
    summary: str
    starts: datetime
    ends: datetime | None
    status: str
    location: str
    description: str
    sequence: int
    revised: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "summary", clean_line(self.summary) or "Meeting")
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "location", clean_line(self.location))
        # Use one kind of line break: programs treat other characters as line breaks as well.
        object.__setattr__(self, "description", clean("\n".join(self.description.splitlines())))


def event(meeting: MeetingPage, venue: Venue | None, *, sequence: int, revised: datetime) -> Event | None:
    """The event, or None if the meeting has no date. `venue` is its venue if that is public."""
    if meeting.starts_at is None:
        return None
    return Event(
        uuid=meeting.uuid,
        url=addresses.url(meeting),
        summary=f"{meeting.get_status_display().upper()}: {meeting.title}" if meeting.is_off else meeting.title,
        starts=local(meeting.starts_at),
        ends=local(meeting.ends_at) if meeting.ends_at else None,
        status=_status(meeting),
        location=meeting.where(venue),
        description="\n\n".join(text for text in _paragraphs(meeting) if text),
        sequence=sequence,
        revised=revised,
    )


def _paragraphs(meeting: MeetingPage) -> list[str]:
    """The paragraphs of the description. They include the link, because some calendars show no other."""
    paragraphs = [plain_text(meeting.status_notice), meeting.summary]
    if not meeting.is_off:
        if meeting.ends_at is None:
            # Programs make up an end, or show none.
            paragraphs.append("No end time was announced.")
        if meeting.questions_deadline:
            paragraphs.append(f"Send questions by {when(meeting.questions_deadline)}.")
        if meeting.joining_url:
            paragraphs.append(f"Join online: {meeting.joining_url}")
    return [*paragraphs, f"More about this meeting: {addresses.url(meeting)}"]


def _status(meeting: MeetingPage) -> str:
    """The iCalendar status. RFC 5545 has none for "postponed", so a postponed meeting is cancelled at its old time."""
    if meeting.is_off:
        return "CANCELLED"
    return "TENTATIVE" if meeting.status == MeetingStatus.PROVISIONAL else "CONFIRMED"
