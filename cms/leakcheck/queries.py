"""Generates the queries of cms/leakcheck/check.py from a schema, so that they cover every field.

The walk starts at every root field and goes `DEPTH` fields down. At each place it queries all plain fields of all types
that the place can have. It goes on below the objects that the response contains.
"""

import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Any
from zlib import crc32

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

DEPTH = 3
# The endpoint allows 1,500 tokens, 20 aliases and 12 root fields, and 3 aliases for each root field and each list. The
# number of places limits the cost of one query.
TOKENS_IN_A_QUERY, TOKENS_IN_A_FRAGMENT, PLACES_IN_A_QUERY = 1200, 700, 20
STEPS_IN_A_QUERY, ROOT_FIELDS_IN_A_QUERY, NAMES_IN_A_QUERY = 20, 12, 3
ITEMS_IN_A_LIST = 10  # with more, nested lists would exceed the cost that the endpoint allows
# Arguments that get a path, and arguments that get a text. Other required arguments are reported as not covered.
PATH_ARGUMENTS, TEXT_ARGUMENTS = {"urlPath", "path"}, {"query"}
# Arguments that get ids: of pages in the list of changes, which may be hidden now.
ID_ARGUMENTS = {"id", "ids"}
NOBODY = "00000000-0000-4000-8000-000000000000"
CURSORS = {"first", "after", "last", "before", "since"}
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|\.\.\.|[^\s\w,]')
_ALIAS = re.compile(r"\w+?__(\w+?)(?:__[0-9a-f]+)?")

Arguments = tuple[tuple[str, str], ...]
Tree = dict[Any, Any]  # step or fragment spread → the tree below it


@dataclass(frozen=True)
class Step:
    """A field of a type, with its arguments as GraphQL literals."""

    on: str
    field: str
    arguments: Arguments = ()

    @property
    def call(self) -> str:
        arguments = ", ".join(f"{name}: {value}" for name, value in self.arguments)
        return f"{self.field}({arguments})" if arguments else self.field

    @property
    def alias(self) -> str:
        """The type, the field and a checksum of the arguments: a field of the same name can differ between types."""
        number = f"__{crc32(self.call.encode()):x}" if self.arguments else ""
        return f"{self.on}__{self.field}{number}"


Path = tuple[Step, ...]
Place = tuple[Path, int]  # a path, and which part of the plain fields at its end to query


def call_of(place: Place) -> str:
    """The path of a place for people, such as `news(first: 10).nodes`."""
    return ".".join(step.call for step in place[0])


class GraphQLWalk:
    """The places that are still to be queried (`pending`). Responses add further ones."""

    def __init__(self, schema: GraphQLSchema, words: list[str]) -> None:
        assert schema.query_type is not None  # noqa: S101 - a schema from introspection has one
        self.schema, self.words = schema, words
        self.query_type = schema.query_type
        self.unfilled: set[str] = set()
        self.pending: deque[Place] = deque()
        self.known: set[Path] = set()
        self.calls: dict[str, str] = {}
        self._parts: dict[str, list[str]] = {}
        for name in self.query_type.fields:
            self._add((), self.query_type.name, name, ["/"])

    def add_path(self, path: str) -> None:
        """Query every root field that takes a path with this one."""
        for name, field in self.query_type.fields.items():
            if any(arg in PATH_ARGUMENTS and is_required_argument(spec) for arg, spec in field.args.items()):
                self._add((), self.query_type.name, name, [path])

    def add_id(self, key: str) -> None:
        """Query every root field that takes an id with this one, without the fields below its objects."""
        for name, field in self.query_type.fields.items():
            for arg in ID_ARGUMENTS & field.args.keys():
                self._enqueue((Step(self.query_type.name, name, ((arg, json.dumps(key)),)),))

    # --- Places ---

    def _add(self, before: Path, on: str, name: str, paths: list[str]) -> None:
        for arguments in self._calls(before, on, name, paths):
            self._enqueue((*before, Step(on, name, arguments)))

    def _enqueue(self, path: Path) -> None:
        if path not in self.known:
            self.known.add(path)
            self.calls[path[-1].alias] = path[-1].call
            self.pending.extend((path, part) for part in range(len(self._plain_fields(self._type(path))) or 1))

    def _calls(self, before: Path, on: str, name: str, paths: list[str]) -> Iterator[Arguments]:
        """The argument lists to call a field with.

        They combine all values of the required arguments, and add each optional argument once to the first of them.
        """
        field = self._field(on, name)
        needed: list[list[tuple[str, str]]] = []
        options: list[tuple[str, str]] = []
        for arg, spec in field.args.items():
            values = [(arg, value) for value in self._values(arg, spec, paths)]
            if not is_required_argument(spec):
                options += values
            elif values and _is_known(arg, spec):
                needed.append(values)
            else:
                self.unfilled.add(f"{on}.{name}({arg})")
                return
        if {"first", "after"} <= field.args.keys() and not any(self._is_list(step) for step in before):
            needed.append([("first", str(ITEMS_IN_A_LIST))])
        calls = list(product(*needed))
        yield from calls
        yield from ((*calls[0], option) for option in options if paths == ["/"])

    def _values(self, arg: str, spec: GraphQLArgument, paths: list[str]) -> list[str]:
        """The values to try for an argument, as GraphQL literals. Empty if none is known."""
        kind = get_named_type(spec.type)
        if isinstance(kind, GraphQLEnumType):
            return list(kind.values)
        if arg in ID_ARGUMENTS:
            return [json.dumps(NOBODY)]
        if arg in PATH_ARGUMENTS:
            return [json.dumps(path) for path in paths]
        if arg in TEXT_ARGUMENTS or (kind is GraphQLString and arg not in CURSORS):
            return [json.dumps(word) for word in self.words]
        return []

    def _field(self, on: str, name: str) -> GraphQLField:
        return self.schema.type_map[on].fields[name]  # type: ignore[attr-defined]

    def _is_list(self, step: Step) -> bool:
        kind = self._field(step.on, step.field).type
        return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)

    def _type(self, path: Path) -> GraphQLNamedType:
        return get_named_type(self._field(path[-1].on, path[-1].field).type)

    # --- Queries ---

    def batch(self) -> list[Place]:
        """The next places that fit into one query."""
        places = [self.pending.popleft()]
        while self.pending and len(places) < PLACES_IN_A_QUERY:
            if not self._fit_into_one_query([*places, self.pending[0]]):
                break
            places.append(self.pending.popleft())
        return places

    def _fit_into_one_query(self, places: list[Place]) -> bool:
        steps = {path[: number + 1] for path, _ in places for number in range(len(path))}
        names = Counter((on, field) for on, field, _ in {(s[-1].on, s[-1].field, s[-1].arguments) for s in steps})
        return (
            len(steps) <= STEPS_IN_A_QUERY
            and len({step[0] for step in steps}) <= ROOT_FIELDS_IN_A_QUERY
            and max(names.values()) <= NAMES_IN_A_QUERY
            and _tokens(self.query(places)) <= TOKENS_IN_A_QUERY
        )

    def query(self, places: list[Place]) -> str:
        """One query for all these places, with a fragment for the plain fields of each type."""
        fragments: dict[str, str] = {}
        tree: Tree = {}
        for path, part in places:
            branch = tree
            for step in path:
                branch = branch.setdefault(step, {})
            kind = self._type(path)
            if not is_leaf_type(kind):
                name = f"Plain_{kind.name}_{part}"
                fragments[name] = f"fragment {name} on {kind.name} {{ {self._plain_fields(kind)[part]} }}"
                branch[f"...{name}"] = {}
        return " ".join([f"{{ {_selection(tree)} }}", *fragments.values()])

    def roots_query(self) -> str:
        """A query for the addresses under which the site refers to itself, if the schema has fields for that."""
        wanted = {"site": "rootUrl", "feeds": "url"}
        known = [name for name in wanted if name in self.query_type.fields]
        known = [name for name in known if wanted[name] in get_named_type(self.query_type.fields[name].type).fields]
        return f"{{ {' '.join(f'{name} {{ {wanted[name]} }}' for name in known)} }}" if known else "{ __typename }"

    def _plain_fields(self, kind: GraphQLNamedType) -> list[str]:
        """Selections that together have every plain field of every object type that a place of this type can have."""
        if is_leaf_type(kind) or kind.name in self._parts:
            return self._parts.get(kind.name, [])
        own = {name for name, field in getattr(kind, "fields", {}).items() if _is_plain(field)}
        pieces = sorted(own)
        for possible in (
            self.schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType) else ()
        ):
            names = [name for name, field in possible.fields.items() if _is_plain(field) and name not in own]
            pieces += [f"... on {possible.name} {{ {possible.name}__{name}: {name} }}" for name in names]
        parts = ["__typename"]
        for piece in pieces:
            if _tokens(parts[-1]) > TOKENS_IN_A_FRAGMENT:
                parts.append("__typename")
            parts[-1] += f" {piece}"
        self._parts[kind.name] = parts
        return parts

    # --- Responses ---

    def learn(self, places: list[Place], data: dict[str, Any]) -> None:
        """Add the places below the objects in a response, and the next pages of lists."""
        for path, _ in places:
            if is_leaf_type(self._type(path)):
                continue
            found = list(_found(data, path))
            for name in sorted({item["__typename"] for item in found}):
                self._add_below(path, name)
            cursors = [item["endCursor"] for item in found if item.get("hasNextPage") and item.get("endCursor")]
            for cursor in cursors if len(path) > 1 else ():
                self._add_next_page(path[:-1], cursor)

    def _add_below(self, path: Path, name: str) -> None:
        """Add the fields that are not plain of an object of the type `name` at the path."""
        if len(path) > DEPTH or {name for name, _ in path[0].arguments} & ID_ARGUMENTS:
            return
        kind = self._type(path)
        for field_name, field in self.schema.type_map[name].fields.items():  # type: ignore[attr-defined]
            if not _is_plain(field):
                on = kind.name if field_name in getattr(kind, "fields", {}) else name
                self._add(path, on, field_name, ["/"])

    def _add_next_page(self, path: Path, cursor: str) -> None:
        *before, last = path
        if not any(self._is_list(step) for step in before) and "after" in self._field(last.on, last.field).args:
            kept = tuple((name, value) for name, value in last.arguments if name != "after")
            self._enqueue((*before, Step(last.on, last.field, (*kept, ("after", json.dumps(cursor))))))

    def strings(self, content: object, place: str = "") -> Iterator[tuple[str, str]]:
        """Every text in a response, as pairs of place and text."""
        if isinstance(content, dict):
            for key, value in content.items():
                yield from self.strings(value, f"{place}.{self.readable(key)}".lstrip("."))
        elif isinstance(content, list):
            for value in content:
                yield from self.strings(value, place)
        elif isinstance(content, str):
            yield place, content

    def readable(self, key: str) -> str:
        """The call behind an alias of ours; any other key as it is."""
        alias = _ALIAS.fullmatch(key)
        return self.calls.get(key) or (alias[1] if alias else key)


def _selection(tree: Tree) -> str:
    parts = []
    for step, below in tree.items():
        if isinstance(step, str):
            parts.append(step)
        else:
            selection = f" {{ {_selection(below)} }}" if below else ""
            parts.append(f"... on {step.on} {{ {step.alias}: {step.call}{selection} }}")
    return " ".join(parts)


def _is_known(arg: str, spec: GraphQLArgument) -> bool:
    """Whether the values of `_values` fit the argument. A word does not fit an argument that takes an id."""
    return arg in PATH_ARGUMENTS | TEXT_ARGUMENTS | ID_ARGUMENTS or isinstance(
        get_named_type(spec.type), GraphQLEnumType
    )


def _is_plain(field: GraphQLField) -> bool:
    """Whether the field is a scalar or an enumeration and takes no arguments."""
    return is_leaf_type(get_named_type(field.type)) and not field.args


def _found(data: object, path: Path) -> Iterator[dict[str, Any]]:
    """The objects at a path of a response, with lists replaced by their items."""
    if isinstance(data, list):
        yield from chain.from_iterable(_found(item, path) for item in data)
    elif isinstance(data, dict):
        if path:
            yield from _found(data.get(path[0].alias), path[1:])
        else:
            yield data


def _tokens(query: str) -> int:
    return len(_TOKEN.findall(query))
