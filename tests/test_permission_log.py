"""Who may do what: known by what nobody edits, and every change of it is in the log, once and truly."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import (
    Collection,
    GroupApprovalTask,
    GroupCollectionPermission,
    GroupPagePermission,
    GroupSitePermission,
    ModelLogEntry,
    Page,
    Site,
    Task,
    Workflow,
    WorkflowContentType,
    WorkflowPage,
    WorkflowTask,
)

from cms.accounts import permission_log
from pages import models
from pages.approval.workflow import group_of, set_up_moderation
from pages.content.choices import ApprovalRole, Role
from pages.models import FourEyesTask, RoleGroup
from pages.models.moderation import is_in
from tests import factories
from tests.admin_forms import posted


@pytest.fixture
def admin(home, client):
    user = User.objects.create_superuser("admin", password="x")
    client.force_login(user)
    return user


def told():
    """What the log says of powers, the oldest first: subject, message, person."""
    entries = ModelLogEntry.objects.filter(action=permission_log.PERMISSIONS_CHANGED).order_by("pk")
    return [(entry.label, entry.message, entry.user and entry.user.username) for entry in entries]


def forget():
    ModelLogEntry.objects.all().delete()


# --- Groups have roles ---


def test_a_group_that_is_renamed_keeps_its_role_and_one_of_the_old_name_has_none(admin, client):
    moderator, impostor = (User.objects.create_user(name) for name in ("moderator", "impostor"))
    moderators = group_of(Role.MODERATOR)
    moderator.groups.add(moderators)
    form = posted(client.get(reverse("wagtailusers_groups:edit", args=[moderators.pk])).content, form_id=None)
    client.post(reverse("wagtailusers_groups:edit", args=[moderators.pk]), {**form, "name": "Reviewers"})
    impostor.groups.add(Group.objects.create(name="Moderators"))
    set_up_moderation()
    assert Group.objects.get(pk=moderators.pk).name == "Reviewers"
    people = User.objects.order_by("pk")
    held = {person.username: [role for role in ApprovalRole if is_in(person, role)] for person in people}
    assert held == {"admin": [], "moderator": [ApprovalRole.MODERATOR], "impostor": []}
    assert {row.role: row.group.name for row in RoleGroup.objects.all()} == {
        Role.EDITOR: "Editors",
        Role.MODERATOR: "Reviewers",
        Role.SAFEGUARDING_LEAD: "Safeguarding leads",
    }


def test_workflows_and_steps_may_be_renamed_too(home):
    factories.page(models.DeathReviewIndexPage, home)
    set_up_moderation()
    Workflow.objects.filter(active=True).update(name="Renamed")
    for number, task in enumerate(FourEyesTask.objects.all()):
        FourEyesTask.objects.filter(pk=task.pk).update(name=f"Renamed {number}")
    counts = Workflow.objects.count(), Task.objects.count(), WorkflowPage.objects.count()
    forget()
    set_up_moderation()
    assert (Workflow.objects.count(), Task.objects.count(), WorkflowPage.objects.count()) == counts
    assert told() == []


@pytest.mark.parametrize("role", Role)
def test_a_group_with_a_role_cannot_be_deleted(admin, client, role):
    group = group_of(role)
    answer = client.post(reverse("wagtailusers_groups:delete", args=[group.pk]), follow=True)
    assert (
        f"“{group.name}” cannot be deleted, because it gives its members a role in publishing."
        in answer.content.decode()
    )
    with pytest.raises(ValidationError):
        Group.objects.filter(pk=group.pk).delete()
    assert group_of(role) == group


def test_groups_of_an_earlier_release_get_their_roles_by_their_names(db):
    RoleGroup.objects.all().delete()
    Group.objects.filter(name="Safeguarding leads").delete()
    migration = import_module("pages.migrations.0002_groups_have_roles")
    migration.from_names(apps, type("Editor", (), {"connection": type("Connection", (), {"alias": "default"})}))
    assert {row.role: row.group.name for row in RoleGroup.objects.all()} == {
        "editor": "Editors",
        "moderator": "Moderators",
    }


# --- The log ---


def permission(codename):
    return Permission.objects.filter(codename=codename).order_by("pk").first()


def things(home):
    """One of everything that the changes below are made to."""
    group = Group.objects.create(name="Press")
    task = GroupApprovalTask.objects.create(name="Press step")
    four_eyes = FourEyesTask.objects.create(name="Second pair")
    workflow = Workflow.objects.create(name="Press flow")
    person = User.objects.create_user("person")
    page = GroupPagePermission.objects.create(group=group, page=home, permission=permission("change_page"))
    step = WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=0)
    on_page = WorkflowPage.objects.create(workflow=workflow, page=factories.page(models.StandardPage, home, title="A"))
    return {"group": group, "task": task, "four_eyes": four_eyes, "workflow": workflow, "person": person,
            "page": page, "step": step, "on_page": on_page, "home": home}  # fmt: skip


def save(thing, **fields):
    for name, value in fields.items():
        setattr(thing, name, value)
    thing.save()


CHANGES = {
    "group made": (lambda t: Group.objects.create(name="New"), ("New", "Created: group “New”")),
    "group renamed": (lambda t: save(t["group"], name="P2"), ("P2", "Changed: name “Press” → “P2”")),
    "group renamed by update": (
        lambda t: Group.objects.filter(name="Press").update(name="P2"),
        ("P2", "Changed: name “Press” → “P2”"),
    ),
    "group deleted, with what it may": (lambda t: t["group"].delete(), ("Press", "Deleted: group “Press”")),
    "permission given": (
        lambda t: t["group"].permissions.add(permission("add_agency")),
        ("Press", "Added: permission: “Pages | agency | Can add agency”"),
    ),
    "permission given from its side": (
        lambda t: permission("add_agency").group_set.add(t["group"]),
        ("Press", "Added: permission: “Pages | agency | Can add agency”"),
    ),
    "page permission given": (
        lambda t: GroupPagePermission.objects.create(
            group=t["group"], page=t["home"], permission=permission("lock_page")
        ),
        (
            "Press",
            "Added: group page permission: group “Press”; page “page {home}”; permission “Wagtail core | page | Lock/unlock "
            "pages you've locked”",
        ),
    ),
    "page permissions given at once": (
        lambda t: GroupPagePermission.objects.bulk_create(
            [GroupPagePermission(group=t["group"], page=t["home"], permission=permission("publish_page"))]
        ),
        (
            "Press",
            "Added: group page permission: group “Press”; page “page {home}”; permission “Wagtail core | page | Publish any "
            "page”",
        ),
    ),
    "page permission taken": (
        lambda t: t["group"].page_permissions.all().delete(),
        (
            "Press",
            "Removed: group page permission: group “Press”; page “page {home}”; permission “Wagtail core | page | Can change "
            "page”",
        ),
    ),
    "collection permission given": (
        lambda t: GroupCollectionPermission.objects.create(
            group=t["group"], collection=Collection.get_first_root_node(), permission=permission("add_document")
        ),
        (
            "Press",
            "Added: group collection permission: group “Press”; collection “collection {root}”; permission “Wagtail documents | document | Can add "
            "document”",
        ),
    ),
    "site permission given": (
        lambda t: GroupSitePermission.objects.create(
            group=t["group"], site=Site.objects.get(), permission=permission("change_site")
        ),
        (
            "Press",
            "Added: group site permission: group “Press”; site “localhost [default]”; permission “Wagtail core | site | Can "
            "change site”",
        ),
    ),
    "role given to another group": (
        lambda t: RoleGroup.objects.filter(role=Role.MODERATOR).update(group=t["group"]),
        ("Press", "Changed: role group: role “moderator”; group “Press”. Before: role “moderator”; group “Moderators”"),
    ),
    "workflow made": (lambda t: Workflow.objects.create(name="New"), ("New", "Created: workflow “New”")),
    "workflow stopped": (
        lambda t: Workflow.objects.filter(pk=t["workflow"].pk).update(active=False),
        ("Press flow", "Changed: active “yes” → “no”"),
    ),
    "workflow deleted, with its rows": (
        lambda t: t["workflow"].delete(),
        ("Press flow", "Deleted: workflow “Press flow”"),
    ),
    "step added": (
        lambda t: WorkflowTask.objects.create(workflow=t["workflow"], task=t["four_eyes"], sort_order=1),
        ("Press flow", "Added: workflow task order: sort order “1”; workflow_tasks “Press flow”; task “Second pair”"),
    ),
    "step taken out": (
        lambda t: t["step"].delete(),
        ("Press flow", "Removed: workflow task order: sort order “0”; workflow_tasks “Press flow”; task “Press step”"),
    ),
    "workflow taken off a page": (
        lambda t: t["on_page"].delete(),
        ("Press flow", "Removed: workflow page: page “page {on_page}”; workflow “Press flow”"),
    ),
    "workflow put on a kind of snippet": (
        lambda t: WorkflowContentType.objects.filter(content_type__model="agency").update(workflow=t["workflow"]),
        (
            "Press flow",
            "Changed: workflow content type: content type “Pages | agency”; workflow “Press flow”. Before: content type “Pages | agency”; workflow “Moderators approval”",
        ),
    ),
    "step made": (lambda t: Task.objects.create(name="Plain"), ("Plain", "Created: task “Plain”")),
    "four-eyes step made": (
        lambda t: FourEyesTask.objects.create(name="Third"),
        ("Third", "Created: four-eyes approval “Third”"),
    ),
    "step renamed": (lambda t: save(t["task"], name="S"), ("S", "Changed: name “Press step” → “S”")),
    "step stopped": (lambda t: save(t["four_eyes"], active=False), ("Second pair", "Changed: active “yes” → “no”")),
    "step deleted": (
        lambda t: t["four_eyes"].delete(),
        ("Second pair", "Deleted: four-eyes approval “Second pair”"),
    ),
    "group put on a step": (lambda t: t["task"].groups.add(t["group"]), ("Press step", "Added: group: “Press”")),
    "group put on a four-eyes step": (
        lambda t: t["four_eyes"].groups.set([t["group"]]),
        ("Second pair", "Added: group: “Press”"),
    ),
    "permission given to a person": (
        lambda t: t["person"].user_permissions.set([permission("add_agency")]),
        ("person", "Added: permission: “Pages | agency | Can add agency”"),
    ),
    "administrator made": (
        lambda t: User.objects.create_superuser("boss"),
        ("boss", "Created: user “boss” (administrator)"),
    ),
    "made an administrator": (
        lambda t: save(t["person"], is_superuser=True),
        ("person", "Changed: superuser status “no” → “yes”"),
    ),
    "shut out with others": (
        lambda t: User.objects.filter(username="person").update(is_active=False),
        ("person", "Changed: active “yes” → “no”"),
    ),
    "account deleted": (lambda t: t["person"].delete(), ("person", "Deleted: user “person”")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_of_powers_leaves_one_true_entry(home, change):
    do, entry = CHANGES[change]
    known = things(home)
    subject, words = entry
    numbers = {"home": home.pk, "on_page": known["on_page"].page_id, "root": Collection.get_first_root_node().pk}
    forget()
    do(known)
    assert told() == [(subject, words.format(**numbers), None)]


def test_what_changes_nothing_leaves_none(home):
    known = things(home)
    forget()
    for thing in known.values():
        thing.save()
    known["group"].permissions.add()
    known["group"].permissions.set(known["group"].permissions.all())
    known["person"].last_login = known["person"].date_joined
    known["person"].save(update_fields=["last_login"])
    User.objects.update(first_name="Same")
    User.objects.create_user("newcomer")
    assert told() == []


def test_many_permissions_at_once_are_read_together(home):
    group = Group.objects.create(name="Press")
    permissions = list(Permission.objects.filter(content_type__app_label__in=("wagtailcore", "pages")))

    def readings(rows):
        """How often rows of the model, and of those that it refers to, are read. The log looks up its own."""
        tables = [model._meta.db_table for model in (GroupPagePermission, Permission, Group, Page)]
        with CaptureQueriesContext(connection) as queries:
            GroupPagePermission.objects.bulk_create(rows)
        return [sum(f'FROM "{table}"' in query["sql"] for query in queries) for table in tables]

    rows = [GroupPagePermission(group=group, page_id=home.pk, permission=one) for one in permissions[:22]]
    forget()
    few, many = readings(rows[:2]), readings(rows[2:])
    assert len(told()) == len(rows) == 22
    assert few == many == [1, 0, 0, 0]


def test_every_model_that_decides_who_may_do_what_is_watched():
    """Found by what they point at: a new one is watched, or says here why it is no power."""
    no_power = {
        "wagtailcore.TaskState", "wagtailcore.WorkflowState",  # where one version stands
        "wagtailcore.PageViewRestriction_groups", "wagtailcore.CollectionViewRestriction_groups",  # readers: in Wagtail's log
        "auth.Permission",
        "auth.User_groups",  # cms/accounts/roles.py
    }  # fmt: skip
    deciding = (Group, Permission, Workflow, Task)
    found = set()
    for model in apps.get_models(include_auto_created=True):
        points = any(field.is_relation and field.related_model in deciding for field in model._meta.concrete_fields)
        if model in deciding or points or issubclass(model, Task):
            found.add(model)
    relations = {Group.permissions.through, User.user_permissions.through}
    relations |= {task.groups.through for task in (GroupApprovalTask, FourEyesTask)}
    watched = {*permission_log.FIELDS, *permission_log.ROWS, *relations}
    assert {model._meta.label for model in found - watched} == no_power
    for through in relations:
        assert any(through._meta.label in str(receiver) for receiver in _watched_relations())


def _watched_relations():
    return [key[0] for key, *_ in permission_log.m2m_changed.receivers]


def test_the_screens_of_groups_and_accounts_tell_who_did_it_and_no_more_than_was_done(admin, client):
    """Permissions that the screen does not show (taking down, death reviews) are left alone, in the log too."""
    moderators = group_of(Role.MODERATOR)
    before = set(moderators.permissions.all())
    url = reverse("wagtailusers_groups:edit", args=[moderators.pk])
    form = posted(client.get(url).content, form_id=None)
    forget()
    client.post(url, form)
    assert (set(moderators.permissions.all()), told()) == (before, [])
    client.post(url, {**form, "name": "Reviewers"})
    assert told() == [("Reviewers", "Changed: name “Moderators” → “Reviewers”", "admin")]
    person = User.objects.create_user("person")
    forget()
    bulk = reverse("wagtail_bulk_action", args=["auth", "user", "set_active_state"])
    client.post(f"{bulk}?id={person.pk}", {"mark_as_active": "False"})
    assert told() == [("person", "Changed: active “yes” → “no”", "admin")]
    history = client.get(reverse("wagtailadmin_reports:site_history")).content.decode()
    assert "Changed: active “yes” → “no”" in history


def test_a_step_of_another_group_gives_no_approval_that_counts(home):
    person = User.objects.create_user("person")
    group = Group.objects.create(name="Press")
    person.groups.add(group)
    task = FourEyesTask.objects.create(name="Press step")
    task.groups.set([group])
    assert task.roles(person) == []
    task.groups.add(group_of(Role.MODERATOR))
    assert task.roles(person) == []
    person.groups.add(group_of(Role.MODERATOR))
    assert task.roles(person) == [ApprovalRole.MODERATOR]


@pytest.mark.parametrize(
    ("change", "places"),
    [
        (lambda: None, ""),
        (lambda: Workflow.objects.filter(name="Moderators approval").update(active=False),
         "pages, agencies, venues, contacts, support services, alerts"),
        (lambda: FourEyesTask.objects.filter(name="Safeguarding lead's approval").update(active=False),
         "death-review notices"),
        (lambda: FourEyesTask.objects.get(name="Safeguarding lead's approval").groups.set([]), "death-review notices"),
    ],
)  # fmt: skip
def test_administrators_read_where_nothing_can_be_approved_any_more(admin, client, home, change, places):
    factories.page(models.DeathReviewIndexPage, home)
    set_up_moderation()
    change()
    shown = client.get(reverse("wagtailadmin_home")).content.decode()
    assert (f"Nothing can be approved or published for: {places}." in shown) is bool(places)
    assert ("Nothing can be approved" in shown) is bool(places)
