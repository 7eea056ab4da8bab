"""The step of a workflow in which somebody approves a version that they did not write, and what admins may do.

`FourEyesTask` is chosen for workflows by pages/approval/workflow.py. It writes approvals (pages/models/approvals.py),
without which nothing is published, so a workflow that somebody puts together from other tasks ends in a refusal.
"""

from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Cast
from wagtail.admin.forms.pages import CopyForm
from wagtail.forms import TaskStateCommentForm
from wagtail.models import (
    AbstractGroupApprovalTask,
    Page,
    PagePermissionTester,
    Revision,
    TaskState,
    WorkflowState,
)
from wagtail.permissions import policy_registry

from documents.models import Document, Image
from pages.content.choices import ApprovalRole, Role
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.content.publication_times import time_problems
from pages.content.references import files_of
from pages.models.approvals import Approval, NotApprovedError, approve, makers_of_dates, makers_of_text
from pages.models.shown import LOOK_AGAIN, Shown, require_as_shown

APPROVING = (ApprovalRole.MODERATOR, ApprovalRole.SAFEGUARDING_LEAD)  # by members of a group of people


def keep_groups_with_a_role(collector: Any, field: Any, rows: Any, using: Any) -> None:
    """For `on_delete`. Raises ValidationError, in words for the person who tried: Django puts its own in the place of
    those of a ProtectedError."""
    names = ", ".join(f"“{row.group}”" for row in rows)
    raise ValidationError(
        f"{names} cannot be deleted: its members have a part in publishing. Rename it, or take people out of it."
    )


class RoleGroup(models.Model):
    """Which group has which role. No screen changes it, so a group may be renamed, and a new one of the old name is
    a group like any other."""

    role = models.CharField(max_length=20, primary_key=True, choices=Role.choices)
    group = models.OneToOneField(Group, on_delete=keep_groups_with_a_role, related_name="has_role")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.group}"


def is_in(user: Any, role: ApprovalRole) -> bool:
    """Superusers hold no role unless somebody put them into its group."""
    return user.is_active and user.groups.filter(has_role__role=role).exists()


class ReasonForm(TaskStateCommentForm):
    comment = forms.CharField(
        label="What has to change",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The author reads this.",
        error_messages={"required": "Say what has to change: the author reads this."},
    )


class FourEyesTask(AbstractGroupApprovalTask):
    """Approval by a member of a group who made no part of the version. Being a superuser does not help."""

    class Meta:
        verbose_name = "four-eyes approval"
        verbose_name_plural = "four-eyes approvals"

    @classmethod
    def get_description(cls) -> str:
        return "A member of the group who made no part of the version approves it"

    def get_actions(self, obj: Any, user: Any) -> list[tuple[str, str, bool]]:
        if not self._user_in_groups(user):
            return []
        send_back = ("reject", "Request changes", True)
        if self.why_not(obj, obj.get_latest_revision(), user):
            return [send_back]
        return [send_back, ("approve", "Approve", False), ("approve", "Approve with comment", True)]

    def get_form_for_action(self, action: str) -> type[forms.Form]:
        return ReasonForm if action == "reject" else TaskStateCommentForm

    @transaction.atomic
    def on_action(
        self, task_state: TaskState, user: Any, action_name: str, shown: Shown | None = None, **kwargs: Any
    ) -> Any:
        """Raises NotApproved, in words for the person who tried, and then nothing has changed.

        `shown` is what the screen showed on which the person decided.
        """
        model: Any = task_state.workflow_state.content_type.model_class()
        pk = task_state.workflow_state.object_id
        model.hold(pk)  # one at a time
        WorkflowState.objects.select_for_update().get(pk=task_state.workflow_state_id)
        task_state.refresh_from_db()
        obj = model._default_manager.get(pk=pk).get_latest_revision_as_object()
        require_as_shown(shown, obj, user)
        if task_state.status != TaskState.STATUS_IN_PROGRESS:  # a screen may name another step than it showed
            raise NotApprovedError(f"Nobody is asked about that version of “{obj}” any more. {LOOK_AGAIN}")
        if not self._user_in_groups(user):
            raise NotApprovedError(f"“{obj}” waits for the group {self._names_of_groups()}, and you are not in it.")
        if action_name not in ("approve", "reject"):
            raise NotApprovedError("Approve it, or say what has to change.")
        if action_name == "reject" and not kwargs.get("comment", "").strip():
            raise NotApprovedError("Say what has to change: the author reads this.")
        if action_name == "approve":
            if problem := self.why_not(obj, task_state.revision, user):
                raise NotApprovedError(problem)
            for role in self.roles(user):
                approve(task_state.revision, role, user)
        return super().on_action(task_state, user, action_name, **kwargs)

    def why_not(self, obj: Any, revision: Any, user: Any) -> str:
        """What keeps this person from approving this version, if anything does."""
        obj = getattr(obj, "specific", obj)
        if revision and _shows_files_hidden_from(user, revision.as_object()):
            return (
                f"“{obj}” shows a file that you may not see, so a colleague has to approve it. Who manages groups "
                "can let you choose files from its collection."
            )
        if not obj.author_may_approve and (made := _what_they_made(obj, revision, user)):
            return f"You made {made}, so a colleague has to approve it."
        if problems := time_problems(revision.as_object()):
            return f"“{obj}” cannot be approved as it is: " + " ".join(problems.values())
        # A version that needs two people: whoever gave the one approval does not give the other.
        given = Approval.objects.filter(revision=revision, by=user.pk, voided_at=None)
        if len(obj.approving_roles) > 1 and given.exclude(role__in=self.roles(user)).exists():
            return f"You have approved “{obj}” already, so a colleague has to give the other approval."
        return ""

    def roles(self, user: Any) -> list[ApprovalRole]:
        groups = self.groups.filter(pk__in=user.groups.all())
        held = set(RoleGroup.objects.filter(group__in=groups).values_list("role", flat=True))
        return [role for role in APPROVING if role in held]

    def _names_of_groups(self) -> str:
        return " or ".join(f"“{name}”" for name in self.groups.values_list("name", flat=True))


def _what_they_made(obj: Any, revision: Any, user: Any) -> str:
    if user.pk in makers_of_text(revision):
        return f"a change to “{obj}”"
    if user.pk in makers_of_dates(revision):
        return f"a change to the dates of “{obj}”"
    part = revision.as_object().made_by().get(user.pk) if revision else ""
    return f"a part of “{obj}”: {part}" if part else ""


def _shows_files_hidden_from(user: Any, version: Any) -> bool:
    """Whether the screen leaves out something that the version would make public."""
    if not isinstance(version, Page):
        return False
    for model, keys in zip((Document, Image), files_of(version), strict=True):
        offered = policy_registry.get_by_type(model).instances_user_has_any_permission_for(user, ["choose"])
        if keys and model._default_manager.filter(pk__in=keys).exclude(pk__in=offered.values("pk")).exists():
            return True
    return False


def approved_at_or_below(page: Page) -> bool:
    """Whether the page or one below it is published, hidden by what is above it or not, approved for a date, approved
    by the first of two people, or was taken down in an emergency, which a colleague looks at afterwards."""
    scheduled = models.Q(approved_go_live_at__isnull=False)
    under_way = models.Q(
        approvals__voided_at=None, approvals__isnull=False, task_states__status=TaskState.STATUS_IN_PROGRESS
    )
    approved = Revision.page_revisions.filter(scheduled | under_way)
    published = models.Q(live=True) | models.Q(pk__in=approved.values_list(Cast("object_id", models.BigIntegerField())))
    taken_down = apps.get_model("pages", "Takedown")._default_manager.filter(ended_at=None, record__page__isnull=False)
    published |= models.Q(pk__in=taken_down.values("record__page"))
    return page.get_descendants(inclusive=True).filter(published).exists()


class ModeratedPermissions(PagePermissionTester):
    """Wagtail's rules for a page, and two more: nobody publishes without approval, and nobody but moderators takes
    away what was approved. Superusers are no exception."""

    def can_publish(self) -> bool:
        return False

    def can_publish_subpage(self) -> bool:
        return False

    def may_moderate(self) -> bool:
        """Whether this person may take the page away, restrict it, lift that, or stop a scheduled version."""
        return super().can_publish() and self._is_moderator()

    def _is_moderator(self) -> bool:
        """Asked once for each request, as Django asks for permissions: a list of pages asks for each row."""
        if not hasattr(self.user, "_is_moderator"):
            self.user._is_moderator = is_in(self.user, ApprovalRole.MODERATOR)
        found: bool = self.user._is_moderator
        return found

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and self.may_moderate()

    def can_delete(self, ignore_bulk: bool = False) -> bool:
        """Also asked before a page is moved, which changes the addresses of all below it."""
        return super().can_delete(ignore_bulk) and self._may_take_away()

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and self.can_move()

    def can_reorder_children(self) -> bool:
        return super().can_reorder_children() and self._may_take_away()

    def _may_take_away(self) -> bool:
        return self.may_moderate() or not approved_at_or_below(self.page)

    def can_set_view_restrictions(self) -> bool:
        return self.may_moderate()

    def can_unschedule(self) -> bool:
        return self.may_moderate()


class StandingPermissions(ModeratedPermissions):
    """For death-review notices and the pages above them: readers are told why one went, so none goes in silence.

    What is left is withdrawing with an explanation, and the emergency takedown (pages/takedown/withdrawal.py).
    """

    def can_unpublish(self) -> bool:
        return False

    def can_set_view_restrictions(self) -> bool:
        return False

    def can_delete(self, ignore_bulk: bool = False) -> bool:
        """With all that is below, which not everybody may know of."""
        allowed = super().can_delete(ignore_bulk) and self.user.has_perm(HANDLE_DEATH_REVIEWS)
        return allowed and self.page.first_published_at is None

    def can_move(self) -> bool:
        """What is below moves along, and is counted on the screen."""
        return super().can_move() and self.user.has_perm(HANDLE_DEATH_REVIEWS)

    def can_copy(self) -> bool:
        """A copy takes along what is below, and its screen counts it: also what not everybody may know of."""
        return super().can_copy() and self.user.has_perm(HANDLE_DEATH_REVIEWS)


class CopyAsDraftForm(CopyForm):
    """A copy is a draft: it was approved by nobody. Aliases, which would be public at once, are off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("publish_copies", "alias"):
            self.fields.pop(name, None)

    def clean_new_parent_page(self) -> Any:
        """Looked at first: else the form would say which addresses are taken below a page that is not for everybody."""
        parent = self.cleaned_data["new_parent_page"]
        if parent and not parent.permissions_for_user(self.user).can_add_subpage():
            raise ValidationError(self.fields["new_parent_page"].error_messages["invalid_choice"], "invalid_choice")
        return parent
