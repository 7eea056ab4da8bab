"""Which files are public now: those that the published version of a public page uses."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from documents.models import Document, Image, PublishedFile
from pages.models import ContentPage
from pages.visibility import public


def _uses(at: datetime | None) -> QuerySet[PublishedFile]:
    return PublishedFile.objects.filter(page_id__in=public(ContentPage.objects.all(), at).values("pk"))


def public_documents(queryset: QuerySet[Document], at: datetime | None = None) -> QuerySet[Document]:
    return queryset.filter(Exists(_uses(at).filter(document_id=OuterRef("pk"))))


def public_images(queryset: QuerySet[Image], at: datetime | None = None) -> QuerySet[Image]:
    return queryset.filter(Exists(_uses(at).filter(image_id=OuterRef("pk"))))
