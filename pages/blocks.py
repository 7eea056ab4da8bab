"""The StreamField blocks of page bodies: their form fields, their GraphQL fields and their HTML."""

import json
from typing import Any

import graphene
from django.core.exceptions import ValidationError
from graphql import GraphQLResolveInfo
from grapple.types.interfaces import get_page_interface
from wagtail import blocks
from wagtail.contrib.table_block.blocks import TableBlock as WagtailTableBlock
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.images.blocks import ImageChooserBlock
from wagtail.rich_text import RichText

from pages.content.choices import CalloutTone
from pages.content.rich_text import FEATURES, has_text
from pages.graphql import public_fields as public
from pages.graphql.block_types import BlockReader, PublicBlock
from pages.graphql.loading import loader_of


class HeadingBlock(PublicBlock, blocks.StructBlock):
    """A heading inside a page."""

    text = blocks.CharBlock(max_length=200)
    level = blocks.ChoiceBlock(
        choices=[("2", "Heading 2"), ("3", "Heading 3"), ("4", "Heading 4")],
        default="2",
        search_index=False,
        help_text="Go down one level at a time, so that people who use a screen reader do not get lost.",
    )

    class Meta:
        icon = "title"

    html_template = "pages/blocks/heading.html"
    graphql_fields = [
        public.text_in_block("text", required=True, description="The words of the heading."),
        public.public_field(
            "level",
            graphene.Int,
            lambda block, info: int(block.value.get("level") or 2),
            required=True,
            description="2 to 4; level 1 is the title of the page.",
        ),
    ]

    def html_context(self, value: dict[str, Any], reader: BlockReader) -> dict[str, Any]:
        level = str(value.get("level"))
        return {"text": value.get("text") or "", "level": level if level in ("2", "3", "4") else "2"}


class WrittenText(blocks.RichTextBlock):
    """A rich text that must not be empty, except in a draft.

    The editor stores an empty box as an empty paragraph, which Wagtail counts as text.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"features": FEATURES, **kwargs})

    def clean(self, value: RichText) -> RichText:
        if not self.is_deferred_validation and not has_text(value.source):
            raise ValidationError(f"{self.label} is empty. Write something, or delete the block.")
        return super().clean(value)


class ParagraphBlock(PublicBlock, WrittenText):
    """Running text."""

    class Meta:
        icon = "pilcrow"

    html_template = "pages/blocks/paragraph.html"
    graphql_fields = [
        public.public_field(
            "rich_text",
            public.RichText,
            lambda block, info: loader_of(info).rich_text(block.owner, block.value or ""),
            required=True,
            description="The text.",
        )
    ]

    def html_context(self, value: str | None, reader: BlockReader) -> dict[str, Any]:
        return {"html": reader.rich_text(value)}


class ImageBlock(PublicBlock, blocks.StructBlock):
    """A picture with an optional caption."""

    image = ImageChooserBlock()
    caption = blocks.CharBlock(required=False, max_length=300)

    class Meta:
        icon = "image"

    html_template = "pages/blocks/image.html"
    graphql_fields = [
        public.public_field(
            "image",
            public.type_of("documents.Image"),
            lambda block, info: loader_of(info).image_in(block.owner, block.value.get("image")),
            description="The picture; null when it is not public.",
        ),
        public.text_in_block("caption", description="Text under the picture."),
    ]

    def html_context(self, value: dict[str, Any], reader: BlockReader) -> dict[str, Any]:
        return {"picture": reader.picture(value.get("image")), "caption": value.get("caption")}


class DocumentBlock(PublicBlock, DocumentChooserBlock):
    """A file to download."""

    class Meta:
        icon = "doc-full"

    html_template = "pages/blocks/document.html"
    graphql_fields = [
        public.public_field(
            "document",
            public.type_of("documents.Document"),
            lambda block, info: loader_of(info).document_in(block.owner, block.value),
            description="The document; null when it is not public.",
        )
    ]

    def html_context(self, value: int | None, reader: BlockReader) -> dict[str, Any]:
        return {"file": reader.file(value)}


def _text_of_link(block: public.Block, info: GraphQLResolveInfo) -> str:
    page = loader_of(info).base_page_in(block.owner, block.value.get("page"))
    return block.value.get("text") or (page.title if page else "")


class PageLinkBlock(PublicBlock, blocks.StructBlock):
    """A link to another page of this site."""

    page = blocks.PageChooserBlock(page_type="pages.ContentPage")
    text = blocks.CharBlock(required=False, max_length=200, help_text="Leave empty to show the title of the page.")

    class Meta:
        icon = "link"
        label = "Link to a page"

    html_template = "pages/blocks/page_link.html"
    graphql_fields = [
        public.public_field(
            "page",
            get_page_interface,
            lambda block, info: loader_of(info).page_in(block.owner, block.value.get("page")),
            description="The page; null when it is not public.",
        ),
        public.public_field(
            "text",
            graphene.String,
            _text_of_link,
            required=True,
            description="The words of the link: the editor's, or else the title of the page.",
        ),
    ]

    def html_context(self, value: dict[str, Any], reader: BlockReader) -> dict[str, Any]:
        link = reader.link(value.get("page"))
        return {"link": link, "text": value.get("text") or (link.title if link else "")}


TABLE_KEYS = {
    "data", "first_row_is_table_header", "first_col_is_header", "table_header_choice", "table_caption",
    "cell", "mergeCells",
}  # fmt: skip
# The CSS classes of cells that the table editor sets for alignment. Others could hide a text from the approver.
CELL_CLASSES = {"htLeft", "htCenter", "htRight", "htJustify", "htTop", "htMiddle", "htBottom"}
MAX_CELLS = 5000
HEADER_CHOICES = ("row", "column", "both", "neither", "")


def _cells(value: dict[str, Any] | None) -> list[list[str]]:
    return [["" if cell is None else cell for cell in row] for row in (value or {}).get("data") or []]


def _header(value: dict[str, Any] | None) -> list[str]:
    """The cells of the header row, or an empty list."""
    return (_cells(value) or [[]])[0] if (value or {}).get("first_row_is_table_header") else []


def _rows(value: dict[str, Any] | None) -> list[list[str]]:
    """All rows but the header row."""
    return _cells(value)[1 if (value or {}).get("first_row_is_table_header") else 0 :]


class TableBlock(PublicBlock, WagtailTableBlock):
    """A table of text.

    It accepts only what the table editor displays, so that an approver sees every cell.
    """

    html_template = "pages/blocks/table.html"
    graphql_fields = [
        public.public_field(
            "caption",
            graphene.String,
            lambda block, info: (block.value or {}).get("table_caption") or None,
            description="What the table shows.",
        ),
        public.public_field(
            "header",
            public.list_of(graphene.String),
            lambda block, info: _header(block.value),
            required=True,
            description="The cells of the header row; empty when there is none.",
        ),
        public.public_field(
            "rows",
            public.list_of(public.list_of(graphene.String)),
            lambda block, info: _rows(block.value),
            required=True,
            description="The other rows, cell by cell.",
        ),
    ]

    def html_context(self, value: dict[str, Any] | None, reader: BlockReader) -> dict[str, Any]:
        value = value or {}
        return {
            "caption": value.get("table_caption") or "",
            "header": _header(value),
            "rows": _rows(value),
            "first_column_is_header": bool(value.get("first_col_is_header")),
        }

    def value_from_form(self, value: str) -> dict[str, Any] | None:
        try:
            submitted = json.loads(value)
        except ValueError:
            return {"data": []}  # which `clean` rejects
        if not isinstance(submitted, dict | None):
            return {"data": []}
        return submitted and {name: part for name, part in submitted.items() if name in TABLE_KEYS}

    def clean(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value and not _is_plain_table(value):
            raise ValidationError(
                "Every row must have the same number of cells, every cell must be visible, and cells may hold only "
                "text. Delete this table and create a new one."
            )
        return super().clean(value)

    def get_searchable_content(self, value: dict[str, Any] | None) -> list[str]:
        caption = (value or {}).get("table_caption")
        return [*([caption] if caption else []), *super().get_searchable_content(value)]

    class Meta:
        icon = "table"


def _is_plain_table(value: dict[str, Any]) -> bool:
    rows = value.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return False
    cells = [cell for row in rows for cell in row]
    return (
        len({len(row) for row in rows}) == 1
        and 0 < len(cells) <= MAX_CELLS
        and all(isinstance(cell, str | int | None) for cell in cells)
        and isinstance(value.get("table_caption"), str | None)
        and value.get("table_header_choice") in (*HEADER_CHOICES, None)
        and not value.get("mergeCells")
        and isinstance(value.get("cell"), list | None)
        and all(_is_shown(cell) for cell in value.get("cell") or ())
    )


def _is_shown(cell: object) -> bool:
    if not isinstance(cell, dict) or cell.get("hidden"):
        return False
    classes = cell.get("className")
    return isinstance(classes, str | None) and set((classes or "").split()) <= CELL_CLASSES


class CalloutBlock(PublicBlock, blocks.StructBlock):
    """Text that stands out."""

    tone = blocks.ChoiceBlock(choices=CalloutTone.choices, default=CalloutTone.INFORMATION, search_index=False)
    rich_text = WrittenText(label="Text of the callout")

    class Meta:
        icon = "help"

    html_template = "pages/blocks/callout.html"
    graphql_fields = [
        public.public_field(
            "tone",
            public.enum(CalloutTone),
            lambda block, info: block.value.get("tone") or CalloutTone.INFORMATION.value,
            required=True,
            description="What the text is for.",
        ),
        public.public_field(
            "rich_text",
            public.RichText,
            lambda block, info: loader_of(info).rich_text(block.owner, block.value.get("rich_text") or ""),
            required=True,
            description="The text.",
        ),
    ]

    def html_context(self, value: dict[str, Any], reader: BlockReader) -> dict[str, Any]:
        return {"tone": value.get("tone"), "html": reader.rich_text(value.get("rich_text"))}


class BodyBlock(blocks.StreamBlock):
    """The body of a page: up to 200 blocks, in any order."""

    heading = HeadingBlock()
    paragraph = ParagraphBlock()
    image = ImageBlock()
    document = DocumentBlock()
    page_link = PageLinkBlock()
    table = TableBlock()
    callout = CalloutBlock()

    class Meta:
        required = False
        max_num = 200
