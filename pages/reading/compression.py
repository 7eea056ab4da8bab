"""Compresses an answer as its client prefers: Brotli or gzip (RFC 9110, section 12.5.3).

The GraphQL endpoint and the feeds ask here. Answers of the admin are not compressed: they mix secrets with what others
may choose, whose lengths would tell of the secrets.
"""

import gzip

import brotli
from django.http import HttpRequest

WORTH_COMPRESSING = 500  # bytes
BROTLI_QUALITY = 5  # of 11; from 6 on it takes longer than an answer did


def encoding_for(request: HttpRequest, body: bytes) -> str:
    """The compression that the client prefers, Brotli among equals; none where it does not pay."""
    if len(body) < WORTH_COMPRESSING:
        return ""
    weights = {}
    for part in request.headers.get("Accept-Encoding", "")[:200].split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip().lower()] = _weight(parameters)
    known = ("br", "gzip")
    best = max(known, key=lambda name: weights.get(name, weights.get("*", 0)))
    return best if weights.get(best, weights.get("*", 0)) > 0 else ""


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 1
    except ValueError:
        return 0


def compressed(body: bytes, encoding: str) -> bytes:
    if encoding == "br":
        return brotli.compress(body, quality=BROTLI_QUALITY)
    if encoding == "gzip":
        return gzip.compress(body, mtime=0)  # the same bytes each time
    return body
