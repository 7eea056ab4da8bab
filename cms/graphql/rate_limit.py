"""How many requests one client may have worked out in a minute, dear ones counting as several.

Counted in the cache named `readers`.
"""

from ipaddress import ip_address, ip_network
from time import time

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from cms.graphql.errors import BadRequest, Code

WINDOW = 60  # seconds
COST_OF_ONE = 1_000  # a query counts once more for each whole thousand of its cost
IPV6_NETWORK = 64  # bits that a household or a server has; the others it chooses itself


def count(request: HttpRequest, times: int = 1) -> None:
    """Count this request. Raises `BadRequest` (429, with `Retry-After`) when the client has had its share."""
    limit = settings.GRAPHQL_RATE_LIMIT
    if not limit or not times:
        return
    now = time()
    window = int(now // WINDOW)
    key = f"graphql:{_client(request)}:{window}"
    cache = caches["readers"]
    cache.add(key, 0, timeout=2 * WINDOW)
    try:
        requests = cache.incr(key, times)
    except ValueError:  # a full cache may have forgotten it at once
        return
    if requests > limit:
        seconds = int((window + 1) * WINDOW - now) + 1
        message = (
            f"More than {limit} requests in a minute, dear ones counted as several. Try again in {seconds} seconds."
        )
        raise BadRequest(message, 429, Code.RATE_LIMITED, {"Retry-After": str(seconds)})


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
