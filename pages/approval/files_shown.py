"""Lists what readers will see about the files that a version shows, for the screen on which it is approved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Field, Model, QuerySet
from django.urls import reverse
from wagtail.models import Page
from wagtail.permissions import policy_registry

from documents.access.public_files import may_be_public
from documents.models import Document, Image
from pages.confidential.hidden_objects import NOT_SHOWN
from pages.content.death_reviews import may_see
from pages.content.references import files_of
from pages.models import ContentPage
from pages.models.snippets import ModeratedSnippet

# The focal point of a picture is not listed: the linked picture shows it.
NOT_LISTED = {"focal_point_x", "focal_point_y", "focal_point_width", "focal_point_height"}


@dataclass(frozen=True)
class ShownFile:
    """A file and its `facts`: pairs of label and value, worded as in the form of the file."""

    noun: str
    title: str
    address: str
    facts: list[tuple[str, str]]


NOT_READABLE = (
    "cannot open this file: its collection is private, or it was taken down. If that ends, the page must be approved "
    "again before readers can open it"
)


def files_shown(version: ContentPage | ModeratedSnippet, user: User | AnonymousUser) -> list[ShownFile]:
    """The documents and pictures of the version, ordered by title.

    Files that the user may not see are left out. The user can then not approve the version
    (pages/models/moderation.py).
    """
    if not isinstance(version, Page):
        return []
    found = []
    for model, keys in zip((Document, Image), files_of(version), strict=True):
        visible = policy_registry.get_by_type(model).instances_user_has_any_permission_for(user, ["choose"])
        files: QuerySet[Any] = model._default_manager.filter(pk__in=keys)
        readable = set(may_be_public(files).values_list("pk", flat=True)) if keys else set()
        for file in visible.filter(pk__in=keys).order_by("pk") if keys else ():
            noun = "Picture" if model is Image else "Document"
            facts = list(_facts(file, user, is_readable=file.pk in readable))
            found.append(ShownFile(noun, file.title, _address(file), facts))
    return sorted(found, key=lambda each: (each.title.casefold(), each.noun, each.address))


def _address(file: Document | Image) -> str:
    return file.url if isinstance(file, Document) else reverse("wagtailimages:edit", args=[file.pk])


def _facts(file: Document | Image, user: User | AnonymousUser, *, is_readable: bool) -> Iterator[tuple[str, str]]:
    if isinstance(file, Document):
        yield "File name", file.filename
    if not is_readable:
        yield "Readers", NOT_READABLE
    fields = {field.name: field for field in file._meta.concrete_fields}
    for name in file.public_facts:
        if name == "title" or name in NOT_LISTED:
            continue
        field = fields[name.removesuffix("_id")]
        label = str(field.verbose_name)
        yield label[:1].upper() + label[1:], _in_words(file, field, user)


def _in_words(file: Document | Image, field: "Field[Any, Any]", user: User | AnonymousUser) -> str:
    value = getattr(file, field.name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Model):
        return str(value) if may_see(user, value) else NOT_SHOWN
    return str(getattr(file, f"get_{field.name}_display", lambda: value)() or "")
