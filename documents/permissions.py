"""Who may see, change or delete a file in the admin.

What the public can have is not for editors alone to change, and the files of death reviews are in a collection of
their own that only people who handle death reviews see.
"""

from typing import Any

from django.db.models import QuerySet
from wagtail.models import Collection
from wagtail.permission_policies.collections import CollectionOwnershipPermissionPolicy

from documents.access import on_a_live_page
from documents.models import CHANGE_PUBLIC_FILES
from pages.choices import ApprovalRole
from pages.models.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models.moderation import is_in
from pages.permissions import collections_of_death_reviews


class FilePermissionPolicy(CollectionOwnershipPermissionPolicy):
    """Wagtail's rule for files, and two more."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Any) -> bool:
        actions = set(actions)
        # Asked last, because it is the only part that needs a query.
        if actions & {"change", "delete"} and not may_change_public_files(user) and on_a_live_page(instance):
            actions -= {"change", "delete"}
        allowed = bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)
        return allowed and not (
            not user.has_perm(HANDLE_DEATH_REVIEWS)
            and collections_of_death_reviews().filter(pk=instance.collection_id).exists()
        )

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet:
        found = super().instances_user_has_any_permission_for(user, actions)
        return (
            found
            if user.has_perm(HANDLE_DEATH_REVIEWS)
            else found.exclude(collection__in=collections_of_death_reviews())
        )

    def collections_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Collection]:
        found = super().collections_user_has_any_permission_for(user, actions)
        return found if user.has_perm(HANDLE_DEATH_REVIEWS) else found.exclude(pk__in=collections_of_death_reviews())


def may_change_public_files(user: Any) -> bool:
    """Moderators. Superusers are none unless somebody put them into the group."""
    return user.has_perm(CHANGE_PUBLIC_FILES) and is_in(user, ApprovalRole.MODERATOR)
