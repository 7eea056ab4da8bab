"""Sends the bytes of a file. documents/serving/views.py has decided before that the client may read it.

The setting FILE_DELIVERY says who sends them: Django (`stream`), the web server in front (`x-accel-redirect`,
`x-sendfile`) or the object storage (`signed-redirect`).
"""

import mimetypes
import re
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote

from django.conf import settings
from django.db.models.fields.files import FieldFile
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags

INLINE_TYPES = {
    "application/pdf",
    "text/plain",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
}
# Scripts of other sites may read what everybody may have (Fetch Standard, "CORS protocol"). With "*", browsers hand
# over no answer to a request with cookies.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Disposition, Content-Range, ETag",
}
METHODS = "GET, HEAD, OPTIONS"
CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": ", ".join(["If-None-Match", "If-Range", "Range", *settings.TRACING_HEADERS]),
    "Access-Control-Max-Age": "86400",
}
INTERNAL_PREFIX = "/internal-files/"  # the internal location of the web server, reached only by X-Accel-Redirect
SIGNATURE_LIFETIME = 60  # seconds that a signed address of the storage is valid
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Delivery:
    """One file to send: its name for people, a version that changes with the bytes, and the Cache-Control header.

    `cross_origin`: scripts of other sites may read it.
    """

    file: FieldFile
    filename: str
    version: str
    cache_control: str
    noindex: bool = False
    cross_origin: bool = False


def preflight() -> HttpResponse:
    """The answer to OPTIONS, the same for every address of a file, so that it reveals nothing."""
    return HttpResponse(status=204, headers={"Allow": METHODS} | CORS | CORS_PREFLIGHT)


def send(request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
    """Raises Http404 if the file is missing from the storage."""
    content_type = mimetypes.guess_type(delivery.file.name or "")[0] or "application/octet-stream"
    disposition = content_disposition_header(content_type not in INLINE_TYPES, delivery.filename) or "inline"
    if settings.FILE_DELIVERY == "signed-redirect":
        return _with_cors(_signed_redirect(delivery, content_type, disposition), delivery)
    etag = f'"{delivery.version}"'
    response: HttpResponseBase
    if _etag_matches(etag, request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    elif settings.FILE_DELIVERY == "stream":
        response = _streamed(request, delivery.file, etag)
    else:
        response = _by_web_server(delivery.file)
    if response.status_code in (200, 206):
        response["Content-Type"] = content_type
        response["Content-Disposition"] = disposition
        response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = delivery.cache_control
    if delivery.noindex:
        response["X-Robots-Tag"] = "noindex"
    # An uploaded file must not run scripts or load anything.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return _with_cors(response, delivery)


def _with_cors(response: HttpResponseBase, delivery: Delivery) -> HttpResponseBase:
    for name, value in CORS.items() if delivery.cross_origin else ():
        response[name] = value
    return response


def _etag_matches(etag: str, header: str) -> bool:
    """Whether If-None-Match matches: weak comparison, and "*" for any version (RFC 9110, section 13.1.2)."""
    return any(given == "*" or given.removeprefix("W/") == etag for given in parse_etags(header))


def _signed_redirect(delivery: Delivery, content_type: str, disposition: str) -> HttpResponse:
    """Redirect to an address of the private bucket that is valid for a minute. No cache may keep the redirect."""
    parameters = {
        "ResponseContentType": content_type,
        "ResponseContentDisposition": disposition,
        "ResponseCacheControl": delivery.cache_control,
    }
    storage: Any = delivery.file.storage
    response = HttpResponseRedirect(storage.url(delivery.file.name, parameters=parameters, expire=SIGNATURE_LIFETIME))
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    if delivery.noindex:
        response["X-Robots-Tag"] = "noindex"
    return response


def _by_web_server(file: FieldFile) -> HttpResponse:
    if settings.FILE_DELIVERY == "x-accel-redirect":
        return HttpResponse(headers={"X-Accel-Redirect": INTERNAL_PREFIX + quote(file.name or "")})
    return HttpResponse(headers={"X-Sendfile": quote(file.path)})


def _streamed(request: HttpRequest, file: FieldFile, etag: str) -> HttpResponseBase:
    """The whole file, or the one range that was requested (RFC 9110, section 14)."""
    try:
        stream = file.storage.open(file.name or "", "rb")
        size = file.storage.size(file.name or "")
    except FileNotFoundError:
        raise Http404 from None
    requested = _RANGE.fullmatch(request.headers.get("Range", ""))
    same_file = request.headers.get("If-Range", etag) == etag
    # The whole file is a valid answer to several ranges and to a malformed one.
    if request.method != "GET" or requested is None or not same_file or requested.groups() == ("", ""):
        return FileResponse(stream)
    first, last = requested.groups()
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or stop <= start:
        stream.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    stream.seek(start)
    response = FileResponse(_Part(stream, stop - start), status=206)
    response["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response["Content-Length"] = str(stop - start)
    return response


class _Part:
    """A file object with the next `length` bytes of a stream, for FileResponse."""

    def __init__(self, stream: IO[bytes], length: int) -> None:
        self.stream = stream
        self.left = length

    def read(self, size: int) -> bytes:
        chunk = self.stream.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        self.stream.close()
