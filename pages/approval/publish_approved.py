"""Publishes a version when the last approval of its workflow is given.

This is a module of its own because Wagtail imports it by name (WAGTAIL_FINISH_WORKFLOW_ACTION) while models load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:  # models are not loaded yet when Wagtail imports this
    from django.contrib.auth.models import User
    from wagtail.models import WorkflowState


@transaction.atomic
def publish_approved(workflow_state: WorkflowState, user: User | None = None) -> None:
    """Publish the revision that was approved, or schedule it if it has a later date.

    Wagtail's own function publishes the latest revision instead, and requires the publish permission of the last
    approver. Raises NotApprovedError if an approval is missing (pages/models/approvals.py), ValidationError if the
    page is incomplete.
    """
    revision = workflow_state.current_task_state.revision
    revision.as_object().require_publishable(revision)
    revision.publish(user=user, skip_permission_checks=True)
