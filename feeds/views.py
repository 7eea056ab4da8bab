"""Serves the feeds, with validators that make an unchanged feed cost a reader next to nothing."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from feeds.build.items import form
from feeds.catalogue import MEDIA_TYPES, FeedDefinition, listing, listing_once_called, listings, was_there
from feeds.entry import clean_address
from feeds.read.meetings import event_of, schedule, was_a_meeting
from feeds.read.sources import LONG_AGO, State, brought_up_to_date
from feeds.read.sources import feed as feed_now
from feeds.write import calendar, syndication
from feeds.write.json_feed import json_feed
from feeds.write.opml import opml
from pages.content.choices import FeedFormat
from pages.reading.compression import compressed, encoding_for

KEPT = 3600  # seconds that a feed is kept ready to send; what changes asks under another key
MAX_AGE = 300  # seconds
OPML_TYPE = "text/x-opml"
METHODS = ("GET", "HEAD", "OPTIONS")
# What scripts of other sites may read as everybody may; browsers ask first (Fetch Standard, "CORS protocol"), because
# of the conditions that a cheap poll is sent with.
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Link"}
CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": "If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True)
class Written:
    """A document ready to send. `links` are those of the Link header (RFC 8288).

    `is_fleeting`: what is taken down must be down at once, and caches are not told of this address. `changed_at` is
    when it changed by the passing of time.
    """

    body: bytes
    media_type: str
    links: tuple[tuple[str, str], ...] = ()
    is_opt_in: bool = False
    is_fleeting: bool = False
    file_name: str = ""
    changed_at: datetime = LONG_AGO


def for_readers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lets scripts of other sites read JSON and calendars, whatever the answer is. That nothing else than reading is
    allowed is cms/http/readers.py's."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": ", ".join(METHODS)})
        else:
            response = view(request, *args, **kwargs)
        if request.path.endswith((".json", ".ics")):
            headers = CORS | CORS_PREFLIGHT if request.method == "OPTIONS" else CORS
            for header, value in headers.items():
                response[header] = value
        return response

    return answer


@for_readers
def feed(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """304 when the reader has these bytes (If-None-Match), or nothing changed since (If-Modified-Since)."""
    archive = request.GET.get("archive")
    number = int(archive) if archive and re.fullmatch("[1-9][0-9]{0,4}", archive) else None
    now = brought_up_to_date(timezone.now())
    found = _kept(["feed", name, kind, number], now, lambda: _written(name, kind, number, now.at))
    if found is None or (archive is not None and number is None):
        return _no_such_feed(name, kind, now.at)
    return _answer(request, found, now)


@for_readers
def all_feeds(request: HttpRequest) -> HttpResponse:
    """The list of all feeds for feed readers."""
    now = brought_up_to_date(timezone.now())

    def write() -> Written:
        found = listings(now.at)
        home = found[0].home
        title = f"{home.title}: feeds" if home else "Feeds"
        own, for_people = (settings.CMS_URL + reverse(name) for name in ("all_feeds", "feeds"))
        return Written(opml(title, found), OPML_TYPE, (("self", own), ("alternate", for_people)))

    found = _kept(["opml"], now, write)
    assert found is not None  # noqa: S101 - for the type checker
    return _answer(request, found, now)


@for_readers
def meeting(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One meeting for a calendar of one's own; 410 when it was public once, 404 when it never was."""
    now = brought_up_to_date(timezone.now())

    def write() -> Written | None:
        event = event_of(uuid, now.at)
        if event is None:
            return None
        name = f"meeting-{event.starts.date().isoformat()}.ics"
        own = settings.CMS_URL + reverse("meeting_calendar", args=[uuid])
        links, media_type = (("self", own), ("alternate", event.url)), MEDIA_TYPES[FeedFormat.ICALENDAR]
        return Written(calendar.single(event), media_type, links, is_fleeting=True, file_name=name)

    found = _kept(["meeting", str(uuid)], now, write)
    if found:
        return _answer(request, found, now)
    if was_a_meeting(uuid):
        return _text("This meeting is not public any more.\n", 410)
    return _text("There is no meeting at this address.\n", 404)


def _kept(name: list[Any], now: State, write: Callable[[], Written | None]) -> Written | None:
    """What was written for this state, or is now. Nothing is kept of what is not there: others choose the names."""
    content = [now.version, now.version_at, now.expired, now.day]
    parts = [*name, *content, form(), settings.WEBSUB_HUB]
    key = f"feeds:{sha256(json.dumps(parts).encode()).hexdigest()}"
    found: Written | None = cache.get(key)
    if found is None and (found := write()) is not None:
        cache.set(key, found, KEPT)
    return found


def _written(name: str, kind: str, archive: int | None, as_of: datetime) -> Written | None:
    found = listing(name, as_of)
    if found is None or kind not in found.formats:
        return None
    if kind == FeedFormat.ICALENDAR:
        return _calendar(found, as_of) if archive is None else None
    feed = feed_now(found, as_of, archive, with_gone=kind == FeedFormat.ATOM)
    if feed is None:
        return None
    subscription = found.url(kind)
    own, older, newer = (_archive(subscription, number) for number in (archive, feed.older, feed.newer))
    # None for death reviews: a hub would have the notices after they were taken down.
    hub = settings.WEBSUB_HUB if archive is None and not found.is_opt_in else ""
    related = (("hub", hub), ("prev-archive", older), ("next-archive", newer), ("current", own and subscription))
    links = [(rel, href) for rel, href in related if href]
    own = own or subscription
    if kind == FeedFormat.JSON:
        body = json_feed(feed, subscription, older, hub)
    else:
        body = (syndication.rss if kind == FeedFormat.RSS else syndication.atom)(feed, own, links)
    media_type = MEDIA_TYPES[FeedFormat(kind)]
    links = [("self", own), ("alternate", feed.url), *links]
    return Written(body, media_type, tuple(links), found.is_opt_in, is_fleeting=archive is not None)


def _archive(subscription: str, number: int | None) -> str:
    """The address of the archive with this number; empty without one."""
    return f"{subscription}?archive={number}" if number else ""


def _calendar(found: FeedDefinition, as_of: datetime) -> Written:
    url, meetings = found.url(FeedFormat.ICALENDAR), schedule(as_of)
    hub = (("hub", settings.WEBSUB_HUB),) if settings.WEBSUB_HUB else ()
    return Written(
        calendar.calendar(meetings.events, found.full_title, found.description, url),
        MEDIA_TYPES[FeedFormat.ICALENDAR],
        (("self", url), ("alternate", clean_address(found.about)), *hub),
        file_name=f"{found.name}.ics",
        changed_at=meetings.left_at,
    )


def _answer(request: HttpRequest, found: Written, now: State) -> HttpResponse:
    encoding = encoding_for(request, found.body)
    # Stored copies are told apart by their compression, so each has an ETag of its own (RFC 9110, section 8.8.3.3).
    etag = f'"{sha256(found.body).hexdigest()[:32]}{encoding and "-"}{encoding}"'
    response = HttpResponse(content_type=f"{found.media_type}; charset=utf-8")
    if encoding:
        response["Content-Encoding"] = encoding
    response["Vary"] = "Accept-Encoding"
    # Caches are told of the exact addresses alone, so under no other may they keep anything.
    is_fleeting = found.is_fleeting or bool(request.META["QUERY_STRING"])
    response["Cache-Control"] = "no-cache" if is_fleeting else f"public, max-age={MAX_AGE}"
    if found.is_opt_in:
        # As on the notices themselves: the next person at the computer may be the one who is feared.
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
    if found.file_name:
        response["Content-Disposition"] = f'inline; filename="{found.file_name}"'
    if found.links:
        response["Link"] = ", ".join(f'<{href}>; rel="{rel}"' for rel, href in found.links)
    response["ETag"] = etag
    seconds = int(max(now.changed_at, found.changed_at).timestamp())
    response["Last-Modified"] = http_date(seconds)
    answer = get_conditional_response(request, etag, seconds, response)
    if answer is not None and answer is not response:
        return answer
    response.content = compressed(found.body, encoding)
    return response


def _no_such_feed(name: str, kind: str, as_of: datetime) -> HttpResponse:
    """Leads to the feed that had this name once, or says which addresses there are: those of this feed, or all."""
    found = listing(name, as_of)
    if found is None and (renamed := listing_once_called(name, as_of)) and kind in renamed.formats:
        return HttpResponsePermanentRedirect(renamed.url(kind), headers={"Cache-Control": "no-cache"})
    if found is None and was_there(name):
        return _text("The priority that this feed was about is not public any more.\n", 410)
    known = [each.url(kind) for each in ([found] if found else _offered(as_of)) for kind in each.formats]
    return _text("\n".join(["There is no feed at this address. Try one of these:", *known, ""]), 404)


def _text(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def _offered(as_of: datetime) -> list[FeedDefinition]:
    return [each for each in listings(as_of) if not each.is_opt_in]
