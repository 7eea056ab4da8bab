"""Estimates the cost of a query before it is executed, from the fields of the answer and the lookups in the database.

**Fields.** A connection counts with the requested number of items, any other list with the number in `LIST_SIZES`,
lists of texts included. These are typical sizes, so the cost is an estimate. For an interface, its most expensive type
counts.

**Lookups.** A field that leads to other objects queries the database once for all items of a list
(pages/reading/loader.py). A lookup therefore counts once, as `LOOKUP_COST` fields, however many items the list has. For
an interface, its most expensive type counts here, too. A list with pages of many types takes more: the execution counts
its statements, and ends at the limit (cms/graphql/http/execution.py).

Introspection has a fixed cost here. Its fields are counted while it is executed (cms/graphql/http/execution.py).
"""

from collections import defaultdict
from collections.abc import Iterator
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
    Undefined,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    value_from_ast,
)
from graphql.execution.collect_fields import should_include_node
from graphql.execution.execute import get_field_def

from cms.graphql.errors import Code, RequestRefusedError
from cms.graphql.types.connections import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

# The assumed number of items of a list that is not a connection: the default, and by the name of the field.
DEFAULT_LIST_SIZE = 5
LIST_SIZES = {"ancestors": 3, "body": 10, "feeds": 50}
# In fields. Measured: a field takes about 20 µs of CPU time, a lookup 1 ms.
LOOKUP_COST = 50
# The number of lookups of fields that differ from the general rule in `_number_of_lookups`, such as those that return
# pages of many types, or files and the time since when they are public.
LOOKUPS = {
    "Query.page": 5,
    "Query.redirect": 4,
    "Query.resolve": 5,
    "Query.search": 8,
    "Query.feeds": 3,
    "Query.priorities": 2,
    "Query.node": 5,
    "Query.nodes": 8,
    "Change.page": 14,
    "MeetingPage.papers": 3,
    "AgendaItem.papers": 3,
    "DeathReviewNoticePage.supportServices": 2,
    "Change.withdrawal": 2,
    "Resolution.page": 0,  # found with the path
    # Scalars that are read from the database.
    "Change.note": 14,
    "Change.urlPath": 14,
    "Change.previousUrlPath": 16,
    "MeetingPage.agendaPublishedAt": 3,
    "Document.htmlEquivalentUrl": 1,
    "Document.htmlEquivalentUrlPath": 1,
    "Image.srcset": 1,
    "PriorityPeriodPage.periodStatus": 1,
    "PriorityPeriodPage.status": 1,
}
# Fields of a type that are answered by the same lookup.
LOADED_TOGETHER = {"Change": {"note", "page", "urlPath"}}
# Types whose objects are loaded together with their parent.
LOADED_WITH_PARENT = {
    "PageInfo", "PartialDate", "FocalPoint", "Withdrawal", "Redirect", "Contact", "NavigationItem",
}  # fmt: skip
# The most that introspection may cost. It is limited while it is executed.
INTROSPECTION_COST = {"__schema": 5_000, "__type": 1_000}
# Marking words takes longer than reading a value.
HIGHLIGHT_COST = 10
MAX_COST = 2**31 - 1  # the largest Int of GraphQL; higher costs are reported as this

Fragments = dict[str, FragmentDefinitionNode]


def cost(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, variables: dict[str, Any]
) -> int:
    """The cost of a valid operation with these coerced variables.

    Raises `RequestRefusedError` if the operation has too many aliases of the same lookup.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    lookups = _LookupCounter(schema, fragments, variables)
    number_of_lookups = lookups.count(operation.selection_set, root)
    lookups.check_aliases()
    fields = _FieldCounter(schema, fragments, variables).count(operation.selection_set, root, DEFAULT_LIST_SIZE)
    return min(fields + LOOKUP_COST * number_of_lookups, MAX_COST)


def check_cost(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, variables: dict[str, Any]
) -> dict[str, int]:
    """The cost of an operation as `requested`, and the `limit`. Raises `RequestRefusedError` above it."""
    figures = {"requested": cost(schema, operation, fragments, variables), "limit": settings.GRAPHQL_MAX_COST}
    if figures["requested"] > figures["limit"]:
        raise RequestRefusedError.because(
            f"The query costs {figures['requested']}; {figures['limit']} are allowed. Ask for fewer items (first), for "
            "fewer lists within lists, or for less at once.",
            Code.COST_TOO_HIGH,
            cost=figures,
        )
    return figures


class _FieldCounter:
    """Estimates the number of fields in the answer. Each selection set is counted once for each type and list size."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: dict[str, Any]) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self._counted: dict[tuple[int, str, int], int] = {}

    def count(self, selection_set: SelectionSetNode, parent_type: GraphQLNamedType, page_size: int) -> int:
        """The cost of these fields of one object. If it is a connection, its lists have `page_size` items."""
        if is_abstract_type(parent_type):
            possible = self.schema.get_possible_types(parent_type)  # type: ignore[arg-type]
            return max(self._count_selections(selection_set, each, page_size) for each in possible)
        assert isinstance(parent_type, GraphQLObjectType)  # noqa: S101 - the query was validated
        return self._count_selections(selection_set, parent_type, page_size)

    def _count_selections(self, selection_set: SelectionSetNode, parent_type: GraphQLObjectType, page_size: int) -> int:
        key = (id(selection_set), parent_type.name, page_size)
        if key not in self._counted:
            self._counted[key] = sum(
                self._count_selection(selection, parent_type, page_size)
                for selection in selection_set.selections
                if _is_included(self.variables, selection)
            )
        return self._counted[key]

    def _count_selection(self, selection: SelectionNode, parent_type: GraphQLObjectType, page_size: int) -> int:
        if isinstance(selection, FieldNode):
            return self._count_field(selection, parent_type, page_size)
        selection_set, condition = _fragment(self.schema, self.fragments, selection, parent_type)
        if not _applies(self.schema, condition, parent_type):
            return 0
        return self._count_selections(selection_set, parent_type, page_size)

    def _count_field(self, node: FieldNode, parent_type: GraphQLObjectType, page_size: int) -> int:
        field = _field_definition(self.schema, parent_type, node)
        target = get_named_type(field.type)
        if target.name.startswith("__"):
            return INTROSPECTION_COST[node.name.value]
        name = node.name.value
        list_size = page_size if _is_connection(parent_type) else LIST_SIZES.get(name, DEFAULT_LIST_SIZE)
        if "ids" in field.args:
            list_size = len(self._argument(field, node, "ids") or ())
        items = list_size ** _list_depth(field.type)
        if is_leaf_type(target) or node.selection_set is None:
            return HIGHLIGHT_COST if name == "highlight" else 1 if items == 1 else 1 + items
        return 1 + items * self.count(node.selection_set, target, self._page_size(field, node, target))

    def _page_size(self, field: GraphQLField, node: FieldNode, target: GraphQLNamedType) -> int:
        """The requested number of items, if this field is a connection."""
        if "first" not in field.args or not _is_connection(target):
            return DEFAULT_LIST_SIZE
        first, last = (self._argument(field, node, name) for name in ("first", "last"))
        number = last if last is not None else first if first is not None else DEFAULT_PAGE_SIZE
        return max(0, min(number, MAX_PAGE_SIZE))

    def _argument(self, field: GraphQLField, node: FieldNode, name: str) -> Any:
        """The value of an argument, or None if it has none."""
        for argument in node.arguments:
            if argument.name.value == name:
                value = value_from_ast(argument.value, field.args[name].type, self.variables)
                return None if value is Undefined else value
        return None


class _LookupCounter:
    """Counts the lookups, and the aliases of each. Each selection set is counted once for each type."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: dict[str, Any]) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self._counted: dict[tuple[int, str], int] = {}
        self._response_keys: dict[tuple[str, str], set[str]] = defaultdict(set)  # by type and field

    def count(self, selection_set: SelectionSetNode, parent_type: GraphQLNamedType) -> int:
        """The lookups of these fields of one object. Of an interface, the type with the most lookups counts."""
        if is_abstract_type(parent_type):
            possible = self.schema.get_possible_types(parent_type)  # type: ignore[arg-type]
            return max(self.count(selection_set, each) for each in possible)
        assert isinstance(parent_type, GraphQLObjectType)  # noqa: S101 - the query was validated
        key = (id(selection_set), parent_type.name)
        if key not in self._counted:
            fields = list(self._fields(selection_set, parent_type, set()))
            shared = {field.name.value for field in fields} & LOADED_TOGETHER.get(parent_type.name, set())
            once = LOOKUPS[f"{parent_type.name}.{next(iter(shared))}"] if shared else 0
            self._counted[key] = once + sum(
                self._count_field(field, parent_type, is_counted=field.name.value in shared) for field in fields
            )
        return self._counted[key]

    def _fields(
        self, selection_set: SelectionSetNode, parent_type: GraphQLObjectType, spread: set[str]
    ) -> Iterator[FieldNode]:
        """The fields that an object of this type has in the answer, those of fragments included.

        `spread` names the fragments that were met. A fragment counts once in a selection set, as in CollectFields
        (GraphQL, section 6.3.2): otherwise a hundred fragments that each name the next one twice never end.
        """
        for selection in selection_set.selections:
            if not _is_included(self.variables, selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection
                continue
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in spread:
                    continue
                spread.add(selection.name.value)
            inner, condition = _fragment(self.schema, self.fragments, selection, parent_type)
            if _applies(self.schema, condition, parent_type):
                yield from self._fields(inner, parent_type, spread)

    def _count_field(self, node: FieldNode, parent_type: GraphQLObjectType, is_counted: bool) -> int:
        field = _field_definition(self.schema, parent_type, node)
        target = get_named_type(field.type)
        if target.name.startswith("__"):
            return 0
        if parent_type is self.schema.query_type or "first" in field.args:
            key = (node.alias or node.name).value
            self._response_keys[parent_type.name, node.name.value].add(key)
        number = 0 if is_counted else _number_of_lookups(parent_type, node.name.value, target)
        return number + (self.count(node.selection_set, target) if node.selection_set else 0)

    def check_aliases(self) -> None:
        """Raises `RequestRefusedError` if a root field or a list with `first` has too many aliases."""
        limit = settings.GRAPHQL_MAX_ALIASES_PER_FIELD
        for (_, field), response_keys in self._response_keys.items():
            if len(response_keys) > limit:
                raise RequestRefusedError.because(
                    f'The query asks for "{field}" under more than {limit} names. Ask for some of them in another '
                    "request.",
                    Code.TOO_MANY_ALIASES,
                    limit=limit,
                )


def _number_of_lookups(parent_type: GraphQLNamedType, name: str, target: GraphQLNamedType) -> int:
    """How many lookups the field of this name and type needs."""
    if f"{parent_type.name}.{name}" in LOOKUPS:
        return LOOKUPS[f"{parent_type.name}.{name}"]
    if name == "totalCount":
        return 1
    if (
        is_leaf_type(target)
        or target.name in LOADED_WITH_PARENT
        or _is_connection(parent_type)
        or parent_type.name.endswith("Edge")
    ):
        return 0
    if isinstance(target, GraphQLInterfaceType) or target.name == "PageConnection":
        return 3  # pages of several types: first which of them are public, then the pages of each type
    return 2 if name in ("documents", "dataFiles") else 1


def _is_included(variables: dict[str, Any], selection: SelectionNode) -> bool:
    """Whether @skip and @include leave the selection in the query."""
    return should_include_node(variables, selection)  # type: ignore[arg-type]  # it is of one of the three classes


def _fragment(
    schema: GraphQLSchema, fragments: Fragments, selection: SelectionNode, parent_type: GraphQLNamedType
) -> tuple[SelectionSetNode, GraphQLNamedType]:
    """The selection set and the type condition of a fragment."""
    fragment = fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
    assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)  # noqa: S101 - there is nothing else
    condition = schema.get_type(fragment.type_condition.name.value) if fragment.type_condition else parent_type
    assert condition is not None  # noqa: S101 - the query was validated
    return fragment.selection_set, condition


def _applies(schema: GraphQLSchema, condition: GraphQLNamedType, parent_type: GraphQLObjectType) -> bool:
    """Whether a fragment with this type condition counts for objects of this type."""
    return condition is parent_type or (
        is_abstract_type(condition) and schema.is_sub_type(condition, parent_type)  # type: ignore[arg-type]
    )


def _field_definition(schema: GraphQLSchema, parent_type: GraphQLNamedType, node: FieldNode) -> GraphQLField:
    field = get_field_def(schema, parent_type, node)  # type: ignore[arg-type]  # interfaces have fields, too
    assert field is not None  # noqa: S101 - the query was validated
    return field


def _list_depth(output_type: GraphQLOutputType) -> int:
    """How many lists deep a type is: 1 for a list, 2 for a list of lists."""
    if isinstance(output_type, GraphQLNonNull):
        return _list_depth(output_type.of_type)
    return 1 + _list_depth(output_type.of_type) if isinstance(output_type, GraphQLList) else 0


def _is_connection(target: GraphQLNamedType) -> bool:
    return isinstance(target, GraphQLObjectType) and {"nodes", "pageInfo"} <= target.fields.keys()
