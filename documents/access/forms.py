"""The admin's forms for files. They refuse a new file in place of one that is public."""

import hashlib
from functools import partial
from typing import IO, Any

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.forms import CharField, FileField, HiddenInput
from django.http import QueryDict
from wagtail.admin.forms.collections import BaseCollectionMemberForm
from wagtail.admin.widgets import AdminPageChooser
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm
from wagtail.models import Collection

from documents.access.permissions import NOT_REPLACED, NOT_REWRITTEN
from documents.access.public_files import on_a_live_page
from documents.inspection.facts import Picture, inspect_picture, read_document
from documents.models import Document, Image
from pages.confidential.choosable import refuse
from pages.confidential.current_request import current_screen
from pages.content.death_reviews import of_death_reviews
from pages.models import DeathReviewNoticePage

PAGE_EDITING_VIEWS = {f"wagtailadmin_pages:{name}" for name in ("add", "edit", "revisions_revert")}
CHOOSER_UPLOAD_PREFIX = "document-chooser-upload"  # Wagtail's prefix for the form in the document chooser


def _is_uploaded_for_notice() -> bool:
    """Whether the file is uploaded from the edit screen of a death-review notice."""
    screen = current_screen()
    if screen is None or screen.view_name not in PAGE_EDITING_VIEWS:
        return False
    if screen.url_name == "add":
        return bool(screen.kwargs["content_type_model_name"] == DeathReviewNoticePage._meta.model_name)
    return DeathReviewNoticePage.objects.filter(pk=screen.kwargs["page_id"]).exists()


def _state_of(file: Document | Image) -> str:
    """SHA-256, in hex, of the file's bytes and facts and of its collection."""
    state = (file.file_key, file.public_facts_hash, file.collection_id, sorted(file.tags.names()))
    return hashlib.sha256(repr(state).encode()).hexdigest()


class _FileForm(BaseCollectionMemberForm):
    """The rules that the forms of documents and of images share."""

    collections: QuerySet[Collection]
    data: QueryDict
    original_file: FieldFile | None

    def __init__(self, *args: object, **kwargs: object) -> None:
        """A file for a death review starts in the collection of death reviews: in another, every editor finds it."""
        super().__init__(*args, **kwargs)
        if not self.instance.pk and _is_uploaded_for_notice():
            hidden = self.collections.filter(of_death_reviews("path"))
            self.collections = hidden if hidden.exists() else self.collections
            if "collection" in self.fields:
                self.fields["collection"].queryset = self.collections
                self.fields["collection"].empty_label = None
        if self.instance.pk:
            self.fields["as_opened"] = CharField(required=False, widget=HiddenInput, initial=_state_of(self.instance))

    def _refuse_outdated_form(self) -> None:
        """Refuse to overwrite what a colleague saved after the screen was opened: a file has no earlier versions."""
        stored = type(self.instance)._base_manager.filter(pk=self.instance.pk).first()
        sent = self.cleaned_data.get("as_opened")
        if stored is None or not sent or sent == _state_of(stored):
            return
        self.data = self.data.copy()
        self.data[self.add_prefix("as_opened")] = _state_of(stored)
        self.data[self.add_prefix("collection")] = str(stored.collection_id)
        self.add_error(
            None,
            "This file was changed after you opened this screen, so nothing has been saved. What you typed is below. "
            "Save again to replace the other changes, or reload the screen to keep them.",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if self.instance.pk:
            self._refuse_outdated_form()
        for name in self.changed_data if self.instance.pk else ():
            facts = (*self.instance.public_facts, "collection")
            if (name in facts or f"{name}_id" in facts) and on_a_live_page(self.instance, DeathReviewNoticePage):
                self.add_error(name, NOT_REWRITTEN)
        refuse(self)
        if "file" in self.changed_data and self.instance.pk and on_a_live_page(self.instance):
            self.add_error("file", NOT_REPLACED)
        return cleaned

    def save(self, commit: bool = True) -> Document | Image:
        """Delete a replaced file after the commit. Wagtail deletes it before the row is saved, which may fail."""
        replaced = self.original_file if commit and "file" in self.changed_data else None
        if replaced:
            self.original_file = None
        saved: Document | Image = super().save(commit=commit)
        if replaced and replaced.name:
            transaction.on_commit(partial(replaced.storage.delete, replaced.name))
        return saved


class DocumentForm(_FileForm, BaseDocumentForm):
    class Meta(BaseDocumentForm.Meta):
        widgets = {**BaseDocumentForm.Meta.widgets, "html_equivalent": AdminPageChooser}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.prefix == CHOOSER_UPLOAD_PREFIX:
            del self.fields["html_equivalent"]  # Wagtail opens no page chooser above another chooser

    def clean_file(self) -> IO[bytes] | None:
        file: IO[bytes] | None = self.cleaned_data["file"]
        if file and "file" in self.changed_data:
            read_document(file, file.name)
        return file


class PictureField(WagtailImageField):
    """Replaces Wagtail's field, which opens the picture in the server, by a check in a process of its own."""

    def to_python(self, data: "File[bytes] | None") -> "File[bytes] | None":
        """Raises ValidationError for a picture that cannot be shown."""
        file: Any = FileField.to_python(self, data)
        if file is None:
            return None
        self.check_image_file_size(file)
        picture = inspect_picture(file, file.name)
        file.image = _OpenedPicture(picture)
        file.content_type = f"image/{picture.format}"
        self.check_image_file_format(file)
        uploaded: File[bytes] = file
        return uploaded


class _OpenedPicture:
    """What Wagtail's format check reads from an opened picture."""

    def __init__(self, picture: Picture) -> None:
        self.format_name = picture.format


class ImageForm(_FileForm, BaseImageForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if "file" in self.fields:
            field = self.fields["file"]
            self.fields["file"] = PictureField(
                label=field.label, required=field.required, widget=field.widget, max_length=field.max_length
            )
