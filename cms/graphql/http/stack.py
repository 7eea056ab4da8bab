"""Keeps the parsing of deeply nested queries fast, whatever their depth.

CPython allocates its frames in chunks of memory. If a chunk happens to end just below a function that is called for
each character of a query, every call allocates a chunk and frees it again. This takes sixty times as long, at a depth
that the sender of the query chooses. tests/test_graphql_hostile.py (`test_no_depth_makes_reading_dear`) measures each
depth.
"""

import logging
from collections.abc import Callable
from types import FunctionType
from typing import TypeVar

Result = TypeVar("Result")
# In values of 8 bytes. A frame that does not fit into a chunk gets a new chunk of twice its size, so the frames of the
# calls inside have as much room.
FRAME_SIZE = 33_000

logger = logging.getLogger(__name__)


def enlarge_frame(function: FunctionType) -> FunctionType:
    """Gives the function a frame of `FRAME_SIZE`. If the interpreter does not allow it, logs a warning instead."""
    try:
        function.__code__ = function.__code__.replace(co_stacksize=FRAME_SIZE)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        logger.warning(
            "The interpreter does not allow larger frames (%s): some deeply nested queries are parsed slowly.", error
        )
    return function


def call_with_large_frame(function: Callable[[], Result]) -> Result:
    """The result of `function`, which runs with enough room for its frames."""
    return function()


enlarge_frame(call_with_large_frame)  # type: ignore[arg-type]
