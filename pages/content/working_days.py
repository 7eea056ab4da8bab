"""Works out local days, working days, and the day on which the agenda of a meeting is due."""

from datetime import date, datetime, timedelta
from functools import cache

import holidays
from django.conf import settings
from django.utils import timezone


def local_day(moment: datetime) -> date:
    """The day in the time zone TIME_ZONE, whatever time zone a user has chosen for the admin."""
    return timezone.localdate(moment, timezone.get_default_timezone())


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def is_working_day(day: date) -> bool:
    """Monday to Friday, and not a bank holiday in England."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def agenda_due_on(meeting_on: date, policy: str | None = None) -> date:
    """The last day on which the agenda of a meeting can be published in time.

    Policies, for a meeting on Tuesday 24 February 2026 (the partnership's own promise is the first):
    - "week_before": the last working day of the week before: Friday 20 February;
    - "five_clear_working_days": five whole working days lie between: Monday 16 February
      (Local Government Act 1972 s.100B; whether it binds the partnership is to be verified);
    - "five_clear_days": five whole calendar days lie between: Wednesday 18 February.
    """
    policy = policy or settings.AGENDA_POLICY
    if policy == "five_clear_days":
        return meeting_on - timedelta(days=6)
    if policy == "five_clear_working_days":
        day, clear = meeting_on, 0
        while clear < 6:
            day -= timedelta(days=1)
            clear += is_working_day(day)
        return day
    day = meeting_on - timedelta(days=meeting_on.weekday() + 3)
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day
