"""Writes the HTTP response to a GraphQL request: its media type, its compression and its caching."""

import json
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from pages.reading.compression import compressed, encoding_for


def write(
    request: HttpRequest, answer: dict[str, Any], media_type: str, status: int = 200, storable: bool = False
) -> HttpResponse:
    """The response with this answer. A storable answer has an ETag, and is a 304 if the client has it already."""
    # An error may quote a lone surrogate of the query, which UTF-8 cannot encode.
    plain = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    encoding = encoding_for(request, plain)
    # Each media type and compression is a representation of its own and has its own ETag (RFC 9110, 8.8.3.3).
    hashed = sha256(b"%s %s" % (media_type.encode(), plain)).hexdigest()[:32]
    etag = f'"{hashed}{encoding and "-"}{encoding}"' if storable else ""
    if etag and _is_current(request, etag):
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        response = HttpResponse(compressed(plain, encoding), content_type=f"{media_type}; charset=utf-8", status=status)
        if encoding:
            response["Content-Encoding"] = encoding
    response["Vary"] = "Accept, Accept-Encoding"
    if etag:
        response["ETag"] = etag
    response["Cache-Control"] = (
        f"public, max-age={settings.GRAPHQL_MAX_AGE}, must-revalidate" if storable else "no-store"
    )
    return response


def _is_current(request: HttpRequest, etag: str) -> bool:
    """Whether `If-None-Match` has this ETag. The comparison is weak, because proxies may weaken ETags."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in {each.removeprefix("W/") for each in known}
