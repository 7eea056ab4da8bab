"""Sends the bytes of a file that somebody may have; documents/serving/views.py decides that before.

The setting FILE_DELIVERY says who does the work: Django (`stream`), the web server in front (`x-accel-redirect`,
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

SHOWN_IN_THE_BROWSER = {
    "application/pdf",
    "text/plain",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
}
INTERNAL_PREFIX = "/internal-files/"  # the location of the web server that only X-Accel-Redirect reaches
SIGNED_FOR = 60  # seconds that a signed address of the storage lives
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Delivery:
    """One file to send: its name for people, a version that changes with the bytes, and what caches may do."""

    file: FieldFile
    filename: str
    version: str
    cache_control: str
    noindex: bool = False


def send(request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
    """Raises Http404 when the storage has lost the file."""
    content_type = mimetypes.guess_type(delivery.file.name or "")[0] or "application/octet-stream"
    disposition = content_disposition_header(content_type not in SHOWN_IN_THE_BROWSER, delivery.filename) or "inline"
    if settings.FILE_DELIVERY == "signed-redirect":
        return _signed(delivery, content_type, disposition)
    etag = f'"{delivery.version}"'
    response: HttpResponseBase
    if _known(etag, request.headers.get("If-None-Match", "")):
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
    # An uploaded file runs nothing and frames nothing, whatever is in it.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _known(etag: str, header: str) -> bool:
    """Whether the client has this version already: weak comparison, and "*" for any (RFC 9110, section 13.1.2)."""
    return any(known == "*" or known.removeprefix("W/") == etag for known in parse_etags(header))


def _signed(delivery: Delivery, content_type: str, disposition: str) -> HttpResponse:
    """An address of the private bucket that works for a minute, for one person: nobody may keep the redirect."""
    parameters = {
        "ResponseContentType": content_type,
        "ResponseContentDisposition": disposition,
        "ResponseCacheControl": delivery.cache_control,
    }
    storage: Any = delivery.file.storage
    response = HttpResponseRedirect(storage.url(delivery.file.name, parameters=parameters, expire=SIGNED_FOR))
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
    """All of it, or the one range that was asked for (RFC 9110, section 14)."""
    try:
        stream = file.storage.open(file.name or "", "rb")
        size = file.storage.size(file.name or "")
    except FileNotFoundError:
        raise Http404 from None
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    same_file = request.headers.get("If-Range", etag) == etag
    # Several ranges in one request, and what is no range, may be answered with the whole file.
    if request.method != "GET" or asked is None or not same_file or asked.groups() == ("", ""):
        return FileResponse(stream)
    first, last = asked.groups()
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
    """The next `length` bytes of a stream, in the shape that FileResponse reads."""

    def __init__(self, stream: IO[bytes], length: int) -> None:
        self.stream = stream
        self.left = length

    def read(self, size: int) -> bytes:
        chunk = self.stream.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        self.stream.close()
