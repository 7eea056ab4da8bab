"""Marks a public page as reviewed with one click.

Only the review dates change. No draft is published, no feed entry is added, and the "updated" date stays.
"""

from datetime import date

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from wagtail.admin.widgets import Button
from wagtail.log_actions import log
from wagtail.models import Page

from pages.content.choices import ApprovalRole
from pages.content.plain_words import day
from pages.content.working_days import local_day
from pages.models import ContentPage
from pages.models.moderation import is_in
from pages.visibility.ledger import note_elsewhere, note_update
from pages.visibility.rule import public

REVIEWED = "pages.reviewed"


def may_mark_as_reviewed(user: User | AnonymousUser, page: ContentPage) -> bool:
    """Whether the user is a moderator of the page: readers see the review date, so an editor may not set it alone.

    Always False for a death-review notice. Its moderator and its safeguarding lead must approve every change, so its
    date is changed on the edit screen and goes through the workflow.
    """
    if page.is_sensitive:
        return False
    return is_in(user, ApprovalRole.MODERATOR) and page.permissions_for_user(user).may_moderate()


def next_review(page: ContentPage, today: date) -> date | None:
    """The date of the next review after a review today.

    A future date stays. A date that has come moves on by the interval between the last review and that date; without a
    last review there is no interval, and the result is None.
    """
    due, last = page.next_review_due_on, page.last_reviewed_on
    if due is None or due > today:
        return due
    return today + (due - last) if last and due > last else None


@transaction.atomic
def mark_as_reviewed(page: ContentPage, user: User | AnonymousUser) -> None:
    """Set the date of the last review of the public version to today.

    Drafts and versions awaiting approval do not change; they take the date over when they are opened or published
    (`ContentPage.with_content_json`). Raises PermissionDenied, and ValidationError if the page is not public.
    """
    if not may_mark_as_reviewed(user, page):
        raise PermissionDenied
    live = public(ContentPage.objects.filter(pk=page.pk)).first()
    if live is None:
        raise ValidationError("Only a page that readers can see can be marked as reviewed.")
    now = timezone.now().replace(microsecond=0)  # the precision of the JSON of a revision
    today = local_day(now)
    before, due_on = live.last_reviewed_on, next_review(live, today)
    ContentPage.objects.filter(pk=page.pk).update(
        last_reviewed_on=today, next_review_due_on=due_on, marked_reviewed_at=now
    )
    page.last_reviewed_on, page.next_review_due_on, page.marked_reviewed_at = today, due_on, now
    for note in (note_update, note_elsewhere):
        note(ContentPage.objects.filter(pk=page.pk), now)
    log(instance=page, action=REVIEWED, user=user, data={"before": before and before.isoformat()})


@require_POST
def mark_as_reviewed_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Mark the page as reviewed, and go back to its edit screen."""
    page = get_object_or_404(ContentPage, pk=page_id).specific
    try:
        mark_as_reviewed(page, request.user)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        following = page.next_review_due_on
        next_step = f"The next review is due on {day(following)}." if following else "No next review is planned."
        messages.success(request, f"“{page.get_admin_display_title()}” is marked as reviewed today. {next_step}")
    return redirect("wagtailadmin_pages:edit", page.pk)


admin_urls = [path("pages/<int:page_id>/reviewed/", mark_as_reviewed_view, name="mark_as_reviewed")]


def page_buttons(page: Page, user: User | AnonymousUser) -> list[Button]:
    """A button in the page's header menu. Wagtail's action controller sends it as POST with the CSRF token."""
    if not isinstance(page, ContentPage) or not page.live or page.withdrawal_kind:
        return []
    if not may_mark_as_reviewed(user, page):
        return []
    attrs = {
        "data-controller": "w-action",
        "data-action": "w-action#post",
        "data-w-action-url-value": reverse("mark_as_reviewed", args=[page.pk]),
    }
    return [Button("Mark as reviewed today", icon_name="check", attrs=attrs, priority=60)]
