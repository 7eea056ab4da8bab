"""What a calendar is told of a meeting: feeds/write/calendar.py writes it, and the preview in the admin shows it.

An event keeps its identity as an entry does (feeds/entry.py), so that a meeting that is moved moves in the calendar.
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

    `starts` and `ends` carry the offset of Europe/London. `ends` is None where no end was announced: none is made up.
    `status` is the STATUS of section 3.8.1.11. `sequence` counts how often readers were told of another time, place,
    way to attend or status; `revised` is when anything that readers see of the meeting changed last.
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
        # All that programs may take for the end of a line is one.
        object.__setattr__(self, "description", clean("\n".join(self.description.splitlines())))


def event(meeting: MeetingPage, venue: Venue | None, *, sequence: int, revised: datetime) -> Event | None:
    """None while the meeting has no date: a calendar has no place for it. `venue` is its venue, when that is public."""
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
        description="\n\n".join(text for text in _said(meeting) if text),
        sequence=sequence,
        revised=revised,
    )


def _said(meeting: MeetingPage) -> list[str]:
    """The paragraphs of the description. Some calendars show no link but one in the text."""
    said = [plain_text(meeting.status_notice), meeting.summary]
    if not meeting.is_off:
        if meeting.questions_deadline:
            said.append(f"Send questions by {when(meeting.questions_deadline)}.")
        if meeting.joining_url:
            said.append(f"Join online: {meeting.joining_url}")
    return [*said, f"More about this meeting: {addresses.url(meeting)}"]


def _status(meeting: MeetingPage) -> str:
    """A postponed meeting does not take place at its time either, and RFC 5545 has no other word for that."""
    if meeting.is_off:
        return "CANCELLED"
    return "TENTATIVE" if meeting.status == MeetingStatus.PROVISIONAL else "CONFIRMED"
