"""Writes down what is public, and what changes for readers, in the transaction that makes it so.

cms/publication.py and pages/reviews.py call it. The ledger decides nothing about now: pages/visibility.py does. It
remembers what was public before and where, so that an address that readers knew never turns into "not found"
(pages/at_path.py), and it lists the changes that front-ends follow (cms/graphql/changes.py).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from wagtail.models import Page

from pages import addresses
from pages.choices import ChangeKind
from pages.models import ChangeNote, ContentPage, ContentVersion, PublicAddress, PublicChange, PublicRecord
from pages.visibility import public


@dataclass(frozen=True)
class Publication:
    """A version of a page that was published, with the note for readers if it is a major update."""

    page: ContentPage
    note: ChangeNote | None = None


@transaction.atomic
def update(page: Page, at: datetime, publication: Publication | None = None) -> set[str]:
    """Bring the ledger up to date for a page and all below it.

    Returns the paths whose answer is another one now.
    """
    version = _hold()
    pages = ContentPage.objects.filter(path__startswith=page.path)
    records = PublicRecord.objects.filter(page__path__startswith=page.path)
    known = {record.uuid: record for record in records}
    now_public = {row.uuid: row for row in public(pages, at).only("uuid", "url_path", "show_safe_exit")}
    published = publication.page.uuid if publication else None
    note = publication.note if publication else None
    written, new_addresses, paths, changes = [], [], set(), []
    for uuid, row in sorted(now_public.items(), key=lambda item: item[1].url_path):
        path, record = addresses.url_path(row), known.get(uuid)
        if record is None or record.ended_at:
            changes.append(PublicChange(record_id=uuid, kind=ChangeKind.PUBLISHED, at=at, major=True))
        elif record.path != path:
            changes.append(PublicChange(record_id=uuid, kind=ChangeKind.MOVED, at=at, major=False))
        if uuid == published and record and not record.ended_at:
            updated = ChangeKind.UPDATED
            changes.append(PublicChange(record_id=uuid, kind=updated, at=at, major=note is not None, note=note))
        if record is None or record.ended_at or record.path != path:
            new_addresses.append(PublicAddress(record_id=uuid, path=path, since=at))
            paths |= {path, record.path if record else path}
        elif record.show_safe_exit == row.show_safe_exit:
            continue
        written.append(
            PublicRecord(
                uuid=uuid,
                page_id=row.pk,
                path=path,
                show_safe_exit=row.show_safe_exit,
                first_public_at=record.first_public_at if record else at,
            )
        )
    PublicRecord.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["uuid"],
        update_fields=["page", "path", "show_safe_exit", "ended_at"],
    )
    PublicAddress.objects.bulk_create(
        new_addresses, update_conflicts=True, unique_fields=["record", "path"], update_fields=["since"]
    )
    _append(version, changes)
    ended = [record for uuid, record in known.items() if uuid not in now_public and record.ended_at is None]
    end(records.filter(pk__in=[record.pk for record in ended]), ChangeKind.WITHDRAWN, at)
    return paths | {record.path for record in ended}


@transaction.atomic
def end(records: QuerySet[PublicRecord], kind: ChangeKind, at: datetime) -> None:
    """The pages of these records are public no longer: they were withdrawn in whatever way, or deleted."""
    version = _hold()
    keys = list(records.order_by("path").values_list("pk", flat=True))
    PublicRecord.objects.filter(pk__in=keys).update(ended_at=at)
    _append(version, [PublicChange(record_id=key, kind=kind, at=at, major=False) for key in keys])


@transaction.atomic
def note_update(pages: QuerySet[ContentPage], at: datetime) -> None:
    """Something that these pages show is another now, though no version of them was published: a date of review, a
    venue, a file. Those that are public are listed as updated."""
    version = _hold()
    known = PublicRecord.objects.filter(pk__in=public(pages, at).values("uuid"), ended_at=None).order_by("path")
    keys = known.values_list("pk", flat=True)
    _append(version, [PublicChange(record_id=key, kind=ChangeKind.UPDATED, at=at, major=False) for key in keys])


def _hold() -> ContentVersion:
    """Wait until nobody else is writing changes down, and let nobody else until the transaction is over.

    Called before looking at what is public: another transaction may be about to publish what this one hides, and
    neither sees what the other has not committed.
    """
    return ContentVersion.objects.select_for_update().get_or_create(pk=1)[0]


def _append(version: ContentVersion, changes: list[PublicChange]) -> None:
    """Number the changes and add them."""
    if not changes:
        return
    for number, change in enumerate(changes, start=version.number + 1):
        change.version = number
    version.number += len(changes)
    version.save()
    PublicChange.objects.bulk_create(changes)
