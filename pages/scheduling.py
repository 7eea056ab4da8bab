"""Publishes what is due, and takes away what expired; the command `publish_scheduled` runs it every minute.

In place of Wagtail's, which stops at the first version that cannot be published.
"""

import logging
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from wagtail.models import Page, Revision

from pages.models.approvals import Approval, NotApproved, not_published
from pages.models.snippets import ModeratedSnippet

logger = logging.getLogger(__name__)


def expire_what_is_over(at: datetime) -> int:
    """Unpublish what expired. Readers have not seen it since its second; this writes down that it went."""
    done = 0
    for model in (Page, *ModeratedSnippet.__subclasses__()):
        for obj in list(model.objects.filter(live=True, expire_at__lt=at).order_by("expire_at")):
            _expire(obj.specific if isinstance(obj, Page) else obj)
            done += 1
    return done


@transaction.atomic
def _expire(obj: Any) -> None:
    """An expiry was planned, so it takes nothing back that was approved for a later date."""
    later = list(obj.revisions.filter(approved_go_live_at__isnull=False).values_list("pk", "approved_go_live_at"))
    approvals = list(Approval.objects.filter(revision__in=[pk for pk, _ in later], voided_at=None))
    obj.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
    for pk, date in later:
        Revision.objects.filter(pk=pk).update(approved_go_live_at=date)
    for approval in approvals:
        approval.save()


def publish_what_is_due(at: datetime) -> tuple[int, list[str]]:
    """Publish each approved version whose time has come. Returns how many, and what was not published and why.

    The rules and the approvals are looked at again now. Where they fail, the schedule is taken off, and the author
    and the approvers are told.
    """
    done, refused = 0, []
    for revision in Revision.objects.filter(approved_go_live_at__lt=at).order_by("approved_go_live_at", "pk"):
        obj = revision.content_object
        try:
            with transaction.atomic():
                type(obj).hold(obj.pk)
                # Another run may have been quicker, or somebody has taken the date off meanwhile.
                due = Revision.objects.select_for_update().filter(pk=revision.pk, approved_go_live_at__lt=at).first()
                if due is None:
                    continue
                due.publish(log_action="wagtail.publish.scheduled")
            done += 1
        except (NotApproved, ValidationError) as problem:
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
