"""The workflow task for approval by a second person, and the permissions on moderated pages.

pages/approval/workflow.py puts `FourEyesTask` into the workflows. It creates the approvals (pages/models/approvals.py)
that publication requires, so a workflow of other tasks cannot publish anything.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.deletion import Collector
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
from pages.content.references import files_of, pages_of
from pages.models.approvals import Approval, NeedsApproval, NotApprovedError, approve, makers_of_dates, makers_of_text
from pages.models.shown import LOOK_AGAIN, Shown, require_as_shown

APPROVING = (ApprovalRole.MODERATOR, ApprovalRole.SAFEGUARDING_LEAD)  # roles of people; commands have others


def keep_groups_with_a_role(
    collector: Collector, field: "models.ForeignKey[Any, Any]", rows: "Iterable[RoleGroup]", using: str
) -> None:
    """For `on_delete`: refuses to delete a group that has a role.

    Raises ValidationError with a message for the user. Django would replace the message of a ProtectedError.
    """
    names = ", ".join(f"“{row.group}”" for row in rows)
    raise ValidationError(
        f"{names} cannot be deleted, because it gives its members a role in publishing. Rename it, or remove people."
    )


class RoleGroup(models.Model):
    """The group that has a role. No screen changes it: a renamed group keeps its role, and a new group of the old name
    has none.
    """

    role = models.CharField(max_length=20, primary_key=True, choices=Role.choices)
    group = models.OneToOneField(Group, on_delete=keep_groups_with_a_role, related_name="has_role")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.group}"


def is_in(user: User | AnonymousUser, role: ApprovalRole) -> bool:
    """Whether an active user is in the group of the role. Superusers have no role unless they are in its group."""
    return user.is_active and user.groups.filter(has_role__role=role).exists()


class ReasonForm(TaskStateCommentForm):
    """The form for a request for changes, with a required comment."""

    comment = forms.CharField(
        label="What has to change",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The author reads this.",
        error_messages={"required": "Say what has to change: the author reads this."},
    )


class FourEyesTask(AbstractGroupApprovalTask):
    """Approval by a group member who made no part of the version. Superusers must be members, too."""

    class Meta:
        verbose_name = "four-eyes approval"
        verbose_name_plural = "four-eyes approvals"

    @classmethod
    def get_description(cls) -> str:
        return "A member of the group who did not make any part of the version approves it"

    def get_actions(self, obj: NeedsApproval, user: User) -> list[tuple[str, str, bool]]:
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
        self, task_state: TaskState, user: User, action_name: str, shown: Shown | None = None, **kwargs: Any
    ) -> Any:
        """Approves or rejects the version of a task state. `shown` is what the user's screen showed.

        Raises NotApprovedError with a message for the user, and then changes nothing.
        """
        model: Any = task_state.workflow_state.content_type.model_class()
        pk = task_state.workflow_state.object_id
        model.hold(pk)
        WorkflowState.objects.select_for_update().get(pk=task_state.workflow_state_id)
        task_state.refresh_from_db()
        obj = model._default_manager.get(pk=pk).get_latest_revision_as_object()
        require_as_shown(shown, obj, user)
        if task_state.status != TaskState.STATUS_IN_PROGRESS:  # not the task state shown
            raise NotApprovedError(f"That version of “{obj}” is no longer awaiting approval. {LOOK_AGAIN}")
        if not self._user_in_groups(user):
            raise NotApprovedError(
                f"“{obj}” is awaiting approval by the group {self._group_names()}, and you are not in it."
            )
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

    def why_not(self, obj: NeedsApproval, revision: Revision, user: User) -> str:
        """Why this user may not approve this version, or an empty string."""
        obj = getattr(obj, "specific", obj)
        version = revision.as_object() if revision else obj
        if _shows_files_hidden_from(user, version):
            return (
                f"“{obj}” shows a file that you may not see, so a colleague has to approve it. Somebody who "
                "manages groups can let you choose files from its collection."
            )
        if revision and _refers_to_pages_hidden_from(user, version):
            return (
                f"“{obj}” refers to a page that does not exist or that you may not see, so a colleague who may see it "
                "has to approve it. If the page does not exist, somebody has to remove the reference first."
            )
        if not obj.author_may_approve and (made := _part_made_by(obj, version, revision, user)):
            return f"You made {made}, so a colleague has to approve it."
        if problems := time_problems(version):
            return f"“{obj}” cannot be approved as it is: " + " ".join(problems.values())
        # If a version needs two approvals, two people must give them.
        given = Approval.objects.filter(revision=revision, by=user.pk, voided_at=None)
        if len(obj.approving_roles) > 1 and given.exclude(role__in=self.roles(user)).exists():
            return f"You have approved “{obj}” already, so a colleague has to give the other approval."
        return ""

    def roles(self, user: User) -> list[ApprovalRole]:
        """The roles in which the user approves here, as a member of the groups of this task."""
        groups = self.groups.filter(pk__in=user.groups.all())
        held = set(RoleGroup.objects.filter(group__in=groups).values_list("role", flat=True))
        return [role for role in APPROVING if role in held]

    def _group_names(self) -> str:
        return " or ".join(f"“{name}”" for name in self.groups.values_list("name", flat=True))


def _part_made_by(obj: NeedsApproval, version: NeedsApproval, revision: Revision, user: User) -> str:
    """The part of the version that the user made, in words, or an empty string."""
    if user.pk in makers_of_text(revision):
        return f"a change to “{obj}”"
    if user.pk in makers_of_dates(revision):
        return f"a change to the dates of “{obj}”"
    part = version.made_by().get(user.pk)
    return f"a part of “{obj}”: {part}" if part else ""


def _shows_files_hidden_from(user: User, version: NeedsApproval) -> bool:
    """Whether the version would publish a file that the user may not see in the admin."""
    if not isinstance(version, Page):
        return False
    for model, keys in zip((Document, Image), files_of(version), strict=True):
        offered = policy_registry.get_by_type(model).instances_user_has_any_permission_for(user, ["choose"])
        if keys and model._default_manager.filter(pk__in=keys).exclude(pk__in=offered.values("pk")).exists():
            return True
    return False


def _refers_to_pages_hidden_from(user: User, version: NeedsApproval) -> bool:
    """Whether the version may tell readers about a page that the user's screen does not name.

    Pages that do not exist count, too, for users from whom some are hidden: the answer must not tell which it is.
    """
    if not isinstance(version, models.Model) or user.has_perm(HANDLE_DEATH_REVIEWS):
        return False
    referred = pages_of(version)
    notices = apps.get_model("pages", "DeathReviewNoticePage")._default_manager.values("pk")
    return bool(referred) and Page.objects.filter(pk__in=referred).exclude(pk__in=notices).count() < len(referred)


def approved_at_or_below(page: Page) -> bool:
    """Whether the page or a descendant is published (even if an ancestor hides it), scheduled, approved by the first of
    two people, or taken down in an emergency that is still open.
    """
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
    """Wagtail's permissions with two more rules: nobody publishes without approval, and only moderators may remove what
    was approved. Both apply to superusers.
    """

    def can_publish(self) -> bool:
        return False

    def can_publish_subpage(self) -> bool:
        return False

    def may_moderate(self) -> bool:
        """Whether the user may remove the page, set or lift view restrictions, or unschedule a version."""
        return super().can_publish() and self._is_moderator()

    def _is_moderator(self) -> bool:
        """Cached on the user for the request, as Django caches permissions, because lists of pages check each row."""
        if not hasattr(self.user, "_is_moderator"):
            self.user._is_moderator = is_in(self.user, ApprovalRole.MODERATOR)
        is_moderator: bool = self.user._is_moderator
        return is_moderator

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and self.may_moderate()

    def can_delete(self, ignore_bulk: bool = False) -> bool:
        """Wagtail also checks this before it moves a page, which changes the addresses of all descendants."""
        return super().can_delete(ignore_bulk) and self._may_remove()

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and self.can_move()

    def can_reorder_children(self) -> bool:
        return super().can_reorder_children() and self._may_remove()

    def _may_remove(self) -> bool:
        return self.may_moderate() or not approved_at_or_below(self.page)

    def can_set_view_restrictions(self) -> bool:
        return self.may_moderate()

    def can_unschedule(self) -> bool:
        return self.may_moderate()


class StandingPermissions(ModeratedPermissions):
    """For death-review notices and their ancestors, which cannot be removed without an explanation to readers.

    They can be withdrawn with an explanation, or taken down in an emergency (pages/takedown/withdrawal.py).
    """

    def can_unpublish(self) -> bool:
        return False

    def can_set_view_restrictions(self) -> bool:
        return False

    def can_delete(self, ignore_bulk: bool = False) -> bool:
        """Deletes descendants, too, which only people who handle death reviews may know of."""
        allowed = super().can_delete(ignore_bulk) and self.user.has_perm(HANDLE_DEATH_REVIEWS)
        return allowed and self.page.first_published_at is None

    def can_move(self) -> bool:
        """Moves descendants, too, and the screen shows their number."""
        return super().can_move() and self.user.has_perm(HANDLE_DEATH_REVIEWS)

    def can_copy(self) -> bool:
        """Copies descendants, too, and the screen shows their number."""
        return super().can_copy() and self.user.has_perm(HANDLE_DEATH_REVIEWS)


class CopyAsDraftForm(CopyForm):
    """The form for copying a page. A copy is a draft. Aliases are not available, since they would be public at once."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("publish_copies", "alias"):
            self.fields.pop(name, None)

    def clean_new_parent_page(self) -> Page | None:
        """Checks permissions before the slug, so that the form does not reveal the slugs below a hidden page."""
        parent = self.cleaned_data["new_parent_page"]
        if parent and not parent.permissions_for_user(self.user).can_add_subpage():
            raise ValidationError(self.fields["new_parent_page"].error_messages["invalid_choice"], "invalid_choice")
        return parent
