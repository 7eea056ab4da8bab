"""Which meetings the calendar holds at an instant, as events.

Public ones alone. A program that follows the calendar drops what is not in it any more, so a meeting that was
withdrawn, unpublished or deleted leaves its readers' calendars at the next look, and nothing has to be kept of it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from feeds.event import Event, event
from pages.content.plain_words import local
from pages.models import MeetingChange, MeetingPage, PublicChange, PublicRecord, Venue
from pages.visibility.rule import public, public_snippets

# How many days after the day of a meeting the calendar still has it.
KEPT = timedelta(days=365)
KEPT_WHEN_OFF = timedelta(days=90)
AT_MOST = 500  # meetings, the latest ones
# The fields of the change log that calendars have to follow (RFC 5545, section 3.8.7.4).
_MOVED = ("starts", "ends", "venue", "attendance", "status")


@dataclass(frozen=True)
class Schedule:
    """The events in the order of their dates. `left_at` is when a meeting last became too old for it."""

    events: tuple[Event, ...]
    left_at: datetime


def schedule(as_of: datetime) -> Schedule:
    """The meetings to come, and those of the last year, in one query."""
    today = local(as_of).date()
    # Twice as long, to know of those that left. What left before, readers have noticed in the meantime.
    rows = _with_facts(public(MeetingPage.objects.filter(starts_at__gte=_start_of(today - 2 * KEPT)), as_of), as_of)
    shown, left = [], [_start_of(today - KEPT)]
    for meeting in rows.order_by("-starts_at", "-uuid")[:AT_MOST]:
        leaves = _leaves(meeting)
        if leaves > as_of:
            shown.append(_event(meeting))
        else:
            left.append(leaves)
    events = tuple(sorted((each for each in shown if each), key=lambda each: (each.starts, each.uuid)))
    # A second is kept back, as in feeds/read/sources.py.
    return Schedule(events, min(max(left), as_of - timedelta(seconds=1)))


def event_of(uuid: UUID, as_of: datetime) -> Event | None:
    """One meeting, however old; None when none is public under this name. One query."""
    meeting = _with_facts(public(MeetingPage.objects.filter(uuid=uuid), as_of), as_of).first()
    return _event(meeting) if meeting else None


def was_a_meeting(uuid: UUID) -> bool:
    """Whether a meeting was public under this name. Of a page that was deleted it is not known what it was."""
    what = Q(page__isnull=True) | Q(page__meetingpage__isnull=False)
    return PublicRecord.objects.filter(what, pk=uuid).exists()


def _with_facts(meetings: QuerySet[MeetingPage], as_of: datetime) -> QuerySet[Any]:
    moves = MeetingChange.objects.filter(page=OuterRef("pk"), field__in=_MOVED).order_by().values("page")
    changes = PublicChange.objects.filter(record=OuterRef("uuid")).order_by("-version").values("at")
    return meetings.select_related("venue").annotate(
        moves=Coalesce(Subquery(moves.annotate(number=Count("at", distinct=True)).values("number")), 0),
        revised=Coalesce(Subquery(changes[:1]), F("first_published_at")),
        venue_is_public=Exists(public_snippets(Venue.objects.filter(pk=OuterRef("venue")), as_of)),
    )


def _event(meeting: Any) -> Event | None:
    venue = meeting.venue if meeting.venue_is_public else None
    revised = meeting.revised
    if meeting.venue and not venue and meeting.venue.live and meeting.venue.expire_at:
        revised = max(revised, meeting.venue.expire_at)  # it expired, and no change tells of that yet
    return event(meeting, venue, sequence=meeting.moves, revised=revised)


def _leaves(meeting: MeetingPage) -> datetime:
    kept = KEPT_WHEN_OFF if meeting.is_off else KEPT
    assert meeting.starts_at is not None  # noqa: S101 - for the type checker
    return _start_of(local(meeting.starts_at).date() + kept + timedelta(days=1))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())
