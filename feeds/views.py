"""Serves the feeds, with validators that make an unchanged feed cost a reader next to nothing."""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from feeds import syndication
from feeds.entry import Feed
from feeds.sources import FEEDS, MEDIA_TYPES, changed_at, feed_url
from feeds.sources import feed as feed_now

WRITERS: dict[str, Callable[[Feed, str], bytes]] = {"rss": syndication.rss, "atom": syndication.atom}
CACHE_CONTROL = "public, max-age=300"


@require_safe
def feed(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """304 when the reader has these bytes (If-None-Match), or nothing changed since (If-Modified-Since)."""
    if name not in FEEDS or kind not in FEEDS[name].formats:
        return _no_such_feed(name)
    at = timezone.now()
    body = WRITERS[kind](feed_now(name, at), feed_url(name, kind))
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    response = HttpResponse(body, content_type=f"{MEDIA_TYPES[kind]}; charset=utf-8")
    response["Cache-Control"] = CACHE_CONTROL
    response["ETag"] = etag
    changed = changed_at(at)
    seconds = int(changed.timestamp()) if changed else None
    if seconds is not None:
        response["Last-Modified"] = http_date(seconds)
    return get_conditional_response(request, etag, seconds, response) or response


def _no_such_feed(name: str) -> HttpResponse:
    """Says which addresses there are: those of this feed, or all when no feed has this name."""
    names = [name] if name in FEEDS else list(FEEDS)
    known = [feed_url(each, kind) for each in names for kind in FEEDS[each].formats]
    text = "\n".join(["There is no feed at this address. Try one of these:", *known, ""])
    return HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")
