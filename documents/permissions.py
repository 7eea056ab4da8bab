"""Who may change or delete a file in the admin. What the public can have is not for editors alone to change."""

from typing import Any

from wagtail.permission_policies.collections import CollectionOwnershipPermissionPolicy

from documents.access import on_a_public_page
from documents.models import CHANGE_PUBLIC_FILES


class FilePermissionPolicy(CollectionOwnershipPermissionPolicy):
    """Wagtail's rule for files, and one more: changing or deleting a public file takes a moderator."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Any) -> bool:
        actions = set(actions)
        # Asked last, because it is the only part that needs a query.
        if actions & {"change", "delete"} and not user.has_perm(CHANGE_PUBLIC_FILES) and on_a_public_page(instance):
            actions -= {"change", "delete"}
        return bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)
