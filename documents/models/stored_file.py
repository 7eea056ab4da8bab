"""What documents and images share: a checksum, an address that changes with the bytes, and who made each part."""

import hashlib
import json
import secrets
from collections.abc import Collection
from pathlib import PurePath
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.db import models, transaction
from wagtail.log_actions import get_active_log_context
from wagtail.models import Page

from documents.inspection.facts import sha256_of

TAGS_HELP = "Words that help colleagues find the file. Never public."


def new_file_key() -> str:
    """A part of a public address that cannot be guessed: 128 random bits."""
    return secrets.token_urlsafe(16)


def stored_name(folder: str, filename: str) -> str:
    """The path of an upload in the storage: a folder with a random name, then the file name that people know."""
    name = PurePath(filename).name
    stem, suffix = name.rsplit(".", 1) if "." in name else (name, "")
    return f"{folder}/{secrets.token_urlsafe(16)}/{stem[:80]}{'.' + suffix[:10].lower() if suffix else ''}"


class StoredFile(models.Model):
    """The fields and rules that documents and images share."""

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    file_key = models.CharField(max_length=32, unique=True, default=new_file_key, editable=False)
    checksum = models.CharField("SHA-256", max_length=64, blank=True, editable=False)

    # Replaces Wagtail's `uploaded_by_user`, whose reverse name Wagtail's own models take although they are not used.
    uploaded_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="uploaded by",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    uploaded_by_user.wagtail_reference_index_ignore = True  # type: ignore[attr-defined]

    # Who supplied the bytes and each of the facts: {"file": primary key of a user, "title": …}. The value is null where
    # code or a command did it. These users count as editors of every version that shows the file.
    made_by = models.JSONField(default=dict, editable=False)

    # Set by the preview of a draft (pages/reading/draft_previews.py), whose file addresses carry a token.
    preview_token = ""

    # The fields that readers are shown beside the file itself.
    public_facts: tuple[str, ...] = ()
    # The fields that belong to the bytes. If somebody else replaced the file after this row was read, saving the row
    # does not write the old values back.
    file_fields: tuple[str, ...] = ("file", "file_key", "checksum", "file_size", "file_hash")
    _loaded_file_key = ""

    class Meta:
        abstract = True

    @property
    def public_facts_hash(self) -> str:
        """SHA-256 of the public facts, in hex. An approval is bound to it."""
        facts = [getattr(self, name) for name in self.public_facts]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def query(self) -> str:
        """The query string of the address: empty except for files of a previewed draft."""
        return "?" + urlencode({"preview": self.preview_token}) if self.preview_token else ""

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        loaded = super().from_db(db, field_names, values, **kwargs)
        loaded._loaded_file_key = loaded.__dict__.get("file_key", "")
        return loaded

    def save(self, **kwargs: Any) -> None:
        with transaction.atomic():
            stored = self.hold() if self.pk else None
            if stored and self.file_key == self._loaded_file_key != stored.file_key:
                for name in self.file_fields:
                    setattr(self, name, getattr(stored, name))
            self._update_made_by(stored)
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "made_by"}
            super().save(**kwargs)
            self._loaded_file_key = self.file_key

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Locks the row first: a page that shows the file may be published at the same moment."""
        with transaction.atomic():
            self.hold()
            deleted: tuple[int, dict[str, int]] = super().delete(*args, **kwargs)
        return deleted

    def hold(self) -> Self | None:
        """Lock the row until the transaction ends. Returns it as it is stored now, or None if it was deleted.

        The pages that show the file to readers are locked first, which is the order in which a publication locks them.
        """
        shown_by = Page.objects.filter(pk__in=self.published_in.values("page"))  # type: ignore[attr-defined]
        list(shown_by.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        rows = type(self)._base_manager.select_for_update(no_key=True)
        return rows.filter(pk=self.pk).first()

    def _update_made_by(self, stored: "StoredFile | None") -> None:
        """Record the current user as the maker of what differs from the stored row.

        Wagtail's log context has the user for every screen of the admin, so no screen has to pass it on.
        """
        user = get_active_log_context().user
        made_by = dict(stored.made_by) if stored else {}
        if stored is None or stored.file_key != self.file_key:
            made_by["file"] = user and user.pk
        for name in self.public_facts:
            if stored is None or _normalised(getattr(stored, name)) != _normalised(getattr(self, name)):
                made_by[name] = user and user.pk
        self.made_by = made_by

    def note_new_file(self) -> bool:
        """Refresh the fields that depend on the bytes if a new file was given. Returns whether one was."""
        file = self.file  # type: ignore[attr-defined]
        # An upload in two steps stores the file before the row is saved. Then only the checksum is missing.
        if not file or (file._committed and self.checksum):
            return False
        self.checksum = sha256_of(file)
        self.file_size = file.size
        if self.pk:
            self.file_key = new_file_key()
        return True


def _normalised(value: object) -> object:
    """The value as a form returns it when nobody changed the field."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value
