"""Collects the primary keys to which pages refer, from their fields, child objects, blocks and text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.db.models import Field, Model
from modelcluster.fields import ParentalKey

from documents.models import Document, Image
from pages.content.references import References, child_relations, of_blocks_and_text
from pages.models import ContentPage

Keys = dict[type[Model], set[int]]


def keys_named_by(pages: Iterable[ContentPage]) -> Keys:
    """The primary keys by model: `ContentPage`, documents, images and snippets. Loads the pages' child objects."""
    found: Keys = defaultdict(set)
    for page in pages:
        for obj in _with_rows(page):
            _add_keys_of(obj, found)
    return found


def named_in_text(objects: Iterable[Model]) -> References:
    """The references in rich text and blocks alone, without those of foreign keys and child objects."""
    found = References()
    for obj in objects:
        references = of_blocks_and_text(obj)
        found.pages |= references.pages
        found.chosen_pages |= references.chosen_pages
        found.documents |= references.documents
        found.images |= references.images
    return found


def linked_pages(page: ContentPage) -> set[int]:
    """The primary keys of the pages whose title or address this page shows if they are public."""
    keys = keys_named_by([page])
    web_pages = Document.objects.filter(pk__in=keys[Document], html_equivalent__isnull=False)
    return keys[ContentPage] | set(web_pages.values_list("html_equivalent", flat=True))


def _add_keys_of(obj: Model, found: Keys) -> None:
    references = of_blocks_and_text(obj)
    found[ContentPage] |= references.pages
    found[Document] |= references.documents
    found[Image] |= references.images
    for attname, model in _foreign_keys(type(obj)):
        if key := getattr(obj, attname):
            found[model].add(key)


def _with_rows(page: ContentPage) -> Iterator[Model]:
    yield page
    for name in child_relations(type(page)):
        yield from getattr(page, name).get_object_list()


@cache
def _foreign_keys(model: type[Model]) -> list[tuple[str, type[Model]]]:
    fields = (each for each in model._meta.concrete_fields if each.is_relation)
    return [(each.attname, target) for each in fields if (target := _target(each))]


def _target(relation: "Field[Any, Any]") -> type[Model] | None:
    """The model under which the target of a relation is collected. None if readers may not see such objects."""
    model, reverse = relation.related_model, relation.remote_field
    if not model or not reverse or isinstance(relation, ParentalKey) or reverse.parent_link:
        return None
    if issubclass(model, ContentPage):
        return ContentPage
    return model if model in (Document, Image) or model._meta.app_label == "pages" else None
