"""Publishes what is due, and takes away what expired; the command `publish_scheduled` runs it every minute.

In place of Wagtail's, which stops at the first version that cannot be published.
"""

import logging
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from wagtail.models import Revision

from pages.models import ContentPage
from pages.models.approvals import Approval, NotApprovedError, not_published
from pages.models.snippets import ModeratedSnippet

logger = logging.getLogger(__name__)


def expire_what_is_over(as_of: datetime) -> int:
    """Unpublish what expired. Readers have not seen it since its second; this writes down that it went."""
    done = 0
    for model in (ContentPage, *ModeratedSnippet.__subclasses__()):
        over = model._default_manager.filter(live=True, expire_at__lt=as_of).order_by("expire_at")
        for pk in list(over.values_list("pk", flat=True)):
            try:
                done += _expire(model, pk, as_of)
            except Exception:  # one that fails keeps no other from going
                logger.exception("%s %s has expired and could not be unpublished. It is tried again.", model, pk)
    return done


@transaction.atomic
def _expire(model: Any, pk: Any, as_of: datetime) -> bool:
    """An expiry was planned, so it takes nothing back that was approved for a later date."""
    model.hold(pk)
    # Another run may have been quicker, or a version with a later expiry was published meanwhile.
    obj = model._default_manager.filter(pk=pk, live=True, expire_at__lt=as_of).first()
    if obj is None:
        return False
    obj = getattr(obj, "specific", obj)
    later = dict(obj.revisions.filter(approved_go_live_at__isnull=False).values_list("pk", "approved_go_live_at"))
    approvals = list(Approval.objects.filter(revision__in=later, voided_at=None))
    obj.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
    for revision, date in later.items():
        Revision.objects.filter(pk=revision).update(approved_go_live_at=date)
    for approval in approvals:
        approval.save()
    return True


def publish_what_is_due(as_of: datetime) -> tuple[int, list[str]]:
    """Publish each approved version whose time has come. Returns how many, and what was not published and why.

    The rules and the approvals are looked at again now. Where they fail, the schedule is taken off, and the author
    and the approvers are told.
    """
    done, refused = 0, []
    for revision in Revision.objects.filter(approved_go_live_at__lt=as_of).order_by("approved_go_live_at", "pk"):
        obj = revision.content_object
        try:
            with transaction.atomic():
                type(obj).hold(obj.pk)
                # Another run may have been quicker, or somebody has taken the date off meanwhile.
                due = Revision.objects.select_for_update().filter(pk=revision.pk, approved_go_live_at__lt=as_of).first()
                if due is None:
                    continue
                due.publish(log_action="wagtail.publish.scheduled")
            done += 1
        except (NotApprovedError, ValidationError) as problem:
            why = " ".join(problem.messages) if isinstance(problem, ValidationError) else str(problem)
            with transaction.atomic():
                revision.approved_go_live_at = None
                revision.save(update_fields=["approved_go_live_at"])
                not_published(obj, revision, why)
            refused.append(f"{obj}: {why}")
        except Exception:  # one version that fails keeps no other from being published
            logger.exception("Version %s of “%s” could not be published. It is tried again.", revision.pk, obj)
            refused.append(f"{obj}: an error, see the log.")
    return done, refused
