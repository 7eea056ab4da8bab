"""The admin's forms for files. A file that the public can have is not exchanged under their hands."""

import hashlib
from typing import Any

from django.db import transaction
from django.forms import CharField, FileField, HiddenInput
from wagtail.admin.widgets import AdminPageChooser
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm

from documents.access.permissions import NOT_REPLACED, NOT_REWRITTEN
from documents.access.public_files import on_a_live_page
from documents.inspection.facts import Picture, inspect_picture, read_document
from documents.models import Document, Image
from pages.confidential.choosable import refuse
from pages.confidential.current_request import current_screen
from pages.content.death_reviews import of_death_reviews
from pages.models import DeathReviewNoticePage

SCREENS_OF_PAGES = {f"wagtailadmin_pages:{name}" for name in ("add", "edit", "revisions_revert")}
UPLOAD_WHILE_CHOOSING = "document-chooser-upload"  # the name that Wagtail gives the form


def _is_for_a_notice() -> bool:
    """Whether the file is uploaded from the screen of a death-review notice."""
    screen = current_screen()
    if screen is None or screen.view_name not in SCREENS_OF_PAGES:
        return False
    if screen.url_name == "add":
        return bool(screen.kwargs["content_type_model_name"] == DeathReviewNoticePage._meta.model_name)
    return DeathReviewNoticePage.objects.filter(pk=screen.kwargs["page_id"]).exists()


def _state_of(file: Document | Image) -> str:
    """A hash of all that is said of a file, and where it is."""
    said = (file.file_key, file.public_facts_hash, file.collection_id, sorted(file.tags.names()))
    return hashlib.sha256(repr(said).encode()).hexdigest()


class _KeepsPublicFile:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        """A file for a death review belongs in the collection of those from the beginning: elsewhere every editor
        finds it."""
        super().__init__(*args, **kwargs)
        if not self.instance.pk and _is_for_a_notice():
            hidden = self.collections.filter(of_death_reviews("path"))
            self.collections = hidden if hidden.exists() else self.collections
            if "collection" in self.fields:
                self.fields["collection"].queryset = self.collections
                self.fields["collection"].empty_label = None
        if self.instance.pk:
            self.fields["as_opened"] = CharField(required=False, widget=HiddenInput, initial=_state_of(self.instance))

    def _refuse_what_is_old(self: Any) -> None:
        """A file has no versions: what a colleague said of it since the screen was opened would be lost."""
        stored = type(self.instance)._base_manager.filter(pk=self.instance.pk).first()
        sent = self.cleaned_data.get("as_opened")
        if stored is None or not sent or sent == _state_of(stored):
            return
        self.data = self.data.copy()
        self.data[self.add_prefix("as_opened")] = _state_of(stored)
        self.data[self.add_prefix("collection")] = str(stored.collection_id)
        self.add_error(
            None,
            "This file was changed after you opened this screen, so nothing was saved yet. What you typed is below: "
            "save again to put it in the place of what is there now, or open the screen anew.",
        )

    def clean(self: Any) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if self.instance.pk:
            self._refuse_what_is_old()
        for name in self.changed_data if self.instance.pk else ():
            facts = (*self.instance.public_facts, "collection")
            if (name in facts or f"{name}_id" in facts) and on_a_live_page(self.instance, DeathReviewNoticePage):
                self.add_error(name, NOT_REWRITTEN)
        refuse(self)
        if "file" in self.changed_data and self.instance.pk and on_a_live_page(self.instance):
            self.add_error("file", NOT_REPLACED)
        return cleaned

    def save(self: Any, commit: bool = True) -> Any:
        """Wagtail deletes the file that was replaced before the row has the new one, which may fail."""
        replaced = self.original_file if commit and "file" in self.changed_data else None
        if replaced:
            self.original_file = None
        saved = super().save(commit=commit)  # type: ignore[misc]
        if replaced:
            transaction.on_commit(lambda: replaced.storage.delete(replaced.name))
        return saved


class DocumentForm(_KeepsPublicFile, BaseDocumentForm):
    class Meta(BaseDocumentForm.Meta):
        widgets = {**BaseDocumentForm.Meta.widgets, "html_equivalent": AdminPageChooser}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.prefix == UPLOAD_WHILE_CHOOSING:
            del self.fields["html_equivalent"]  # no window to choose a page opens above another such window

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and "file" in self.changed_data:
            read_document(file, file.name)
        return file


class PictureField(WagtailImageField):
    """Wagtail's field opens the picture in the server. This one asks documents/inspection/pictures.py first."""

    def to_python(self, data: Any) -> Any:
        file: Any = FileField.to_python(self, data)
        if file is None:
            return None
        self.check_image_file_size(file)
        seen = inspect_picture(file, file.name)
        file.image = _Seen(seen)
        file.content_type = f"image/{seen.format}"
        self.check_image_file_format(file)
        return file


class _Seen:
    """What Wagtail asks of a picture that is open."""

    def __init__(self, picture: Picture) -> None:
        self.format_name = picture.format


class ImageForm(_KeepsPublicFile, BaseImageForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "file" in self.fields:
            field = self.fields["file"]
            self.fields["file"] = PictureField(
                label=field.label, required=field.required, widget=field.widget, max_length=field.max_length
            )
