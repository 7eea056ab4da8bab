"""Fragments on any two types of an interface fit into one query: what has the same name has the same shape.

"Field Selection Merging" of the specification (https://spec.graphql.org/October2021/#sec-Field-Selection-Merging). A
field that is deprecated does not count: its successor has a name of its own.
"""

from itertools import combinations

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from cms.graphql.schema.query import schema
from pages import models
from pages.content.choices import WithdrawalKind
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.hidden_content import administrator

SCHEMA = schema.graphql_schema
INTERFACES = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLInterfaceType)]
# The contract has it on every page, and null on a page that is gone. `heading` is never null.
MAY_BE_NULL = {("Node", "title"), ("PageInterface", "title")}


def clashes(one, other, path="", above=frozenset()):
    """The fields that two types share, at any depth, and that a query cannot have of both."""
    for name in sorted(one.fields.keys() & other.fields.keys()):
        pair = one.fields[name], other.fields[name]
        if not any(field.deprecation_reason for field in pair):
            yield from different(*(field.type for field in pair), f"{path}{name}", above)


def different(one, other, path, above):
    for wrapper in (GraphQLNonNull, GraphQLList):
        if isinstance(one, wrapper) != isinstance(other, wrapper):
            yield path
            return
        if isinstance(one, wrapper):
            one, other = one.of_type, other.of_type
    if isinstance(one, GraphQLNonNull | GraphQLList) or isinstance(other, GraphQLNonNull | GraphQLList):
        yield from different(one, other, path, above)
    elif is_leaf_type(one) or is_leaf_type(other):
        if one is not other:
            yield path
    elif one is not other and (one, other) not in above:
        yield from clashes(one, other, f"{path}.", above | {(one, other)})


def all_clashes(graphql_schema, interface):
    """Field → the types that differ in it, for the interface and all pairs of its types."""
    kinds = [interface, *graphql_schema.get_possible_types(interface)]
    found = {}
    for pair in combinations(kinds, 2):
        for path in clashes(*pair):
            found.setdefault(path, set()).update(kind.name for kind in pair)
    return found


@pytest.mark.parametrize("interface", INTERFACES, ids=str)
def test_types_of_an_interface_have_no_name_for_different_things(interface):
    found = {(interface.name, path): kinds for path, kinds in all_clashes(SCHEMA, interface).items()}
    assert {key: kinds for key, kinds in found.items() if key not in MAY_BE_NULL} == {}
    assert found.keys() == {key for key in MAY_BE_NULL if key[0] == interface.name}


SMALL = """interface I { a: Int } type A implements I { a: Int b: [%s!]! } type B implements I { a: Int b: [%s!]! }
  type C { d: Int } type D { d: Int! } type E { e: Int } enum F { G } type Query { i: I }"""


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("C", "C", {}),
        ("C", "E", {}),
        ("C", "D", {"b.d": {"A", "B"}}),
        ("Int", "F", {"b": {"A", "B"}}),
        ("[Int]", "[Int!]", {"b": {"A", "B"}}),
        ("[Int]", "Int", {"b": {"A", "B"}}),
    ],
)
def test_what_counts_as_a_clash(one, other, found):
    small = build_schema(SMALL % (one, other))
    assert all_clashes(small, small.type_map["I"]) == found


PAGES = """query ($path: String!) { page(urlPath: $path) {
  ... on MeetingPage { heading status title } ... on PriorityPeriodPage { heading periodStatus }
  ... on WithdrawnPage { heading withdrawal { kind } } heading } }"""


def test_fragments_on_a_meeting_a_period_and_a_withdrawn_page_are_one_query(home, ask):
    assert validate(SCHEMA, parse(PAGES)) == []
    meeting = factories.page(
        models.MeetingPage, factories.page(models.MeetingIndexPage, home, slug="meetings"), title="February"
    )
    period = factories.page(models.PriorityPeriodPage, home, slug="period", title="2025 to 2027")
    told = [ask(PAGES, path=path)["page"] for path in ("/meetings/24-february-2026/", "/period/")]
    assert told == [
        {"heading": "February", "status": "PROVISIONAL", "title": "February"},
        {"heading": "2025 to 2027", "periodStatus": "CURRENT"},
    ]
    withdraw(period, administrator(), WithdrawalKind.WITHDRAWN, "Out of date.")
    take_down(meeting, administrator(), "It names somebody.")
    told = [ask(PAGES, path=path)["page"] for path in ("/meetings/24-february-2026/", "/period/")]
    assert told == [
        {"heading": "This page is not available", "withdrawal": {"kind": "GONE"}},
        {"heading": "2025 to 2027", "withdrawal": {"kind": "WITHDRAWN"}},
    ]


def test_what_is_deprecated_says_what_to_use_instead():
    deprecated = {
        f"{kind.name}.{name}": field
        for kind in SCHEMA.type_map.values()
        for name, field in getattr(kind, "fields", {}).items()
        if getattr(field, "deprecation_reason", None)
    }
    assert {name: field.deprecation_reason for name, field in deprecated.items()} == {
        "PriorityPeriodPage.status": "Use periodStatus. Goes after 2027-06-30."
    }
    assert get_named_type(deprecated["PriorityPeriodPage.status"].type).name == "PeriodStatus"
