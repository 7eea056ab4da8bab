"""Relay connections over querysets: pages of a list that stay stable while content changes.

https://relay.dev/graphql/connections.htm. A cursor says after which values of the sort columns to go on, not how
many rows to skip, so a row that is added or removed meanwhile shifts nothing.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import graphene
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from graphql import GraphQLError

from pages.graphql.public_fields import list_of

# Both are part of the contract: the descriptions of `first` and `last` state them.
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
CURSOR_VERSION = 1
NO_CURSOR = "this is not a cursor that this list gave out."


class BadArgumentError(GraphQLError):
    """An argument that cannot be used. The message names the argument and says what is allowed."""

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f'Argument "{argument}": {message}', extensions={"code": "BAD_USER_INPUT"})


# --- Cursors -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """A total order of a list: its name, and its columns as Django writes them ("-first_published_at")."""

    name: str
    columns: tuple[str, ...]

    def cursor(self, row: Any) -> str:
        values = [_plain(getattr(row, column.lstrip("-"))) for column in self.columns]
        text = json.dumps([CURSOR_VERSION, self.name, *values], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def beyond(self, values: Sequence[Any], backwards: bool, or_there: bool = False) -> Q:
        """The rows that come after (or, backwards, before) a place in the order, or also the row that is there."""
        there = {column.lstrip("-"): value for column, value in zip(self.columns, values, strict=True)}
        condition = Q(**there) if or_there else Q()
        for position, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            name = column.lstrip("-")
            operator = "lt" if column.startswith("-") != backwards else "gt"
            equal = {earlier.lstrip("-"): values[index] for index, earlier in enumerate(self.columns[:position])}
            condition |= Q(**equal, **{f"{name}__{operator}": value})
        return condition

    def reversed(self) -> list[str]:
        return [column[1:] if column.startswith("-") else f"-{column}" for column in self.columns]

    def values(self, queryset: QuerySet, argument: str, cursor: str) -> list[Any]:
        """What a cursor says: the values of the sort columns. Raises `BadArgumentError`."""
        refusal = BadArgumentError(argument, NO_CURSOR)
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            version, name, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            fields = [_field(queryset, column.lstrip("-")) for column in self.columns]
            if version != CURSOR_VERSION or name != self.name or len(values) != len(fields):
                raise refusal
            if any(not isinstance(value, str | int) for value in values):
                raise refusal
            if not all(is_storable(value) for value in values if isinstance(value, str)):
                raise refusal
            found = [model_field.to_python(value) for model_field, value in zip(fields, values, strict=True)]
            # No value is missing in a cursor that was given out, and no instant lacks its offset.
            if any(value is None or (isinstance(value, datetime) and value.tzinfo is None) for value in found):
                raise refusal
            return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in found]
        except (ValueError, TypeError, OverflowError, ValidationError, binascii.Error, RecursionError) as error:
            raise refusal from error


def _field(queryset: QuerySet, column: str) -> Any:
    annotation = queryset.query.annotations.get(column)
    return annotation.output_field if annotation else queryset.model._meta.get_field(column)


def is_storable(text: str) -> bool:
    """Whether a database can be asked for this text: it has no NUL and no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def by_slug_or_id(queryset: QuerySet, value: str) -> QuerySet:
    """Those rows whose slug or uuid an argument names."""
    named = Q(slug=value)
    with suppress(ValueError):
        named |= Q(uuid=UUID(value))
    return queryset.filter(named)


def _plain(value: Any) -> str | int:
    return value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else str(value)


# --- Connections ---------------------------------------------------------------------------------------------


@dataclass
class Connection:
    """One page of a list. What is a function runs a query, when it is asked for.

    `node` makes the public object of an item, where the item is not the object itself.
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
class Part:
    """Which part of a list was asked for: between two cursors, as many items from the beginning or from the end."""

    limit: int
    after: str | None
    before: str | None
    from_end: bool

    def between(self, queryset: QuerySet, order: Order) -> "Between":
        """Raises `BadArgumentError`."""
        after = None if self.after is None else order.values(queryset, "after", self.after)
        before = None if self.before is None else order.values(queryset, "before", self.before)
        return Between(order, after, before)


@dataclass(frozen=True)
class Between:
    """What lies between two places of an order, each of which may be missing."""

    order: Order
    after: list[Any] | None
    before: list[Any] | None

    def inside(self) -> Q:
        condition = Q()
        if self.after is not None:
            condition &= self.order.beyond(self.after, backwards=False)
        if self.before is not None:
            condition &= self.order.beyond(self.before, backwards=True)
        return condition

    def earlier(self) -> Q | None:
        """What is left out at the beginning of the list; None when that is nothing."""
        return None if self.after is None else self.order.beyond(self.after, backwards=True, or_there=True)

    def later(self) -> Q | None:
        return None if self.before is None else self.order.beyond(self.before, backwards=False, or_there=True)


def requested(args: dict[str, Any]) -> Part:
    """Read `first`, `after`, `last` and `before`, each of which may be null. Raises `BadArgumentError`."""
    first, after, last, before = (args.get(name) for name in ("first", "after", "last", "before"))
    for name, number in (("first", first), ("last", last)):
        if number is not None and number < 0:
            raise BadArgumentError(name, f"give a number from 0 to {MAX_PAGE_SIZE}.")
    if first is not None and last is not None:
        raise BadArgumentError("last", "give first or last, not both.")
    number = first if first is not None else last if last is not None else DEFAULT_PAGE_SIZE
    from_end = last is not None or (first is None and after is None and before is not None)
    return Part(min(number, MAX_PAGE_SIZE), after, before, from_end)


def nothing(args: dict[str, Any]) -> Connection:
    """A list that is always empty, yet refuses what every list refuses."""
    part = requested(args)
    for name, cursor in (("after", part.after), ("before", part.before)):
        if cursor is not None:
            raise BadArgumentError(name, NO_CURSOR)
    return EMPTY


def paginate(queryset: QuerySet, order: Order, args: dict[str, Any]) -> Connection:
    """The requested part of a queryset, in one query; another for `totalCount`, and for what lies beyond a cursor."""
    part = requested(args)
    between = part.between(queryset, order)
    rows = queryset.filter(between.inside()).order_by(*(order.reversed() if part.from_end else order.columns))
    items = list(rows[: part.limit + 1])

    def any_of(condition: Q) -> bool:
        return queryset.filter(condition).order_by().exists()

    return _connection(items, part, between, any_of, queryset.order_by().count)


def paginate_each(
    queryset: QuerySet, parent: str, parents: Sequence[Any], order: Order, args: dict[str, Any]
) -> dict[Any, Connection]:
    """The same part of the list under each of several parents, in as many queries as for one.

    `parent` is the field or annotation of the queryset that holds the parent's key.
    """
    part = requested(args)
    between = part.between(queryset, order)
    under = queryset.filter(**{f"{parent}__in": parents})
    columns = order.reversed() if part.from_end else list(order.columns)
    rows = (
        under.filter(between.inside())
        .annotate(_place=Window(RowNumber(), partition_by=F(parent), order_by=[*_orderings(columns)]))
        .filter(_place__lte=part.limit + 1)
    )
    found: dict[Any, list[Any]] = {key: [] for key in parents}
    for row in rows.order_by(parent, "_place"):
        found[getattr(row, parent)].append(row)

    @cache
    def counts() -> dict[Any, int]:
        return dict(under.order_by().values_list(parent).annotate(Count("pk")))

    @cache
    def with_any_of(condition: Q) -> set[Any]:
        return set(under.filter(condition).order_by().values_list(parent, flat=True).distinct())

    def connection(key: Any, items: list[Any]) -> Connection:
        return _connection(
            items, part, between, lambda condition: key in with_any_of(condition), lambda: counts().get(key, 0)
        )

    return {key: connection(key, items) for key, items in found.items()}


def _orderings(columns: Sequence[str]) -> list[Any]:
    return [F(column[1:]).desc() if column.startswith("-") else F(column).asc() for column in columns]


def _connection(
    items: list[Any], part: Part, between: Between, any_of: Callable[[Q], bool], count: Callable[[], int]
) -> Connection:
    """`items` are those asked for, and one more where the list goes on; `any_of` says whether it has such rows."""
    more = len(items) > part.limit
    items = items[: part.limit]
    if part.from_end:
        items.reverse()

    def goes_on(in_this_direction: bool, outside: Q | None) -> bool:
        return (in_this_direction and more) or (outside is not None and any_of(outside))

    return Connection(
        items,
        between.order,
        has_next=lambda: goes_on(not part.from_end, between.later()),
        has_previous=lambda: goes_on(part.from_end, between.earlier()),
        count=count,
    )


# --- Types ---------------------------------------------------------------------------------------------------


class PageInfo(graphene.ObjectType):
    """Where a page of a list stands in the whole list."""

    has_next_page = graphene.Boolean(required=True, description="Whether more follows.")
    has_previous_page = graphene.Boolean(required=True, description="Whether something comes before.")
    start_cursor = graphene.String(description="The cursor of the first item here.")
    end_cursor = graphene.String(description="The cursor of the last item here; pass it as `after`.")

    @staticmethod
    def resolve_has_next_page(connection: Connection, info: Any) -> bool:
        return connection.has_next()

    @staticmethod
    def resolve_has_previous_page(connection: Connection, info: Any) -> bool:
        return connection.has_previous()

    @staticmethod
    def resolve_start_cursor(connection: Connection, info: Any) -> str | None:
        return connection.order.cursor(connection.items[0]) if connection.items else None

    @staticmethod
    def resolve_end_cursor(connection: Connection, info: Any) -> str | None:
        return connection.order.cursor(connection.items[-1]) if connection.items else connection.cursor_when_empty


def connection_args(**more: graphene.Argument) -> dict[str, graphene.Argument]:
    """The arguments of every list; `more` are the list's own filters."""
    page_size = f"at most {MAX_PAGE_SIZE}; a larger number counts as {MAX_PAGE_SIZE}"
    return {
        "first": graphene.Int(description=f"How many items, {page_size}. {DEFAULT_PAGE_SIZE} when left out."),
        "after": graphene.String(description="Only what comes after this cursor."),
        "last": graphene.Int(description=f"How many items from the end, {page_size}. Not together with `first`."),
        "before": graphene.String(description="Only what comes before this cursor."),
        **more,
    }


class Edge(graphene.ObjectType):
    """What the edges of all lists have in common. They resolve from the connection and one of its items."""

    class Meta:
        abstract = True

    cursor = graphene.String(required=True, description="Its place in the list.")

    @staticmethod
    def resolve_cursor(edge: tuple[Connection, Any], info: Any) -> str:
        return edge[0].order.cursor(edge[1])

    @staticmethod
    def resolve_node(edge: tuple[Connection, Any], info: Any) -> Any:
        return edge[0].node(edge[1])


@cache
def _types(name: str, node: Any, edge_base: Any) -> tuple[type, type]:
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
        "page_info": graphene.Field(PageInfo, required=True, description="What comes before and after."),
        "total_count": graphene.Int(required=True, description="How many items the whole list has."),
        "resolve_edges": staticmethod(lambda connection, info: [(connection, item) for item in connection.items]),
        "resolve_nodes": staticmethod(lambda connection, info: [connection.node(item) for item in connection.items]),
        "resolve_page_info": staticmethod(lambda connection, info: connection),
        "resolve_total_count": staticmethod(lambda connection, info: connection.count()),
    }
    return edge, type(f"{name}Connection", (graphene.ObjectType,), members)


def connection_type(node: Any, name: str = "", edge: Any = Edge) -> Any:
    """The connection type of a node type; give the name where the node is not yet built and so is a function.

    `edge` is a class with the fields that the edges of this list have beside the usual ones.
    """
    return _types(name or node.__name__.removesuffix("Interface"), node, edge)[1]
