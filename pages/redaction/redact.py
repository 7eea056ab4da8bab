"""Removes a text from everything that the CMS stores: content, revisions, comments, logs, search index, file names.

It is for text that must be removed for good, such as a real name in a death review. pages/redaction/spellings.py
explains how the text is found, docs/what-is-public.md what remains and what else to do. The removed text is recorded
nowhere.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.storage import Storage
from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.fields import StreamField
from wagtail.log_actions import log
from wagtail.models import Page, Revision
from wagtail.search.models import IndexEntry

from pages.editing import outbox
from pages.models import ContentPage, OutgoingMail, PublicAddress, PublicRecord
from pages.partial_dates import PartialDateField
from pages.redaction.addresses import free, redact_addresses
from pages.redaction.spellings import Spellings
from pages.visibility.ledger import note_update

REDACTED = "pages.redacted"
# Apps whose tables are skipped: accounts, sessions (see `_end_sessions`), and the search index, which is rebuilt.
LEFT_ALONE = {"account", "auth", "contenttypes", "mfa", "sessions", "socialaccount", "wagtailsearch"}
# Columns of text and keys in JSON that only the system writes: primary keys, hashes, names in the code, passwords.
SYSTEM_FIELDS = {
    "action", "checksum", "content_hash", "content_path", "contentpath", "file_hash", "file_key", "file_facts",
    "filter_spec", "focal_point_key", "hash", "hostname", "id", "key_hash", "language_code", "model_path", "object_id",
    "parent_object_id", "password", "path", "prefix", "to_object_id", "translation_key", "type", "uuid",
}  # fmt: skip
# pages/redaction/addresses.py changes these together.
PAGE_ADDRESS = {(Page, "slug"), (Page, "url_path")}
# While this is true, the log records no former values (cms/accounts/permission_log.py).
under_way: ContextVar[bool] = ContextVar("redaction_under_way", default=False)
ADDRESSES = {*PAGE_ADDRESS, (PublicRecord, "path"), (PublicAddress, "path"), (Redirect, "old_path")}
_TEXT = (models.CharField, models.TextField, models.JSONField, StreamField, models.FileField)
_VALUES = (models.DateField, models.TimeField, models.DurationField, models.DecimalField, PartialDateField)


class RedactionError(Exception):
    """The redaction failed. The message says where and with what result, and contains no data of any row."""


class Redaction:
    """One run: the text, the counts of changed rows, and the renamed files, whose old copies are deleted at the end."""

    def __init__(self, text: str) -> None:
        self.spellings = Spellings(text)
        self.stage = "the beginning"
        self.changed = Counter[str]()
        self.renamed: dict[tuple[Storage, str], str] = {}
        fields = [field for model in apps.get_models() for field in model._meta.local_concrete_fields]
        values = {field.name for field in fields if isinstance(field, _VALUES)}
        texts = {field.name for field in fields if isinstance(field, _TEXT) and not isinstance(field, _VALUES)}
        self.untouched_keys = SYSTEM_FIELDS | (values - texts)

    def of(self, value: Any, address: bool = False) -> Any:
        """The value without the text; an equal value if it does not contain it. Goes into lists, objects and JSON."""
        if isinstance(value, str):
            content = _json_in(value)
            if content is None:
                return self.spellings.without(value, address)
            changed = self.of(content)
            return value if changed == content else json.dumps(changed)
        if isinstance(value, dict):
            return {
                key: item if isinstance(item, str) and key in self.untouched_keys else self.of(item, key == "slug")
                for key, item in value.items()
            }
        return [self.of(item) for item in value] if isinstance(value, list) else value

    def new_value(self, field: "models.Field[Any, Any]", value: Any) -> Any:
        """The value of a column without the text, cut to the length of the column."""
        if not value:
            return value
        if isinstance(field, StreamField):
            stored = field.get_prep_value(value)
            new = self.of(stored)
            return value if new == stored else field.to_python(new)
        if isinstance(field, models.FileField):
            return self._renamed(field, str(value))
        new = self.of(value, address=isinstance(field, models.SlugField | models.URLField | models.EmailField))
        return new[: field.max_length] if isinstance(new, str) and field.max_length else new

    def _renamed(self, field: models.FileField, old: str) -> str:
        """Copy the file to a name without the text, and return that name."""
        new = self.spellings.without(old, address=True)
        if new == old or not field.storage.exists(old):
            return new
        key = (field.storage, old)
        if key not in self.renamed:
            with field.storage.open(old, "rb") as stream:
                self.renamed[key] = field.storage.save(new, stream, max_length=field.max_length)
        return self.renamed[key]


def _json_in(value: str) -> Any:
    """The list or object if the value is JSON, else None.

    Revisions store blocks as JSON within JSON, in which letters are escaped.
    """
    if value[:1] not in ("[", "{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def redact(
    text: str,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    purge_caches: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Remove the text everywhere, or nowhere if an error occurs. Returns the number of changed rows by model.

    It runs in a transaction of its own. Renamed files exist twice until it ends, so that a rollback loses none.
    `progress` wraps the list of tables. `purge_caches` is called within the transaction, before and after the changes,
    because addresses may change.

    Raises ValueError if the text is too short, and RedactionError for any other error.
    """
    redaction = Redaction(text)
    committed: list[bool] = []
    failed = ""
    token = under_way.set(True)
    try:
        with transaction.atomic(durable=True):
            transaction.on_commit(lambda: committed.append(True))
            purge_caches()
            _redact_rows(redaction, progress)
            redaction.stage = "the list of changes"
            note_update(ContentPage.objects.all(), timezone.now())  # so that front ends fetch everything again
            redaction.stage = "the caches"
            purge_caches()
            transaction.on_commit(cache.clear)
    except BaseException as error:
        if not committed:
            _delete((storage, new) for (storage, _), new in redaction.renamed.items())
        if not isinstance(error, Exception):
            raise
        failed = f"{type(error).__name__} in {redaction.stage}."  # its message could show the text
    finally:
        under_way.reset(token)
    if failed and not committed:
        raise RedactionError(f"{failed} Nothing was changed.")
    _delete(redaction.renamed)
    if failed:
        raise RedactionError(f"{failed} The text was removed, but caches may still contain it. Clear them.")
    return redaction.changed


def _delete(files: Iterable[tuple[Storage, str]]) -> None:
    for storage, name in files:
        storage.delete(name)


def _redact_rows(redaction: Redaction, progress: Callable[[Iterable[Any]], Iterable[Any]]) -> None:
    redaction.stage = "the addresses"
    redaction.changed.update(redact_addresses(redaction.spellings))
    _drop_mail(redaction)
    for model in progress([*tables(), Session, IndexEntry]):
        redaction.stage = f"the table {model._meta.db_table}"
        if model is Session:
            _end_sessions(redaction)
        elif model is IndexEntry:
            rebuild_search_index()
        else:
            for key, changes in _changes(model, redaction):
                model._base_manager.filter(pk=key).update(**_unique(model, key, changes))
                redaction.changed[str(model._meta.verbose_name)] += 1
    redaction.stage = "the log"
    redaction.changed += Counter()  # drops zeros
    log(instance=Page.objects.get(depth=1), action=REDACTED, data={"rows": redaction.changed.total()})


def _drop_mail(redaction: Redaction) -> None:
    """Delete unsent mail that contains the text."""
    for row in OutgoingMail.objects.filter(given_up_at=None):
        parts = outbox.parts(row)
        if redaction.of(parts) != parts:
            row.delete()
            redaction.changed["outgoing mail"] += 1


def _end_sessions(redaction: Redaction) -> None:
    """Delete sessions that contain the text, such as a message that is not shown yet. Their users sign in again."""
    for session in Session.objects.iterator():
        data = session.get_decoded()
        if redaction.of(data) != data:
            session.delete()
            redaction.changed["session"] += 1


def tables() -> list[type[models.Model]]:
    """Every table that is searched. Revisions are last, because they copy unique values from the changed rows."""
    found = [model for model in apps.get_models() if model._meta.app_label not in LEFT_ALONE and model._meta.managed]
    return sorted(found, key=lambda model: model is Revision)


def text_fields(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    """The columns that can contain text that a person wrote."""
    return [
        field
        for field in model._meta.local_concrete_fields
        if isinstance(field, _TEXT)
        and not isinstance(field, _VALUES)
        and not field.choices
        and not field.primary_key
        and field.name not in SYSTEM_FIELDS
        and (model, field.name) not in ADDRESSES
    ]


def _changes(model: type[models.Model], redaction: Redaction) -> Iterator[tuple[object, dict[str, Any]]]:
    """The primary key and the new values of each row that contains the text."""
    fields = text_fields(model)
    if not fields:
        return
    rows = model._base_manager.order_by("pk").values_list("pk", *(field.attname for field in fields))
    for key, *values in rows.iterator():
        changes = {}
        for field, value in zip(fields, values, strict=True):
            new = redaction.new_value(field, value)
            if new != value:
                changes[field.attname] = _with_values_of_row(key, value, new) if model is Revision else new
        if changes:
            yield key, changes


def _with_values_of_row(revision: int, old: dict[str, Any] | str, new: dict[str, Any] | str) -> dict[str, Any] | str:
    """The new value of a column of a revision.

    If it is the content, redacted values that must be unique are replaced by those of the row.
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    found = Revision.objects.select_related("content_type").get(pk=revision)
    model = found.content_type.model_class()
    row = model and model._base_manager.filter(pk=found.object_id).first()
    if row is None:
        return new
    own = {
        field.name: getattr(row, field.name)
        for field in row._meta.concrete_fields
        if (field.unique or (field.model, field.name) in PAGE_ADDRESS) and old.get(field.name) != new.get(field.name)
    }
    return {**new, **own}


def _unique(model: type[models.Model], key: object, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, with a number after a text where the row would violate a uniqueness constraint."""
    for group in _unique_groups(model):
        fields = {field.attname: field for field in model._meta.local_fields if field.name in group}
        numbered = next((name for name in fields if isinstance(changes.get(name), str)), None)
        if numbered is None:
            continue
        row = model._base_manager.filter(pk=key).values(*fields).get() | changes
        rest = {name: row[name] for name in fields if name != numbered}
        others = model._base_manager.exclude(pk=key).filter(**rest).values_list(numbered, flat=True)
        changes[numbered] = free(changes[numbered], set(others), fields[numbered].max_length or 255)
    return changes


def _unique_groups(model: type[models.Model]) -> list[Sequence[str]]:
    """The groups of field names whose values must be unique together."""
    return [
        *((field.name,) for field in model._meta.local_fields if field.unique),
        *model._meta.unique_together,
        *(each.fields for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)),
    ]


def rebuild_search_index() -> None:
    """Delete and rebuild the whole index.

    The entry of an object also has words of related objects (tags, inline rows) and may outlive its object.
    """
    IndexEntry.objects.all()._raw_delete(IndexEntry.objects.db)
    call_command("update_index", verbosity=0)
    if connection.vendor == "sqlite":  # FTS5 keeps deleted words in its segments until they are merged
        table = f"{IndexEntry._meta.db_table}_fts"
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table}({table}) VALUES('optimize')")
