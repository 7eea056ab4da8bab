"""What a query may cost: how many fields its largest possible answer has, worked out before it is executed.

A connection counts as the number of items that was asked for, any other list as `LIST_SIZE`. Of an interface, the
dearest type counts. Nothing is counted twice: the cost below a fragment is worked out once for each type.
"""

from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    value_from_ast,
)
from graphql.execution.collect_fields import should_include_node
from graphql.execution.execute import get_field_def

from cms.graphql.connections import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

LIST_SIZE = 5
# Introspection tells of types what is always the same. A rule of graphql-core bounds how often its lists may nest.
INTROSPECTION_LIST_SIZE = 4
MAX_TOLD = 2**31 - 1  # larger costs are told as this


def cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: dict[str, Any],
) -> int:
    """The cost of a valid operation with these variables, which have been coerced."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    return min(_Counting(schema, fragments, variables).below(operation.selection_set, root, LIST_SIZE), MAX_TOLD)


class _Counting:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: dict[str, Any]
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self.known: dict[tuple[int, str, int], int] = {}

    def below(self, selection_set: SelectionSetNode, kind: GraphQLNamedType, size: int) -> int:
        """The cost of these fields of one object; `size` is how many items its lists have."""
        if is_abstract_type(kind):
            possible = self.schema.get_possible_types(kind)  # type: ignore[arg-type]
            return max(self._of(selection_set, each, size) for each in possible)
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - the query was validated
        return self._of(selection_set, kind, size)

    def _of(self, selection_set: SelectionSetNode, kind: GraphQLObjectType, size: int) -> int:
        key = (id(selection_set), kind.name, size)
        if key not in self.known:
            self.known[key] = sum(
                self._one(selection, kind, size)
                for selection in selection_set.selections
                if _is_included(self.variables, selection)
            )
        return self.known[key]

    def _one(self, selection: SelectionNode, kind: GraphQLObjectType, size: int) -> int:
        if isinstance(selection, FieldNode):
            return self._field(selection, kind, size)
        inside: Any = selection
        if isinstance(selection, FragmentSpreadNode):
            inside = self.fragments[selection.name.value]
        assert isinstance(inside, InlineFragmentNode | FragmentDefinitionNode)  # noqa: S101 - there is nothing else
        condition = inside.type_condition
        wanted = self.schema.get_type(condition.name.value) if condition else kind
        if wanted is not kind and not (
            is_abstract_type(wanted) and self.schema.is_sub_type(wanted, kind)  # type: ignore[arg-type]
        ):
            return 0
        return self._of(inside.selection_set, kind, size)

    def _field(self, node: FieldNode, kind: GraphQLObjectType, size: int) -> int:
        field = get_field_def(self.schema, kind, node)
        assert field is not None  # noqa: S101 - the query was validated
        target = get_named_type(field.type)
        if is_leaf_type(target) or node.selection_set is None:
            return 1
        times = size if _is_list(field) else 1
        return 1 + times * self.below(node.selection_set, target, self._list_size(field, node, target))

    def _list_size(self, field: GraphQLField, node: FieldNode, target: GraphQLNamedType) -> int:
        """How many items the lists directly below this field have."""
        if target.name.startswith("__"):
            return INTROSPECTION_LIST_SIZE
        if "first" not in field.args or not _is_connection(target):
            # The items of a connection's edges are what the lists of other types are.
            return LIST_SIZE
        first, last = (self._number(field, node, name) for name in ("first", "last"))
        asked = last if last is not None else first if first is not None else DEFAULT_PAGE_SIZE
        return max(0, min(asked, MAX_PAGE_SIZE))

    def _number(self, field: GraphQLField, node: FieldNode, name: str) -> int | None:
        for argument in node.arguments:
            if argument.name.value == name:
                value = value_from_ast(argument.value, field.args[name].type, self.variables)
                return value if isinstance(value, int) else None
        return None


def _is_included(variables: dict[str, Any], selection: Any) -> bool:
    return should_include_node(variables, selection)


def _is_list(field: GraphQLField) -> bool:
    return is_list_type(field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type)


def _is_connection(target: GraphQLNamedType) -> bool:
    return isinstance(target, GraphQLObjectType) and {"nodes", "pageInfo"} <= target.fields.keys()
