"""GraphQL types of StreamField blocks. A block declares its fields in `graphql_fields`, as page types do.

The fields resolve from a `Block`, the stored JSON of one block. Wagtail's block values are not used, because they would
run queries for each page.
"""

from typing import Any, ClassVar, Protocol

import graphene
from django.apps import apps
from django.db.models import Model
from django.utils.safestring import SafeString
from grapple.registry import registry
from wagtail.blocks import Block as WagtailBlock
from wagtail.fields import StreamField

from pages.graphql.public_fields import PublicField, StreamFieldInterface


class BlockReader(Protocol):
    """Finds what a block refers to, if readers may see it, for the HTML of the block (pages/reading/page_html.py)."""

    def rich_text(self, value: str | None) -> SafeString:
        """The HTML of a stored rich text."""

    def picture(self, key: int | None) -> Any:
        """The picture with this primary key, in the size for pages, or None."""

    def file(self, key: int | None) -> Any:
        """The file of the document with this primary key, or None."""

    def link(self, key: int | None) -> Any:
        """A link to the page with this primary key, or None."""


class PublicBlock:
    """A mixin that makes a Wagtail block part of the API and of HTML pages.

    The GraphQL type has the name of the block class and the fields of `graphql_fields`, whose resolvers get a `Block`.
    Its description is the first paragraph of the docstring of the class.
    """

    graphql_fields: ClassVar[list[PublicField]]
    html_template: ClassVar[str]

    def html_context(self, value: Any, reader: BlockReader) -> dict[str, Any]:
        """The context of `html_template`, from the stored JSON of one block."""
        return {"value": value}


def graphql_type(block: type[PublicBlock]) -> type[graphene.ObjectType]:
    """Build the GraphQL type of a block class."""
    fields = {}
    for declaration in block.graphql_fields:
        declared, mount = declaration()
        fields[declared.field_name] = mount(declared.field_type)
    meta = {"interfaces": (StreamFieldInterface,), "description": (block.__doc__ or "").strip().split("\n\n")[0]}
    return type(block.__name__, (graphene.ObjectType,), {"Meta": type("Meta", (), meta), **fields})


def block_classes(model: type[Model]) -> dict[type[WagtailBlock], StreamField]:
    """The block classes that editors can use in the StreamFields of a model, each with a field that offers it."""
    return {
        type(block): field
        for field in model._meta.get_fields()
        if isinstance(field, StreamField)
        for block in field.stream_block.child_blocks.values()
    }


def register() -> tuple[type[graphene.ObjectType], ...]:
    """Register the types of all public blocks with grapple, and return them.

    They replace grapple's own types, which would show drafts (cms/graphql/schema/query.py).
    """
    types = {block: graphql_type(block) for model in apps.get_models() for block in _public_blocks(model)}
    registry.streamfield_blocks.clear()
    registry.streamfield_blocks.update(types)
    return tuple(types.values())


def _public_blocks(model: type[Model]) -> list[type[PublicBlock]]:
    return [block for block in block_classes(model) if issubclass(block, PublicBlock)]
