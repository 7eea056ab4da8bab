"""Standard pages, such as contact, privacy and accessibility."""

from wagtail.admin.panels import FieldPanel
from wagtail.search import index

from pages.graphql import public_fields as public
from pages.models.base import ContentPage, body_field, tabs


class StandardPage(ContentPage):
    """Answers a question that none of the other page types is made for."""

    body = body_field()

    feed_key = None
    canary_kind = "standard"

    parent_page_types = ["pages.PartnershipPage", "pages.StandardPage"]
    subpage_types = ["pages.StandardPage"]

    edit_handler = tabs([FieldPanel("body")])
    search_fields = [*ContentPage.search_fields, index.SearchField("body")]
    graphql_fields = [public.blocks("body", description="The text, block by block."), public.topics()]

    class Meta:
        verbose_name = "standard page"
