"""Who may see, change or delete a file in the admin.

What the public can have is not for editors alone to change, and the files of death reviews are in a collection of
their own that only people who handle death reviews see.
"""

from typing import Any

from django.db.models import QuerySet
from wagtail.models import Collection
from wagtail.permission_policies.collections import CollectionOwnershipPermissionPolicy

from documents.access import on_a_live_page
from documents.models import CHANGE_PUBLIC_FILES, Document, Image
from pages.choices import ApprovalRole
from pages.models import DeathReviewIndexPage, DeathReviewNoticePage
from pages.models.approvals import NotApproved
from pages.models.death_reviews import HANDLE_DEATH_REVIEWS
from pages.models.moderation import is_in

NOT_REPLACED = (
    "A public page uses this file, and the page was approved with it. Upload the new version as a new file, put it on "
    "the page, and submit the page for moderation."
)
NOT_REWRITTEN = (
    "A public death-review notice shows this file, and two people approved these words. Upload the file once more with "
    "the new words, put it on the notice, and submit the notice for moderation."
)


class FilePermissionPolicy(CollectionOwnershipPermissionPolicy):
    """Wagtail's rule for files, and two more."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Any) -> bool:
        actions = set(actions)
        # Asked last, because it is the only part that needs a query.
        if actions & {"change", "delete"} and not may_change_public_files(user) and on_a_live_page(instance):
            actions -= {"change", "delete"}
        allowed = bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)
        return allowed and not (
            not user.has_perm(HANDLE_DEATH_REVIEWS) and _of_death_reviews().filter(pk=instance.collection_id).exists()
        )

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet:
        found = super().instances_user_has_any_permission_for(user, actions)
        return found if user.has_perm(HANDLE_DEATH_REVIEWS) else found.exclude(collection__in=_of_death_reviews())

    def collections_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Collection]:
        found = super().collections_user_has_any_permission_for(user, actions)
        return found if user.has_perm(HANDLE_DEATH_REVIEWS) else found.exclude(pk__in=_of_death_reviews())


def may_change_public_files(user: Any) -> bool:
    """Moderators. Superusers are none unless somebody put them into the group."""
    return user.has_perm(CHANGE_PUBLIC_FILES) and is_in(user, ApprovalRole.MODERATOR)


def _of_death_reviews() -> QuerySet[Collection]:
    """The collections of death reviews and all below them."""
    tops = Collection.objects.filter(pk__in=DeathReviewIndexPage.objects.values("files"))
    below = Collection.objects.none()
    for top in tops:
        below |= top.get_descendants(inclusive=True)
    return below


def require_may_save(file: Document | Image, user: Any) -> None:
    """Asked once more while the row of the file is held: a page that shows it may have been published since the screen
    was read. Raises NotApproved. Code and commands have no user, and answer for themselves."""
    if user is None or not file.pk or not on_a_live_page(file):
        return
    stored = type(file)._base_manager.get(pk=file.pk)
    if stored.file_key != file.file_key:
        raise NotApproved(NOT_REPLACED)
    if stored.public_facts_hash == file.public_facts_hash:
        return
    if on_a_live_page(file, DeathReviewNoticePage):
        raise NotApproved(NOT_REWRITTEN)
    if not may_change_public_files(user):
        raise NotApproved(
            f"“{file}” was not saved: a public page shows it now, so moderators change what is said of it."
        )
