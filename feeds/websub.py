"""Tells a hub which feeds changed, so that it can tell their followers (WebSub, https://www.w3.org/TR/websub/).

What has to be told is written down together with the entries, and told after the commit. A hub that is down is told
later: `publish_scheduled`, which runs every minute, tries again, each time after a longer while.
"""

import logging
from datetime import datetime, timedelta
from http.client import HTTPException
from time import monotonic
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings

from feeds.catalogue import listings
from feeds.models import FeedPing

logger = logging.getLogger(__name__)
TIMEOUT = 3  # seconds: somebody may wait for the publication
PATIENCE = 5  # seconds for all feeds together; the rest is due with the next run of the schedule
TRIES = 12
LONGEST_WAIT = timedelta(hours=6)


def note_pings(keys: set[str], as_of: datetime) -> None:
    """The feeds with these keys changed, and their hub does not know it yet."""
    if settings.WEBSUB_HUB and keys:
        # Not of death reviews: a hub is a third party, and would have the notices after they were taken down.
        changed = [each for each in listings(as_of, with_gone=True) if each.key in keys and not each.is_opt_in]
        urls = {each.url(kind) for each in changed for kind in each.formats}
        FeedPing.objects.bulk_create(
            [FeedPing(url=url, next_at=as_of) for url in sorted(urls)],
            update_conflicts=True,
            unique_fields=["url"],
            update_fields=["next_at", "tries"],
        )


def send_pings(as_of: datetime) -> tuple[int, int]:
    """Tell the hub what is due. Returns how many feeds it knows of now, and how many it has to be told of later."""
    told = 0
    if not settings.WEBSUB_HUB:
        FeedPing.objects.all().delete()
        return 0, 0
    until = monotonic() + PATIENCE
    for ping in FeedPing.objects.filter(next_at__lte=as_of).order_by("next_at", "url"):
        if monotonic() > until:
            break
        if _ping(ping.url):
            FeedPing.objects.filter(pk=ping.pk, next_at=ping.next_at).delete()  # unless it changed again meanwhile
            told += 1
            continue
        _try_later(ping, as_of)
        # It is down, and nobody should wait for it once more: the others are tried in a minute.
        FeedPing.objects.filter(next_at__lte=as_of).update(next_at=as_of + timedelta(minutes=1))
        break
    return told, FeedPing.objects.count()


def _ping(url: str) -> bool:
    form = urlencode({"hub.mode": "publish", "hub.url": url, "hub.topic": url}).encode()
    try:
        with urlopen(Request(settings.WEBSUB_HUB, data=form), timeout=TIMEOUT) as answer:  # noqa: S310 - a web address
            return 200 <= answer.status < 300
    except (OSError, HTTPException):
        return False


def _try_later(ping: FeedPing, as_of: datetime) -> None:
    tries = ping.tries + 1
    same = FeedPing.objects.filter(pk=ping.pk, next_at=ping.next_at)  # somebody else may have told the hub meanwhile
    if tries >= TRIES:
        logger.error("The hub could not be told that %s changed: is WEBSUB_HUB right?", ping.url)
        same.delete()
    else:
        same.update(tries=tries, next_at=as_of + min(timedelta(minutes=2 ** (tries - 1)), LONGEST_WAIT))
