"""The admin's forms for files. A file that the public can have is not exchanged under their hands."""

from typing import Any

from wagtail.admin.widgets import AdminPageChooser
from wagtail.documents.forms import BaseDocumentForm
from wagtail.images.forms import BaseImageForm

from documents.access import on_a_live_page
from pages.choosable import refuse
from pages.models import DeathReviewNoticePage

NOT_REPLACED = (
    "A public page uses this file, and the page was approved with it. Upload the new version as a new file, put it on "
    "the page, and submit the page for moderation."
)
UPLOAD_WHILE_CHOOSING = "document-chooser-upload"  # the name that Wagtail gives the form


NOT_REWRITTEN = (
    "A public death-review notice shows this file, and two people approved these words. Upload the file once more with "
    "the new words, put it on the notice, and submit the notice for moderation."
)


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


class DocumentForm(_KeepsPublicFile, BaseDocumentForm):
    class Meta(BaseDocumentForm.Meta):
        widgets = {**BaseDocumentForm.Meta.widgets, "html_equivalent": AdminPageChooser}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.prefix == UPLOAD_WHILE_CHOOSING:
            del self.fields["html_equivalent"]  # no window to choose a page opens above another such window


class ImageForm(_KeepsPublicFile, BaseImageForm):
    pass
