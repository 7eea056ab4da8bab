"""Writes the queries of cms/leakcheck/check.py from a schema, so that they ask for all there is, and reads their
answers.

The walk begins at every root field and goes `DEPTH` fields down. It asks for all plain fields of all types that a
place can have, and then goes on below what the answer showed to be there: below null there is nothing to find.
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
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

DEPTH = 3
# The endpoint takes 1500 tokens, 20 aliases, 12 root fields, and each of these and each list under 3 names. The number
# of places bounds the work of one query.
TOKENS_IN_A_QUERY, TOKENS_IN_A_FRAGMENT, PLACES_IN_A_QUERY = 1200, 700, 20
STEPS_IN_A_QUERY, ROOT_FIELDS_IN_A_QUERY, NAMES_IN_A_QUERY = 20, 12, 3
ITEMS_IN_A_LIST = 10  # with more, lists within lists would cost more than the endpoint allows
# What these arguments are given. Any other argument that must be given is reported as not covered.
PATH_ARGUMENTS, TEXT_ARGUMENTS = {"urlPath", "path"}, {"query"}
CURSORS = {"first", "after", "last", "before", "since"}
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|\.\.\.|[^\s\w,]')
_ALIAS = re.compile(r"\w+?__(\w+?)(?:__[0-9a-f]+)?")

Arguments = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """A field of a type, called with arguments that are written as in a query."""

    on: str
    field: str
    arguments: Arguments = ()

    @property
    def call(self) -> str:
        arguments = ", ".join(f"{name}: {value}" for name, value in self.arguments)
        return f"{self.field}({arguments})" if arguments else self.field

    @property
    def alias(self) -> str:
        """With the type, since the same name may be another field elsewhere, and a number for the arguments."""
        number = f"__{crc32(self.call.encode()):x}" if self.arguments else ""
        return f"{self.on}__{self.field}{number}"


Path = tuple[Step, ...]
Place = tuple[Path, int]  # what a path leads to, and which part of its plain fields to ask for


def call_of(place: Place) -> str:
    return ".".join(step.call for step in place[0])


class GraphQLWalk:
    """What is still to be asked (`pending`), and what the answers lead to."""

    def __init__(self, schema: GraphQLSchema, words: list[str]) -> None:
        assert schema.query_type is not None  # noqa: S101 - a schema that was told by introspection has one
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
        """Ask every root field that takes a path for this one."""
        for name, field in self.query_type.fields.items():
            if any(arg in PATH_ARGUMENTS and is_required_argument(spec) for arg, spec in field.args.items()):
                self._add((), self.query_type.name, name, [path])

    # --- What to ask ---

    def _add(self, before: Path, on: str, name: str, paths: list[str]) -> None:
        for arguments in self._calls(before, on, name, paths):
            self._enqueue((*before, Step(on, name, arguments)))

    def _enqueue(self, path: Path) -> None:
        if path not in self.known:
            self.known.add(path)
            self.calls[path[-1].alias] = path[-1].call
            self.pending.extend((path, part) for part in range(len(self._plain_fields(self._type(path))) or 1))

    def _calls(self, before: Path, on: str, name: str, paths: list[str]) -> Iterator[Arguments]:
        """The ways to call a field: each value of an enumeration, each path, each word, and each option once."""
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
        """What to give for an argument, as in a query; nothing where that is not known."""
        kind = get_named_type(spec.type)
        if isinstance(kind, GraphQLEnumType):
            return list(kind.values)
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

    def _type(self, path: Path) -> Any:
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
        fragments: dict[str, str] = {}
        tree: dict[Any, Any] = {}
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
        """Asks by which addresses the site calls itself, as far as the schema has fields for that."""
        wanted = {"site": "rootUrl", "feeds": "url"}
        there = [name for name in wanted if name in self.query_type.fields]
        there = [name for name in there if wanted[name] in get_named_type(self.query_type.fields[name].type).fields]
        return f"{{ {' '.join(f'{name} {{ {wanted[name]} }}' for name in there)} }}" if there else "{ __typename }"

    def _plain_fields(self, kind: Any) -> list[str]:
        """Selections that together hold every plain field of every type that a place of this type can have."""
        if is_leaf_type(kind) or kind.name in self._parts:
            return self._parts.get(kind.name, [])
        own = {name for name, field in getattr(kind, "fields", {}).items() if _is_plain(field)}
        pieces = sorted(own)
        for possible in self.schema.get_possible_types(kind) if is_abstract_type(kind) else ():
            names = [name for name, field in possible.fields.items() if _is_plain(field) and name not in own]
            pieces += [f"... on {possible.name} {{ {possible.name}__{name}: {name} }}" for name in names]
        parts = ["__typename"]
        for piece in pieces:
            if _tokens(parts[-1]) > TOKENS_IN_A_FRAGMENT:
                parts.append("__typename")
            parts[-1] += f" {piece}"
        self._parts[kind.name] = parts
        return parts

    # --- Answers ---

    def learn(self, places: list[Place], data: dict[str, Any]) -> None:
        """Go on below what was found, and to the next part of a list."""
        for path, _ in places:
            if is_leaf_type(self._type(path)):
                continue
            found = list(_found(data, path))
            for name in sorted({item["__typename"] for item in found}):
                self._add_below(path, name)
            cursors = [item["endCursor"] for item in found if item.get("hasNextPage") and item.get("endCursor")]
            for cursor in cursors if len(path) > 1 else ():
                self._next_part(path[:-1], cursor)

    def _add_below(self, path: Path, name: str) -> None:
        """The fields with more below them, of an object of this type that is at the path."""
        if len(path) > DEPTH:
            return
        kind = self._type(path)
        for field_name, field in self.schema.type_map[name].fields.items():  # type: ignore[attr-defined]
            if not _is_plain(field):
                on = kind.name if field_name in getattr(kind, "fields", {}) else name
                self._add(path, on, field_name, ["/"])

    def _next_part(self, path: Path, cursor: str) -> None:
        *before, last = path
        if not any(self._is_list(step) for step in before) and "after" in self._field(last.on, last.field).args:
            kept = tuple((name, value) for name, value in last.arguments if name != "after")
            self._enqueue((*before, Step(last.on, last.field, (*kept, ("after", json.dumps(cursor))))))

    def strings(self, content: Any, place: str = "") -> Iterator[tuple[str, str]]:
        """Every text in an answer, with where it stands."""
        if isinstance(content, dict):
            for key, value in content.items():
                yield from self.strings(value, f"{place}.{self.readable(key)}".lstrip("."))
        elif isinstance(content, list):
            for value in content:
                yield from self.strings(value, place)
        elif isinstance(content, str):
            yield place, content

    def readable(self, key: str) -> str:
        alias = _ALIAS.fullmatch(key)
        return self.calls.get(key) or (alias[1] if alias else key)


def _selection(tree: dict[Any, Any]) -> str:
    parts = []
    for step, below in tree.items():
        if isinstance(step, str):
            parts.append(step)
        else:
            selection = f" {{ {_selection(below)} }}" if below else ""
            parts.append(f"... on {step.on} {{ {step.alias}: {step.call}{selection} }}")
    return " ".join(parts)


def _is_known(arg: str, spec: GraphQLArgument) -> bool:
    """Whether any value is right for the argument: a word is none for the key of something."""
    return arg in PATH_ARGUMENTS | TEXT_ARGUMENTS or isinstance(get_named_type(spec.type), GraphQLEnumType)


def _is_plain(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type)) and not field.args


def _found(data: Any, path: Path) -> Iterator[dict[str, Any]]:
    """The objects at a path of an answer; lists on the way count as their items."""
    if isinstance(data, list):
        yield from chain.from_iterable(_found(item, path) for item in data)
    elif isinstance(data, dict):
        if path:
            yield from _found(data.get(path[0].alias), path[1:])
        else:
            yield data


def _tokens(query: str) -> int:
    return len(_TOKEN.findall(query))
