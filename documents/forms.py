"""The admin's forms for files. A file that the public can have is not exchanged under their hands."""

from typing import Any

from django.db import transaction
from django.forms import FileField
from wagtail.admin.widgets import AdminPageChooser
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.fields import WagtailImageField
from wagtail.images.forms import BaseImageForm

from documents.access import on_a_live_page
from documents.inspection import Picture, look_at, read_document
from documents.permissions import NOT_REPLACED, NOT_REWRITTEN
from pages.choosable import refuse
from pages.models import DeathReviewNoticePage

UPLOAD_WHILE_CHOOSING = "document-chooser-upload"  # the name that Wagtail gives the form


class _KeepsPublicFile:
    def clean(self: Any) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        for name in self.changed_data if self.instance.pk else ():
            facts = self.instance.public_facts
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
    """Wagtail's field opens the picture in the server. This one asks documents/pictures.py first."""

    def to_python(self, data: Any) -> Any:
        file: Any = FileField.to_python(self, data)
        if file is None:
            return None
        self.check_image_file_size(file)
        seen = look_at(file, file.name)
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
