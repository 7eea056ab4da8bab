"""The admin's forms for files. A file that the public can have is not exchanged under their hands."""

from typing import Any

from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.forms import BaseImageForm

from documents.access import on_a_live_page

NOT_REPLACED = (
    "A public page uses this file, and the page was approved with it. Upload the new version as a new file, put it on "
    "the page, and submit the page for moderation."
)


class _KeepsPublicFile:
    def clean(self: Any) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if "file" in self.changed_data and self.instance.pk and on_a_live_page(self.instance):
            self.add_error("file", NOT_REPLACED)
        return cleaned


class DocumentForm(_KeepsPublicFile, BaseDocumentForm):
    pass


class ImageForm(_KeepsPublicFile, BaseImageForm):
    pass
