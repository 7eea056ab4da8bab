"""Executes a GraphQL query within its time, and notes on the way whether its answer may be stored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection
from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    NullValueNode,
    VariableNode,
    execute,
)
from graphql.pyutils import Path

from cms.graphql.context import GraphQLContext
from cms.graphql.errors import EMPTY, Code, RequestRefusedError
from cms.graphql.schema.query import schema

# How often SQLite looks at the clock: after this many steps of its virtual machine, about 0.1 ms.
SQLITE_STEPS = 10_000
# By how much of its time an answer on PostgreSQL may be late. With less, the server would be told more often.
TOLERANCE = 0.05
# Fields of introspection in one answer. GraphiQL and code generators need 10,837.
MAX_INTROSPECTION = 13_000


class _LimitExceededError(BaseException):
    """Ends the execution. Not an `Exception`, which graphql-core would take for an error of one field."""


class _TimeLimitError(_LimitExceededError):
    pass


class _IntrospectionLimitError(_LimitExceededError):
    pass


def deadline() -> float:
    """When an answer that is begun now must be done."""
    # Monotonic, so that setting the clock changes nothing.
    return monotonic() + settings.GRAPHQL_TIME_BUDGET


@dataclass
class _Request(GraphQLContext):
    """The context of one request from outside: when it must be done, and what it asked for."""

    deadline: float = field(default_factory=deadline)
    asked_for_draft: bool = False
    introspected: int = 0  # fields

    def __post_init__(self) -> None:
        self.public = self.loader

    def is_late(self) -> bool:
        return monotonic() > self.deadline


class _Execution(ExecutionContext):
    context_value: _Request

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> Any:
        if parent_type.name[:2] == "__":
            # The schema alone decides how many these are, so a query is always answered or never.
            self.context_value.introspected += 1
            if self.context_value.introspected > MAX_INTROSPECTION:
                raise _IntrospectionLimitError
            return super().execute_field(parent_type, source, field_nodes, path)
        if self.context_value.is_late():
            raise _TimeLimitError
        if path.prev is None:  # each root field is finished before the next: a draft shows in its own field alone
            self.context_value.loader = self.context_value.public
        if any(argument.name.value == "token" and self._is_given(argument) for argument in field_nodes[0].arguments):
            self.context_value.asked_for_draft = True
        return super().execute_field(parent_type, source, field_nodes, path)

    def _is_given(self, argument: Any) -> bool:
        """A query may have the argument for a token and be sent without one."""
        value = argument.value
        if isinstance(value, VariableNode):
            return self.variable_values.get(value.name.value) is not None
        return not isinstance(value, NullValueNode)


def executed(
    document: DocumentNode, variables: dict[str, Any] | None, operation_name: str | None, until: float
) -> tuple[ExecutionResult, bool]:
    """The result of a valid query, and whether caches may store it.

    Raises `RequestRefusedError`, also when the time is up.
    """
    request = _Request.now()
    request.deadline = until
    try:
        with _database_gives_up_when(request):
            result = execute(
                schema.graphql_schema,
                document,
                context_value=request,
                variable_values=variables,
                operation_name=operation_name,
                execution_context_class=_Execution,
            )
    except _TimeLimitError:
        raise _late() from None
    except _IntrospectionLimitError:
        raise RequestRefusedError.because(
            f"The query has more than {MAX_INTROSPECTION} fields of introspection in its answer. Ask for less of the "
            "schema.",
            Code.COST_TOO_HIGH,
            limit=MAX_INTROSPECTION,
        ) from None
    assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
    if result.errors and request.is_late():
        raise _late()  # one of the errors is the database's, which gave up
    if result.errors and request.asked_for_draft:
        result.errors = [_of_draft(error) for error in result.errors]
    # A preview is for one person.
    may_be_stored = not (result.errors or request.asked_for_draft or request.public.saw_a_notice)
    return result, may_be_stored


def _of_draft(error: GraphQLError) -> GraphQLError:
    """A draft may lack what a published page must have: that is nobody's fault, and its writer is told where."""
    if error.original_error is None or not str(error.original_error).startswith(EMPTY):
        return error
    extensions = {"code": Code.DRAFT_INCOMPLETE}
    message = "The draft has no value here yet, and a published page must have one."
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def _late() -> RequestRefusedError:
    seconds = f"{settings.GRAPHQL_TIME_BUDGET:g} seconds"
    return RequestRefusedError.because(f"The answer took longer than {seconds}. Ask for less at once.", Code.TIMEOUT)


@contextmanager
def _database_gives_up_when(request: _Request) -> Iterator[None]:
    """End a statement that takes too long. What the database then raises reaches a resolver as any error does."""
    if connection.vendor == "postgresql":
        timeout = _Timeout(request)
        try:
            with connection.execute_wrapper(timeout):
                yield
        finally:
            timeout.end()
    else:
        connection.ensure_connection()
        sqlite = connection.connection
        sqlite.set_progress_handler(request.is_late, SQLITE_STEPS)
        try:
            yield
        finally:
            sqlite.set_progress_handler(None, 0)


class _Timeout:
    """Tells PostgreSQL how long a statement may run: until the answer must be done.

    Django calls it for each statement. https://docs.djangoproject.com/en/stable/topics/db/instrumentation/
    """

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.told: float | None = None  # seconds

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):  # after an error, PostgreSQL takes nothing else
            return execute(sql, params, many, context)
        left = self.request.deadline - monotonic()
        if left <= 0:
            raise _TimeLimitError
        if self.told is None or self.told - left > TOLERANCE * settings.GRAPHQL_TIME_BUDGET:
            self.told = left
            with connection.cursor() as cursor:
                milliseconds = str(max(1, int(left * 1000)))  # 0 would be no limit
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", [milliseconds])
        return execute(sql, params, many, context)

    def end(self) -> None:
        """What an operator has set for the connection holds again."""
        if self.told is not None:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
