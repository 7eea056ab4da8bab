"""Makes two parts of Wagtail 8.0 thread-safe that share state between requests.

- `ContentstateConverter.from_database_format` converts stored rich text for a form. Wagtail keeps one HTML parser, with
  its state, for each rich-text field and block of the process. Two forms that were rendered at the same time got parts
  of each other's text, or failed (wagtail/wagtail#14573). Here each call has its own parser.
- `BlockField.clean` validates a StreamField. To save a draft, Wagtail makes all blocks of the process optional and
  undoes that afterwards. A version that was submitted meanwhile was not validated, and a form that was rendered
  meanwhile (`BlockWidget._build_block_json`) showed its fields as optional. Here a lock lets one thread at a time do
  either.

`tests/test_threads_in_wagtail.py` fails as soon as Wagtail no longer needs one of them. Then it can be removed.
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
_blocks_lock = RLock()  # its holder only reads from the database, so it cannot deadlock with a database lock


def from_database_format(converter: ContentstateConverter, html: str) -> str:
    own = copy(converter)
    own.html_to_contentstate_handler = HtmlToContentStateHandler(converter.features)
    return wagtails_parsing(own, html)


def _one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def locked(*arguments: object) -> Any:
        with _blocks_lock:
            return function(*arguments)

    return locked


def isolate_threads() -> None:
    ContentstateConverter.from_database_format = from_database_format
    BlockField.clean = _one_at_a_time(wagtails_checking)
    BlockWidget._build_block_json = _one_at_a_time(wagtails_describing)
