"""Relay connections over querysets, with pagination that stays stable while content changes.

https://relay.dev/graphql/connections.htm. A cursor contains the values of the sort columns of an item, not a number of
rows to skip. If rows are added or removed in the meantime, a client neither misses nor repeats others.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self, TypeVar
from uuid import UUID

import graphene
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Field, Model, OrderBy, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from graphql import GraphQLError, GraphQLResolveInfo

from pages.compiled_queries import compiled
from pages.graphql.public_fields import list_of

# Both are part of the contract: the descriptions of `first` and `last` state them.
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
CURSOR_VERSION = 1
INVALID_CURSOR = "this is not a cursor of this list."

AnyModel = TypeVar("AnyModel", bound=Model)
# A type of graphene, or a function that returns it once it is built.
GraphQLType = type[Any] | Callable[[], type[Any]]


class BadArgumentError(GraphQLError):
    """An argument has a value that is not allowed. The message names the argument and says what is allowed."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f'Argument "{argument}": {message}', extensions={"code": "BAD_USER_INPUT"})


# --- Cursors -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """A total order of a list: its name, and its columns in the notation of `order_by` ("-first_published_at").

    `indexed` are columns with the same values that an index of the database has in this order, if there are any.
    """

    name: str
    columns: tuple[str, ...]
    indexed: tuple[str, ...] | None = None

    @property
    def sorted_by(self) -> tuple[str, ...]:
        return self.indexed or self.columns

    def cursor(self, row: object) -> str:
        """The cursor of a row: the version, the name of the order and the row's values, as JSON in base64url."""
        values = [_cursor_value(getattr(row, column.lstrip("-"))) for column in self.columns]
        text = json.dumps([CURSOR_VERSION, self.name, *values], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def beyond(self, values: Sequence[Any], backwards: bool, inclusive: bool = False) -> Q:
        """The rows after a position (before it if `backwards`), with the row at the position if `inclusive`.

        `values` are the values of the sort columns at the position.
        """
        names = [column.lstrip("-") for column in self.sorted_by]
        operators = ["lt" if column.startswith("-") != backwards else "gt" for column in self.sorted_by]
        condition = Q(**dict(zip(names, values, strict=True))) if inclusive else Q()
        for position, (name, operator, value) in enumerate(zip(names, operators, values, strict=True)):
            equal = dict(zip(names[:position], values[:position], strict=True))
            condition |= Q(**equal, **{f"{name}__{operator}": value})
        # It follows from the rest, but only this part makes PostgreSQL begin in the middle of an index.
        return Q(**{f"{names[0]}__{operators[0]}e": values[0]}) & condition

    def direction(self, backwards: bool) -> tuple[str, ...]:
        """The columns to sort by, for this order or the opposite one."""
        if not backwards:
            return self.sorted_by
        return tuple(column[1:] if column.startswith("-") else f"-{column}" for column in self.sorted_by)

    def values(self, queryset: QuerySet[Any, Any], argument: str, cursor: str) -> list[Any]:
        """The values of the sort columns that a cursor contains. Raises `BadArgumentError`."""
        invalid = BadArgumentError(argument, INVALID_CURSOR)
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            version, name, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            fields = [_field(queryset, column.lstrip("-")) for column in self.columns]
            if version != CURSOR_VERSION or name != self.name or len(values) != len(fields):
                raise invalid
            if any(not isinstance(value, str | int) for value in values):
                raise invalid
            if not all(is_storable(value) for value in values if isinstance(value, str)):
                raise invalid
            found = [model_field.to_python(value) for model_field, value in zip(fields, values, strict=True)]
            # In a genuine cursor no value is missing, and each time has its offset.
            if any(value is None or (isinstance(value, datetime) and value.tzinfo is None) for value in found):
                raise invalid
            return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in found]
        except (ValueError, TypeError, OverflowError, ValidationError, binascii.Error, RecursionError) as error:
            raise invalid from error


def _field(queryset: QuerySet[Any, Any], column: str) -> Field[Any, Any]:
    annotation = queryset.query.annotations.get(column)
    return annotation.output_field if annotation else queryset.model._meta.get_field(column)


def is_storable(text: str) -> bool:
    """Whether a database accepts this text as a parameter: it has no NUL and no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def by_slug_or_id(queryset: QuerySet[AnyModel], value: str) -> QuerySet[AnyModel]:
    """The rows with this slug or uuid."""
    named = Q(slug=value)
    with suppress(ValueError):
        named |= Q(uuid=UUID(value))
    return queryset.filter(named)


def _cursor_value(value: object) -> str | int:
    return value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else str(value)


# --- Connections ---------------------------------------------------------------------------------------------


@dataclass
class Connection:
    """One page of a list. The functions run a query when they are called.

    `node` returns the public object of an item, for lists whose items are not the objects themselves.
    """

    items: Sequence[Any]
    order: Order
    has_next: Callable[[], bool] = field(default=lambda: False)
    has_previous: Callable[[], bool] = field(default=lambda: False)
    count: Callable[[], int] = field(default=lambda: 0)
    node: Callable[[Any], Any] = field(default=lambda item: item)
    cursor_when_empty: str | None = None


EMPTY = Connection([], Order("empty", ()))


@dataclass(frozen=True)
class Pagination:
    """The pagination arguments of a list: how many items, between which cursors, from the beginning or the end."""

    limit: int
    after: str | None
    before: str | None
    from_end: bool

    def bounds(self, queryset: QuerySet[Any, Any], order: Order) -> "Bounds":
        """The positions of the two cursors. Raises `BadArgumentError`."""
        after = None if self.after is None else order.values(queryset, "after", self.after)
        before = None if self.before is None else order.values(queryset, "before", self.before)
        return Bounds(order, after, before)


@dataclass(frozen=True)
class Bounds:
    """Two positions in an order, each as the values of the sort columns, or None if there is no bound."""

    order: Order
    after: list[Any] | None
    before: list[Any] | None

    @classmethod
    def from_values(cls, order: Order, shape: tuple[bool, bool], values: dict[str, Any]) -> Self:
        """Takes the positions that `values` of bounds with this `shape` has out of the values of a query."""
        after, before = (
            [values.pop(f"{name}_{index}") for index in range(len(order.columns))] if is_there else None
            for name, is_there in zip(("after", "before"), shape, strict=True)
        )
        return cls(order, after, before)

    @property
    def shape(self) -> tuple[bool, bool]:
        return self.after is not None, self.before is not None

    @property
    def values(self) -> dict[str, Any]:
        """The values of both positions, each by a name of its own."""
        positions = {"after": self.after or [], "before": self.before or []}
        return {f"{name}_{index}": value for name, each in positions.items() for index, value in enumerate(each)}

    def inside(self) -> Q:
        """The rows between the bounds."""
        condition = Q()
        if self.after is not None:
            condition &= self.order.beyond(self.after, backwards=False)
        if self.before is not None:
            condition &= self.order.beyond(self.before, backwards=True)
        return condition

    def earlier(self) -> Q | None:
        """The rows up to the `after` bound, or None without that bound."""
        return None if self.after is None else self.order.beyond(self.after, backwards=True, inclusive=True)

    def later(self) -> Q | None:
        """The rows from the `before` bound on, or None without that bound."""
        return None if self.before is None else self.order.beyond(self.before, backwards=False, inclusive=True)


def parse_pagination(args: dict[str, Any]) -> Pagination:
    """Read `first`, `after`, `last` and `before`, each of which may be null. Raises `BadArgumentError`."""
    first, after, last, before = (args.get(name) for name in ("first", "after", "last", "before"))
    for name, number in (("first", first), ("last", last)):
        if number is not None and number < 0:
            raise BadArgumentError(name, f"give a number from 0 to {MAX_PAGE_SIZE}.")
    if first is not None and last is not None:
        raise BadArgumentError("last", "give first or last, not both.")
    number = first if first is not None else last if last is not None else DEFAULT_PAGE_SIZE
    from_end = last is not None or (first is None and after is None and before is not None)
    return Pagination(min(number, MAX_PAGE_SIZE), after, before, from_end)


def empty_connection(args: dict[str, Any]) -> Connection:
    """An empty list. Raises `BadArgumentError` for arguments that no list accepts, and for any cursor."""
    pagination = parse_pagination(args)
    for name, cursor in (("after", pagination.after), ("before", pagination.before)):
        if cursor is not None:
            raise BadArgumentError(name, INVALID_CURSOR)
    return EMPTY


def paginate(queryset: QuerySet[Any, Any], order: Order, args: dict[str, Any]) -> Connection:
    """The requested part of a queryset. Raises `BadArgumentError`.

    It takes one query, one more for `totalCount`, and one for each of `hasNextPage` and `hasPreviousPage` that a cursor
    bounds.
    """
    pagination = parse_pagination(args)
    bounds = pagination.bounds(queryset, order)
    items = list(_part(queryset, bounds, pagination.limit, pagination.from_end))
    return _connection_of(items, pagination, bounds, lambda: queryset)


@dataclass(frozen=True)
class Rows:
    """The rows of a list whose SQL is kept (pages/compiled_queries.py).

    `build` is a function of a module. It returns a queryset of the model for `parts`, given by position, and `values`,
    given by name.
    """

    model: type[Model]
    build: Callable[..., QuerySet[Any, Any]]
    parts: tuple[Any, ...]
    values: dict[str, Any]

    def queryset(self) -> QuerySet[Any, Any]:
        return self.build(*self.parts, **self.values)

    def bounds(self, pagination: Pagination, order: Order) -> "Bounds":
        """Raises `BadArgumentError`."""
        return pagination.bounds(self.model._default_manager.all(), order)


def paginate_rows(rows: Rows, order: Order, args: dict[str, Any]) -> Connection:
    """The same as `paginate` for rows whose SQL is kept."""
    pagination = parse_pagination(args)
    bounds = rows.bounds(pagination, order)
    items = _part_of_rows(
        rows.build,
        rows.parts,
        order,
        pagination.limit,
        pagination.from_end,
        bounds.shape,
        **rows.values,
        **bounds.values,
    )
    return _connection_of(items, pagination, bounds, rows.queryset)


def paginate_each(
    rows: Rows, parent: str, parents: Sequence[Any], order: Order, args: dict[str, Any]
) -> dict[Any, Connection]:
    """The same part of the list of each of several parents, by parent, in as many queries as for one.

    `parent` is the field or annotation of the rows with the parent's key. Raises `BadArgumentError`.
    """
    pagination = parse_pagination(args)
    bounds = rows.bounds(pagination, order)
    items = _part_of_each(
        rows.build, rows.parts, order, pagination.limit, pagination.from_end, bounds.shape, parent,
        parents=list(parents), **rows.values, **bounds.values,
    )  # fmt: skip
    found: dict[Any, list[Any]] = {key: [] for key in parents}
    for row in items:
        found[getattr(row, parent)].append(row)

    @cache
    def members() -> QuerySet[Any, Any]:
        return rows.queryset().filter(**{f"{parent}__in": parents}).order_by()

    @cache
    def counts() -> dict[Any, int]:
        return dict(members().values_list(parent).annotate(Count("pk")))

    @cache
    def parents_with(condition: Q) -> set[Any]:
        return set(members().filter(condition).values_list(parent, flat=True).distinct())

    def connection(key: int | str, items: list[Any]) -> Connection:
        return _connection(
            items, pagination, bounds, lambda condition: key in parents_with(condition), lambda: counts().get(key, 0)
        )

    return {key: connection(key, items) for key, items in found.items()}


@compiled
def _part_of_rows(
    build: Callable[..., QuerySet[Any, Any]], parts: tuple[Any, ...], order: Order, limit: int, from_end: bool,
    bounded: tuple[bool, bool], /, **values: Any,
) -> QuerySet[Any, Any]:  # fmt: skip
    bounds = Bounds.from_values(order, bounded, values)
    return _part(build(*parts, **values), bounds, limit, from_end)


def _part(queryset: QuerySet[Any, Any], bounds: "Bounds", limit: int, from_end: bool) -> QuerySet[Any, Any]:
    """The requested rows and, if the list continues, one more."""
    return queryset.filter(bounds.inside()).order_by(*bounds.order.direction(from_end))[: limit + 1]


@compiled
def _part_of_each(
    build: Callable[..., QuerySet[Any, Any]], parts: tuple[Any, ...], order: Order, limit: int, from_end: bool,
    bounded: tuple[bool, bool], parent: str, /, *, parents: list[Any], **values: Any,
) -> QuerySet[Any, Any]:  # fmt: skip
    """The database sorts keys alone, of which there may be many, and reads the rows of those that are asked for."""
    bounds = Bounds.from_values(order, bounded, values)
    queryset = build(*parts, **values)
    columns = order.direction(from_end)
    keys = (
        queryset.filter(bounds.inside(), **{f"{parent}__in": parents})
        .annotate(_position=Window(RowNumber(), partition_by=F(parent), order_by=[*_orderings(columns)]))
        .filter(_position__lte=limit + 1)
    )
    return queryset.filter(pk__in=keys.values("pk")).order_by(parent, *columns)


def _orderings(columns: Sequence[str]) -> list[OrderBy]:
    return [F(column[1:]).desc() if column.startswith("-") else F(column).asc() for column in columns]


def _connection_of(
    items: list[Any], pagination: Pagination, bounds: Bounds, queryset: Callable[[], QuerySet[Any, Any]]
) -> Connection:
    def has_rows(condition: Q) -> bool:
        return queryset().filter(condition).order_by().exists()

    return _connection(items, pagination, bounds, has_rows, lambda: queryset().order_by().count())


def _connection(
    items: list[Any], pagination: Pagination, bounds: Bounds, has_rows: Callable[[Q], bool], count: Callable[[], int]
) -> Connection:
    """`items` are the requested ones and, if the list continues, one more. `has_rows`: whether any row matches."""
    has_extra_item = len(items) > pagination.limit
    items = items[: pagination.limit]
    if pagination.from_end:
        items.reverse()

    def has_more(in_reading_direction: bool, outside: Q | None) -> bool:
        return (in_reading_direction and has_extra_item) or (outside is not None and has_rows(outside))

    return Connection(
        items,
        bounds.order,
        has_next=lambda: has_more(not pagination.from_end, bounds.later()),
        has_previous=lambda: has_more(pagination.from_end, bounds.earlier()),
        count=count,
    )


# --- Types ---------------------------------------------------------------------------------------------------


class PageInfo(graphene.ObjectType):
    """What surrounds a page of a list."""

    has_next_page = graphene.Boolean(required=True, description="Whether the list continues after this page.")
    has_previous_page = graphene.Boolean(required=True, description="Whether there are items before this page.")
    start_cursor = graphene.String(description="The cursor of the first item on this page.")
    end_cursor = graphene.String(description="The cursor of the last item on this page. Pass it as `after`.")

    @staticmethod
    def resolve_has_next_page(connection: Connection, info: GraphQLResolveInfo) -> bool:
        return connection.has_next()

    @staticmethod
    def resolve_has_previous_page(connection: Connection, info: GraphQLResolveInfo) -> bool:
        return connection.has_previous()

    @staticmethod
    def resolve_start_cursor(connection: Connection, info: GraphQLResolveInfo) -> str | None:
        return connection.order.cursor(connection.items[0]) if connection.items else None

    @staticmethod
    def resolve_end_cursor(connection: Connection, info: GraphQLResolveInfo) -> str | None:
        return connection.order.cursor(connection.items[-1]) if connection.items else connection.cursor_when_empty


def connection_args(**filters: graphene.Argument) -> dict[str, graphene.Argument]:
    """The pagination arguments of every list, and `filters`, which are the list's own arguments."""
    page_size = f"at most {MAX_PAGE_SIZE}; higher numbers count as {MAX_PAGE_SIZE}"
    return {
        "first": graphene.Int(description=f"How many items, {page_size}. {DEFAULT_PAGE_SIZE} if omitted."),
        "after": graphene.String(description="Only items after this cursor."),
        "last": graphene.Int(description=f"How many items from the end, {page_size}. Not together with `first`."),
        "before": graphene.String(description="Only items before this cursor."),
        **filters,
    }


class Edge(graphene.ObjectType):
    """The fields of the edges of all lists. An edge is resolved from the connection and one of its items."""

    class Meta:
        abstract = True

    cursor = graphene.String(required=True, description="Its position in the list.")

    @staticmethod
    def resolve_cursor(edge: tuple[Connection, Any], info: GraphQLResolveInfo) -> str:
        return edge[0].order.cursor(edge[1])

    @staticmethod
    def resolve_node(edge: tuple[Connection, Any], info: GraphQLResolveInfo) -> Any:
        return edge[0].node(edge[1])


@cache
def _connection_type(name: str, node: GraphQLType, edge_base: type[Edge]) -> type[Any]:
    edge = type(
        f"{name}Edge",
        (edge_base,),
        {
            "__doc__": f"One {name} in a list.",
            "node": graphene.Field(node, required=True, description="The item."),
        },
    )
    members = {
        "__doc__": f"A list of {name}.",
        "edges": graphene.Field(list_of(edge), required=True, description="The items with their cursors."),
        "nodes": graphene.Field(list_of(node), required=True, description="The items."),
        "page_info": graphene.Field(PageInfo, required=True, description="What surrounds this page of the list."),
        "total_count": graphene.Int(required=True, description="How many items the whole list has."),
        "resolve_edges": staticmethod(lambda connection, info: [(connection, item) for item in connection.items]),
        "resolve_nodes": staticmethod(lambda connection, info: [connection.node(item) for item in connection.items]),
        "resolve_page_info": staticmethod(lambda connection, info: connection),
        "resolve_total_count": staticmethod(lambda connection, info: connection.count()),
    }
    return type(f"{name}Connection", (graphene.ObjectType,), members)


def connection_type(node: GraphQLType, name: str = "", edge: type[Edge] = Edge) -> type[Any]:
    """The connection type of a node type. A node type that is given as a function needs a name.

    `edge` is a subclass of `Edge` with additional fields for the edges of this list.
    """
    # mypy takes the __hash__ of a class for that of its instances.
    return _connection_type(name or node.__name__.removesuffix("Interface"), node, edge)  # type: ignore[arg-type]
