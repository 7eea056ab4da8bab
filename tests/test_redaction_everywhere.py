"""A text is planted in every column of text of every table, and no column has it afterwards."""

import json
from datetime import date, timedelta
from itertools import count

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, models
from django.utils import timezone
from treebeard.mp_tree import MP_Node
from wagtail.fields import StreamField
from wagtail.models import Page, PageLogEntry
from wagtail.search.models import IndexEntry

from pages.redaction.redact import ADDRESSES, LEFT_ALONE, redact, tables, text_fields
from tests import factories

NAME = "Zo Quib"
# Columns of text in which nobody writes, by what they hold.
LEFT = {
    "keys and places in the database": {"id", "object_id", "parent_object_id", "to_object_id", "path"},
    "paths of fields and blocks in the code": {"content_path", "contentpath", "model_path"},
    "names in the code": {"action", "filter_spec", "focal_point_key", "language_code"},
    "hashes and random keys": {"checksum", "content_hash", "file_hash", "file_key", "hash", "key_hash", "prefix"},
    "the host that serves the site": {"hostname"},
    "passwords, which are no content": {"password"},
    "dates": {"starts_on", "ends_on", "effective_from", "effective_to"},
}
_keys = count(900_001)


def with_text() -> list[type[models.Model]]:
    return [model for model in tables() if text_fields(model) or any(model is owner for owner, _ in ADDRESSES)]


def is_text(field: models.Field) -> bool:
    kinds = models.CharField | models.TextField | models.JSONField | models.FileField | StreamField
    return isinstance(field, kinds) and not field.primary_key


def planted(field: models.Field):  # noqa: PLR0911 - one for each kind of field
    if isinstance(field, StreamField):
        return json.dumps([{"type": "paragraph", "value": f"<p><b>Zo</b> Quib {NAME}</p>", "id": "x"}])
    if isinstance(field, models.JSONField):
        return {"note": NAME, "rows": [["zo_quib"]], "page": {"title": NAME}, "in": json.dumps([{"title": NAME}])}
    if isinstance(field, models.FileField):
        return field.storage.save(f"planted/{next(_keys)}/zo-quib.txt", ContentFile(b"x"))
    if isinstance(field, models.EmailField):
        return "zo.quib@example.org"
    if isinstance(field, models.URLField):
        return "https://example.org/Zo%20Quib"
    if field.name in ("slug", "old_path"):
        return f"zo-quib-{next(_keys)}"
    return f"{NAME} {next(_keys) % 100:02}" if field.unique else NAME


def value_for(field: models.Field, key: int):  # noqa: PLR0911 - one for each kind of field
    if field.primary_key and not field.remote_field:
        return field.get_default() or key
    if isinstance(field, models.ForeignKey):
        if field.remote_field.model is ContentType:
            return ContentType.objects.get_for_model(Page).pk
        if field.remote_field.parent_link or not field.null:
            return row_of(field.remote_field.model)
        return None
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.DateField):
        return date(2026, 2, 11)
    if isinstance(field, models.UUIDField):
        return field.get_default()
    if isinstance(field, models.DurationField):
        return timedelta(1)
    if isinstance(field, models.BooleanField):
        return False
    if field.get_internal_type() == "SearchVectorField":
        return "quib"
    if field.get_internal_type() == "BinaryField":
        return b"sealed, so nobody reads it"
    if not is_text(field):
        return key % 10_000
    if field.name == "path" and issubclass(field.model, MP_Node):
        return f"0001{key % 10_000:04}"
    if any(field.name in names for names in LEFT.values()) and (field.model, field.name) not in ADDRESSES:
        return "2026" if field.name in LEFT["dates"] else f"{key}"[: field.max_length]
    return planted(field)


def row_of(model: type[models.Model]) -> int:
    """Makes a row with the text in each of its columns, past every rule of the model and with no signal."""
    key = next(_keys)
    values = {field.attname: value_for(field, key) for field in model._meta.local_concrete_fields}
    if issubclass(model, MP_Node) and "depth" in values:
        values |= {"depth": 2, "numchild": 0}
    for field in model._meta.local_concrete_fields:  # the key of a child is that of its parent
        if field.primary_key:
            key = values[field.attname]
    row = model(**values)
    model._base_manager.get_queryset()._insert([row], fields=model._meta.local_concrete_fields, using="default")
    return key


def everything_stored() -> dict[str, str]:
    """The rows of each table as text in small letters."""
    return {
        model._meta.label: "\n".join(str(row) for row in model._base_manager.values()).lower()
        for model in apps.get_models()
        if model._meta.managed
    }


def has_it(text: str) -> bool:
    return "quib" in text.lower()


@pytest.fixture
def full(home):
    """A site with a row in every table that has a column of text."""
    with connection.constraint_checks_disabled():
        for model in with_text():
            row_of(model)
        row_of(IndexEntry)
    return home


def test_no_column_of_any_table_has_it_afterwards(full):
    for model in with_text():
        for field in text_fields(model):
            values = model._base_manager.values_list(field.attname, flat=True)
            assert has_it(str([field.get_prep_value(value) for value in values])), f"{field} was not planted"
    before, rows = everything_stored(), {model: model._base_manager.count() for model in with_text()}
    assert {label for label, text in before.items() if has_it(text)} >= {model._meta.label for model in with_text()}
    changed = redact(NAME)
    after = everything_stored()
    assert [label for label, text in after.items() if has_it(text)] == ["auth.User"]  # accounts are left alone
    rows[PageLogEntry] += 1  # it ran
    assert {model: model._base_manager.count() for model in with_text()} == rows
    assert changed.total() >= len(rows)
    assert {name for name in names_under("planted") if "redacted" not in name} == set()


def names_under(folder: str) -> list[str]:
    folders, names = default_storage.listdir(folder)
    return [*names, *(name for each in folders for name in names_under(f"{folder}/{each}"))]


def test_every_column_of_text_is_looked_at_or_left_for_a_reason():
    looked_at = {field for model in tables() for field in text_fields(model)}
    others = {
        field.name
        for model in tables()
        for field in model._meta.local_concrete_fields
        if is_text(field) and not field.choices and field not in looked_at
        if (model, field.name) not in ADDRESSES
    }
    assert others - {name for names in LEFT.values() for name in names} == set()


def test_only_accounts_and_what_is_made_anew_are_left_alone():
    # The search index is made anew, and a session that has the text is ended: both are shown below.
    assert {"account", "auth", "contenttypes", "mfa", "sessions", "socialaccount", "wagtailsearch"} == LEFT_ALONE


def test_a_session_that_has_it_is_ended(home):
    for note in (f"“{NAME}” was published", "Something was published"):
        session = SessionStore()
        session["messages"] = note
        session.create()
    redact(NAME)
    assert [each.get_decoded() for each in Session.objects.all()] == [{"messages": "Something was published"}]


def test_the_search_index_keeps_no_word_of_it(home):
    document = factories.document("Minutes")
    document.tags.add("Quibworth")
    notice = factories.page(factories.models.StandardPage, home, title="Of Quibworth")
    gone = IndexEntry(content_type=ContentType.objects.get_for_model(ContentType), object_id="999999")
    if connection.vendor == "sqlite":
        gone.title, gone.body = "Quibworth", ""
    else:
        gone.title_text = "Quibworth"
        gone.title = gone.body = gone.autocomplete = ""
    gone.save()
    call_command("update_index", verbosity=0)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # as it is once it was written to disk
            cursor.execute("INSERT INTO wagtailsearch_indexentry_fts(wagtailsearch_indexentry_fts) VALUES('optimize')")
        assert "uibworth" in segments()
    assert IndexEntry.objects.filter(object_id=str(document.pk)).exists()
    assert "quibworth" in index_words()
    redact("Quibworth")
    assert "uibworth" not in index_words()
    assert IndexEntry.objects.filter(object_id=str(notice.pk)).exists()


def index_words() -> str:
    """The search index as it is stored: on SQLite with the segments that also keep deleted words."""
    found = str(list(IndexEntry.objects.values()))
    return (found + segments() if connection.vendor == "sqlite" else found).lower()


def segments() -> str:
    """A word that begins like the one before is stored without that beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT block FROM wagtailsearch_indexentry_fts_data")
        return "".join(bytes(row[0]).decode("latin-1") for row in cursor.fetchall())
