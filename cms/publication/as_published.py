"""A draft as it would be if it were published now, for previews: in memory alone, and never saved.

What publication adds to a page is decided in cms/publication/effects.py, and asked there.
"""

from datetime import datetime
from typing import Any

from cms.publication.effects import change_note, updated_at
from pages.models import ContentPage


def as_published(page: ContentPage, as_of: datetime) -> None:
    """Give a draft the dates, the address and the history that it has once it is published at the instant.

    Wagtail made the page for one preview and throws it away: it must not be saved afterwards.
    """
    note, updated = change_note(page, as_of), updated_at(page, as_of)
    if note is not None and page.pk:
        _answer_with(page, "change_notes", [note, *page.change_notes.all()])
    page.first_published_at, page.public_updated_at = page.first_published_at or as_of, updated
    page.set_url_path(page.get_parent())  # the address may have been edited a moment ago
    for name, value in page.values_set_by_publication().items():
        setattr(page, name, value)
    for relation, rows in page.rows_added_by_publication(page.known_version(), as_of).items():
        _answer_with(page, relation, [*getattr(page, relation).all(), *rows])


def _answer_with(page: Any, relation: str, rows: list[Any]) -> None:
    """Let a relation answer with these rows without asking the database, as after `prefetch_related`."""
    queryset = getattr(page, relation).none()
    queryset._result_cache, queryset._prefetch_done = rows, True
    page.__dict__.setdefault("_prefetched_objects_cache", {})[relation] = queryset
