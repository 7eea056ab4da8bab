"""The deadlines of one user as an iCalendar feed, at a private address for the user's calendar program.

Calendar programs cannot sign in, so the address holds a token: a stored random key (`StaffCalendar`), signed with a
salt that contains the user's password hash. It stops working when the password changes, when the user makes a new
address, and when the account is deactivated or may not use the admin.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from icalendar import Calendar, Event
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from pages.content import addresses
from pages.content.plain_words import name_of
from pages.editing.deadlines import Deadline, deadlines_of
from pages.models import StaffCalendar
from pages.models.staff_deadlines import new_calendar_key

PRODUCT = "-//Community Safety CMS//Deadlines//EN"
UNKNOWN_CHANGE = datetime(1970, 1, 1, tzinfo=UTC)  # of a page without a revision

# --- The address ---


def _signer(user: User) -> Signer:
    return Signer(salt=f"pages.staff_calendar:{user.password}", sep=".")


def token_of(calendar: StaffCalendar) -> str:
    return _signer(calendar.user).sign(calendar.key)


def owner_of(token: str) -> User | None:
    """The user whose calendar it is. None if the token is wrong or old, or the user may not use the admin."""
    calendar = StaffCalendar.objects.select_related("user").filter(key=token.partition(".")[0]).first()
    if calendar is None:
        return None
    try:
        _signer(calendar.user).unsign(token)
    except BadSignature:
        return None
    # A deactivated account has no permissions.
    return calendar.user if calendar.user.has_perm("wagtailadmin.access_admin") else None


def address_of(calendar: StaffCalendar) -> str:
    return settings.CMS_URL + reverse("staff_calendar", args=[token_of(calendar)])


# --- The calendar ---


def _event(deadline: Deadline) -> Event:
    """An all-day event (RFC 5545 section 3.6.1). DTSTAMP comes from the page, so that unchanged deadlines give the same
    bytes. Death reviews are named by their reference alone."""
    page, event = deadline.page, Event()
    name = "-".join(map(str, filter(None, (deadline.rule, page.uuid, deadline.row))))
    changed = max(filter(None, (page.latest_revision_created_at, page.marked_reviewed_at)), default=UNKNOWN_CHANGE)
    event.add("uid", f"{name}@deadlines")
    event.add("dtstamp", changed.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", deadline.due_on)
    event.add("summary", f"{deadline.what}: {name_of(page)}")
    event.add("description", f"{deadline.standing.label}. Source: {deadline.source}.")
    event.add("url", settings.CMS_URL + addresses.edit_url(page))
    event.add("transp", "TRANSPARENT")  # does not block the day
    return event


def calendar_of(user: User, as_of: datetime) -> bytes:
    """The user's deadlines as iCalendar (RFC 5545)."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Community safety deadlines")
    for deadline in deadlines_of(user, as_of):
        calendar.add_component(_event(deadline))
    return calendar.to_ical()


@require_safe
def staff_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of a token. 404 for every token that does not work; never cached."""
    user = owner_of(token)
    if user is None:
        raise Http404
    response = HttpResponse(calendar_of(user, timezone.now()), content_type="text/calendar; charset=utf-8")
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = 'inline; filename="deadlines.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


# --- The screen ---


class CalendarAddressView(WagtailAdminTemplateMixin, TemplateView):
    """Shows users the address of their calendar. POST makes a new one, and the old one stops working."""

    template_name = "pages/admin/calendar_address.html"
    page_title = "Deadlines in your calendar"
    header_icon = "calendar"

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*super().get_breadcrumbs_items(), {"label": self.page_title}]

    def get_context_data(self, **kwargs: object) -> dict[str, Any]:
        owner: Any = self.request.user
        calendar = StaffCalendar.objects.filter(user=owner).select_related("user").first()
        return super().get_context_data(address=calendar and address_of(calendar), **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        owner: Any = request.user
        StaffCalendar.objects.update_or_create(user=owner, defaults={"key": new_calendar_key()})
        messages.success(request, "This is your new address. Your previous address no longer works.")
        return redirect("calendar_address")


admin_urls = [path("calendar-address/", CalendarAddressView.as_view(), name="calendar_address")]
