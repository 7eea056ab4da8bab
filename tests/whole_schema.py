"""Asks for every field of the schema, so that a field added tomorrow is tested without anybody thinking of it."""

from typing import Any

from graphql import (
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


QUERIES = {
    name: parse(WholeSchema(schema.graphql_schema).query(name))
    for name in schema.graphql_schema.query_type.fields  # type: ignore[union-attr]
}


def everything(root_field: str, path: str = "/", key: str = NOBODY) -> Any:
    """All that a root field answers, `DEPTH` levels down. Fails when the answer has errors."""
    result = execute(
        schema.graphql_schema,
        QUERIES[root_field],
        context_value=GraphQLContext.now(),
        variable_values={"path": path, "id": key},
    )
    assert result.errors is None, (root_field, path, result.errors)  # type: ignore[union-attr]
    return result.data  # type: ignore[union-attr]
