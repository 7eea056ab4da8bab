"""Registers the permission policies of files and collections, and a check of bulk actions on files."""

from typing import Any

from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.models import Collection
from wagtail.permissions import register_permission_policy

from documents.access.permissions import NOT_REWRITTEN, CollectionPolicy, FilePermissionPolicy
from documents.access.public_files import on_a_live_page
from documents.models import Document, Image
from pages.models import DeathReviewNoticePage
from pages.models.approvals import NotApprovedError

# Wagtail's group screen grants the permissions of Wagtail's own two models, also where other models replace them. A
# policy for the exact class takes precedence over the policy that Wagtail registers.
for _model, _granted_on in ((Document, "wagtaildocs.Document"), (Image, "wagtailimages.Image")):
    _policy = FilePermissionPolicy(_model, auth_model=_granted_on, owner_field_name="uploaded_by_user")
    register_permission_policy(_model, _policy, exact_class=True)
register_permission_policy(Collection, CollectionPolicy(Collection), exact_class=True)


@hooks.register("before_bulk_action")
def ask_again_about_files(request: HttpRequest, action_type: str, objects: list[Any], action: BulkAction) -> None:
    """Lock the rows of the files and check the permissions again: a page with one may have been published meanwhile.

    Wagtail has begun the transaction. Raises NotApprovedError.
    """
    if action.model not in (Document, Image):
        return
    for file in filter(None, [file.hold() for file in sorted(objects, key=lambda file: file.pk)]):
        if not action.check_perm(file):
            raise NotApprovedError(
                f"Nothing was changed, because a public page shows “{file}” now. Only moderators can change it."
            )
        # Another collection may be private. The edit screen of a file refuses this as well.
        if action_type == "add_to_collection" and on_a_live_page(file, DeathReviewNoticePage):
            raise NotApprovedError(NOT_REWRITTEN)
