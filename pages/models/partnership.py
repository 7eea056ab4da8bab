"""The home page of the site: what the partnership is and who belongs to it."""

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Orderable, Page, PagePermissionTester
from wagtail.search import index

from pages.content.choices import MembershipRole
from pages.content.feed_stories import PageFeed
from pages.content.rich_text import FEATURES
from pages.graphql import public_fields as public
from pages.models.base import ContentPage, page_types, tabs
from pages.models.moderation import StandingPermissions
from pages.models.snippets import Agency, Contact


class PartnershipPage(ContentPage):
    """Tells residents who works together to keep the city safe. The title is the partnership's name."""

    strapline = models.CharField(max_length=200, blank=True)
    introduction = RichTextField(features=FEATURES, blank=True)
    purpose = RichTextField(features=FEATURES, blank=True, help_text="What the partnership is for.")
    sectors = models.TextField(blank=True, help_text="The kinds of organisation that take part, one a line.")
    yearly_cycle = RichTextField(
        "how the yearly cycle works",
        features=FEATURES,
        blank=True,
        help_text="How priorities are reviewed and actions planned through the year.",
    )
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    may_expire = False
    is_home_page = True
    feed_key = None
    declared_feeds = (
        PageFeed("all", "All updates", "News, meetings, plans, reviews and priorities in one feed.", 10),
        PageFeed("priorities", "Priorities", "What the partnership concentrates on, and what it does.", 50),
    )
    parent_page_types = [Page]
    max_count = 1

    def permissions_for_user(self, user: User | AnonymousUser) -> PagePermissionTester:
        return StandingPermissions(user, self)

    @classmethod
    def clean_subpage_models(cls) -> list[type[ContentPage]]:
        """All types that name this one in `parent_page_types`, so that a new section is declared only once."""
        return [model for model in page_types() if cls in model.clean_parent_page_models()]

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        """Only at the root of the tree, because this is the home page of the site."""
        return super().can_create_at(parent) and parent.is_root()

    edit_handler = tabs(
        [
            FieldPanel("strapline"),
            MultiFieldPanel(
                [
                    FieldPanel("introduction"),
                    FieldPanel("purpose"),
                    FieldPanel("sectors"),
                    FieldPanel("yearly_cycle"),
                ],
                heading="About the partnership",
            ),
            InlinePanel(
                "memberships",
                heading="Members, in the order in which they are shown",
                label="Member",
                help_text='Choose "Not confirmed" for the role until somebody has confirmed it.',
            ),
            FieldPanel("contact"),
            InlinePanel("related_work", heading="Related work", label="Link"),
        ]
    )
    search_fields = [
        *ContentPage.search_fields,
        index.SearchField("introduction"),
        index.SearchField("purpose"),
        index.SearchField("yearly_cycle"),
    ]
    graphql_fields = [
        public.text("name", source="title", required=True, description="The name of the partnership."),
        public.text("strapline", description="Its motto."),
        public.rich_text("introduction", description="What it is and how it works."),
        public.rich_text("purpose", description="What it is for."),
        public.lines("sectors", description="The kinds of organisation that take part."),
        public.rich_text("yearly_cycle", description="How priorities are reviewed and actions planned."),
        public.children("memberships", "pages.Membership", description="The members, in the published order."),
        public.related("contact", "pages.Contact", description="The team to get in touch with."),
        public.children("related_work", "pages.RelatedLink", description="Other work on community safety."),
    ]

    class Meta:
        verbose_name = "partnership"


class Membership(Orderable):
    """An agency's place in the partnership."""

    page = ParentalKey(PartnershipPage, on_delete=models.CASCADE, related_name="memberships")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=30, choices=MembershipRole.choices, default=MembershipRole.UNCONFIRMED)
    basis_note = models.CharField(
        "where the role comes from",
        max_length=300,
        blank=True,
        help_text="A law, or a decision of a meeting.",
    )

    panels = [FieldPanel("agency"), FieldPanel("role"), FieldPanel("basis_note")]
    graphql_fields = [
        public.related("agency", "pages.Agency", description="The member; null when its entry is not public."),
        public.choice("role", MembershipRole, description="In what role it takes part."),
        public.text("basis_note", description="Where the role comes from."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "membership"

    def __str__(self) -> str:
        return f"{self.agency} ({self.get_role_display()})"


class RelatedLink(Orderable):
    """A link to community safety work outside the partnership's own pages."""

    page = ParentalKey(PartnershipPage, on_delete=models.CASCADE, related_name="related_work")
    title = models.CharField(max_length=200)
    url = models.URLField("address")
    description = models.CharField(max_length=300, blank=True)

    panels = [FieldPanel("title"), FieldPanel("url"), FieldPanel("description")]
    graphql_fields = [
        public.text("title", required=True, description="The words of the link."),
        public.text("url", required=True, description="Where it leads."),
        public.own_path("url"),
        public.text("description", description="What is there."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "related link"

    def __str__(self) -> str:
        return self.title
