"""Executes a GraphQL query within its time limit, and finds out whether caches may store its answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection
from graphql import (
    ArgumentNode,
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
from cms.graphql.errors import MISSING_VALUE_PREFIX, Code, RequestRefusedError
from cms.graphql.limits.cost import LOOKUP_COST
from cms.graphql.schema.query import schema

# SQLite checks the time after this many steps of its virtual machine, which take about 0.1 ms.
SQLITE_STEPS = 10_000
# The share of the time limit by which an answer on PostgreSQL may be late. With a smaller share, the timeout would have
# to be set more often.
TOLERANCE = 0.05
# Statements that no answer costs: the time limit below, which PostgreSQL is told, and the types of pages, which Django
# reads once in each process.
NOT_COUNTED = ("SELECT set_config(", 'SELECT "django_content_type".')
# Fields of introspection in one answer. GraphiQL and code generators need 11,928.
MAX_INTROSPECTION = 16_000


class _LimitExceededError(BaseException):
    """Ends the execution. It is not an `Exception`, which graphql-core would treat as an error of one field."""


class _TimeLimitError(_LimitExceededError):
    pass


class _IntrospectionLimitError(_LimitExceededError):
    pass


class _LookupLimitError(_LimitExceededError):
    pass


def deadline() -> float:
    """The monotonic time, in seconds, by which an answer that begins now must be complete."""
    return monotonic() + settings.GRAPHQL_TIME_BUDGET


@dataclass
class _RequestContext(GraphQLContext):
    """The context of one HTTP request, with its deadline and what it has queried so far."""

    deadline: float = field(default_factory=deadline)
    has_token: bool = False
    introspection_fields: int = 0
    fields: int = 0  # of the answer so far, introspection apart
    statements: int = 0  # of the database

    def __post_init__(self) -> None:
        self.public_loader = self.loader

    def count_statement(
        self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: dict[str, Any]
    ) -> Any:
        """Django calls this wrapper for each statement."""
        if not sql.startswith(NOT_COUNTED):
            self.statements += 1
        if self.statements * LOOKUP_COST > settings.GRAPHQL_MAX_COST:
            raise _LookupLimitError
        return execute(sql, params, many, context)

    def is_late(self) -> bool:
        return monotonic() > self.deadline


class _LimitedExecution(ExecutionContext):
    """Ends the execution at the limits, and shows drafts only in the root fields that have a token."""

    context_value: _RequestContext

    def execute_field(
        self, parent_type: GraphQLObjectType, source: object, field_nodes: list[FieldNode], path: Path
    ) -> Any:
        if parent_type.name[:2] == "__":
            # This is not timed: whether a query is answered depends only on the schema.
            self.context_value.introspection_fields += 1
            if self.context_value.introspection_fields > MAX_INTROSPECTION:
                raise _IntrospectionLimitError
            return super().execute_field(parent_type, source, field_nodes, path)
        if self.context_value.is_late():
            raise _TimeLimitError
        self.context_value.fields += 1
        if path.prev is None:  # root fields run one after the other: a draft shows only in its own
            self.context_value.loader = self.context_value.public_loader
        if any(argument.name.value == "token" and self._is_given(argument) for argument in field_nodes[0].arguments):
            self.context_value.has_token = True
        return super().execute_field(parent_type, source, field_nodes, path)

    def _is_given(self, argument: ArgumentNode) -> bool:
        """Whether an argument has a value: it may be a variable without one."""
        value = argument.value
        if isinstance(value, VariableNode):
            return self.variable_values.get(value.name.value) is not None
        return not isinstance(value, NullValueNode)


@dataclass(frozen=True)
class Executed:
    """The result of a query with its warnings, whether caches may store it, and what it cost.

    `cost` is None if only the estimate is known.
    """

    result: ExecutionResult
    warnings: list[dict[str, Any]]
    may_be_stored: bool
    cost: int | None


def execute_query(
    document: DocumentNode, variables: dict[str, Any] | None, operation_name: str | None, deadline: float
) -> Executed:
    """Execute a valid query.

    Raises `RequestRefusedError` if the query exceeds its time, its cost or the limit of introspection.
    """
    context = _RequestContext.now()
    context.deadline = deadline
    try:
        with _statement_timeout(context), connection.execute_wrapper(context.count_statement):
            result = execute(
                schema.graphql_schema,
                document,
                context_value=context,
                variable_values=variables,
                operation_name=operation_name,
                execution_context_class=_LimitedExecution,
            )
    except _TimeLimitError:
        raise _timeout_error() from None
    except _LookupLimitError:
        limit = settings.GRAPHQL_MAX_COST
        raise RequestRefusedError.because(
            f"The answer needs so many lookups that it costs more than {limit}. Ask for fewer types of pages in one "
            "list, or for less at once.",
            Code.COST_TOO_HIGH,
            limit=limit,
        ) from None
    except _IntrospectionLimitError:
        raise RequestRefusedError.because(
            f"The query has more than {MAX_INTROSPECTION} fields of introspection in its answer. Ask for less of the "
            "schema.",
            Code.COST_TOO_HIGH,
            limit=MAX_INTROSPECTION,
        ) from None
    assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
    if result.errors and context.is_late():
        raise _timeout_error()  # one of the errors is the database's, which ended a statement
    if result.errors and context.has_token:
        result.errors = [_draft_error(error) for error in result.errors]
    # A preview is for one person.
    may_be_stored = not (result.errors or context.has_token or context.public_loader.saw_a_notice)
    cost = None if context.introspection_fields else context.fields + LOOKUP_COST * context.statements
    return Executed(result, context.warnings, may_be_stored, cost)


def _draft_error(error: GraphQLError) -> GraphQLError:
    """The error for a preview. A draft may lack a value that a published page must have: this is not a fault."""
    if error.original_error is None or not str(error.original_error).startswith(MISSING_VALUE_PREFIX):
        return error
    extensions = {"code": Code.DRAFT_INCOMPLETE}
    message = "The draft has no value here yet, and a published page must have one."
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def _timeout_error() -> RequestRefusedError:
    seconds = f"{settings.GRAPHQL_TIME_BUDGET:g} seconds"
    return RequestRefusedError.because(f"The answer took longer than {seconds}. Ask for less at once.", Code.TIMEOUT)


@contextmanager
def _statement_timeout(context: _RequestContext) -> Iterator[None]:
    """Ends database statements at the deadline. Resolvers get the error that the database raises."""
    if connection.vendor == "postgresql":
        timeout = _PostgreSQLTimeout(context)
        try:
            with connection.execute_wrapper(timeout):
                yield
        finally:
            timeout.reset()
    else:
        connection.ensure_connection()
        sqlite = connection.connection
        sqlite.set_progress_handler(context.is_late, SQLITE_STEPS)
        try:
            yield
        finally:
            sqlite.set_progress_handler(None, 0)


class _PostgreSQLTimeout:
    """Sets PostgreSQL's `statement_timeout` to the time that is left until the deadline.

    Django calls this wrapper for each statement. https://docs.djangoproject.com/en/stable/topics/db/instrumentation/
    """

    def __init__(self, context: _RequestContext) -> None:
        self.context = context
        self.timeout: float | None = None  # the one that is set, in seconds

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: dict[str, Any]
    ) -> Any:
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):  # after an error, PostgreSQL accepts nothing else
            return execute(sql, params, many, context)
        left = self.context.deadline - monotonic()
        if left <= 0:
            raise _TimeLimitError
        if self.timeout is None or self.timeout - left > TOLERANCE * settings.GRAPHQL_TIME_BUDGET:
            self.timeout = left
            with connection.cursor() as cursor:
                milliseconds = str(max(1, int(left * 1000)))  # 0 would be no limit
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", [milliseconds])
        return execute(sql, params, many, context)

    def reset(self) -> None:
        """Restore the timeout that an operator has set for the connection."""
        if self.timeout is not None:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
