"""Constructors of the public GraphQL fields of models and blocks.

Models list these fields in `graphql_fields`, which is an allow-list: fields that are not listed are not in the schema.
Fields that refer to a page, file or snippet resolve through the loader of the request (pages/reading/loader.py). It
checks visibility (pages/visibility/rule.py) and loads for all objects of a list at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias
from uuid import uuid5

import graphene
from django.apps import apps
from django.db.models import Model, TextChoices, URLField
from django.utils import timezone
from graphene.types.structures import Structure
from graphql import GraphQLResolveInfo
from grapple.models import GraphQLField
from grapple.registry import registry
from wagtail.blocks import Block as WagtailBlock
from wagtail.blocks import StreamValue
from wagtail.fields import StreamField
from wagtail.models import Page

from pages.content import addresses
from pages.content.references import raw_blocks
from pages.content.rich_text import has_text, plain_text
from pages.graphql.loading import loader_of
from pages.partial_dates import PartialDate as PartialDateValue
from pages.partial_dates import Precision

# A graphene type, a list or non-null of one, or a function that returns the type once grapple has built it.
GraphQLType: TypeAlias = type | Structure | Callable[[], Any]

# --- Types of values -----------------------------------------------------------------------------------------


@cache
def enum(choices: type[TextChoices]) -> type[graphene.Enum]:
    """The GraphQL enum of some choices. A member's name is the enum value, and its label is the description."""
    labels = {member.value: str(member.label) for member in choices}

    def description(member: TextChoices | None) -> str | None:
        return labels[member.value] if member is not None else choices.__doc__

    return graphene.Enum(choices.__name__, [(member.name, member.value) for member in choices], description=description)


class RichText(graphene.ObjectType):
    """Formatted text, as safe HTML with absolute links and as plain text."""

    html = graphene.String(
        required=True, description="HTML limited to paragraphs, headings, lists, emphasis and links."
    )
    text = graphene.String(required=True, description="The same as plain text, one line per paragraph.")


class PartialDate(graphene.ObjectType):
    """A date known to the year, the month or the day. Nothing is filled in."""

    value = graphene.String(required=True, description='"2023", "2023-09" or "2023-09-01" (ISO 8601).')
    precision = graphene.Field(enum(Precision), required=True, description="How much of the date is known.")

    @staticmethod
    def resolve_precision(value: PartialDateValue, info: GraphQLResolveInfo) -> str:
        return value.precision.value


@dataclass(frozen=True)
class Block:
    """One stored block of a page: the page, the block class, the JSON value, and the id, which never changes."""

    owner: Page
    block_class: type[WagtailBlock]
    value: Any
    id: str | None


def stored_blocks(owner: Page, stream: StreamValue) -> list[Block]:
    """The blocks of a StreamField value. Blocks of types that no longer exist are left out."""
    types = stream.stream_block.child_blocks
    return [
        Block(owner, type(types[raw["type"]]), raw["value"], raw.get("id"))
        for raw in raw_blocks(stream)
        if raw["type"] in types
    ]


class StreamFieldInterface(graphene.Interface):
    """One block of a page's body. Ask for the fields of the types that implement this."""

    id = graphene.String(
        description="Stays the same when editors change or move the block. A copy of the page has other ids."
    )
    block_type = graphene.String(required=True, description="The name of the type, as in __typename.")

    @classmethod
    def resolve_type(cls, instance: Block, info: GraphQLResolveInfo) -> type[graphene.ObjectType]:
        return registry.streamfield_blocks[instance.block_class]

    @staticmethod
    def resolve_id(block: Block, info: GraphQLResolveInfo) -> str | None:
        """Derived from the ids of page and block, because Wagtail copies block ids when it copies a page. A client that
        caches blocks by id would otherwise show the text of one page on another.
        """
        return str(uuid5(block.owner.uuid, block.id)) if block.id else None

    @staticmethod
    def resolve_block_type(block: Block, info: GraphQLResolveInfo) -> str:
        return block.block_class.__name__


# --- Blocks ---------------------------------------------------------------------------------------------------


def text_in_block(name: str, required: bool = False, description: str = "") -> "PublicField":
    """A text of a struct block. Unless it is required, an empty text is null."""

    def resolve(block: Block, info: GraphQLResolveInfo) -> str | None:
        return block.value.get(name) or ("" if required else None)

    return public_field(name, graphene.String, resolve, required=required, description=description)


# --- Fields --------------------------------------------------------------------------------------------------

Resolver = Callable[..., Any]


@dataclass(frozen=True)
class PublicField:
    """A field of the public type. Grapple calls the entries of `graphql_fields` to get its own declaration."""

    build: Callable[[], Any]
    searchable_text: Callable[[Any], Iterable[str]]  # the words that the search finds in this field of an object
    source: str  # the field or relation of the model

    def __call__(self) -> Any:
        return self.build()


def public_field(
    name: str,
    of_type: GraphQLType,
    resolver: Resolver,
    *,
    required: bool = False,
    description: str = "",
    args: dict[str, graphene.Argument] | None = None,
    searchable_text: Callable[[Any], Iterable[str]] = lambda obj: (),
    source: str = "",
    deprecation_reason: str | None = None,
) -> PublicField:
    """A field of the public type. `source` is the field or relation of the model, if its name differs.

    `deprecation_reason` says what to use instead and the day until which the field stays (docs/graphql.md).
    """

    def build() -> tuple[GraphQLField, Callable[[Any], graphene.Field]]:
        def mount(graphql_type: GraphQLType) -> graphene.Field:
            return graphene.Field(
                graphql_type,
                resolver=resolver,
                required=required,
                description=description,
                args=args,
                deprecation_reason=deprecation_reason,
            )

        return GraphQLField(name, of_type), mount

    return PublicField(build, searchable_text, source or name)


def _attribute_resolver(source: str) -> Resolver:
    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return getattr(obj, source)

    return resolve


def _scalar(of_type: GraphQLType) -> Callable[..., PublicField]:
    def constructor(name: str, source: str = "", required: bool = False, description: str = "") -> PublicField:
        resolve = _attribute_resolver(source or name)
        return public_field(name, of_type, resolve, required=required, description=description, source=source)

    return constructor


integer = _scalar(graphene.Int)
date = _scalar(graphene.Date)
partial_date = _scalar(PartialDate)


def text(name: str, source: str = "", required: bool = False, description: str = "") -> PublicField:
    """A text. Unless it is required, an empty text is null."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> str | None:
        return getattr(obj, source or name) or ("" if required else None)

    def searchable_text(obj: Model) -> Iterable[str]:
        is_address = isinstance(obj._meta.get_field(source or name), URLField)
        return () if is_address else (getattr(obj, source or name),)

    return public_field(
        name,
        graphene.String,
        resolve,
        required=required,
        description=description,
        searchable_text=searchable_text,
        source=source,
    )


def local_time(moment: datetime | None) -> datetime | None:
    """An instant in Europe/London time, in which the API returns all times."""
    return timezone.localtime(moment) if moment else None


def date_time(name: str, source: str = "", required: bool = False, description: str = "") -> PublicField:
    """An instant, with the UTC offset that Europe/London had then."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return local_time(getattr(obj, source or name))

    return public_field(name, graphene.DateTime, resolve, required=required, description=description, source=source)


def identity() -> PublicField:
    """The permanent id of a snippet."""
    return public_field(
        "id",
        graphene.ID,
        lambda obj, info: str(obj.public_id),
        required=True,
        description="Its uuid, which never changes.",
    )


def identity_on_page(what: str, description: str) -> PublicField:
    """The id of a child row, derived from its page and its `identity_on_page`: primary keys change with editing."""
    return public_field(
        "id",
        graphene.ID,
        lambda row, info: str(uuid5(row.page.uuid, f"{what} {row.identity_on_page}")),
        required=True,
        description=description,
    )


def own_path(source: str) -> PublicField:
    """The path on the site of an address that editors typed, beside the address itself."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> str | None:
        return addresses.path_of(getattr(obj, source))

    description = "The path of that address, if it is on the site."
    return public_field(f"{source}_path", graphene.String, resolve, description=description, source=source)


def choice(name: str, choices: type[TextChoices], required: bool = True, description: str = "") -> PublicField:
    """A field with choices, as an enum. An empty value is null."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> str | None:
        return str(getattr(obj, name)) or None

    return public_field(name, enum(choices), resolve, required=required, description=description)


def lines(name: str, description: str = "") -> PublicField:
    """A text with one item a line, as a list."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> list[str]:
        return split_lines(getattr(obj, name))

    def searchable_text(obj: Model) -> Iterable[str]:
        return split_lines(getattr(obj, name))

    return public_field(
        name, list_of(graphene.String), resolve, required=True, description=description, searchable_text=searchable_text
    )


def rich_text(name: str, required: bool = False, description: str = "") -> PublicField:
    """A rich text, as HTML and plain text. Unless it is required, an empty text is null."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        source = getattr(obj, name)
        return loader_of(info).rich_text(obj, source) if required or has_text(source) else None

    def searchable_text(obj: Model) -> Iterable[str]:
        return (plain_text(getattr(obj, name)),)

    return public_field(
        name, RichText, resolve, required=required, description=description, searchable_text=searchable_text
    )


def blocks(name: str, description: str = "") -> PublicField:
    """The blocks of a StreamField, in order."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return stored_blocks(obj, getattr(obj, name))

    def searchable_text(obj: Model) -> Iterable[str]:
        stream_field: StreamField = obj._meta.get_field(name)
        return stream_field.get_searchable_content(getattr(obj, name))

    return public_field(
        name,
        list_of(StreamFieldInterface),
        resolve,
        required=True,
        description=description,
        searchable_text=searchable_text,
    )


def related(name: str, model: str, source: str = "", required: bool = False, description: str = "") -> PublicField:
    """The page, snippet or file of a foreign key, or null if it is not public."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return loader_of(info).related(obj, source or name)

    return public_field(name, type_of(model), resolve, required=required, description=description, source=source)


def children(name: str, model: str, source: str = "", description: str = "") -> PublicField:
    """The child rows of an object, in order."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return loader_of(info).children(obj, source or name)

    return public_field(name, list_of(type_of(model)), resolve, required=True, description=description, source=source)


def searchable_words(obj: object) -> Iterable[str]:
    """The texts in the public fields of an object, for the search."""
    for field in getattr(obj, "graphql_fields", ()):
        yield from field.searchable_text(obj)


def list_of(graphql_type: GraphQLType) -> graphene.List:
    """A list without nulls. Mount it with required=True, so that the list itself is never null."""
    return graphene.List(graphene.NonNull(graphql_type))


def type_of(model: str) -> Callable[[], Any]:
    """A function that returns the GraphQL type of a model such as "pages.InsightPage", once grapple has built it."""
    return lambda: registry.models[apps.get_model(model)]


def split_lines(value: str) -> list[str]:
    """The items of a text with one item a line."""
    return [line.strip() for line in (value or "").splitlines() if line.strip()]


def topics() -> PublicField:
    """The topics of a page."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return loader_of(info).topics(obj)

    return public_field(
        "topics",
        list_of(type_of("pages.Topic")),
        resolve,
        required=True,
        description="The topics it is filed under.",
    )


def documents(name: str, datasets: bool = False, description: str = "") -> PublicField:
    """The public documents of a publication: its data files, or all other documents."""

    def resolve(obj: Model, info: GraphQLResolveInfo) -> Any:
        return loader_of(info).page_documents(obj, datasets)

    return public_field(name, list_of(type_of("documents.Document")), resolve, required=True, description=description)
