"""Rate limits: how many requests one client may make in a minute, and what counts as one client.

GraphQL counts an expensive query several times (cms/graphql/http/view.py). The middleware counts all other requests of
readers once each, whatever the response is. The counts are in the cache named `readers`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from time import time

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

WINDOW = 60  # seconds
IPV6_NETWORK = 64  # bits of the prefix; a household or server chooses the other bits itself
# Addresses at which the middleware does not count, and why.
NOT_COUNTED = {
    "/admin/": "people sign in first, and wrong passwords are counted (docs/operators.md)",
    "/graphql/": "counted by cost, with a limit of its own",
    "/healthz": "load balancers request it all the time, and it costs one query",
}
# Colleagues who are signed in are not limited here: the admin's lists of pictures load many at once.
FILES = ("/documents/", "/images/", settings.MEDIA_URL)


class RateLimitError(Exception):
    """The client has made too many requests. `seconds` is the time until it may make the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Counted:
    """Where a client stands after a request: how many it may still make in this minute, of seconds that are left."""

    key: str
    remaining: int
    seconds: int


def count(request: HttpRequest, what: str, limit: int, times: int = 1) -> Counted | None:
    """Count a request `times` times under the name `what`. Raises `RateLimitError`.

    None if nothing is counted: a limit of 0 means no limit.
    """
    if not limit:
        return None
    now = time()
    window = int(now // WINDOW)
    key, seconds = f"{what}:{client_of(request)}:{window}", int((window + 1) * WINDOW - now) + 1
    cache = caches["readers"]
    cache.add(key, 0, timeout=2 * WINDOW)
    try:
        requests = cache.incr(key, times)
    except ValueError:  # a full cache may have evicted the key already
        return None
    if requests > limit:
        raise RateLimitError(seconds)
    return Counted(key, limit - requests, seconds)


def give_back(counted: Counted, times: int) -> Counted:
    """Count a request `times` times less, because it took less than was expected."""
    try:
        caches["readers"].decr(counted.key, times)
    except ValueError:
        return counted
    return replace(counted, remaining=counted.remaining + times)


def headers(what: str, limit: int, counted: Counted | None) -> dict[str, str]:
    """The limit, and what is left of it for the client.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
    """
    if not limit:
        return {}
    policy = {"RateLimit-Policy": f'"{what}";q={limit};w={WINDOW}'}
    return policy | ({"RateLimit": f'"{what}";r={counted.remaining};t={counted.seconds}'} if counted else {})


def client_of(request: HttpRequest) -> str:
    """The client's IPv4 address or IPv6 network. X-Forwarded-For is used only behind a proxy (TRUSTED_PROXY)."""
    try:
        address = ip_address(get_adapter().get_client_ip(request))
    except (PermissionDenied, ValueError):  # there is none: a Unix socket, or a proxy that does not send it
        return "unknown"
    if address.version == 6:
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, IPV6_NETWORK), strict=False).network_address)
    return str(address)


class ReadersLimitMiddleware:
    """Counts requests for pages, feeds and files, and answers 429 above the limit.

    People who are signed in get files above the limit, too. The session is read only then, so this middleware comes
    after the one that sets `request.user`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Wagtail sends the request of a preview through the middleware again, with the page's address.
        if not getattr(request, "is_dummy", False) and not request.path_info.startswith(tuple(NOT_COUNTED)):
            try:
                count(request, "readers", settings.RATE_LIMIT)
            except RateLimitError as error:
                if not (request.path_info.startswith(FILES) and _is_signed_in(request)):
                    return _too_many_requests(request, error.seconds)
        return self.get_response(request)


def _is_signed_in(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def _too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    """The response with status 429: HTML for browsers, and plain text for programs, as for all errors of feeds."""
    if "text/html" in request.headers.get("Accept", ""):
        response = HttpResponse(render_to_string("cms/too_many.html", {"seconds": seconds}), status=429)
    else:
        text = f"More than {settings.RATE_LIMIT} requests in a minute. Try again in {seconds} seconds.\n"
        response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    # Scripts of other sites may read the feeds, and so this error, too.
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Retry-After"
    return response
