"""Updates the stored entries of the feeds (feeds/models.py) after a change of what is public.

The ledger of public changes (pages/visibility/ledger.py) names the changed pages. Their entries are written again, and
so are the entries of pages that link to them. This happens after a publication. If it was interrupted, it happens again
before the next read, so no feed is out of date.
"""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, Model
from django.db.models.functions import Coalesce
from django.utils import timezone
from wagtail.models import Page

from documents.models import PublishedFile
from feeds.build.stories import entries_of, entry_page_types, places, withdrawn_entry
from feeds.catalogue import topics_with_entries
from feeds.entry import Entry
from feeds.models import FeedItem, FeedLink, FeedName, FeedPlace, FeedState
from feeds.websub import note_pings
from pages.content.choices import WithdrawalKind
from pages.content.feed_stories import NEWS_FOR
from pages.content.references import child_relations
from pages.models import ContentPage, ContentVersion, PublicChange, PublicRecord
from pages.models.snippets import ModeratedSnippet
from pages.reading.loader import Loader
from pages.reading.named import linked_pages
from pages.visibility.rule import public, public_rows, withdrawn
from pages.visibility.shared_text import pages_showing

logger = logging.getLogger(__name__)
BATCH_SIZE = 100  # pages
_INTERNAL_FIELDS = ("uuid", "record", "page")


def entry_format() -> str:
    """Everything beside the content that entries depend on. If it changes, all entries are written again."""
    return f"{code_hash()} {settings.CMS_URL} {settings.WEBSITE_URL}"


@cache
def code_hash() -> str:
    """SHA-256 of the code and templates that write entries, shortened to 32 hex digits.

    Without it, a fix in a template or a stricter HTML filter would change an entry only when its page is published
    again.
    """
    found = sha256()
    for app in ("documents", "feeds", "pages"):
        files = Path(apps.get_app_config(app).path).rglob("*")
        for file in sorted(path for path in files if path.suffix in (".html", ".py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:32]


@transaction.atomic
def update_entries(as_of: datetime) -> bool:
    """Write the entries of what changed since the last update. Returns whether anything had changed."""
    state, _ = FeedState.objects.select_for_update().get_or_create(pk=1)
    as_of = max(as_of, timezone.now())  # another update may have finished while this one waited for the lock
    version = ContentVersion.objects.filter(pk=1).values_list("number", flat=True).first() or 0
    known = state.written_for == entry_format()
    expired_objects = expired(as_of, since=state.written_at if known else None)
    if known and state.version == version and not expired_objects:
        return False
    changed = PublicChange.objects.filter(version__gt=state.version if known else 0, version__lte=version)
    records = set(changed.values_list("record", flat=True))
    for obj in expired_objects:
        below = ContentPage.objects.filter(path__startswith=obj.path) if isinstance(obj, Page) else None
        records |= set((pages_showing(obj) if below is None else below).values_list("uuid", flat=True))
    # Pages below an expired page that was published again before it was unpublished. The ledger has no change for them.
    restored = FeedItem.objects.filter(uuid=F("record"), ended_at__isnull=False)
    records |= set(public_rows(restored, "page__", as_of).values_list("record", flat=True))
    # Pages with a file that was replaced after their approval. Such a file is public only through another page.
    files = PublishedFile.objects.annotate(key_now=Coalesce("document__file_key", "image__file_key"))
    replaced = files.exclude(file_key=F("key_now"))
    records |= set(replaced.values_list("page__contentpage__uuid", flat=True))
    linking = set(FeedItem.objects.filter(links__to__in=records).values_list("record", flat=True))
    changed_feeds = write(records | linking, as_of)
    _note_names(as_of)
    note_pings(changed_feeds, as_of)
    state.version, state.written_for, state.written_at = version, entry_format(), as_of
    state.save()
    return True


def _note_names(as_of: datetime) -> None:
    """Note the names and slugs of the topics that readers see now. A topic without a public page keeps its last ones.

    Nothing is written if they are the same, so that the version of what readers see stays.
    """
    topics = {topic.slug: topic for topic in topics_with_entries(as_of)}
    known = FeedName.objects.exclude(name="").filter(topic__in=topics.values()).values_list("slug", "name", "topic")
    if {(slug, topic.name, topic.pk) for slug, topic in topics.items()} == set(known):
        return
    FeedName.objects.filter(topic__in=topics.values()).update(name="")
    FeedName.objects.bulk_create(
        [FeedName(slug=slug, name=topic.name, topic=topic) for slug, topic in topics.items()],
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["name", "topic"],
    )


def expiring_models() -> list[type[Model]]:
    return [Page, *ModeratedSnippet.__subclasses__()]


def expired(as_of: datetime, since: datetime | None = None) -> list[Any]:
    """Pages and snippets that expired (after `since`, if given) and are not unpublished yet."""
    found: list[Any] = []
    for model in expiring_models():
        rows = model._default_manager.filter(live=True, expire_at__lte=as_of)
        found += rows.filter(expire_at__gt=since) if since else rows
    return found


def write(records: Iterable[UUID], as_of: datetime) -> set[str]:
    """Write the entries of these pages as of the instant. Returns the keys of the feeds that changed."""
    keys, feeds = sorted(set(records)), set[str]()
    for start in range(0, len(keys), BATCH_SIZE):
        feeds |= _write_batch(keys[start : start + BATCH_SIZE], as_of)
    return feeds


def _write_batch(records: list[UUID], as_of: datetime) -> set[str]:
    before = {item.pk: item for item in FeedItem.objects.filter(record__in=records).prefetch_related("places")}
    written: dict[UUID, tuple[FeedItem, list[str]]] = {}
    for model in entry_page_types():
        written |= _write_each(model, records, as_of, before)
    changed = {
        uuid for uuid, (item, _) in written.items() if uuid not in before or _content(before[uuid]) != _content(item)
    }
    ended = {uuid for uuid, item in before.items() if uuid not in written and item.ended_at is None}
    _clear([before[uuid] for uuid in sorted(ended)], as_of)
    feeds_before = {uuid: _feeds_with(item) for uuid, item in before.items()}
    changed |= {uuid for uuid, (_, feeds) in written.items() if feeds_before.get(uuid, set(feeds)) != set(feeds)}
    told_before = {feed for uuid in (changed & before.keys()) | ended for feed in feeds_before[uuid]}
    return told_before | {feed for uuid in changed for feed in written[uuid][1]}


def _feeds_with(item: FeedItem) -> set[str]:
    """The keys of the feeds that have the entry."""
    return {place.feed for place in item.places.all() if place.left_at is None}


def _content(item: FeedItem) -> list[Any]:
    """The values that readers see."""
    return [getattr(item, field.name) for field in FeedItem._meta.concrete_fields if field.name not in _INTERNAL_FIELDS]


def _write_each(
    model: type[ContentPage], records: list[UUID], as_of: datetime, before: dict[UUID, FeedItem]
) -> dict[UUID, tuple[FeedItem, list[str]]]:
    """As `_write_pages`, but skips pages that fail to render, so that they do not stop the others.

    If an entry fails to render, the old one is removed, because it may show what the page no longer says. The page is
    tried again with each later update.
    """
    try:
        with transaction.atomic():
            return _write_pages(model, records, as_of, before)
    except OperationalError:  # the database is down or busy, which is not the fault of a page
        raise
    except Exception as error:
        if len(records) > 1:
            return {uuid: row for each in records for uuid, row in _write_each(model, [each], as_of, before).items()}
        # Without the error message, which may contain text of the page.
        logger.error("The entries of page %s could not be written: %s.", records[0], type(error).__name__)
        return {}


def _write_pages(
    model: type[ContentPage], records: list[UUID], as_of: datetime, before: dict[UUID, FeedItem]
) -> dict[UUID, tuple[FeedItem, list[str]]]:
    """Write the entries of the pages of this type. Returns each by its uuid, with the keys of its feeds."""
    more = [name for name in ("topics", "change_notes", "change_log") if hasattr(model, name)]
    wanted = model._default_manager.filter(uuid__in=records).prefetch_related(*child_relations(model), *more)
    shown = list(public(wanted, as_of))
    loader = Loader(as_of)
    loader.prepare(shown)
    entries = {page: entries_of(page, loader) for page in shown}
    for page in withdrawn(wanted, as_of).filter(withdrawal_kind=WithdrawalKind.WITHDRAWN, withdrawn_at__isnull=False):
        entries[page] = [withdrawn_entry(page)]
    known = set(PublicRecord.objects.filter(pk__in=[page.uuid for page in entries]).values_list("pk", flat=True))
    rows = {
        entry.uuid: (_row(page, entry, before, as_of), places(page))
        for page, its_entries in entries.items()
        if page.uuid in known
        for entry in its_entries
    }
    _store(rows, {page.pk: linked_pages(page) for page in entries}, as_of)
    return rows


def _store(rows: dict[UUID, tuple[FeedItem, list[str]]], links: dict[int | None, set[int]], as_of: datetime) -> None:
    """Save the entries with the keys of their feeds. `links` maps each page to the pages that it links to."""
    fields = [field.name for field in FeedItem._meta.concrete_fields if not field.primary_key]
    FeedItem.objects.bulk_create(
        [row for row, _ in rows.values()], update_conflicts=True, unique_fields=["uuid"], update_fields=fields
    )
    taken = [FeedPlace(item_id=uuid, feed=feed) for uuid, (_, feeds) in rows.items() for feed in feeds]
    pairs = {(place.item_id, place.feed) for place in taken}
    known = FeedPlace.objects.filter(item__in=list(rows), left_at=None)
    left = [place.pk for place in known if (place.item_id, place.feed) not in pairs]
    FeedPlace.objects.filter(pk__in=left).update(left_at=as_of)
    FeedPlace.objects.bulk_create(
        taken, update_conflicts=True, unique_fields=["item", "feed"], update_fields=["left_at"]
    )
    FeedLink.objects.filter(item__in=list(rows)).delete()
    uuids = dict(ContentPage.objects.filter(pk__in=set().union(*links.values())).values_list("pk", "uuid"))
    FeedLink.objects.bulk_create(
        FeedLink(item_id=uuid, to=uuids[key])
        for uuid, (row, _) in rows.items()
        for key in links[row.page_id]
        if key in uuids
    )


def _row(page: ContentPage, entry: Entry, rows_before: dict[UUID, FeedItem], as_of: datetime) -> FeedItem:
    """The row of an entry. An entry keeps its date of publication: a new agenda in place of another is a correction.

    An old event is no news if the entries of its page were written since, without it: it is one that the CMS did not
    tell of then.
    """
    before = rows_before.get(entry.uuid)
    is_old_event = before is None and page.uuid in rows_before and entry.published < as_of - NEWS_FOR
    return FeedItem(
        uuid=entry.uuid,
        record_id=page.uuid,
        page_id=page.pk,
        url=entry.url,
        title=entry.title,
        summary=entry.summary,
        html=entry.html,
        change_note=entry.change_note,
        categories=list(entry.categories),
        enclosures=[asdict(file) for file in entry.enclosures],
        image=asdict(entry.image) if entry.image else None,
        published=min(before.published, entry.updated) if before else entry.published,
        updated=entry.updated,
        ended_at=None,
        for_the_record=before.for_the_record if before else entry.for_the_record or is_old_event,
    )


def _clear(items: list[FeedItem], as_of: datetime) -> None:
    """End the entries and delete their text.

    Each ends at an instant of its own: no two entries of a feed should have the same date of change.
    """
    no_text = {"url": "", "title": "", "summary": "", "html": "", "change_note": ""}
    nothing: dict[str, Any] = {**no_text, "categories": [], "enclosures": [], "image": None}
    for number, item in enumerate(items):
        for name, value in nothing.items():
            setattr(item, name, value)
        item.ended_at = item.updated = as_of - timedelta(microseconds=number)
    FeedItem.objects.bulk_update(items, [*nothing, "ended_at", "updated"])
