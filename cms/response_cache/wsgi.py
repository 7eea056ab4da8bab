"""Answers requests of readers from memory, before Django sees them.

An answer is kept for exactly the parts of the request on which it may depend, under the version that the database had
before and after it was made, until another version or the time changes it. So it is what Django would answer now.
"""

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from io import BytesIO
from time import time
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import parse_etags, parse_http_date_safe

from cms.http.rate_limit import WINDOW, RateLimitError, client_of, count
from cms.http.readers import SIGNED_IN
from cms.response_cache.allowed import MAY_BE_KEPT, ONE_SNAPSHOT
from cms.response_cache.boundaries import next_boundary
from cms.response_cache.kept_answers import Header, KeptAnswer, KeptAnswers, Key
from cms.response_cache.version import UnknownVersionError, VersionReader
from pages.reading.compression import compressed, encoding_for

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# Under these addresses nothing is ever kept, so that they need not be looked up.
NOT_KEPT = (*SIGNED_IN, settings.STATIC_URL, "/healthz", "/deadlines/", "/docs/", "/graphiql/", "/.well-known/")
# The headers on which an answer for readers may depend, beside the conditional ones, which are answered here.
HEADERS = (
    "HTTP_HOST",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ORIGIN",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_CONTENT_ENCODING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "wsgi.url_scheme",
)
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
# A request with one of these is Django's: it may be for one person, or for a part of the answer.
PERSONAL = ("HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_TRANSFER_ENCODING")
GRAPHQL = "/graphql/"
ATTEMPTS = 3  # at making an answer during which nothing is published, before a transaction is used
WAIT = 30  # seconds that a request waits for another one that makes the same answer
COUNTED_TOGETHER = 20  # requests of one client towards the rate limit
MAX_CLIENTS = 10_000  # of which anything is remembered
# Headers for one client, which no other gets.
PER_CLIENT = {"ratelimit"}
# What is sent, in any order: a 304 has no content, and so nothing about it (RFC 9110, section 15.4.5).
NOT_IN_304 = {"content-type", "content-length", "content-encoding"}


class Recorded:
    """What an application has answered."""

    status = ""
    headers: list[Header]
    body: Iterable[bytes]

    def __init__(self, application: Application, environ: Environ) -> None:
        self.body = application(environ, self._start)

    def _start(self, status: str, headers: list[Header], exc_info: object = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda data: None

    def read(self) -> bytes:
        try:
            return b"".join(self.body)
        finally:
            self.close()

    def close(self) -> None:
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


class ResponseCache:
    """A WSGI application in front of another one. `limit` is the number of bytes that kept answers may take."""

    def __init__(self, application: Application, limit: int) -> None:
        self.application = application
        self.answers = KeptAnswers(limit)
        self.versions = VersionReader()
        self._boundary: tuple[int, float] = (-1, 0.0)  # the version, and when an answer of it may change by itself
        self._being_made: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()
        self._clients: dict[str, str] = {}  # by address
        self._uncounted: dict[tuple[str, str], int] = {}  # requests by client and kind
        self._limited: dict[tuple[str, str], float] = {}  # until when a client gets no answer from here

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = self._key(environ)
        if key is None:
            return self.application(environ, start_response)
        now = time()
        try:
            version = self.versions.read()
        except UnknownVersionError:
            return self.application(environ, start_response)
        answer = self.answers.get(key, version, now)
        if answer is None:
            return self._first(key, environ, start_response)
        if not self._count(environ, now):
            return self.application(environ, start_response)
        return _send(answer, environ, start_response, now)

    def _key(self, environ: Environ) -> Key | None:
        """What the answer depends on; None for a request whose answer is never kept."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith(NOT_KEPT) or settings.SESSION_COOKIE_NAME in environ.get("HTTP_COOKIE", ""):
            return None
        for name in PERSONAL:
            if name in environ:
                return None
        if method == "GET":
            body = b""
        elif method == "POST" and path == GRAPHQL:
            length = environ.get("CONTENT_LENGTH") or ""
            if not length.isdecimal() or len(length) > 9 or int(length) > settings.GRAPHQL_MAX_BODY:
                return None
            body = environ["wsgi.input"].read(int(length))
            environ["wsgi.input"] = BytesIO(body)
        else:
            return None
        return (method, path, environ.get("QUERY_STRING", ""), *[environ.get(name, "") for name in HEADERS], body)

    # --- Making an answer ---

    def _first(self, key: Key, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Make the answer, or wait for the request that makes it."""
        with self._lock:
            other = self._being_made.get(key)
            if other is None:
                made = self._being_made[key] = threading.Event()
        if other is None:
            try:
                return self._make(key, environ, start_response)
            finally:
                with self._lock:
                    del self._being_made[key]
                made.set()
        other.wait(WAIT)
        try:
            answer = self.answers.get(key, self.versions.read(), time())
        except UnknownVersionError:
            answer = None
        if answer is None:
            return self._make(key, environ, start_response)
        if not self._count(environ, time()):
            return self.application(environ, start_response)
        return _send(answer, environ, start_response, time())

    def _make(self, key: Key, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        for _ in range(ATTEMPTS):
            version, until = self._state()
            recorded, may_be_kept = self._by_django(key, environ)
            if not may_be_kept:
                return _pass_on(recorded, environ, start_response)
            answer, own = _answer(recorded, environ, until), _per_client(recorded.headers)
            if version is None:  # it cannot be kept
                return _send(answer, environ, start_response, time(), own)
            # Something may have been published meanwhile. Then one part of the answer may be older than another.
            if version == self._state()[0]:
                self.answers.keep(key, version, answer)
                return _send(answer, environ, start_response, time(), own)
        recorded, may_be_kept = self._by_django(key, environ | {ONE_SNAPSHOT: True})
        if not may_be_kept:
            return _pass_on(recorded, environ, start_response)
        answer, own = _answer(recorded, environ, until), _per_client(recorded.headers)
        return _send(answer, environ, start_response, time(), own)

    def _by_django(self, key: Key, environ: Environ) -> tuple[Recorded, bool]:
        """What Django answers without the conditions, which are about the whole answer, and whether it may be kept."""
        own = {name: value for name, value in environ.items() if name not in CONDITIONS}
        own["wsgi.input"] = BytesIO(bytes(key[-1]))  # type: ignore[arg-type]
        recorded = Recorded(self.application, own)
        return recorded, MAY_BE_KEPT in own and not _is_personal(recorded.headers)

    def _state(self) -> tuple[int | None, float]:
        """The version, if it is known, and when an answer of it may change by itself, in seconds since 1970."""
        now = timezone.now()
        try:
            version = self.versions.read()
            known, until = self._boundary
            if known != version or now.timestamp() >= until:
                until = next_boundary(now).timestamp()
                self._boundary = (version, until)
        except (UnknownVersionError, DatabaseError):
            return None, 0.0
        return version, until

    # --- Rate limits ---

    def _count(self, environ: Environ, now: float) -> bool:
        """Count the request, with some others of the client. Returns whether the client is below the limit."""
        kind = "graphql" if environ["PATH_INFO"] == GRAPHQL else "readers"
        client = (self._client(environ), kind)
        if self._limited.get(client, 0) > now:
            return False
        number = self._uncounted.get(client, 0) + 1
        if number < COUNTED_TOGETHER:
            _remember(self._uncounted, client, number)
            return True
        self._uncounted.pop(client, None)
        request = HttpRequest()
        request.META = environ
        limit = settings.GRAPHQL_RATE_LIMIT if kind == "graphql" else settings.RATE_LIMIT
        try:
            count(request, kind, limit, number)
        except RateLimitError as error:
            _remember(self._limited, client, now + min(error.seconds, WINDOW))
            return False
        return True

    def _client(self, environ: Environ) -> str:
        """What counts as one client. Working it out takes longer than sending an answer, so it is remembered."""
        address: str = environ.get("REMOTE_ADDR", "")
        if settings.TRUSTED_PROXY:  # which appends the address of its client
            address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
        found = self._clients.get(address)
        if found is None:
            request = HttpRequest()
            request.META = environ
            found = client_of(request)
            _remember(self._clients, address, found)
        return found


def _remember(known: dict[Any, Any], key: object, value: object) -> None:
    """Keeps the value of a client, for at most `MAX_CLIENTS` clients."""
    if len(known) >= MAX_CLIENTS:
        known.clear()
    known[key] = value


def _is_personal(headers: list[Header]) -> bool:
    return any(
        name.lower() == "set-cookie" or (name.lower() == "cache-control" and "private" in value)
        for name, value in headers
    )


def _per_client(headers: list[Header]) -> list[Header]:
    return [each for each in headers if each[0].lower() in PER_CLIENT]


def _answer(recorded: Recorded, environ: Environ, until: float) -> KeptAnswer:
    """The answer as it is kept: compressed as the client prefers, and with an ETag."""
    body = recorded.read()
    headers = {name: value for name, value in recorded.headers if name.lower() not in PER_CLIENT}
    if environ["REQUEST_METHOD"] == "GET" and "ETag" not in headers:
        request = HttpRequest()
        request.META = environ
        encoding = "" if "Content-Encoding" in headers else encoding_for(request, body)
        # Each compressed variant has an ETag of its own (RFC 9110, section 8.8.3.3).
        headers["ETag"] = f'"{sha256(body).hexdigest()[:32]}{encoding and "-"}{encoding}"'
        if "Content-Encoding" not in headers:
            vary = [name.strip() for name in headers.get("Vary", "").split(",") if name.strip()]
            headers["Vary"] = ", ".join(dict.fromkeys([*vary, "Accept-Encoding"]))
        if encoding:
            body = compressed(body, encoding)
            headers["Content-Encoding"] = encoding
    headers["Content-Length"] = str(len(body))
    max_age = re.search(r"max-age=(\d+)", headers.get("Cache-Control", ""))
    return KeptAnswer(
        headers=list(headers.items()),
        body=body,
        etag=headers.get("ETag", ""),
        last_modified=parse_http_date_safe(headers.get("Last-Modified", "")),
        max_age=int(max_age[1]) if max_age else 0,
        valid_until=until,
    )


def _send(
    answer: KeptAnswer, environ: Environ, start_response: StartResponse, now: float, own: Sequence[Header] = ()
) -> Iterable[bytes]:
    """Send the answer. `own` are the headers for the client for whom it was made."""
    headers = [*answer.headers, *own] if own else answer.headers
    left = max(0, int(answer.valid_until - now))
    if left < answer.max_age:  # whoever stores it must ask again when time changes it
        headers = [
            (name, re.sub(r"max-age=\d+", f"max-age={left}", value) if name == "Cache-Control" else value)
            for name, value in headers
        ]
    if _is_current(answer.etag, answer.last_modified, environ):
        start_response("304 Not Modified", [each for each in headers if each[0].lower() not in NOT_IN_304])
        return []
    start_response("200 OK", headers)
    return [answer.body]


def _pass_on(recorded: Recorded, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer that is not kept, as Django has made it."""
    headers = dict(recorded.headers)
    modified = parse_http_date_safe(headers.get("Last-Modified", ""))
    if recorded.status.startswith("200") and _is_current(headers.get("ETag", ""), modified, environ):
        recorded.close()
        start_response("304 Not Modified", [each for each in recorded.headers if each[0].lower() not in NOT_IN_304])
        return []
    start_response(recorded.status, recorded.headers)
    return recorded.body


def _is_current(etag: str, last_modified: int | None, environ: Environ) -> bool:
    """Whether the client has this answer already (RFC 9110, section 13.2.2)."""
    known = environ.get("HTTP_IF_NONE_MATCH")
    if environ["REQUEST_METHOD"] != "GET":
        return False
    if known is not None:
        return bool(etag) and (
            known == etag or known.strip() == "*" or etag in {each.removeprefix("W/") for each in parse_etags(known)}
        )
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    seconds = parse_http_date_safe(since) if since and last_modified is not None else None
    return seconds is not None and last_modified is not None and last_modified <= seconds
