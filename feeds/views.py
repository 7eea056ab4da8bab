"""Serves the feeds. ETag and Last-Modified make requests for an unchanged feed cheap."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import sha256
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from feeds.build.items import entry_format
from feeds.catalogue import (
    MEDIA_TYPES,
    FeedDefinition,
    listing,
    listing_by_former_name,
    listings,
    own_feed,
    was_priority_feed,
)
from feeds.entry import clean_address
from feeds.read.meetings import event_of, schedule, was_a_meeting
from feeds.read.sources import EARLIEST, State, up_to_date_state
from feeds.read.sources import feed as feed_now
from feeds.write import calendar, syndication
from feeds.write.json_feed import json_feed
from feeds.write.opml import opml
from pages.content.choices import FeedFormat
from pages.reading.compression import compressed, encoding_for

CACHE_SECONDS = 3600  # lifetime of a rendered feed; a change of content changes its cache key
MAX_AGE = 300  # seconds
OPML_TYPE = "text/x-opml"
METHODS = ("GET", "HEAD", "OPTIONS")
# Scripts of other sites may read these. Browsers send a preflight request because of the conditional headers (Fetch
# Standard, "CORS protocol").
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Link"}
CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(METHODS),
    "Access-Control-Allow-Headers": ", ".join(["If-Modified-Since", "If-None-Match", *settings.TRACING_HEADERS]),
    "Access-Control-Max-Age": "86400",
}

Params = ParamSpec("Params")


@dataclass(frozen=True)
class RenderedDocument:
    """A document that is ready to be sent. `links` are (rel, address) for the Link header (RFC 8288).

    `must_revalidate` is true for addresses that are not purged from caches, so that a takedown has effect at once.
    `changed_at` is when its content last changed because of its age.
    """

    body: bytes
    media_type: str
    links: tuple[tuple[str, str], ...] = ()
    is_opt_in: bool = False
    must_revalidate: bool = False
    file_name: str = ""
    changed_at: datetime = EARLIEST


def allow_cross_origin(
    view: Callable[Concatenate[HttpRequest, Params], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Params], HttpResponse]:
    """Let scripts of other sites read JSON and calendars, whatever the status of the response.

    cms/http/readers.py refuses all methods that do more than read.
    """

    @wraps(view)
    def respond(request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": ", ".join(METHODS)})
        else:
            response = view(request, *args, **kwargs)
        if request.path.endswith((".json", ".ics")):
            headers = CORS | CORS_PREFLIGHT if request.method == "OPTIONS" else CORS
            for header, value in headers.items():
                response[header] = value
        return response

    return respond


@allow_cross_origin
def feed(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """A feed or one of its archives. 304 if the client has this version (If-None-Match) or it is unchanged since."""
    archive = request.GET.get("archive")
    number = int(archive) if archive and re.fullmatch("[1-9][0-9]{0,4}", archive) else None
    now = up_to_date_state(timezone.now())
    found = _cached(["feed", name, kind, number], now, lambda: _render(name, kind, number, now.at))
    if found is None or (archive is not None and number is None):
        return _not_found(name, kind, now.at)
    return _response(request, found, now)


@allow_cross_origin
def calendar_with_cancelled(request: HttpRequest, name: str) -> HttpResponse:
    """The calendar for programs that hide events with the status "cancelled"."""
    now = up_to_date_state(timezone.now())

    def render() -> RenderedDocument | None:
        found = listing(name, now.at)
        return _calendar(found, now.at, shows_cancelled=True) if found and found.calendar_with_cancelled else None

    found = _cached(["calendar", name], now, render)
    return _response(request, found, now) if found else _not_found(name, FeedFormat.ICALENDAR, now.at)


@allow_cross_origin
def usual_address(request: HttpRequest, kind: FeedFormat) -> HttpResponse:
    """Redirect from an address that people and programs try first."""
    found = own_feed("meetings" if kind == FeedFormat.ICALENDAR else "all")
    return _redirect(found.url(kind), f"public, max-age={MAX_AGE}")


@allow_cross_origin
def all_feeds(request: HttpRequest) -> HttpResponse:
    """The list of all feeds as OPML, for feed readers."""
    now = up_to_date_state(timezone.now())

    def render() -> RenderedDocument:
        found = listings(now.at)
        home = found[0].home
        title = f"{home.title}: feeds" if home else "Feeds"
        own, for_people = (settings.CMS_URL + reverse(name) for name in ("all_feeds", "feeds"))
        return RenderedDocument(opml(title, found), OPML_TYPE, (("self", own), ("alternate", for_people)))

    found = _cached(["opml"], now, render)
    assert found is not None  # noqa: S101 - for the type checker
    return _response(request, found, now)


@allow_cross_origin
def meeting(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """One meeting to add to a calendar. 410 if it was public once, 404 if it never was."""
    now = up_to_date_state(timezone.now())

    def render() -> RenderedDocument | None:
        event = event_of(uuid, now.at)
        if event is None:
            return None
        name = f"meeting-{event.starts.date().isoformat()}.ics"
        own = settings.CMS_URL + reverse("meeting_calendar", args=[uuid])
        links, media_type = (("self", own), ("alternate", event.url)), MEDIA_TYPES[FeedFormat.ICALENDAR]
        return RenderedDocument(calendar.single(event), media_type, links, must_revalidate=True, file_name=name)

    found = _cached(["meeting", str(uuid)], now, render)
    if found:
        return _response(request, found, now)
    if was_a_meeting(uuid):
        return _text("This meeting is not public any more.\n", 410)
    return _text("There is no meeting at this address.\n", 404)


def _cached(name: list[Any], now: State, render: Callable[[], RenderedDocument | None]) -> RenderedDocument | None:
    """The document for this state, from the cache or rendered now.

    A missing document is not cached, because clients choose the names.
    """
    content = [now.version, now.version_at, now.data_version, now.expired, now.day]
    parts = [*name, *content, entry_format(), settings.WEBSUB_HUB]
    key = f"feeds:{sha256(json.dumps(parts).encode()).hexdigest()}"
    found: RenderedDocument | None = cache.get(key)
    if found is None and (found := render()) is not None:
        cache.set(key, found, CACHE_SECONDS)
    return found


def _render(name: str, kind: str, archive: int | None, as_of: datetime) -> RenderedDocument | None:
    found = listing(name, as_of)
    if found is None or kind not in found.formats:
        return None
    if kind == FeedFormat.ICALENDAR:
        return _calendar(found, as_of) if archive is None else None
    feed = feed_now(found, as_of, archive)
    if feed is None:
        return None
    subscription = found.url(kind)
    own, older, newer = (_archive(subscription, number) for number in (archive, feed.older, feed.newer))
    # None for death reviews: a hub would still have the notices after a takedown.
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
    return RenderedDocument(body, media_type, tuple(links), found.is_opt_in, must_revalidate=archive is not None)


def _archive(subscription: str, number: int | None) -> str:
    """The address of the archive with this number. Empty if there is none."""
    return f"{subscription}?archive={number}" if number else ""


def _calendar(found: FeedDefinition, as_of: datetime, shows_cancelled: bool = False) -> RenderedDocument:
    url = found.calendar_with_cancelled if shows_cancelled else found.url(FeedFormat.ICALENDAR)
    meetings = schedule(as_of)
    hub = (("hub", settings.WEBSUB_HUB),) if settings.WEBSUB_HUB else ()
    return RenderedDocument(
        calendar.calendar(meetings.events, found.full_title, found.description, url, shows_cancelled),
        MEDIA_TYPES[FeedFormat.ICALENDAR],
        (("self", url), ("alternate", clean_address(found.about)), *hub),
        file_name=f"{found.name}.ics",
        changed_at=meetings.left_at,
    )


def _response(request: HttpRequest, found: RenderedDocument, now: State) -> HttpResponse:
    encoding = encoding_for(request, found.body)
    # Each compressed variant needs an ETag of its own (RFC 9110, section 8.8.3.3).
    etag = f'"{sha256(found.body).hexdigest()[:32]}{encoding and "-"}{encoding}"'
    response = HttpResponse(content_type=f"{found.media_type}; charset=utf-8")
    if encoding:
        response["Content-Encoding"] = encoding
    response["Vary"] = "Accept-Encoding"
    # Only the exact addresses are purged from caches, so caches may store no others.
    must_revalidate = found.must_revalidate or bool(request.META["QUERY_STRING"])
    response["Cache-Control"] = "no-cache" if must_revalidate else f"public, max-age={MAX_AGE}"
    if found.is_opt_in:
        # As for the notices themselves: the next person at the computer may be the abuser.
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


def _not_found(name: str, kind: str, as_of: datetime) -> HttpResponse:
    """Redirect to the feed that had this name, or list the addresses of this feed or of all feeds."""
    found = listing(name, as_of)
    if found is None and (renamed := listing_by_former_name(name, as_of)) and kind in renamed.formats:
        return _redirect(renamed.url(kind), "no-cache")
    if found is None and was_priority_feed(name):
        return _text("The priority that this feed was about is not public any more.\n", 410)
    known = [each.url(kind) for each in ([found] if found else _offered(as_of)) for kind in each.formats]
    return _text("\n".join(["There is no feed at this address. Try one of these:", *known, ""]), 404)


def _redirect(url: str, cache_control: str) -> HttpResponse:
    """A redirect for programs, which the security headers do not take for a web page."""
    headers = {"Cache-Control": cache_control, "Content-Type": "text/plain"}
    return HttpResponsePermanentRedirect(url, headers=headers)


def _text(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def _offered(as_of: datetime) -> list[FeedDefinition]:
    return [each for each in listings(as_of) if not each.is_opt_in]
