"""How many requests one client may have answered in a minute, and who is one client.

GraphQL counts dear queries as several (cms/graphql/http/view.py). Everything else that readers get is counted here,
each request once, whatever the answer is. Counted in the cache named `readers`.
"""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from time import time

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

WINDOW = 60  # seconds
IPV6_NETWORK = 64  # bits that a household or a server has; the others it chooses itself
# Addresses that readers are not counted at, and why.
NOT_COUNTED = {
    "/admin/": "people sign in first, and wrong passwords are counted (docs/operators.md)",
    "/graphql/": "counted by cost, with a limit of its own",
    "/healthz": "load balancers ask all the time, and the answer costs one query",
}
# Here colleagues open the files of drafts, many at once when the admin lists pictures.
FILES = ("/documents/", "/images/", settings.MEDIA_URL)


class RateLimitError(Exception):
    """The client has had its share. `seconds` until it gets the next."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def count(request: HttpRequest, what: str, limit: int, times: int = 1) -> None:
    """Count this request as one of these. Raises `RateLimitError`. A limit of 0 is none."""
    if not limit or not times:
        return
    now = time()
    window = int(now // WINDOW)
    key = f"{what}:{_client(request)}:{window}"
    cache = caches["readers"]
    cache.add(key, 0, timeout=2 * WINDOW)
    try:
        requests = cache.incr(key, times)
    except ValueError:  # a full cache may have forgotten it at once
        return
    if requests > limit:
        raise RateLimitError(int((window + 1) * WINDOW - now) + 1)


def _client(request: HttpRequest) -> str:
    """The client's address, or its network. X-Forwarded-For counts only behind a trusted proxy (TRUSTED_PROXY)."""
    try:
        address = ip_address(get_adapter().get_client_ip(request))
    except (PermissionDenied, ValueError):  # none is given: a socket file, or a proxy that does not say
        return "unknown"
    if address.version == 6:
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, IPV6_NETWORK), strict=False).network_address)
    return str(address)


class ReadersLimitMiddleware:
    """Counts requests for pages, feeds and files. It stands where `request.user` is known, and asks for it only when a
    share is used up: colleagues who are signed in get their files all the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Wagtail's previews go through here once more, with the address of the page.
        if not getattr(request, "is_dummy", False) and not request.path_info.startswith(tuple(NOT_COUNTED)):
            try:
                count(request, "readers", settings.RATE_LIMIT)
            except RateLimitError as over:
                if not (request.path_info.startswith(FILES) and _is_signed_in(request)):
                    return _told(request, over.seconds)
        return self.get_response(request)


def _is_signed_in(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def _told(request: HttpRequest, seconds: int) -> HttpResponse:
    """A page for people who look at pages, and text for programs, as with all errors of feeds and files."""
    if "text/html" in request.headers.get("Accept", ""):
        response = HttpResponse(render_to_string("cms/too_many.html", {"seconds": seconds}), status=429)
    else:
        text = f"More than {settings.RATE_LIMIT} requests in a minute. Try again in {seconds} seconds.\n"
        response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    # Scripts of other sites, which may read feeds, may read this, too.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Retry-After"
    return response
