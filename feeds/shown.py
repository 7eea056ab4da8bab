"""Selects the stored entries (feeds/build/items.py) that feeds show at an instant, and those reported as removed."""

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from feeds.models import FeedItem
from pages.content.plain_words import local
from pages.visibility.rule import public_or_withdrawn_rows

# How long feeds show that a page was withdrawn. After that they report it as removed.
WITHDRAWAL_SHOWN_FOR = timedelta(days=30)
# How long the first document of a feed includes an old entry after its correction or withdrawal.
CORRECTION_SHOWN_FOR = timedelta(days=30)
# How long after the removal of an entry feeds have an entry without text under its id.
REMOVAL_SHOWN_FOR = timedelta(days=90)


def start_of_day(as_of: datetime) -> datetime:
    """The start of the local day. Everything that is dropped for its age is dropped then, together."""
    return local(as_of).replace(hour=0, minute=0, second=0, microsecond=0)


def shown(as_of: datetime) -> QuerySet[FeedItem]:
    """The entries of public pages, and of pages that were recently withdrawn with an explanation."""
    rows = FeedItem.objects.filter(ended_at=None, published__lte=as_of, updated__lte=as_of)
    long_ago = start_of_day(as_of) - WITHDRAWAL_SHOWN_FOR
    return public_or_withdrawn_rows(rows, "page__", as_of).exclude(page__withdrawn_at__lte=long_ago)


def gone(as_of: datetime) -> QuerySet[FeedItem]:
    """The entries that were removed without an explanation, or whose explanation is no longer shown."""
    since, shown_since = start_of_day(as_of) - REMOVAL_SHOWN_FOR, start_of_day(as_of) - WITHDRAWAL_SHOWN_FOR
    long_withdrawn = Q(page__withdrawn_at__lte=shown_since, page__withdrawn_at__gt=since)
    return FeedItem.objects.filter(Q(ended_at__gt=since) | long_withdrawn)


def explanation_ended_at(withdrawn_at: datetime, as_of: datetime) -> datetime:
    """When feeds stopped to show the explanation of a withdrawal that they no longer show."""
    return min(start_of_day(withdrawn_at) + WITHDRAWAL_SHOWN_FOR + timedelta(days=1), start_of_day(as_of))


def recently_corrected(as_of: datetime) -> Q:
    """A condition for entries of any age that were corrected or withdrawn recently."""
    return Q(updated__gt=F("published")) & Q(updated__gt=start_of_day(as_of) - CORRECTION_SHOWN_FOR)
