"""Decides whether an anonymous visitor can get what must be hidden; `manage.py check_leaks` and its tests run it.

It walks GraphQL as the endpoint's own schema describes it (cms/leakcheck/queries.py), so a field that is added
tomorrow is
asked for without anybody remembering, fetches every address of the site that any answer gives away, tries well-known
others, and looks for the canary words in all that comes back. It asks through one function and knows no database.
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
# How GraphQL's answer for a picture whose file was lost begins: nothing of the content is missing from the check.
FORGIVEN = "The file of this picture is missing."
_ABSOLUTE = re.compile(r"""https?://[^\s"'<>\\^`{|}]+""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(?:href|src|action)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROBOTS = re.compile(r"^(?:dis)?allow:\s*(/\S*)", re.IGNORECASE | re.MULTILINE)
_PAGE_PATH = re.compile(r"/(?:[\w\-]+/)*")


@dataclass(frozen=True)
class Answer:
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
        """The JSON object in the body; an empty one when there is none."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}


class UnreachableError(Exception):
    """No answer came. The message says why."""


class NoEndpointError(Exception):
    """What answers is no GraphQL endpoint that tells its schema. The message names the fix."""


# Takes a path on the site, and the JSON to post or None. It follows no redirect and raises `UnreachableError`.
Fetch = Callable[[str, bytes | None], Answer]


@dataclass(frozen=True)
class Finding:
    """A leak, or something that the check could not look at."""

    place: str
    where: str
    excerpt: str


@dataclass
class Report:
    findings: dict[Finding, None] = field(default_factory=dict)  # in the order in which they were found
    queries: int = 0
    addresses: int = 0
    control_seen: bool = False


class LeakCheck:
    """One check of the site at `base`. `progress` hears after each request how many are done and how many are left."""

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
        self.roots = {urlsplit(base).netloc.lower(): ""}  # host → what stands before the paths of pages there
        self.hidden = hidden_paths()
        self.guesses = {*well_known_addresses(), *self.hidden}
        self.addresses = deque(sorted(self.guesses))
        self.known = set(self.guesses)
        self.failures = 0

    def run(self) -> Report:
        """Raises `UnreachableError` and `NoEndpointError` when there is nothing to check."""
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
            self._find(argument, "not covered", "Say in cms/leakcheck/queries.py what to give for this argument.")
        return self.report

    def _find(self, place: str, where: str, excerpt: str) -> None:
        self.report.findings[Finding(place, where, excerpt)] = None

    def _try(self, request: Callable[[], Answer], place: str) -> Answer | None:
        """The answer; a request that fails is a finding, and a site that stopped answering ends the check."""
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
            self._find(place, f"answer {answer.status}", "The site failed here, which may hide something.")
        return answer

    # --- GraphQL ---

    def _post(self, query: str) -> Answer:
        self.report.queries += 1
        return self.fetch(GRAPHQL, json.dumps({"query": query}).encode())

    def _learn_roots(self) -> None:
        """By which addresses the site calls itself: they may differ from the one that was given."""
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
            # Refused as a whole: asked by halves, the rest is covered and the culprit is found.
            middle = len(places) // 2
            self._ask(places[:middle])
            self._ask(places[middle:])
            return
        if not data and not errors:
            self._find(first, f"answer {answer.status}", "This is no answer of GraphQL.")
        self._note_errors(errors, first)
        for place, text in self.walk.strings(content):
            asked_for = [path for path in self.hidden if f'"{path}"' in place]
            self._search(place.removeprefix("data."), "value", text, asked_for)
            self._learn(text, self.base, bare=True)
        self._search_headers(first, answer, [])
        self.walk.learn(places, data or {})

    def _note_errors(self, errors: list[dict[str, Any]], first: str) -> None:
        for error in errors:
            place = ".".join(self.walk.readable(str(key)) for key in error.get("path") or [first])
            if not str(error.get("message")).startswith(FORGIVEN):
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
            self._find(path, f"answer {answer.status}", "This tells that there is a hidden page.")
        if path.startswith("/admin/api/") and answer.status == 200:
            self._find(path, "answer 200", "The admin's API answers somebody who is not signed in.")
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
        """Note every address of this site in a text; `bare`: the text itself may be one, as in "/meetings/"."""
        for form in dict.fromkeys((text, unescape(text), unescape(unescape(text)))):
            found = [*_ABSOLUTE.findall(form), *("".join(match) for match in _ATTRIBUTE.findall(form))]
            if bare and form.startswith("/") and not re.search(r"\s", form):
                found.append(form)
            for address in found:
                self._note_address(self._on_site(address.rstrip(".,;)"), base))

    def _note_address(self, path: str | None) -> None:
        if path is None or path in self.known:
            return
        self.known.add(path)
        self.addresses.append(path)
        if _PAGE_PATH.fullmatch(page := unquote(path)):
            self.walk.add_path(page)

    def _on_site(self, address: str, base: str) -> str | None:
        """The path and query of an address of this site, whichever name it goes by; None for any other."""
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
        """Report each word once. What we named ourselves (`asked_for`) may come back."""
        for word in self.words:
            for form in dict.fromkeys((text, unescape(text), unquote(text))):
                told = form.casefold()
                for echo in asked_for:
                    told = told.replace(echo.casefold(), " " * len(echo))
                if (as_of := told.find(word)) >= 0:
                    self._find(place, where, _excerpt(form, as_of, len(word)))
                    break


def _excerpt(text: str, as_of: int, length: int) -> str:
    part = text[max(0, as_of - 30) : as_of + length + 30]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in part).split())


def _no_endpoint(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"{GRAPHQL} redirects to {answer.header('location')}: give the address of that site."
    return (
        f"{GRAPHQL} answers {answer.status} and does not tell its schema: give the address of the CMS itself, "
        "and let its endpoint answer introspection."
    )
