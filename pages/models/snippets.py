"""Snippets, which several pages share: agencies, venues, contacts, support services, alerts, topics, legal bases."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self, TypeVar

import graphene
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, PublishingPanel
from wagtail.models import DraftStateMixin, RevisionMixin, WorkflowMixin
from wagtail.search import index

from pages.content.choices import AgencySector, AlertSeverity, YesNoUnknown
from pages.content.publication_times import sends_back, time_problems
from pages.graphql import public_fields as public
from pages.models.approvals import NeedsApproval

ModeratedSnippetT = TypeVar("ModeratedSnippetT", bound="ModeratedSnippet")


class ModeratedSnippetForm(WagtailAdminModelForm):
    """The edit form of moderated snippets. It checks the dates of a version that is submitted or approved."""

    def is_valid(self) -> bool:
        valid = super().is_valid()
        if valid and not self.is_deferred_validation and not sends_back(self.data):
            for field, problem in time_problems(self.instance).items():
                self.add_error(field, problem)
            valid = not self.errors
        return valid


class ModeratedSnippetQuerySet(models.QuerySet[ModeratedSnippetT]):
    """Filters for snippets with drafts."""

    def shown_at(self, as_of: datetime) -> Self:
        """The snippets that readers see at an instant: published and not expired."""
        return self.filter(Q(expire_at__isnull=True) | Q(expire_at__gt=as_of), live=True)


class ModeratedSnippet(NeedsApproval, WorkflowMixin, DraftStateMixin, RevisionMixin, models.Model):
    """A snippet with public text. Like pages, it has drafts, revisions and the moderation workflow."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    objects = ModeratedSnippetQuerySet.as_manager()

    OF_THE_ROW = (*NeedsApproval.OF_THE_ROW, "public_id")
    base_form_class = ModeratedSnippetForm

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Saves the snippet. Raises NotApprovedError if it is live and its version was not approved."""
        with transaction.atomic():
            whole = update_fields is None
            if whole:
                self.lock_and_merge_row()
            publishes = whole and self.publishes(self.published_version())
            super().save(*args, update_fields=update_fields, **kwargs)
            self._remember_row(update_fields)
            if publishes:
                self.end_older_approvals()


class Agency(ModeratedSnippet, index.Indexed):
    """An organisation that takes part in the partnership or leads some of its work."""

    name = models.CharField(max_length=200, unique=True)
    sector = models.CharField(max_length=20, choices=AgencySector.choices)
    url = models.URLField("website", blank=True)

    panels = [FieldPanel("name"), FieldPanel("sector"), FieldPanel("url"), PublishingPanel()]
    search_fields = [index.SearchField("name"), index.AutocompleteField("name")]
    graphql_fields = [
        public.identity(),
        public.text("name", required=True, description="The name of the organisation."),
        public.choice("sector", AgencySector, description="What kind of organisation it is."),
        public.text("url", description="Its website."),
    ]

    class Meta:
        verbose_name = "agency"
        verbose_name_plural = "agencies"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Venue(ModeratedSnippet, index.Indexed):
    """A place where meetings are held, and what a visitor needs to know to get in."""

    name = models.CharField("building", max_length=200)
    room = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=300, help_text="Street and town, without the postcode.")
    postcode = models.CharField(max_length=10)
    step_free = models.CharField(
        "step-free access", max_length=10, choices=YesNoUnknown.choices, default=YesNoUnknown.UNKNOWN
    )
    hearing_loop = models.CharField(max_length=10, choices=YesNoUnknown.choices, default=YesNoUnknown.UNKNOWN)
    accessible_toilet = models.CharField(max_length=10, choices=YesNoUnknown.choices, default=YesNoUnknown.UNKNOWN)

    panels = [
        MultiFieldPanel(
            [FieldPanel("name"), FieldPanel("room"), FieldPanel("address"), FieldPanel("postcode")],
            heading="Where it is",
        ),
        FieldRowPanel(
            [FieldPanel("step_free"), FieldPanel("hearing_loop"), FieldPanel("accessible_toilet")],
            heading="Access",
            help_text='Leave "Not known" until somebody has checked.',
        ),
        PublishingPanel(),
    ]
    search_fields = [index.SearchField("name"), index.AutocompleteField("name"), index.SearchField("room")]
    graphql_fields = [
        public.identity(),
        public.text("name", required=True, description="The building."),
        public.text("room", description="The room in it."),
        public.text("address", required=True, description="Street and town."),
        public.text("postcode", required=True, description="The postcode."),
        public.choice("step_free", YesNoUnknown, description="Whether there is step-free access."),
        public.choice("hearing_loop", YesNoUnknown, description="Whether there is a hearing loop."),
        public.choice("accessible_toilet", YesNoUnknown, description="Whether there is an accessible toilet."),
    ]

    class Meta:
        ordering = ["name", "room"]

    def __str__(self) -> str:
        return f"{self.room}, {self.name}" if self.room else self.name


class Contact(ModeratedSnippet, index.Indexed):
    """A team that the public can write to or ring. Teams, not people."""

    team = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)

    panels = [FieldPanel("team"), FieldPanel("email"), FieldPanel("phone"), PublishingPanel()]
    search_fields = [index.SearchField("team"), index.AutocompleteField("team")]
    graphql_fields = [
        public.identity(),
        public.text("team", description="The name of the team."),
        public.text("email", description="Its e-mail address."),
        public.text("phone", description="Its telephone number."),
    ]

    class Meta:
        ordering = ["team"]

    def __str__(self) -> str:
        return self.team


class SupportService(ModeratedSnippet, index.Indexed):
    """A service that helps people affected by abuse, shown with death reviews."""

    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=40, blank=True)
    hours = models.CharField("when it is open", max_length=200, blank=True)
    url = models.URLField("website", blank=True)

    panels = [
        FieldPanel("name"),
        FieldPanel("phone"),
        FieldPanel("hours"),
        FieldPanel("url"),
        PublishingPanel(),
    ]
    search_fields = [index.SearchField("name"), index.AutocompleteField("name")]
    graphql_fields = [
        public.identity(),
        public.text("name", required=True, description="The name of the service."),
        public.text("phone", description="Its telephone number."),
        public.text("hours", description="When it answers."),
        public.text("url", description="Its website."),
    ]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if not self.phone and not self.url:
            raise ValidationError("Give a telephone number or a website, so that people can reach the service.")


class Alert(ModeratedSnippet):
    """A short message that front ends show above every page for a while."""

    message = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=AlertSeverity.choices, default=AlertSeverity.NOTICE)
    active_from = models.DateTimeField(null=True, blank=True, help_text="Leave empty to start at once.")
    active_until = models.DateTimeField(null=True, help_text="Every alert ends: choose when, and extend it if needed.")
    url = models.URLField("link to more information", blank=True)

    panels = [
        FieldPanel("message"),
        FieldPanel("severity"),
        FieldRowPanel([FieldPanel("active_from"), FieldPanel("active_until")], heading="When it shows"),
        FieldPanel("url"),
        PublishingPanel(),
    ]
    graphql_fields = [
        public.identity(),
        public.text("message", required=True, description="The message."),
        public.choice("severity", AlertSeverity, description="How serious it is."),
        public.date_time("active_until", description="When it stops showing."),
        public.text("url", description="Where to read more."),
        public.own_path("url"),
    ]

    # One moderator is enough, even as the author, because alerts are urgent.
    author_may_approve = True

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.message

    def clean(self) -> None:
        super().clean()
        if self.active_from and self.active_until and self.active_until <= self.active_from:
            raise ValidationError({"active_until": "The end must be after the start."})


class Topic(index.Indexed, models.Model):
    """A label that sorts pages by subject. Only topics of public pages are public."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True, help_text="Part of the address of its feed.")

    panels = [FieldPanel("name"), FieldPanel("slug")]
    search_fields = [index.SearchField("name"), index.AutocompleteField("name")]
    graphql_fields = [
        public.public_field(
            "id",
            graphene.ID,
            lambda topic, info: str(topic.uuid),
            required=True,
            description="Its uuid, which never changes. The `topic` argument takes it, too.",
        ),
        public.text("name", required=True, description="The name of the topic."),
        public.text("slug", required=True, description="Its short form, as the `topic` argument takes it."),
    ]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class LegalBasis(index.Indexed, models.Model):
    """The law under which a death review was held. A lawyer confirms each before a notice relies on it."""

    name = models.CharField(max_length=200, unique=True)
    confirmed_by_a_lawyer = models.BooleanField(default=False)

    panels = [FieldPanel("name"), FieldPanel("confirmed_by_a_lawyer")]
    search_fields = [index.SearchField("name"), index.AutocompleteField("name")]
    graphql_fields = [public.text("name", required=True, description="The name of the law and section.")]

    class Meta:
        ordering = ["name"]
        verbose_name = "legal basis"
        verbose_name_plural = "legal bases"

    def __str__(self) -> str:
        return self.name
