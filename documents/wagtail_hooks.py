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
from pages.models.approvals import NotApproved

# Wagtail's screen for groups grants the permissions of its own two models, whatever models take their place. A policy
# for the exact class comes before the one that Wagtail registers itself.
for _model, _granted_on in ((Document, "wagtaildocs.Document"), (Image, "wagtailimages.Image")):
    _policy = FilePermissionPolicy(_model, auth_model=_granted_on, owner_field_name="uploaded_by_user")
    register_permission_policy(_model, _policy, exact_class=True)
register_permission_policy(Collection, CollectionPolicy(Collection), exact_class=True)


@hooks.register("before_bulk_action")
def keep_files_of_notices(request: HttpRequest, action_type: str, files: list[Any], action: Any) -> None:
    """Another collection may be private. Raises NotApproved, as the screen of the single file refuses."""
    if action_type == "add_to_collection" and any(on_a_live_page(file, DeathReviewNoticePage) for file in files):
        raise NotApproved(NOT_REWRITTEN)
