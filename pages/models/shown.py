"""What a screen showed to a person who decides on a version, and what has changed since.

The screen sends this back with the decision (pages/approval/edit_screens.py). The workflow task compares it with the
current state (pages/models/moderation.py), so that a decision applies only to what the person saw.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from wagtail.admin.utils import get_user_display_name
from wagtail.models import Page, Revision, TaskState, WorkflowState
from wagtail.permissions import policy_registry

from documents.models import Document, Image
from pages.content.references import HIDDEN
from pages.models.approvals import AlreadyDoneError, NeedsApproval, NotApprovedError, content_hash
from pages.models.page_visibility import PageVisibility

Person: TypeAlias = User | AnonymousUser

FIELD = "shown"
LOOK_AGAIN = "Your decision was not carried out. Look at it again, then decide."


@dataclass(frozen=True)
class Shown:
    """The open task state, its revision, a hash of the content and files on the screen, and a hash of the place."""

    task_state: int
    revision: int
    content_hash: str
    place: str

    def __str__(self) -> str:
        return f"{self.task_state}.{self.revision}.{self.content_hash}.{self.place}"

    @classmethod
    def by(cls, latest: NeedsApproval) -> "Shown | None":
        """What a screen with this object, the latest version, shows; None if no task state is open.

        Call it before rendering, so that a change during rendering is noticed.
        """
        digest, state = content_hash(latest.serializable_data()), latest.current_workflow_task_state
        return cls(state.pk, latest.latest_revision_id, digest, _place(latest)) if state else None

    @classmethod
    def sent(cls, fields: Mapping[str, Any]) -> "Shown | None":
        """What the fields of a request say was shown, or None if they do not say it in the right format."""
        match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})\.([0-9a-f]{64})\.([0-9a-f]{64}-[01])", str(fields.get(FIELD, "")))
        return cls(int(match[1]), int(match[2]), match[3], match[4]) if match else None


def _place(latest: NeedsApproval) -> str:
    """A hash of the parent page's key and address and of whether readers reach what is there, and whether an earlier
    version is live (0 or 1).

    Wagtail's tree path would not do, because reordering pages gives it to another page.
    """
    parent = latest.get_parent() if isinstance(latest, Page) else None
    place = f"{parent.pk} {parent.url_path} {_is_reached(latest, parent)}" if parent else ""
    return f"{hashlib.sha256(place.encode()).hexdigest()}-{int(latest.live)}"


def _is_reached(page: Page, parent: Page) -> bool:
    """Whether readers see the parent page, and this page is not private."""
    public = PageVisibility.objects.filter(page=parent.pk, until__gt=timezone.now(), withdrawal_kind="")
    return (parent.depth == 1 or public.exists()) and not page.view_restrictions.exists()


def require_question(shown: Shown | None, latest: NeedsApproval, user: Person) -> tuple[Shown, TaskState]:
    """What was shown, and the open task state. Raises NotApprovedError unless the screen showed that task state."""
    if shown is None:
        raise NotApprovedError(f"Open “{latest}” and decide there: a decision is about what that screen shows.")
    waiting = latest.current_workflow_task_state
    if waiting is None or waiting.pk != shown.task_state:
        _raise_task_state_closed(shown, latest, waiting, user)
    return shown, waiting


def require_as_shown(shown: Shown | None, latest: NeedsApproval, user: Person) -> None:
    """Raises NotApprovedError, with a message for the person who decides, unless all is as the screen showed it.

    `latest` is the latest version as an object. The caller holds the lock of its row.
    """
    shown, waiting = require_question(shown, latest, user)
    if not (shown.revision == latest.latest_revision_id == waiting.revision_id):
        raise NotApprovedError(f"{_saved(latest.latest_revision, shown, user)} {LOOK_AGAIN}")
    if _place(latest) != shown.place:
        raise NotApprovedError(
            f"“{latest}” was moved, published or unpublished since you opened it, or a page above it was shown or "
            f"hidden. {LOOK_AGAIN}"
        )
    recorded = latest.latest_revision.content
    files = " ".join(_files_that_changed(recorded.get("file_facts", {}), latest.serializable_data(), user))
    if content_hash(latest.serializable_data()) != shown.content_hash:
        raise NotApprovedError(f"{files or 'The details of a file were changed and changed back.'} {LOOK_AGAIN}")
    if content_hash(recorded) != shown.content_hash:
        change = files or "Something that it shows was deleted."
        raise NotApprovedError(
            f"{change} That was after “{latest}” was saved. Save it once more, look at it, and then decide."
        )


def nothing_to_take_back(latest: NeedsApproval, user: Person) -> NotApprovedError:
    """The error for a person who takes back a submission when no task state is open."""
    state = latest.workflow_states.order_by("created_at", "pk").last()
    last = state.current_task_state if state else None
    if last is None:
        return NotApprovedError(f"“{latest}” was not submitted.")
    name, time = _person(last.finished_by, user), _when(last.finished_at)
    if state.status == WorkflowState.STATUS_CANCELLED:
        return AlreadyDoneError(f"{name} took “{latest}” back {time} already. Nothing more was done.")
    return NotApprovedError(f"{name} approved “{latest}” {time} already, so it was not taken back.")


def _raise_task_state_closed(shown: Shown, latest: NeedsApproval, waiting: TaskState | None, user: Person) -> NoReturn:
    """Raises NotApprovedError with the reason why the task state that was shown is no longer open."""
    workflow_states = latest.workflow_states.values("pk")
    task_state = (
        TaskState.objects.filter(pk=shown.task_state, workflow_state__in=workflow_states)
        .select_related("workflow_state", "finished_by")
        .first()
    )
    if task_state is None:
        raise NotApprovedError(f"That version of “{latest}” is no longer awaiting approval. {LOOK_AGAIN}")
    name, time = _person(task_state.finished_by, user), _when(task_state.finished_at)
    if task_state.status in (TaskState.STATUS_APPROVED, TaskState.STATUS_REJECTED):
        done = "approved" if task_state.status == TaskState.STATUS_APPROVED else "asked for changes to"
        text = f"{name} {done} “{latest}” {time} already."
        if task_state.finished_by == user:
            raise AlreadyDoneError(f"{text} Nothing more was done.")
        raise NotApprovedError(f"{text} {LOOK_AGAIN}")
    if task_state.workflow_state.status == WorkflowState.STATUS_CANCELLED:
        again = " It was submitted again since." if waiting else ""
        raise NotApprovedError(f"{name} took “{latest}” back {time}.{again} {LOOK_AGAIN}")
    raise NotApprovedError(f"{_saved(latest.latest_revision, shown, user)} {LOOK_AGAIN}")


def saved_by(revision: Revision, user: Person) -> str:
    """One sentence about who saved a revision, and when."""
    return f"{_person(revision.user, user)} saved “{revision.object_str}” {_when(revision.created_at)}."


def _saved(revision: Revision, shown: Shown, user: Person) -> str:
    """One sentence about who saved the revision that is the latest now, and whether it changed the content."""
    name, time = _person(revision.user, user), _when(revision.created_at)
    if content_hash(revision.content) == shown.content_hash:
        return f"{name} saved “{revision.object_str}” once more {time}."
    return f"{name} changed “{revision.object_str}” {time}."


def _files_that_changed(
    recorded: dict[str, dict[str, list[str]]], content: dict[str, Any], user: Person
) -> Iterator[str]:
    """One sentence for each file that was deleted, replaced or described differently since the version was saved."""
    for kind, model, noun in (("images", Image, "picture"), ("documents", Document, "document")):
        before, after = recorded.get(kind, {}), content.get("file_facts", {}).get(kind, {})
        named = model._default_manager.filter(pk__in=before)
        # A request can be forged, so the message has only titles that the user may see.
        visible = policy_registry.get_by_type(model).instances_user_has_any_permission_for(user, ["choose"])
        named = named.filter(pk__in=visible.values("pk"))
        names = dict(named.values_list("pk", "title"))
        for key, (file_key, words) in before.items():
            title = f" “{names[int(key)]}”" if int(key) in names else ""
            if key not in after:
                yield f"A {noun} that it shows was deleted."
            elif after[key][0] != file_key:
                yield f"The file of the {noun}{title} was exchanged."
            elif (hidden := after[key][1].endswith(HIDDEN)) != words.endswith(HIDDEN):
                yield f"The {noun}{title} was put where readers {'do not find' if hidden else 'find'} it."
            elif after[key][1] != words:
                yield f"The details of the {noun}{title} were changed."


def _person(somebody: Person | None, user: Person) -> str:
    if somebody is None:
        return "Somebody"
    return "You" if somebody == user else get_user_display_name(somebody)


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "meanwhile"
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    return f"at {local:%H:%M}" if today else f"on {local.day} {local:%B %Y} at {local:%H:%M}"
