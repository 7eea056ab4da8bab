"""The home screen of the admin: what awaits the user's review, what the user submitted, and which deadlines are near.

It replaces Wagtail's two moderation panels. No list names a page that the user may not find.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, Q
from django.urls import reverse
from django.utils import timezone
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.ui.components import Component
from wagtail.admin.utils import get_user_display_name
from wagtail.admin.views.home import (
    LockedPagesPanel,
    RecentEditsPanel,
    UserObjectsInWorkflowModerationPanel,
    WorkflowObjectsToModeratePanel,
)
from wagtail.models import Page, TaskState, WorkflowState

from pages.confidential.permissions import in_sight
from pages.content import addresses
from pages.content.death_reviews import may_be_told, may_see, pages_to_tell
from pages.content.plain_words import day, local, name_of
from pages.editing.deadlines import Deadline, deadlines_of
from pages.models import Takedown
from pages.models.public_records import may_take_down

DAYS_AHEAD = 60  # two cycles of monthly meetings; the calendar lists all deadlines
DEADLINES_SHOWN = 30
APPROVED_SHOWN_DAYS = 14  # long enough for somebody who comes back from a holiday


@dataclass(frozen=True)
class Item:
    """A row of a list. `note` is a moderator's comment; `changes_url` compares the draft with the live version."""

    title: str
    url: str | None
    text: str
    note: str = ""
    changes_url: str = ""


@dataclass(frozen=True)
class DueItem:
    title: str
    url: str
    deadline: Deadline
    overdue: bool


def _changes_url(obj: Model) -> str:
    if not (isinstance(obj, Page) and obj.live and obj.latest_revision_id):
        return ""
    return reverse("wagtailadmin_pages:revisions_compare", args=[obj.pk, "live", obj.latest_revision_id])


def _url_of(obj: Model, finder: AdminURLFinder) -> str | None:
    return addresses.edit_url(obj) if isinstance(obj, Page) else finder.get_edit_url(obj)


def _person(user: User | None) -> str:
    return get_user_display_name(user) if user else "an account that was removed"


def _on(moment: datetime) -> str:
    return day(local(moment).date())


# --- Awaiting your review ---


def awaiting_review_by(user: User | AnonymousUser) -> list[Item]:
    """Workflow tasks that the user may act on, oldest first, after the takedowns that the user may confirm."""
    finder = AdminURLFinder(user)
    states = (
        TaskState.objects.reviewable_by(user)
        .select_related("task", "revision__user")
        .prefetch_related("revision__content_object")
        .order_by("started_at", "pk")
    )
    found = []
    for state in states:
        obj = state.revision.content_object
        if obj is not None and may_see(user, obj):
            text = f"{state.task.name}, since {_on(state.started_at)}. Last edited by {_person(state.revision.user)}"
            found.append(Item(name_of(obj), _url_of(obj, finder), text, changes_url=_changes_url(obj)))
    return [*_takedowns_to_confirm(user), *found]


def _takedowns_to_confirm(user: User | AnonymousUser) -> Iterator[Item]:
    if may_take_down(user):
        for takedown in in_sight(Takedown.objects.filter(confirmed_at=None).exclude(by=user.pk).select_related("by")):
            text = f"Taken offline by {_person(takedown.by)} on {_on(takedown.at)}. A second person has to confirm it"
            yield Item(takedown.address, reverse("takedowns"), text)


# --- Your submissions ---


def submissions_of(user: User | AnonymousUser, as_of: datetime) -> list[Item]:
    """What the user submitted, with its status, latest first. Each page or snippet is listed once."""
    finder = AdminURLFinder(user)
    recently_approved = Q(status=WorkflowState.STATUS_APPROVED) & Q(
        current_task_state__finished_at__gte=as_of - timedelta(days=APPROVED_SHOWN_DAYS)
    )
    open_or_rejected = Q(status__in=[WorkflowState.STATUS_IN_PROGRESS, WorkflowState.STATUS_NEEDS_CHANGES])
    states = (
        WorkflowState.objects.filter(open_or_rejected | recently_approved, requested_by=user)
        .select_related("current_task_state__task", "current_task_state__finished_by")
        .prefetch_related("content_object")
        .order_by("-created_at", "-pk")
    )
    # `content_object` is a plain Page; asking each one for `specific` would cost a query each.
    pages = Page.objects.specific().in_bulk(
        [state.content_object.pk for state in states if isinstance(state.content_object, Page)]
    )
    allowed = pages_to_tell(user, pages.values())
    found: dict[tuple[int, str], Item] = {}
    for state in states:
        obj, key = state.content_object, (state.base_content_type_id, state.object_id)
        if isinstance(obj, Page):
            obj = pages.get(obj.pk) if obj.pk in allowed else None
        elif obj is not None and not may_be_told(user, obj):
            obj = None
        if obj is not None and key not in found:
            found[key] = Item(name_of(obj), _url_of(obj, finder), *_status_and_comment(state))
    return list(found.values())


def _status_and_comment(state: WorkflowState) -> tuple[str, str]:
    task = state.current_task_state
    if task is None:
        return "Awaiting review", ""
    if state.status == WorkflowState.STATUS_IN_PROGRESS:
        return f"Awaiting {task.task.name}, since {_on(task.started_at)}", ""
    by = f"by {_person(task.finished_by)} on {_on(task.finished_at)}" if task.finished_at else ""
    if state.status == WorkflowState.STATUS_NEEDS_CHANGES:
        return f"Sent back {by}", task.comment or "No reason was given."
    return f"Approved {by}", task.comment


# --- Deadlines ---


def due_soon(user: User | AnonymousUser, as_of: datetime) -> tuple[list[DueItem], int]:
    """The first deadlines that are overdue or due within DAYS_AHEAD, earliest first; and how many more there are."""
    today = local(as_of).date()
    soon = [each for each in deadlines_of(user, as_of) if each.due_on <= today + timedelta(days=DAYS_AHEAD)]
    shown = [_due_item(each, today) for each in soon[:DEADLINES_SHOWN]]
    return shown, len(soon) - len(shown)


def _due_item(deadline: Deadline, today: date) -> DueItem:
    return DueItem(name_of(deadline.page), addresses.edit_url(deadline.page), deadline, deadline.is_overdue(today))


# --- The panel ---


class EditorsHome(Component):
    """The panel with the three lists, above Wagtail's panels of recent edits and locked pages."""

    name = "editors_home"
    template_name = "pages/admin/editors_home.html"
    order = 100

    def get_context_data(self, parent_context: Mapping[str, Any] | None) -> dict[str, Any]:
        user, as_of = (parent_context or {})["request"].user, timezone.now()
        due, more = due_soon(user, as_of)
        return {
            "awaiting_review": awaiting_review_by(user),
            "submissions": submissions_of(user, as_of),
            "due": due,
            "more": more,
            "days_ahead": DAYS_AHEAD,
        }


class RecentEdits(RecentEditsPanel):
    """Wagtail's panel of the user's own edits, without pages that the user may no longer find."""

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        user = parent_context["request"].user
        allowed = pages_to_tell(user, [page for _, page in context["last_edits"]])
        edits = [(edited_at, page) for edited_at, page in context["last_edits"] if page.pk in allowed]
        return {**context, "last_edits": edits}


class LockedPages(LockedPagesPanel):
    """Wagtail's panel of the pages that the user locked, without pages that the user may no longer find."""

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        context = super().get_context_data(parent_context)
        pages = context["locked_pages"]
        allowed = pages_to_tell(parent_context["request"].user, pages)
        return {**context, "locked_pages": pages.filter(pk__in=allowed)}


def arrange(panels: list[Any]) -> None:
    """Replace Wagtail's moderation panels, and its lists of own pages, with ours. Changes `panels` in place."""
    replaced = (
        WorkflowObjectsToModeratePanel,
        UserObjectsInWorkflowModerationPanel,
        RecentEditsPanel,
        LockedPagesPanel,
    )
    others = [panel for panel in panels if not isinstance(panel, replaced)]
    panels[:] = [EditorsHome(), RecentEdits(), LockedPages(), *others]
