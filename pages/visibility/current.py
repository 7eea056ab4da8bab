"""Finds the period, plan and meeting that are current at an instant, among public ones."""

import math
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from pages.compiled_queries import compiled
from pages.content.choices import MeetingStatus, OpenToPublic, PlanAvailability
from pages.models import CommunitySafetyPlanPage, MeetingPage, PriorityPeriodPage
from pages.visibility.rule import public


def periods(
    as_of: datetime,
) -> tuple[list[PriorityPeriodPage], PriorityPeriodPage | None, list[PriorityPeriodPage]]:
    """Past periods (newest first), the current one, and future ones.

    A period given in years includes the whole last year. If two contain today, the one that starts later is current and
    the other is past.
    """
    return by_standing(_dated(as_of=as_of), as_of)


@compiled
def _dated(*, as_of: datetime) -> QuerySet[PriorityPeriodPage]:
    return public(PriorityPeriodPage.objects.filter(starts_on__isnull=False), as_of)


def by_standing(
    candidates: Iterable[PriorityPeriodPage], as_of: datetime
) -> tuple[list[PriorityPeriodPage], PriorityPeriodPage | None, list[PriorityPeriodPage]]:
    """The same for given periods. One that was never saved counts as the newest."""
    today = timezone.localdate(as_of)
    found = sorted(candidates, key=lambda period: (period.starts_on.value, period.pk or math.inf), reverse=True)
    future = [period for period in found if period.starts_on.first_day > today]
    started = [period for period in found if period.starts_on.first_day <= today]
    current = next((period for period in started if period.ends_on is None or period.ends_on.last_day >= today), None)
    return [period for period in started if period is not current], current, future


def current_plan(as_of: datetime) -> CommunitySafetyPlanPage | None:
    """The plan in force: of those that have started and are not archived or over, the one that started last."""
    today = timezone.localdate(as_of)
    plans = public(CommunitySafetyPlanPage.objects.exclude(availability=PlanAvailability.ARCHIVED), as_of)
    in_force = [
        plan
        for plan in plans.filter(effective_from__isnull=False)
        if plan.effective_from.first_day <= today and (plan.effective_to is None or plan.effective_to.last_day >= today)
    ]
    return max(in_force, key=lambda plan: (plan.effective_from.value, plan.pk), default=None)


def upcoming(meetings: QuerySet[MeetingPage], as_of: datetime) -> QuerySet[MeetingPage]:
    """Meetings that have not started, soonest first."""
    return meetings.filter(starts_at__gt=as_of).order_by("starts_at", "uuid")


def next_meeting(as_of: datetime) -> MeetingPage | None:
    """The first future meeting that is open to the public, at least in part, and neither cancelled nor postponed."""
    meetings = public(MeetingPage.objects.all(), as_of).filter(
        open_to_public__in=[OpenToPublic.OPEN, OpenToPublic.PART]
    )
    off = [MeetingStatus.CANCELLED, MeetingStatus.POSTPONED]
    return upcoming(meetings.exclude(status__in=off), as_of).first()
