"""Publishes versions that are due and unpublishes what has expired. `publish_scheduled` runs it every minute.

It replaces Wagtail's own command, which stops at the first version that cannot be published.
"""

import logging
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Manager
from wagtail.models import Revision

from pages.approval.refusals import is_duplicate
from pages.models import ContentPage
from pages.models.approvals import Approval, NotApprovedError, not_published
from pages.models.snippets import ModeratedSnippet

logger = logging.getLogger(__name__)


def expire_what_is_over(as_of: datetime) -> int:
    """Unpublish every page and snippet that has expired, and return how many.

    Readers have not seen them since the second of their expiry. This brings the database up to date.
    """
    done = 0
    for model in (ContentPage, *ModeratedSnippet.__subclasses__()):
        over = model._default_manager.filter(live=True, expire_at__lt=as_of).order_by("expire_at")
        for pk in list(over.values_list("pk", flat=True)):
            try:
                done += _expire(model, pk, as_of)
            except Exception:  # a failure must not stop the others
                logger.exception("%s %s has expired but could not be unpublished. The next run tries again.", model, pk)
    return done


@transaction.atomic
def _expire(model: type[ContentPage] | type[ModeratedSnippet], pk: int, as_of: datetime) -> bool:
    """Unpublish one object. Returns False if it has no longer expired.

    Unpublishing removes schedules and voids approvals. An expiry was planned, so those of later versions are restored,
    and those of the version that expires, on which they are based.
    """
    model.hold(pk)
    # Another run may have unpublished it, or a version with a later expiry may have been published.
    rows: Manager[ContentPage | ModeratedSnippet] = model._default_manager
    row = rows.filter(pk=pk, live=True, expire_at__lt=as_of).first()
    if row is None:
        return False
    obj = row.specific if isinstance(row, ContentPage) else row
    later = dict(obj.revisions.filter(approved_go_live_at__isnull=False).values_list("pk", "approved_go_live_at"))
    bases = [*later, obj.live_revision_id] if later else []
    approvals = list(Approval.objects.filter(revision__in=bases, voided_at=None))
    obj.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
    for revision, date in later.items():
        Revision.objects.filter(pk=revision).update(approved_go_live_at=date)
    for approval in approvals:
        approval.save()
    return True


def publish_what_is_due(as_of: datetime) -> tuple[int, list[str]]:
    """Publish each approved version that is due. Returns how many were published, and a message for each other one.

    The rules and the approvals are checked again. If a check fails, the schedule of the version is removed, and its
    author and approvers are notified.
    """
    done, refused = 0, []
    for revision in Revision.objects.filter(approved_go_live_at__lt=as_of).order_by("approved_go_live_at", "pk"):
        obj = revision.content_object
        try:
            with transaction.atomic():
                type(obj).hold(obj.pk)
                # Another run may have published it, or somebody may have removed the date.
                due = Revision.objects.select_for_update().filter(pk=revision.pk, approved_go_live_at__lt=as_of).first()
                if due is None:
                    continue
                due.publish(log_action="wagtail.publish.scheduled")
            done += 1
        except Exception as problem:  # a failure must not stop the others
            why = _why_refused(problem)
            if why is None:
                logger.exception(
                    "Version %s of “%s” could not be published. The next run tries again.", revision.pk, obj
                )
                refused.append(f"{obj}: an error, see the log.")
                continue
            with transaction.atomic():
                revision.approved_go_live_at = None
                revision.save(update_fields=["approved_go_live_at"])
                not_published(obj, revision, why)
            refused.append(f"{obj}: {why}")
    return done, refused


def _why_refused(problem: Exception) -> str | None:
    """Why a version cannot be published until somebody changes it, or None if the next run may publish it."""
    if isinstance(problem, ValidationError):
        return " ".join(problem.messages)
    if is_duplicate(problem):
        return "Something else has the same name or address now."
    return str(problem) if isinstance(problem, NotApprovedError) else None
