"""What the search looks through: the words of the published version of each page, and of each file that it shows."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from wagtail.search import index

from documents.models import Document
from pages.content.search_words import Wanted, stems
from pages.models.base import ContentPage


class Place(models.IntegerChoices):
    """Where a page has all that was asked for, the best place first."""

    TITLE = 1
    SUMMARY = 2  # or the title
    TEXT = 3  # or one of these
    FILE = 4  # together with the title and summary


# A word stands in the index once for each place that it counts for. The first two characters say which.
MARKS = {Place.TITLE: "a1", Place.SUMMARY: "a2", Place.TEXT: "a3"}
BETWEEN = "a0"
MAX_TEXT = 200_000


class SearchText(index.Indexed, models.Model):
    """The public words of a page, or (with a document) those of a file on it.

    Written when a version is published (pages/search/index.py). It holds nothing of drafts, of other pages or of shared
    text, and says nothing about whether the page is public now: who searches asks pages/visibility/rule.py.
    """

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="search_texts")
    file_key = models.CharField(max_length=32, blank=True, help_text="The file as it was approved.")
    title = models.CharField(max_length=255)
    summary = models.TextField(blank=True)
    text = models.TextField(blank=True, help_text="What else the page says, or what it says of the file.")

    wagtail_reference_index_ignore = True
    search_auto_update = False  # in the publishing transaction, and not in a task that may come later
    search_fields = [index.SearchField("marked_words")]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["page"], condition=models.Q(document=None), name="one_search_text_for_a_page"
            ),
            models.UniqueConstraint(fields=["page", "document"], name="one_search_text_for_a_page_and_document"),
        ]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def get_indexed_objects(cls) -> models.QuerySet:
        return cls.objects.select_related("document__words")

    def marked_words(self) -> str:
        """What goes into the index of Wagtail's search backend."""
        said = [self.title, self.summary, self.text, self.words_of_file()]
        if self.document_id is not None:
            return _marked(Place.TEXT, *said)
        return " ".join(
            [_marked(Place.TITLE, *said[:1]), _marked(Place.SUMMARY, *said[:2]), _marked(Place.TEXT, *said)]
        )

    def words_of_file(self) -> str:
        """The title and the text of the document, if its file is still the one that was approved."""
        document: Any = self.document
        if document is None or document.file_key != self.file_key:
            return ""
        words = getattr(document, "words", None)
        text = words.text if words is not None and words.file_key == self.file_key else ""
        return f"{document.title}\n{text}"


def _marked(place: Place, *texts: str) -> str:
    """A phrase does not begin in one text and go on in the next."""
    return f" {BETWEEN} ".join(
        " ".join(f"{MARKS[place]}{word}" for word in stems(text[:MAX_TEXT])) for text in texts if text
    )


def in_index(wanted: Wanted, place: Place) -> Iterator[str | tuple[str, ...]]:
    """What the index has of what was asked for, where it counts for a place: the words, and phrases as tuples.

    All words are in one text: SQLite does not read a query of a hundred parts within each other.
    """
    if wanted.words:
        yield " ".join(MARKS[place] + word for word in wanted.words)
    yield from (tuple(MARKS[place] + word for word in phrase) for phrase in wanted.phrases)
