"""What a page type answers for the API, the feeds, the HTML pages, the search, previews and the leak check.

Every answer has a default, but for `feed_key`. docs/developing/page-type.md has an example.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from wagtail.models import Page

from pages.content.feed_stories import PageEvent, PageFeed, ShownToReaders
from pages.content.references import child_relations


class PageAnswers(Page):
    """The defaults. Page types override them as class attributes and methods, as Wagtail's own."""

    # --- What kind of page it is ---

    is_home_page: ClassVar[bool] = False
    # Of a death review. The website has no preview of it, no command publishes it, caches keep no copy of its files,
    # and only people who handle death reviews withdraw it.
    is_sensitive: ClassVar[bool] = False
    # The permission without which people find no page of this type in the admin, and no word of one.
    permission_to_find: ClassVar[str] = ""
    may_show_death_review_files: ClassVar[bool] = False
    # Whether one moderator can cancel or postpone what it tells of (pages/editing/meeting_changes.py).
    has_fast_lane: ClassVar[bool] = False

    # --- The API ---

    # Fields and rows of the type that editors write and no public answer has; `manage.py check` misses all others.
    private_fields: ClassVar[tuple[str, ...]] = ()
    # In which order the API lists its pages (`page_list` in cms/graphql/schema/query.py): a total order, as Django
    # writes it.
    list_order: ClassVar[tuple[str, ...]] = ("-first_published_at", "-uuid")

    # --- Feeds and calendars ---

    # The key of the feed that tells of its pages, or None. There is no default: each type says it.
    feed_key: ClassVar[str | None]
    # The feeds that list the same things as a page of this type.
    declared_feeds: ClassVar[tuple[PageFeed, ...]] = ()
    # Stands before everything else that feeds tell of a page: some feed readers show nothing more.
    content_warning: ClassVar[str] = ""
    # Whether its pages are events of the calendar (feeds/event.py).
    makes_events: ClassVar[bool] = False

    # --- HTML ---

    # The key of the feed that the HTML page offers to follow.
    offers_feed: ClassVar[str] = ""

    # --- The leak check ---

    # It plants one draft of each type, and pages in all states of those types that have a name here, which is one of
    # cms/leakcheck/canaries.py.
    canary_kind: ClassVar[str] = ""
    # Foreign keys to snippets that keep a version from being published while the snippet is hidden.
    refused_while_hidden: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    # --- Publication and withdrawal ---

    def values_set_by_publication(self) -> dict[str, Any]:
        """Fields that publishing this version fills, where an editor left them empty; nothing is saved."""
        return {}

    def rows_added_by_publication(self, before: Any, as_of: datetime) -> dict[str, list[Any]]:
        """Rows that publishing this version at the instant adds to the page, by the relation; nothing is saved.

        `before` is the version that readers knew, or None.
        """
        return {}

    def withdrawal_problems(self, kind: str) -> dict[str, str]:
        """What keeps a public page of this type from being withdrawn in this way: field name → what to do."""
        return {}

    def exempt_documents(self) -> set[int]:
        """Primary keys of documents that this version must never give to readers, in whatever way it names them."""
        return set()

    # --- The search, and search engines ---

    def searchable_rows(self) -> Iterator[models.Model]:
        """The rows of this page whose words are found as words of the page."""
        for relation in child_relations(type(self)):
            yield from getattr(self, relation).all()

    def searchable_words_of_documents(self) -> dict[int, str]:
        """By the primary key of a document, what the page says of it: found with the file, and only with it."""
        return {}

    @property
    def noindex(self) -> bool:
        """Whether search engines are asked to leave this page out. Our own search then finds it by its title alone.

        A type that answers this also answers `noindex_pages`.
        """
        return False

    @classmethod
    def noindex_pages(cls) -> "models.QuerySet[Any]":
        """The pages of this type for which `noindex` is true."""
        return cls._default_manager.none()

    # --- Feeds and calendars ---

    def feed_title(self) -> str:
        return self.title

    def feed_summary(self, shown: ShownToReaders) -> str:
        return self.summary

    def feed_files(self, shown: ShownToReaders) -> list[Any]:
        """The files that come with its entry. RSS carries the first one."""
        return []

    def feed_events(self, shown: ShownToReaders) -> Iterable[PageEvent]:
        """What makes entries of its own, beside the publication of the page."""
        return ()

    def priorities_told_of(self) -> list[Any]:
        """The priorities whose feeds tell of this page."""
        return []

    def support_services_shown(self, shown: ShownToReaders) -> list[Any]:
        """Who helps, beside a `content_warning`."""
        return []

    @property
    def is_in_calendar(self) -> bool:
        """Whether the page can be an event of the calendar: its type makes events, and its date is known."""
        return False

    # --- HTML ---

    @classmethod
    def article_template(cls) -> str:
        """The template of what its HTML page, and its entry in feeds, say beside title and summary."""
        return f"pages/{cls._meta.model_name}.html"

    def html_context(self) -> dict[str, Any]:
        """What that template needs beside the page itself."""
        return {}

    def note_in_lists(self) -> str:
        """What a list says of this page beside its title and summary."""
        return ""

    # --- The leak check ---

    @classmethod
    def canary_values(cls, as_of: datetime) -> dict[str, Any]:
        """What a page that the leak check plants needs beside texts, to keep the rules of its type."""
        return {}
