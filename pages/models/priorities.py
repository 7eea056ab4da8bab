"""Priority periods, the priorities in each, and the actions under each priority."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Orderable
from wagtail.search import index

from pages.content.choices import ActionHorizon, ActionStatus, Direction
from pages.content.rich_text import FEATURES, has_text
from pages.graphql import public_fields as public
from pages.models.base import ContentPage, tabs
from pages.models.snippets import Agency
from pages.partial_dates import PartialDateField


class PriorityPeriodPage(ContentPage):
    """Tells residents what the partnership concentrates on in a span of years, and on what evidence."""

    starts_on = PartialDateField("starts")
    ends_on = PartialDateField("ends")
    evidence = models.ForeignKey(
        "pages.InsightPage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    feed_key = None
    parent_page_types = ["pages.PartnershipPage"]
    subpage_types = ["pages.PriorityPage"]

    edit_handler = tabs(
        [
            FieldRowPanel([FieldPanel("starts_on"), FieldPanel("ends_on")], heading="Period"),
            MultiFieldPanel(
                [FieldPanel("evidence"), InlinePanel("evidence_statements", label="Evidence statement")],
                heading="Evidence",
            ),
        ]
    )
    graphql_fields = [
        public.partial_date("starts_on", description="When the period starts."),
        public.partial_date("ends_on", description="When it ends; a year includes the whole of that year."),
        public.related("evidence", "pages.InsightPage", description="The assessment that it builds on."),
        public.children("evidence_statements", "pages.EvidenceStatement", description="What the evidence says."),
    ]

    class Meta:
        verbose_name = "priority period"

    def listed_pages(self) -> "models.QuerySet[PriorityPage]":
        return PriorityPage.objects.child_of(self).order_by("number", "uuid")

    def clean(self) -> None:
        super().clean()
        if self.starts_on and self.ends_on and self.ends_on.last_day < self.starts_on.first_day:
            raise ValidationError({"ends_on": "The end must be after the start."})


class EvidenceStatement(Orderable):
    """One finding behind the priorities, with its figure where there is one."""

    page = ParentalKey(PriorityPeriodPage, on_delete=models.CASCADE, related_name="evidence_statements")
    text = models.CharField(max_length=300)
    value = models.CharField("figure", max_length=30, blank=True, help_text="The number alone, such as 10.")
    unit = models.CharField(max_length=30, blank=True, help_text="Such as %.")
    direction = models.CharField(max_length=10, choices=Direction.choices, blank=True)

    panels = [
        FieldPanel("text"),
        FieldRowPanel([FieldPanel("value"), FieldPanel("unit"), FieldPanel("direction")]),
    ]
    graphql_fields = [
        public.text("text", required=True, description="The finding in words."),
        public.text("value", description="Its figure, as published."),
        public.text("unit", description="The unit of the figure."),
        public.choice("direction", Direction, required=False, description="Which way the figure went."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "evidence statement"

    def __str__(self) -> str:
        return self.text


class PriorityPage(ContentPage):
    """Tells residents what the partnership works on, why, and what it does about it."""

    number = models.PositiveSmallIntegerField(null=True, help_text="Its place in the period: 1, 2, 3 …")
    rationale = RichTextField(
        features=FEATURES, help_text="Why this is a priority, and what the partnership wants to achieve."
    )

    feed_key = "priorities"
    parent_page_types = ["pages.PriorityPeriodPage"]
    subpage_types: list[str] = []

    edit_handler = tabs(
        [
            FieldPanel("number"),
            FieldPanel("rationale"),
            InlinePanel(
                "actions",
                heading="Actions, in the order in which they are shown",
                label="Action",
                help_text='Keep the strength of each promise: "explore" is not "do", "hope to" is not "will".',
            ),
        ]
    )
    search_fields = [
        *ContentPage.search_fields,
        index.SearchField("rationale"),
        index.RelatedFields("actions", [index.SearchField("text")]),
    ]
    graphql_fields = [
        public.integer("number", description="Its place in the period."),
        public.rich_text("rationale", required=True, description="Why this is a priority."),
    ]

    class Meta:
        verbose_name = "priority"

    def html_context(self) -> dict[str, Any]:
        """The actions, grouped by the label of their horizon."""
        actions = list(self.actions.all())
        groups = {
            horizon.label: [action for action in actions if action.horizon == horizon] for horizon in ActionHorizon
        }
        return {"actions_by_horizon": {label: group for label, group in groups.items() if group}}

    def priorities_told_of(self) -> list[ContentPage]:
        return [self]

    def get_admin_display_title(self) -> str:
        title = super().get_admin_display_title()
        return f"{self.number}. {title}" if self.number else title

    def clean(self) -> None:
        super().clean()
        parent = self.get_parent() if self.path else None
        if not parent or not self.number:
            return
        same = PriorityPage.objects.child_of(parent).filter(number=self.number).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError({"number": f"Another priority of this period has the number {self.number}."})

    def publishing_problems(self) -> dict[str, Any]:
        problems = super().publishing_problems()
        if not has_text(self.rationale):
            problems["rationale"] = "Say why this is a priority."
        if not self.actions.count():
            problems["actions"] = "Add at least one action: readers want to know what is done about it."
        return problems


class Action(Orderable):
    """Something that the partnership does, will do, hopes to do or did, for a priority."""

    page = ParentalKey(PriorityPage, on_delete=models.CASCADE, related_name="actions")
    text = models.TextField(max_length=600, validators=[MaxLengthValidator(600)])
    horizon = models.CharField(max_length=20, choices=ActionHorizon.choices)
    status = models.CharField(max_length=20, choices=ActionStatus.choices, default=ActionStatus.NOT_REPORTED)
    lead_agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    due_on = models.DateField("due", null=True, blank=True)

    panels = [
        FieldPanel("text"),
        FieldRowPanel([FieldPanel("horizon"), FieldPanel("status")]),
        FieldRowPanel([FieldPanel("lead_agency"), FieldPanel("due_on")]),
    ]
    graphql_fields = [
        public.identity_on_page("action", "Stays the same while its words do."),
        public.text("text", required=True, description="What is done, with the strength of the promise kept."),
        public.choice("horizon", ActionHorizon, description="In which period it is to be done."),
        public.choice("status", ActionStatus, description="Its progress, as reported."),
        public.related("lead_agency", "pages.Agency", description="Who leads it, where published."),
        public.date("due_on", description="When it is due, where published."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "action"

    def __str__(self) -> str:
        return self.text

    @property
    def identity_on_page(self) -> str:
        return self.text.strip()
