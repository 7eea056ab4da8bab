"""Notifies a hub of changed feeds, so that it can notify their followers (WebSub, https://www.w3.org/TR/websub/).

Pings are stored together with the entries and sent after the commit. If the hub is down, `publish_scheduled`, which
runs every minute, tries again after increasing intervals.
"""

import logging
from datetime import datetime, timedelta
from http.client import HTTPException
from time import monotonic
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.utils import timezone

from feeds.catalogue import listings
from feeds.models import FeedPing

logger = logging.getLogger(__name__)
TIMEOUT = 3  # seconds; a user may be waiting for the publication
PATIENCE = 5  # seconds for all feeds together; the next run of the schedule sends the rest
TRIES = 12
LONGEST_WAIT = timedelta(hours=6)


def note_pings(keys: set[str], as_of: datetime) -> None:
    """Store pings for the feeds with these keys, which have changed."""
    if settings.WEBSUB_HUB and keys:
        # Without death reviews: a hub is a third party, and would still have the notices after a takedown.
        changed = [each for each in listings(as_of, include_removed=True) if each.key in keys and not each.is_opt_in]
        urls = {address for each in changed for address in each.addresses()}
        FeedPing.objects.bulk_create(
            [FeedPing(url=url, next_at=as_of) for url in sorted(urls)],
            update_conflicts=True,
            unique_fields=["url"],
            update_fields=["next_at", "tries"],
        )


def send_pings() -> tuple[int, int]:
    """Send the pings that are due. Returns the number sent and the number that remain.

    Reads the clock itself: the pings of the update before it are due at an instant after that update began.
    """
    as_of, sent = timezone.now(), 0
    if not settings.WEBSUB_HUB:
        FeedPing.objects.all().delete()
        return 0, 0
    until = monotonic() + PATIENCE
    for ping in FeedPing.objects.filter(next_at__lte=as_of).order_by("next_at", "url"):
        if monotonic() > until:
            break
        if _ping(ping.url):
            FeedPing.objects.filter(pk=ping.pk, next_at=ping.next_at).delete()  # unless it changed again meanwhile
            sent += 1
            continue
        _try_later(ping, as_of)
        # The hub is down, and the user should not wait for it again. The others are tried in a minute.
        FeedPing.objects.filter(next_at__lte=as_of).update(next_at=as_of + timedelta(minutes=1))
        break
    return sent, FeedPing.objects.count()


def _ping(url: str) -> bool:
    form = urlencode({"hub.mode": "publish", "hub.url": url, "hub.topic": url}).encode()
    try:
        with urlopen(Request(settings.WEBSUB_HUB, data=form), timeout=TIMEOUT) as response:  # noqa: S310 - a web address
            return 200 <= response.status < 300
    except (OSError, HTTPException):
        return False


def _try_later(ping: FeedPing, as_of: datetime) -> None:
    tries = ping.tries + 1
    row = FeedPing.objects.filter(pk=ping.pk, next_at=ping.next_at)  # another process may have sent it meanwhile
    if tries >= TRIES:
        logger.error("The hub could not be told that %s changed: is WEBSUB_HUB right?", ping.url)
        row.delete()
    else:
        row.update(tries=tries, next_at=as_of + min(timedelta(minutes=2 ** (tries - 1)), LONGEST_WAIT))
