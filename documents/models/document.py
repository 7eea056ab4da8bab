"""Documents, and the words in them."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.urls import reverse
from taggit.managers import TaggableManager
from wagtail.documents.models import AbstractDocument
from wagtail.models import Page

from documents.choices import DocumentAccessibility, DocumentKind
from documents.inspection.facts import read_document
from documents.models.stored_file import TAGS_HELP, StoredFile, stored_name

CHANGE_PUBLIC_FILES = "documents.change_public_file"
language_code = RegexValidator(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "Give a language code such as en, cy or pl.")


def upload_document_to(instance: "Document", filename: str) -> str:
    return stored_name("documents", filename)


class Document(StoredFile, AbstractDocument):  # type: ignore[django-manager-missing]
    """A paper, plan, report or data file. It is public only while a public page uses it."""

    tags = TaggableManager(help_text=TAGS_HELP, blank=True, related_name="tagged_documents")
    file = models.FileField("file", upload_to=upload_document_to, max_length=255)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices, default=DocumentKind.OTHER)
    language = models.CharField(
        max_length=20,
        default="en",
        validators=[language_code],
        help_text="The language it is written in, as a code: en for English, cy for Welsh, pl for Polish.",
    )
    accessible = models.CharField(
        "accessible to people who use a screen reader",
        max_length=10,
        choices=DocumentAccessibility.choices,
        default=DocumentAccessibility.UNKNOWN,
    )
    html_equivalent = models.ForeignKey(
        Page,
        verbose_name="web page with the same content",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="A PDF that is not fully accessible needs this, or a reason below.",
    )
    accessibility_exemption = models.TextField(
        "why there is no accessible version",
        blank=True,
        max_length=1000,
        validators=[MaxLengthValidator(1000)],
        help_text="For example: a scan of a document from before 23 September 2018.",
    )
    page_count = models.PositiveIntegerField("number of pages", null=True, blank=True, editable=False)

    # Set by pages/models/meetings.py and never reset: caches must keep no copy of a file that was once exempt.
    once_exempt = models.BooleanField(default=False, editable=False)

    file_fields = (*StoredFile.file_fields, "page_count")
    public_facts = ("title", "kind", "language", "accessible", "html_equivalent_id", "accessibility_exemption")

    admin_form_fields = (
        "title",
        "file",
        "kind",
        "language",
        "accessible",
        "html_equivalent",
        "accessibility_exemption",
        "collection",
        "tags",
    )

    class Meta(AbstractDocument.Meta):
        verbose_name = "document"
        verbose_name_plural = "documents"
        permissions = [
            ("choose_document", "Can choose document"),
            ("change_public_file", "Can change documents and images that the public can have"),
        ]

    def clean(self) -> None:
        if not self.file:
            return  # the first step of an upload has no file yet, and its form has no field for the error
        super().clean()
        if (
            self.file_type == "pdf"
            and self.accessible != DocumentAccessibility.YES
            and not self.html_equivalent_id
            and not self.accessibility_exemption.strip()
        ):
            raise ValidationError(
                {
                    "accessible": "A PDF that is not accessible needs a web page with the same content, "
                    "or a reason why there is no accessible version."
                }
            )

    def save(self, **kwargs: Any) -> None:
        """Raises ValidationError for a new file that cannot be read."""
        words = None
        if self.note_new_file():
            self.page_count, words = read_document(self.file, self.filename)
        super().save(**kwargs)
        if words is not None:
            self._store_words(words)

    def read_words_again(self) -> None:
        """Read the file's words once more, for the search.

        Raises ValidationError or OSError if the file cannot be read any more. Then no words are stored.
        """
        words = ""
        try:
            words = read_document(self.file, self.filename).words
        finally:
            self._store_words(words)

    def _store_words(self, words: str) -> None:
        DocumentText.objects.update_or_create(document=self, defaults={"file_key": self.file_key, "text": words})

    @property
    def url(self) -> str:
        return reverse("document", args=[self.file_key, self.filename])

    @property
    def file_type(self) -> str:
        """The format, as in "pdf"."""
        return self.file_extension.lower()

    @property
    def address(self) -> str:
        """The absolute address, as the GraphQL API gives it."""
        return settings.CMS_URL + self.url + self.query


class DocumentText(models.Model):
    """The words in the file of a document, read when it is uploaded.

    They have a table of their own because they are long. No GraphQL type has them: only the search reads them, for
    files that are public (pages/search/index.py).
    """

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="words")
    file_key = models.CharField(max_length=32, help_text="The file that has these words.")
    text = models.TextField(blank=True)

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"Words of {self.document}"
