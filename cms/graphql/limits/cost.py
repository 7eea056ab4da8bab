"""What a query may cost, worked out before it is executed: fields of the answer and lookups in the database.

**Fields.** A connection counts as the number of items that was asked for, any other list as `SIZES` says, texts in a
list included. These are sizes of usual content, so the figure is an estimate. Of an interface, the dearest type counts.
The cost below a fragment is worked out once for each type.

**Lookups.** What leads to other objects asks the database, once for all items of a list
(pages/reading/loader.py). So a lookup counts once wherever it stands in the query, however many items the list has:
as `PRICE` fields.

Introspection is counted while it is executed (cms/graphql/http/execution.py), because the schema alone says how much
it is.
"""

from collections import defaultdict
from typing import Any

from django.conf import settings
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    value_from_ast,
)
from graphql.execution.collect_fields import should_include_node
from graphql.execution.execute import get_field_def

from cms.graphql.errors import Code, RequestRefusedError
from cms.graphql.types.connections import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

# How many items a list has that is no connection, by the name of its field.
LIST_SIZE = 5
SIZES = {"ancestors": 3, "body": 10, "feeds": 50}
# How many fields take as long as one lookup. Measured: a field takes some 20 µs of CPU, a lookup 1 ms.
PRICE = 50
# Fields with more lookups than one: pages of many types, files and since when they are public, what an address was.
LOOKUPS = {
    "Query.page": 5,
    "Query.redirect": 4,
    "Query.search": 8,
    "Query.feeds": 3,
    "Query.priorities": 2,
    "Change.page": 8,
    "MeetingPage.papers": 3,
    "AgendaItem.papers": 3,
    "DeathReviewNoticePage.supportServices": 2,
    # Values that are looked up.
    "Change.note": 8,
    "Change.urlPath": 8,
    "MeetingPage.agendaPublishedAt": 3,
    "Document.htmlEquivalentUrl": 1,
    "PriorityPeriodPage.status": 1,
}
# Objects that come with the one that has them.
PARTS = {"PageInfo", "PartialDate", "FocalPoint", "Withdrawal", "Contact", "NavigationItem"}
# Each is bounded while it is executed; what it may cost then is charged at once.
INTROSPECTION = {"__schema": 5_000, "__type": 1_000}
# Marking words takes longer than reading a value.
HIGHLIGHT = 10
MAX_TOLD = 2**31 - 1  # larger costs are told as this

Fragments = dict[str, FragmentDefinitionNode]


def cost(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, variables: dict[str, Any]
) -> int:
    """The cost of a valid operation with these variables, which have been coerced.

    Raises `RequestRefusedError` when it asks for the same lookup under too many names.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    lookups = _Lookups(schema, fragments, variables)
    number = lookups.below(operation.selection_set, root)
    lookups.check_names()
    fields = _Fields(schema, fragments, variables).below(operation.selection_set, root, LIST_SIZE)
    return min(fields + PRICE * number, MAX_TOLD)


def within_limit(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, variables: dict[str, Any]
) -> dict[str, int]:
    """The cost of an operation, and the limit. Raises `RequestRefusedError`."""
    told = {"requested": cost(schema, operation, fragments, variables), "limit": settings.GRAPHQL_MAX_COST}
    if told["requested"] > told["limit"]:
        raise RequestRefusedError.because(
            f"The query costs {told['requested']}; {told['limit']} are allowed. Ask for fewer items (first), for fewer "
            "lists within lists, or for less at once.",
            Code.COST_TOO_HIGH,
            cost=told,
        )
    return told


class _Fields:
    """Counts the fields of the answer."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: dict[str, Any]) -> None:
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
        inside, wanted = _fragment(self.schema, self.fragments, selection, kind)
        if wanted is not kind and not (
            is_abstract_type(wanted) and self.schema.is_sub_type(wanted, kind)  # type: ignore[arg-type]
        ):
            return 0
        return self._of(inside, kind, size)

    def _field(self, node: FieldNode, kind: GraphQLObjectType, size: int) -> int:
        field = _definition(self.schema, kind, node)
        target = get_named_type(field.type)
        if target.name.startswith("__"):
            return INTROSPECTION[node.name.value]
        # The lists of a connection have as many items as it was asked for, other lists as many as they usually have.
        items = size if _is_connection(kind) else SIZES.get(node.name.value, LIST_SIZE)
        times = items ** _lists(field.type)
        if is_leaf_type(target) or node.selection_set is None:
            return HIGHLIGHT if node.name.value == "highlight" else 1 if times == 1 else 1 + times
        return 1 + times * self.below(node.selection_set, target, self._page_size(field, node, target))

    def _page_size(self, field: GraphQLField, node: FieldNode, target: GraphQLNamedType) -> int:
        """How many items are asked for, where this field is a connection."""
        if "first" not in field.args or not _is_connection(target):
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


class _Lookups:
    """Counts the lookups, and under how many names each is asked for."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: dict[str, Any]) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self.known: dict[tuple[int, str], int] = {}
        self.names: dict[tuple[str, str], set[str]] = defaultdict(set)

    def below(self, selection_set: SelectionSetNode, kind: GraphQLNamedType) -> int:
        """The lookups of these fields. A list may have objects of all types that the query has fragments for."""
        key = (id(selection_set), kind.name)
        if key not in self.known:
            self.known[key] = sum(
                self._one(selection, kind)
                for selection in selection_set.selections
                if _is_included(self.variables, selection)
            )
        return self.known[key]

    def _one(self, selection: SelectionNode, kind: GraphQLNamedType) -> int:
        if not isinstance(selection, FieldNode):
            inside, wanted = _fragment(self.schema, self.fragments, selection, kind)
            return self.below(inside, wanted)
        field = _definition(self.schema, kind, selection)
        target = get_named_type(field.type)
        if target.name.startswith("__"):
            return 0
        if kind is self.schema.query_type or "first" in field.args:
            self.names[kind.name, selection.name.value].add((selection.alias or selection.name).value)
        number = _lookups(kind, selection.name.value, target)
        return number + (self.below(selection.selection_set, target) if selection.selection_set else 0)

    def check_names(self) -> None:
        limit = settings.GRAPHQL_MAX_ALIASES_PER_FIELD
        for (_, field), names in self.names.items():
            if len(names) > limit:
                raise RequestRefusedError.because(
                    f'The query asks for "{field}" under more than {limit} names. Ask for some of them in another '
                    "request.",
                    Code.TOO_MANY_ALIASES,
                    limit=limit,
                )


def _lookups(kind: GraphQLNamedType, name: str, target: GraphQLNamedType) -> int:
    if f"{kind.name}.{name}" in LOOKUPS:
        return LOOKUPS[f"{kind.name}.{name}"]
    if name == "totalCount":
        return 1
    if is_leaf_type(target) or target.name in PARTS or _is_connection(kind) or kind.name.endswith("Edge"):
        return 0
    if isinstance(target, GraphQLInterfaceType) or target.name == "PageConnection":
        return 3  # pages of several types: which of them are public, and then those of each type
    return 2 if name in ("documents", "dataFiles") else 1


def _is_included(variables: dict[str, Any], selection: Any) -> bool:
    return should_include_node(variables, selection)


def _fragment(
    schema: GraphQLSchema, fragments: Fragments, selection: SelectionNode, kind: GraphQLNamedType
) -> tuple[SelectionSetNode, GraphQLNamedType]:
    """What a fragment selects, and of what type."""
    inside: Any = fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
    assert isinstance(inside, InlineFragmentNode | FragmentDefinitionNode)  # noqa: S101 - there is nothing else
    wanted = schema.get_type(inside.type_condition.name.value) if inside.type_condition else kind
    assert wanted is not None  # noqa: S101 - the query was validated
    return inside.selection_set, wanted


def _definition(schema: GraphQLSchema, kind: Any, node: FieldNode) -> GraphQLField:
    field = get_field_def(schema, kind, node)
    assert field is not None  # noqa: S101 - the query was validated
    return field


def _lists(kind: GraphQLOutputType) -> int:
    """How many lists deep a type is: 1 for a list, 2 for a list of lists."""
    if isinstance(kind, GraphQLNonNull):
        return _lists(kind.of_type)
    return 1 + _lists(kind.of_type) if isinstance(kind, GraphQLList) else 0


def _is_connection(target: GraphQLNamedType) -> bool:
    return isinstance(target, GraphQLObjectType) and {"nodes", "pageInfo"} <= target.fields.keys()
