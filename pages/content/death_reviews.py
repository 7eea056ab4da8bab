"""Who may see what belongs to death reviews, and which files do: those in the collection of the index of death
reviews, or in a collection below it.

The collection is looked up on every read, so moving a file in or out takes effect at once.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import CharField, Exists, ExpressionWrapper, F, Model, OuterRef
from wagtail.models import Page, RevisionMixin, TaskState
from wagtail.permissions import policy_registry

from documents.models import Document, Image
from pages.content.references import files_by_field

HANDLE_DEATH_REVIEWS = "pages.handle_death_reviews"  # a permission


def may_see(user: User | AnonymousUser, obj: Model) -> bool:
    """Whether the user has the permission that the type of this page or snippet requires (`permission_to_find`)."""
    model = obj.specific_class if isinstance(obj, Page) else type(obj)
    needed = getattr(model, "permission_to_find", "")
    return not needed or bool(user.has_perm(needed))


def may_be_told(user: User | AnonymousUser, about: RevisionMixin) -> bool:
    """Whether mail to the user, and lists of the user's own work, may name this page or snippet.

    For pages see `pages_to_tell`. For snippets the user needs any permission on the model, or a task to review it.
    """
    if not may_see(user, about):
        return False
    if isinstance(about, Page):
        return about.pk in pages_to_tell(user, [about])
    policy = policy_registry.get_by_type(type(about))
    if policy.user_has_any_permission(user, ["add", "change", "delete", "view", "publish"]):
        return True
    reviewable = TaskState.objects.reviewable_by(user)
    return reviewable.filter(revision__in=about.revisions.values("pk")).exists()


def pages_to_tell(user: User | AnonymousUser, pages: Iterable[Page]) -> set[int]:
    """The primary keys of the pages that mail to the user, and lists of the user's own work, may name: those that the
    user may find in the admin now, or has a task to review."""
    keys = [page.pk for page in pages if may_see(user, page)]
    found = policy_registry.get_by_type(Page).explorable_instances(user).filter(pk__in=keys)
    reviewable = TaskState.objects.reviewable_by(user).filter(revision__object_id__in=[str(key) for key in keys])
    reviewed = reviewable.values_list("revision__object_id", "revision__base_content_type__model")
    return {*found.values_list("pk", flat=True), *(int(key) for key, model in reviewed if model == "page")}


def of_death_reviews(path: str = "collection__path") -> Exists:
    """A filter for objects in a collection of death-review files. `path` looks up the collection's tree path."""
    indexes: Any = apps.get_model("pages", "DeathReviewIndexPage")  # pages.models imports this module
    own = ExpressionWrapper(OuterRef(path), CharField())
    return Exists(indexes.objects.annotate(own=own).filter(own__startswith=F("files__path")))


def files_out_of_place(page: Page) -> dict[str, str]:
    """Error messages for death-review files in a page that is not a notice, by field or child relation."""
    found = files_by_field(page)
    documents = _among(Document, {key for each in found.values() for key in each.documents})
    images = _among(Image, {key for each in found.values() for key in each.images})
    return {
        name: f"“{_label(page, name)}” has a file that this page may not show. Remove it, and upload a file for this "
        "page."
        for name, each in found.items()
        if each.documents & documents or each.images & images
    }


def _label(page: Page, name: str) -> str:
    field: Any = page._meta.get_field(name)
    label = field.related_model._meta.verbose_name_plural if field.auto_created else field.verbose_name
    return label[:1].upper() + label[1:]


def _among(model: type[Document] | type[Image], keys: set[int]) -> set[int]:
    return set(model.objects.filter(of_death_reviews(), pk__in=keys).values_list("pk", flat=True)) if keys else set()
