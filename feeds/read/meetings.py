"""Reads the meetings of the calendar at an instant, as events.

Only public meetings are included. Programs remove what the calendar no longer has, so a withdrawn, unpublished or
deleted meeting disappears from readers' calendars at the next refresh. No record of it is needed.
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

# How long after the day of a meeting the calendar has it.
KEPT = timedelta(days=365)
CANCELLED_KEPT = timedelta(days=90)
AT_MOST = 500  # meetings, the latest ones
# The fields of the change log that increase SEQUENCE (RFC 5545, section 3.8.7.4).
_SEQUENCE_FIELDS = ("starts", "ends", "venue", "attendance", "status")


@dataclass(frozen=True)
class Schedule:
    """The events in the order of their dates. `left_at` is when a meeting was last removed for its age."""

    events: tuple[Event, ...]
    left_at: datetime


def schedule(as_of: datetime) -> Schedule:
    """The future meetings, and those of the last year, in one query."""
    today = local(as_of).date()
    # Twice as long, to know when a meeting was last removed. Readers have noticed earlier removals.
    rows = _annotated(public(MeetingPage.objects.filter(starts_at__gte=_start_of(today - 2 * KEPT)), as_of), as_of)
    shown, left = [], [_start_of(today - KEPT)]
    for meeting in rows.order_by("-starts_at", "-uuid")[:AT_MOST]:
        removed_at = _removal_time(meeting)
        if removed_at > as_of:
            shown.append(_event(meeting))
        else:
            left.append(removed_at)
    events = tuple(sorted(filter(None, shown), key=lambda event: (event.starts, event.uuid)))
    # At least a second ago, as in feeds/read/sources.py.
    return Schedule(events, min(max(left), as_of - timedelta(seconds=1)))


def event_of(uuid: UUID, as_of: datetime) -> Event | None:
    """One meeting of any age, or None if no public meeting has this uuid. Takes one query."""
    meeting = _annotated(public(MeetingPage.objects.filter(uuid=uuid), as_of), as_of).first()
    return _event(meeting) if meeting else None


def was_a_meeting(uuid: UUID) -> bool:
    """Whether a meeting with this uuid was public once. Any deleted page counts, because its type is not known."""
    may_be_meeting = Q(page__isnull=True) | Q(page__meetingpage__isnull=False)
    return PublicRecord.objects.filter(may_be_meeting, pk=uuid).exists()


def _annotated(meetings: QuerySet[MeetingPage], as_of: datetime) -> QuerySet[Any]:
    # With the changes that were taken down: SEQUENCE must not fall.
    told = MeetingChange.with_taken_down.filter(page=OuterRef("pk"), field__in=_SEQUENCE_FIELDS)
    moves = told.order_by().values("page")
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
        revised = max(revised, meeting.venue.expire_at)  # the ledger has no change for the expiry yet
    return event(meeting, venue, sequence=meeting.moves, revised=revised)


def _removal_time(meeting: MeetingPage) -> datetime:
    kept = CANCELLED_KEPT if meeting.is_off else KEPT
    assert meeting.starts_at is not None  # noqa: S101 - for the type checker
    return _start_of(local(meeting.starts_at).date() + kept + timedelta(days=1))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())
