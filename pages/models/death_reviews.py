"""Domestic Abuse Related Death Reviews: what the public may know about each review, and what stays restricted.

Real names and dates of death are never stored here. The list of blocked names consists of keyed hashes, so that texts
can be checked for the names although nobody can read them.
"""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, InlinePanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Collection, Orderable, Page, PagePermissionTester, Revision

from documents.models import Document, Image
from pages.content.choices import (
    ActionStatus,
    ApprovalRole,
    DeathReviewStage,
    LegalClearance,
    PublicationDecision,
    QualityAssuranceOutcome,
    RecommendationLevel,
    ReviewDocumentKind,
    ReviewDocumentState,
    WithdrawalKind,
)
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, of_death_reviews
from pages.content.feed_stories import PageFeed, ShownToReaders
from pages.content.references import files_of, used_by_other_pages
from pages.content.rich_text import FEATURES, has_text
from pages.graphql import public_fields as public
from pages.graphql.loading import loader_of
from pages.models.base import ContentPage, ContentPageForm, tabs
from pages.models.moderation import StandingPermissions
from pages.models.snippets import Agency, LegalBasis, SupportService

SHARED_FILE_PROBLEM = (
    "another page uses this, so the editors of that page can open it. Upload it here as a new file, which is kept with "
    "the files of death reviews."
)
# Without vowels and characters that look alike, so that no reference is a word or is misread.
REFERENCE_ALPHABET = "23456789BCDFGHJKMNPQRTVWXYZ"


# Fields for the record only, which do not prevent publication: field → words for the screen.
# Remove a field from here when `publishing_problems` checks it.
UNENFORCED_FIELDS = {
    "stage": "the stage",
    "decision_reasons": "the reasons for the decision",
    "qa_outcome": "the quality assurance",
    "legal_clearance": "the legal clearance",
    "parallel_proceedings": "parallel proceedings",
    "family_informed_on": "the day on which the family was informed",
    "dates_to_avoid": "the dates to avoid",
    "sent_to_commissioner_on": "the day on which it was sent to the Commissioner",
    "name_blocklist": "the blocked names",
}


def new_reference() -> str:
    """A random public reference, which reveals neither the order nor the date of the case."""
    return "DR-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(4))


def name_hash(name: str) -> str:
    """HMAC-SHA-256 (hexadecimal) of a name, which is the same for all accents, capitals and spaces."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    key = hashlib.sha256(b"name blocklist:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, " ".join(plain.split()).encode(), hashlib.sha256).hexdigest()


class DeathReviewPermissions(StandingPermissions):
    """People without the permission to handle death reviews have no permissions on these pages."""

    def __init__(self, user: User | AnonymousUser, page: Page) -> None:
        super().__init__(user, page)
        if not user.has_perm(HANDLE_DEATH_REVIEWS):
            self.permissions: set[str] = set()


class DeathReviewIndexPage(ContentPage):
    """Tells residents what Domestic Abuse Related Death Reviews are, and holds the notices."""

    permission_to_find = HANDLE_DEATH_REVIEWS

    introduction = RichTextField(features=FEATURES, blank=True)
    files = models.ForeignKey(
        Collection,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Where the files of notices are kept, out of the sight of other editors.",
    )

    SYSTEM_FIELDS = (*ContentPage.SYSTEM_FIELDS, "files_id")
    may_expire = False
    feed_key = None
    declared_feeds = (
        PageFeed(
            "death-reviews",
            "Death reviews",
            "Notices of Domestic Abuse Related Death Reviews. They are about deaths, and may be hard to read.",
            60,
            is_opt_in=True,
        ),
    )
    parent_page_types = ["pages.PartnershipPage"]
    subpage_types = ["pages.DeathReviewNoticePage"]
    max_count = 1

    edit_handler = tabs([FieldPanel("introduction")])
    graphql_fields = [public.rich_text("introduction", description="What these reviews are.")]

    class Meta:
        verbose_name = "death review index"

    def full_clean(self, exclude: Iterable[str] | None = None, **kwargs: bool) -> None:
        self.show_safe_exit = True
        super().full_clean(exclude=exclude, **kwargs)

    def permissions_for_user(self, user: User | AnonymousUser) -> PagePermissionTester:
        return DeathReviewPermissions(user, self)

    def listed_pages(self) -> "models.QuerySet[DeathReviewNoticePage]":
        return DeathReviewNoticePage.objects.child_of(self).order_by(*DeathReviewNoticePage.list_order)


@receiver(pre_delete, sender=DeathReviewIndexPage)
def refuse_to_delete_index_with_files(
    sender: type[DeathReviewIndexPage], instance: DeathReviewIndexPage, **kwargs: object
) -> None:
    """Raises ValidationError if the index has files: after its deletion, all editors could find them."""
    files = Q(collection__path__startswith=instance.files.path) if instance.files else Q(pk__in=[])
    if Document.objects.filter(files).exists() or Image.objects.filter(files).exists():
        raise ValidationError(
            f"“{instance}” was not deleted: it hides the files of death reviews from other editors. "
            "Delete those files first."
        )


class DeathReviewNoticeForm(ContentPageForm):
    """The edit form of a notice. A notice may not share files with other pages."""

    def is_valid(self) -> bool:
        valid = super().is_valid()
        if valid and (shared := self._shared_files()):
            names = ", ".join(f"“{file}”" for file in shared)
            self.add_error(None, f"{names}: {SHARED_FILE_PROBLEM}")
            valid = False
        return valid

    def _shared_files(self) -> list[Document | Image]:
        """The files that are new in this version and that other pages use."""
        self.save(commit=False)  # puts the child rows of the form on the page, in memory only
        last = self.instance.latest_revision
        known = last.content.get("file_facts", {}) if last else {}
        shared: list[Document | Image] = []
        for kind, model, keys in zip(("documents", "images"), (Document, Image), files_of(self.instance), strict=True):
            new = keys - {int(key) for key in known.get(kind, {})}
            rows: Any = model._default_manager.filter(~of_death_reviews(), pk__in=new).order_by("pk")
            shared += [file for file in rows if used_by_other_pages(file, besides=self.instance.pk)]
        return shared


class DeathReviewNoticePage(ContentPage):
    """Lets residents and professionals learn from a death without letting anybody be recognised."""

    permission_to_find = HANDLE_DEATH_REVIEWS
    base_form_class = DeathReviewNoticeForm

    reference = models.CharField(
        max_length=10,
        unique=True,
        default=new_reference,
        editable=False,
        validators=[RegexValidator(r"^DR-[2-9BCDFGHJKMNPQRTVWXYZ]{4}$")],
    )
    pseudonym = models.CharField(
        max_length=60, blank=True, help_text="The name that the report uses, if any. Never a real name."
    )
    legal_basis = models.ForeignKey(LegalBasis, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    period_label = models.CharField(
        "period",
        max_length=9,
        blank=True,
        validators=[RegexValidator(r"^\d{4}([/–-]\d{2,4})?$", 'At most a year or two, such as "2021" or "2021/22".')],
        help_text="A year at most. Anything finer could point at a person.",
    )
    executive_summary = RichTextField(features=FEATURES, blank=True)
    learning_themes = models.TextField(
        blank=True,
        help_text="One a line. Never age, ethnicity, faith, occupation or area: in a small city they point at people.",
    )
    qa_letter_on = models.DateField("date of the quality assurance letter", null=True, blank=True)
    minimum_online_until = models.DateField(
        "online at least until",
        null=True,
        blank=True,
        help_text="Leave empty to use the partnership's policy when the notice is published.",
    )
    library_url = models.URLField("in the national library", blank=True)
    publication_decision = models.CharField(max_length=20, choices=PublicationDecision.choices, blank=True)
    publication_reason = models.TextField(
        "public reason for the decision",
        max_length=600,
        validators=[MaxLengthValidator(600)],
        blank=True,
        help_text="Approved for readers. Needed unless the review is published in full.",
    )
    listed_by_search_engines = models.BooleanField(
        "let search engines list it",
        default=False,
        help_text="Leave this off unless the family and the partnership agree that people should find it by searching.",
    )
    # Restricted: no public type, feed, page or search index contains these fields.
    stage = models.CharField(max_length=30, choices=DeathReviewStage.choices, default=DeathReviewStage.NOTIFIED)
    decision_reasons = models.TextField("reasons for the decision", blank=True)
    qa_outcome = models.CharField(
        "quality assurance",
        max_length=20,
        choices=QualityAssuranceOutcome.choices,
        default=QualityAssuranceOutcome.NOT_SUBMITTED,
    )
    legal_clearance = models.CharField(max_length=20, choices=LegalClearance.choices, default=LegalClearance.NOT_ASKED)
    parallel_proceedings = models.TextField(
        blank=True, help_text="Trials, inquests or complaints that publication could affect. No names."
    )
    family_informed_on = models.DateField("family informed on", null=True, blank=True)
    dates_to_avoid = models.TextField(
        blank=True,
        help_text="Days and months on which the family asks that nothing appears, one a line as in 14 February. "
        "No year, and do not say why.",
    )
    sent_to_commissioner_on = models.DateField("sent to the Commissioner on", null=True, blank=True)
    name_blocklist = models.JSONField(default=list, blank=True, editable=False)

    may_expire = False
    may_show_death_review_files = True
    is_sensitive = True
    private_fields = (
        "listed_by_search_engines",
        "stage",
        "decision_reasons",
        "qa_outcome",
        "legal_clearance",
        "parallel_proceedings",
        "family_informed_on",
        "dates_to_avoid",
        "sent_to_commissioner_on",
    )
    feed_key = "death-reviews"
    content_warning = "this is about a death, and about domestic abuse."
    SYSTEM_FIELDS = (*ContentPage.SYSTEM_FIELDS, "name_blocklist")  # belongs to the page, not to a revision
    approving_roles = (ApprovalRole.MODERATOR, ApprovalRole.SAFEGUARDING_LEAD)
    parent_page_types = ["pages.DeathReviewIndexPage"]
    subpage_types: list[str] = []
    # A copy is another review, without decision, clearance or reference.
    exclude_fields_in_copy = [
        *ContentPage.exclude_fields_in_copy,
        "reference",
        "stage",
        "publication_decision",
        "qa_outcome",
        "legal_clearance",
        "family_informed_on",
        "sent_to_commissioner_on",
        "minimum_online_until",
        "listed_by_search_engines",
    ]
    # No text and no restricted field of a notice, because Wagtail's page search must not find them.
    search_fields = ContentPage.search_fields

    edit_handler = tabs(
        [
            HelpPanel(
                "<p>The title and the address are made from the reference. Write no real name, date of death or "
                "place anywhere on this screen.</p>"
            ),
            FieldPanel("pseudonym"),
            FieldRowPanel([FieldPanel("legal_basis"), FieldPanel("period_label")]),
            MultiFieldPanel(
                [FieldPanel("publication_decision"), FieldPanel("publication_reason")],
                heading="Decision that readers see",
            ),
            FieldPanel("executive_summary"),
            FieldPanel("learning_themes"),
            InlinePanel("review_documents", heading="Review documents", label="Review document"),
            InlinePanel("recommendations", heading="Recommendations", label="Recommendation"),
            InlinePanel("notice_support_services", heading="Support services", label="Support service"),
            FieldRowPanel([FieldPanel("qa_letter_on"), FieldPanel("minimum_online_until")], heading="Dates"),
            FieldPanel("library_url"),
            FieldPanel("listed_by_search_engines"),
        ],
        restricted=[
            HelpPanel(
                "<p>Nothing on this tab is ever public.</p>"
                "<p><b>For the record only.</b> The CMS publishes an approved notice whatever these fields contain. "
                f"It does not check {', '.join([*UNENFORCED_FIELDS.values()][:-1])} or "
                f"{[*UNENFORCED_FIELDS.values()][-1]}. Approvers must check them.</p>"
            ),
            FieldPanel("stage"),
            FieldPanel("decision_reasons"),
            FieldRowPanel([FieldPanel("qa_outcome"), FieldPanel("legal_clearance")]),
            FieldPanel("parallel_proceedings"),
            FieldRowPanel([FieldPanel("family_informed_on"), FieldPanel("sent_to_commissioner_on")]),
            FieldPanel("dates_to_avoid"),
        ],
        named=False,
    )
    graphql_fields = [
        public.text("reference", required=True, description="The public reference; it says nothing of the case."),
        public.text("pseudonym", description="The name that the report uses. Never a real name."),
        public.related("legal_basis", "pages.LegalBasis", description="The law under which it was held."),
        public.text("period_label", description="A year at most."),
        public.choice(
            "publication_decision", PublicationDecision, required=False, description="How much is published."
        ),
        public.text("publication_reason", description="Why, where it is not published in full."),
        public.rich_text("executive_summary", description="What happened and what can be learned."),
        public.lines("learning_themes", description="Themes of learning."),
        public.children("review_documents", "pages.ReviewDocument", description="The documents of the review."),
        public.children("recommendations", "pages.Recommendation", description="What should change."),
        public.public_field(
            "support_services",
            public.list_of(public.type_of("pages.SupportService")),
            lambda notice, info: loader_of(info).support_services(notice),
            required=True,
            description="Who can help.",
            source="notice_support_services",
        ),
        public.date("qa_letter_on", description="The date of the Home Office's quality assurance letter."),
        public.date("minimum_online_until", description="It stays online at least until this day."),
        public.text("library_url", description="Its address in the national library."),
    ]

    class Meta:
        verbose_name = "death-review notice"
        permissions = [("handle_death_reviews", "Can handle death reviews")]

    def permissions_for_user(self, user: User | AnonymousUser) -> PagePermissionTester:
        return DeathReviewPermissions(user, self)

    @property
    def noindex(self) -> bool:
        """True unless the family and the partnership agreed that search engines may list the notice."""
        return not self.listed_by_search_engines

    @classmethod
    def noindex_pages(cls) -> "models.QuerySet[DeathReviewNoticePage]":
        return cls.objects.filter(listed_by_search_engines=False)

    def full_clean(self, exclude: Iterable[str] | None = None, **kwargs: bool) -> None:
        self._set_fixed_fields()
        super().full_clean(exclude=exclude, **kwargs)

    def minimal_clean(self) -> None:
        self._set_fixed_fields()
        super().minimal_clean()

    def _set_fixed_fields(self) -> None:
        """Set title, slug and safe exit, which editors cannot choose."""
        self.title = f"Death review {self.reference}"
        self.slug = self.reference.lower()
        self.show_safe_exit = True

    def save_revision(self, *args: object, **kwargs: object) -> Revision:
        self._keep_files_hidden()
        return super().save_revision(*args, **kwargs)

    def hold_files(self) -> None:
        """Also moves files back that somebody moved away after the version was saved."""
        super().hold_files()
        self._keep_files_hidden()

    def _keep_files_hidden(self) -> None:
        """Moves the files of the version to the collection of death reviews, where other editors do not see them."""
        index = DeathReviewIndexPage.objects.filter(path=self.path[: -self.steplen]).first()
        if index is not None and index.files_id:
            for model, keys in zip((Document, Image), files_of(self), strict=True):
                rows: Any = model._default_manager
                for file in rows.filter(~of_death_reviews(), pk__in=keys):
                    if not used_by_other_pages(file, besides=self.pk):  # whose editors would lose it
                        rows.filter(pk=file.pk).update(collection=index.files_id)

    def publishing_problems(self) -> dict[str, Any]:
        problems = super().publishing_problems()
        if not self.publication_decision:
            problems["publication_decision"] = "Record the decision about publication."
        elif self.publication_decision != PublicationDecision.FULL and not self.publication_reason.strip():
            problems["publication_reason"] = "Give readers the approved reason."
        if self.publication_decision != PublicationDecision.DECLINED:
            if not has_text(self.executive_summary):
                problems["executive_summary"] = "Give the executive summary as text, so that nobody needs a PDF."
            if not self.notice_support_services.count():
                problems["notice_support_services"] = "Add at least one support service."
            elif not self._has_public_support_service():
                problems["notice_support_services"] = (
                    "None of these support services is published, so readers would see none: publish one of them first."
                )
        return problems

    def values_set_by_publication(self) -> dict[str, Any]:
        """The end of the minimum time online by the policy, if no editor chose a date."""
        if self.minimum_online_until is not None or self.first_published_at is None:
            return {}
        months = relativedelta(months=settings.DEATH_REVIEW_MINIMUM_MONTHS)
        return {"minimum_online_until": timezone.localdate(self.first_published_at) + months}

    def support_services_shown(self, shown: ShownToReaders) -> list[SupportService]:
        return shown.support_services(self)

    def withdrawal_problems(self, kind: str) -> dict[str, str]:
        until = self.minimum_online_until
        if until and until > timezone.localdate():
            return {
                "kind": f"This notice stays online until {until:%d %B %Y} at least. Withdrawing it earlier needs "
                "a second approver, which the CMS does not support yet. In an emergency, take it down."
            }
        if kind != WithdrawalKind.WITHDRAWN:
            return {"kind": "Readers of a death-review notice must know why it was withdrawn: give an explanation."}
        return {}

    def _has_public_support_service(self) -> bool:
        """Whether readers see at least one of the services, now or when this version is scheduled for."""
        now = timezone.now()
        services = [row.service_id for row in self.notice_support_services.all()]
        return SupportService.objects.shown_at(max(now, self.go_live_at or now)).filter(pk__in=services).exists()


class NoticeSupportService(Orderable):
    """A support service shown with a notice."""

    page = ParentalKey(DeathReviewNoticePage, on_delete=models.CASCADE, related_name="notice_support_services")
    service = models.ForeignKey(SupportService, on_delete=models.PROTECT, related_name="+")

    panels = [FieldPanel("service")]

    class Meta(Orderable.Meta):
        verbose_name = "support service"

    def __str__(self) -> str:
        return str(self.service)


class ReviewDocument(Orderable):
    """One document of a review: published, withheld with a reason, or never produced."""

    page = ParentalKey(DeathReviewNoticePage, on_delete=models.CASCADE, related_name="review_documents")
    kind = models.CharField(max_length=30, choices=ReviewDocumentKind.choices)
    state = models.CharField(max_length=20, choices=ReviewDocumentState.choices)
    reason = models.CharField("why it is withheld", max_length=300, blank=True)
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    panels = [
        FieldRowPanel([FieldPanel("kind"), FieldPanel("state")]),
        FieldPanel("reason"),
        FieldPanel("document"),
    ]
    graphql_fields = [
        public.choice("kind", ReviewDocumentKind, description="Which document it is."),
        public.choice("state", ReviewDocumentState, description="Whether it is published."),
        public.text("reason", description="Why it is withheld."),
        public.related("document", "documents.Document", description="The file, where it is published."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "review document"

    def __str__(self) -> str:
        return self.get_kind_display()

    def clean(self) -> None:
        super().clean()
        if (self.state == ReviewDocumentState.PUBLISHED) != bool(self.document_id):
            raise ValidationError(
                {"document": "A published document needs a file, and other documents must not have one."}
            )
        if self.state == ReviewDocumentState.WITHHELD and not self.reason.strip():
            raise ValidationError({"reason": "Tell readers why it is withheld."})


class Recommendation(Orderable):
    """Something that an agency should do differently."""

    page = ParentalKey(DeathReviewNoticePage, on_delete=models.CASCADE, related_name="recommendations")
    number = models.CharField(max_length=10)
    text = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)])
    level = models.CharField(max_length=10, choices=RecommendationLevel.choices)
    owner_agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    due_on = models.DateField("due", null=True, blank=True)
    status = models.CharField(max_length=20, choices=ActionStatus.choices, default=ActionStatus.NOT_REPORTED)
    outcome = models.TextField(max_length=1000, validators=[MaxLengthValidator(1000)], blank=True)

    panels = [
        FieldRowPanel([FieldPanel("number"), FieldPanel("level")]),
        FieldPanel("text"),
        FieldRowPanel([FieldPanel("owner_agency"), FieldPanel("due_on")]),
        FieldRowPanel([FieldPanel("status"), FieldPanel("outcome")]),
    ]
    graphql_fields = [
        public.text("number", required=True, description="Its number in the report."),
        public.text("text", required=True, description="What should change."),
        public.choice("level", RecommendationLevel, description="Whom it is addressed to."),
        public.related("owner_agency", "pages.Agency", description="Who has to act."),
        public.date("due_on", description="By when."),
        public.choice("status", ActionStatus, description="Its progress, as reported."),
        public.text("outcome", description="What came of it."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "recommendation"

    def __str__(self) -> str:
        return f"{self.number}. {self.text}"
