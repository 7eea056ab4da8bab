"""Who may see, change or delete a file in the admin.

What the public can have is not for editors alone to change, and the files of death reviews are in a collection of
their own that only people who handle death reviews see.
"""

from typing import Any

from django.db.models import Q, QuerySet
from wagtail.models import Collection, Page
from wagtail.permission_policies.collections import (
    CollectionManagementPermissionPolicy,
    CollectionOwnershipPermissionPolicy,
)

from documents.access.public_files import approved_for_readers, on_a_live_page
from documents.models import CHANGE_PUBLIC_FILES, Document, Image, PublishedFile
from pages.content.choices import ApprovalRole
from pages.content.death_reviews import HANDLE_DEATH_REVIEWS, of_death_reviews
from pages.content.references import files_approved_for_a_date
from pages.models import DeathReviewNoticePage
from pages.models.approvals import NotApprovedError
from pages.models.moderation import is_in

NOT_REPLACED = (
    "A public page uses this file, and the page was approved with it. Upload the new version as a new file, put it on "
    "the page, and submit the page for moderation."
)
NOT_REWRITTEN = (
    "A published page shows this file, and two people approved it as it is. Upload the file once more as it should be, "
    "put it on the page, and submit the page for moderation."
)


class FilePermissionPolicy(CollectionOwnershipPermissionPolicy):
    """Wagtail's rule for files, and two more."""

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Any) -> bool:
        actions = set(actions)
        if "delete" in actions and on_a_live_page(instance, DeathReviewNoticePage):
            actions -= {"delete"}  # for moderators too: two people approved the notice with its files
        if actions & {"change", "delete"} and not may_change_public_files(user):
            if on_a_live_page(instance):
                actions -= {"change", "delete"}
            elif "delete" in actions and approved_for_readers(instance):  # a change ends the approval, and is told
                actions -= {"delete"}
        allowed = bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)
        return allowed and not (
            not user.has_perm(HANDLE_DEATH_REVIEWS)
            and Collection.objects.filter(of_death_reviews("path"), pk=instance.collection_id).exists()
        )

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet:
        found = super().instances_user_has_any_permission_for(user, actions)
        # Asked of the collections, because the search of the admin takes no condition with a query in it.
        hidden = Collection.objects.filter(of_death_reviews("path"))
        return found if user.has_perm(HANDLE_DEATH_REVIEWS) else found.exclude(collection__in=hidden)

    def collections_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Collection]:
        return _without_hidden(super().collections_user_has_any_permission_for(user, actions), user)


class CollectionPolicy(CollectionManagementPermissionPolicy):
    """Wagtail's rule for collections, and two more. To make one private, move or delete it hides what is in it. And the
    one with the files of death reviews is for those alone who may handle them."""

    def user_has_permission_for_instance(self, user: Any, action: str, instance: Collection) -> bool:
        return self.user_has_any_permission_for_instance(user, [action], instance)

    def user_has_any_permission_for_instance(self, user: Any, actions: Any, instance: Collection) -> bool:
        if _not_to_be_hidden(user).filter(pk=instance.pk).exists():
            actions = set(actions) - {"change", "delete"}
        if not _without_hidden(Collection.objects.filter(pk=instance.pk), user).exists():
            return False
        return bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)

    def instances_user_has_permission_for(self, user: Any, action: str) -> QuerySet[Collection]:
        found = _without_hidden(super().instances_user_has_permission_for(user, action), user)
        if action in ("change", "delete"):
            found = found.exclude(pk__in=_not_to_be_hidden(user).values("pk"))
        return found

    def instances_user_has_any_permission_for(self, user: Any, actions: Any) -> QuerySet[Collection]:
        return _without_hidden(super().instances_user_has_any_permission_for(user, actions), user)


def _without_hidden(collections: QuerySet[Collection], user: Any) -> QuerySet[Collection]:
    return collections if user.has_perm(HANDLE_DEATH_REVIEWS) else collections.filter(~of_death_reviews("path"))


def _not_to_be_hidden(user: Any) -> QuerySet[Collection]:
    """Collections that this person may not change, because a file in them or below is approved for readers. Moderators
    may, but for the files of public death-review notices: those are for no one person."""
    is_moderator = may_change_public_files(user)
    pages = DeathReviewNoticePage if is_moderator else Page
    shown = PublishedFile.objects.filter(page__live=True, page__in=pages.objects.values("pk"))
    paths = set()
    for name, (model, keys) in zip(("document", "image"), files_approved_for_a_date().items(), strict=True):
        later = [] if is_moderator else list(keys)
        files = model._default_manager.filter(Q(pk__in=later) | Q(pk__in=shown.values(name)))
        paths |= set(files.values_list("collection__path", flat=True))
    if not user.has_perm(HANDLE_DEATH_REVIEWS):  # to delete one of those above would be refused with a number
        paths |= set(Collection.objects.filter(of_death_reviews("path")).values_list("path", flat=True))
    step = Collection.steplen
    above = {path[:end] for path in paths for end in range(step, len(path) + 1, step)}
    return Collection.objects.filter(path__in=above)


def may_change_public_files(user: Any) -> bool:
    """Moderators. Superusers are none unless somebody put them into the group."""
    return user.has_perm(CHANGE_PUBLIC_FILES) and is_in(user, ApprovalRole.MODERATOR)


def require_may_save(file: Document | Image, user: Any) -> None:
    """Asked once more while the row of the file is held: a page that shows it may have been published since the screen
    was read. Raises NotApproved. Code and commands have no user, and answer for themselves."""
    if user is None or not file.pk or not on_a_live_page(file):
        return
    stored = type(file)._base_manager.get(pk=file.pk)
    if stored.file_key != file.file_key:
        raise NotApprovedError(NOT_REPLACED)
    if (stored.public_facts_hash, stored.collection_id) == (file.public_facts_hash, file.collection_id):
        return
    if on_a_live_page(file, DeathReviewNoticePage):
        raise NotApprovedError(NOT_REWRITTEN)
    if not may_change_public_files(user):
        raise NotApprovedError(
            f"“{file}” was not saved: a public page shows it now, so it is for moderators to change."
        )
