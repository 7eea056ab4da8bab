"""Compares the ledger with what is public now. A pure function: no queries, no writes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pages.content.choices import ChangeKind
from pages.models import ChangeNote, PublicAddress, PublicChange, PublicRecord


@dataclass(frozen=True)
class PublicPage:
    """The values of a public page that the ledger records."""

    key: int
    uuid: UUID
    path: str
    show_safe_exit: bool


@dataclass(frozen=True)
class PublishedVersion:
    """The version whose publication is recorded, and what it changes elsewhere.

    `was_over`: the page had expired, so it and the pages below it were not public.
    """

    uuid: UUID
    note: ChangeNote | None = None  # for readers, of a major update
    has_new_title: bool = False  # pages below it show the title
    is_shown_differently: bool = False  # on pages that refer to it
    was_over: bool = False


@dataclass
class Difference:
    """Unsaved rows to write, and what changed for other pages."""

    changes: list[PublicChange] = field(default_factory=list)
    records: list[PublicRecord] = field(default_factory=list)
    addresses: list[PublicAddress] = field(default_factory=list)
    ended: list[PublicRecord] = field(default_factory=list)  # of pages that are no longer public
    paths: set[str] = field(default_factory=set)  # whose response changed
    shown_differently: set[int] = field(default_factory=set)  # keys of pages; what others show of them changed


def difference(
    known: Mapping[UUID, PublicRecord],
    pages: Collection[PublicPage],
    as_of: datetime,
    published: PublishedVersion | None = None,
) -> Difference:
    """Compare public pages with their records in the ledger, in the order of their paths.

    `known` holds, by uuid, the records of these pages and of the pages that were public in the same part of the tree.
    """
    found = Difference()
    for page in sorted(pages, key=lambda page: page.path):
        _compare(known.get(page.uuid), page, as_of, published, found)
    public_now = {page.uuid for page in pages}
    ended = [record for uuid, record in known.items() if uuid not in public_now and record.ended_at is None]
    found.ended = sorted(ended, key=lambda record: record.path)
    found.paths |= {record.path for record in ended}
    found.shown_differently |= {record.page_id for record in ended if record.page_id}
    return found


def _compare(
    record: PublicRecord | None,
    page: PublicPage,
    as_of: datetime,
    published: PublishedVersion | None,
    found: Difference,
) -> None:
    was_public = record is not None and record.ended_at is None
    was_here = was_public and record is not None and record.path == page.path
    found.changes += _changes(page, was_public, was_here, as_of, published)
    if not was_here or _is_shown_differently(page, published):
        found.shown_differently.add(page.key)
    if not was_here:
        found.addresses.append(PublicAddress(record_id=page.uuid, path=page.path, since=as_of))
        found.paths |= {page.path, record.path if record else page.path}
    if not was_here or record is None or record.show_safe_exit != page.show_safe_exit:
        found.records.append(
            PublicRecord(
                uuid=page.uuid,
                page_id=page.key,
                path=page.path,
                show_safe_exit=page.show_safe_exit,
                first_public_at=record.first_public_at if record else as_of,
            )
        )


def _changes(
    page: PublicPage, was_public: bool, was_here: bool, as_of: datetime, published: PublishedVersion | None
) -> list[PublicChange]:
    """The changes to list for a page. Its publication is one change, also if it moved; an update with a move is two."""
    changes = []
    if not was_public:
        changes.append(PublicChange(record_id=page.uuid, kind=ChangeKind.PUBLISHED, at=as_of, major=True))
    elif not was_here:
        changes.append(PublicChange(record_id=page.uuid, kind=ChangeKind.MOVED, at=as_of, major=False))
    if published is None:
        return changes
    kind, note = ChangeKind.UPDATED, published.note
    if page.uuid == published.uuid and was_public:
        changes.append(PublicChange(record_id=page.uuid, kind=kind, at=as_of, major=note is not None, note=note))
    elif was_here and (published.was_over or published.has_new_title):
        changes.append(PublicChange(record_id=page.uuid, kind=kind, at=as_of, major=False))
    return changes


def _is_shown_differently(page: PublicPage, published: PublishedVersion | None) -> bool:
    """Whether the publication changes what others show of this page, which is the published one or below it."""
    if published is None:
        return False
    return published.was_over or (page.uuid == published.uuid and published.is_shown_differently)
