"""Writes queries that ask for every field of the schema, so that a field added tomorrow is tested without a thought."""

from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

# Values for arguments that must be given.
ARGUMENTS = {"name": "CARD", "query": '"marker"', "urlPath": '"/"', "path": '"/"'}


def selection(schema: GraphQLSchema, of_type: Any, depth: int, trail: tuple[str, ...] = ()) -> str:
    """Every field of a type, down to `depth` levels and without running in circles."""
    if isinstance(of_type, GraphQLInterfaceType | GraphQLUnionType):
        parts = ["__typename"]
        for possible in schema.get_possible_types(of_type):
            inner = selection(schema, possible, depth, trail)
            if inner:
                parts.append(f"... on {possible.name} {{ {inner} }}")
        return " ".join(parts)
    parts = []
    for name, field in of_type.fields.items():
        target = get_named_type(field.type)
        arguments = [f"{arg}: {ARGUMENTS[arg]}" for arg, spec in field.args.items() if is_required_argument(spec)]
        call = name + (f"({', '.join(arguments)})" if arguments else "")
        # An alias per type: the same name has different types on different pages.
        alias = f"{of_type.name}_{name}"
        if is_leaf_type(target):
            parts.append(f"{alias}: {call}")
        elif depth > 0 and (of_type.name, name) not in trail:
            inner = selection(schema, target, depth - 1, (*trail, (of_type.name, name)))  # type: ignore[arg-type]
            if inner:
                parts.append(f"{alias}: {call} {{ {inner} }}")
    return " ".join(parts)


def root_queries(schema: GraphQLSchema, depth: int = 3) -> dict[str, str]:
    """One query for each root field, with every field below it."""
    query: GraphQLObjectType = schema.query_type  # type: ignore[assignment]
    found = {}
    for name, field in query.fields.items():
        arguments = [f"{arg}: {ARGUMENTS[arg]}" for arg, spec in field.args.items() if is_required_argument(spec)]
        call = name + (f"({', '.join(arguments)})" if arguments else "")
        target = get_named_type(field.type)
        body = "" if is_leaf_type(target) else f" {{ {selection(schema, target, depth)} }}"
        found[name] = f"{{ {call}{body} }}"
    return found
