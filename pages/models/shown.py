"""What a screen showed to somebody who decides on a version, and what has changed since.

The screen sends it back with the decision (pages/approval/edit_screens.py), and the step of the workflow compares
(pages/models/moderation.py): an approval answers the question that was on the screen, and no other.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from django.utils import timezone
from wagtail.admin.utils import get_user_display_name
from wagtail.models import Page, Revision, TaskState, WorkflowState
from wagtail.permissions import policy_registry

from documents.models import Document, Image
from pages.content.references import PRIVATE
from pages.models.approvals import AlreadyDoneError, NotApprovedError, content_hash

FIELD = "shown"
LOOK_AGAIN = "Nothing that you decided was done. Look at it again, and then decide."


@dataclass(frozen=True)
class Shown:
    """The question, the version that it is about, and a hash of all that the screen shows of it, files included."""

    task_state: int
    revision: int
    content_hash: str
    place: str

    def __str__(self) -> str:
        return f"{self.task_state}.{self.revision}.{self.content_hash}.{self.place}"

    @classmethod
    def by(cls, latest: Any) -> "Shown | None":
        """By a screen that shows this object, the latest version; None where nobody is asked about it.

        Taken before anything is rendered: what changes in between is then noticed, and refused.
        """
        digest, state = content_hash(latest.serializable_data()), latest.current_workflow_task_state
        return cls(state.pk, latest.latest_revision_id, digest, _place(latest)) if state else None

    @classmethod
    def sent(cls, fields: Mapping[str, Any]) -> "Shown | None":
        found = re.fullmatch(r"(\d{1,18})\.(\d{1,18})\.([0-9a-f]{64})\.([0-9a-f]{64}-[01])", str(fields.get(FIELD, "")))
        return cls(int(found[1]), int(found[2]), found[3], found[4]) if found else None


def _place(latest: Any) -> str:
    """A hash of the page that it is below and of the address of that, and whether readers see an earlier version of it
    now. Not of Wagtail's tree path: another page has that once pages are put into another order."""
    above = latest.get_parent() if isinstance(latest, Page) else None
    place = f"{above.pk} {above.url_path}" if above else ""
    return f"{hashlib.sha256(place.encode()).hexdigest()}-{int(latest.live)}"


def require_question(shown: Shown | None, latest: Any, user: Any) -> tuple[Shown, TaskState]:
    """The question that is open, which must be the one that the screen showed. Raises as `require_as_shown` does."""
    if shown is None:
        raise NotApprovedError(f"Open “{latest}” and decide there: a decision is about what that screen shows.")
    waiting = latest.current_workflow_task_state
    if waiting is None or waiting.pk != shown.task_state:
        _say_what_became_of(shown, latest, waiting, user)
    return shown, waiting


def require_as_shown(shown: Shown | None, latest: Any, user: Any) -> None:
    """Raises NotApproved, in words for the person who decides, unless everything is as the screen showed it.

    `latest` is the latest version as an object, read under the lock of its row.
    """
    shown, waiting = require_question(shown, latest, user)
    if not (shown.revision == latest.latest_revision_id == waiting.revision_id):
        raise NotApprovedError(f"{_saved(latest.latest_revision, shown, user)} {LOOK_AGAIN}")
    if _place(latest) != shown.place:
        raise NotApprovedError(f"“{latest}” was moved, published or unpublished since you opened it. {LOOK_AGAIN}")
    recorded = latest.latest_revision.content
    files = " ".join(_files_that_changed(recorded.get("file_facts", {}), latest.serializable_data(), user))
    if content_hash(latest.serializable_data()) != shown.content_hash:
        raise NotApprovedError(f"{files or 'What is said of a file was changed, and changed back.'} {LOOK_AGAIN}")
    if content_hash(recorded) != shown.content_hash:
        why = files or "Something that it shows was deleted."
        raise NotApprovedError(
            f"{why} That was after “{latest}” was saved. Save it once more, look at it, and then decide."
        )


def nothing_to_take_back(latest: Any, user: Any) -> NotApprovedError:
    """Why there is no question any more that somebody could take back."""
    state = latest.workflow_states.order_by("created_at", "pk").last()
    last = state.current_task_state if state else None
    if last is None:
        return NotApprovedError(f"“{latest}” was not submitted.")
    who, when = _person(last.finished_by, user), _when(last.finished_at)
    if state.status == WorkflowState.STATUS_CANCELLED:
        return AlreadyDoneError(f"{who} took “{latest}” back {when} already. Nothing more was done.")
    return NotApprovedError(f"{who} approved “{latest}” {when} already, so it was not taken back.")


def _say_what_became_of(shown: Shown, latest: Any, waiting: TaskState | None, user: Any) -> NoReturn:
    """Raises the exception that says why this question is over."""
    own = latest.workflow_states.values("pk")
    asked = (
        TaskState.objects.filter(pk=shown.task_state, workflow_state__in=own)
        .select_related("workflow_state", "finished_by")
        .first()
    )
    if asked is None:
        raise NotApprovedError(f"Nobody is asked about that version of “{latest}” any more. {LOOK_AGAIN}")
    who, when = _person(asked.finished_by, user), _when(asked.finished_at)
    if asked.status in (TaskState.STATUS_APPROVED, TaskState.STATUS_REJECTED):
        done = "approved" if asked.status == TaskState.STATUS_APPROVED else "asked for changes to"
        text = f"{who} {done} “{latest}” {when} already."
        if asked.finished_by == user:
            raise AlreadyDoneError(f"{text} Nothing more was done.")
        raise NotApprovedError(f"{text} {LOOK_AGAIN}")
    if asked.workflow_state.status == WorkflowState.STATUS_CANCELLED:
        again = " It was submitted again since." if waiting else ""
        raise NotApprovedError(f"{who} took “{latest}” back {when}.{again} {LOOK_AGAIN}")
    raise NotApprovedError(f"{_saved(latest.latest_revision, shown, user)} {LOOK_AGAIN}")


def saved_by(revision: Revision, user: Any) -> str:
    return f"{_person(revision.user, user)} saved “{revision.object_str}” {_when(revision.created_at)}."


def _saved(revision: Revision, shown: Shown, user: Any) -> str:
    """Who saved the version that is the latest now."""
    who, when = _person(revision.user, user), _when(revision.created_at)
    if content_hash(revision.content) == shown.content_hash:
        return f"{who} saved “{revision.object_str}” once more {when}."
    return f"{who} changed “{revision.object_str}” {when}."


def _files_that_changed(recorded: dict[str, dict[str, list[str]]], content: dict[str, Any], user: Any) -> Iterator[str]:
    """One sentence for each file that is another, or described in other words, than when the version was saved."""
    for kind, model, noun in (("images", Image, "picture"), ("documents", Document, "document")):
        before, after = recorded.get(kind, {}), content.get("file_facts", {}).get(kind, {})
        named = model._default_manager.filter(pk__in=before)
        # A decision can be made up, to be told why it is refused.
        seen = policy_registry.get_by_type(model).instances_user_has_any_permission_for(user, ["choose"])
        named = named.filter(pk__in=seen.values("pk"))
        names = dict(named.values_list("pk", "title"))
        for key, (file_key, words) in before.items():
            title = f" “{names[int(key)]}”" if int(key) in names else ""
            if key not in after:
                yield f"A {noun} that it shows was deleted."
            elif after[key][0] != file_key:
                yield f"The file of the {noun}{title} was exchanged."
            elif (hidden := after[key][1].endswith(PRIVATE)) != words.endswith(PRIVATE):
                yield f"The {noun}{title} was put where readers {'do not find' if hidden else 'find'} it."
            elif after[key][1] != words:
                yield f"What is said of the {noun}{title} was changed."


def _person(somebody: Any, user: Any) -> str:
    if somebody is None:
        return "Somebody"
    return "You" if somebody == user else get_user_display_name(somebody)


def _when(moment: Any) -> str:
    if moment is None:
        return "meanwhile"
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    return f"at {local:%H:%M}" if today else f"on {local.day} {local:%B %Y} at {local:%H:%M}"
