"""Room for reading a query (cms/graphql/http/stack.py). tests/test_graphql_hostile.py measures what it is for."""

import pytest

from cms.graphql.http.stack import FRAME_SIZE, call_with_large_frame, enlarge_frame


def test_work_is_done_in_a_large_frame():
    assert call_with_large_frame.__code__.co_stacksize == FRAME_SIZE
    assert call_with_large_frame(lambda: 3) == 3
    with pytest.raises(LookupError):
        call_with_large_frame(lambda: {}["missing"])


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
    assert enlarge_frame(function) is function
    assert function() == 3
    assert caplog.messages == [
        f"The interpreter does not allow larger frames ({error}): some deeply nested queries are parsed slowly."
    ]
