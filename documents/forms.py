"""The admin's forms for files. A file that the public can have is not exchanged under their hands."""

from typing import Any

from wagtail.admin.widgets import AdminPageChooser
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.forms import BaseImageForm

from documents.access import on_a_live_page
from documents.permissions import NOT_REPLACED, NOT_REWRITTEN
from pages.models import DeathReviewNoticePage

UPLOAD_WHILE_CHOOSING = "document-chooser-upload"  # the name that Wagtail gives the form


class _KeepsPublicFile:
    def clean(self: Any) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        for name in self.changed_data if self.instance.pk else ():
            facts = self.instance.public_facts
            if (name in facts or f"{name}_id" in facts) and on_a_live_page(self.instance, DeathReviewNoticePage):
                self.add_error(name, NOT_REWRITTEN)
        if "file" in self.changed_data and self.instance.pk and on_a_live_page(self.instance):
            self.add_error("file", NOT_REPLACED)
        return cleaned


class DocumentForm(_KeepsPublicFile, BaseDocumentForm):
    class Meta(BaseDocumentForm.Meta):
        widgets = {**BaseDocumentForm.Meta.widgets, "html_equivalent": AdminPageChooser}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.prefix == UPLOAD_WHILE_CHOOSING:
            del self.fields["html_equivalent"]  # no window to choose a page opens above another such window


class ImageForm(_KeepsPublicFile, BaseImageForm):
    pass
