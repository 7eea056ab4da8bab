"""Works out deadlines. Each rule is a function that documents its source and whether it is required by law.

The home screen (pages/editing/home.py), the staff calendar and the reminders list them. A rule takes the pages to look
at and the instant, and returns all open deadlines, overdue or not. The number of queries does not depend on the number
of pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef, QuerySet, TextChoices

from pages.confidential.permissions import editable_by
from pages.content.choices import ActionStatus, MeetingStatus, OpenToPublic, PaperKind
from pages.content.plain_words import day
from pages.content.working_days import local_day
from pages.models import (
    AgendaItem,
    ContentPage,
    DeathReviewNoticePage,
    MeetingPage,
    Paper,
    PartnershipPage,
    Recommendation,
)
from pages.visibility import current
from pages.visibility.rule import public

NOT_HELD = (MeetingStatus.CANCELLED, MeetingStatus.POSTPONED)
MINUTES_KEPT_YEARS = 6  # Local Government Act 1972 s.100C; older minutes are not asked for
PLAN_LAW = "Crime and Disorder Act 1998, section 6"
MEETING_LAW = "Crime and Disorder Regulations 2007 (SI 2007/1830)"
PARTNERSHIP = "The partnership"


class Standing(TextChoices):
    """Whether a deadline is required by law, in the words that editors see."""

    BINDS = "binds", "Required by law"
    POLICY = "policy", "Policy"
    TO_BE_VERIFIED = "to-be-verified", "May be required by law: to be verified by a lawyer"


@dataclass(frozen=True)
class Deadline:
    """Something to do on a page by the end of a day. `rule` and `row` tell apart the deadlines of one page."""

    rule: str
    page: ContentPage
    what: str
    due_on: date
    standing: Standing
    source: str
    row: int | None = None

    def is_overdue(self, today: date) -> bool:
        return self.due_on < today


def _if_confirmed(name: str) -> Standing:
    """BINDS if BINDING_DEADLINES says that a lawyer confirmed the rule for this partnership; else TO_BE_VERIFIED."""
    return Standing.BINDS if name in settings.BINDING_DEADLINES else Standing.TO_BE_VERIFIED


def agendas_due(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One for each future meeting whose agenda readers cannot see yet, as items on its page or as a file.

    Source: AGENDA_POLICY. "week_before" is POLICY, the partnership's own promise. Five clear days, in calendar or
    working days, are Local Government Act 1972 s.100B: TO BE VERIFIED whether it applies to a partnership.
    """
    future = MeetingPage.objects.filter(pk__in=pages.values("pk"), starts_at__gt=as_of, withdrawal_kind="")
    items = AgendaItem.objects.filter(page=OuterRef("pk"))
    papers = Paper.objects.filter(page=OuterRef("pk"), kind=PaperKind.AGENDA)
    ready = set(public(MeetingPage.objects.filter(Exists(items) | Exists(papers)), as_of).values_list("pk", flat=True))
    own_promise = settings.AGENDA_POLICY == "week_before"
    return [
        Deadline(
            "agenda",
            meeting,
            "Publish the agenda",
            meeting.agenda_due_on,
            Standing.POLICY if own_promise else _if_confirmed("agenda"),
            PARTNERSHIP if own_promise else "Local Government Act 1972, section 100B",
        )
        for meeting in future.exclude(status__in=NOT_HELD)
        if meeting.pk not in ready and meeting.agenda_due_on
    ]


def minutes_missing(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One for each public meeting that took place and has neither draft nor approved minutes.

    Source: POLICY, MINUTES_DUE_DAYS after the meeting. A past meeting counts as held unless its status is cancelled or
    postponed. Minutes need not be kept after six years (Local Government Act 1972 s.100C), so older meetings are left
    out.
    """
    minutes = Paper.objects.filter(page=OuterRef("pk"), kind__in=[PaperKind.DRAFT_MINUTES, PaperKind.MINUTES])
    held = MeetingPage.objects.filter(
        ~Exists(minutes),
        pk__in=pages.values("pk"),
        starts_at__lte=as_of,
        starts_at__gt=as_of - relativedelta(years=MINUTES_KEPT_YEARS),
    )
    return [
        Deadline(
            "minutes",
            meeting,
            "Publish the minutes, as a draft or as approved",
            local_day(meeting.starts_at) + relativedelta(days=settings.MINUTES_DUE_DAYS),
            Standing.POLICY,
            PARTNERSHIP,
        )
        for meeting in public(held.exclude(status__in=NOT_HELD), as_of)
        if meeting.starts_at
    ]


def pages_due_for_review(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One for each public page with a date for its next review.

    Source: POLICY: the date that the last reviewer set.
    """
    due: Any = public(pages.filter(next_review_due_on__isnull=False), as_of)
    return [
        Deadline(
            "review",
            page,
            "Check that the page is still right",
            page.next_review_due_on,
            Standing.POLICY,
            "Date on the page",
        )
        for page in due.specific()
    ]


def plan_older_than_priorities(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One if there is no plan in force, or it began before the current priorities. Due when the priorities began.

    A partial date counts as older only if it certainly is: "2025" is not older than "April 2025".
    Source: Crime and Disorder Act 1998 s.6 and the 2007 Regulations (a plan follows from the assessment and its
    priorities): TO BE VERIFIED as amended.
    """
    period, plan = current.periods(as_of)[1], current.current_plan(as_of)
    if period is None or (plan and plan.effective_from.last_day >= period.starts_on.first_day):
        return []
    page, what = (
        (plan, "Replace this plan: it is older than the priorities")
        if plan
        else (
            period,
            "Publish a community safety plan for these priorities",
        )
    )
    if not pages.filter(pk=page.pk).exists():
        return []
    return [Deadline("plan", page, what, period.starts_on.first_day, _if_confirmed("plan"), PLAN_LAW)]


def no_public_meeting(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One a year after the last meeting that was open to the public, unless the next is announced for before then.

    If the CMS knows of no such meeting, a year after the partnership's page was first published. Source: the Crime and
    Disorder (Formulation and Implementation of Strategy) Regulations 2007, at least one public meeting a year: TO BE
    VERIFIED as amended.
    """
    home = PartnershipPage.objects.filter(pk__in=pages.values("pk")).order_by("path").first()
    if home is None or home.first_published_at is None:
        return []
    announced = public(MeetingPage.objects.filter(open_to_public__in=[OpenToPublic.OPEN, OpenToPublic.PART]), as_of)
    announced = announced.exclude(status__in=NOT_HELD)
    last = announced.filter(starts_at__lte=as_of).order_by("-starts_at").values_list("starts_at", flat=True).first()
    due_on = local_day(last or home.first_published_at) + relativedelta(years=1)
    following = announced.filter(starts_at__gt=as_of).order_by("starts_at").values_list("starts_at", flat=True).first()
    if following and local_day(following) <= due_on:
        return []
    what = f"Hold a public meeting: the last was on {day(local_day(last))}" if last else "Hold a public meeting"
    return [Deadline("public_meeting", home, what, due_on, _if_confirmed("public_meeting"), MEETING_LAW)]


def action_plan_updates(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One for each recommendation of a death review that has a due date and is neither done nor stopped.

    Source: POLICY: the action plan of the review.
    """
    notices = DeathReviewNoticePage.objects.filter(pk__in=pages.values("pk"))
    open_ones = Recommendation.objects.filter(page__in=notices, due_on__isnull=False).exclude(
        status__in=[ActionStatus.DONE, ActionStatus.STOPPED]
    )
    return [
        Deadline(
            "action_plan",
            recommendation.page,
            f"Update the status of recommendation {recommendation.number}",
            recommendation.due_on,
            Standing.POLICY,
            "Action plan of the review",
            recommendation.pk,
        )
        for recommendation in open_ones.select_related("page")
    ]


def minimum_time_online_ends(pages: QuerySet[ContentPage], as_of: datetime) -> list[Deadline]:
    """One for each public death-review notice, on the last day of its promised minimum time online.

    Source: POLICY: the date in the notice, by default DEATH_REVIEW_MINIMUM_MONTHS after its publication. No statutory
    minimum was found.
    """
    notices = DeathReviewNoticePage.objects.filter(pk__in=pages.values("pk"), minimum_online_until__isnull=False)
    return [
        Deadline(
            "time_online",
            notice,
            "The promised time online ends: decide whether the notice stays",
            notice.minimum_online_until,
            Standing.POLICY,
            PARTNERSHIP,
        )
        for notice in public(notices, as_of)
    ]


RULES: tuple[Callable[[QuerySet[ContentPage], datetime], list[Deadline]], ...] = (
    agendas_due,
    minutes_missing,
    pages_due_for_review,
    plan_older_than_priorities,
    no_public_meeting,
    action_plan_updates,
    minimum_time_online_ends,
)


def deadlines_of(user: User | AnonymousUser, as_of: datetime) -> list[Deadline]:
    """All open deadlines of the pages that the user may edit, earliest first."""
    pages = editable_by(user)
    found = [deadline for rule in RULES for deadline in rule(pages, as_of)]
    return sorted(found, key=lambda each: (each.due_on, each.rule, str(each.page.uuid), each.row or 0))
