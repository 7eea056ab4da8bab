"""Compresses a response as its client prefers: Brotli or gzip (RFC 9110, section 12.5.3).

The GraphQL endpoint and the feeds use it. Responses of the admin are not compressed: they hold secrets beside input
that others control, so the compressed length could reveal the secrets (the BREACH attack).
"""

import gzip

import brotli
from django.http import HttpRequest

WORTH_COMPRESSING = 500  # bytes
BROTLI_QUALITY = 5  # of 11; from 6 on, compression takes longer than making the response


def encoding_for(request: HttpRequest, body: bytes) -> str:
    """The encoding that the client prefers: "br" (also among equals) or "gzip". Empty for none, or a short body."""
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
    """The body in an encoding from `encoding_for`. The same body always gives the same bytes."""
    if encoding == "br":
        return brotli.compress(body, quality=BROTLI_QUALITY)
    if encoding == "gzip":
        return gzip.compress(body, mtime=0)
    return body
