"""Writes the query that asks for everything the API tells of one page, for front-end developers to start from."""

import json
from collections.abc import Collection

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    print_ast,
)

ANOTHER_PAGE = "{ __typename title url }"
# Values for arguments that must be given.
ARGUMENTS = {"name": "CONTENT"}
ITEMS = 5


def page_query(schema: GraphQLSchema, type_name: str, path: str, without: Collection[str] = ()) -> str:
    """The query for the page of this type at a path, with all its fields but those named in `without`.

    Of other pages it asks for title and address only.
    """
    interface, of_type = schema.get_type("PageInterface"), schema.get_type(type_name)
    assert isinstance(interface, GraphQLInterfaceType)  # noqa: S101 - for the type checker
    assert isinstance(of_type, GraphQLObjectType)  # noqa: S101 - for the type checker
    fields = {name: field for name, field in of_type.fields.items() if name not in without}
    shared = [_field(schema, name, field) for name, field in fields.items() if name in interface.fields]
    own = [_field(schema, name, field) for name, field in fields.items() if name not in interface.fields]
    of_its_type = f"... on {type_name} {{ {' '.join(own)} }}" if own else ""
    # The JSON form of a text is also its GraphQL form.
    query = f"{{ page(urlPath: {json.dumps(path)}) {{ __typename {' '.join(shared)} {of_its_type} }} }}"
    return print_ast(parse(query))


def _field(schema: GraphQLSchema, name: str, field: GraphQLField, above: frozenset[str] = frozenset()) -> str:
    """The field and what is below it. A type that leads back to itself is left out the second time."""
    target = get_named_type(field.type)
    needed = [f"{each}: {ARGUMENTS[each]}" for each, spec in field.args.items() if is_required_argument(spec)]
    call = f"{name}({', '.join(needed)})" if needed else name
    if is_leaf_type(target):
        return call
    if _is_page(target):
        return f"{call} {ANOTHER_PAGE}"
    if isinstance(target, GraphQLObjectType) and "pageInfo" in target.fields:
        return f"{name}(first: {ITEMS}) {{ totalCount nodes {ANOTHER_PAGE} }}"
    if target.name in above:
        return ""
    return f"{call} {{ {_below(schema, target, above | {target.name})} }}"


def _below(schema: GraphQLSchema, target: GraphQLNamedType, above: frozenset[str]) -> str:
    if isinstance(target, GraphQLInterfaceType):
        parts = [_field(schema, name, field, above) for name, field in target.fields.items()]
        for kind in schema.get_possible_types(target):
            own = [
                _field(schema, name, field, above) for name, field in kind.fields.items() if name not in target.fields
            ]
            parts.append(f"... on {kind.name} {{ {' '.join(own)} }}")
        return " ".join(parts)
    assert isinstance(target, GraphQLObjectType)  # noqa: S101 - for the type checker
    return " ".join(_field(schema, name, field, above) for name, field in target.fields.items())


def _is_page(target: GraphQLNamedType) -> bool:
    interfaces = target.interfaces if isinstance(target, GraphQLObjectType) else [target]
    return any(each.name == "PageInterface" for each in interfaces)
