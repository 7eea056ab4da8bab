"""The search index: the words of the published version of each page, and of each file in it."""

from collections.abc import Iterator

from django.db import models
from wagtail.search import index

from documents.models import Document
from pages.content.search_words import Wanted, stems
from pages.models.base import ContentPage


class Place(models.IntegerChoices):
    """Where all words of a search were found, best match first."""

    TITLE = 1
    SUMMARY = 2  # or the title
    TEXT = 3  # or one of these
    FILE = 4  # together with the title and summary


# The index has a word once for each place for which it counts, with the prefix of the place.
PREFIXES = {Place.TITLE: "a1", Place.SUMMARY: "a2", Place.TEXT: "a3"}
SEPARATOR = "a0"
MAX_TEXT = 200_000


class SearchText(index.Indexed, models.Model):
    """The public words of a page or, with a document, of a file in it.

    Publishing a version writes it (pages/search/index.py). It contains no words of drafts, other pages or snippets. It
    does not say whether the page is public now: the search checks pages/visibility/rule.py.
    """

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="search_texts")
    file_key = models.CharField(max_length=32, blank=True, help_text="The file as it was approved.")
    title = models.CharField(max_length=255)
    summary = models.TextField(blank=True)
    text = models.TextField(blank=True, help_text="What else the page says, or what it says of the file.")

    wagtail_reference_index_ignore = True
    search_auto_update = False  # the publishing transaction updates it, not a later task
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
    def get_indexed_objects(cls) -> "models.QuerySet[SearchText]":
        return cls.objects.select_related("document__words")

    def marked_words(self) -> str:
        """The text for the index of Wagtail's search backend."""
        texts = [self.title, self.summary, self.text, self.words_of_file()]
        if self.document_id is not None:
            return _prefixed(Place.TEXT, *texts)
        return " ".join(
            [_prefixed(Place.TITLE, *texts[:1]), _prefixed(Place.SUMMARY, *texts[:2]), _prefixed(Place.TEXT, *texts)]
        )

    def words_of_file(self) -> str:
        """The title and the text of the document, if its file is still the one that was approved."""
        document = self.document
        if document is None or document.file_key != self.file_key:
            return ""
        words = getattr(document, "words", None)
        text = words.text if words is not None and words.file_key == self.file_key else ""
        return f"{document.title}\n{text}"


def _prefixed(place: Place, *texts: str) -> str:
    """The stems of the texts with the prefix of the place, and separators, so that no phrase spans two texts."""
    return f" {SEPARATOR} ".join(
        " ".join(f"{PREFIXES[place]}{word}" for word in stems(text[:MAX_TEXT])) for text in texts if text
    )


def in_index(wanted: Wanted, place: Place) -> Iterator[str | tuple[str, ...]]:
    """The search terms as the index has them for a place: the words as one string, and each phrase as a tuple.

    All words are in one string because SQLite rejects queries that are nested a hundred levels deep.
    """
    if wanted.words:
        yield " ".join(PREFIXES[place] + word for word in wanted.words)
    yield from (tuple(PREFIXES[place] + word for word in phrase) for phrase in wanted.phrases)
