"""Writes the search index when a version of a page is published (cms/publication/effects.py).

The index contains only public text: the text fields of `graphql_fields`, of the page and its child objects. Text of
other pages, shared text and images that the page shows is left out, because it can be withdrawn while the page stays.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from wagtail.search.backends import get_search_backends_with_name

from documents.models import Document
from pages.graphql.public_fields import searchable_words
from pages.models import ContentPage, SearchText

logger = logging.getLogger(__name__)
_pending: ContextVar[list[int] | None] = ContextVar("pages that are not in the index yet", default=None)


def record(page: ContentPage) -> None:
    """Replace the indexed text of a page by that of this version and of the files that it shows (`published_files`)."""
    wanted = {row.document_id: row for row in _texts(page)}
    old = {row.document_id: row for row in SearchText.objects.filter(page_id=page.pk).only("document_id")}
    for document, row in wanted.items():
        row.pk = old[document].pk if document in old else None
    SearchText.objects.filter(pk__in=[row.pk for document, row in old.items() if document not in wanted]).delete()
    SearchText.objects.bulk_update([row for row in wanted.values() if row.pk], ["file_key", "title", "summary", "text"])
    SearchText.objects.bulk_create(row for row in wanted.values() if row.pk is None)
    pending = _pending.get()
    if pending is None:
        _index([page.pk])
    else:
        pending.append(page.pk)


def _texts(page: ContentPage) -> Iterator[SearchText]:
    if page.noindex:
        yield SearchText(page_id=page.pk, title=page.title)
        return
    yield SearchText(page_id=page.pk, title=page.title, summary=page.summary, text=_own_words(page))
    of_files = page.searchable_words_of_documents()
    # Versions with papers of exempt items are not published; this makes sure that the search never finds them.
    for shown in page.published_files.filter(document__isnull=False).exclude(document__in=page.exempt_documents()):
        yield SearchText(
            page_id=page.pk,
            document_id=shown.document_id,
            file_key=shown.file_key,
            title=page.title,
            summary=page.summary,
            text=of_files.get(shown.document_id, ""),
        )


def _own_words(page: ContentPage) -> str:
    """The text of the page without its title and summary, one line for each value."""
    pieces = [piece for obj in (page, *page.searchable_rows()) for piece in searchable_words(obj)]
    return "\n".join(piece for piece in pieces if piece and piece not in (page.title, page.summary))


def refresh(document: Document) -> None:
    """Index the text of a document again after it was saved, because its title or file may have changed."""
    _index(SearchText.objects.filter(document=document).values_list("page_id", flat=True))


# --- The index of Wagtail's search backends ------------------------------------------------------------------


def _index(pages: Iterable[int]) -> None:
    keys = set(pages)
    rows: Any = list(SearchText.get_indexed_objects().filter(page_id__in=keys)) if keys else []
    if not rows:
        return
    for name, backend in get_search_backends_with_name(with_auto_update=True):
        try:
            backend.add_bulk(SearchText, rows)
        except Exception:
            logger.exception("The search backend “%s” did not index the text of %s pages.", name, len(keys))
            if not backend.catch_indexing_errors:  # a database backend: its transaction is broken
                raise


@contextmanager
def indexed_together() -> Iterator[None]:
    """Index the pages that are published in the block together, at its end.

    For commands: on SQLite, Wagtail reads all entries of the index for each write.
    """
    pages: list[int] = []
    token = _pending.set(pages)
    try:
        yield
    finally:
        _pending.reset(token)
    _index(pages)


PAGES_AT_ONCE = 50
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def rebuild(progress: Progress = lambda rows, count, unit: rows) -> tuple[int, int, list[str]]:
    """Extract and index the text of all documents and all published pages again.

    Returns the number of each, and the documents that could not be read, with the reason.
    """
    documents, unread = Document.objects.order_by("pk"), []
    for document in progress(documents.iterator(), documents.count(), "document"):
        try:
            document.read_words_again()
        except (OSError, ValidationError) as error:
            reason = " ".join(error.messages) if isinstance(error, ValidationError) else "Its file is missing."
            unread.append(f"{document.pk} {document.title}: {reason}")
        document.file.close()
    pages = ContentPage.objects.filter(live=True, first_published_at__isnull=False)
    keys = list(pages.values_list("pk", flat=True))
    for first in progress(range(0, len(keys), PAGES_AT_ONCE), len(keys) // PAGES_AT_ONCE + 1, "batch"):
        with transaction.atomic(), indexed_together():
            for page in pages.filter(pk__in=keys[first : first + PAGES_AT_ONCE]):
                record(page.specific)
    return documents.count(), len(keys), unread
