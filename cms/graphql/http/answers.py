"""Writes the answer to a GraphQL request over HTTP: its form, its compression, and who may store it."""

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
    """A storable answer has an ETag for its bytes, and is a 304 where the client has them."""
    # A lone surrogate in a query may come back in an error, and has no UTF-8 form.
    plain = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    encoding = encoding_for(request, plain)
    # Stored copies are told apart by media type and compression, so each has an ETag of its own (RFC 9110, 8.8.3.3).
    hashed = sha256(b"%s %s" % (media_type.encode(), plain)).hexdigest()[:32]
    etag = f'"{hashed}{encoding and "-"}{encoding}"' if storable else ""
    if etag and _has(request, etag):
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


def _has(request: HttpRequest, etag: str) -> bool:
    """Whether `If-None-Match` names this answer. Compared weakly: proxies may have weakened it."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in {each.removeprefix("W/") for each in known}
