"""Checks whether an anonymous visitor can get content that must be hidden (`manage.py check_leaks`).

The check queries every field of the endpoint's own GraphQL schema (cms/leakcheck/queries.py), so that new fields are
included by themselves. It requests every address of the site that any response contains, and well-known others. It
searches all responses for the canary words. It sends requests through one function, and uses no database.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from graphql import build_client_schema, get_introspection_query

from cms.leakcheck.canaries import CANARY, CONTROL, hidden_paths, well_known_addresses
from cms.leakcheck.queries import PLACES_IN_A_QUERY, GraphQLWalk, Place, call_of

GRAPHQL = "/graphql/"
FAILURES_IN_A_ROW = 5
LONGEST_ADDRESS = 2000
TEXT_TYPES = ("html", "xml", "text/plain")
# The beginning of the GraphQL error for a picture whose file is lost. The error hides no content from the check.
IGNORED_ERROR = "The file of this picture is missing."
_ABSOLUTE = re.compile(r"""https?://[^\s"'<>\\^`{|}]+""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(?:href|src|action)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROBOTS = re.compile(r"^(?:dis)?allow:\s*(/\S*)", re.IGNORECASE | re.MULTILINE)
_PAGE_PATH = re.compile(r"/(?:[\w\-]+/)*")


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    @cached_property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object in the body; an empty one if the body is not a JSON object."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}


class UnreachableError(Exception):
    """There was no response. The message says why."""


class NoEndpointError(Exception):
    """There is no GraphQL endpoint with introspection at the address. The message says what to do."""


# Takes a path on the site, and the JSON body of a POST or None for a GET. It follows no redirects, and raises
# `UnreachableError`.
Fetch = Callable[[str, bytes | None], Answer]


@dataclass(frozen=True)
class Finding:
    """A leak, or something that could not be checked."""

    place: str
    where: str
    excerpt: str


@dataclass
class Report:
    """The result of a check, and how many requests it took."""

    findings: dict[Finding, None] = field(default_factory=dict)  # a set in the order in which they were found
    queries: int = 0
    addresses: int = 0
    control_seen: bool = False


class LeakCheck:
    """One check of the site at `base`. `progress` is called after each request with the numbers done and left."""

    def __init__(
        self,
        fetch: Fetch,
        base: str,
        words: tuple[str, ...] = (),
        limit: int = 5000,
        progress: Callable[[int, int], None] = lambda done, left: None,
    ) -> None:
        self.fetch, self.base, self.limit, self.progress = fetch, base, limit, progress
        self.words = [CANARY, *(word.casefold() for word in words)]
        self.report = Report()
        self.roots = {urlsplit(base).netloc.lower(): ""}  # host → the prefix of the paths of pages there
        self.hidden = hidden_paths()
        self.guesses = {*well_known_addresses(), *self.hidden}
        self.addresses = deque(sorted(self.guesses))
        self.known = set(self.guesses)
        self.failures = 0
        self.ids: set[str] = set()  # of pages in the list of changes

    def run(self) -> Report:
        """Raises `UnreachableError` if the site does not answer, `NoEndpointError` if it has no GraphQL endpoint."""
        answer = self._post(get_introspection_query(descriptions=False))
        try:
            self.walk = GraphQLWalk(build_client_schema(answer.json["data"]), self.words)
        except (KeyError, TypeError, AssertionError):
            raise NoEndpointError(_no_endpoint(answer)) from None
        self._learn_roots()
        for path in self.hidden:
            self.walk.add_path(path)
        while (left := -(-len(self.walk.pending) // PLACES_IN_A_QUERY) + len(self.addresses)) > 0:
            if self.report.queries + self.report.addresses >= self.limit:
                self._find("the rest", "not covered", f"At least {left} requests are left: raise --max-requests.")
                break
            if self.walk.pending:
                self._ask(self.walk.batch())
            else:
                self._visit(self.addresses.popleft())
            self.progress(self.report.queries + self.report.addresses, left)
        for argument in sorted(self.walk.unfilled):
            self._find(argument, "not covered", "Add a value for this argument to cms/leakcheck/queries.py.")
        return self.report

    def _find(self, place: str, where: str, excerpt: str) -> None:
        self.report.findings[Finding(place, where, excerpt)] = None

    def _try(self, request: Callable[[], Answer], place: str) -> Answer | None:
        """The response. A failed request is a finding and returns None; after several in a row it raises."""
        try:
            answer = request()
        except UnreachableError as error:
            self.failures += 1
            if self.failures >= FAILURES_IN_A_ROW:
                raise
            self._find(place, "no answer", str(error))
            return None
        self.failures = 0
        if answer.status >= 500:
            self._find(place, f"answer {answer.status}", "The site failed here, which may hide a leak.")
        return answer

    # --- GraphQL ---

    def _post(self, query: str) -> Answer:
        self.report.queries += 1
        return self.fetch(GRAPHQL, json.dumps({"query": query}).encode())

    def _learn_roots(self) -> None:
        """Learn under which hosts the site refers to itself: they may differ from the host of `base`."""
        data = self._post(self.walk.roots_query()).json.get("data") or {}
        pages = urlsplit((data.get("site") or {}).get("rootUrl") or self.base)
        for parts in (urlsplit(feed["url"]) for feed in data.get("feeds") or []):
            self.roots.setdefault(parts.netloc.lower(), "")
        self.roots.setdefault(pages.netloc.lower(), pages.path.rstrip("/"))

    def _ask(self, places: list[Place]) -> None:
        first = call_of(places[0])
        answer = self._try(lambda: self._post(self.walk.query(places)), first)
        if answer is None:
            return
        content = answer.json
        data, errors = content.get("data"), content.get("errors") or []
        if not data and len(places) > 1:
            # The whole query was refused. Two halves find the cause, and cover the rest.
            middle = len(places) // 2
            self._ask(places[:middle])
            self._ask(places[middle:])
            return
        if not data and not errors:
            self._find(first, f"answer {answer.status}", "This is not a GraphQL response.")
        self._note_errors(errors, first)
        for place, text in self.walk.strings(content):
            asked_for = [path for path in self.hidden if f'"{path}"' in place]
            self._search(place.removeprefix("data."), "value", text, asked_for)
            self._learn(text, self.base, bare=True)
            if place.endswith(".pageId") and text not in self.ids:
                self.ids.add(text)
                self.walk.add_id(text)
        self._search_headers(first, answer, [])
        self.walk.learn(places, data or {})

    def _note_errors(self, errors: list[dict[str, Any]], first: str) -> None:
        for error in errors:
            place = ".".join(self.walk.readable(str(key)) for key in error.get("path") or [first])
            if not str(error.get("message")).startswith(IGNORED_ERROR):
                self._find(place, "not covered", str(error.get("message")))

    # --- Addresses ---

    def _visit(self, path: str) -> None:
        self.report.addresses += 1
        answer = self._try(lambda: self.fetch(path, None), path)
        if answer is None:
            return
        asked_for = [path.strip("/")] if path in self.guesses and CANARY in path else []
        if path not in self.guesses:
            self._search(path, "address", path, [])
        if answer.status not in self.hidden.get(path, {answer.status}):
            self._find(path, f"answer {answer.status}", "This reveals that there is a hidden page.")
        if path.startswith("/admin/api/") and answer.status == 200:
            self._find(path, "answer 200", "The admin's API answers without sign-in.")
        self._search_headers(path, answer, asked_for)
        self._search(path, "body", answer.text, asked_for)
        self._learn_from(answer, path)

    def _learn_from(self, answer: Answer, path: str) -> None:
        here, kind = urljoin(self.base, path), answer.header("content-type").lower()
        self._learn(answer.header("location"), here, bare=True)
        self._learn(answer.header("link"), here)
        if "json" in kind:
            for _, text in self.walk.strings(answer.json):
                self._learn(text, here, bare=True)
        elif any(name in kind for name in TEXT_TYPES):
            self._learn(answer.text, here)
        if path == "/robots.txt":
            for address in _ROBOTS.findall(answer.text):
                self._learn(address, here, bare=True)

    def _learn(self, text: str, base: str, bare: bool = False) -> None:
        """Queue every address of this site in a text. `bare`: the text itself may be one, such as "/meetings/"."""
        for form in dict.fromkeys((text, unescape(text), unescape(unescape(text)))):
            found = [*_ABSOLUTE.findall(form), *("".join(match) for match in _ATTRIBUTE.findall(form))]
            if bare and form.startswith("/") and not re.search(r"\s", form):
                found.append(form)
            for address in found:
                self._add_address(self._on_site(address.rstrip(".,;)"), base))

    def _add_address(self, path: str | None) -> None:
        if path is None or path in self.known:
            return
        self.known.add(path)
        self.addresses.append(path)
        if _PAGE_PATH.fullmatch(page := unquote(path)):
            self.walk.add_path(page)

    def _on_site(self, address: str, base: str) -> str | None:
        """The path and query of an address at any of the site's hosts; None for any other address."""
        try:
            parts = urlsplit(urljoin(base, address))
        except ValueError:
            return None
        prefix = self.roots.get(parts.netloc.lower())
        if parts.scheme not in ("http", "https") or prefix is None or not parts.path.startswith(prefix):
            return None
        path = quote(parts.path.removeprefix(prefix) or "/", safe="/%:@!$&'()*+,;=~")
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?") if parts.query else ""
        return path if path.startswith("/") and len(path) <= LONGEST_ADDRESS else None

    # --- Words ---

    def _search_headers(self, place: str, answer: Answer, asked_for: list[str]) -> None:
        self.report.control_seen |= CONTROL in answer.text.casefold()
        for name, value in answer.headers.items():
            self._search(place, f"header {name}", value, asked_for)

    def _search(self, place: str, where: str, text: str, asked_for: list[str]) -> None:
        """Report each word once. `asked_for` are texts of the request, which the response may repeat."""
        for word in self.words:
            for form in dict.fromkeys((text, unescape(text), unquote(text))):
                searched = form.casefold()
                for echo in asked_for:
                    searched = searched.replace(echo.casefold(), " " * len(echo))
                if (start := searched.find(word)) >= 0:
                    self._find(place, where, _excerpt(form, start, len(word)))
                    break


def _excerpt(text: str, start: int, length: int) -> str:
    """The word with 30 characters on each side, without line breaks and control characters."""
    part = text[max(0, start - 30) : start + length + 30]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in part).split())


def _no_endpoint(answer: Answer) -> str:
    """The message for `NoEndpointError`."""
    if 300 <= answer.status < 400:
        return f"{GRAPHQL} redirects to {answer.header('location')}: give the address of that site."
    return (
        f"{GRAPHQL} answers {answer.status} and gives no schema: give the address of the CMS itself, and allow "
        "introspection there."
    )
