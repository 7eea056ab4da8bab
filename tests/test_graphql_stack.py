"""Room for reading a query (cms/graphql/http/stack.py). tests/test_graphql_hostile.py measures what it is for."""

import pytest

from cms.graphql.http.stack import ROOM, with_a_large_frame, with_room


def test_work_is_done_in_a_large_frame():
    assert with_room.__code__.co_stacksize == ROOM
    assert with_room(lambda: 3) == 3
    with pytest.raises(LookupError):
        with_room(lambda: {}["missing"])


class Refuses:
    def __init__(self, error):
        self.error = error

    def replace(self, **kwargs):
        raise self.error


@pytest.mark.parametrize("error", [TypeError("no such argument"), ValueError("too large"), OverflowError("too large")])
def test_an_interpreter_that_does_not_allow_it_does_without(error, caplog):
    class OfAnotherInterpreter:
        __code__ = Refuses(error)

        def __call__(self):
            return 3

    function = OfAnotherInterpreter()
    assert with_a_large_frame(function) is function
    assert function() == 3
    assert caplog.messages == [
        f"Frames are as small as the interpreter makes them ({error}): some queries are read slowly."
    ]
