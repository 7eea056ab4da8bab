"""News: what the partnership did or wants residents to know."""

from typing import Any

from django.db import models
from wagtail.admin.panels import FieldPanel, FieldRowPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.search import index

from documents.models import Image
from pages.blocks import BodyBlock
from pages.content.feed_stories import PageFeed, ShownToReaders
from pages.content.plain_words import day, local
from pages.content.references import raw_blocks
from pages.content.rich_text import FEATURES
from pages.graphql import public_fields as public
from pages.models.base import ContentPage, tabs


class NewsIndexPage(ContentPage):
    """Holds the news, newest first."""

    introduction = RichTextField(features=FEATURES, blank=True)

    parent_page_types = ["pages.PartnershipPage"]
    subpage_types = ["pages.NewsPage"]
    max_count = 1

    feed_key = None
    declared_feeds = (PageFeed("news", "News", "What the partnership does, and wants residents to know.", 20),)
    offers_feed = "news"

    edit_handler = tabs([FieldPanel("introduction")])
    graphql_fields = [public.rich_text("introduction", description="What readers find here.")]

    class Meta:
        verbose_name = "news index"

    def listed_pages(self) -> "models.QuerySet[NewsPage]":
        return NewsPage.objects.child_of(self).order_by(*NewsPage.list_order)


class NewsPage(ContentPage):
    """Tells residents who follow the partnership something new."""

    body = StreamField(BodyBlock(required=True))
    image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    priority = models.ForeignKey(
        "pages.PriorityPage",
        verbose_name="related priority",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="news",
    )

    review_date_needed = False
    feed_key = "news"
    canary_kind = "news"
    parent_page_types = ["pages.NewsIndexPage"]
    subpage_types: list[str] = []

    edit_handler = tabs([FieldRowPanel([FieldPanel("image"), FieldPanel("priority")]), FieldPanel("body")])
    search_fields = [*ContentPage.search_fields, index.SearchField("body")]
    graphql_fields = [
        public.blocks("body", description="The text, block by block."),
        public.related("image", "documents.Image", description="The picture that goes with it."),
        public.related("priority", "pages.PriorityPage", description="The priority that it belongs to."),
        public.topics(),
    ]

    class Meta:
        verbose_name = "news"
        verbose_name_plural = "news"

    def feed_files(self, shown: ShownToReaders) -> list[Any]:
        """The public documents in its body."""
        keys = [raw["value"] for raw in raw_blocks(self.body) if raw["type"] == "document"]
        return [file for key in keys if (file := shown.document(self, key))]

    def priorities_told_of(self) -> list[ContentPage]:
        return [self.priority] if self.priority else []

    def note_in_lists(self) -> str:
        return day(local(self.first_published_at)) if self.first_published_at else ""
