"""Records what is public, and what changes for readers, in the transaction that changes it.

cms/publication/effects.py and pages/editing/reviews.py call it. pages/visibility/difference.py works out what changed.
The ledger does not decide what is public now; pages/visibility/rule.py does. It records what was public before and at
which path, so that an address that once worked is never "not found" (pages/reading/at_path.py), and it lists the
changes that front ends follow (cms/graphql/schema/changes.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from wagtail.models import Page

from pages.content import addresses
from pages.content.choices import ChangeKind
from pages.models import (
    ChangeNote,
    ContentPage,
    ContentVersion,
    MeetingPage,
    PublicAddress,
    PublicChange,
    PublicRecord,
)
from pages.visibility import dependents as shown
from pages.visibility import facts
from pages.visibility.difference import Difference, PublicPage, PublishedVersion, difference
from pages.visibility.rule import public

# Sent with the `changes` that were added to the list, in their transaction.
changes_listed = Signal()


@dataclass(frozen=True)
class Publication:
    """A published version of a page, the note for readers if it is a major update, and the version that was public
    before."""

    page: ContentPage
    note: ChangeNote | None = None
    before: ContentPage | None = None

    def version(self, as_of: datetime) -> PublishedVersion:
        """What the publication changes for readers."""
        before, expiry = self.before, self.before and self.before.expire_at
        return PublishedVersion(
            uuid=self.page.uuid,
            note=self.note,
            has_new_title=before is None or before.title != self.page.title,
            # A meeting also shows when its agenda was published, which depends on its papers.
            is_shown_differently=before is None
            or isinstance(self.page, MeetingPage)
            or shown.plain_values(before) != shown.plain_values(self.page),
            # It had expired, and the expiry was not recorded.
            was_over=expiry is not None and expiry <= as_of,
        )


@transaction.atomic
def update(page: Page, as_of: datetime, publication: Publication | None = None) -> set[str]:
    """Bring the ledger up to date for a page and its descendants.

    Returns the paths whose response changed.
    """
    version = _lock()
    if publication:
        shown.record(publication.page)
    rows = public(ContentPage.objects.filter(path__startswith=page.path), as_of)
    found = difference(
        {record.uuid: record for record in PublicRecord.objects.filter(page__path__startswith=page.path)},
        [
            PublicPage(row.pk, row.uuid, addresses.url_path(row), row.show_safe_exit)
            for row in rows.only("uuid", "url_path", "show_safe_exit")
        ],
        as_of,
        publication.version(as_of) if publication else None,
    )
    _write(version, found, as_of)
    if found.shown_differently or found.changes:
        exclude = {change.record_id for change in found.changes}
        _note_dependents(version, found.shown_differently, as_of, exclude=exclude)
    return found.paths


def _write(version: ContentVersion, found: Difference, as_of: datetime) -> None:
    PublicRecord.objects.bulk_create(
        found.records,
        update_conflicts=True,
        unique_fields=["uuid"],
        update_fields=["page", "path", "show_safe_exit", "ended_at"],
    )
    PublicAddress.objects.bulk_create(
        found.addresses, update_conflicts=True, unique_fields=["record", "path"], update_fields=["since"]
    )
    _append(version, found.changes)
    if found.ended:
        _end(version, found.ended, ChangeKind.WITHDRAWN, as_of)


@transaction.atomic
def end(records: QuerySet[PublicRecord], kind: ChangeKind, as_of: datetime, shown_on: set[int]) -> None:
    """Record that the pages of these records are gone, and that the pages `shown_on` changed with that."""
    version = _lock()
    _end(version, records.order_by("path"), kind, as_of)
    _note_dependents(version, set(), as_of, shown_on=shown_on)


def _end(version: ContentVersion, records: Iterable[PublicRecord], kind: ChangeKind, as_of: datetime) -> None:
    keys = [record.pk for record in records]
    PublicRecord.objects.filter(pk__in=keys).update(ended_at=as_of)
    _append(version, [PublicChange(record_id=key, kind=kind, at=as_of, major=False) for key in keys])


@transaction.atomic
def note_update(pages: QuerySet[ContentPage], as_of: datetime) -> None:
    """List the public ones of these pages as updated, because something that they show changed, such as a venue or a
    file."""
    _append_updates(_lock(), pages, as_of)


@transaction.atomic
def note_elsewhere(pages: QuerySet[ContentPage], as_of: datetime) -> None:
    """List the pages that show something of these as updated, without a publication."""
    _note_dependents(_lock(), set(pages.values_list("pk", flat=True)), as_of)


@transaction.atomic
def note_time(as_of: datetime) -> None:
    """List the pages that changed with time alone: a meeting began, or a period or plan ended."""
    _note_dependents(_lock(), set(), as_of)


def _note_dependents(
    version: ContentVersion,
    targets: set[int],
    as_of: datetime,
    exclude: Collection[UUID] = (),
    shown_on: Collection[int] = (),
) -> None:
    """List as updated the pages that show something of the targets, or something that follows from them or the time."""
    if not version.knows_shown_pages:
        shown.record_all()
        version.knows_shown_pages = True
        version.save()
    before, now = version.worked_out, shown.worked_out(as_of)
    showing = shown.affected_by(before, now, targets) | set(shown_on)
    if before != now:
        version.worked_out = now
        version.save()
    if showing:
        _append_updates(version, ContentPage.objects.filter(pk__in=showing).exclude(uuid__in=exclude), as_of)


def _append_updates(version: ContentVersion, pages: QuerySet[ContentPage], as_of: datetime) -> None:
    known = PublicRecord.objects.filter(pk__in=public(pages, as_of).values("uuid"), ended_at=None).order_by("path")
    keys = known.values_list("pk", flat=True)
    _append(version, [PublicChange(record_id=key, kind=ChangeKind.UPDATED, at=as_of, major=False) for key in keys])


def _lock() -> ContentVersion:
    """Lock the ledger until the end of the transaction.

    Called before the query for what is public: another transaction may be about to publish what this one hides, and
    neither sees uncommitted changes of the other. The lock of the triggers comes first, as in a publication: otherwise
    two transactions could wait for each other.
    """
    facts.lock()
    return ContentVersion.objects.select_for_update().get_or_create(pk=1)[0]


def _append(version: ContentVersion, changes: list[PublicChange]) -> None:
    """Number the changes, save them and send `changes_listed`."""
    if not changes:
        return
    for number, change in enumerate(changes, start=version.number + 1):
        change.version = number
    version.number += len(changes)
    version.save()
    PublicChange.objects.bulk_create(changes)
    changes_listed.send(PublicChange, changes=changes)
