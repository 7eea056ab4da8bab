"""Keeps apart what Wagtail 8.0 shares between threads, so that no request meets the half-done work of another.

- `ContentstateConverter.from_database_format` puts stored rich text into the boxes of forms. Wagtail keeps one HTML
  parser, with the text that it is at, for each rich-text field and block of the process: two forms that are made at the
  same time held parts of each other's text, or failed (wagtail/wagtail#14573). Here each call has a parser of its own.
- `BlockField.clean` checks a StreamField. To save a draft, Wagtail tells the blocks of the whole process that nothing
  is required, and takes that back afterwards: a version that was submitted meanwhile was not checked, and a form that
  was made meanwhile (`BlockWidget._build_block_json`) showed its boxes as optional. Here one thread at a time does
  either.

`tests/test_threads_in_wagtail.py` fails for each of them when Wagtail no longer needs it. Then it can go.
"""

from collections.abc import Callable
from copy import copy
from functools import wraps
from threading import RLock
from typing import Any

from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.admin.rich_text.converters.html_to_contentstate import HtmlToContentStateHandler
from wagtail.blocks.base import BlockField, BlockWidget

wagtails_parsing = ContentstateConverter.from_database_format
wagtails_checking = BlockField.clean
wagtails_describing = BlockWidget._build_block_json
_blocks_are_in_use = RLock()  # who holds it only reads from the database, and so waits for nobody there


def from_database_format(converter: ContentstateConverter, html: str) -> str:
    own = copy(converter)
    own.html_to_contentstate_handler = HtmlToContentStateHandler(converter.features)
    return wagtails_parsing(own, html)


def _one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def alone(*arguments: Any) -> Any:
        with _blocks_are_in_use:
            return function(*arguments)

    return alone


def isolate_threads() -> None:
    ContentstateConverter.from_database_format = from_database_format
    BlockField.clean = _one_at_a_time(wagtails_checking)
    BlockWidget._build_block_json = _one_at_a_time(wagtails_describing)
