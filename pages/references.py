"""What the stored content of a page refers to, read from the JSON and rich text without any query."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from modelcluster.fields import ParentalKey
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.rich_text import RichText

from documents.models import Document, Image
from pages.rich_text import linked_ids


@dataclass
class References:
    """Primary keys of the pages, documents and images that some content refers to."""

    pages: set[int] = field(default_factory=set)
    documents: set[int] = field(default_factory=set)
    images: set[int] = field(default_factory=set)


def raw_blocks(stream: Any) -> Iterator[dict[str, Any]]:
    """The stored blocks of a StreamField value, as JSON: {"type", "value", "id"}."""
    for index in range(len(stream.raw_data)):
        yield stream.raw_data[index]


def _text(value: Any) -> str:
    return value.source if isinstance(value, RichText) else str(value or "")


def contents(obj: Model) -> Iterator[tuple[Any, int, str, Any]]:
    """What may refer to something: (field, place among its blocks from 1, or 0, kind, content).

    The kinds are "text" (rich text), and "page", "image" and "document" (a primary key).
    """
    for model_field in obj._meta.concrete_fields:
        value = getattr(obj, model_field.attname, None)
        if not value:
            continue
        if isinstance(model_field, RichTextField):
            yield model_field, 0, "text", value
        elif isinstance(model_field, StreamField):
            for place, block in enumerate(raw_blocks(value), start=1):
                kind, content = block["type"], block["value"]
                if kind == "paragraph":
                    yield model_field, place, "text", _text(content)
                elif kind == "callout":
                    yield model_field, place, "text", _text(content.get("rich_text"))
                elif kind == "page_link" and content.get("page"):
                    yield model_field, place, "page", int(content["page"])
                elif kind == "image" and content.get("image"):
                    yield model_field, place, "image", int(content["image"])
                elif kind == "document" and content:
                    yield model_field, place, "document", int(content)


def of_blocks_and_text(obj: Model) -> References:
    """References in the rich text and the blocks of one object."""
    found, texts = References(), []
    for _field, _place, kind, content in contents(obj):
        if kind == "text":
            texts.append(content)
        else:
            getattr(found, f"{kind}s").add(content)
    pages, documents = linked_ids(texts)
    found.pages |= pages
    found.documents |= documents
    return found


def child_relations(model: Any) -> list[str]:
    """The names under which a page of this type has rows that editors enter with it."""
    return [
        relation.get_accessor_name() or ""
        for relation in model._meta.related_objects
        if isinstance(relation.field, ParentalKey) and relation.related_model._meta.app_label == "pages"
    ]


def files_of(page: Page) -> tuple[set[int], set[int]]:
    """Documents and images that this version of a page shows: in its fields, its rows, its blocks and its text."""
    everything = of_blocks_and_text(page)
    rows = [
        row
        for relation in page._meta.related_objects
        if isinstance(relation.field, ParentalKey)
        for row in getattr(page, relation.get_accessor_name()).all()
    ]
    for obj in [page, *rows]:
        for model_field in obj._meta.concrete_fields:
            key = getattr(obj, model_field.attname) if model_field.is_relation else None
            if key and model_field.related_model is Document:
                everything.documents.add(key)
            elif key and model_field.related_model is Image:
                everything.images.add(key)
    return everything.documents, everything.images


def file_facts_of(page: Page) -> dict[str, dict[str, list[str]]]:
    """The files that a version shows, as they are now: {"documents": {primary key: [file key, hash of what is said
    of it]}, "images": …}.

    Primary keys are texts, as in the JSON of a revision. The words themselves are not repeated here.
    """
    documents, images = files_of(page)
    found: dict[str, Iterable[Document | Image]] = {
        "documents": Document.objects.filter(pk__in=documents) if documents else (),
        "images": Image.objects.filter(pk__in=images) if images else (),
    }
    return {name: {str(file.pk): [file.file_key, file.public_facts_hash] for file in of} for name, of in found.items()}


def hold_files_of(page: Page) -> None:
    """Wait until nobody else changes the files that a version shows, and let nobody else until the transaction ends."""
    documents, images = files_of(page)
    for model, keys in ((Document, documents), (Image, images)):
        if keys:
            list(model._default_manager.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


def makers_of_files(page: Page) -> dict[int, str]:
    """Who gave the files that a version shows their bytes, or what is said of them: primary key of the account → which
    file, in words."""
    documents, images = files_of(page)
    found: dict[int, str] = {}
    for model, keys in ((Document, documents), (Image, images)):
        for file in model._default_manager.filter(pk__in=keys) if keys else ():
            for fact, person in file.made_by.items():
                done = "the file of" if fact == "file" else "what is said of"
                if person is not None:
                    found.setdefault(person, f"{done} the {'picture' if model is Image else 'document'} “{file.title}”")
    return found
