"""The last word when somebody takes away what is public: who is no moderator is refused, whatever the route.

Screens ask before (pages/models/moderation.py, and the policies for snippets, files and collections) and do not offer
it; here it is asked where it happens. Code and commands without a person are not asked.
"""

from typing import Any

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


def connect() -> None:
    for model in (ContentPage, Site, Document, Image, *ModeratedSnippet.__subclasses__()):
        pre_delete.connect(before_delete, sender=model, dispatch_uid=f"cms.taking_away.{model._meta.label}")
    pre_page_move.connect(before_move, dispatch_uid="cms.taking_away.move")
    pre_save.connect(before_site, sender=Site, dispatch_uid="cms.taking_away.site")


def before_delete(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    if _asked() and _is_public(instance):
        raise PermissionDenied
    if isinstance(instance, Site):
        _keep_notices_in_reach(instance, None)
    elif isinstance(instance, Document | Image) and _by_a_person() and on_a_live_page(instance, DeathReviewNoticePage):
        raise PermissionDenied  # for moderators too: see documents/access/permissions.py


def before_move(sender: type[Model], instance: Page, url_path_before: str, url_path_after: str, **kwargs: Any) -> None:
    if url_path_before != url_path_after and _asked() and _is_public(instance):
        raise PermissionDenied


def before_site(sender: type[Model], instance: Site, **kwargs: Any) -> None:
    """Another root page, another default site or a further site may take away every page that was in reach."""
    before = Site.objects.filter(pk=instance.pk).first()
    is_moved = _root_of_readers() != _root_of_readers(without=instance, with_=instance)
    is_changed = before is not None and (
        (before.root_page_id, before.is_default_site) != (instance.root_page_id, instance.is_default_site)
    )
    if (is_moved or is_changed) and _asked() and _is_public(before or Site.objects.first()):
        raise PermissionDenied
    _keep_notices_in_reach(instance, instance)


def _keep_notices_in_reach(without: Site, with_: Site | None) -> None:
    """Readers are told why a notice goes, so no change of a site takes one away. Raises ValidationError."""
    if not _by_a_person():
        return
    before, after = _root_of_readers(), _root_of_readers(without=without, with_=with_)
    if before == after:
        return
    seen = public(DeathReviewNoticePage.objects.filter(url_path__startswith=before))
    if (seen.exclude(url_path__startswith=after) if after else seen).exists():
        raise ValidationError("Readers would lose a death-review notice in silence: it has to be below the root page.")


def _root_of_readers(without: Site | None = None, with_: Site | None = None) -> str:
    """The tree path of the page that readers see as the home page (pages/content/addresses.py), or which one it would
    be after the change. Empty without a site: then every page is elsewhere."""
    sites = [site for site in Site.objects.select_related("root_page") if without is None or site.pk != without.pk]
    return max([site.root_page.url_path for site in (*sites, *filter(None, [with_]))], default="")


def _by_a_person() -> bool:
    return get_active_log_context().user is not None


def _asked() -> bool:
    """Whether a person who is no moderator is at work."""
    person = get_active_log_context().user
    return person is not None and not is_in(person, ApprovalRole.MODERATOR)


def _is_public(obj: Any) -> bool:
    if isinstance(obj, Site):
        return ContentPage.objects.filter(pk=obj.root_page_id, live=True).exists()
    if isinstance(obj, Page):
        return approved_at_or_below(obj)
    if isinstance(obj, ModeratedSnippet):
        return bool(obj.live) or obj.revisions.filter(approved_go_live_at__isnull=False).exists()
    return approved_for_readers(obj)
