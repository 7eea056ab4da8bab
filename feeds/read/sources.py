"""Reads a feed at an instant from its stored entries (feeds/build/items.py), and when it last changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.apps import apps
from django.conf import settings
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import RowNumber
from django.templatetags.static import static

from feeds.build.items import entry_format, expiring_models, update_entries
from feeds.catalogue import FeedDefinition
from feeds.entry import Enclosure, Entry, Feed, clean_address, removed
from feeds.models import FeedItem, FeedState
from feeds.shown import (
    CORRECTION_SHOWN_FOR,
    REMOVAL_SHOWN_FOR,
    explanation_ended_at,
    gone,
    recently_corrected,
    shown,
    start_of_day,
)
from pages.content.choices import FeedFormat
from pages.content.plain_words import local
from pages.models import PublicChange

# Entries in one document of a feed. The first document has at most as many again: older entries that were corrected or
# withdrawn or removed, which followers would not notice otherwise.
AT_ONCE = 30
# A date before any publication. Empty feeds need a date that does not change.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class State:
    """What all responses depend on: the content version, what expired since, and the day.

    `data_version` changes with every change of the tables, including those that the ledger does not know.

    `version_at` is when the version was written, because numbers repeat after a backup is restored. `expired` has the
    number of expired objects and the time of the last expiry, because one may be unpublished while another expires.

    `at` is the instant to read for. It is never earlier than the version, even if the request or the server's clock is.
    Otherwise the response would lack the content of that version and be cached.
    """

    at: datetime
    version: int
    version_at: str
    data_version: int
    expired: str
    day: str
    changed_at: datetime
    entries_are_current: bool


def state(as_of: datetime) -> State:
    """The state at the instant, in one query.

    `changed_at` is when a response may last have changed: the last change in the ledger, the time when its entries were
    written, the last expiry, or the start of the day, when old withdrawals and corrections are dropped. It is at least
    a second ago, because HTTP dates have no fractions: a second change in the same second would never be noticed.
    """
    day = local(as_of).date().isoformat()
    written = FeedState.objects.filter(version=OuterRef("version"), written_for=entry_format()).values("written_at")[:1]
    since = as_of - REMOVAL_SHOWN_FOR - timedelta(days=1)
    corrected = Q(updated__gt=since) & Q(updated__gt=F("published"))
    dropped = FeedItem.objects.filter(Q(ended_at__gt=since) | Q(page__withdrawn_at__gt=since) | corrected)
    numbers, moments = _expiries(as_of)
    # Of a package above, which counts also what this package writes (cms/triggers/content_version.py).
    data = apps.get_model("cms", "DataVersion")._default_manager.order_by().annotate(one=Value(1)).values("one")
    changes = PublicChange.objects.annotate(
        written_at=Subquery(written),
        some_are_dropped=Exists(dropped),
        data_version=Subquery(data.annotate(total=Sum("number")).values("total")),
    )
    last = changes.annotate(**numbers, **moments).order_by("-version").first()
    if last is None:
        return State(as_of, 0, "", 0, "", day, changed_at=EARLIEST, entries_are_current=True)
    expired = sum(getattr(last, name) or 0 for name in numbers)
    last_expired = max(getattr(last, name) or EARLIEST for name in moments)
    dropped_at = start_of_day(as_of) if last.some_are_dropped else EARLIEST
    changed_at = max(last.at, last_expired, last.written_at or EARLIEST, dropped_at)
    return State(
        at=max(as_of, last.at),
        version=last.version,
        version_at=last.at.isoformat(),
        data_version=last.data_version or 0,
        expired=f"{expired} {last_expired}",
        day=day,
        changed_at=min(changed_at, as_of - timedelta(seconds=1)),
        entries_are_current=last.written_at is not None and last_expired <= last.written_at,
    )


def _expiries(as_of: datetime) -> tuple[dict[str, Subquery], dict[str, Subquery]]:
    """For each model, the number of expired objects that are not unpublished yet, and the time of the last expiry."""
    numbers, moments = {}, {}
    for model in expiring_models():
        is_over = Q(expire_at__lte=as_of) | Q(expire_at__lte=OuterRef("at"))
        over = model._default_manager.filter(is_over, live=True).order_by().values("live")
        numbers[f"expired_{model.__name__}"] = Subquery(over.annotate(number=Count("pk")).values("number"))
        moments[f"last_expired_{model.__name__}"] = Subquery(over.annotate(last=Max("expire_at")).values("last"))
    return numbers, moments


def up_to_date_state(as_of: datetime) -> State:
    """The state at the instant. Writes the entries first if a publication was interrupted before it wrote them."""
    now = state(as_of)
    for _ in range(3):  # another publication may have finished meanwhile
        if now.entries_are_current:
            break
        update_entries(now.at)
        now = state(as_of)
    return now


def feed(listing: FeedDefinition, as_of: datetime, archive: int | None = None) -> Feed | None:
    """A feed as it is at the instant, or one of its archives; None for an archive that there is not."""
    if archive is not None and archive < 1:
        return None
    rows = _rows(listing, as_of, archive)
    complete = _full_archives(rows)
    if archive is not None and archive > complete:
        return None
    url = clean_address(listing.about)
    entries = tuple(entry for row in rows if (entry := _entry(row, url, as_of, archive)))
    dates = [entry.updated for entry in entries]
    if archive is None:
        dates += _other_changes(listing, rows, as_of)
    return Feed(
        # From the home page, so that the id does not depend on the page that lists the same content.
        uuid=uuid5(listing.home.uuid, f"feed:{listing.key}")
        if listing.home
        else uuid5(NAMESPACE_URL, listing.url(FeedFormat.ATOM)),
        url=url,
        title=listing.full_title,
        description=listing.description,
        author=listing.home.title if listing.home else listing.title,
        updated=max(dates, default=local(EARLIEST)),
        entries=entries,
        icon=settings.CMS_URL + static("feeds/icon.png"),
        logo=settings.CMS_URL + static("feeds/logo.png"),
        archive=archive,
        older=(archive - 1 if archive is not None else complete) or None,
        newer=archive + 1 if archive is not None and archive < complete else None,
    )


def _other_changes(listing: FeedDefinition, rows: list[Any], as_of: datetime) -> list[datetime]:
    """When its page was last updated, and when an entry last went or left the feed."""
    listed = listing.page.public_updated_at if listing.page else None
    left = (rows[0].last_ended_at, rows[0].last_left_at) if rows else ()
    return [local(moment) for moment in (listed, *left) if moment and moment <= as_of]


def _rows(listing: FeedDefinition, as_of: datetime, archive: int | None) -> list[Any]:
    """The rows that may be in the feed or in an archive, the newest first.

    An entry keeps its place when it goes or leaves the feed: if the next older one took it, followers would see that as
    new. `_entry` decides what is shown.
    """
    this = OuterRef("pk")
    rows = FeedItem.objects.filter(places__feed=listing.key, published__lte=as_of).annotate(
        total=Window(Count("pk")),
        recorded=Window(Count("pk", filter=Q(for_the_record=True))),
        last_ended_at=Window(Max("ended_at")),
        last_left_at=Window(Max("places__left_at")),
        place=Window(RowNumber(), order_by=[F("published").desc(), F("uuid").desc()]),
        has_left=Q(places__left_at__isnull=False),
        withdrawn_at=F("page__withdrawn_at"),
        is_shown=Exists(shown(as_of).filter(pk=this)),
        is_removed=Exists(gone(as_of).filter(pk=this)),
        has_expired=Case(When(page__expire_at__lte=as_of, then=True), default=False),
        is_corrected=recently_corrected(as_of),
    )
    if archive is not None:
        first = AT_ONCE * (archive - 1)
        return list(rows.order_by("published", "uuid")[first : first + AT_ONCE])[::-1]
    newest = Q(place__lte=AT_ONCE)
    # What expired is left out here: it was planned, and who began to follow since would only see that something went.
    changed = Q(is_shown=True, has_left=False, is_corrected=True) | Q(is_removed=True) & ~Q(has_expired=True)
    selected = rows.filter(newest | changed).order_by(Case(When(newest, then=0), default=1), "-updated", "-uuid")
    return sorted(selected[: 2 * AT_ONCE], key=lambda row: (row.published, row.uuid), reverse=True)


def _full_archives(rows: list[Any]) -> int:
    """The number of archives. They have what the first document leaves out, which is also what is for the record."""
    if not rows:
        return 0
    beyond = rows[0].total if rows[0].recorded else rows[0].total - AT_ONCE
    return max(0, -(-beyond // AT_ONCE))


def _entry(row: Any, url: str, as_of: datetime, archive: int | None) -> Entry | None:
    """The entry as it is shown in the feed or in an archive, or None. `url` is where the feed leads."""
    if archive is None and row.for_the_record and not row.is_corrected:
        return None
    if row.is_removed:
        moment = row.ended_at or explanation_ended_at(row.withdrawn_at, as_of)
        return removed(row.uuid, url, local(row.published), local(moment))
    if row.has_left or not row.is_shown:
        return None
    return Entry(
        uuid=row.uuid,
        url=row.url,
        title=row.title,
        summary=row.summary,
        html=row.html,
        published=local(row.published),
        updated=local(row.updated),
        categories=tuple(row.categories),
        enclosures=tuple(Enclosure(**file) for file in row.enclosures),
        image=Enclosure(**row.image) if row.image else None,
        change_note=row.change_note,
    )


def is_in_first_document(key: str, entry: Entry, as_of: datetime) -> bool:
    """Whether the first document of the feed has this entry: it is among the newest, or was corrected recently."""
    if entry.updated > entry.published and entry.updated > start_of_day(as_of) - CORRECTION_SHOWN_FOR:
        return True
    newer = FeedItem.objects.filter(places__feed=key, published__lte=as_of, published__gt=entry.published)
    return not entry.for_the_record and newer.exclude(uuid=entry.uuid).count() < AT_ONCE
