"""Which of the written entries (feeds/build/items.py) readers get at an instant, and which of them they are told
went."""

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from feeds.models import FeedItem
from pages.content.plain_words import local
from pages.visibility.rule import public_or_withdrawn_rows

# How long a page that was withdrawn shows as such, and how long after that feeds say that it is gone.
SHOWN_AS_WITHDRAWN = timedelta(days=30)
# How long a correction or withdrawal of an old entry is told beside the newest.
TOLD_AGAIN = timedelta(days=30)
SAID_TO_BE_GONE = timedelta(days=90)


def start_of_day(as_of: datetime) -> datetime:
    """What goes by the passing of time goes then, together."""
    return local(as_of).replace(hour=0, minute=0, second=0, microsecond=0)


def shown(as_of: datetime) -> QuerySet[FeedItem]:
    """Those of public pages, and of pages that were withdrawn with an explanation not long ago."""
    rows = FeedItem.objects.filter(ended_at=None, published__lte=as_of, updated__lte=as_of)
    long_ago = start_of_day(as_of) - SHOWN_AS_WITHDRAWN
    return public_or_withdrawn_rows(rows, "page__", as_of).exclude(page__withdrawn_at__lte=long_ago)


def gone(as_of: datetime) -> QuerySet[FeedItem]:
    """Those that went without an explanation, or after the time for which one is shown."""
    since, shown_since = start_of_day(as_of) - SAID_TO_BE_GONE, start_of_day(as_of) - SHOWN_AS_WITHDRAWN
    long_withdrawn = Q(page__withdrawn_at__lte=shown_since, page__withdrawn_at__gt=since)
    return FeedItem.objects.filter(Q(ended_at__gt=since) | long_withdrawn)


def told_again(as_of: datetime) -> Q:
    """Of entries of whatever age: those that were corrected or withdrawn not long ago."""
    return Q(updated__gt=F("published")) & Q(updated__gt=start_of_day(as_of) - TOLD_AGAIN)
