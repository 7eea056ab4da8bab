"""Checks a running site over HTTP, as an anonymous visitor, for content that must not be public."""

import time
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from cms.leakcheck.check import Answer, Fetch, LeakCheck, NoEndpointError, Report, UnreachableError

SECONDS, LONGEST_WAIT = 10, 70
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
MOST_REQUESTS = 1_000_000
SHORTEST_WORD, LONGEST_WORD = 4, 200
LONGEST_TABLE = 200


class Command(BaseCommand):
    help = (
        "Requests everything that an anonymous visitor of a running site can get, and fails if a response contains a"
        " canary that `plant_canaries` created there. Uses no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="Address of the CMS, as in https://cms.example.org")
        parser.add_argument(
            "--canary",
            action="append",
            default=[],
            metavar="WORD",
            help="Look for this word too. The option can be repeated.",
        )
        parser.add_argument(
            "--max-requests", type=int, default=5000, help="Stop after this many requests (default: %(default)s)."
        )
        parser.add_argument(
            "--without-control", action="store_true", help="Do not fail if the public control page is missing."
        )

    def handle(self, *args: object, **options: Any) -> None:
        base = site_address(options["url"])
        limit = options["max_requests"]
        if not 1 <= limit <= MOST_REQUESTS:
            raise CommandError(f"--max-requests: give a number from 1 to {MOST_REQUESTS}, not {limit}.")
        words = [" ".join(word.split()) for word in options["canary"]]
        for word in words:
            if not SHORTEST_WORD <= len(word) <= LONGEST_WORD:
                raise CommandError(f"--canary: give a word of {SHORTEST_WORD} to {LONGEST_WORD} letters, not {word!r}.")
        with tqdm(desc="requests", unit="request", disable=None) as bar:

            def progress(done: int, left: int) -> None:
                bar.total = done + left
                bar.update(done - bar.n)

            try:
                report = LeakCheck(over_http(base), base, tuple(words), limit, progress).run()
            except UnreachableError as error:
                raise CommandError(f"{base} does not answer ({error}): start it or correct the address.") from error
            except NoEndpointError as error:
                raise CommandError(f"{base}: {error}") from error
        self.conclude(report, needs_control=not options["without_control"])

    def conclude(self, report: Report, needs_control: bool) -> None:
        """Print the result. Raises CommandError for findings, and if the control page was not found."""
        requests = f"{report.queries} queries, {report.addresses} addresses"
        rows = [(finding.place, finding.where, finding.excerpt) for finding in report.findings]
        if rows:
            self.stdout.write(table([("address or GraphQL path", "where", "excerpt"), *rows[:LONGEST_TABLE]]))
            if len(rows) > LONGEST_TABLE:
                self.stdout.write(f"… and {len(rows) - LONGEST_TABLE} more.")
            raise CommandError(
                f"{requests}. Findings: {len(rows)}. The table lists what is public or could not be checked."
            )
        if needs_control and not report.control_seen:
            raise CommandError(
                f"{requests}, and the control page is missing, so this proves nothing: run `manage.py plant_canaries`"
                " on that site first, or add --without-control."
            )
        self.stdout.write(f"{requests}, no leak.")


def site_address(text: str) -> str:
    """The address without a slash at the end. Raises CommandError."""
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise CommandError(f"{text!r}: give the address of the CMS with no path, as in https://cms.example.org")
    return f"{parts.scheme}://{parts.netloc}"


class _NoRedirect(HTTPRedirectHandler):
    """Returns redirects as responses: the check follows them itself, and only to the same site."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def over_http(base: str) -> Fetch:
    """A function for requests to this site only, without cookies."""
    opener = build_opener(_NoRedirect)

    def fetch(path: str, body: bytes | None) -> Answer:
        headers = {"Content-Type": "application/json"} if body else {}
        request = Request(base + path, data=body, headers=headers)  # noqa: S310 - `site_address` allows http(s) alone
        answer = _fetch(opener, request)
        if answer.status == 429:  # the client has reached a rate limit
            seconds = answer.headers.get("retry-after", "")
            time.sleep(min(int(seconds), LONGEST_WAIT) if seconds.isdecimal() else LONGEST_WAIT)
            answer = _fetch(opener, request)
        return answer

    return fetch


def _fetch(opener: OpenerDirector, request: Request) -> Answer:
    """Raises `UnreachableError`."""
    deadline = time.monotonic() + SECONDS
    try:
        with _open(opener, request) as response:
            content = _content(response, deadline)
            names = {name.lower() for name in response.headers}
            headers = {name: ", ".join(response.headers.get_all(name, [])) for name in sorted(names)}
            return Answer(response.status or 0, headers, content)
    except (OSError, HTTPException, ValueError) as error:
        raise UnreachableError(str(getattr(error, "reason", "") or error) or type(error).__name__) from error


def _open(opener: OpenerDirector, request: Request) -> HTTPResponse | HTTPError:
    """The response, whatever its status. urllib raises those with a status from 400."""
    try:
        response: HTTPResponse = opener.open(request, timeout=SECONDS)
        return response
    except HTTPError as error:
        return error


def _content(response: HTTPResponse | HTTPError, deadline: float) -> bytes:
    """The body. Raises `UnreachableError` if it is too large or arrives too slowly."""
    content = bytearray()
    while chunk := response.read(65536):
        content += chunk
        if time.monotonic() > deadline:
            raise UnreachableError(f"the response did not arrive within {SECONDS} seconds")
        if len(content) > LARGEST_ANSWER:
            raise UnreachableError(f"the response is larger than {LARGEST_ANSWER} bytes")
    return bytes(content)


def table(rows: list[tuple[str, str, str]]) -> str:
    widths = [min(70, max(len(row[column]) for row in rows)) for column in (0, 1)]
    return "\n".join(f"{place:{widths[0]}} | {where:{widths[1]}} | {excerpt}" for place, where, excerpt in rows)
