"""Room on the interpreter's stack for reading a query, so that no depth of a query makes reading it slow.

CPython keeps its frames in blocks that it takes from the system one by one. Where a block happens to end below a
function that is called for each character of a query, each call takes a block and gives it back: sixty times the time,
at a depth that the query chooses. tests/test_graphql_hostile.py (`test_no_depth_makes_reading_dear`) measures it at
each depth.
"""

import logging
from collections.abc import Callable
from types import FunctionType
from typing import TypeVar

Answer = TypeVar("Answer")
# Of a frame, in values of 8 bytes. A frame that fits into no block begins a block of its own, which is as large again.
ROOM = 33_000

logger = logging.getLogger(__name__)


def with_a_large_frame(function: FunctionType) -> FunctionType:
    """The function, with a frame of that size where the interpreter allows it: else as it is, and the log says so."""
    try:
        function.__code__ = function.__code__.replace(co_stacksize=ROOM)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        logger.warning("Frames are as small as the interpreter makes them (%s): some queries are read slowly.", error)
    return function


def with_room(work: Callable[[], Answer]) -> Answer:
    """What `work` returns, done where there is room for all frames that it may need."""
    return work()


with_a_large_frame(with_room)  # type: ignore[arg-type]
