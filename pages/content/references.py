"""Finds what the stored content of a page refers to, from its JSON and rich text, without queries."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Model
from modelcluster.fields import ParentalKey
from wagtail.blocks import Block, ChooserBlock, ListBlock, RichTextBlock, StreamBlock, StructBlock
from wagtail.blocks.stream_block import StreamValue
from wagtail.fields import RichTextField, StreamField
from wagtail.models import CollectionViewRestriction, Page, Revision
from wagtail.rich_text import RichText

from documents.models import Document, Image
from pages.content.rich_text import linked_ids

FILES: dict[type[Model], str] = {Document: "documents", Image: "images"}
CHOSEN: tuple[tuple[type[Model], str], ...] = ((Page, "page"), (Image, "image"), (Document, "document"))


@dataclass
class References:
    """Primary keys of the pages, documents and images that some content refers to.

    `chosen_pages` are those of the pages to which a block refers, and not only a link in a text.
    """

    pages: set[int] = field(default_factory=set)
    chosen_pages: set[int] = field(default_factory=set)
    documents: set[int] = field(default_factory=set)
    images: set[int] = field(default_factory=set)


def raw_blocks(stream: StreamValue) -> Iterator[dict[str, Any]]:
    """The stored blocks of a StreamField value, as JSON: {"type", "value", "id"}."""
    for index in range(len(stream.raw_data)):
        yield stream.raw_data[index]


def _text(value: object) -> str:
    return value.source if isinstance(value, RichText) else str(value or "")


def contents(obj: Model) -> Iterator[tuple[Any, int, str, Any]]:
    """The references in rich text and StreamFields: (field, number of the block or 0, kind, content).

    Blocks are numbered from 1. The kinds are "text" (the content is rich text), and "page", "image" and "document" (the
    content is a primary key).
    """
    for model_field in obj._meta.concrete_fields:
        value = getattr(obj, model_field.attname, None)
        if value and isinstance(model_field, RichTextField):
            yield model_field, 0, "text", value
        elif value and isinstance(model_field, StreamField):
            for place, block, content in _stored_blocks(model_field.stream_block, value):
                yield from ((model_field, place, *reference) for reference in _in_block(block, content))


def _stored_blocks(stream: StreamBlock, value: StreamValue) -> Iterator[tuple[int, Block, Any]]:
    """The number of each block from 1, the block and its stored value, without blocks of removed types."""
    for place, raw in enumerate(raw_blocks(value), start=1):
        if raw["type"] in stream.child_blocks:
            yield place, stream.child_blocks[raw["type"]], raw["value"]


def _in_block(block: Block, value: Any) -> Iterator[tuple[str, Any]]:
    """Kind and content of each reference in the stored value of a block and the blocks inside it."""
    if not value:
        return
    if isinstance(block, RichTextBlock):
        yield "text", _text(value)
    elif isinstance(block, ChooserBlock):
        yield from ((kind, int(value)) for model, kind in CHOSEN if issubclass(block.model_class, model))
    else:
        for child, part in _parts_of(block, value):
            yield from _in_block(child, part)


def _parts_of(block: Block, value: Any) -> list[tuple[Block, Any]]:
    """The blocks inside a block, each with its stored value."""
    match block:
        case StructBlock():
            return [(child, value.get(name)) for name, child in block.child_blocks.items()]
        case StreamBlock():
            return [(block.child_blocks[raw["type"]], raw["value"]) for raw in value]
        case ListBlock():
            return [(block.child_block, raw["value"]) for raw in value]
    return []


def of_blocks_and_text(obj: Model) -> References:
    """References in the rich text and the blocks of one object."""
    found, texts = References(), []
    for _field, _place, kind, content in contents(obj):
        if kind == "text":
            texts.append(content)
        else:
            getattr(found, f"{kind}s").add(content)
    pages, documents = linked_ids(texts)
    found.chosen_pages |= found.pages
    found.pages |= pages
    found.documents |= documents
    return found


def row_relations(model: type[Model]) -> list[Any]:
    """The relations to the child objects of a page type, without those of Wagtail (comments)."""
    return [
        relation
        for relation in model._meta.related_objects
        if isinstance(relation.field, ParentalKey) and relation.related_model._meta.app_label != "wagtailcore"
    ]


def child_relations(model: type[Model]) -> list[str]:
    """The accessor names of the child objects of a page type."""
    return [relation.get_accessor_name() or "" for relation in row_relations(model)]


def files_by_field(page: Page) -> dict[str, References]:
    """Documents and images that this version of a page shows, in its fields, child objects, blocks and text. By the
    name of the field or child relation that refers to them."""
    found: dict[str, References] = defaultdict(References)
    rows = [
        (name, row)
        for relation in page._meta.related_objects
        if isinstance(relation.field, ParentalKey) and (name := relation.get_accessor_name())
        for row in getattr(page, name).all()
    ]
    for name, obj in [("", page), *rows]:
        for field_name, kind, key in _files_in(obj):
            getattr(found[name or field_name], kind).add(key)
    return found


def _files_in(obj: Model) -> Iterator[tuple[str, str, int]]:
    """The name of the field that refers to a file, "documents" or "images", and the primary key of the file."""
    for model_field, _place, kind, content in contents(obj):
        if kind == "text":
            yield from ((model_field.name, "documents", key) for key in linked_ids([content])[1])
        elif kind != "page":
            yield model_field.name, f"{kind}s", content
    for model_field in obj._meta.concrete_fields:
        related, key = model_field.related_model, getattr(obj, model_field.attname)
        if key and related in FILES:
            yield model_field.name, FILES[related], key


def files_of(page: Page) -> tuple[set[int], set[int]]:
    """Documents and images that this version of a page shows."""
    found = files_by_field(page).values()
    return {key for each in found for key in each.documents}, {key for each in found for key in each.images}


def pages_of(version: Model) -> set[int]:
    """Primary keys of the pages to which this version of a page or snippet refers: in its fields, child objects, blocks
    and text, and as the web page with the same content as one of its documents."""
    rows = [row for name in child_relations(type(version)) for row in getattr(version, name).all()]
    found: set[int] = set()
    for obj in (version, *rows):
        found |= of_blocks_and_text(obj).pages
        found |= {key for name in _fields_with_a_page(type(obj)) if (key := getattr(obj, name))}
    documents = files_of(version)[0] if isinstance(version, Page) else ()
    web_pages = Document.objects.filter(pk__in=documents, html_equivalent__isnull=False)
    return found | (set(web_pages.values_list("html_equivalent", flat=True)) if documents else set())


def _fields_with_a_page(model: type[Model]) -> list[str]:
    """The attributes with the primary key of a page that belong to a version: not its own, and not its withdrawal's."""
    return [
        each.attname
        for each in model._meta.concrete_fields
        if each.related_model
        and issubclass(each.related_model, Page)
        and not isinstance(each, ParentalKey)
        and not getattr(each.remote_field, "parent_link", False)
        and each.name not in ("alias_of", "withdrawal_alternative")
    ]


HIDDEN = "-private"


def file_facts_of(page: Page) -> dict[str, dict[str, list[str]]]:
    """The files that a version shows, as they are now: {"documents": {primary key: [file key, hash of its metadata]},
    "images": …}. The hash ends in `HIDDEN` if readers would not find the file: it is in a private collection, or was
    taken down.

    Primary keys are strings, as in the JSON of a revision.
    """
    private: tuple[str, ...] | None = None
    found: dict[str, dict[str, list[str]]] = {"documents": {}, "images": {}}
    for kind, model, keys in zip(("documents", "images"), (Document, Image), files_of(page), strict=True):
        rows: Any = model._default_manager
        chosen = rows.filter(pk__in=keys).select_related("collection").annotate(takedown=F("takedowns__pk"))
        for file in chosen if keys else ():
            if private is None:
                private = tuple(CollectionViewRestriction.objects.values_list("collection__path", flat=True))
            suffix = HIDDEN if file.takedown or file.collection.path.startswith(private) else ""
            found[kind][str(file.pk)] = [file.file_key, file.public_facts_hash + suffix]
    return found


def key_for_readers(facts: dict[str, dict[str, list[str]]], kind: str, file: Document | Image) -> str:
    """The key of a file in a version with these facts (`file_facts_of`), for readers of the version.

    It is empty if the version does not show the file, or if readers could not find it when the version was approved.
    The approvers were told so, and nobody has approved since that readers find it.
    """
    file_key, words = facts.get(kind, {}).get(str(file.pk), ["", ""])
    return "" if words.endswith(HIDDEN) else file_key


def without_places(facts: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """The same as `file_facts_of`, without the marks of files that readers would not find."""
    return {
        kind: {key: [file_key, words.removesuffix(HIDDEN)] for key, (file_key, words) in files.items()}
        for kind, files in facts.items()
    }


def files_approved_for_a_date(besides: int | None = None) -> dict[type[Model], dict[int, set[str]]]:
    """The files in versions that are approved for a later date, except those of the page `besides`: by model and
    primary key, the file keys in those versions."""
    found: dict[type[Model], dict[int, set[str]]] = {Document: defaultdict(set), Image: defaultdict(set)}
    scheduled = Revision.page_revisions.filter(approved_go_live_at__isnull=False).exclude(object_id=str(besides))
    for facts in scheduled.values_list("content__file_facts", flat=True):
        for model, kind in ((Document, "documents"), (Image, "images")):
            for key, (file_key, _) in (facts or {}).get(kind, {}).items():
                found[model][int(key)].add(file_key)
    return found


def used_by_other_pages(file: Document | Image, besides: int | None) -> bool:
    """Whether a page except `besides` shows the file, in its public, scheduled or latest version."""
    if file.published_in.filter(page__live=True).exclude(page=besides).exists():
        return True
    if file.pk in files_approved_for_a_date(besides)[type(file)]:
        return True
    kind = "documents" if isinstance(file, Document) else "images"
    latest: Any = Page.objects.exclude(pk=besides).values("latest_revision")
    named = {f"content__file_facts__{kind}__has_key": str(file.pk)}
    return Revision.page_revisions.filter(pk__in=latest, **named).exists()


def hold_files_of(page: Page) -> None:
    """Lock the rows of the files that a version shows until the end of the transaction."""
    documents, images = files_of(page)
    for model, keys in ((Document, documents), (Image, images)):
        if keys:
            list(
                model._default_manager.select_for_update(no_key=True)
                .filter(pk__in=keys)
                .order_by("pk")
                .values_list("pk")
            )


MADE = {"file": "the file of"}  # labels of the keys of `made_by`; the others are "the details of"


def makers_of_files(page: Page) -> dict[int, str]:
    """Who uploaded the files that a version shows, or wrote their metadata: by primary key of the account, which file,
    in words."""
    documents, images = files_of(page)
    found: dict[int, str] = {}
    for model, keys, noun in ((Document, documents, "document"), (Image, images, "picture")):
        for file in model._default_manager.filter(pk__in=keys) if keys else ():
            for fact, person in file.made_by.items():
                if person is not None:
                    found.setdefault(person, f"{MADE.get(fact, 'the details of')} the {noun} “{file.title}”")
    return found
