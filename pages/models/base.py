"""The base class of all page types: a permanent identity, a summary, review dates, updates and withdrawal.

`ContentPage` has its own table between Wagtail's page and each page type. So the rule for what is public, and lists of
pages of all types, read one table.
"""

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar, NoReturn

from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.dispatch import Signal
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import (
    FieldPanel,
    HelpPanel,
    MultiFieldPanel,
    ObjectList,
    Panel,
    PublishingPanel,
    TabbedInterface,
)
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Orderable, Page, PageLogEntry, PagePermissionTester
from wagtail.search import index

from documents.models import Document
from pages.blocks import BodyBlock
from pages.content import addresses
from pages.content.choices import UpdateKind, WithdrawalKind
from pages.content.death_reviews import files_out_of_place
from pages.content.publication_times import sends_back, time_problems
from pages.content.references import file_facts_of, hold_files_of, makers_of_files
from pages.content.rich_text import has_text
from pages.graphql import public_fields as public
from pages.models.approvals import NeedsApproval
from pages.models.checks import check_page_type
from pages.models.moderation import CopyAsDraftForm, ModeratedPermissions
from pages.models.page_answers import PageAnswers
from pages.models.preview_channels import channels_of
from pages.models.snippets import Topic

# Wagtail's log actions for a publication, immediate or scheduled (pages/approval/scheduling.py).
PUBLISHED = ("wagtail.publish", "wagtail.publish.scheduled")
# pages/visibility/rule.py checks this many ancestors and hides deeper pages.
MAX_DEPTH = 10

# Sent in each transaction that may publish, hide or move a page (`page`) or a file (`file`). For a page, `published`
# says whether a version was published, and `before` is the previous public version, if a version was published.
visibility_changed = Signal()


def body_field(**kwargs: object) -> StreamField:
    """The optional body of a page, with all blocks of `BodyBlock`."""
    return StreamField(BodyBlock(), blank=True, use_json_field=True, **kwargs)


class ContentPageForm(WagtailAdminPageForm):
    """The edit form of every page. A draft may be incomplete; a version that is submitted or published may not."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.review_date_needed and "last_reviewed_on" in self.fields:
            self.fields["last_reviewed_on"].required = False
        if self._shows_what_readers_were_told():
            self.initial |= {"update_kind": UpdateKind.MINOR, "change_note": ""}

    def _shows_what_readers_were_told(self) -> bool:
        """Whether the form shows a version that was published and is not public now. Its change note is not news."""
        page = self.instance
        if page.live or not page.latest_revision_id or page.workflow_in_progress:
            return False
        return PageLogEntry.objects.filter(revision=page.latest_revision_id, action__in=PUBLISHED).exists()

    def clean(self) -> dict[str, Any]:
        """An empty rich-text box is stored as an empty string, not as an empty paragraph."""
        cleaned = super().clean()
        if (row := self._page_reviewed_meanwhile()) and "last_reviewed_on" in cleaned:
            cleaned |= {"last_reviewed_on": row.last_reviewed_on, "next_review_due_on": row.next_review_due_on}
        for field in self.instance._meta.fields:
            if isinstance(field, RichTextField) and not has_text(cleaned.get(field.name) or ""):
                cleaned[field.name] = ""
        return cleaned

    def _page_reviewed_meanwhile(self) -> "ContentPage | None":
        """The page from the database, if somebody marked it as reviewed after the edit screen was opened, else None."""
        known = self.data.get("known_review")
        row = ContentPage.objects.filter(pk=self.instance.pk).first() if known is not None else None
        return row if row and row.known_review != known else None

    def is_valid(self) -> bool:
        if sends_back(self.data):
            self.defer_required_fields()  # as for a draft: a version that is sent back may break the rules
        valid = super().is_valid()
        if valid and not self.is_deferred_validation:
            # Puts the child rows of the form on the page, in memory only, so that the rules see them.
            self.save(commit=False)
            for field, problem in {**self.instance.publishing_problems(), **time_problems(self.instance)}.items():
                self.add_error(field if field in self.fields else None, problem)
            valid = not self.errors
        return valid


class ContentPage(NeedsApproval, PageAnswers):
    """What all page types share. Editors cannot create a page of this class itself."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    summary = models.TextField(
        max_length=160,
        validators=[MaxLengthValidator(160)],
        help_text="One or two plain sentences, up to 160 characters. Feeds, search results and social cards show it.",
    )
    topics = ParentalManyToManyField(
        Topic, blank=True, related_name="pages", help_text="Readers can follow a topic in a feed reader."
    )
    last_reviewed_on = models.DateField(
        null=True,
        help_text="The day on which somebody last checked that this is right. It is not the day of publication.",
    )
    next_review_due_on = models.DateField("next review due on", null=True, blank=True)
    show_safe_exit = models.BooleanField(
        'show an "exit this page" button',
        default=False,
        help_text="For pages that somebody at risk may read while the person they fear is near.",
    )
    update_kind = models.CharField(
        "this update is", max_length=10, choices=UpdateKind.choices, default=UpdateKind.MINOR
    )
    change_note = models.CharField(
        max_length=300,
        blank=True,
        help_text="What changed, in one sentence for readers. Needed for a major update to a page that was public.",
    )
    # The system sets the fields below. They belong to the page, not to a revision.
    marked_reviewed_at = models.DateTimeField(
        null=True, editable=False, help_text="When somebody last said in one click that the public version is right."
    )
    public_updated_at = models.DateTimeField(null=True, editable=False)
    withdrawal_kind = models.CharField(
        max_length=10, choices=WithdrawalKind.choices, blank=True, editable=False, db_index=True
    )
    withdrawal_explanation = models.TextField(blank=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    withdrawal_alternative = models.ForeignKey(
        Page, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    is_creatable = False
    parent_page_types: ClassVar[list[Any]] = []
    base_form_class = ContentPageForm
    copy_form_class = CopyAsDraftForm
    review_date_needed = True
    may_expire = True
    SYSTEM_FIELDS: tuple[str, ...] = (
        "uuid",
        "first_published_at",
        "marked_reviewed_at",
        "public_updated_at",
        "withdrawal_kind",
        "withdrawal_explanation",
        "withdrawn_at",
        "withdrawal_alternative_id",
    )
    OF_THE_ROW = (
        *NeedsApproval.OF_THE_ROW, *SYSTEM_FIELDS, "draft_title", "latest_revision_created_at", "locked", "locked_at",
        "locked_by_id", "owner_id",
    )  # fmt: skip
    OF_THE_TREE = ("path", "depth", "numchild", "url_path")  # saving a new slug changes `url_path`
    # A copy is a new page with its own history.
    exclude_fields_in_copy = [*SYSTEM_FIELDS[:-1], "withdrawal_alternative", "change_note"]

    search_fields = [*Page.search_fields, index.SearchField("summary"), index.FilterField("uuid")]

    promote_panels = [
        MultiFieldPanel(
            [FieldPanel("slug"), FieldPanel("seo_title"), FieldPanel("search_description")],
            heading="For search engines",
        ),
        MultiFieldPanel([FieldPanel("show_in_menus"), FieldPanel("topics")], heading="Where it appears"),
    ]
    review_panels = [
        MultiFieldPanel(
            [
                HelpPanel(
                    "<p>A <b>minor</b> update corrects a page without telling readers. A <b>major</b> update appears "
                    "in the feeds with its change note.</p>"
                ),
                FieldPanel("update_kind"),
                FieldPanel("change_note"),
            ],
            heading="This update",
        ),
        MultiFieldPanel([FieldPanel("last_reviewed_on"), FieldPanel("next_review_due_on")], heading="Review"),
        FieldPanel("show_safe_exit"),
        PublishingPanel(),
    ]

    class Meta:
        verbose_name = "page"

    @classmethod
    def check(cls, **kwargs: object) -> list[CheckMessage]:
        problems = super().check(**kwargs)
        return problems if cls is ContentPage else [*problems, *check_page_type(cls, ContentPage)]

    def clean(self) -> None:
        super().clean()
        if self.alias_of_id:
            raise ValidationError({"slug": "Aliases are not available. Make a copy, which needs its own approval."})
        if self.depth and self.depth > MAX_DEPTH:
            raise ValidationError({"slug": f"Pages can be at most {MAX_DEPTH} levels deep."})
        if self.last_reviewed_on and self.next_review_due_on and self.next_review_due_on <= self.last_reviewed_on:
            raise ValidationError({"next_review_due_on": "The next review must be after the last one."})

    def full_clean(self, exclude: Iterable[str] | None = None, **kwargs: bool) -> None:
        """Page types that need no review date may be published without one."""
        exclude = set(exclude or ())
        if not self.review_date_needed and self.last_reviewed_on is None:
            exclude.add("last_reviewed_on")
        super().full_clean(exclude=exclude, **kwargs)

    def save(self, clean: bool = True, *, update_fields: Iterable[str] | None = None, **kwargs: object) -> None:
        """Saves the page. A live page must be approved and keep the rules: every route to publication ends here.

        Raises ValidationError if the page breaks a rule, and NotApprovedError if its version was not approved.
        """
        whole = update_fields is None  # Wagtail passes `update_fields` to save facts about drafts
        with transaction.atomic():
            was_live = whole and self.lock_and_merge_row()  # waits for others, so an earlier takedown is kept
            if clean and self.live:  # before the check of approvals, because it may change the slug
                self.full_clean()
                clean = False
            publishes = whole and self.publishes(self.published_version())
            before = self.known_version() if publishes else None
            super().save(clean=clean, update_fields=update_fields, **kwargs)
            self._remember_row(update_fields)
            if publishes:
                self.end_older_approvals()
            if whole and (self.live or was_live):  # drafts need not wait for the ledger
                visibility_changed.send(type(self), page=self, published=publishes, before=before)

    def known_version(self) -> "ContentPage | None":
        """The page as readers know it. Types with a change log may return a version that was unpublished since."""
        return self.published_version()

    def publishing_problems(self) -> dict[str, Any]:
        problems = super().publishing_problems()
        if self.expire_at and not self.may_expire:
            problems["expire_at"] = (
                "Leave this empty: if this page expired, death-review notices would disappear without an explanation."
            )
        if self.update_kind == UpdateKind.MAJOR and self.public_updated_at and not self.change_note.strip():
            problems["change_note"] = "Say in one sentence what changed: this is a major update."
        if not self.may_show_death_review_files:
            problems |= files_out_of_place(self)
        return problems

    def serializable_data(self) -> dict[str, Any]:
        """A revision also records its files and their descriptions, so that a replaced file, or one with another
        description, does not count as approved.
        """
        return {**super().serializable_data(), "file_facts": file_facts_of(self)}

    def made_by(self) -> dict[int, str]:
        return makers_of_files(self)

    def hold_files(self) -> None:
        hold_files_of(self)

    @classmethod
    def hold(cls, pk: int | str) -> dict[str, Any] | None:
        """Locks the row of `ContentPage` first, so that locks on any page type wait for each other."""
        if cls is not ContentPage:
            list(ContentPage._base_manager.select_for_update(no_key=True).filter(pk=pk).values_list("pk", "live"))
        return super().hold(pk)

    def permissions_for_user(self, user: User | AnonymousUser) -> PagePermissionTester:
        """The permissions by the rules of the specific type, also for a page that was read as a ContentPage."""
        if type(self) is ContentPage and self.specific_class not in (None, ContentPage):
            return self.specific_deferred.permissions_for_user(user)
        return ModeratedPermissions(user, self)

    def with_content_json(self, content: dict[str, Any]) -> "ContentPage":
        page = super().with_content_json(content)
        for name in self.SYSTEM_FIELDS:
            setattr(page, name, getattr(self, name))
        never = date.min
        if self._reviewed_since(content) and (self.last_reviewed_on or never) > (page.last_reviewed_on or never):
            page.last_reviewed_on, page.next_review_due_on = self.last_reviewed_on, self.next_review_due_on
        return page

    @property
    def known_review(self) -> str:
        """When it was last marked as reviewed (ISO 8601, or empty). The edit form sends it back."""
        return self.marked_reviewed_at.isoformat() if self.marked_reviewed_at else ""

    def _reviewed_since(self, content: dict[str, Any]) -> bool:
        """Whether the page was marked as reviewed (pages/editing/reviews.py) after this version was saved.

        The version itself does not change, because an approval belongs to the content that was approved.
        """
        known = ContentPage._meta.get_field("marked_reviewed_at").to_python(content.get("marked_reviewed_at"))
        return self.marked_reviewed_at is not None and self.marked_reviewed_at != known

    def listed_pages(self) -> "models.QuerySet[Any]":
        """The pages of the list below this page, in order, public or not."""
        return ContentPage.objects.child_of(self).order_by("path")

    def get_full_url(self, request: HttpRequest | None = None) -> str:
        """The public address of the page, which Wagtail puts into mail. Wagtail's Site record is not used."""
        return addresses.url(self)

    full_url = property(get_full_url)

    def get_admin_display_title(self) -> str:
        title = super().get_admin_display_title()
        return f"{title} (withdrawn)" if self.withdrawal_kind else title

    @property
    def preview_modes(self) -> list[tuple[str, str]]:
        """The previews that editors can choose, as (name, label)."""
        return [(channel.name, channel.label) for channel in channels_of(type(self)).values()]

    def serve_preview(self, request: HttpRequest, mode_name: str | None) -> HttpResponse:
        """A preview of a draft.

        Raises Http404 for a preview that the page type does not have.
        """
        channels = channels_of(type(self))
        channel = channels.get(mode_name or "")
        if channel is None:
            labels = ", ".join(each.label for each in channels.values())
            raise Http404(f"This page has no preview “{mode_name}”. Choose one of: {labels}.")
        return channel.respond(self, request.user, timezone.now())

    def serve(self, request: HttpRequest, *args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError("Pages are served by pages.web.views, which checks pages.visibility.rule first.")


def page_types() -> list[type[ContentPage]]:
    """All page types of all apps that editors can create."""
    return [model for model in apps.get_models() if issubclass(model, ContentPage) and model is not ContentPage]


class NotTakenDownManager(models.Manager[Any]):
    """The rows that readers may see. An emergency takedown hides the rows of its page for ever."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(taken_down=False)


class ChangeNote(models.Model):
    """One line of a page's public history. The system writes it when a major update is published."""

    # Not a ParentalKey, so that publishing a revision does not change the history.
    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="change_notes")
    at = models.DateTimeField()
    note = models.CharField(max_length=300)
    taken_down = models.BooleanField(default=False, help_text="Whether its page was taken down in an emergency since.")

    objects = NotTakenDownManager()
    with_taken_down = models.Manager()

    graphql_fields = [
        public.date_time("at", required=True, description="When the update was published."),
        public.text("note", required=True, description="What changed."),
    ]

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}: {self.note}"


class PageDocument(Orderable):
    """A document that belongs to a plan, an insight or an annual review."""

    page = ParentalKey(ContentPage, on_delete=models.CASCADE, related_name="page_documents")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")

    panels = [FieldPanel("document")]

    class Meta(Orderable.Meta):
        verbose_name = "document"

    def __str__(self) -> str:
        return str(self.document)


def tabs(content: list[Panel], restricted: list[Panel] | None = None, named: bool = True) -> TabbedInterface:
    """The edit screen of a page type, in tabs.

    `restricted` are panels for fields that never become public (death reviews only). `named` is False if editors choose
    neither title nor address, and the page is in no menu.
    """
    title = Page.content_panels if named else []
    promote = ContentPage.promote_panels if named else [FieldPanel("topics")]
    return TabbedInterface(
        [
            ObjectList([*title, FieldPanel("summary"), *content], heading="Content"),
            *([ObjectList(restricted, heading="Restricted: never public")] if restricted else []),
            ObjectList(ContentPage.review_panels, heading="Review and updates"),
            ObjectList(promote, heading="Address and search"),
        ]
    )
