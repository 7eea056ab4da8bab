"""Queries whose SQL is written once for each connection, and then only sent with other values.

Django takes longer to write the SQL of a reader's query than the database takes to answer it. Functions that build such
a query are decorated with `compiled`. What a caller gives by position is part of the SQL (a model, a number of rows);
what it gives by name is a value in it.

    @compiled
    def _news(limit: int, /, *, as_of: datetime) -> QuerySet[NewsPage]:
        return public(NewsPage.objects.all(), as_of)[:limit]

    _news(10, as_of=now)  # a list

Django's iterables make the objects, from a compiler that knows its SQL already (django/db/models/sql/compiler.py).
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

Scalar = datetime | UUID | str | int
Value = Scalar | list[Any]
Place = tuple[str, int]  # the name of a value, and the position in it if it is a list

MAX_STATEMENTS = 500  # of one connection; those that were used last stay

_statements: WeakKeyDictionary[BaseDatabaseWrapper, "OrderedDict[Hashable, _Statement]"] = WeakKeyDictionary()


def compiled(build: Callable[..., QuerySet[Any, Any]]) -> Callable[..., list[Any]]:
    """A function that returns the rows of a query, whose SQL is kept.

    `build` returns a queryset of objects, or of tuples (`values_list`). It must put each value into the query as it is.
    Values are instants, UUIDs, texts, whole numbers, and lists of these; with an empty list the result is empty. With a
    value of another type, Django writes the query anew.

    Raises TypeError if `build` leaves a value out, or changes it on the way into the query.
    """

    @wraps(build)
    def run(*parts: Hashable, **values: Value) -> list[Any]:
        if not all(map(_is_known, values.values())):
            return list(build(*parts, **values))
        padded = {name: _padded(value) if isinstance(value, list) else value for name, value in values.items()}
        if any(value == [] for value in padded.values()):
            return []
        lengths = tuple(len(value) for value in padded.values() if isinstance(value, list))
        statement = _kept((build, parts, tuple(padded), lengths), lambda: _write(build, parts, padded))
        return statement.rows(padded)

    return run


def _is_known(value: object) -> bool:
    return all(isinstance(each, Scalar) for each in value) if isinstance(value, list) else isinstance(value, Scalar)


def _padded(value: list[Scalar]) -> list[Scalar]:
    """The list with its last member repeated until its length is a power of two, so that few lengths need SQL."""
    return [*value, *value[-1:] * ((1 << (len(value) - 1).bit_length()) - len(value))] if value else []


def _kept(key: Hashable, write: Callable[[], "_Statement"]) -> "_Statement":
    """The statement under this key for the connection of this thread."""
    statements = _statements.setdefault(connections[DEFAULT_DB_ALIAS], OrderedDict())
    if key not in statements:
        statements[key] = write()
        if len(statements) > MAX_STATEMENTS:
            statements.popitem(last=False)
    statements.move_to_end(key)
    return statements[key]


@dataclass(frozen=True)
class _Source:
    """What `ModelIterable` asks of a queryset."""

    compiler: SQLCompiler
    db: str

    @property
    def query(self) -> "_Source":
        return self

    @property
    def _known_related_objects(self) -> dict[Any, Any]:
        return {}

    def get_compiler(self, using: str) -> SQLCompiler:
        return self.compiler


@dataclass(frozen=True)
class _Statement:
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    places: dict[int, Place]  # which value belongs at which position of `parameters`
    makes_objects: bool

    def rows(self, values: dict[str, Any]) -> list[Any]:
        parameters = list(self.parameters)
        for position, (name, index) in self.places.items():
            value = values[name][index] if isinstance(values[name], list) else values[name]
            parameters[position] = _parameter(value, parameters[position])
        compiler = copy(self.compiler)
        compiler.as_sql = lambda *args, **kwargs: (self.sql, tuple(parameters))  # type: ignore[method-assign]
        if self.makes_objects:
            return list(ModelIterable(_Source(compiler, connection.alias)))  # type: ignore[arg-type]
        return list(compiler.results_iter(tuple_expected=True))


def _write(build: Callable[..., Any], parts: tuple[Hashable, ...], values: dict[str, Any]) -> _Statement:
    """Write the SQL twice with different marks in place of the values, which shows where the values belong."""
    marks, others = _marks(values, 1), _marks(values, 2)
    queryset = build(*parts, **marks)
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    other_sql, other_parameters = build(*parts, **others).query.get_compiler(connection=connection).as_sql()
    places = _places(parameters, marks)
    missing = {*_flat(values)} - {*places.values()}
    if sql != other_sql or missing or places != _places(other_parameters, others):
        raise TypeError(f"{build.__qualname__} changes or omits a value that its query is given.")
    if any(each != parameters[position] for position, each in enumerate(other_parameters) if position not in places):
        raise TypeError(f"{build.__qualname__} works out a part of its query from a value that it is given.")
    converters = compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])
    compiler.get_converters = lambda expressions: converters
    return _Statement(compiler, sql, tuple(parameters), places, queryset._iterable_class is ModelIterable)


def _marks(values: dict[str, Any], run: int) -> dict[str, Any]:
    """A value of the same type for each, unlike any other in this run and in any other run."""
    numbers = count(run * 100_000_000)
    return {
        name: [_mark(each, next(numbers)) for each in value] if isinstance(value, list) else _mark(value, next(numbers))
        for name, value in values.items()
    }


def _mark(value: Scalar, number: int) -> Scalar:
    if isinstance(value, datetime):
        return datetime.fromtimestamp(number, UTC)
    if isinstance(value, UUID):
        return UUID(int=number)
    return f"mark {number}" if isinstance(value, str) else number


def _flat(values: dict[str, Any]) -> dict[Place, Scalar]:
    return {
        (name, index): each
        for name, value in values.items()
        for index, each in enumerate(value if isinstance(value, list) else [value])
    }


def _places(parameters: Sequence[Any], marks: dict[str, Any]) -> dict[int, Place]:
    """Where the marks are among the parameters."""
    known = {_parameter(mark, mark): place for place, mark in _flat(marks).items()}
    return {position: known[each] for position, each in enumerate(parameters) if each in known}


def _parameter(value: Scalar, like: object) -> Any:
    """The value as the database takes it. Whole numbers are of the type that Django chose for the column (`like`)."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return type(like)(value) if isinstance(value, int) and isinstance(like, int) else value
