"""What else changes, in the same transaction, when something becomes public or stops being public.

All receivers of signals about content are here.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import takewhile
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.utils import timezone
from wagtail.contrib.frontend_cache.utils import purge_urls_from_cache
from wagtail.images.models import SourceImageIOError
from wagtail.log_actions import get_active_log_context
from wagtail.models import (
    Collection,
    CollectionViewRestriction,
    Page,
    PageViewRestriction,
    Revision,
    Site,
    WorkflowState,
)
from wagtail.permissions import policy_registry
from wagtail.signals import page_slug_changed, post_page_move, unpublished, workflow_cancelled, workflow_rejected
from wagtail.signals import published as wagtail_published

from documents.access.permissions import require_may_save
from documents.access.public_files import public_images, remember_public_files
from documents.models import Document, Image, PublishedFile
from documents.models.picture_sizes import FILE_NAMES
from feeds.build.items import update_entries
from feeds.catalogue import addresses_to_forget
from feeds.websub import send_pings
from pages.confidential.hidden_objects import replace
from pages.content import addresses
from pages.content.choices import ChangeKind, UpdateKind
from pages.content.references import files_of, key_for_readers
from pages.models import (
    ChangeNote,
    ContentPage,
    LegalBasis,
    PublicChange,
    PublicRecord,
    Takedown,
    Topic,
)
from pages.models.approvals import NeedsApproval, NotApprovedError, approvals_of, end_undecided, void
from pages.models.base import visibility_changed
from pages.models.snippets import ModeratedSnippet
from pages.search import index as search_index
from pages.visibility import dependents as shown
from pages.visibility import ledger
from pages.visibility.shared_text import pages_showing
from pages.visibility.told_changes import change_note, rows_added

RENDITION_SECONDS = 30  # how long `update_after_commit` makes missing renditions; it runs every minute

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def connect() -> None:
    visibility_changed.connect(on_visibility_changed, dispatch_uid="cms.visibility")
    ledger.changes_listed.connect(on_changes_listed, dispatch_uid="cms.changes_listed")
    unpublished.connect(on_unpublished, dispatch_uid="cms.unpublished")
    for signal in (workflow_cancelled, workflow_rejected):
        signal.connect(on_workflow_ended, dispatch_uid="cms.workflow_ended")
    post_save.connect(on_revision_saved, sender=Revision, dispatch_uid="cms.revision_saved")
    pre_save.connect(on_plain_page_saved, sender=Page, dispatch_uid="cms.plain_page_saved")
    for signal in (page_slug_changed, post_page_move):
        signal.connect(on_page_moved, dispatch_uid="cms.moved")
    wagtail_published.connect(on_snippet_published, dispatch_uid="cms.snippet_published")
    pre_delete.connect(before_page_is_deleted, sender=ContentPage, dispatch_uid="cms.before_page_is_deleted")
    post_delete.connect(on_page_deleted, sender=ContentPage, dispatch_uid="cms.page_deleted")
    post_save.connect(on_site_root_chosen, sender=Site, dispatch_uid="cms.site_root")
    for label in (Topic, LegalBasis):
        post_save.connect(on_shared_text_changed, sender=label, dispatch_uid="cms.label_saved")
    for shared in (Topic, LegalBasis, *ModeratedSnippet.__subclasses__()):
        # `pre_delete`: afterwards the pages that show it could no longer be found.
        pre_delete.connect(on_shared_text_changed, sender=shared, dispatch_uid="cms.shared_text_deleted")
    post_save.connect(on_collection_saved, sender=Collection, dispatch_uid="cms.collection_saved")
    for model in (Document, Image):
        pre_save.connect(before_file_is_saved, sender=model, dispatch_uid="cms.before_file_is_saved")
        post_save.connect(on_file_saved, sender=model, dispatch_uid="cms.file_saved")
        pre_delete.connect(on_file_deleted, sender=model, dispatch_uid="cms.file_deleted")
    for signal in (post_save, post_delete):
        signal.connect(on_page_restriction, sender=PageViewRestriction, dispatch_uid="cms.page_restriction")
        signal.connect(on_private_collection, sender=CollectionViewRestriction, dispatch_uid="cms.private_collection")
    replace(CollectionViewRestriction, "save")(change_restriction)
    replace(CollectionViewRestriction, "delete")(change_restriction)
    replace(Collection, "move")(move_collection)
    replace(Collection, "delete")(delete_collection)


# --- Pages ---


def on_visibility_changed(
    sender: type,
    page: Page | None = None,
    file: Document | Image | None = None,
    published: bool = False,
    before: ContentPage | None = None,
    **kwargs: object,
) -> None:
    """Update the ledger, the public files and the caches of a page, or of the pages that show a file.

    `published`: a new version of the page is live. `before` is the version that it replaces, if there was one.
    """
    if page is not None:
        publication = None
        if published and isinstance(page, ContentPage):
            publication = ledger.Publication(page, note_publication(page, before), before)
        paths = ledger.update(page, timezone.now(), publication)
        if paths or published:
            files = PublishedFile.objects.filter(page__path__startswith=page.path)
            remember_public_files(files)
            paths |= {addresses.url_path(page)} if published else set()
            purge_caches(paths | set(map(above, paths)), files)
    if file is not None:
        on_files_changed(file.published_in.all())


def on_plain_page_saved(sender: type, instance: Page, **kwargs: object) -> None:
    """Refuse to change a live page through Wagtail's `Page`: only `save` of the page types checks approvals.

    Raises NotApprovedError.
    """
    if instance.live and instance.depth > 1:
        stored = Page.objects.filter(pk=instance.pk).values_list("live", "title", "slug").first()
        if stored != (True, instance.title, instance.slug):
            raise NotApprovedError(
                f"“{instance}” was not published: save the page as its own type, which checks its approvals."
            )


def on_page_moved(sender: type, instance: Page, **kwargs: object) -> None:
    on_visibility_changed(sender, page=instance)


def on_unpublished(sender: type, instance: Page | ModeratedSnippet, **kwargs: object) -> None:
    """Earlier approvals become void, so that they cannot publish the object again."""
    if isinstance(instance, NeedsApproval):
        void(instance, approvals_of(instance), "It was unpublished after the approval.")
    if isinstance(instance, ContentPage):
        on_visibility_changed(sender, page=instance)
    elif isinstance(instance, ModeratedSnippet):  # otherwise a plain `Page`, which is about to be deleted
        on_shared_text_changed(sender, instance)


def on_workflow_ended(sender: type, instance: WorkflowState, **kwargs: object) -> None:
    """A version was sent back or taken back. The approvals that it has got count for nothing that comes later."""
    end_undecided(instance, "Its workflow ended without a publication.")


def on_revision_saved(
    sender: type, instance: Revision, update_fields: Iterable[str] | None = None, **kwargs: object
) -> None:
    """The date of an approved version was taken off, by a person or because it could not be published then."""
    if update_fields and "approved_go_live_at" in update_fields and instance.approved_go_live_at is None:
        end_undecided(instance, "The date of its publication was taken off.", stopped=instance)


def on_snippet_published(sender: type, instance: Page | ModeratedSnippet, **kwargs: object) -> None:
    if isinstance(instance, ModeratedSnippet):
        on_shared_text_changed(sender, instance)


def on_shared_text_changed(sender: type, instance: Topic | LegalBasis | ModeratedSnippet, **kwargs: object) -> None:
    """The text of a snippet or label has changed, and with it the pages that show it."""
    ledger.note_update(pages_showing(instance), timezone.now())
    purge_caches([], PublishedFile.objects.none())


def on_page_restriction(
    sender: type, instance: PageViewRestriction, origin: Model | QuerySet[Any] | None = None, **kwargs: object
) -> None:
    """Restrictions that are deleted together with their page (`origin`) make nothing public."""
    if origin is None or getattr(origin, "model", type(origin)) is PageViewRestriction:
        # Read the page again: `instance.page` may be older than a move, and pages below are found by the path.
        on_visibility_changed(sender, page=Page.objects.get(pk=instance.page_id).specific)


def before_page_is_deleted(sender: type, instance: ContentPage, **kwargs: object) -> None:
    paths = set(PublicRecord.objects.filter(uuid=instance.uuid).values_list("path", flat=True))
    purge_caches(paths | set(map(above, paths)), instance.published_files.all())
    instance.shown_on = shown.showing([instance.pk])


def on_page_deleted(sender: type, instance: ContentPage, **kwargs: object) -> None:
    """Record the end after the row is deleted: Wagtail sends `unpublished` before, when the page is still there."""
    gone = PublicRecord.objects.filter(uuid=instance.uuid, ended_at=None)
    ledger.end(gone, ChangeKind.DELETED, timezone.now(), instance.shown_on)


def on_site_root_chosen(sender: type, instance: Site, **kwargs: object) -> None:
    """The addresses of all pages may have changed, including pages that are not below the new root page."""
    Site.clear_site_root_paths_cache()  # Wagtail clears it too, but in a later receiver
    on_visibility_changed(sender, page=Page.get_first_root_node())


def note_publication(page: ContentPage, before: ContentPage | None) -> ChangeNote | None:
    """Record everything that the publication of a version changes beside the page, in the transaction that saves it.

    Returns the change note for readers if it is a major update.
    """
    clear_withdrawal(page)
    note = record_update(page)
    purge_caches([], page.published_files.all())  # first, because `record_files` removes those that are no longer shown
    record_files(page, page.live_revision.content.get("file_facts", {}))
    search_index.record(page)
    if values := page.values_set_by_publication():
        for name, value in values.items():
            setattr(page, name, value)
        type(page)._base_manager.filter(pk=page.pk).update(**values)
    for relation, rows in rows_added(page, before, page.last_published_at).items():
        page._meta.get_field(relation).related_model._base_manager.bulk_create(rows)
    return note


def clear_withdrawal(page: ContentPage) -> None:
    """End the withdrawal and the takedown of a page, because a new approved version of it is published."""
    page.withdrawal_kind, page.withdrawal_explanation = "", ""
    page.withdrawn_at = page.withdrawal_alternative = None
    ContentPage.objects.filter(pk=page.pk).exclude(withdrawal_kind="").update(
        withdrawal_kind="", withdrawal_explanation="", withdrawn_at=None, withdrawal_alternative=None
    )
    Takedown.objects.filter(record=page.uuid, ended_at__isnull=True).update(ended_at=timezone.now())


def record_update(page: ContentPage) -> ChangeNote | None:
    """Set `public_updated_at` on the first publication and on major updates, and save the change note for readers.

    Afterwards the page is set to a minor update without a note, so that nobody announces the same change twice.
    """
    note = change_note(page, page.last_published_at)
    page.public_updated_at = updated_at(page, page.last_published_at)
    if note is not None:
        note.save()
    page.update_kind, page.change_note = UpdateKind.MINOR, ""
    ContentPage.objects.filter(pk=page.pk).update(
        public_updated_at=page.public_updated_at, update_kind=page.update_kind, change_note=page.change_note
    )
    return note


def updated_at(page: ContentPage, as_of: datetime) -> datetime:
    """The value of `public_updated_at` after this version is published at `as_of`."""
    if page.public_updated_at is None:
        return page.first_published_at or as_of
    return as_of if page.update_kind == UpdateKind.MAJOR else page.public_updated_at


# --- Files ---


def record_files(page: ContentPage, approved: dict[str, dict[str, list[str]]]) -> None:
    """Record which files this version shows.

    `approved` has the key that each file had when the version was saved (`file_facts_of`). A file that was replaced
    since then has another key, and stays hidden. So does one that was in a private collection then, wherever it is now.
    """
    document_keys, image_keys = files_of(page)
    documents, images = Document.objects.in_bulk(document_keys), Image.objects.in_bulk(image_keys)
    since = page.last_published_at  # of the same publication as everything else that it changes
    rows = [
        PublishedFile(
            page_id=page.pk,
            document=document,
            file_key=key_for_readers(approved, "documents", document),
            first_public_at=since,
            no_store=page.is_sensitive or document.once_exempt,
        )
        for document in documents.values()
    ] + [
        PublishedFile(
            page_id=page.pk,
            image=image,
            file_key=key_for_readers(approved, "images", image),
            first_public_at=since,
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
    # Renditions are made at upload, and only missing ones are made here. That can take seconds, and a rollback would
    # not remove their files, so it happens after the commit.
    transaction.on_commit(lambda: draw_missing_sizes(images.values()), robust=True)


def draw_missing_sizes(images: Iterable[Image]) -> None:
    _draw_each(images, Image.draw_missing_sizes)


def _draw_each(images: Iterable[Image], draw: Callable[[Image], None]) -> None:
    for image in images:
        try:
            draw(image)
        except SourceImageIOError as error:
            logger.warning("The sizes of picture %s could not be made: %s", image.pk, error)


@transaction.atomic
def change_restriction(
    original: Callable[..., Result], restriction: CollectionViewRestriction, *args: object, **kwargs: object
) -> Result:
    """Make a collection private, or lift that. Raises PermissionDenied."""
    hold_collection(restriction.collection, "change")
    return original(restriction, *args, **kwargs)


@transaction.atomic
def move_collection(original: Callable[..., Result], collection: Collection, *args: object, **kwargs: object) -> Result:
    """Move a collection. Raises PermissionDenied."""
    hold_collection(collection, "change")
    return original(collection, *args, **kwargs)


@transaction.atomic
def delete_collection(
    original: Callable[..., Result], collection: Collection, *args: object, **kwargs: object
) -> Result:
    """Delete a collection. Raises PermissionDenied."""
    hold_collection(collection, "delete")
    return original(collection, *args, **kwargs)


def hold_collection(collection: Collection, action: str) -> None:
    """Lock the files of the collection and of those below it until the end of the transaction, and ask again whether
    the user may do this: a page that shows one of them may be approved at the same moment.

    Code and commands have no user and are not asked. Raises PermissionDenied.
    """
    user = get_active_log_context().user
    if user is None:
        return
    for model in (Document, Image):
        name = model._meta.model_name
        files = model._base_manager.filter(collection__path__startswith=collection.path).values("pk")
        shown = PublishedFile.objects.filter(**{f"{name}__in": files})
        # In the order in which a publication locks them: pages first, by key.
        for rows in (Page.objects.filter(pk__in=shown.values("page")), model._base_manager.filter(pk__in=files)):
            list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    if not policy_registry.get_by_type(Collection).user_has_permission_for_instance(user, action, collection):
        raise PermissionDenied


def on_private_collection(sender: type, instance: CollectionViewRestriction, **kwargs: object) -> None:
    on_collection(instance.collection)


def on_collection_saved(sender: type, instance: Collection, **kwargs: object) -> None:
    """Check after the commit if the collection was moved: Wagtail's form moves it after saving, without a signal."""
    old_path = instance.path

    def update_if_moved() -> None:
        collection = Collection.objects.filter(pk=instance.pk).exclude(path=old_path).first()
        if collection:
            on_collection(collection)

    transaction.on_commit(update_if_moved)


@transaction.atomic
def on_collection(collection: Collection) -> None:
    """Update all files of a collection and of the collections below it."""
    collections = collection.get_descendants(inclusive=True)
    for name in ("document", "image"):
        on_files_moved(PublishedFile.objects.filter(**{f"{name}__collection__in": collections}))


def on_files_moved(files: QuerySet[PublishedFile]) -> None:
    """Files were moved to another collection, or its restrictions changed: they may have become public or hidden."""
    remember_public_files(files)
    on_files_changed(files)


def on_file_deleted(sender: type, instance: Document | Image, **kwargs: object) -> None:
    on_visibility_changed(sender, file=instance)


def on_file_saved(sender: type, instance: Document | Image, **kwargs: object) -> None:
    on_files_moved(instance.published_in.all())
    if isinstance(instance, Document):
        search_index.refresh(instance)


def on_files_changed(files: QuerySet[PublishedFile]) -> None:
    """Record that the pages that show these files have changed, and the pages that say when an agenda was published."""
    if not files.exists():
        return  # so that an unused file need not wait for the lock of the ledger
    pages, as_of = ContentPage.objects.filter(published_files__in=files), timezone.now()
    ledger.note_update(pages, as_of)
    ledger.note_elsewhere(pages.filter(meetingpage__isnull=False), as_of)
    purge_caches([], files)


def before_file_is_saved(sender: type, instance: Document | Image, **kwargs: object) -> None:
    """Check that the user may save the file, and purge its present address, which may change."""
    require_may_save(instance, get_active_log_context().user)
    if instance.pk:
        purge_caches([], PublishedFile.objects.filter(**{sender.__name__.lower(): instance.pk}))


def update_after_commit() -> None:
    """Record changes that no signal reported: files that a command made public, and pages that changed with time.

    Then make missing renditions, for example after an upgrade, and those of `srcset` for public pictures. None is begun
    after RENDITION_SECONDS.
    """
    remember_public_files(PublishedFile.objects.all())
    ledger.note_time(timezone.now())
    end = monotonic() + RENDITION_SECONDS
    draw_missing_sizes(takewhile(lambda image: monotonic() < end, Image.lacking_sizes()))
    public = public_images(Image.lacking_srcset())
    _draw_each(takewhile(lambda image: monotonic() < end, public), Image.draw_srcset)


# --- Caches ---


def purge_caches(paths: Iterable[str], files: QuerySet[PublishedFile]) -> None:
    """After the commit, purge these paths and files, and the lists of pages, from the caches in FRONTEND_CACHE_URLS.

    The feeds are updated and the hub is notified after that, because the hub fetches the feeds at once.
    """
    if settings.WAGTAILFRONTENDCACHE:
        _purge(paths, files)
    transaction.on_commit(notify_followers, robust=True)


def on_changes_listed(sender: type, changes: list[PublicChange], **kwargs: object) -> None:
    """Purge the address of each page that the ledger lists as changed."""
    records = PublicRecord.objects.filter(pk__in={change.record_id for change in changes})
    purge_caches(records.values_list("path", flat=True), PublishedFile.objects.none())


def above(path: str) -> str:
    """The path of the parent page, which lists the page at this path."""
    return path.rstrip("/").rpartition("/")[0] + "/"


def _purge(paths: Iterable[str], files: QuerySet[PublishedFile]) -> None:
    urls = {address for path in paths for address in (settings.CMS_URL + path, addresses.website(path))}
    for row in files.select_related("document", "image"):
        if row.document:
            urls.add(row.document.address)
        elif row.image:
            urls |= {rendition.full_url for rendition in row.image.renditions.filter(filter_spec__in=FILE_NAMES)}
    urls |= addresses_to_forget()
    urls |= {f"{settings.CMS_URL}/sitemap.xml", f"{settings.CMS_URL}/feeds.opml"}
    transaction.on_commit(lambda: purge_urls_from_cache(sorted(urls)))


def notify_followers() -> None:
    """Update the entries of the feeds, and notify the WebSub hub. A failed update is repeated before the next reading.

    A transaction may call it several times. Only the first call finds changes, so the hub is called once.
    """
    if update_entries(timezone.now()):
        send_pings()


def purge_everything() -> None:
    """Purge every public page and file from the HTTP caches."""
    purge_caches(PublicRecord.objects.filter(ended_at=None).values_list("path", flat=True), PublishedFile.objects.all())
