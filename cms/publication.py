"""What happens, in the same transaction, when a page is published. The only module that listens to signals."""

from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from wagtail.signals import page_published

from documents.models import RENDITIONS, Image, PublishedFile
from pages.choices import UpdateKind
from pages.models import ChangeNote, ContentPage, DeathReviewNoticePage
from pages.references import files_of


def connect() -> None:
    page_published.connect(on_page_published, dispatch_uid="cms.publication")


@transaction.atomic
def on_page_published(sender: type, instance: Any, **kwargs: Any) -> None:
    """Wagtail also sends this when a publication is only scheduled: then nothing is public yet."""
    if instance.live and isinstance(instance, ContentPage):
        record_update(instance)
        record_files(instance)
    if instance.live and isinstance(instance, DeathReviewNoticePage):
        promise_time_online(instance)


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


def record_files(page: ContentPage) -> None:
    """Note which files this version shows, and make the public sizes of its pictures while nobody waits for them."""
    documents, images = files_of(page)
    kept = PublishedFile.objects.filter(page_id=page.pk)
    kept.exclude(document_id__in=documents).filter(document__isnull=False).delete()
    kept.exclude(image_id__in=images).filter(image__isnull=False).delete()
    known_documents = set(kept.values_list("document_id", flat=True))
    known_images = set(kept.values_list("image_id", flat=True))
    now = timezone.now()
    PublishedFile.objects.bulk_create(
        [
            *(
                PublishedFile(page_id=page.pk, document_id=key, first_public_at=now)
                for key in sorted(documents - known_documents)
            ),
            *(
                PublishedFile(page_id=page.pk, image_id=key, first_public_at=now)
                for key in sorted(images - known_images)
            ),
        ]
    )
    for image in Image.objects.filter(pk__in=images - known_images):
        image.get_renditions(*RENDITIONS.values())
