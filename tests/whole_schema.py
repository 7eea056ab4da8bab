"""Asks for every field of the schema, so that a field added tomorrow is tested without anybody thinking of it."""

from collections.abc import Iterable
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLSchema,
    GraphQLUnionType,
    execute,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)

from cms.graphql.context import GraphQLContext
from cms.graphql.schema.query import schema

# Values for arguments that must be given.
ARGUMENTS = {"name": "CARD", "query": '"zzmarker"', "urlPath": "$path", "path": "$path", "id": "$id", "ids": "[$id]"}
NOBODY = "00000000-0000-4000-8000-000000000000"
DEPTH = 3
AT_PATHS = ("page", "redirect", "resolve")


class WholeSchema:
    """One fragment for each type and depth: writing them out in place would take hundreds of megabytes."""

    def __init__(self, graphql_schema: GraphQLSchema) -> None:
        self.schema = graphql_schema
        self.fragments: dict[str, str] = {}

    def fragment(self, of_type: Any, depth: int) -> str:
        name = f"{of_type.name}_{depth}"
        if name not in self.fragments:
            self.fragments[name] = ""  # taken, in case the type leads to itself
            if isinstance(of_type, GraphQLInterfaceType | GraphQLUnionType):
                possible = self.schema.get_possible_types(of_type)
                body = " ".join(["__typename", *(f"...{self.fragment(kind, depth)}" for kind in possible)])
            else:
                fields = (self.field(of_type.name, *item, depth) for item in of_type.fields.items())
                body = " ".join(["__typename", *fields])
            self.fragments[name] = f"fragment {name} on {of_type.name} {{ {body} }}"
        return name

    def field(self, type_name: str, name: str, field: GraphQLField, depth: int) -> str:
        target = get_named_type(field.type)
        arguments = ", ".join(
            f"{arg}: {ARGUMENTS[arg]}" for arg, spec in field.args.items() if is_required_argument(spec)
        )
        # An alias with the type: the same name has different types on different pages.
        call = f"{type_name}_{name}: {name}" + (f"({arguments})" if arguments else "")
        if is_leaf_type(target):
            return call
        return f"{call} {{ ...{self.fragment(target, depth - 1)} }}" if depth > 0 else ""

    def query(self, root_field: str) -> str:
        assert self.schema.query_type
        call = self.field("Query", root_field, self.schema.query_type.fields[root_field], DEPTH + 1)
        return f'query($path: String = "/", $id: ID! = "{NOBODY}") {{ {call} }} ' + " ".join(self.fragments.values())

    def query_of_all(self, paths: list[str]) -> str:
        """All root fields, and again for each path those that answer for a path, under the field's name and a number."""
        assert self.schema.query_type
        fields = self.schema.query_type.fields
        calls = [self.field("Query", name, field, DEPTH + 1) for name, field in fields.items()]
        for number, path in enumerate(paths):
            for name in AT_PATHS:
                call = self.field("Query", name, fields[name], DEPTH + 1).replace("$path", f'"{path}"')
                calls.append(call.replace(f"Query_{name}", f"{name}_{number}", 1))
        variables = f'$path: String = "/", $id: ID! = "{NOBODY}"'
        return f"query({variables}) {{ {' '.join(calls)} }} " + " ".join(self.fragments.values())


QUERIES = {
    name: parse(WholeSchema(schema.graphql_schema).query(name))
    for name in schema.graphql_schema.query_type.fields  # type: ignore[union-attr]
}


def everything(root_field: str, path: str = "/", key: str = NOBODY) -> Any:
    """All that a root field answers, `DEPTH` levels down. Fails when the answer has errors."""
    return _answer(QUERIES[root_field], path, key)


def everything_at(paths: Iterable[str]) -> dict[str, Any]:
    """All that all root fields answer, and what there is at each path: in one answer, which costs less than many."""
    paths = list(paths)
    answer = _answer(parse(WholeSchema(schema.graphql_schema).query_of_all(paths)), "/", NOBODY)
    found = {name: answer[f"Query_{name}"] for name in QUERIES}
    for number, path in enumerate(paths):
        found |= {f"{name} {path}": answer[f"{name}_{number}"] for name in AT_PATHS}
    return found


def _answer(document: DocumentNode, path: str, key: str) -> Any:
    context = GraphQLContext.now()
    values = {"path": path, "id": key}
    result = execute(schema.graphql_schema, document, context_value=context, variable_values=values)
    assert result.errors is None, (path, result.errors)  # type: ignore[union-attr]
    return result.data  # type: ignore[union-attr]
