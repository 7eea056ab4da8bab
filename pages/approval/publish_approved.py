"""What happens when the last approval of a workflow is given.

In a module of its own because Wagtail imports it by name (WAGTAIL_FINISH_WORKFLOW_ACTION) while its models load.
"""

from typing import Any

from django.db import transaction


@transaction.atomic
def publish_approved(workflow_state: Any, user: Any = None) -> None:
    """Publish the revision that was approved.

    Wagtail would publish the latest revision, and ask the last approver for the right to publish by themselves.
    Raises NotApproved when an approval is missing (pages/models/approvals.py), also when it is for a later date.
    """
    revision = workflow_state.current_task_state.revision
    revision.as_object().require_publishable(revision)
    revision.publish(user=user, skip_permission_checks=True)
