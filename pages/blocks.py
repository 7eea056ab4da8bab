"""The blocks that the body of a page is made of. Each is a GraphQL type of the same name
(pages/graphql/block_types.py)."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from wagtail import blocks
from wagtail.contrib.table_block.blocks import TableBlock as WagtailTableBlock
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.images.blocks import ImageChooserBlock

from pages.content.choices import CalloutTone
from pages.content.rich_text import FEATURES, has_text


class HeadingBlock(blocks.StructBlock):
    text = blocks.CharBlock(max_length=200)
    level = blocks.ChoiceBlock(
        choices=[("2", "Heading 2"), ("3", "Heading 3"), ("4", "Heading 4")],
        default="2",
        search_index=False,
        help_text="Go down one level at a time, so that people who use a screen reader do not get lost.",
    )

    class Meta:
        icon = "title"


class WrittenText(blocks.RichTextBlock):
    """Rich text with something in it. The editor stores an empty box as an empty paragraph, which Wagtail takes for
    text. A draft may be empty."""

    def __init__(self, **kwargs):
        super().__init__(**{"features": FEATURES, **kwargs})

    def clean(self, value):
        if not self.is_deferred_validation and not has_text(value.source):
            raise ValidationError(f"{self.label} is empty. Write something, or delete the block.")
        return super().clean(value)


class ParagraphBlock(WrittenText):
    class Meta:
        icon = "pilcrow"


class ImageBlock(blocks.StructBlock):
    image = ImageChooserBlock()
    caption = blocks.CharBlock(required=False, max_length=300)

    class Meta:
        icon = "image"


class DocumentBlock(DocumentChooserBlock):
    class Meta:
        icon = "doc-full"


class PageLinkBlock(blocks.StructBlock):
    page = blocks.PageChooserBlock(page_type="pages.ContentPage")
    text = blocks.CharBlock(required=False, max_length=200, help_text="Leave empty to show the title of the page.")

    class Meta:
        icon = "link"
        label = "Link to a page"


PARTS_OF_A_TABLE = {
    "data", "first_row_is_table_header", "first_col_is_header", "table_header_choice", "table_caption",
    "cell", "mergeCells",
}  # fmt: skip
# Of cells, by the editor's box: where the text stands. Others could hide it from whoever approves it.
CLASSES = {"htLeft", "htCenter", "htRight", "htJustify", "htTop", "htMiddle", "htBottom"}
MOST_CELLS = 5000  # of one table
HEADERS = ("row", "column", "both", "neither", "")


class TableBlock(WagtailTableBlock):
    """A table of text. Only what the editor's box shows is taken: whoever approves it sees every cell there."""

    def value_from_form(self, value):
        try:
            sent = json.loads(value)
        except ValueError:
            return {"data": []}  # for `clean` to refuse
        if not isinstance(sent, dict | None):
            return {"data": []}
        return sent and {name: part for name, part in sent.items() if name in PARTS_OF_A_TABLE}

    def clean(self, value):
        if value and not _is_a_table(value):
            raise ValidationError(
                "This is no table of text in which all rows are equally long and all cells are shown. "
                "Remove it, and make it anew."
            )
        return super().clean(value)

    def get_searchable_content(self, value):
        caption = (value or {}).get("table_caption")
        return [*([caption] if caption else []), *super().get_searchable_content(value)]

    class Meta:
        icon = "table"


def _is_a_table(value: dict[str, Any]) -> bool:
    rows = value.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return False
    cells = [cell for row in rows for cell in row]
    return (
        len({len(row) for row in rows}) == 1
        and 0 < len(cells) <= MOST_CELLS
        and all(isinstance(cell, str | int | None) for cell in cells)
        and isinstance(value.get("table_caption"), str | None)
        and value.get("table_header_choice") in (*HEADERS, None)
        and not value.get("mergeCells")
        and isinstance(value.get("cell"), list | None)
        and all(_is_shown(cell) for cell in value.get("cell") or ())
    )


def _is_shown(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("hidden"):
        return False
    classes = cell.get("className")
    return isinstance(classes, str | None) and set((classes or "").split()) <= CLASSES


class CalloutBlock(blocks.StructBlock):
    tone = blocks.ChoiceBlock(choices=CalloutTone.choices, default=CalloutTone.INFORMATION, search_index=False)
    rich_text = WrittenText(label="Text of the callout")

    class Meta:
        icon = "help"


class BodyBlock(blocks.StreamBlock):
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
