"""Which files published pages use, and which files were public once."""

from django.db import models
from wagtail.models import Page

from documents.models.document import Document
from documents.models.image import Image


class PublishedFile(models.Model):
    """A file that the published version of a page uses, and since when it was public there.

    The publication writes these rows in its own transaction (cms/publication/effects.py), because a worker updates
    Wagtail's reference index later. A row does not say whether its page is public now:
    documents/access/public_files.py decides that.
    """

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="published_files")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="published_in")
    image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="published_in")
    file_key = models.CharField(
        max_length=32, help_text="The file as it was approved: another file needs another approval."
    )
    first_public_at = models.DateTimeField()
    no_store = models.BooleanField(default=False, help_text="Of a death review, or once for an exempt item.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["page", "document"], name="one_row_per_page_and_document"),
            models.UniqueConstraint(fields=["page", "image"], name="one_row_per_page_and_image"),
            models.CheckConstraint(
                condition=models.Q(document__isnull=False, image__isnull=True)
                | models.Q(document__isnull=True, image__isnull=False),
                name="a_published_file_is_a_document_or_an_image",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document or self.image} on {self.page}"


class PublicFileRecord(models.Model):
    """The key of a file that was public once. It outlives the file, so that its address answers 410 (Gone)."""

    file_key = models.CharField(max_length=32, unique=True)
    first_public_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.file_key
