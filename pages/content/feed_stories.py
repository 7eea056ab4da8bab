"""What page types tell the feeds, as neutral data. feeds/catalogue.py lists the feeds, feeds/build makes entries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pages.content.choices import FeedFormat

ENTRY_FORMATS = (FeedFormat.RSS, FeedFormat.ATOM, FeedFormat.JSON)


@dataclass(frozen=True)
class PageFeed:
    """A feed of the partnership, declared by the page type whose pages list the same things.

    `key` is the name in its addresses, and what page types name it by. Feeds are listed by `position`. One that
    `is_opt_in` is for people who chose it knowingly: no page offers it, and what it tells is in no other feed.
    """

    key: str
    title: str
    description: str
    position: int
    formats: tuple[FeedFormat, ...] = ENTRY_FORMATS
    is_opt_in: bool = False


@dataclass(frozen=True)
class PageEvent:
    """Something that happened to a page, told by an entry of its own. `name` stays the same for ever."""

    name: str
    at: datetime
    title: str
    summary: str
    files: tuple[Any, ...] = ()


class ShownToReaders(Protocol):
    """What a page refers to, as far as readers may see it (feeds/build/stories.py)."""

    def related(self, obj: Any, name: str) -> Any:
        """What a foreign key of the page or of one of its rows names, or None."""

    def document(self, page: Any, key: int) -> Any:
        """The file of a document that the page shows, or None."""

    def documents(self, page: Any) -> list[Any]:
        """The files of the page's `page_documents`, data files last."""

    def papers(self, meeting: Any) -> list[Any]:
        """The public papers of a meeting, in its order."""

    def support_services(self, notice: Any) -> list[Any]:
        """The public support services that a death-review notice names."""
