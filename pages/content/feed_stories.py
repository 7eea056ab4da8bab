"""What page types declare for feeds. feeds/catalogue.py lists the feeds; feeds/build makes the entries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db.models import Model
from wagtail.models import Page

from pages.content.choices import FeedFormat

# What was over for longer than this when it was published is no news.
NEWS_FOR = timedelta(days=30)

ENTRY_FORMATS = (FeedFormat.RSS, FeedFormat.ATOM, FeedFormat.JSON)


@dataclass(frozen=True)
class PageFeed:
    """A feed of the partnership, declared by the page type whose pages list the same things.

    `key` is its name in URLs, and page types refer to it by this. Feeds are listed in the order of `position`. An
    `is_opt_in` feed is for people who choose it knowingly: no page links to it, and its entries are in no other feed.
    """

    key: str
    title: str
    description: str
    position: int
    formats: tuple[FeedFormat, ...] = ENTRY_FORMATS
    is_opt_in: bool = False


@dataclass(frozen=True)
class PageEvent:
    """An event of a page that gets a feed entry of its own. `name` is part of the entry's id, so it never changes.

    `updated` is when it was last corrected, if it was, and `note` says in a sentence how.
    """

    name: str
    at: datetime
    title: str
    summary: str
    files: tuple[Any, ...] = ()
    updated: datetime | None = None
    note: str = ""


class ShownToReaders(Protocol):
    """Gives the public objects that a page refers to. Implemented in feeds/build/stories.py."""

    def related(self, obj: Model, name: str) -> Any:
        """The public object that a foreign key of the page, or of a child object, refers to; or None."""

    def document(self, page: Page, key: int) -> Any:
        """The file of a document that the page shows, if it is public; or None."""

    def documents(self, page: Page) -> list[Any]:
        """The public files of the page's `page_documents`, data files last."""

    def papers(self, meeting: Page) -> list[Any]:
        """The public papers of a meeting, in the order of the meeting."""

    def support_services(self, notice: Page) -> list[Any]:
        """The public support services that a death-review notice names."""
