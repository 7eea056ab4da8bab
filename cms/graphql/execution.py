"""Executes a GraphQL query within its time, and notes on the way whether its answer may be stored."""

from typing import Any

from graphql import (
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    NullValueNode,
    VariableNode,
    execute,
)
from graphql.pyutils import Path

from cms.graphql.errors import Code, Refused
from cms.graphql.loaders import Context
from cms.graphql.schema import schema
from cms.graphql.time_budget import Deadline, TimeIsUp

# A takedown of one of these must not wait until a cache forgets it.
NEVER_STORED = {"DeathReviewNoticePage"}


class _Execution(ExecutionContext):
    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> Any:
        if self.context_value.deadline.has_passed():
            raise TimeIsUp
        if any(argument.name.value == "token" for argument in field_nodes[0].arguments):
            self._note_token(field_nodes[0])
        return super().execute_field(parent_type, source, field_nodes, path)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> Any:
        if return_type.name in NEVER_STORED:
            self.context_value.may_be_stored = False
        return super().complete_object_value(return_type, field_nodes, info, path, result)

    def _note_token(self, node: FieldNode) -> None:
        """A preview is for one person. A query may have the argument for it and be sent without."""
        for argument in node.arguments:
            value = argument.value
            given = (
                self.variable_values.get(value.name.value) is not None
                if isinstance(value, VariableNode)
                else not isinstance(value, NullValueNode)
            )
            if argument.name.value == "token" and given:
                self.context_value.may_be_stored = False


def executed(document: Any, variables: dict[str, Any] | None, operation_name: str | None) -> tuple[Any, Context]:
    """The result of a valid query, and the context it ran in. Raises `Refused` when the time is up."""
    context = Context.now()
    deadline = context.deadline
    try:
        with deadline.for_the_database():
            result = execute(
                schema.graphql_schema,
                document,
                context_value=context,
                variable_values=variables,
                operation_name=operation_name,
                execution_context_class=_Execution,
            )
    except TimeIsUp:
        raise _late(deadline) from None
    assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
    if result.errors and deadline.has_passed():
        raise _late(deadline)  # one of the errors is the database's, which gave up
    return result, context


def _late(deadline: Deadline) -> Refused:
    return Refused.because(
        f"The answer took longer than {deadline.seconds:g} seconds. Ask for less at once.", Code.TIMEOUT
    )
