"""How a block of a body becomes part of the public contract: the block declares its fields, and its GraphQL type is
made from them, as page types declare theirs in `graphql_fields`.

The fields resolve from a `Block`, the stored JSON of one block, and not from Wagtail's block values: those would run
queries for each page that is read.
"""

from typing import Any, ClassVar, Protocol

import graphene
from django.apps import apps
from django.utils.safestring import SafeString
from grapple.registry import registry
from wagtail.blocks import Block as WagtailBlock
from wagtail.fields import StreamField

from pages.graphql.public_fields import PublicField, StreamFieldInterface


class BlockReader(Protocol):
    """What a block refers to, as far as readers may see it, for its HTML (pages/reading/page_html.py)."""

    def rich_text(self, value: Any) -> SafeString:
        """A stored rich text as HTML."""

    def picture(self, key: int | None) -> Any:
        """The picture with this primary key in the size of pages, or None."""

    def file(self, key: int | None) -> Any:
        """The file of the document with this primary key, or None."""

    def link(self, key: int | None) -> Any:
        """A link to the page with this primary key, or None."""


class PublicBlock:
    """Makes a Wagtail block part of the API and of HTML pages. The first paragraph of its docstring describes it.

    Its GraphQL type has its name, and the fields of `graphql_fields`, whose resolvers get a `Block`.
    """

    graphql_fields: ClassVar[list[PublicField]]
    html_template: ClassVar[str]

    def html_context(self, value: Any, reader: BlockReader) -> dict[str, Any]:
        """What its template gets of the stored JSON of one block."""
        return {"value": value}


def graphql_type(block: type[PublicBlock]) -> type[graphene.ObjectType]:
    fields = {}
    for declaration in block.graphql_fields:
        declared, mount = declaration()
        fields[declared.field_name] = mount(declared.field_type)
    meta = {"interfaces": (StreamFieldInterface,), "description": (block.__doc__ or "").strip().split("\n\n")[0]}
    return type(block.__name__, (graphene.ObjectType,), {"Meta": type("Meta", (), meta), **fields})


def block_classes(model: Any) -> dict[type[WagtailBlock], StreamField]:
    """The classes of the blocks that editors can put into a page or row of this type, each with a field for it."""
    return {
        type(block): field
        for field in model._meta.get_fields()
        if isinstance(field, StreamField)
        for block in field.stream_block.child_blocks.values()
    }


def register() -> tuple[type[graphene.ObjectType], ...]:
    """Put the types of all public blocks into grapple's registry in place of its own, which would show drafts
    (cms/graphql/schema/query.py). Returns them."""
    found = {block: graphql_type(block) for model in apps.get_models() for block in _public_blocks(model)}
    registry.streamfield_blocks.clear()
    registry.streamfield_blocks.update(found)
    return tuple(found.values())


def _public_blocks(model: Any) -> list[type[PublicBlock]]:
    return [block for block in block_classes(model) if issubclass(block, PublicBlock)]
