"""Who may see, change or delete a file in the admin.

Editors cannot change a file that is public: moderators can. The files of death reviews are in a collection of their
own, which only users who handle death reviews see.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
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
    "A published page shows this file, and two people approved it as it is. Upload the changed file as a new file, put "
    "it on the page, and submit the page for moderation."
)


class FilePermissionPolicy(CollectionOwnershipPermissionPolicy):
    """Wagtail's rule for files, with the rules for public files and for files of death reviews."""

    def user_has_any_permission_for_instance(
        self, user: User | AnonymousUser, actions: Iterable[str], instance: Document | Image
    ) -> bool:
        actions = set(actions)
        if "delete" in actions and on_a_live_page(instance, DeathReviewNoticePage):
            actions -= {"delete"}  # for moderators too, because two people approved the notice with its files
        if actions & {"change", "delete"} and not may_change_public_files(user):
            if on_a_live_page(instance):
                actions -= {"change", "delete"}
            elif "delete" in actions and approved_for_readers(instance):  # a change voids the approval instead
                actions -= {"delete"}
        allowed = bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)
        return allowed and not (
            not user.has_perm(HANDLE_DEATH_REVIEWS)
            and Collection.objects.filter(of_death_reviews("path"), pk=instance.collection_id).exists()
        )

    def instances_user_has_any_permission_for(
        self, user: User | AnonymousUser, actions: Iterable[str]
    ) -> QuerySet[Any]:
        found = super().instances_user_has_any_permission_for(user, actions)
        # A condition on `collection`, because the admin's search cannot filter by `collection__path`.
        hidden = Collection.objects.filter(of_death_reviews("path"))
        return found if user.has_perm(HANDLE_DEATH_REVIEWS) else found.exclude(collection__in=hidden)

    def collections_user_has_any_permission_for(
        self, user: User | AnonymousUser, actions: Iterable[str]
    ) -> QuerySet[Collection]:
        return _visible_collections(super().collections_user_has_any_permission_for(user, actions), user)


class CollectionPolicy(CollectionManagementPermissionPolicy):
    """Wagtail's rule for collections, with two more.

    Making a collection private, moving it or deleting it hides its files, so a collection with public files is
    protected. Only users who handle death reviews see the collection of death reviews.
    """

    def user_has_permission_for_instance(self, user: User | AnonymousUser, action: str, instance: Collection) -> bool:
        return self.user_has_any_permission_for_instance(user, [action], instance)

    def user_has_any_permission_for_instance(
        self, user: User | AnonymousUser, actions: Iterable[str], instance: Collection
    ) -> bool:
        if _protected_collections(user).filter(pk=instance.pk).exists():
            actions = set(actions) - {"change", "delete"}
        if not _visible_collections(Collection.objects.filter(pk=instance.pk), user).exists():
            return False
        return bool(actions) and super().user_has_any_permission_for_instance(user, actions, instance)

    def instances_user_has_permission_for(self, user: User | AnonymousUser, action: str) -> QuerySet[Collection]:
        found = _visible_collections(super().instances_user_has_permission_for(user, action), user)
        if action in ("change", "delete"):
            found = found.exclude(pk__in=_protected_collections(user).values("pk"))
        return found

    def instances_user_has_any_permission_for(
        self, user: User | AnonymousUser, actions: Iterable[str]
    ) -> QuerySet[Collection]:
        return _visible_collections(super().instances_user_has_any_permission_for(user, actions), user)


def _visible_collections(collections: QuerySet[Collection], user: User | AnonymousUser) -> QuerySet[Collection]:
    return collections if user.has_perm(HANDLE_DEATH_REVIEWS) else collections.filter(~of_death_reviews("path"))


def _protected_collections(user: User | AnonymousUser) -> QuerySet[Collection]:
    """The collections that this user may not change, because a file in them or below is approved for readers.

    For moderators, only those with files of published death-review notices: nobody changes these alone.
    """
    is_moderator = may_change_public_files(user)
    pages = DeathReviewNoticePage if is_moderator else Page
    shown = PublishedFile.objects.filter(page__live=True, page__in=pages.objects.values("pk"))
    paths = set()
    for name, (model, keys) in zip(("document", "image"), files_approved_for_a_date().items(), strict=True):
        scheduled = [] if is_moderator else list(keys)
        files = model._default_manager.filter(Q(pk__in=scheduled) | Q(pk__in=shown.values(name)))
        paths |= set(files.values_list("collection__path", flat=True))
    if not user.has_perm(HANDLE_DEATH_REVIEWS):  # else the refusal to delete a parent would count them
        paths |= set(Collection.objects.filter(of_death_reviews("path")).values_list("path", flat=True))
    step = Collection.steplen
    above = {path[:end] for path in paths for end in range(step, len(path) + 1, step)}
    return Collection.objects.filter(path__in=above)


def may_change_public_files(user: User | AnonymousUser) -> bool:
    """Whether the user is a moderator. Superusers are not, unless they are in the group."""
    return user.has_perm(CHANGE_PUBLIC_FILES) and is_in(user, ApprovalRole.MODERATOR)


def require_may_save(file: Document | Image, user: User | AnonymousUser | None) -> None:
    """Check the permission again while the row is locked: a page with the file may have been published meanwhile.

    Code and commands pass None as the user and are not checked. Raises NotApprovedError.
    """
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
            f"“{file}” was not saved, because a public page shows it now. Only moderators can change it."
        )
