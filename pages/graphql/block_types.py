"""The GraphQL types of the blocks in pages/blocks.py, entered into grapple's registry under the block's class.

They resolve from a `Block`, the stored JSON of one block, and not from Wagtail's block values: those would run
queries for each page that is read.
"""

from typing import Any

import graphene
from django.apps import apps
from grapple.registry import registry
from grapple.types.interfaces import get_page_interface

from pages import blocks
from pages.content.choices import CalloutTone
from pages.graphql.loading import loader_of
from pages.graphql.public_fields import Block, RichText, StreamFieldInterface, enum, list_of, type_of


class HeadingBlock(graphene.ObjectType):
    """A heading inside a page."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    text = graphene.String(required=True, description="The words of the heading.")
    level = graphene.Int(required=True, description="2 to 4; level 1 is the title of the page.")

    @staticmethod
    def resolve_text(block: Block, info: Any) -> str:
        return block.value.get("text") or ""

    @staticmethod
    def resolve_level(block: Block, info: Any) -> int:
        return int(block.value.get("level") or 2)


class ParagraphBlock(graphene.ObjectType):
    """Running text."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    rich_text = graphene.Field(RichText, required=True, description="The text.")

    @staticmethod
    def resolve_rich_text(block: Block, info: Any) -> Any:
        return loader_of(info).rich_text(block.owner, block.value or "")


class ImageBlock(graphene.ObjectType):
    """A picture with an optional caption."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    image = graphene.Field(type_of("documents.Image"), description="The picture; null when it is not public.")
    caption = graphene.String(description="Text under the picture.")

    @staticmethod
    def resolve_image(block: Block, info: Any) -> Any:
        return loader_of(info).image_in(block.owner, block.value.get("image"))

    @staticmethod
    def resolve_caption(block: Block, info: Any) -> str | None:
        return block.value.get("caption") or None


class DocumentBlock(graphene.ObjectType):
    """A file to download."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    document = graphene.Field(type_of("documents.Document"), description="The document; null when it is not public.")

    @staticmethod
    def resolve_document(block: Block, info: Any) -> Any:
        return loader_of(info).document_in(block.owner, block.value)


class PageLinkBlock(graphene.ObjectType):
    """A link to another page of this site."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    page = graphene.Field(get_page_interface, description="The page; null when it is not public.")
    text = graphene.String(
        required=True, description="The words of the link: the editor's, or else the title of the page."
    )

    @staticmethod
    def resolve_page(block: Block, info: Any) -> Any:
        return loader_of(info).page_in(block.owner, block.value.get("page"))

    @staticmethod
    def resolve_text(block: Block, info: Any) -> str:
        page = loader_of(info).base_page_in(block.owner, block.value.get("page"))
        return block.value.get("text") or (page.title if page else "")


class TableBlock(graphene.ObjectType):
    """A table of text."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    caption = graphene.String(description="What the table shows.")
    header = graphene.Field(
        list_of(graphene.String),
        required=True,
        description="The cells of the header row; empty when there is none.",
    )
    rows = graphene.Field(list_of(list_of(graphene.String)), required=True, description="The other rows, cell by cell.")

    @staticmethod
    def _cells(block: Block) -> list[list[str]]:
        return [["" if cell is None else cell for cell in row] for row in (block.value or {}).get("data") or []]

    @staticmethod
    def resolve_caption(block: Block, info: Any) -> str | None:
        return (block.value or {}).get("table_caption") or None

    @staticmethod
    def resolve_header(block: Block, info: Any) -> list[str]:
        has_header = (block.value or {}).get("first_row_is_table_header")
        return (TableBlock._cells(block) or [[]])[0] if has_header else []

    @staticmethod
    def resolve_rows(block: Block, info: Any) -> list[list[str]]:
        return TableBlock._cells(block)[1 if (block.value or {}).get("first_row_is_table_header") else 0 :]


class CalloutBlock(graphene.ObjectType):
    """Text that stands out."""

    class Meta:
        interfaces = (StreamFieldInterface,)

    tone = graphene.Field(enum(CalloutTone), required=True, description="What the text is for.")
    rich_text = graphene.Field(RichText, required=True, description="The text.")

    @staticmethod
    def resolve_tone(block: Block, info: Any) -> str:
        return block.value.get("tone") or CalloutTone.INFORMATION.value

    @staticmethod
    def resolve_rich_text(block: Block, info: Any) -> Any:
        return loader_of(info).rich_text(block.owner, block.value.get("rich_text") or "")


BLOCK_TYPES = (
    HeadingBlock,
    ParagraphBlock,
    ImageBlock,
    DocumentBlock,
    PageLinkBlock,
    TableBlock,
    CalloutBlock,
)


def register() -> None:
    """Put our types in grapple's registry in place of its own, which would show drafts
    (cms/graphql/schema/query.py)."""
    apps.check_apps_ready()
    registry.streamfield_blocks.clear()
    registry.streamfield_blocks.update({getattr(blocks, kind.__name__): kind for kind in BLOCK_TYPES})
