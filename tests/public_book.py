"""The book that tests/test_public_set.py keeps: what is public by the rules of docs/what-is-public.md, where it is and
was, and so what each address must answer.

It is told what people do and never looks at the database or asks the code that it judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["standard", "news", "meetings"]


class Named:
    """Stands in a failure's steps by its name: all that is known of it would fill a screen."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


@dataclass(eq=False, repr=False)
class File(Named):
    """A document, or a picture where `picture`. `label` is its title or alternative text."""

    pk: int
    picture: bool
    label: str
    word: str  # what the bytes are now: each file that is uploaded has a word of its own
    addresses: dict[str, str]  # word → address
    on_shelf: bool = False
    down: bool = False
    deleted: bool = False

    def __repr__(self) -> str:
        return f"<{'picture' if self.picture else 'document'} {self.pk}>"


@dataclass(eq=False)
class Venue:
    """A snippet with drafts: the words of the published one, if it is."""

    pk: int
    published: str | None


@dataclass(frozen=True)
class Version:
    """The words of one version, where it lies, and its files, each with the word that it had on approval.

    `hidden` are the files that readers could not have opened then. They stay closed until another version is approved.
    """

    word: str
    slug: str
    files: tuple[tuple[File, str], ...] = ()
    venue: Venue | None = None
    hidden: tuple[File, ...] = ()

    def as_it_is(self, shelf_is_private: bool) -> "Version":
        """With the files that are there when it is submitted, which may be newer than the draft."""
        files = tuple((file, file.word) for file, _ in self.files)
        hidden = tuple(file for file, _ in files if file.down or (file.on_shelf and shelf_is_private))
        return Version(self.word, self.slug, files, self.venue, hidden)

    def has_the_same_files(self) -> bool:
        return all(file.word == word for file, word in self.files)


@dataclass(eq=False, repr=False)
class Node(Named):
    """A page: what was published of it, and what stands in the way."""

    pk: int
    uuid: str
    kind: Kind
    parent: "Node | None"
    slug: str
    draft: Version
    published: Version | None = None
    scheduled: tuple[datetime, Version] | None = None
    expires: datetime | None = None
    restricted: bool = False
    withdrawn: str = ""
    alternative: "Node | None" = None
    deleted: bool = False
    ended: datetime | None = None  # when it stopped being public; None where nobody but the clock did it

    def __repr__(self) -> str:
        return f"<{self.kind} page {self.pk}>"

    def slugs(self) -> set[str]:
        """Those that it has, or may have once a draft of it is published."""
        return {self.slug, self.draft.slug, *({self.scheduled[1].slug} if self.scheduled else ())}

    def publish(self, version: Version) -> None:
        self.published, self.slug = version, version.slug
        self.withdrawn, self.alternative, self.scheduled = "", None, None

    def unpublish(self) -> None:
        self.published = self.scheduled = None


@dataclass(frozen=True)
class Answer:
    """What an address must answer: with the page that is or was there, or the path that it leads to."""

    status: int
    node: Node | None = None
    kind: str = ""  # of a withdrawal
    target: str = ""


@dataclass
class Book:
    """Everything that the machine knows. `note` after each thing that happens."""

    at: datetime
    nodes: list[Node] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    venue: Venue | None = None
    redirects: dict[str, tuple[Node, bool]] = field(default_factory=dict)  # path → page, permanent
    home_is_private: bool = False
    shelf_is_private: bool = True
    # What was public up to now:
    public_until_now: list[Node] = field(default_factory=list)
    last_at: dict[str, Node] = field(default_factory=dict)  # path → the page that was public there last
    once_public: set[str] = field(default_factory=set)  # words of files
    paths: dict[str, None] = field(default_factory=dict)  # of all pages, public or not, in the order of appearance

    # --- What is public ---

    def alive(self) -> list[Node]:
        return [node for node in self.nodes if not node.deleted]

    def public_nodes(self) -> list[Node]:
        return [node for node in self.nodes if self.is_public(node)]

    def is_public(self, node: Node | None) -> bool:
        if node is None:  # the home page
            return not self.home_is_private
        return not node.withdrawn and self.is_but_for_its_withdrawal(node)

    def is_but_for_its_withdrawal(self, node: Node) -> bool:
        return (
            node.published is not None
            and not node.deleted
            and not node.restricted
            and (node.expires is None or node.expires > self.at)
            and self.is_public(node.parent)
        )

    def shown(self, node: Node) -> Iterator[tuple[File, str]]:
        """The files of a public page that are the approved ones, and neither private nor taken down."""
        if node.published and self.is_public(node):
            for file, word in node.published.files:
                private = (file.on_shelf and self.shelf_is_private) or file in node.published.hidden
                if not file.down and not file.deleted and not private and file.word == word:
                    yield file, word

    def public_files(self) -> dict[str, File]:
        return {word: file for node in self.nodes for file, word in self.shown(node)}

    def words_of(self, node: Node) -> set[str]:
        """What a public page says, with the names of its files."""
        if node.published is None or not self.is_public(node):
            return set()
        venue = node.published.venue
        shared = {venue.published} if venue and venue.published else set()
        return {node.published.word, *shared, *(file.label for file, _ in self.shown(node))}

    def titles_of_withdrawn(self, kind: Kind) -> set[str]:
        """Of the pages that say themselves that they were withdrawn; feeds do, too."""
        told = (node for node in self.alive() if (node.kind, node.withdrawn) == (kind, "withdrawn"))
        return {node.published.word for node in told if node.published and self.is_but_for_its_withdrawal(node)}

    # --- What was public, and where ---

    def path(self, node: Node) -> str:
        above = self.path(node.parent) if node.parent else "/" if node.kind == "standard" else f"/{node.kind}/"
        return f"{above}{node.slug}/"

    def note(self, by_the_clock: bool = False) -> None:
        """Remember what is public at this instant, and what is no longer."""
        public = self.public_nodes()
        for node in self.public_until_now:
            if node not in public:
                node.ended = None if by_the_clock else self.at
        for node in public:
            self.last_at[self.path(node)] = node
        self.public_until_now = public
        self.once_public |= set(self.public_files())
        self.paths |= dict.fromkeys(self.path(node) for node in self.alive())

    # --- What addresses answer ---

    def answer(self, path: str) -> Answer:
        """A public page comes first, then an explanation, an editor's redirect, and what was there last."""
        return self._here(path) or self._redirected(path) or self._last_here(path)

    def _here(self, path: str) -> Answer | None:
        here = next((node for node in self.alive() if self.path(node) == path), None)
        if here is None or not self.is_but_for_its_withdrawal(here):
            return None
        if not here.withdrawn:
            return Answer(200, here)
        if here.withdrawn != "redirect":
            return Answer(410, here, here.withdrawn)
        if here.alternative and self.is_public(here.alternative):
            return Answer(301, here, "redirect", self.path(here.alternative))
        return Answer(410, here, "gone")

    def _redirected(self, path: str) -> Answer | None:
        node, permanent = self.redirects.get(path, (None, False))
        if node and self.is_public(node) and self.path(node) != path:
            return Answer(301 if permanent else 302, target=self.path(node))
        return None

    def _last_here(self, path: str) -> Answer:
        last = self.last_at.get(path)
        if last is None:
            return Answer(404)
        if self.is_but_for_its_withdrawal(last):
            return Answer(301, target=self.path(last))
        return Answer(410, last, "gone")

    def file_status(self, word: str) -> int:
        if word in self.public_files():
            return 200
        return 410 if word in self.once_public else 404
