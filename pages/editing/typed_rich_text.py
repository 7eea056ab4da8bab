"""What is stored of rich text that was typed: what the form gives back when nobody touches it.

The editor's box drops white space at the ends of a paragraph when it opens stored text. Stored as it was typed, a
colleague's form that nobody touched would bring another text, and make the colleague its author.
"""

from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter

wagtails = ContentstateConverter.to_database_format


def to_database_format(converter: ContentstateConverter, contentstate: str) -> str:
    typed = wagtails(converter, contentstate)
    given_back: str = wagtails(converter, converter.from_database_format(typed))
    return given_back


def install() -> None:
    """Applies to each box for rich text, in fields, rows and blocks."""
    ContentstateConverter.to_database_format = to_database_format
