"""Registers snippets, page listings, permission policies, log actions and buttons with Wagtail's admin."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component
from wagtail.admin.ui.tables import BooleanColumn, Column, UpdatedAtColumn
from wagtail.admin.viewsets.pages import PageListingViewSet
from wagtail.admin.widgets import Button
from wagtail.contrib.redirects.models import Redirect
from wagtail.log_actions import LogActionRegistry
from wagtail.models import Page, Site
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.permissions import register_permission_policy
from wagtail.snippets.action_menu import ActionMenuItem
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import RevisionsUnscheduleView, SnippetViewSet, SnippetViewSetGroup, UnpublishView

from pages.approval import row_locks
from pages.approval.edit_screens import (
    ModeratedPageViewSet,
    SnippetActionView,
    SnippetCopyView,
    SnippetEditView,
    SnippetRevertView,
)
from pages.approval.workflow import (
    PUBLISHED_BY_COMMAND,
    make_root_of_site,
    nothing_published_here,
    set_up_death_reviews,
)
from pages.confidential.permissions import PagePolicy, without_notices
from pages.confidential.reading_log import NOTICE, SEEN, SeenFormatter, note_seen
from pages.content.choices import ApprovalRole
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS
from pages.content.publication_times import schedule_in_words
from pages.editing import home as editors_home
from pages.editing import meeting_views, reviews, staff_calendar
from pages.editing.meeting_changes import FAST_LANE
from pages.models import (
    Agency,
    Alert,
    Contact,
    ContentPage,
    DeathReviewIndexPage,
    LegalBasis,
    MeetingPage,
    PriorityPage,
    SupportService,
    Topic,
    Venue,
)
from pages.models.approvals import NeedsApproval, note_makers_of_original
from pages.models.moderation import is_in
from pages.models.public_records import may_take_down
from pages.models.snippets import ModeratedSnippet
from pages.redaction.redact import REDACTED
from pages.takedown import redirects
from pages.takedown import views as withdrawal_views
from pages.takedown.withdrawal import TAKEDOWN_CONFIRMED, TAKEN_DOWN, WITHDRAWN


class ModeratedSnippetPolicy(ModelPermissionPolicy):
    """Nobody may publish a snippet without approval, not even superusers. Moderators may unpublish and delete it."""

    def user_has_permission(self, user: User | AnonymousUser, action: str) -> bool:
        if action == "delete" and self.model is SupportService and not user.has_perm(HANDLE_DEATH_REVIEWS):
            return False  # a refused deletion would reveal that a notice refers to it
        if action == "unpublish":
            return super().user_has_permission(user, "publish") and is_in(user, ApprovalRole.MODERATOR)
        return action != "publish" and super().user_has_permission(user, action)

    def user_has_permission_for_instance(
        self, user: User | AnonymousUser, action: str, instance: ModeratedSnippet
    ) -> bool:
        deletes_live = action == "delete" and instance.live
        return self.user_has_permission(user, action) and (not deletes_live or is_in(user, ApprovalRole.MODERATOR))


class LabelPolicy(ModelPermissionPolicy):
    """Only moderators may change what is public as soon as it is saved: labels, redirects, the root of the site.
    Superusers need to be moderators, too."""

    def user_has_permission(self, user: User | AnonymousUser, action: str) -> bool:
        changes = action in ("add", "change", "delete")
        if action == "delete" and self.model is LegalBasis and not user.has_perm(HANDLE_DEATH_REVIEWS):
            return False  # a refused deletion would reveal that a notice refers to it
        return super().user_has_permission(user, action) and (not changes or is_in(user, ApprovalRole.MODERATOR))


class UnpublishSnippetView(UnpublishView):
    permission_required = "unpublish"


class UnscheduleSnippetView(RevisionsUnscheduleView):
    permission_required = "unpublish"


class ModeratedSnippetViewSet(SnippetViewSet):
    edit_view_class = SnippetEditView
    copy_view_class = SnippetCopyView
    revisions_revert_view_class = SnippetRevertView
    edit_template_name = "pages/admin/edit_snippet.html"
    workflow_action_view_class = SnippetActionView
    unpublish_view_class = UnpublishSnippetView
    revisions_unschedule_view_class = UnscheduleSnippetView


register_permission_policy(Page, PagePolicy())
for _model in ModeratedSnippet.__subclasses__():
    register_permission_policy(_model, ModeratedSnippetPolicy(_model), exact_class=True)
for _label in (Topic, LegalBasis, Redirect, Site):
    register_permission_policy(_label, LabelPolicy(_label), exact_class=True)


hooks.register("before_bulk_action", row_locks.hold_all)


@hooks.register("construct_page_chooser_queryset")
def no_notices_to_choose(pages: QuerySet[Page], request: HttpRequest) -> QuerySet[Page]:
    return without_notices(pages, request.user)


@hooks.register("construct_snippet_action_menu")
def no_publish_button(menu_items: list[ActionMenuItem], request: HttpRequest, context: dict[str, Any]) -> None:
    menu_items[:] = [item for item in menu_items if item.name != "action-publish"]


class AgencyViewSet(ModeratedSnippetViewSet):
    model = Agency
    icon = "group"
    list_display = ["name", "sector", UpdatedAtColumn()]
    list_filter = ["sector"]


class VenueViewSet(ModeratedSnippetViewSet):
    model = Venue
    icon = "home"
    list_display = ["name", "room", "postcode", UpdatedAtColumn()]


class ContactViewSet(ModeratedSnippetViewSet):
    model = Contact
    icon = "mail"
    list_display = ["team", "email", "phone", UpdatedAtColumn()]


class SupportServiceViewSet(ModeratedSnippetViewSet):
    model = SupportService
    icon = "help"
    list_display = ["name", "phone", "hours", UpdatedAtColumn()]


class AlertViewSet(ModeratedSnippetViewSet):
    model = Alert
    icon = "warning"
    list_display = ["message", "severity", "active_from", "active_until", UpdatedAtColumn()]


class TopicViewSet(SnippetViewSet):
    model = Topic
    icon = "tag"
    list_display = ["name", "slug"]


class LegalBasisViewSet(SnippetViewSet):
    model = LegalBasis
    icon = "doc-full"
    list_display = ["name", BooleanColumn("confirmed_by_a_lawyer")]


class SharedText(SnippetViewSetGroup):
    menu_label = "Shared text"
    menu_icon = "list-ul"
    menu_order = 250
    items = (
        AgencyViewSet,
        VenueViewSet,
        ContactViewSet,
        SupportServiceViewSet,
        AlertViewSet,
        TopicViewSet,
        LegalBasisViewSet,
    )


register_snippet(SharedText)


def _when(meeting: MeetingPage) -> str:
    return f"{timezone.localtime(meeting.starts_at):%a %d %b %Y, %H:%M}" if meeting.starts_at else "No date yet"


class MeetingListing(PageListingViewSet):
    model = MeetingPage
    menu_label = "Meetings"
    icon = "date"
    add_to_admin_menu = True
    menu_order = 110
    columns = [
        PageListingViewSet.columns[0],
        PageListingViewSet.columns[1],
        Column("starts_at", label="Date", accessor=_when, sort_key="starts_at"),
        Column("meeting_status", label="Meeting", accessor=lambda meeting: meeting.get_status_display()),
        *PageListingViewSet.columns[3:],
    ]


class PriorityListing(PageListingViewSet):
    model = PriorityPage
    menu_label = "Priorities"
    icon = "list-ol"
    add_to_admin_menu = True
    menu_order = 120
    columns = [
        PageListingViewSet.columns[0],
        Column("number", label="Number", sort_key="number"),
        *PageListingViewSet.columns[1:],
    ]


@hooks.register("register_admin_viewset")
def register_listings() -> list[PageListingViewSet]:
    return [MeetingListing("meetings"), PriorityListing("priorities"), ModeratedPageViewSet()]


@hooks.register("after_create_page")
def set_up_a_new_section(request: HttpRequest, page: Page) -> None:
    """A new home page becomes the root of the site; a new index of death reviews gets its workflow."""
    if page.is_home_page:
        make_root_of_site(page)
    # isinstance, because models may not import pages.approval.
    if isinstance(page, DeathReviewIndexPage):
        set_up_death_reviews(page)


@hooks.register("after_copy_page")
def leave_old_versions_behind(request: HttpRequest, page: Page, new_page: Page) -> None:
    """Delete the copied revisions except the latest: a copy must not reveal earlier versions of its original.

    All authors of the text and the dates stay their authors, and copying a death-review notice is logged as reading it.
    """
    originals = list(page.get_descendants(inclusive=True)) if new_page.get_descendant_count() else [page]
    for original, copy in zip(originals, new_page.get_descendants(inclusive=True), strict=False):
        copy.revisions.exclude(pk=copy.latest_revision_id).delete()
        if copy.latest_revision:
            note_makers_of_original(copy.latest_revision, original.latest_revision)
        if original.specific.is_sensitive:
            note_seen(original.specific, request.user, NOTICE)


@hooks.register("register_log_actions")
def register_log_actions(actions: LogActionRegistry) -> None:
    actions.register_action(
        PUBLISHED_BY_COMMAND,
        "Publish by a command",
        "Published by a management command, without a moderator",
    )
    actions.register_action(WITHDRAWN, "Withdraw", "Withdrawn from readers")
    actions.register_action(TAKEN_DOWN, "Take down", "Taken offline in an emergency")
    actions.register_action(TAKEDOWN_CONFIRMED, "Confirm a takedown", "Takedown confirmed by a second person")
    actions.register_action(FAST_LANE, "Fast lane", "Called off by one moderator, in the fast lane")
    actions.register_action(reviews.REVIEWED, "Mark as reviewed", "Marked as reviewed")
    actions.register_action(REDACTED, "Redact", "Text was redacted for good, here or elsewhere")
    actions.register_action(SEEN)(SeenFormatter)


# --- Withdrawal, meetings, reviews ---


@hooks.register("register_admin_urls")
def register_admin_urls() -> list[URLPattern]:
    screens = (withdrawal_views, meeting_views, reviews, staff_calendar, redirects)
    return [address for screen in screens for address in screen.admin_urls]


@hooks.register("register_page_header_buttons")
def register_page_header_buttons(
    page: Page, user: User | AnonymousUser, view_name: str, next_url: str | None = None
) -> list[Button]:
    specific = page.specific
    return [
        *reviews.page_buttons(specific, user),
        *withdrawal_views.page_buttons(specific, user),
        *meeting_views.page_buttons(specific, user),
    ]


@hooks.register("insert_global_admin_js")
def send_once() -> str:
    return format_html('<script src="{}"></script>', static("pages/sent_once.js"))


@hooks.register("construct_homepage_panels")
def arrange_the_home(request: HttpRequest, panels: list[Component]) -> None:
    if request.user.has_perm("wagtailcore.change_workflow") and (places := nothing_published_here(request.user)):
        messages.warning(
            request,
            f"Nothing can be approved or published for: {', '.join(places)}. The workflow has no task for the groups "
            "whose approvals are required: see Settings → Workflows.",
        )
    editors_home.arrange(panels)


class TakedownsMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return may_take_down(request.user)


@hooks.register("register_admin_menu_item")
def register_takedowns() -> MenuItem:
    return TakedownsMenuItem("Takedown", reverse("takedowns"), icon_name="warning", order=9000)


@hooks.register("before_edit_page")
def say_that_it_is_withdrawn(request: HttpRequest, page: Page) -> None:
    if request.method == "GET" and isinstance(page, ContentPage) and page.withdrawal_kind:
        messages.warning(request, "This page is withdrawn. It becomes public again when a new version is approved.")


@hooks.register("before_edit_page")
@hooks.register("before_edit_snippet")
def say_when_it_will_be_published(request: HttpRequest, obj: Any) -> None:
    """Show when the version will be published, in words: a date in figures is easily misread."""
    awaits_approval = isinstance(obj, NeedsApproval) and obj.current_workflow_task_state is not None
    if (
        request.method == "GET"
        and awaits_approval
        and (words := schedule_in_words(obj.get_latest_revision_as_object()))
    ):
        messages.info(request, words)
