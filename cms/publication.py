"""What happens, in the same transaction, when something becomes public or stops being so.

The only module that listens to signals.
"""

import logging
from collections.abc import Iterable
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete
from django.utils import timezone
from wagtail.contrib.frontend_cache.utils import purge_urls_from_cache
from wagtail.images.models import SourceImageIOError
from wagtail.models import CollectionViewRestriction, Page, PageViewRestriction, Revision, Site
from wagtail.signals import page_published, page_slug_changed, page_unpublished, post_page_move

from documents.access import remember_public_files
from documents.models import RENDITIONS, Document, Image, PublishedFile
from feeds.sources import FEEDS, feed_url
from pages import addresses, ledger
from pages.choices import UpdateKind
from pages.models import ChangeNote, ContentPage, DeathReviewNoticePage, MeetingPage, PublicRecord, Takedown
from pages.models.base import visibility_changed
from pages.references import files_of, once_exempt

logger = logging.getLogger(__name__)


def connect() -> None:
    visibility_changed.connect(on_visibility_changed, dispatch_uid="cms.visibility")
    page_published.connect(on_page_published, dispatch_uid="cms.published")
    for signal in (page_unpublished, page_slug_changed, post_page_move):
        signal.connect(on_page_hidden_or_moved, dispatch_uid="cms.hidden_or_moved")
    pre_delete.connect(before_page_is_deleted, sender=ContentPage, dispatch_uid="cms.before_page_is_deleted")
    post_delete.connect(on_page_deleted, sender=ContentPage, dispatch_uid="cms.page_deleted")
    post_save.connect(on_site_root_chosen, sender=Site, dispatch_uid="cms.site_root")
    for model in (Document, Image):
        pre_delete.connect(on_file_deleted, sender=model, dispatch_uid="cms.file_deleted")
    for signal in (post_save, post_delete):
        signal.connect(on_page_restriction, sender=PageViewRestriction, dispatch_uid="cms.page_restriction")
        signal.connect(on_private_collection, sender=CollectionViewRestriction, dispatch_uid="cms.private_collection")


# --- Pages ---


def on_visibility_changed(
    sender: type, page: Page | None = None, file: Document | Image | None = None, **kwargs: Any
) -> None:
    if page is not None and (paths := ledger.update(page, timezone.now())):
        remember_public_files(PublishedFile.objects.filter(page__path__startswith=page.path))
        tell_caches(paths, PublishedFile.objects.filter(page__path__startswith=page.path))
    if file is not None:
        tell_caches([], file.published_in.all())


def on_page_hidden_or_moved(sender: type, instance: Page, **kwargs: Any) -> None:
    on_visibility_changed(sender, page=instance)


def on_page_restriction(sender: type, instance: PageViewRestriction, origin: Any = None, **kwargs: Any) -> None:
    """`origin` is what is deleted: a restriction that goes together with its page makes nothing public."""
    if origin is None or getattr(origin, "model", type(origin)) is PageViewRestriction:
        on_visibility_changed(sender, page=instance.page.specific)


def before_page_is_deleted(sender: type, instance: ContentPage, **kwargs: Any) -> None:
    paths = PublicRecord.objects.filter(uuid=instance.uuid).values_list("path", flat=True)
    tell_caches(paths, instance.published_files.all())


def on_page_deleted(sender: type, instance: ContentPage, **kwargs: Any) -> None:
    """After the row went: until then the page is public, and Wagtail says "unpublished" in between."""
    ledger.end(PublicRecord.objects.filter(uuid=instance.uuid, ended_at=None), timezone.now())


def on_site_root_chosen(sender: type, instance: Site, **kwargs: Any) -> None:
    Site.clear_site_root_paths_cache()  # Wagtail does it too, yet later
    on_visibility_changed(sender, page=instance.root_page.specific)


@transaction.atomic
def on_page_published(sender: type, instance: Any, revision: Revision, **kwargs: Any) -> None:
    """Wagtail also sends this when a publication is only scheduled: then nothing is public yet."""
    if not instance.live or not isinstance(instance, ContentPage):
        return
    come_back(instance)  # the save has told the ledger of everything else
    record_update(instance)
    tell_caches([addresses.url_path(instance)], instance.published_files.all())  # those that this version drops, too
    record_files(instance, revision.content.get("file_keys", {}))
    if isinstance(instance, DeathReviewNoticePage):
        promise_time_online(instance)
    remember_public_files(instance.published_files.all())
    tell_caches([], instance.published_files.all())


def come_back(page: ContentPage) -> None:
    """A page that was withdrawn or taken down is back when a new version of it was approved."""
    if page.withdrawal_kind:
        page.withdrawal_kind, page.withdrawal_explanation = "", ""
        page.withdrawn_at = page.withdrawal_alternative = None
        ContentPage.objects.filter(pk=page.pk).update(
            withdrawal_kind="", withdrawal_explanation="", withdrawn_at=None, withdrawal_alternative=None
        )
        on_visibility_changed(type(page), page=page)
    Takedown.objects.filter(record=page.uuid, ended_at__isnull=True).update(ended_at=timezone.now())


def record_update(page: ContentPage) -> None:
    """Move `public_updated_at` on the first publication and on major updates, and keep the change note for readers.

    The next update starts as a minor one without a note, so that nobody announces the same change twice.
    """
    if page.public_updated_at is None:
        page.public_updated_at = page.first_published_at
    elif page.update_kind == UpdateKind.MAJOR:
        page.public_updated_at = page.last_published_at
        ChangeNote.objects.create(page_id=page.pk, at=page.last_published_at, note=page.change_note)
    page.update_kind, page.change_note = UpdateKind.MINOR, ""
    ContentPage.objects.filter(pk=page.pk).update(
        public_updated_at=page.public_updated_at, update_kind=page.update_kind, change_note=page.change_note
    )


def promise_time_online(notice: DeathReviewNoticePage) -> None:
    """Where nobody chose a date, the policy says until when a notice stays online at least."""
    if notice.minimum_online_until is None and notice.first_published_at is not None:
        months = relativedelta(months=settings.DEATH_REVIEW_MINIMUM_MONTHS)
        notice.minimum_online_until = timezone.localdate(notice.first_published_at) + months
        DeathReviewNoticePage.objects.filter(pk=notice.pk).update(minimum_online_until=notice.minimum_online_until)


# --- Files ---


def record_files(page: ContentPage, approved: dict[str, dict[str, str]]) -> None:
    """Note which files this version shows, and make the public sizes of its pictures while nobody waits for them.

    `approved` has the key that each file had when the version was made (`file_keys_of`). Another key never matches,
    so a file that was exchanged in between stays hidden.
    """
    document_keys, image_keys = files_of(page)
    documents, images = Document.objects.in_bulk(document_keys), Image.objects.in_bulk(image_keys)
    exempt = once_exempt(page) if isinstance(page, MeetingPage) else set()
    now = timezone.now()
    rows = [
        PublishedFile(
            page_id=page.pk,
            document=document,
            file_key=approved.get("documents", {}).get(str(document.pk), ""),
            first_public_at=now,
            no_store=isinstance(page, DeathReviewNoticePage) or document.pk in exempt,
        )
        for document in documents.values()
    ] + [
        PublishedFile(
            page_id=page.pk,
            image=image,
            file_key=approved.get("images", {}).get(str(image.pk), ""),
            first_public_at=now,
        )
        for image in images.values()
    ]
    old = {(row.document_id, row.image_id): row for row in page.published_files.all()}
    new = {(row.document_id, row.image_id): row for row in rows}
    page.published_files.filter(pk__in=[row.pk for key, row in old.items() if key not in new]).delete()
    PublishedFile.objects.bulk_create(row for key, row in new.items() if key not in old)
    for key, row in old.items():
        if key in new and (row.file_key, row.no_store) != (new[key].file_key, row.no_store or new[key].no_store):
            row.file_key, row.no_store = new[key].file_key, row.no_store or new[key].no_store
            row.save(update_fields=["file_key", "no_store"])
    for image in images.values():
        try:
            image.get_renditions(*RENDITIONS.values())
        except SourceImageIOError:
            logger.warning("The file of picture %s is missing: its public sizes were not made.", image.pk)


def on_private_collection(sender: type, instance: CollectionViewRestriction, **kwargs: Any) -> None:
    collections = instance.collection.get_descendants(inclusive=True)
    for name in ("document", "image"):
        files = PublishedFile.objects.filter(**{f"{name}__collection__in": collections})
        remember_public_files(files)
        tell_caches([], files)


def on_file_deleted(sender: type, instance: Document | Image, **kwargs: Any) -> None:
    on_visibility_changed(sender, file=instance)


# --- Caches ---


def tell_caches(paths: Iterable[str], files: Any) -> None:
    """After the commit, tell the HTTP caches in front to forget these paths and files, and what lists them."""
    if not settings.WAGTAILFRONTENDCACHE:
        return
    urls = {address for path in paths for address in (settings.CMS_URL + path, addresses.website(path))}
    for row in files.select_related("document", "image"):
        if row.document:
            urls.add(row.document.address)
        else:
            urls |= {
                rendition.full_url for rendition in row.image.renditions.filter(filter_spec__in=RENDITIONS.values())
            }
    urls |= {feed_url(name, kind) for name, feed in FEEDS.items() for kind in feed.formats}
    urls.add(f"{settings.CMS_URL}/sitemap.xml")
    transaction.on_commit(lambda: purge_urls_from_cache(sorted(urls)))


def forget_everything() -> None:
    """Tell the HTTP caches in front to forget every page and file that is public now."""
    tell_caches(PublicRecord.objects.filter(ended_at=None).values_list("path", flat=True), PublishedFile.objects.all())
