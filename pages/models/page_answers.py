"""What a page type declares for the API, feeds, HTML pages, search, previews and the leak check.

All declarations have defaults except `feed_key`. docs/developing/page-type.md has an example.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from wagtail.models import Page

from pages.content.feed_stories import PageEvent, PageFeed, ShownToReaders
from pages.content.references import child_relations


class PageAnswers(Page):
    """The defaults. Page types override them, as they override attributes and methods of Wagtail's Page."""

    # --- What kind of page it is ---

    is_home_page: ClassVar[bool] = False
    # Whether it is part of a death review. Then the website has no preview of it, no command publishes it, its files
    # are not cached, and only people who handle death reviews withdraw it.
    is_sensitive: ClassVar[bool] = False
    # The permission that people need to find pages of this type in the admin, including any mention of them.
    permission_to_find: ClassVar[str] = ""
    may_show_death_review_files: ClassVar[bool] = False
    # Whether one moderator alone can cancel or postpone its event (pages/editing/meeting_changes.py).
    has_fast_lane: ClassVar[bool] = False

    # --- The API ---

    # Fields and child relations that editors fill in and that are never public. `manage.py check` reports all other
    # fields that are missing from the API.
    private_fields: ClassVar[tuple[str, ...]] = ()
    # The order in which the API lists its pages (`page_list` in cms/graphql/schema/query.py), for `order_by`. It must
    # be a total order.
    list_order: ClassVar[tuple[str, ...]] = ("-first_published_at", "-uuid")

    # --- Feeds and calendars ---

    # The key of the feed that lists its pages, or None. There is no default: each type must set it.
    feed_key: ClassVar[str | None]
    # The feeds that list the same pages as a page of this type.
    declared_feeds: ClassVar[tuple[PageFeed, ...]] = ()
    # Comes first in every feed entry about a page, because some feed readers show only the beginning.
    content_warning: ClassVar[str] = ""
    # Whether its pages are calendar events (feeds/event.py).
    makes_events: ClassVar[bool] = False

    # --- HTML ---

    # The key of the feed to which the HTML page links.
    offers_feed: ClassVar[str] = ""

    # --- The leak check ---

    # The leak check creates one draft of each type. For types with a name here (from cms/leakcheck/canaries.py), it
    # creates pages in all states.
    canary_kind: ClassVar[str] = ""
    # Foreign keys to snippets: a version cannot be published while such a snippet is hidden.
    refused_while_hidden: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    # --- Publication and withdrawal ---

    def values_set_by_publication(self) -> dict[str, Any]:
        """Values for fields that are empty when this version is published. Nothing is saved."""
        return {}

    def rows_added_by_publication(self, before: Page | None, as_of: datetime) -> dict[str, list[Any]]:
        """Rows that publishing this version adds to the page: relation → unsaved rows. Nothing is saved.

        `before` is the version that readers know, or None. `as_of` is when this version is published.
        """
        return {}

    def withdrawal_problems(self, kind: str) -> dict[str, str]:
        """Why a public page cannot be withdrawn in this way (a `WithdrawalKind`): field name → what to do."""
        return {}

    def exempt_documents(self) -> set[int]:
        """Primary keys of the documents that this version must not make public, wherever it refers to them."""
        return set()

    # --- The search, and search engines ---

    def searchable_rows(self) -> Iterator[models.Model]:
        """The child rows whose words the search counts as words of the page."""
        for relation in child_relations(type(self)):
            yield from getattr(self, relation).all()

    def searchable_words_of_documents(self) -> dict[int, str]:
        """Primary key of a document → the words of the page about it, which the search finds only with the file."""
        return {}

    @property
    def noindex(self) -> bool:
        """Whether search engines are asked not to index this page. The site search then finds it by title only.

        A type that overrides this also overrides `noindex_pages`.
        """
        return False

    @classmethod
    def noindex_pages(cls) -> "models.QuerySet[Any]":
        """The pages of this type for which `noindex` is true."""
        return cls._default_manager.none()

    # --- Feeds and calendars ---

    def feed_title(self) -> str:
        """The title of its feed entry."""
        return self.title

    def feed_summary(self, shown: ShownToReaders) -> str:
        """The summary of its feed entry."""
        return self.summary

    def feed_files(self, shown: ShownToReaders) -> list[Any]:
        """The files of its feed entry. RSS includes only the first one."""
        return []

    def recorded_for(self) -> datetime | None:
        """The date of what the page tells of, if that was over when the page was published.

        Its feed entry then has this date. None if the entry has the date of its publication.
        """
        return None

    def feed_events(self, shown: ShownToReaders) -> Iterable[PageEvent]:
        """Events that get their own feed entries, in addition to the publication of the page."""
        return ()

    def priorities_told_of(self) -> list[Any]:
        """The priorities whose feeds list this page."""
        return []

    def support_services_shown(self, shown: ShownToReaders) -> list[Any]:
        """The support services to show with a `content_warning`."""
        return []

    @property
    def is_in_calendar(self) -> bool:
        """Whether the page can be a calendar event: its type `makes_events`, and its date is known."""
        return False

    # --- HTML ---

    @classmethod
    def article_template(cls) -> str:
        """The template for the content below title and summary, in the HTML page and in feed entries."""
        return f"pages/{cls._meta.model_name}.html"

    def html_context(self) -> dict[str, Any]:
        """Further variables for `article_template`, which also gets the page."""
        return {}

    def note_in_lists(self) -> str:
        """A note that lists show with its title and summary, such as a date."""
        return ""

    # --- The leak check ---

    @classmethod
    def canary_values(cls, as_of: datetime) -> dict[str, Any]:
        """Values that a page of the leak check needs, besides texts, to keep the rules of its type."""
        return {}
