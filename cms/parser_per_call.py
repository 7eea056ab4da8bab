"""Gives each call a parser of its own where Wagtail shares one between threads.

What: `ContentstateConverter.from_database_format`, which puts stored rich text into the boxes of forms.
Why: Wagtail keeps one HTML parser, with the text that it is at, for each rich-text field and block of the process. Two
forms that are made at the same time hold parts of each other's text, or fail (wagtail/wagtail#14573).
Until when: `tests/test_parser_per_call.py` fails when Wagtail no longer needs this. Then the module can go.
"""

from copy import copy

from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.admin.rich_text.converters.html_to_contentstate import HtmlToContentStateHandler

wagtails_own = ContentstateConverter.from_database_format


def from_database_format(converter: ContentstateConverter, html: str) -> str:
    own = copy(converter)
    own.html_to_contentstate_handler = HtmlToContentStateHandler(converter.features)
    return wagtails_own(own, html)


def connect() -> None:
    ContentstateConverter.from_database_format = from_database_format
