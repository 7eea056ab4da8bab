"""Logs changes of permissions (groups, their permissions, workflows, tasks, superusers) and of redirects, which need no
approval.

The log entry is written in the transaction of the change, whichever screen, bulk action or command makes it.
cms/accounts/roles.py logs the members of groups.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from wagtail.contrib.redirects.models import Redirect
from wagtail.log_actions import LogFormatter, log
from wagtail.models import (
    AbstractGroupApprovalTask,
    BaseLogEntry,
    Collection,
    GroupCollectionPermission,
    GroupPagePermission,
    GroupSitePermission,
    Page,
    Task,
    Workflow,
    WorkflowContentType,
    WorkflowPage,
    WorkflowTask,
)

from pages.models import RoleGroup
from pages.redaction import redact as redaction

PERMISSIONS_CHANGED = "cms.powers_changed"
# Primary key of a row → the object that its log entry is about, and the logged fields with their values as text.
State = dict[Any, tuple[models.Model, dict[str, str]]]
# Models of which only these fields are logged. For an account, only the fields that give permissions.
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    Group: ("name",),
    User: ("is_superuser", "is_active"),
    Workflow: ("name", "active"),
}
# Models of which all fields are logged → the relation to the object that the entry is about; "" for the row itself.
ROWS: dict[type[models.Model], str] = {
    GroupPagePermission: "group",
    GroupCollectionPermission: "group",
    GroupSitePermission: "group",
    RoleGroup: "group",
    WorkflowTask: "workflow",
    WorkflowPage: "workflow",
    WorkflowContentType: "workflow",
    Redirect: "",
}
NOT_LOGGED = ("id", "created_at", "automatically_created", "redirect_page_route_path")


class PermissionsFormatter(LogFormatter):
    label = "Change who may do what"

    def format_message(self, log_entry: BaseLogEntry) -> str:
        return str(log_entry.data["change"])


def connect() -> None:
    """Connect the signals of all these models, and log `update` and `bulk_create` of their querysets, too."""
    for model in _subclasses(Task):
        own = [field.name for field in model._meta.local_concrete_fields if not field.primary_key]
        FIELDS[model] = ("name", "active", *(name for name in own if model is not Task))
    for model in (*FIELDS, *ROWS):
        pre_save.connect(_before_save, sender=model, dispatch_uid=f"cms.permission_log.before.{model._meta.label}")
        post_save.connect(_on_save, sender=model, dispatch_uid=f"cms.permission_log.save.{model._meta.label}")
        post_delete.connect(_on_delete, sender=model, dispatch_uid=f"cms.permission_log.delete.{model._meta.label}")
    tasks = [model for model in _subclasses(Task) if issubclass(model, AbstractGroupApprovalTask)]
    for owner, field in ((Group, "permissions"), (User, "user_permissions"), *((task, "groups") for task in tasks)):
        through = getattr(owner, field).through
        m2m_changed.connect(_on_members, sender=through, dispatch_uid=f"cms.permission_log.{through._meta.label}")
    _patch_querysets()


def _subclasses(model: type[models.Model]) -> list[type[models.Model]]:
    """The model and all its subclasses, without abstract ones."""
    own = [] if model._meta.abstract else [model]
    return own + [found for child in model.__subclasses__() for found in _subclasses(child)]


def _log(subject: models.Model, change: str) -> None:
    if redaction.under_way.get():
        return  # the entry would repeat the redacted text; the redaction has an entry of its own
    log(instance=subject, action=PERMISSIONS_CHANGED, data={"change": change})


# --- One row ---


def _state(model: type[models.Model], rows: Iterable[models.Model]) -> State:
    """What is logged of the rows: primary key → the object that the entry is about, and field → value as text."""
    names = FIELDS.get(model) or [field.name for field in _logged_fields(model)]
    return {row.pk: (_subject(model, row), {name: _as_text(row, name) for name in names}) for row in rows}


def _read(model: type[models.Model], keys: Iterable[Any]) -> QuerySet[Any]:
    """The rows with these primary keys, and the related rows that `_state` needs, in one query."""
    relations = [field for field in _logged_fields(model) if field.is_relation]
    names = [f"{field.name}__content_type" if field.related_model is Permission else field.name for field in relations]
    rows = model._base_manager.filter(pk__in=keys)
    return rows.select_related(*names) if names and model in ROWS else rows


def _subject(model: type[models.Model], row: models.Model) -> models.Model:
    found: models.Model = getattr(row, ROWS[model]) if ROWS.get(model) else row
    return found


def _logged_fields(model: type[models.Model]) -> list["models.Field[Any, Any]"]:
    return [field for field in model._meta.concrete_fields if field.name not in NOT_LOGGED]


def _as_text(row: models.Model, name: str) -> str:
    value = getattr(row, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ""):
        return "none"
    # Readers of the log may not see every page. A number for the hidden ones only would show which are hidden.
    if isinstance(value, Page | Collection):
        return f"{'page' if isinstance(value, Page) else 'collection'} {value.pk}"
    return str(value)


def _label(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(field.verbose_name)


def _kind(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name)


def _compare(model: type[models.Model], before: State, after: State) -> None:
    """Write one entry for each row that was added, removed or changed."""
    for key in sorted(before.keys() | after.keys(), key=str):
        old, new = (state[key][1] if key in state else {} for state in (before, after))
        subject = (after if key in after else before)[key][0]
        if old == new:
            continue
        if model in ROWS:
            _log(subject, _row_change(model, old, new))
        elif old and new:
            _log(subject, _field_changes(model, old, new))
        else:
            _log_created_or_deleted(model, subject, new or old, created=bool(new))


def _row_change(model: type[models.Model], old: dict[str, str], new: dict[str, str]) -> str:
    """The text for a row of which all fields are logged. `old` is empty if it was added, `new` if it was removed."""
    if old and new:
        return f"Changed: {_kind(model)}: {_describe(model, new)}. Before: {_describe(model, old)}"
    return f"{'Added' if new else 'Removed'}: {_kind(model)}: {_describe(model, new or old)}"


def _field_changes(model: type[models.Model], old: dict[str, str], new: dict[str, str]) -> str:
    parts = [f"{_label(model, name)} “{old[name]}” → “{new[name]}”" for name in new if old[name] != new[name]]
    return f"Changed: {', '.join(parts)}"


def _describe(model: type[models.Model], values: dict[str, str]) -> str:
    return "; ".join(f"{_label(model, name)} “{value}”" for name, value in values.items())


def _log_created_or_deleted(
    model: type[models.Model], subject: models.Model, values: dict[str, str], created: bool
) -> None:
    is_superuser = isinstance(subject, User) and subject.is_superuser
    if model is User and created and not is_superuser:
        return  # a new account has no permissions yet
    note = " (administrator)" if is_superuser else ""
    _log(subject, f"{'Created' if created else 'Deleted'}: {_kind(model)} “{values.get('name', subject)}”{note}")


def _before_save(
    sender: type[models.Model], instance: models.Model, update_fields: Iterable[str] | None = None, **kwargs: object
) -> None:
    logged = FIELDS.get(sender) or [field.name for field in _logged_fields(sender)]
    if update_fields is not None and not set(update_fields) & set(logged):
        instance.__dict__["_powers_before"] = None
        return
    instance.__dict__["_powers_before"] = _state(sender, _read(sender, [instance.pk]) if instance.pk else [])


def _on_save(sender: type[models.Model], instance: models.Model, **kwargs: object) -> None:
    before = instance.__dict__.pop("_powers_before", None)
    if before is not None:
        _compare(sender, before, _state(sender, _read(sender, [instance.pk])))


def _on_delete(
    sender: type[models.Model],
    instance: models.Model,
    origin: models.Model | QuerySet[Any] | None = None,
    **kwargs: object,
) -> None:
    """Rows that are deleted together with their group or workflow get no entry: that has one."""
    deleted = getattr(origin, "model", type(origin))
    if origin is not None and deleted is not sender and deleted in FIELDS:
        return
    _compare(sender, _state(sender, [instance]), {})


# --- Members of a relation ---


def _on_members(
    sender: type[models.Model],
    instance: models.Model,
    action: str,
    reverse: bool,
    model: type[models.Model],
    pk_set: Iterable[Any] | None,
    **kwargs: object,
) -> None:
    """Receiver of `m2m_changed`: one entry for each object whose members were added or removed."""
    verb = {"post_add": "Added", "post_remove": "Removed", "pre_clear": "Removed"}.get(action)
    if verb is None:
        return
    if pk_set is None:  # `clear` removes all of them
        end = next(field for field in sender._meta.fields if field.related_model is model)
        start = next(f for f in sender._meta.fields if f.related_model and isinstance(instance, f.related_model))
        pk_set = sender._base_manager.filter(**{start.name: instance}).values_list(end.attname, flat=True)
    others = list(model._base_manager.filter(pk__in=pk_set))
    for subject, members in [(other, [instance]) for other in others] if reverse else [(instance, others)]:
        if members:
            kind = _kind(type(members[0]))
            _log(subject, f"{verb}: {kind}: {', '.join(sorted(f'“{member}”' for member in members))}")


# --- Whole querysets ---


def _patch_querysets() -> None:
    """Log `update` and `bulk_create`, which send no signals. Wagtail's screens use both."""
    if not getattr(QuerySet.update, "is_logged", False):
        QuerySet.update = _logged(QuerySet.update, _update)  # type: ignore[method-assign]
        QuerySet.bulk_create = _logged(QuerySet.bulk_create, _bulk_create)  # type: ignore[method-assign]


def _logged(method: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    """The queryset method; for the models that are logged, `replacement` calls it and logs what changed."""

    @wraps(method)
    def logged(queryset: QuerySet[Any], *args: object, **kwargs: object) -> Any:
        if queryset.model not in FIELDS and queryset.model not in ROWS:
            return method(queryset, *args, **kwargs)
        with transaction.atomic(using=queryset.db):
            return replacement(method, queryset, *args, **kwargs)

    logged.is_logged = True  # type: ignore[attr-defined]
    return logged


def _update(update: Callable[..., int], queryset: QuerySet[Any], **values: object) -> int:
    model = queryset.model
    before = _state(model, _read(model, queryset.values("pk")))
    count = update(queryset, **values)
    _compare(model, before, _state(model, _read(model, list(before))))
    return count


def _bulk_create(
    bulk_create: Callable[..., list[Any]],
    queryset: QuerySet[Any],
    objs: Iterable[Any],
    *args: object,
    **kwargs: object,
) -> list[Any]:
    """With options such as `ignore_conflicts`, Django sets no primary keys, so all rows are compared. They are few."""
    model, objs = queryset.model, list(objs)
    if args[1:] or kwargs.keys() - {"batch_size"}:
        everything = model._base_manager.values("pk")
        before = _state(model, _read(model, everything))
        created = bulk_create(queryset, objs, *args, **kwargs)
        _compare(model, before, _state(model, _read(model, everything)))
    else:
        created = bulk_create(queryset, objs, *args, **kwargs)
        _compare(model, {}, _state(model, _read(model, [obj.pk for obj in created])))
    return created
