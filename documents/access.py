"""Which files are public now: those that the published version of a public page uses."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from documents.models import Document, Image, PublishedFile
from pages.visibility import public_rows


def public_documents(queryset: QuerySet[Document], at: datetime | None = None) -> QuerySet[Document]:
    return queryset.filter(Exists(public_rows(PublishedFile.objects.filter(document_id=OuterRef("pk")), "page__", at)))


def public_images(queryset: QuerySet[Image], at: datetime | None = None) -> QuerySet[Image]:
    return queryset.filter(Exists(public_rows(PublishedFile.objects.filter(image_id=OuterRef("pk")), "page__", at)))
