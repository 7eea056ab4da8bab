"""Which files are public now: those that the published version of a public page uses.

The file must also be the one that was approved with that version (`file_key`), be outside private collections, and not
be taken offline in an emergency. A file of death reviews is public only through a notice. Other pages that refer to it
show nothing of it, and caches keep no copy of it.
"""

from datetime import datetime
from functools import cache
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import CharField, Exists, ExpressionWrapper, F, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.models import CollectionViewRestriction, Page
from wagtail.permissions import policy_registry

from documents.models import Document, Image, PublicFileRecord, PublishedFile
from pages.content.death_reviews import of_death_reviews
from pages.content.references import files_approved_for_a_date
from pages.models import DeathReviewNoticePage, SearchText, Takedown
from pages.visibility.rule import public_rows

AnyFile = TypeVar("AnyFile", Document, Image)


def public_documents(queryset: QuerySet[Document], as_of: datetime | None = None) -> QuerySet[Document]:
    return _public(queryset, "document", as_of)


def public_images(queryset: QuerySet[Image], as_of: datetime | None = None) -> QuerySet[Image]:
    return _public(queryset, "image", as_of)


def may_be_public(queryset: QuerySet[AnyFile]) -> QuerySet[AnyFile]:
    """The files that are public once a public page shows them: neither private nor taken offline."""
    collection = ExpressionWrapper(OuterRef("collection__path"), CharField())
    private = CollectionViewRestriction.objects.annotate(own=collection).filter(own__startswith=F("collection__path"))
    name = "document" if issubclass(queryset.model, Document) else "image"
    return queryset.filter(~Exists(private), ~Exists(Takedown.objects.filter(**{name: OuterRef("pk")})))


def shown_on(model: type[Model], files: QuerySet[AnyFile]) -> QuerySet[AnyFile]:
    """The files that a page of this type, or a child row of this type, may show to readers."""
    return files if is_of_notices(model) else files.filter(~of_death_reviews())


@cache
def is_of_notices(model: type[Model]) -> bool:
    """Whether this is the page type of death-review notices, or of their child rows."""
    keys = (field for field in model._meta.concrete_fields if isinstance(field, ParentalKey))
    page_type = next((key.related_model for key in keys), model)
    return bool(getattr(page_type, "may_show_death_review_files", False))


def for_staff(user: User | AnonymousUser, queryset: QuerySet[AnyFile]) -> QuerySet[AnyFile]:
    """The files that the user may change or choose in the admin."""
    policy = policy_registry.get_by_type(queryset.model)
    return queryset.filter(pk__in=policy.instances_user_has_any_permission_for(user, ["change", "choose"]).values("pk"))


def on_a_live_page(file: Document | Image, kind: type[Page] = Page) -> bool:
    """Whether the published version of a page of this type uses the file.

    The page may be hidden by a page above it, or the file by its collection. When that ends, readers see the file
    without another approval.
    """
    return file.published_in.filter(page__live=True, page__in=kind.objects.all()).exists()


def approved_for_readers(file: Document | Image) -> bool:
    """Whether a version that is published, or approved for a later date, shows the file."""
    return on_a_live_page(file) or file.pk in files_approved_for_a_date()[type(file)]


def _public(queryset: QuerySet[AnyFile], name: str, as_of: datetime | None) -> QuerySet[AnyFile]:
    shown = PublishedFile.objects.filter(**{name: OuterRef("pk")}, file_key=OuterRef("file_key"))
    shown = shown.filter(_on_a_notice() | ~of_death_reviews(f"{name}__collection__path"))
    return may_be_public(queryset.filter(Exists(public_rows(shown, "page__", as_of))))


def _on_a_notice() -> Q:
    return Q(page__in=DeathReviewNoticePage.objects.values("pk"))


def without_hidden_files(rows: QuerySet[SearchText]) -> QuerySet[SearchText]:
    """The rows that are about no file, or about an approved file that may be public.

    Does not check whether their pages are public.
    """
    approved = Document.objects.filter(pk=OuterRef("document"), file_key=OuterRef("file_key"))
    rows = rows.filter(Q(document=None) | Exists(may_be_public(approved)))
    return rows.filter(Q(document=None) | _on_a_notice() | ~of_death_reviews("document__collection__path"))


def never_stored() -> Q:
    """Whether caches must keep no copy of a document.

    That is so if it belongs to a death review, was published with one, or was once for an exempt item. For a picture,
    only the first can be true.
    """
    return Q(of_death_reviews()) | Q(Exists(PublishedFile.objects.filter(document=OuterRef("pk"), no_store=True)))


def remember_public_files(rows: QuerySet[PublishedFile]) -> None:
    """Record the keys of the files that are public now, so that their addresses answer 410 and not 404 later."""
    documents = public_documents(Document.objects.filter(pk__in=rows.values("document")))
    images = public_images(Image.objects.filter(pk__in=rows.values("image")))
    keys = {*documents.values_list("file_key", flat=True), *images.values_list("file_key", flat=True)}
    now = timezone.now()
    PublicFileRecord.objects.bulk_create(
        [PublicFileRecord(file_key=key, first_public_at=now) for key in sorted(keys)], ignore_conflicts=True
    )
