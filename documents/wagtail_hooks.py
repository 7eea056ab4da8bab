"""Tells Wagtail's admin who may change which file."""

from wagtail.models import Collection
from wagtail.permissions import register_permission_policy

from documents.models import Document, Image
from documents.permissions import CollectionPolicy, FilePermissionPolicy

# Wagtail's screen for groups grants the permissions of its own two models, whatever models take their place. A policy
# for the exact class comes before the one that Wagtail registers itself.
for _model, _granted_on in ((Document, "wagtaildocs.Document"), (Image, "wagtailimages.Image")):
    _policy = FilePermissionPolicy(_model, auth_model=_granted_on, owner_field_name="uploaded_by_user")
    register_permission_policy(_model, _policy, exact_class=True)
register_permission_policy(Collection, CollectionPolicy(Collection), exact_class=True)
