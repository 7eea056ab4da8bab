"""What a feed holds at an instant, read from its written entries (feeds/build/items.py), and when that last changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, When, Window
from django.db.models.functions import RowNumber

from feeds.build.items import form, update_entries, what_expires
from feeds.catalogue import FeedDefinition
from feeds.entry import Enclosure, Entry, Feed, Gone
from feeds.models import FeedItem, FeedState
from feeds.shown import SAID_TO_BE_GONE, TOLD_AGAIN, gone, shown, start_of_day, told_again
from pages.content.choices import FeedFormat
from pages.content.plain_words import local
from pages.models import ContentPage, PublicChange
from pages.visibility.rule import public_or_withdrawn_rows

# Entries in one document of a feed. That of the newest also tells of at most as many older ones that were corrected or
# withdrawn, which their followers would not hear of otherwise.
AT_ONCE = 30
# Before the first page was published. Feeds with nothing in them need a date that does not change.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class State:
    """What all answers depend on: the content version, what expired since, and the day.

    The version comes with the moment at which it was written: after a backup was restored, it is counted anew. What
    expired comes with the moment of the last: one thing may have been unpublished since, and another expired.

    `at` is the instant to read for. It is not before the version, though the request may be, or its server's clock:
    what came with the version would be left out, and the answer kept.
    """

    at: datetime
    version: int
    version_at: str
    expired: str
    day: str
    changed_at: datetime
    entries_are_written: bool


def state(as_of: datetime) -> State:
    """The state at the instant, in one query.

    `changed_at` is when an answer may last have changed. What changes for readers is in the list of changes, yet they
    see it when it was committed and written; an expiry happens by itself, and at the start of a day goes what was
    withdrawn or corrected long ago. A second is kept back, because HTTP dates have no fractions: another change in the
    same second would otherwise go unnoticed for ever.
    """
    day = local(as_of).date().isoformat()
    written = FeedState.objects.filter(version=OuterRef("version"), written_for=form()).values("written_at")[:1]
    since = as_of - SAID_TO_BE_GONE - timedelta(days=1)
    corrected = Q(updated__gt=since) & Q(updated__gt=F("published"))
    going = FeedItem.objects.filter(Q(ended_at__gt=since) | Q(page__withdrawn_at__gt=since) | corrected)
    numbers, moments = _expiries(as_of)
    changes = PublicChange.objects.annotate(written_at=Subquery(written), something_goes=Exists(going))
    last = changes.annotate(**numbers, **moments).order_by("-version").first()
    if last is None:
        return State(as_of, 0, "", "", day, changed_at=LONG_AGO, entries_are_written=True)
    expired = sum(getattr(last, name) or 0 for name in numbers)
    last_expired = max(getattr(last, name) or LONG_AGO for name in moments)
    went_at = start_of_day(as_of) if last.something_goes else LONG_AGO
    changed_at = max(last.at, last_expired, last.written_at or LONG_AGO, went_at)
    return State(
        at=max(as_of, last.at),
        version=last.version,
        version_at=last.at.isoformat(),
        expired=f"{expired} {last_expired}",
        day=day,
        changed_at=min(changed_at, as_of - timedelta(seconds=1)),
        entries_are_written=last.written_at is not None and last_expired <= last.written_at,
    )


def _expiries(as_of: datetime) -> tuple[dict[str, Subquery], dict[str, Subquery]]:
    """For each kind of thing, how many expired and are not unpublished yet, and when the last one did."""
    numbers, moments = {}, {}
    for model in what_expires():
        is_over = Q(expire_at__lte=as_of) | Q(expire_at__lte=OuterRef("at"))
        over = model._default_manager.filter(is_over, live=True).order_by().values("live")
        numbers[f"expired_{model.__name__}"] = Subquery(over.annotate(number=Count("pk")).values("number"))
        moments[f"last_expired_{model.__name__}"] = Subquery(over.annotate(last=Max("expire_at")).values("last"))
    return numbers, moments


def brought_up_to_date(as_of: datetime) -> State:
    """The state at the instant, after the entries were written if a publication was cut short before that."""
    now = state(as_of)
    for _ in range(3):  # again, if somebody published meanwhile
        if now.entries_are_written:
            break
        update_entries(now.at)
        now = state(as_of)
    return now


def feed(listing: FeedDefinition, as_of: datetime, archive: int | None = None, with_gone: bool = False) -> Feed | None:
    """A feed as it is at the instant, or one of its archives; None for an archive that there is not."""
    if archive is not None and archive < 1:
        return None
    entries, total = _entries(listing, as_of, archive)
    complete = max(0, -(-(total - AT_ONCE) // AT_ONCE))  # archives that hold all that is older than the newest
    if archive is not None and archive > complete:
        return None
    dates = [entry.updated for entry in entries]
    if archive is None and listing.page and listing.page.public_updated_at and listing.page.public_updated_at <= as_of:
        dates.append(local(listing.page.public_updated_at))
    return Feed(
        # A feed is the partnership's own, whatever becomes of the page that lists the same things.
        uuid=uuid5(listing.home.uuid, f"feed:{listing.key}")
        if listing.home
        else uuid5(NAMESPACE_URL, listing.url(FeedFormat.ATOM)),
        url=listing.about,
        title=listing.full_title,
        description=listing.description,
        author=listing.home.title if listing.home else listing.title,
        updated=max(dates, default=local(LONG_AGO)),
        entries=tuple(entries),
        gone=_gone(listing, as_of) if with_gone and archive is None else (),
        archive=archive,
        older=(archive - 1 if archive is not None else complete) or None,
        newer=archive + 1 if archive is not None and archive < complete else None,
    )


def _entries(listing: FeedDefinition, as_of: datetime, archive: int | None) -> tuple[list[Entry], int]:
    """Those of the feed itself or of an archive, the newest first; and how many there are in all."""
    place = Window(RowNumber(), order_by=[F("published").desc(), F("uuid").desc()])
    rows = shown(as_of).filter(places__feed=listing.key).annotate(total=Window(Count("pk")), place=place)
    if archive is None:
        newest = Q(place__lte=AT_ONCE)
        told = rows.filter(newest | told_again(as_of)).order_by(
            Case(When(newest, then=0), default=1), "-updated", "-uuid"
        )
        items = sorted(told[: 2 * AT_ONCE], key=lambda item: (item.published, item.uuid), reverse=True)
    else:
        first = AT_ONCE * (archive - 1)
        items = list(rows.order_by("published", "uuid")[first : first + AT_ONCE])[::-1]
    return [_entry(item) for item in items], items[0].total if items else 0


def _gone(listing: FeedDefinition, as_of: datetime) -> tuple[Gone, ...]:
    """What was in the feed and went, the latest first."""
    rows = gone(as_of).filter(places__feed=listing.key).values_list("uuid", "ended_at", "page__withdrawn_at")
    found = [Gone(uuid, local(moment)) for uuid, ended, went in rows if (moment := ended or went)]
    return tuple(sorted(found, key=lambda each: (each.at, each.uuid), reverse=True)[:AT_ONCE])


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
        enclosures=tuple(Enclosure(**each) for each in item.enclosures),
        image=Enclosure(**item.image) if item.image else None,
        change_note=item.change_note,
    )


def is_told(key: str, page: ContentPage, as_of: datetime) -> bool:
    """Whether the feed tells of the entry of a page: it is among the newest, or was corrected not long ago."""
    published, updated = page.first_published_at, page.public_updated_at
    if updated and published and updated > published and updated > start_of_day(as_of) - TOLD_AGAIN:
        return True
    rows = FeedItem.objects.filter(places__feed=key, ended_at=None, published__lte=as_of)
    newer = rows.filter(published__gt=page.first_published_at).exclude(uuid=page.uuid)
    return public_or_withdrawn_rows(newer, "page__", as_of).count() < AT_ONCE
