"""Takes a text out of everything that the CMS keeps: content, revisions, comments, logs, search index, file names.

For text that must go for good, such as a real name in a death review. The contents of files are not looked at, nor
are backups; docs/what-is-public.md says what else to do. What was removed is written nowhere.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import PurePath
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db import models, transaction
from django.utils.text import slugify
from modelcluster.fields import ParentalKey
from wagtail.fields import StreamField
from wagtail.log_actions import log
from wagtail.models import Page
from wagtail.search import index

from pages.models import PublicAddress, PublicRecord

REDACTED = "pages.redacted"
MARK, SLUG_MARK = "[redacted]", "redacted"
SHORTEST = 3
# Accounts and sessions hold no content.
LEFT_ALONE = {"account", "auth", "contenttypes", "mfa", "sessions", "socialaccount"}
# What the system itself writes into columns of text, and into revisions.
SYSTEM_FIELDS = {
    "action", "checksum", "content_hash", "file_hash", "file_key", "file_keys", "filter_spec", "focal_point_key", "id",
    "language_code", "path", "translation_key", "type", "uuid",
}  # fmt: skip
_BETWEEN_WORDS = r"(?:\s|&nbsp;|<[^>]*>)+"
_QUOTES = "'’‘"


def _spellings(word: str) -> str:
    """A pattern for a word in text or HTML, with its accents composed or not."""

    def one(letter: str) -> str:
        if letter in _QUOTES:
            return f"(?:[{_QUOTES}]|&#x27;|&#39;|&rsquo;|&lsquo;)"
        spellings = dict.fromkeys(re.escape(each) for each in (letter, escape(letter)))
        return f"(?:{'|'.join(spellings)})"

    forms = dict.fromkeys(unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    return f"(?:{'|'.join(''.join(map(one, form)) for form in forms)})"


def _bare(word: str) -> str:
    """A pattern for a word in an address or the name of a file, which keep letters and digits alone."""
    composed = unicodedata.normalize("NFC", word)
    forms = (composed, unicodedata.normalize("NFD", word), slugify(word))
    names = dict.fromkeys("".join(re.findall(r"[\w\u0300-\u036f]", form)) for form in forms)
    return f"(?:{'|'.join(filter(None, names))})" if any(names) else ""


class Redaction:
    """How one text is found, however it is spelt: other case, spaces, tags between words, HTML entities, slugs."""

    def __init__(self, text: str) -> None:
        words = text.split()
        if len("".join(words)) < SHORTEST:
            raise ValueError(f"Give a text of at least {SHORTEST} characters.")
        plain = _BETWEEN_WORDS.join(map(_spellings, words))
        self.plain = re.compile(rf"(?<!\w){plain}(?!\w)", re.IGNORECASE)
        bare = [names for word in words if (names := _bare(word))]
        names = "[-_]+".join(bare)
        long_enough = len(slugify(text)) >= SHORTEST
        self.in_names = re.compile(rf"(?<![^\W_]){names}(?![^\W_])", re.IGNORECASE) if long_enough else None

    def of(self, value: Any) -> Any:
        """The value without the text; the same object when it was not in there."""
        if isinstance(value, str):
            return self._of_text(value)
        if isinstance(value, dict):
            changed: Any = {key: item if key in SYSTEM_FIELDS else self.of(item) for key, item in value.items()}
        elif isinstance(value, list):
            changed = [self.of(item) for item in value]
        else:
            return value
        return changed if changed != value else value

    def _of_text(self, value: str) -> str:
        if value[:1] in ("[", "{"):  # revisions keep blocks as JSON in JSON, where letters are escaped
            try:
                content = json.loads(value)
            except ValueError:
                pass
            else:
                changed = self.of(content)
                return value if changed is content else json.dumps(changed)
        value = self.plain.sub(MARK, value)
        return self.in_names.sub(SLUG_MARK, value) if self.in_names else value


def tables() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label not in LEFT_ALONE and model._meta.managed]


@transaction.atomic
def redact(text: str, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> Counter[str]:
    """Redact everywhere, or nowhere when something goes wrong. Returns the number of changed rows by model.

    Raises ValueError when the text is too short to be meant.
    """
    redaction, changed = Redaction(text), Counter[str]()
    touched: list[models.Model] = []
    for model in progress(tables()):
        for key, changes in _changes(model, redaction):
            model._base_manager.filter(pk=key).update(**changes)
            changed[str(model._meta.verbose_name)] += 1
            touched.append(model._base_manager.get(pk=key))
    for obj in touched:
        parents = [getattr(obj, field.name) for field in obj._meta.concrete_fields if isinstance(field, ParentalKey)]
        for found in (obj, *parents):
            if isinstance(found, index.Indexed):
                index.insert_or_update_object(found.specific if isinstance(found, Page) else found)
    transaction.on_commit(cache.clear)
    log(instance=Page.objects.get(depth=1), action=REDACTED, data={"rows": changed.total()})
    return changed


def _changes(model: type[models.Model], redaction: Redaction) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Primary key and new values of each row of a table that has the text."""
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField | StreamField | models.FileField)
        and not field.choices
        and (field.name not in SYSTEM_FIELDS or model in (PublicRecord, PublicAddress))  # "path": of tree or site
        and not field.primary_key
    ]
    if not fields:
        return
    for key, *values in model._base_manager.values_list("pk", *(field.attname for field in fields)).iterator():
        changes = {}
        for field, value in zip(fields, values, strict=True):
            new = _new_value(field, value, redaction)
            if new is not value:
                # Two values that differed in the text alone must not become one.
                changes[field.attname] = f"{new}-{key}"[-(field.max_length or 255) :] if field.unique else new
        if changes:
            yield key, changes


def _new_value(field: models.Field, value: Any, redaction: Redaction) -> Any:
    if not value:
        return value
    if isinstance(field, StreamField):
        stored = field.get_prep_value(value)
        new = redaction.of(stored)
        return value if new == stored else field.to_python(new)
    if isinstance(field, models.FileField):
        name = redaction.of(str(value))
        return value if name == str(value) else _renamed(field, str(value), name)
    new = redaction.of(value)
    if new is value or new == value:
        return value
    if isinstance(new, str) and field.max_length:
        new = new[: field.max_length]
    return new


def _renamed(field: models.FileField, old: str, new: str) -> str:
    """Gives a stored file another name."""
    storage = field.storage
    if not storage.exists(old):
        return new
    with storage.open(old, "rb") as stream:
        kept = storage.save(str(PurePath(new)), stream)
    transaction.on_commit(lambda: storage.delete(old))
    return kept
