"""What readers are told of the changes of a page, beside its present version: change notes, and the log of a meeting.

These rows belong to no version. They stay when a later version is published, so they may tell only what readers could
see. cms/publication/effects.py writes them; an emergency takedown hides them (pages/takedown/withdrawal.py).
"""

from datetime import datetime
from typing import Any

from pages.content.choices import UpdateKind
from pages.models import ChangeNote, ContentPage, PublicRecord
from pages.visibility.rule import comes_to_readers


def change_note(page: ContentPage, as_of: datetime) -> ChangeNote | None:
    """The unsaved note that publishing this version at `as_of` adds to the page's history.

    None for minor updates, and for updates that no reader sees as such.
    """
    if page.public_updated_at is None or page.update_kind != UpdateKind.MAJOR:
        return None
    if not (PublicRecord.objects.filter(pk=page.uuid).exists() and comes_to_readers(page, as_of)):
        return None
    return ChangeNote(page_id=page.pk, at=as_of, note=page.change_note)


def rows_added(page: ContentPage, before: ContentPage | None, as_of: datetime) -> dict[str, list[Any]]:
    """The unsaved rows that publishing this version adds: relation → rows. `before` is what readers knew."""
    if before is None or not comes_to_readers(page, as_of):
        return {}
    return page.rows_added_by_publication(before, as_of)
