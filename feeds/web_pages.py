"""The web pages about the feeds: how to follow them, every feed with its addresses, and its newest entries."""

from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from feeds.catalogue import (
    MEDIA_TYPES,
    FeedDefinition,
    listing,
    listing_by_former_name,
    listings,
    offered_everywhere,
    was_priority_feed,
    web_page,
)
from feeds.entry import Entry, Feed
from feeds.read.sources import feed, up_to_date_state
from pages.content import addresses
from pages.content.choices import FeedFormat
from pages.models import PartnershipPage, SupportService
from pages.reading.page_html import Link
from pages.visibility.rule import public, public_snippets

NEWEST = 5  # entries of "All updates" on the page with all feeds


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The page with all feeds."""
    as_of = up_to_date_state(timezone.now()).at
    found = listings(as_of)
    everything = feed(found[0], as_of)
    context = {
        "own": [_offer(each) for each in found if not each.is_about_something and not each.is_opt_in],
        "topics": [_offer(each) for each in found if each.topic],
        "periods": [
            {"title": title, "offers": [_offer(each) for each in offers]}
            for title, offers in groupby((each for each in found if each.period), key=attrgetter("period"))
        ],
        "opt_in": [_offer(each) for each in found if each.is_opt_in],
        "entries": _shown(everything)[:NEWEST] if everything else [],
        "opml": f"{settings.CMS_URL}/feeds.opml",
    }
    return _page("feeds/index", context, offered_everywhere())


@require_safe
def one(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one feed, or a redirect to its present address.

    410 if it was about a priority that is no longer public, 404 if there was no feed of this name.
    """
    as_of = up_to_date_state(timezone.now()).at
    found = listing(name, as_of)
    content = feed(found, as_of) if found else None
    if found is None or content is None:
        if renamed := listing_by_former_name(name, as_of):
            return HttpResponsePermanentRedirect(web_page(renamed), headers={"Cache-Control": "no-cache"})
        template, status = ("removed", 410) if was_priority_feed(name) else ("not_found", 404)
        return _page(f"pages/{template}", {}, offered_everywhere(), status)
    context = {"offer": _offer(found), "entries": _shown(content), "safe_exit": found.is_opt_in}
    if found.is_opt_in:
        context["services"] = public_snippets(SupportService.objects.all(), as_of)
    response = _page("feeds/one", context, [found])
    if found.is_opt_in:
        # As for the notices themselves: the next person at the computer may be the abuser.
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
    return response


def _page(template: str, context: dict[str, Any], offered: list[FeedDefinition], status: int = 200) -> HttpResponse:
    """Render a page. It does not get the request, so that it cannot read a session or set a cookie.

    Browsers revalidate it each time, so that a takedown has effect at once.
    """
    home = public(PartnershipPage.objects.all()).order_by("path").first()
    feeds = [
        {"title": f"{each.title} ({kind.label})", "url": each.url(kind), "media_type": MEDIA_TYPES[kind]}
        for each in offered
        for kind in each.formats
    ]
    site = Link(home.title, addresses.url(home)) if home else None
    html = render_to_string(f"{template}.html", {"site": site, "feeds": feeds, **context})
    return HttpResponse(html, status=status, headers={"Cache-Control": "no-cache"})


def _shown(content: Feed) -> list[Entry]:
    """The entries without those that were removed: they only take the place of copies in feed readers."""
    return [entry for entry in content.entries if not entry.removed]


def _offer(definition: FeedDefinition) -> dict[str, Any]:
    """The template context of one feed: its texts, its addresses and its calendar."""
    news = [kind for kind in definition.formats if kind != FeedFormat.ICALENDAR]
    has_calendar = FeedFormat.ICALENDAR in definition.formats
    return {
        "title": definition.title,
        "description": definition.description,
        "page": web_page(definition),
        "key": definition.name.replace("/", "-"),
        "addresses": [{"format": kind.label, "url": definition.url(kind)} for kind in news],
        "calendar": _calendar(definition) if has_calendar else None,
    }


def _calendar(definition: FeedDefinition) -> dict[str, Any]:
    """The address of a calendar, and links that add it to a device or to an account.

    Google Calendar gets the address that keeps cancelled meetings visible, because it hides events of this status.
    """
    url, for_google = definition.url(FeedFormat.ICALENDAR), definition.calendar_with_cancelled
    query = urlencode({"url": url, "name": definition.title})
    return {
        "url": url,
        "webcal": _webcal(url),
        "google": f"https://calendar.google.com/calendar/r?cid={quote(_webcal(for_google), safe='')}",
        "outlook": f"https://outlook.live.com/calendar/0/addfromweb?{query}",
        "office": f"https://outlook.office.com/calendar/0/addfromweb?{query}",
        "others": [{"format": "For programs that hide cancelled meetings", "url": for_google}],
    }


def _webcal(url: str) -> str:
    """The address with the scheme that opens the calendar of a device."""
    return "webcal:" + url.partition(":")[2]
