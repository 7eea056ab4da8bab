"""Sets up the groups, permissions and workflows, and publishes on behalf of commands."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count
from wagtail.log_actions import log
from wagtail.models import (
    Collection,
    GroupApprovalTask,
    GroupCollectionPermission,
    GroupPagePermission,
    Page,
    Site,
    Workflow,
    WorkflowContentType,
    WorkflowPage,
    WorkflowTask,
)

from documents.models import CHANGE_PUBLIC_FILES
from pages.content.choices import ApprovalRole, Role
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, may_see, pages_to_tell
from pages.models import ContentPage, DeathReviewIndexPage, DeathReviewNoticePage, LegalBasis, PartnershipPage, Topic
from pages.models.approvals import NotApprovedError, approve
from pages.models.moderation import APPROVING, FourEyesTask, RoleGroup, is_in
from pages.models.public_records import TAKE_DOWN
from pages.models.snippets import ModeratedSnippet

PUBLISHED_BY_COMMAND = "pages.published_by_command"


def may_publish(user: User | AnonymousUser) -> bool:
    """Whether the user may publish, unpublish or take down anything at all, or handle death reviews."""
    publishes = (HANDLE_DEATH_REVIEWS, TAKE_DOWN, CHANGE_PUBLIC_FILES)
    snippets = (f"pages.publish_{model._meta.model_name}" for model in ModeratedSnippet.__subclasses__())
    return (
        any(is_in(user, role) for role in APPROVING)  # approvers are asked by group, whatever its permissions are
        or any(user.has_perm(permission) for permission in (*publishes, *snippets))
        or (
            user.is_active
            and GroupPagePermission.objects.filter(group__user=user, permission__codename="publish_page").exists()
        )
    )


@transaction.atomic
def publish_by_command(page: ContentPage | ModeratedSnippet, command: str) -> None:
    """Publish the object in its current state without a moderator, and log the name of the command.

    Only for `load_demo`, `load_sample` and restores. Raises NotApprovedError for a death-review notice, which always
    needs a moderator and a safeguarding lead, and ValidationError if the object is incomplete.
    """
    if isinstance(page, ContentPage) and page.is_sensitive and not settings.COMMANDS_MAY_PUBLISH_DEATH_REVIEWS:
        raise NotApprovedError("A death-review notice cannot be published by a command.")
    page.full_clean()
    revision = page.save_revision(clean=False)
    approve(revision, ApprovalRole.COMMAND, None)
    revision.publish()
    log(instance=page, action=PUBLISHED_BY_COMMAND, data={"command": command})


@transaction.atomic
def set_up_moderation() -> None:
    """Create the groups, their permissions and the workflows. Running it again changes nothing."""
    root = Page.objects.get(depth=1)
    editors, moderators, leads = map(_make_group, (Role.EDITOR, Role.MODERATOR, Role.SAFEGUARDING_LEAD))
    _allow_pages(editors, root, "add", "change")
    _allow_pages(moderators, root, "add", "change", "publish", "lock", "unlock")
    snippets = [model._meta.label_lower for model in ModeratedSnippet.__subclasses__()]
    of_all = {"wagtailadmin.access_admin", *_permissions(snippets, "add", "change")}
    of_reviews = {HANDLE_DEATH_REVIEWS, TAKE_DOWN}
    of_moderators = {
        CHANGE_PUBLIC_FILES,
        *_permissions(snippets, "publish"),
        *_permissions([model._meta.label_lower for model in (Topic, LegalBasis)], "add", "change"),
        *_permissions(["wagtailredirects.redirect"], "add", "change", "delete"),
    }
    _allow(editors, of_all)
    _allow(moderators, of_all | of_reviews | of_moderators)
    _allow(leads, of_all | of_reviews)
    for group in (editors, moderators, leads):
        _allow_files(group)

    moderation = _workflow("Moderators approval", _approval_by("Moderators approval", moderators))
    if not WorkflowPage.objects.filter(page=root).exists():
        WorkflowPage.objects.create(workflow=moderation, page=root)
    for model in ModeratedSnippet.__subclasses__():
        WorkflowContentType.objects.get_or_create(
            content_type=ContentType.objects.get_for_model(model), defaults={"workflow": moderation}
        )
    for index in DeathReviewIndexPage.objects.all():
        set_up_death_reviews(index)


def group_of(role: Role) -> Group:
    """The group whose members have the role; it may have been renamed.

    Raises Group.DoesNotExist before `set_up_moderation` has run.
    """
    return Group.objects.get(has_role__role=role)


def _make_group(role: Role) -> Group:
    row = RoleGroup.objects.select_related("group").filter(role=role).first()
    row = row or RoleGroup.objects.create(role=role, group=Group.objects.get_or_create(name=role.label)[0])
    return row.group


def nothing_published_here(user: User | AnonymousUser) -> list[str]:
    """Where nothing can be published, because a workflow does not ask for all approvals that are needed.

    Each place is named in words. Places that the user may not see are left out.
    """
    rows = WorkflowPage.objects.filter(page__depth__gt=1).select_related("page")
    told = pages_to_tell(user, [row.page for row in rows])
    needed: list[tuple[str, Workflow | None, Iterable[ApprovalRole]]] = [
        (f"“{row.page}” and the pages below it", row.page.get_workflow(), ContentPage.approving_roles)
        for row in rows
        if row.page_id in told
    ]
    needed += [("pages", Page.objects.get(depth=1).get_workflow(), ContentPage.approving_roles)]
    needed += [
        ("death-review notices", index.get_workflow(), DeathReviewNoticePage.approving_roles)
        for index in DeathReviewIndexPage.objects.all()
        if may_see(user, index)
    ]
    needed += [
        (str(model._meta.verbose_name_plural), model.get_default_workflow(), model.approving_roles)
        for model in ModeratedSnippet.__subclasses__()
    ]
    return [place for place, workflow, roles in needed if not set(roles) <= _approving_roles(workflow)]


def _approving_roles(workflow: Workflow | None) -> set[str]:
    """The roles whose members can approve in the tasks of a workflow."""
    steps = FourEyesTask.objects.filter(workflow_tasks__workflow=workflow, active=True) if workflow else ()
    return {
        role
        for step in steps
        for role in RoleGroup.objects.filter(group__in=step.groups.all()).values_list("role", flat=True)
    }


def make_root_of_site(home: PartnershipPage) -> None:
    """Make the partnership's page the home page of the default site."""
    site = Site.objects.filter(is_default_site=True).first() or Site(hostname="localhost", is_default_site=True)
    site.root_page, site.site_name = home, site.site_name or home.title
    site.save()


def set_up_death_reviews(index: DeathReviewIndexPage) -> None:
    """Let safeguarding leads write notices below this page, and require a moderator and then a lead to approve them.

    The index also gets a collection for the files of its notices.
    """
    moderators, leads = group_of(Role.MODERATOR), group_of(Role.SAFEGUARDING_LEAD)
    _allow_pages(leads, index, "add", "change")
    if index.files is None:
        index.files = Collection.get_first_root_node().add_child(name="Death reviews")
        DeathReviewIndexPage.objects.filter(pk=index.pk).update(files=index.files)
    workflow = _workflow(
        "Death reviews",
        _approval_by("Moderators approval", moderators),
        _approval_by("Safeguarding lead's approval", leads),
    )
    if not WorkflowPage.objects.filter(page=index).exists():
        WorkflowPage.objects.create(workflow=workflow, page=index)


def _permissions(models: list[str], *actions: str) -> set[str]:
    """The names of Django's permissions: {"pages.add_agency", …} for ["pages.agency"] and "add"."""
    return {f"{app}.{action}_{model}" for app, model in (name.split(".") for name in models) for action in actions}


def _allow(group: Group, names: set[str]) -> None:
    """Add the permissions to the group in one call, so that the log has one entry.

    Raises Permission.DoesNotExist if one is missing.
    """
    apps = {name.split(".")[0] for name in names}
    found = Permission.objects.filter(content_type__app_label__in=apps).select_related("content_type")
    wanted = [each for each in found if f"{each.content_type.app_label}.{each.codename}" in names]
    if len(wanted) < len(names):
        raise Permission.DoesNotExist(f"Run `manage.py migrate` first: some of {sorted(names)} do not exist.")
    group.permissions.add(*wanted)


def _allow_pages(group: Group, page: Page, *actions: str) -> None:
    for action in actions:
        permission = Permission.objects.get(content_type__app_label="wagtailcore", codename=f"{action}_page")
        GroupPagePermission.objects.get_or_create(group=group, page=page, permission=permission)


def _allow_files(group: Group) -> None:
    collection = Collection.get_first_root_node()
    for app, kind in (("wagtaildocs", "document"), ("wagtailimages", "image")):
        for action in ("add", "change", "choose"):
            permission = Permission.objects.get(content_type__app_label=app, codename=f"{action}_{kind}")
            GroupCollectionPermission.objects.get_or_create(group=group, collection=collection, permission=permission)


def _approval_by(name: str, group: Group) -> FourEyesTask:
    """The task that this group alone approves; it may have been renamed. Created if there is none."""
    of_one_group = FourEyesTask.objects.annotate(groups_in_all=Count("groups")).filter(groups_in_all=1, active=True)
    task = of_one_group.filter(groups=group).order_by("pk").first()
    if task is None:
        task = FourEyesTask.objects.create(name=name)
        task.groups.add(group)
    return task


def _workflow(name: str, *tasks: FourEyesTask) -> Workflow:
    """The workflow with exactly these tasks, or else the one of this name, which gets them.

    Wagtail creates a workflow of its own, whose task records no approvals. That task is removed and deactivated.
    """
    for workflow in Workflow.objects.active().order_by("pk"):
        if [step.task_id for step in workflow.workflow_tasks.all()] == [task.pk for task in tasks]:
            return workflow
    workflow, _ = Workflow.objects.get_or_create(name=name)
    if not workflow.workflow_tasks.filter(task__in=tasks).exists():
        workflow.workflow_tasks.all().delete()
        for order, task in enumerate(tasks):
            WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=order)
        GroupApprovalTask.objects.filter(workflow_tasks=None).update(active=False)
    return workflow
