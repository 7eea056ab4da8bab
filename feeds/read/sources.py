"""Reads a feed at an instant from its stored entries (feeds/build/items.py), and when it last changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.apps import apps
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import RowNumber

from feeds.build.items import entry_format, expiring_models, update_entries
from feeds.catalogue import FeedDefinition
from feeds.entry import Enclosure, Entry, Feed, Gone
from feeds.models import FeedItem, FeedState
from feeds.shown import CORRECTION_SHOWN_FOR, TOMBSTONE_SHOWN_FOR, gone, recently_corrected, shown, start_of_day
from pages.content.choices import FeedFormat
from pages.content.plain_words import local
from pages.models import ContentPage, PublicChange
from pages.visibility.rule import public_or_withdrawn_rows

# Entries in one document of a feed. The first document has at most as many again: older entries that were corrected or
# withdrawn, which followers would not notice otherwise.
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
    since = as_of - TOMBSTONE_SHOWN_FOR - timedelta(days=1)
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


def feed(
    listing: FeedDefinition, as_of: datetime, archive: int | None = None, include_removed: bool = False
) -> Feed | None:
    """A feed as it is at the instant, or one of its archives; None for an archive that there is not."""
    if archive is not None and archive < 1:
        return None
    entries, total = _entries(listing, as_of, archive)
    complete = max(0, -(-(total - AT_ONCE) // AT_ONCE))  # full archives
    if archive is not None and archive > complete:
        return None
    dates = [entry.updated for entry in entries]
    if archive is None and listing.page and listing.page.public_updated_at and listing.page.public_updated_at <= as_of:
        dates.append(local(listing.page.public_updated_at))
    return Feed(
        # From the home page, so that the id does not depend on the page that lists the same content.
        uuid=uuid5(listing.home.uuid, f"feed:{listing.key}")
        if listing.home
        else uuid5(NAMESPACE_URL, listing.url(FeedFormat.ATOM)),
        url=listing.about,
        title=listing.full_title,
        description=listing.description,
        author=listing.home.title if listing.home else listing.title,
        updated=max(dates, default=local(EARLIEST)),
        entries=tuple(entries),
        gone=_gone(listing, as_of) if include_removed and archive is None else (),
        archive=archive,
        older=(archive - 1 if archive is not None else complete) or None,
        newer=archive + 1 if archive is not None and archive < complete else None,
    )


def _entries(listing: FeedDefinition, as_of: datetime, archive: int | None) -> tuple[list[Entry], int]:
    """The entries of the feed or of an archive, the newest first, and the number of entries in all."""
    place = Window(RowNumber(), order_by=[F("published").desc(), F("uuid").desc()])
    rows = shown(as_of).filter(places__feed=listing.key).annotate(total=Window(Count("pk")), place=place)
    if archive is None:
        newest = Q(place__lte=AT_ONCE)
        selected = rows.filter(newest | recently_corrected(as_of)).order_by(
            Case(When(newest, then=0), default=1), "-updated", "-uuid"
        )
        items = sorted(selected[: 2 * AT_ONCE], key=lambda item: (item.published, item.uuid), reverse=True)
    else:
        first = AT_ONCE * (archive - 1)
        items = list(rows.order_by("published", "uuid")[first : first + AT_ONCE])[::-1]
    return [_entry(item) for item in items], items[0].total if items else 0


def _gone(listing: FeedDefinition, as_of: datetime) -> tuple[Gone, ...]:
    """The entries that were removed from the feed, the latest first."""
    rows = gone(as_of).filter(places__feed=listing.key).values_list("uuid", "ended_at", "page__withdrawn_at")
    removed = [Gone(uuid, local(moment)) for uuid, ended, withdrawn in rows if (moment := ended or withdrawn)]
    return tuple(sorted(removed, key=lambda entry: (entry.at, entry.uuid), reverse=True)[:AT_ONCE])


def _entry(item: FeedItem) -> Entry:
    return Entry(
        uuid=item.uuid,
        url=item.url,
        title=item.title,
        summary=item.summary,
        html=item.html,
        published=local(item.published),
        updated=local(item.updated),
        categories=tuple(item.categories),
        enclosures=tuple(Enclosure(**file) for file in item.enclosures),
        image=Enclosure(**item.image) if item.image else None,
        change_note=item.change_note,
    )


def is_in_first_document(key: str, page: ContentPage, as_of: datetime) -> bool:
    """Whether the first document of the feed has the page: it is among the newest, or was corrected recently."""
    published, updated = page.first_published_at, page.public_updated_at
    if updated and published and updated > published and updated > start_of_day(as_of) - CORRECTION_SHOWN_FOR:
        return True
    rows = FeedItem.objects.filter(places__feed=key, ended_at=None, published__lte=as_of)
    newer = rows.filter(published__gt=page.first_published_at).exclude(uuid=page.uuid)
    return public_or_withdrawn_rows(newer, "page__", as_of).count() < AT_ONCE
