"""What editors see in the admin beside the page tree: snippets, lists of meetings and priorities, log entries."""

from django.utils import timezone
from wagtail import hooks
from wagtail.admin.ui.tables import BooleanColumn, Column, UpdatedAtColumn
from wagtail.admin.viewsets.pages import PageListingViewSet
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet, SnippetViewSetGroup

from pages.models import (
    Agency,
    Alert,
    Contact,
    DeathReviewIndexPage,
    LegalBasis,
    MeetingPage,
    PartnershipPage,
    PriorityPage,
    SupportService,
    Topic,
    Venue,
)
from pages.workflow import PUBLISHED_BY_COMMAND, make_root_of_site, set_up_death_reviews


class AgencyViewSet(SnippetViewSet):
    model = Agency
    icon = "group"
    list_display = ["name", "sector", UpdatedAtColumn()]
    list_filter = ["sector"]


class VenueViewSet(SnippetViewSet):
    model = Venue
    icon = "home"
    list_display = ["name", "room", "postcode", UpdatedAtColumn()]


class ContactViewSet(SnippetViewSet):
    model = Contact
    icon = "mail"
    list_display = ["team", "email", "phone", UpdatedAtColumn()]


class SupportServiceViewSet(SnippetViewSet):
    model = SupportService
    icon = "help"
    list_display = ["name", "phone", "hours", UpdatedAtColumn()]


class AlertViewSet(SnippetViewSet):
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
    return [MeetingListing("meetings"), PriorityListing("priorities")]


@hooks.register("after_create_page")
def set_up_a_new_section(request, page) -> None:
    """A new home page becomes the root of the site; a new index of death reviews gets its workflow."""
    if isinstance(page, PartnershipPage):
        make_root_of_site(page)
    if isinstance(page, DeathReviewIndexPage):
        set_up_death_reviews(page)


@hooks.register("register_log_actions")
def register_log_actions(actions) -> None:
    actions.register_action(
        PUBLISHED_BY_COMMAND,
        "Publish by a command",
        "Published by a command of the system, without a moderator",
    )
