"""The fast lane: one moderator cancels or postpones a meeting that was announced."""

from html import escape

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from pages.content.choices import ApprovalRole, MeetingStatus
from pages.content.references import file_facts_of, without_places
from pages.models import ContentPage, MeetingPage
from pages.models.approvals import approve, makers_of_text, note_makers
from pages.models.moderation import is_in

FAST_LANE = "pages.fast_lane"
FAST_LANE_STATUSES = (MeetingStatus.CANCELLED, MeetingStatus.POSTPONED)


def may_call_off(user: User | AnonymousUser, meeting: ContentPage) -> bool:
    """Whether the user is a moderator, and the meeting is public and in the future. The author may be the moderator."""
    return (
        is_in(user, ApprovalRole.MODERATOR)
        and meeting.live
        and not meeting.withdrawal_kind
        and meeting.starts_at is not None
        and meeting.starts_at > timezone.now()
    )


@transaction.atomic
def call_off(meeting: MeetingPage, user: User | AnonymousUser, status: str, notice: str) -> None:
    """Cancel or postpone a meeting at once. Only its status and its notice change.

    An unpublished draft of the meeting gets the same status and notice, and stays unpublished.
    Raises PermissionDenied or ValidationError.
    """
    MeetingPage.hold(meeting.pk)
    published = MeetingPage.objects.get(pk=meeting.pk)
    if not isinstance(user, User) or not may_call_off(user, published):
        raise PermissionDenied
    if status not in FAST_LANE_STATUSES:
        raise ValidationError({"status": "You can only cancel or postpone a meeting without a second person."})
    if not notice.strip():
        raise ValidationError({"notice": "Say what changed and why: readers see this."})
    if published.status == status:
        raise ValidationError(
            {"status": f"The public page already says that it is {published.get_status_display().lower()}."}
        )
    if without_places(file_facts_of(published)) != without_places(
        published.live_revision.content.get("file_facts", {})
    ):
        raise ValidationError("A file of this meeting was changed after it was approved: submit the page instead.")
    draft = published.get_latest_revision() if published.has_unpublished_changes else None
    published_notice = published.status_notice
    _set_status(published, status, notice, published_notice)
    revision = published.save_revision(user=user)
    approve(revision, ApprovalRole.FAST_LANE, user)
    revision.publish(user=user, skip_permission_checks=True)
    if draft is not None:
        version, makers = draft.as_object(), makers_of_text(draft)
        _set_status(version, status, notice, published_notice)
        note_makers(version.save_revision(user=draft.user, clean=False), makers)
    log(instance=published, action=FAST_LANE, user=user, data={"status": status}, revision=revision)


def _set_status(meeting: MeetingPage, status: str, notice: str, published_notice: str) -> None:
    """Set the status, and insert the paragraphs after the published notice and before what a draft adds to it."""
    meeting.status = status
    paragraphs = (line.strip() for line in notice.splitlines())
    added = "".join(f"<p>{escape(line)}</p>" for line in paragraphs if line)
    is_prefix = meeting.status_notice.startswith(published_notice)
    end = len(published_notice) if is_prefix else len(meeting.status_notice)
    meeting.status_notice = meeting.status_notice[:end] + added + meeting.status_notice[end:]
