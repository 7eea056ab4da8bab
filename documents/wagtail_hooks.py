"""Tells Wagtail's admin who may change which file."""

from typing import Any

from django.http import HttpRequest
from wagtail import hooks
from wagtail.models import Collection
from wagtail.permissions import register_permission_policy

from documents.access.permissions import NOT_REWRITTEN, CollectionPolicy, FilePermissionPolicy
from documents.access.public_files import on_a_live_page
from documents.models import Document, Image
from pages.models import DeathReviewNoticePage
from pages.models.approvals import NotApprovedError

# Wagtail's screen for groups grants the permissions of its own two models, whatever models take their place. A policy
# for the exact class comes before the one that Wagtail registers itself.
for _model, _granted_on in ((Document, "wagtaildocs.Document"), (Image, "wagtailimages.Image")):
    _policy = FilePermissionPolicy(_model, auth_model=_granted_on, owner_field_name="uploaded_by_user")
    register_permission_policy(_model, _policy, exact_class=True)
register_permission_policy(Collection, CollectionPolicy(Collection), exact_class=True)


@hooks.register("before_bulk_action")
def ask_again_about_files(request: HttpRequest, action_type: str, objects: list[Any], action: Any) -> None:
    """Hold the rows of the files, and ask once more who may change them: a page that shows one may have been published
    since the files were listed. Wagtail has begun the transaction. Raises NotApproved."""
    if action.model not in (Document, Image):
        return
    for file in filter(None, [file.hold() for file in sorted(objects, key=lambda each: each.pk)]):
        if not action.check_perm(file):
            raise NotApprovedError(
                f"Nothing was done: a public page shows “{file}” now, so it is for moderators to change."
            )
        # Another collection may be private. The screen of the single file refuses it, too.
        if action_type == "add_to_collection" and on_a_live_page(file, DeathReviewNoticePage):
            raise NotApprovedError(NOT_REWRITTEN)
