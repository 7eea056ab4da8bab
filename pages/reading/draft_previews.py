"""Previews of drafts on the public website, for the user who edits them, with a token for one draft and one user.

The token is a signed random key with a timestamp. It stops working after PREVIEW_MINUTES, when the page is deleted, and
when the user may no longer edit the page. There are no tokens for death-review notices: their preview is a view of the
admin. Whoever has the token sees the draft, so the website must not log it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, TimestampSigner
from django.utils import timezone
from wagtail.models import Page

from documents.models import Document, Image
from pages.content.death_reviews import of_death_reviews
from pages.content.references import files_of
from pages.models import ContentPage, DraftPreview

# Key (128 bits), timestamp and signature are 22 + 1 + 6 + 1 + 43 characters.
MAX_TOKEN = 100


@dataclass(frozen=True)
class Shown:
    """An unsaved draft, the user who may see it, and the token."""

    draft: ContentPage
    user: User | AnonymousUser
    token: str


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="pages.draft_previews", sep=".")


def begin(page: ContentPage, user: User | AnonymousUser) -> str:
    """Store the draft for the website, and return its token. `page` need not be saved.

    Another preview of the same page by the same user has the same key, so that an open tab shows the newest text.
    Raises PermissionDenied.
    """
    parent = None if page.pk else page.get_parent()
    if page.is_sensitive or not _may_edit(user, page, parent):
        raise PermissionDenied
    content = {name: value for name, value in page.serializable_data().items() if name != "wagtail_admin_comments"}
    key = {"user": user, "page_id": page.pk, "parent": parent, "page_type": page.cached_content_type}
    preview, _ = DraftPreview.objects.update_or_create(**key, defaults={"content": content, "at": timezone.now()})
    delete_expired(timezone.now())
    return _signer().sign(preview.key)


def shown_by(token: str) -> Shown | None:
    """The draft of a token. None if the token is wrong or old, or may no longer be used."""
    if len(token) > MAX_TOKEN:
        return None
    try:
        key = _signer().unsign(token, max_age=timedelta(minutes=settings.PREVIEW_MINUTES))
    except BadSignature:
        return None
    preview = DraftPreview.objects.select_related("user", "page", "parent").filter(key=key).first()
    model: Any = preview.page_type.model_class() if preview else None
    if preview is None or model is None or model.is_sensitive:
        return None
    page = preview.page.specific if preview.page else None
    if not _may_edit(preview.user, page, preview.parent):
        return None
    draft = page.with_content_json(preview.content) if page else _new(model, preview.content, preview.parent)
    return Shown(draft, preview.user, token)


def draft_files(shown: Shown) -> tuple[set[int], set[int]]:
    """The primary keys of the documents and of the images that the preview of a draft may show, public or not.

    Left out are papers of exempt items, which no published version has; files of death-review notices, which stay in
    the admin; and files that were taken down.
    """
    documents, images = files_of(shown.draft)
    return _not_of_notices(Document, documents - shown.draft.exempt_documents()), _not_of_notices(Image, images)


def _not_of_notices(model: type[Document] | type[Image], keys: set[int]) -> set[int]:
    shown = model.objects.filter(~of_death_reviews(), pk__in=keys, takedowns=None)
    return set(shown.values_list("pk", flat=True))


def delete_expired(as_of: datetime) -> None:
    """Delete the stored drafts whose tokens have expired."""
    DraftPreview.objects.filter(at__lt=as_of - timedelta(minutes=settings.PREVIEW_MINUTES)).delete()


def _may_edit(user: User | AnonymousUser, page: ContentPage | None, parent: Page | None) -> bool:
    if not user.is_active or not user.has_perm("wagtailadmin.access_admin"):
        return False
    if page is not None and page.pk:
        return page.permissions_for_user(user).can_edit()
    return parent is not None and parent.specific.permissions_for_user(user).can_add_subpage()


def _new(model: type[ContentPage], content: dict[str, Any], parent: Page) -> ContentPage:
    """A page that was never saved, with the tree path that it would get as the last child of its parent."""
    draft = model.from_serializable_data(content, check_fks=False, strict_fks=False)
    draft.depth = parent.depth + 1
    last = parent.get_last_child()
    draft.path = last._inc_path() if last else draft._get_path(parent.path, draft.depth, 1)
    return draft
