"""Writes a query for all public fields of one page, as a starting point for front-end developers."""

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
# The values of required arguments.
ARGUMENTS = {"name": "CONTENT"}
ITEMS = 5


def page_query(schema: GraphQLSchema, type_name: str, path: str, without: Collection[str] = ()) -> str:
    """The query for the page of this type at a path, with all its fields except deprecated ones and those in `without`.

    It has only the type, title and address of other pages.
    """
    interface, page_type = schema.get_type("PageInterface"), schema.get_type(type_name)
    assert isinstance(interface, GraphQLInterfaceType)  # noqa: S101 - for the type checker
    assert isinstance(page_type, GraphQLObjectType)  # noqa: S101 - for the type checker
    fields = {
        name: field
        for name, field in page_type.fields.items()
        if name not in without and field.deprecation_reason is None
    }
    shared = [_field(schema, name, field) for name, field in fields.items() if name in interface.fields]
    own = [_field(schema, name, field) for name, field in fields.items() if name not in interface.fields]
    fragment = f"... on {type_name} {{ {' '.join(own)} }}" if own else ""
    # A JSON string is also a valid GraphQL string.
    query = f"{{ page(urlPath: {json.dumps(path)}) {{ __typename {' '.join(shared)} {fragment} }} }}"
    return print_ast(parse(query))


def _field(schema: GraphQLSchema, name: str, field: GraphQLField, ancestors: frozenset[str] = frozenset()) -> str:
    """The field with its selection set. `ancestors` are the names of the types above, which are not repeated inside."""
    target = get_named_type(field.type)
    arguments = [f"{each}: {ARGUMENTS[each]}" for each, arg in field.args.items() if is_required_argument(arg)]
    call = f"{name}({', '.join(arguments)})" if arguments else name
    if is_leaf_type(target):
        return call
    if _is_page(target):
        return f"{call} {ANOTHER_PAGE}"
    if isinstance(target, GraphQLObjectType) and "pageInfo" in target.fields:
        return f"{name}(first: {ITEMS}) {{ totalCount nodes {ANOTHER_PAGE} }}"
    if target.name in ancestors:
        return ""
    return f"{call} {{ {_selections(schema, target, ancestors | {target.name})} }}"


def _selections(schema: GraphQLSchema, target: GraphQLNamedType, ancestors: frozenset[str]) -> str:
    if isinstance(target, GraphQLInterfaceType):
        parts = [_field(schema, name, field, ancestors) for name, field in target.fields.items()]
        for possible_type in schema.get_possible_types(target):
            own = [
                _field(schema, name, field, ancestors)
                for name, field in possible_type.fields.items()
                if name not in target.fields
            ]
            parts.append(f"... on {possible_type.name} {{ {' '.join(own)} }}")
        return " ".join(parts)
    assert isinstance(target, GraphQLObjectType)  # noqa: S101 - for the type checker
    return " ".join(_field(schema, name, field, ancestors) for name, field in target.fields.items())


def _is_page(target: GraphQLNamedType) -> bool:
    interfaces = target.interfaces if isinstance(target, GraphQLObjectType) else [target]
    return any(each.name == "PageInterface" for each in interfaces)
