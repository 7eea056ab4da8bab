"""Community safety plans, insights and annual reviews, and the index pages above them."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Orderable, Page
from wagtail.search import index

from pages.content.choices import InsightKind, PlanAvailability, PublicationKind
from pages.content.feed_stories import PageFeed, ShownToReaders
from pages.content.rich_text import FEATURES
from pages.graphql import public_fields as public
from pages.models.base import ContentPage, body_field, tabs
from pages.models.priorities import PriorityPage
from pages.partial_dates import PartialDateField

# What is about a time that ended so long before its publication is entered for the record. Reviews take a year or more.
FOR_THE_RECORD_AFTER = timedelta(days=2 * 365)


class PublicationIndexPage(ContentPage):
    """Holds the publications of one kind, and says how to get those that are not online."""

    publication_kind = models.CharField(
        "what it holds", max_length=20, choices=PublicationKind.choices, default=PublicationKind.PLANS
    )
    introduction = RichTextField(features=FEATURES, blank=True)

    feed_key = None
    declared_feeds = (PageFeed("publications", "Publications", "Plans, assessments, data and annual reviews.", 40),)
    parent_page_types = ["pages.PartnershipPage"]
    subpage_types = ["pages.CommunitySafetyPlanPage", "pages.InsightPage", "pages.AnnualReviewPage"]

    edit_handler = tabs([FieldPanel("publication_kind"), FieldPanel("introduction")])
    graphql_fields = [
        public.choice("publication_kind", PublicationKind, description="Which publications are below it."),
        public.rich_text("introduction", description="What readers find here."),
    ]

    class Meta:
        verbose_name = "publication index"


class Publication(ContentPage):
    """What plans, insights and annual reviews have in common."""

    publication_kind_of_parent: PublicationKind

    feed_key = "publications"
    parent_page_types = ["pages.PublicationIndexPage"]
    subpage_types: list[str] = []

    class Meta:
        abstract = True

    @classmethod
    def can_create_at(cls, parent: Page) -> bool:
        return super().can_create_at(parent) and cls._belongs_under(parent)

    def can_move_to(self, parent: Page) -> bool:
        return super().can_move_to(parent) and self._belongs_under(parent)

    def feed_files(self, shown: ShownToReaders) -> list[Any]:
        return shown.documents(self)

    def recorded_for(self) -> datetime | None:
        """The end of the time that it is about, if that was over for so long that it is entered for the record."""
        last_day, published_at = self.last_day_of_its_time(), self.first_published_at
        if last_day is None or published_at is None:
            return None
        over_at = datetime.combine(last_day, time(), timezone.get_default_timezone())
        return over_at if over_at < published_at - FOR_THE_RECORD_AFTER else None

    def last_day_of_its_time(self) -> date | None:
        """The last day of the time that it is about, or None if that is not known."""
        raise NotImplementedError

    @classmethod
    def _belongs_under(cls, parent: Page) -> bool:
        """Whether the parent is the index page for publications of this kind."""
        parent = parent.specific
        return isinstance(parent, PublicationIndexPage) and parent.publication_kind == cls.publication_kind_of_parent


class CommunitySafetyPlanPage(Publication):
    """Gives residents the plan that is in force, and says which plan it replaced."""

    publication_kind_of_parent = PublicationKind.PLANS
    list_order = ("-effective_from", "-uuid")

    effective_from = PartialDateField("in force from")
    effective_to = PartialDateField("in force until", blank=True)
    availability = models.CharField(max_length=20, choices=PlanAvailability.choices, default=PlanAvailability.ONLINE)
    body = body_field(
        verbose_name="the plan as a web page",
        help_text="At least its main points, so that nobody needs a PDF.",
    )
    supersedes = models.ForeignKey(
        "self", verbose_name="replaces", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    based_on = models.ForeignKey(
        "pages.InsightPage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    edit_handler = tabs(
        [
            FieldRowPanel([FieldPanel("effective_from"), FieldPanel("effective_to")], heading="In force"),
            FieldPanel("availability"),
            FieldPanel("body"),
            InlinePanel("page_documents", heading="Documents", label="Document"),
            FieldRowPanel([FieldPanel("supersedes"), FieldPanel("based_on")]),
        ]
    )
    search_fields = [*ContentPage.search_fields, index.SearchField("body")]
    graphql_fields = [
        public.partial_date("effective_from", description="From when it is in force."),
        public.partial_date("effective_to", description="Until when it is in force, if known."),
        public.choice("availability", PlanAvailability, description="How to get it."),
        public.blocks("body", description="The plan as a web page, block by block."),
        public.documents("documents", description="The plan as files."),
        public.related("supersedes", "pages.CommunitySafetyPlanPage", description="The plan it replaced."),
        public.related("based_on", "pages.InsightPage", description="The assessment that it builds on."),
        public.topics(),
    ]

    class Meta:
        verbose_name = "community safety plan"

    def clean(self) -> None:
        super().clean()
        if self.effective_from and self.effective_to and self.effective_to.last_day < self.effective_from.first_day:
            raise ValidationError({"effective_to": "The end must be after the start."})
        if self.supersedes_id and self.supersedes_id == self.pk:
            raise ValidationError({"supersedes": "A plan cannot replace itself."})

    def last_day_of_its_time(self) -> date | None:
        return self.effective_to.last_day if self.effective_to else None


class InsightPage(Publication):
    """Gives residents and analysts what is known about crime and safety, as text, files and data."""

    publication_kind_of_parent = PublicationKind.INSIGHTS
    list_order = ("-reference_year", "-uuid")
    private_fields = ("disclosure_checked_by", "disclosure_checked_on")

    kind = models.CharField(max_length=30, choices=InsightKind.choices, default=InsightKind.STRATEGIC_ASSESSMENT)
    reference_year = models.CharField(
        max_length=9, blank=True, help_text='The year that it describes, such as "2024" or "2024/25".'
    )
    subjects = models.TextField(blank=True, help_text="What it covers, one subject a line.")
    headline_findings = models.TextField(blank=True, help_text="The main findings, one a line.")
    body = body_field()
    disclosure_checked_by = models.CharField(
        "checked for personal details by",
        max_length=200,
        blank=True,
        help_text="Who checked that no file lets a person be recognised: hidden sheets, mark-up and metadata "
        "too. Needed with a file. Never public.",
    )
    disclosure_checked_on = models.DateField("checked on", null=True, blank=True)

    edit_handler = tabs(
        [
            FieldRowPanel([FieldPanel("kind"), FieldPanel("reference_year")]),
            FieldPanel("subjects"),
            FieldPanel("headline_findings"),
            FieldPanel("body"),
            InlinePanel("page_documents", heading="Documents and data files", label="File"),
            MultiFieldPanel(
                [FieldPanel("disclosure_checked_by"), FieldPanel("disclosure_checked_on")],
                heading="Disclosure check",
            ),
        ]
    )
    search_fields = [
        *ContentPage.search_fields,
        index.SearchField("subjects"),
        index.SearchField("headline_findings"),
        index.SearchField("body"),
    ]
    graphql_fields = [
        public.choice("kind", InsightKind, description="What it is."),
        public.text("reference_year", description="The year that it describes."),
        public.lines("subjects", description="What it covers."),
        public.lines("headline_findings", description="Its main findings."),
        public.blocks("body", description="The text, block by block."),
        public.documents("documents", description="Its reports as files."),
        public.documents("data_files", datasets=True, description="Its data."),
        public.topics(),
    ]

    class Meta:
        verbose_name = "insight"

    def clean(self) -> None:
        super().clean()
        check_reference_year("reference_year", self.reference_year)

    def last_day_of_its_time(self) -> date | None:
        return last_day_of(self.reference_year)

    def publishing_problems(self) -> dict[str, Any]:
        problems = super().publishing_problems()
        if self.page_documents.count() and not (self.disclosure_checked_by and self.disclosure_checked_on):
            problems["disclosure_checked_by"] = "Say who checked the files for personal details, and when."
        return problems


class AnnualReviewPage(Publication):
    """Tells residents what came of each priority in a year, and what follows."""

    publication_kind_of_parent = PublicationKind.ANNUAL_REVIEWS
    list_order = ("-year", "-uuid")

    year = models.CharField(max_length=9, help_text='Such as "2025" or "2024/25".')
    body = body_field()
    actions_ahead = models.TextField("actions for the year ahead", blank=True, help_text="One action a line.")

    edit_handler = tabs(
        [
            FieldPanel("year"),
            FieldPanel("body"),
            InlinePanel("outcomes", heading="Outcome of each priority", label="Outcome"),
            FieldPanel("actions_ahead"),
            InlinePanel("page_documents", heading="Documents", label="Document"),
        ]
    )
    search_fields = [
        *ContentPage.search_fields,
        index.SearchField("body"),
        index.SearchField("actions_ahead"),
    ]
    graphql_fields = [
        public.text("year", required=True, description='The year reviewed, such as "2024/25".'),
        public.blocks("body", description="The text, block by block."),
        public.children("outcomes", "pages.Outcome", description="What came of each priority."),
        public.lines("actions_ahead", description="Actions for the year ahead."),
        public.documents("documents", description="The review as files."),
        public.topics(),
    ]

    class Meta:
        verbose_name = "annual review"

    def clean(self) -> None:
        super().clean()
        check_reference_year("year", self.year)

    def last_day_of_its_time(self) -> date | None:
        return last_day_of(self.year)


class Outcome(Orderable):
    """What came of one priority in the year of an annual review."""

    page = ParentalKey(AnnualReviewPage, on_delete=models.CASCADE, related_name="outcomes")
    priority = models.ForeignKey(PriorityPage, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)])

    panels = [FieldPanel("priority"), FieldPanel("text")]
    graphql_fields = [
        public.related("priority", "pages.PriorityPage", description="The priority."),
        public.text("text", required=True, description="What came of it."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "outcome"

    def __str__(self) -> str:
        return self.text


def check_reference_year(field: str, value: str) -> None:
    """Raises ValidationError unless the value is empty, a calendar year, or two successive years such as "2024/25"."""
    if not value:
        return
    match = re.fullmatch(r"(\d{4})(?:/(\d{2}))?", value)
    if not match or (match[2] and (int(match[1]) + 1) % 100 != int(match[2])):
        raise ValidationError({field: 'Give a year such as "2024", or "2024/25" for a year that spans two.'})


def last_day_of(year: str) -> date | None:
    """The last day of a year such as "2024", or "2024/25", which ends on 31 March. None for any other text."""
    match = re.fullmatch(r"([12]\d{3})(/\d\d)?", year)
    if match is None:
        return None
    return date(int(match[1]) + 1, 3, 31) if match[2] else date(int(match[1]), 12, 31)
