"""Changes a draft in memory to what it would be after publication, for previews.

cms/publication/effects.py and pages/visibility/told_changes.py decide what publication adds to a page.
"""

from datetime import datetime

from django.db.models import Model

from cms.publication.effects import updated_at
from pages.models import ContentPage
from pages.visibility.told_changes import change_note, rows_added


def as_published(page: ContentPage, as_of: datetime) -> None:
    """Set the dates, the address and the history that the draft would have if it were published at `as_of`.

    The page must not be saved afterwards. Wagtail creates it for one preview only.
    """
    note, updated = change_note(page, as_of), updated_at(page, as_of)
    if note is not None and page.pk:
        _set_related(page, "change_notes", [note, *page.change_notes.all()])
    page.first_published_at, page.public_updated_at = page.first_published_at or as_of, updated
    page.last_published_at = as_of
    page.set_url_path(page.get_parent())  # the slug may have been edited
    for name, value in page.values_set_by_publication().items():
        setattr(page, name, value)
    for relation, rows in rows_added(page, page.known_version(), as_of).items():
        _set_related(page, relation, [*getattr(page, relation).all(), *rows])


def _set_related(page: ContentPage, relation: str, rows: list[Model]) -> None:
    """Make a relation return these rows without a query, as after `prefetch_related`."""
    queryset = getattr(page, relation).none()
    queryset._result_cache, queryset._prefetch_done = rows, True
    page.__dict__.setdefault("_prefetched_objects_cache", {})[relation] = queryset
