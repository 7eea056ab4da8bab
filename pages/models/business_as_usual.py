"""The continuous work of the partnership, in addition to its priorities."""

import graphene
from django.core.exceptions import ValidationError
from django.db import models
from graphql import GraphQLResolveInfo
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel
from wagtail.fields import RichTextField
from wagtail.models import Orderable

from pages.content.choices import LeadershipKind
from pages.content.rich_text import FEATURES
from pages.graphql import public_fields as public
from pages.graphql.loading import loader_of
from pages.models.base import ContentPage, tabs
from pages.models.snippets import Agency


class BusinessAsUsualPage(ContentPage):
    """Tells residents which work goes on all the time, and who chairs or leads it."""

    introduction = RichTextField(features=FEATURES, blank=True)

    feed_key = None
    parent_page_types = ["pages.PartnershipPage"]
    subpage_types: list[str] = []
    max_count = 1

    edit_handler = tabs(
        [
            FieldPanel("introduction"),
            InlinePanel("work_topics", heading="What the partnership works on together", label="Work topic"),
            InlinePanel("work_areas", heading="Working groups and areas of work", label="Work area"),
        ]
    )
    graphql_fields = [
        public.rich_text("introduction", description="What this work is."),
        public.children(
            "topics",
            "pages.WorkTopic",
            source="work_topics",
            description="What the partnership works on together.",
        ),
        public.children("work_areas", "pages.WorkArea", description="Working groups and areas of work."),
    ]

    class Meta:
        verbose_name = "business as usual"


class WorkTopic(Orderable):
    """A subject of everyday work. Not one of the labels called topics."""

    page = ParentalKey(BusinessAsUsualPage, on_delete=models.CASCADE, related_name="work_topics")
    title = models.CharField(max_length=200)
    description = models.CharField(max_length=400, blank=True)
    url = models.URLField("link", blank=True)

    panels = [FieldPanel("title"), FieldPanel("description"), FieldPanel("url")]
    graphql_fields = [
        public.text("title", required=True, description="The subject."),
        public.text("description", description="More about it."),
        public.text("url", description="Where to read more."),
        public.own_path("url"),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "work topic"

    def __str__(self) -> str:
        return self.title


class LeadBody(graphene.ObjectType):
    """Who chairs a working group or leads an area of work."""

    name = graphene.String(required=True, description="The agency's name, or the words that were published.")
    agency = graphene.Field(
        public.type_of("pages.Agency"), description="The agency, where what was published names one."
    )

    @staticmethod
    def resolve_name(area: "WorkArea", info: GraphQLResolveInfo) -> str:
        agency = loader_of(info).related(area, "led_by_agency")
        return agency.name if agency else area.led_by_as_published

    @staticmethod
    def resolve_agency(area: "WorkArea", info: GraphQLResolveInfo) -> Agency | None:
        return loader_of(info).related(area, "led_by_agency")


def resolve_led_by(area: "WorkArea", info: GraphQLResolveInfo) -> "WorkArea | None":
    """The area, from which `LeadBody` resolves; null if its agency is not public and it has no published words."""
    has_lead = area.led_by_as_published or loader_of(info).related(area, "led_by_agency")
    return area if has_lead else None


class WorkArea(Orderable):
    """A working group with a chair, or an area of work with a lead."""

    page = ParentalKey(BusinessAsUsualPage, on_delete=models.CASCADE, related_name="work_areas")
    name = models.CharField(max_length=200)
    leadership_kind = models.CharField(max_length=10, choices=LeadershipKind.choices)
    led_by_agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    led_by_as_published = models.CharField(
        max_length=200,
        blank=True,
        help_text='Where what was published names no agency, its own words, such as "the police".',
    )
    activities = models.TextField(blank=True, help_text="What it does, one activity a line.")

    panels = [
        FieldPanel("name"),
        FieldPanel("leadership_kind"),
        FieldRowPanel([FieldPanel("led_by_agency"), FieldPanel("led_by_as_published")], heading="Led by"),
        FieldPanel("activities"),
    ]
    graphql_fields = [
        public.text("name", required=True, description="The name of the group or area."),
        public.choice("leadership_kind", LeadershipKind, description="Whether it has a chair or a lead."),
        public.public_field("led_by", LeadBody, resolve_led_by, description="Who chairs or leads it."),
        public.lines("activities", description="What it does."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "work area"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if bool(self.led_by_agency_id) == bool(self.led_by_as_published.strip()):
            raise ValidationError({"led_by_agency": "Choose an agency or give the published words, but not both."})
