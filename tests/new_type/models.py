"""A page type and a block of its own."""

from django.db import models
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.search import index

from pages.blocks import BodyBlock
from pages.graphql import public_fields as public
from pages.graphql.block_types import PublicBlock
from pages.models.base import ContentPage, tabs


class QuoteBlock(PublicBlock, blocks.StructBlock):
    """What somebody said, in their own words."""

    text = blocks.TextBlock()
    said_by = blocks.CharBlock(required=False, max_length=100)

    html_template = "pages/blocks/quote.html"
    graphql_fields = [
        public.text_in_block("text", required=True, description="The words."),
        public.text_in_block("said_by", description="Who said them."),
    ]

    class Meta:
        icon = "openquote"


class StoryBody(BodyBlock):
    quote = QuoteBlock()


class VolunteerStoryPage(ContentPage):
    """Tells residents what somebody does for the safety of the city."""

    since = models.PositiveSmallIntegerField("volunteer since", null=True, blank=True)
    body = StreamField(StoryBody())

    feed_key = "news"
    parent_page_types = ["pages.PartnershipPage"]
    subpage_types: list[str] = []

    edit_handler = tabs([FieldPanel("since"), FieldPanel("body")])
    search_fields = [*ContentPage.search_fields, index.SearchField("body")]
    graphql_fields = [
        public.integer("since", description="The year in which they began."),
        public.blocks("body", description="The text, block by block."),
        public.topics(),
    ]

    class Meta:
        verbose_name = "volunteer story"
        verbose_name_plural = "volunteer stories"
