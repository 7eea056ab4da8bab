"""Lets only moderators delete or move what is public, whichever way they take.

The screens do not offer it to others (pages/models/moderation.py, and the permission policies of snippets, files and
collections). The receivers here check it again when it happens. Code and commands that run without a user are not
checked.
"""

from typing import TypeAlias

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.db.models.signals import pre_delete, pre_save
from wagtail.log_actions import get_active_log_context
from wagtail.models import Page, Site
from wagtail.signals import pre_page_move

from documents.access.public_files import approved_for_readers, on_a_live_page
from documents.models import Document, Image
from pages.content.choices import ApprovalRole
from pages.models import ContentPage, DeathReviewNoticePage
from pages.models.moderation import approved_at_or_below, is_in
from pages.models.snippets import ModeratedSnippet
from pages.visibility.rule import public

Removable: TypeAlias = Page | Site | Document | Image | ModeratedSnippet


def connect() -> None:
    for model in (ContentPage, Site, Document, Image, *ModeratedSnippet.__subclasses__()):
        pre_delete.connect(before_delete, sender=model, dispatch_uid=f"cms.taking_away.{model._meta.label}")
    pre_page_move.connect(before_move, dispatch_uid="cms.taking_away.move")
    pre_save.connect(before_site, sender=Site, dispatch_uid="cms.taking_away.site")


def before_delete(sender: type[Model], instance: Removable, **kwargs: object) -> None:
    """Check again while the row is locked: it may have become public since the screen was opened."""
    if isinstance(instance, Document | Image):
        instance.hold()
    elif isinstance(instance, ModeratedSnippet):
        instance.live = (instance.hold(instance.pk) or {}).get("live", instance.live)
    if _lacks_moderator_role() and _is_public(instance):
        raise PermissionDenied
    if isinstance(instance, Site):
        _require_notices_in_reach(instance, None)
    elif isinstance(instance, Document | Image) and _has_user() and on_a_live_page(instance, DeathReviewNoticePage):
        raise PermissionDenied  # even for moderators: see documents/access/permissions.py


def before_move(
    sender: type[Model], instance: Page, url_path_before: str, url_path_after: str, **kwargs: object
) -> None:
    if url_path_before != url_path_after and _lacks_moderator_role() and _is_public(instance):
        raise PermissionDenied


def before_site(sender: type[Model], instance: Site, **kwargs: object) -> None:
    """A change of the root page or the default site, or another site, can make every public page unreachable."""
    before = Site.objects.filter(pk=instance.pk).first()
    is_moved = _root_of_readers() != _root_of_readers(without=instance, with_=instance)
    is_changed = before is not None and (
        (before.root_page_id, before.is_default_site) != (instance.root_page_id, instance.is_default_site)
    )
    known = before or Site.objects.first()  # none where this is the first site
    if known is not None and (is_moved or is_changed) and _lacks_moderator_role() and _is_public(known):
        raise PermissionDenied
    _require_notices_in_reach(instance, instance)


def _require_notices_in_reach(without: Site, with_: Site | None) -> None:
    """Raises ValidationError if a change of a site would make a public death-review notice unreachable.

    Readers must be told why a notice is removed, and a change of a site tells them nothing.
    """
    if not _has_user():
        return
    before, after = _root_of_readers(), _root_of_readers(without=without, with_=with_)
    if before == after:
        return
    public_notices = public(DeathReviewNoticePage.objects.filter(url_path__startswith=before))
    if (public_notices.exclude(url_path__startswith=after) if after else public_notices).exists():
        raise ValidationError(
            "A public death-review notice would no longer be below the root page, and readers would not be told why."
        )


def _root_of_readers(without: Site | None = None, with_: Site | None = None) -> str:
    """The `url_path` of the page that is the home page for readers (pages/content/addresses.py).

    `without` and `with_` are the site before and after a change, for the result after the change. Empty if there is no
    site: then no page is public.
    """
    sites = [site for site in Site.objects.select_related("root_page") if without is None or site.pk != without.pk]
    return max([site.root_page.url_path for site in (*sites, *filter(None, [with_]))], default="")


def _has_user() -> bool:
    return get_active_log_context().user is not None


def _lacks_moderator_role() -> bool:
    """Whether a user makes the change who is not a moderator."""
    user = get_active_log_context().user
    return user is not None and not is_in(user, ApprovalRole.MODERATOR)


def _is_public(obj: Removable) -> bool:
    if isinstance(obj, Site):
        return ContentPage.objects.filter(pk=obj.root_page_id, live=True).exists()
    if isinstance(obj, Page):
        return approved_at_or_below(obj)
    if isinstance(obj, ModeratedSnippet):
        return bool(obj.live) or obj.revisions.filter(approved_go_live_at__isnull=False).exists()
    return approved_for_readers(obj)
