"""Writes random GraphQL requests from a schema, most of them valid, the same ones from the same seed."""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    parse,
)
from graphql.utilities import type_from_ast

DEPTH, FIELDS = 5, 40
HUGE = ["9" * 400, f"-{'9' * 400}", "9" * 5_000, "1e999", "0." + "1" * 400]
ODD_TEXTS = ["", " ", "\x00", "\u202e", "é", "𝕏", "\ud800", "x" * 3_000, "%", "'; --", '"', "\\", "../..", "0", "None"]
ODD_LITERALS = ["null", "-1", "99999999999", "1.5e308", "true", '""', '"x"', "[]", "[[1]]", "{}", "{a: 1}", "NOTHING", "$nothing", *HUGE]  # fmt: skip
# What may be in a cursor: its version, the name of its list, then the values of the columns that order the list.
LISTS = ["news", "pages", "meetings", "meetings upcoming", "plans", "insights", "annual reviews", "death reviews", "tree", "changes", "search 0", "", None, 7]  # fmt: skip
CURSOR_VALUES = [0, 1, -1, 2**31, 2**63, 10**40, 1.5, 1e300, None, True, [], [[]], {}, {"a": 1}, "", "x", "\x00", "\ud800", "0", "2025", "2025-13", "x" * 2_000, "00010001", "2026-02-24T10:00:00+00:00", "2026-02-24T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "6f1d3e52-5d0c-4b7e-9a39-0d0c5e1f2a11"]  # fmt: skip
MOMENTS = ["2026-02-24T10:00:00+00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-02-24"]
VALUES = {
    "Boolean": [True, True, False],
    "Int": [0, 1, 2, 3, 3, 5, 5, 20, 100, 101, -1, 2**31 - 1],
    "DateTime": MOMENTS,
    "Date": MOMENTS,
}
SHARDS = ["{", "}", "(", ")", "...", "@", "$", "!", '"', '"""', "#", "on", "fragment F on Query { __typename }", "\x00", "\ufeff", "é"]  # fmt: skip


@dataclass
class _Query:
    """A query while it is written."""

    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    fields: int = 0


class QueryFuzzer:
    """`texts` are what text arguments are given: paths, ids, slugs, words. Cursors are added as answers show them.

    `tokens` are for previews, and must be wrong. `documents` are those that are registered, by id.
    `asked` counts for each "Type.field" how often it was asked for; what was asked for least goes first.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        seed: int,
        texts: list[str],
        tokens: list[str],
        documents: Mapping[str, str],
    ) -> None:
        assert schema.query_type
        self.schema, self.query_type, self.random = schema, schema.query_type, Random(seed)
        self.texts, self.tokens, self.documents, self.cursors = texts, tokens, documents, ["x"]
        self.asked: Counter[str] = Counter()

    def requests(self, number: int) -> Iterator[dict[str, Any]]:
        """Bodies of requests: query or documentId, variables, operationName, extensions."""
        for _ in range(number):
            yield self._by_id() if self._perhaps(0.1) else self._request()

    def learn(self, answer: Any) -> None:
        """Take cursors from an answer, to ask for what comes after them."""
        if isinstance(answer, list):
            for item in answer:
                self.learn(item)
        elif isinstance(answer, dict):
            for name, value in answer.items():
                if "cursor" in name.lower() and isinstance(value, str):
                    self.cursors = [*self.cursors[-50:], value]
                else:
                    self.learn(value)

    def _perhaps(self, chance: float) -> bool:
        return self.random.random() < chance

    def _request(self) -> dict[str, Any]:
        query = _Query()
        body = self._selection(self.query_type, 0, query)
        declared = f"({', '.join(query.declared)})" if query.declared else ""
        text = " ".join([f"query Q{declared}{body}", *query.fragments])
        request: dict[str, Any] = {"query": text, "variables": query.variables}
        if self._perhaps(0.1):
            request["query"] = self._mangled(text)
        if self._perhaps(0.1):
            request["operationName"] = self.random.choice(["Q", "", "Nothing", None])
        if self._perhaps(0.1):
            request["extensions"] = self.random.choice([{"cost": True}, {}, {"persistedQuery": 1}, None])
        return request

    def _by_id(self) -> dict[str, Any]:
        """A registered document with variables of the right types, most of them, or an id of none."""
        if self._perhaps(0.1):
            return {"documentId": self.random.choice([*ODD_TEXTS, "sha256:" + "0" * 64])}
        key = self.random.choice(list(self.documents))
        [operation] = [
            each for each in parse(self.documents[key]).definitions if isinstance(each, OperationDefinitionNode)
        ]
        variables = {}
        for each in operation.variable_definitions:
            name, kind = each.variable.name.value, type_from_ast(self.schema, each.type)
            variables[name] = self._odd() if self._perhaps(0.05) else self._python_value(name, kind)
        return {"documentId": key, "variables": variables}

    def _odd(self) -> Any:
        return self.random.choice([*ODD_TEXTS, *CURSOR_VALUES])

    def _forged_cursor(self) -> str:
        """Base64 of JSON, as cursors are: one that was given out with other values, or all made up."""
        cursor = self.random.choice(self.cursors)
        try:
            values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            values[self.random.randrange(len(values))] = self.random.choice(CURSOR_VALUES)
        except ValueError:
            some = [self.random.choice(CURSOR_VALUES) for _ in range(self.random.randint(0, 4))]
            values = self.random.choice([[1, self.random.choice(LISTS), *some], some, None, {"a": 1}, "x"])
        return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

    def _mangled(self, text: str) -> str:
        for _ in range(self.random.randint(1, 3)):
            start = self.random.randrange(len(text))
            end = min(len(text), start + self.random.choice([0, 1, 1, 5, 50]))
            text = text[:start] + self.random.choice([*SHARDS, "", text[start:end] * 2]) + text[end:]
        return text

    def _selection(self, kind: GraphQLNamedType, depth: int, query: _Query) -> str:
        parts = []
        if is_abstract_type(kind):
            possible = list(self.schema.get_possible_types(kind))  # type: ignore[arg-type]
            for each in self.random.sample(possible, min(len(possible), self.random.randint(0, 3))):
                parts.append(self._fragment(each, depth, query))
        fields = self._fields(kind)
        self.random.shuffle(fields)
        fields.sort(key=lambda name: self.asked[f"{kind.name}.{name}"])
        wanted = self.random.randint(1, 5)
        for name in fields:
            if wanted and (call := self._field(kind, name, depth, query)):
                parts.append(call)
                wanted -= 1
        if not parts or self._perhaps(0.1):
            parts.append("__typename")
        return " { " + " ".join(parts) + " }"

    def _fields(self, kind: Any) -> list[str]:
        found = list(kind.fields) if hasattr(kind, "fields") else []
        return [*found, *(["__schema", "__type"] if kind is self.query_type and self._perhaps(0.03) else [])]

    def _fragment(self, kind: GraphQLNamedType, depth: int, query: _Query) -> str:
        body = self._selection(kind, depth, query)
        if self._perhaps(0.7):
            return f"... on {kind.name}{self._directive(query)}{body}"
        name = f"F{len(query.fragments)}"
        query.fragments.append(f"fragment {name} on {kind.name}{body}")
        return f"...{name}{self._directive(query)}"

    def _field(self, kind: Any, name: str, depth: int, query: _Query) -> str:
        """A call of the field with what it leads to; nothing when that would lead too far."""
        meta = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
        spec = meta.get(name) or kind.fields[name]
        target = get_named_type(spec.type)
        if not is_leaf_type(target) and (depth >= DEPTH or query.fields >= FIELDS):
            return ""
        query.fields += 1
        self.asked[f"{kind.name}.{name}"] += 1
        given = [
            f"{arg}: {self._value(arg, of.type, query)}"
            for arg, of in spec.args.items()
            if is_required_argument(of) or self._perhaps(0.3)
        ]
        # The same name may be another field on another type, so most have a name of their own.
        alias = "" if self._perhaps(0.1) else f"n{query.fields}: "
        call = alias + name + (f"({', '.join(given)})" if given else "") + self._directive(query)
        return call if is_leaf_type(target) else call + self._selection(target, depth + 1, query)

    def _directive(self, query: _Query) -> str:
        if self._perhaps(0.95):
            return ""
        condition = self._value("if", GraphQLNonNull(self.schema.type_map["Boolean"]), query)
        return f" @{self.random.choice(['include', 'skip'])}(if: {condition})"

    def _value(self, name: str, kind: GraphQLInputType, query: _Query) -> str:
        """A value as it is written in a query: a literal, or a variable that has it."""
        if self._perhaps(0.02):
            return self.random.choice(ODD_LITERALS)
        value = self._python_value(name, kind)
        if self._perhaps(0.25):
            variable = f"v{len(query.declared)}"
            query.declared.append(f"${variable}: {kind}")
            query.variables[variable] = self._odd() if self._perhaps(0.02) else value
            return f"${variable}"
        literal = json.dumps(value)
        return literal.replace('"', "") if isinstance(get_named_type(kind), GraphQLEnumType) else literal

    def _python_value(self, name: str, kind: Any) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._python_value(name, kind.of_type)
        if isinstance(kind, GraphQLList):
            return [self._python_value(name, kind.of_type) for _ in range(self.random.randint(0, 2))]
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice(list(kind.values))
        values = VALUES.get(kind.name)
        if name in ("after", "before", "since") and self._perhaps(0.2):
            return self._forged_cursor()
        if values is None:
            by_name = {
                "after": self.cursors,
                "before": self.cursors,
                "since": self.cursors,
                "token": self.tokens,
                "name": list(self.schema.type_map),
            }
            values = ODD_TEXTS if self._perhaps(0.05) else by_name.get(name, self.texts)
        return self.random.choice(values)
