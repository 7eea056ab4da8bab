"""The log of changes to who may do what (groups, permissions, workflows and their steps, administrators) and to
redirects, which nobody approves.

Whatever screen, bulk action or command makes the change, in the same transaction. Who is put into which group is
logged by cms/accounts/roles.py.
"""

from collections.abc import Iterable
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

from pages.content.death_review_files import of_death_reviews
from pages.models import RoleGroup
from pages.redaction import redact as redaction

POWERS_CHANGED = "cms.powers_changed"
# Whose changes are told, and of which fields. Of an account only what gives power: its holder's name is no such thing.
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    Group: ("name",),
    User: ("is_superuser", "is_active"),
    Workflow: ("name", "active"),
}
# Rows that are told whole, and the field with the thing that each is about; "" for the row itself.
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
NOT_TOLD = ("id", "created_at", "automatically_created", "redirect_page_route_path")


class PowersFormatter(LogFormatter):
    label = "Change who may do what"

    def format_message(self, log_entry: Any) -> str:
        return str(log_entry.data["change"])


def connect() -> None:
    for model in _subclasses(Task):
        own = [field.name for field in model._meta.local_concrete_fields if not field.primary_key]
        FIELDS[model] = ("name", "active", *(name for name in own if model is not Task))
    for model in (*FIELDS, *ROWS):
        pre_save.connect(_before_save, sender=model, dispatch_uid=f"cms.powers.before.{model._meta.label}")
        post_save.connect(_on_save, sender=model, dispatch_uid=f"cms.powers.save.{model._meta.label}")
        post_delete.connect(_on_delete, sender=model, dispatch_uid=f"cms.powers.delete.{model._meta.label}")
    steps = [model for model in _subclasses(Task) if issubclass(model, AbstractGroupApprovalTask)]
    for owner, field in ((Group, "permissions"), (User, "user_permissions"), *((step, "groups") for step in steps)):
        through = getattr(owner, field).through
        m2m_changed.connect(_on_members, sender=through, dispatch_uid=f"cms.powers.{through._meta.label}")
    _watch_whole_querysets()


def _subclasses(model: type[models.Model]) -> list[type[models.Model]]:
    own = [] if model._meta.abstract else [model]
    return own + [found for child in model.__subclasses__() for found in _subclasses(child)]


def _tell(subject: models.Model, change: str) -> None:
    if redaction.under_way.get():
        return  # it would say again what is taken out; the log has that the command ran
    log(instance=subject, action=POWERS_CHANGED, data={"change": change})


# --- One row ---


def _state(model: type[models.Model], rows: Iterable[models.Model]) -> dict[Any, tuple[models.Model, dict[str, str]]]:
    """Key → the thing that an entry is about, and what is told of the row: field → words."""
    names = FIELDS.get(model) or [field.name for field in _told_of(model)]
    return {row.pk: (_subject(model, row), {name: _words(row, name) for name in names}) for row in rows}


def _read(model: type[models.Model], keys: Any) -> QuerySet[Any]:
    """The rows with these keys, with what `_state` tells of them, in one query."""
    told = [field for field in _told_of(model) if field.is_relation]
    names = [f"{field.name}__content_type" if field.related_model is Permission else field.name for field in told]
    rows = model._base_manager.filter(pk__in=keys)
    return rows.select_related(*names) if names and model in ROWS else rows


def _subject(model: type[models.Model], row: Any) -> models.Model:
    found: models.Model = getattr(row, ROWS[model]) if ROWS.get(model) else row
    return found


def _told_of(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.name not in NOT_TOLD]


def _words(row: Any, name: str) -> str:
    value = getattr(row, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ""):
        return "none"
    # Who reads the log may not know of every page: were notices alone without a title, the number would tell of one.
    if isinstance(value, Page):
        return f"page {value.pk}"
    if isinstance(value, Collection) and Collection.objects.filter(of_death_reviews("path"), pk=value.pk).exists():
        return f"collection {value.pk}"
    return str(value)


def _label(model: type[models.Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(field.verbose_name)


def _kind(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name)


def _compare(model: type[models.Model], before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """One entry for each row that came, went or says something else."""
    for key in sorted(before.keys() | after.keys(), key=str):
        subject, old = before.get(key, (None, {}))
        subject, new = after.get(key, (subject, {}))
        if old == new:
            continue
        if model in ROWS:
            _tell(subject, _change_of_row(model, old, new))
        elif old and new:
            _tell(subject, _change_of_fields(model, old, new))
        else:
            _came_or_went(model, subject, new or old, came=bool(new))


def _change_of_row(model: type[models.Model], old: dict[str, str], new: dict[str, str]) -> str:
    """A row that is told whole; without facts before it, or after it, it came or went."""
    if old and new:
        return f"Changed: {_kind(model)}: {_whole(model, new)}. Before: {_whole(model, old)}"
    return f"{'Added' if new else 'Removed'}: {_kind(model)}: {_whole(model, new or old)}"


def _change_of_fields(model: type[models.Model], old: dict[str, str], new: dict[str, str]) -> str:
    parts = [f"{_label(model, name)} “{old[name]}” → “{new[name]}”" for name in new if old[name] != new[name]]
    return f"Changed: {', '.join(parts)}"


def _whole(model: type[models.Model], facts: dict[str, str]) -> str:
    return "; ".join(f"{_label(model, name)} “{words}”" for name, words in facts.items())


def _came_or_went(model: type[models.Model], subject: Any, facts: dict[str, str], came: bool) -> None:
    if model is User and came and not subject.is_superuser:
        return  # an account may do nothing yet
    more = " (administrator)" if model is User and subject.is_superuser else ""
    _tell(subject, f"{'Made' if came else 'Deleted'}: {_kind(model)} “{facts.get('name', subject)}”{more}")


def _before_save(sender: type[models.Model], instance: Any, update_fields: Any = None, **kwargs: Any) -> None:
    told = FIELDS.get(sender) or [field.name for field in _told_of(sender)]
    if update_fields is not None and not set(update_fields) & set(told):
        instance._powers_before = None
        return
    instance._powers_before = _state(sender, _read(sender, [instance.pk]) if instance.pk else [])


def _on_save(sender: type[models.Model], instance: Any, **kwargs: Any) -> None:
    before = instance.__dict__.pop("_powers_before", None)
    if before is not None:
        _compare(sender, before, _state(sender, _read(sender, [instance.pk])))


def _on_delete(sender: type[models.Model], instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """What goes together with its group or workflow is told by the entry about that."""
    whole = getattr(origin, "model", type(origin))
    if origin is not None and whole is not sender and whole in FIELDS:
        return
    _compare(sender, _state(sender, [instance]), {})


# --- Members of a relation ---


def _on_members(
    sender: type[models.Model], instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, **kwargs: Any
) -> None:
    verb = {"post_add": "Added", "post_remove": "Removed", "pre_clear": "Removed"}.get(action)
    if verb is None:
        return
    if pk_set is None:  # all of them
        end = next(field for field in sender._meta.fields if field.related_model is model)
        start = next(f for f in sender._meta.fields if f.related_model and isinstance(instance, f.related_model))
        pk_set = sender._base_manager.filter(**{start.name: instance}).values_list(end.attname, flat=True)
    others = list(model._base_manager.filter(pk__in=pk_set))
    for subject, members in [(other, [instance]) for other in others] if reverse else [(instance, others)]:
        if members:
            kind = _kind(type(members[0]))
            _tell(subject, f"{verb}: {kind}: {', '.join(sorted(f'“{member}”' for member in members))}")


# --- Whole querysets ---


def _watch_whole_querysets() -> None:
    """Django tells nobody of `update` and `bulk_create`, and Wagtail's screens use both."""
    if not getattr(QuerySet.update, "is_watched", False):
        QuerySet.update = _watched(QuerySet.update, _updated)  # type: ignore[method-assign]
        QuerySet.bulk_create = _watched(QuerySet.bulk_create, _created)  # type: ignore[method-assign]


def _watched(method: Any, told_of: Any) -> Any:
    @wraps(method)
    def told(queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        if queryset.model not in FIELDS and queryset.model not in ROWS:
            return method(queryset, *args, **kwargs)
        with transaction.atomic(using=queryset.db):
            return told_of(method, queryset, *args, **kwargs)

    told.is_watched = True  # type: ignore[attr-defined]
    return told


def _updated(update: Any, queryset: QuerySet[Any], **values: Any) -> int:
    model = queryset.model
    before = _state(model, _read(model, queryset.values("pk")))
    count: int = update(queryset, **values)
    _compare(model, before, _state(model, _read(model, list(before))))
    return count


def _created(bulk_create: Any, queryset: QuerySet[Any], objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
    """Rows that may be there already get no keys: only then all of them are read, which are few."""
    model, objs = queryset.model, list(objs)
    if args[1:] or kwargs.keys() - {"batch_size"}:
        everything = model._base_manager.values("pk")
        before = _state(model, _read(model, everything))
        created: list[Any] = bulk_create(queryset, objs, *args, **kwargs)
        _compare(model, before, _state(model, _read(model, everything)))
    else:
        created = bulk_create(queryset, objs, *args, **kwargs)
        _compare(model, {}, _state(model, _read(model, [obj.pk for obj in created])))
    return created
