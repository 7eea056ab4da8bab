"""Hostile queries: each is refused for the reason that it should be, or answered, and costs little either way.

Little is 1,500,000 calls of functions, some 50 ms of CPU on the machine on which the limits were chosen, and 10 SQL
queries. Calls are counted and not seconds, so that a busy machine fails nothing.
"""

import json
import time
from cProfile import Profile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from cms.graphql.limits import syntax as limits
from pages.models import NewsPage, SearchText

pytestmark = pytest.mark.one_database

MANY = 100_000  # bytes that a request may have
# What is asked, by what became of it. None: it is answered.
HOSTILE = {
    "TOO_MANY_TOKENS": {
        "five hundred aliases": "{ " + " ".join(f"a{n}: news {{ totalCount }}" for n in range(500)) + " }",
    },
    "TOO_DEEP": {
        "deep nesting": "{ partnership { " + "parent { " * 120 + "id" + " }" * 122,
        "deeper than the parser goes": "{a" * 5_000 + "}" * 5_000,
        "deep nesting in fragments": "{ partnership { ...F0 } } "
    + " ".join(f"fragment F{n} on PageInterface {{ parent {{ ...F{n + 1} }} }}" for n in range(120))
    + " fragment F120 on PageInterface { id }",
    },
    "TOO_MANY_ALIASES": {
        "as many aliases as tokens": "{ " + " ".join(f"a{n}: alerts {{ message }}" for n in range(240)) + " }",
        "twelve pages": "{ " + " ".join(f'a{n}: page(urlPath: "/{n}/") {{ id }}' for n in range(12)) + " }",
        "twelve redirects": "{ " + " ".join(f'a{n}: redirect(path: "/{n}/") {{ target }}' for n in range(12)) + " }",
        "twelve times the feeds": "{ " + " ".join(f"a{n}: feeds {{ title }}" for n in range(12)) + " }",
        "twelve lists of news with what they show": "{ "
    + " ".join(f"a{n}: news(first: {n}) {{ nodes {{ topics {{ name }} image {{ alt }} }} }}" for n in range(12))
    + " }",
        "twelve searches": "{ "
    + " ".join(f'a{n}: search(query: "x", first: {n}) {{ edges {{ highlight }} }}' for n in range(12))
    + " }",
        "twenty lists of children": "{ partnership { "
    + " ".join(f"a{n}: children(first: {n}) {{ nodes {{ id }} }}" for n in range(20))
    + " } }",
        "introspection with many names for one field": "{ __schema { types { fields { "
    + " ".join(f"a{n}: description" for n in range(450))
    + " } } } }",
        "introspection with many names in a fragment": "{ __schema { types { ...F } } } fragment F on __Type { "
    + " ".join(f"a{n}: name" for n in range(450))
    + " }",
        "wide introspection": "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(60)) + " }",
    },
    "TOO_MANY_DIRECTIVES": {
        "directives": "{ __typename" + " @include(if: true)" * 200 + " }",
        "directives of the operation": "query" + " @nothing" * 700 + " { __typename }",
        "directives that there are not": "{ __typename" + " @nothing" * 700 + " }",
    },
    "TOO_MANY_ROOT_FIELDS": {
        "names that are nearly right": "{ " + " ".join(f"partnersh1p{n}" for n in range(1_450)) + " }",
    },
    "TOO_MANY_REPEATED_FIELDS": {
        "one field fifteen hundred times": "{" + " __typename" * 1_490 + " }",
        "one field with fields hundreds of times": "{" + " news { nodes { title } }" * 200 + " }",
        "every fragment in every place": "{ " + "".join(f"...F{n} " for n in range(120)) + "} "
    + " ".join(f"fragment F{n} on Query {{ site {{ name }} }}" for n in range(120)),
    },
    "COST_TOO_HIGH": {
        "aliases of plain fields": "{ news(first: 100) { nodes { "
    + " ".join(f"a{n}: title" for n in range(450))
    + " } } }",
        "a bomb of fragments with fields": "{ partnership { ...F0 } } "
    + " ".join(
        f"fragment F{n} on PageInterface {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}" for n in range(10)
    )
    + " fragment F10 on PageInterface { id }",
        "introspection under several names": "{ a: __schema { ...A } b: __schema { ...A } c: __schema { ...A } } "
    + "fragment A on __Schema { types { name } }",
        "introspection of more than tools ask for": "{ __schema { types { fields { "
    + " ".join(f"a{n}: description" for n in range(20))
    + " name isDeprecated deprecationReason } } } }",
        "tables in all news": "{ news(first: 100) { nodes { body { ... on TableBlock { rows } } } } }",
        "a bomb of fragments": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(110))
    + " fragment F110 on Query { __typename }",
        "lists within lists": "{ partnership { " + "children(first: 100) { nodes { " * 5 + "id" + " } }" * 5 + " } }",
        "huge lists": "{ news(first: 100) { nodes { priority { news(first: 100) { nodes { title summary } } } } } }",
    },
    "GRAPHQL_PARSE_FAILED": {
        "lone surrogates": '{ page(urlPath: "' + "\ud800" * 10_000 + '") { id } }',
    },
    "GRAPHQL_VALIDATION_FAILED": {
        "a fragment that leads to itself": "{ ...A } fragment A on Query { ...A }",
        "a ring of fragments": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 100} }}" for n in range(100)),
        "a huge number": "{ news(first: 999999999999999999999) { totalCount } }",
        "a huge list as an argument": "{ news(first: [" + "1 " * 1_450 + "]) { totalCount } }",
        "objects in objects as an argument": "{ news(first: " + "{a: " * 190 + "1" + "}" * 190 + ") { totalCount } }",
        "deep introspection": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "introspection of everything at once": "{ __schema { types { "
    + "possibleTypes { interfaces { fields { args { type { name " * 2 + "} } } } } " * 2 + "} } }",
        "a long name": "{ " + "a" * (MANY - 200) + " }",
        "blanks": "{ nothing }" + " " * (MANY - 200),
        "line ends": "{ nothing }" + "\n" * 45_000,
        "variables that are not used": "query(" + " ".join(f"$v{n}: Int = 1" for n in range(230)) + ") { __typename }",
    },
    "BAD_USER_INPUT": {
        "many operations": " ".join(f"query Q{n} {{ ...F }}" for n in range(200)) + " fragment F on Query { __typename }",
        "a long string": '{ page(urlPath: "' + "x" * (MANY - 200) + '") { id } }',
        "a long block string": '{ page(urlPath: """' + "x\n" * 30_000 + '""") { id } }',
        "escapes": '{ page(urlPath: "' + "\\u0041" * 12_000 + '") { id } }',
        "signs of all scripts": '{ page(urlPath: "' + "𝕏é\u202e\u0000\u0301" * 2_500 + '") { id } }',
    },
    None: {
        "a long comment": "{ __typename } # " + "x" * (MANY - 200),
    },
}  # fmt: skip
QUERIES = [(name, query, code) for code, queries in HOSTILE.items() for name, query in queries.items()]
CALLS, SQL = 1_500_000, 10


def sender(client, query):
    body = json.dumps({"query": query})

    def send():
        limits._validate_cached.cache_clear()
        return client.post("/graphql/", body, content_type="application/json")

    return send


def cpu(send, times=3):
    """Milliseconds of CPU, the best of several."""
    found = []
    for _ in range(times):
        start = time.process_time()
        send()
        found.append(time.process_time() - start)
    return min(found) * 1000


def calls(send):
    """How many calls of functions, of Python's and of C's, begin and end while it is answered."""
    profile = Profile()
    profile.runcall(send)
    return 2 * sum(entry.callcount for entry in profile.getstats())


def asked_of_the_database(sql):
    return [each["sql"] for each in sql if "statement_timeout" not in each["sql"]]


@pytest.mark.parametrize(("name", "query", "code"), QUERIES, ids=[name for name, _, _ in QUERIES])
def test_a_hostile_query_costs_little(home, client, name, query, code):
    send = sender(client, query)
    with CaptureQueriesContext(connection) as sql:
        answer = send()
    told = json.loads(answer.content)
    assert {error["extensions"]["code"] for error in told.get("errors", [])} == ({code} if code else set())
    assert answer.status_code == 200
    assert len(answer.content) < 5_000
    assert asked_of_the_database(sql) == []
    assert calls(send) < CALLS


def names(number, call):
    return "{ " + " ".join(f"a{n}: {call.replace('%', str(n))}" for n in range(number)) + " }"


INTROSPECTION = get_introspection_query(
    specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
)
# As much as is allowed of each: what is answered, and what it asks the database.
AT_THE_LIMIT = {
    "pages": (names(3, 'page(urlPath: "/nothing-%/") { id }'), 9),
    "redirects": (names(3, 'redirect(path: "/nothing-%/") { target }'), 9),
    "the feeds": (names(3, "feeds { title url }"), 9),
    "lists of news": (names(3, "news(first: 10%) { nodes { id title } }"), 3),
    "searches": (names(3, 'search(query: "rationale", first: 10%) { nodes { id title } }'), 5),
    "lists of children": ("{ partnership " + names(3, "children(first: 2%) { nodes { id } }") + " }", 10),
    "names of one value": ("{ news(first: 100) { nodes " + names(90, "title") + " } }", 1),
    "a path up and down": ("{ partnership { " + "parent { " * 13 + "id" + " }" * 13 + " } }", 1),
    "fragments within each other": (
        "{ partnership { ...F0 } } "
        + " ".join(
            f"fragment F{n} on PageInterface {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}"
            for n in range(5)
        )
        + " fragment F5 on PageInterface { id }",
        1,
    ),
    "directives": ("{ site " + names(50, "name @include(if: true)") + " }", 1),
    "introspection as tools send it": (INTROSPECTION, 0),
    "wide introspection": ("{ __schema { types { fields " + names(18, "description") + " } } }", 0),
    "wide introspection of one type": ('{ __type(name: "Query") { fields ' + names(20, "description") + " } }", 0),
    "highlights": ('{ search(query: "rationale", first: 100) { edges ' + names(9, "highlight") + " } }", 4),
    "few highlights": ('{ search(query: "rationale", first: 10) { edges ' + names(90, "highlight") + " } }", 4),
}


def test_as_much_as_is_allowed_costs_little(recorded_lists, client):
    for each in recorded_lists:
        each.write()
    NewsPage.objects.update(title="x" * 200)
    SearchText.objects.update(text="This is the rationale of what was done. " * 4_000)  # 160,000 letters
    asked, called = {}, {}
    for name, (query, _) in AT_THE_LIMIT.items():
        send = sender(client, query)
        send()  # once before counting, for Wagtail's cached site root and Django's content types
        with CaptureQueriesContext(connection) as sql:
            answer = send()
        assert json.loads(answer.content).keys() == {"data"}, name
        asked[name] = len(asked_of_the_database(sql))
        called[name] = calls(send)
    assert asked == {name: expected for name, (_, expected) in AT_THE_LIMIT.items()}
    assert max(asked.values()) <= SQL
    assert {name: number for name, number in called.items() if number >= CALLS} == {}


@pytest.mark.parametrize(
    ("variables", "status", "code"),
    [
        ("[" * 45_000 + "]" * 45_000, 400, "BAD_REQUEST"),
        ('{"n":' * 16_000 + "1" + "}" * 16_000, 400, "BAD_REQUEST"),
        ('{"n": [' + "1," * 45_000 + "1]}", 200, "BAD_USER_INPUT"),
        ('{"n": "' + "𝕏" * 24_000 + '"}', 200, "BAD_USER_INPUT"),
        ("{" + ",".join(f'"v{number}":1' for number in range(9_000)) + "}", 200, None),
    ],
    ids=["deep lists", "deep objects", "a long list", "a long text", "many names"],
)
def test_hostile_variables_cost_little(home, client, variables, status, code):
    query = "query($n: Int = 1) { news(first: $n) { nodes { id } } }"
    body = f'{{"query": {json.dumps(query)}, "variables": {variables}}}'

    def send():
        limits._validate_cached.cache_clear()
        return client.post("/graphql/", body, content_type="application/json")

    answer = send()
    assert answer.status_code == status
    assert {error["extensions"]["code"] for error in json.loads(answer.content).get("errors", [])} == ({code} - {None})
    assert len(answer.content) < 5_000
    assert calls(send) < CALLS


def test_no_depth_makes_reading_dear(client, db):
    """CPython takes memory from the system and gives it back at each call where a frame ends at the edge of a block of
    its stack. So at some depths the same long string took sixty times as long: 0.7 s, and who asks chooses the depth.
    """
    by_depth = {}
    for depth in range(150):
        send = sender(client, "{a" * depth + '{ a(b: "' + "x" * 20_000 + '") }' + "}" * depth)
        by_depth[depth] = cpu(send, 2)
    usual = sorted(by_depth.values())[len(by_depth) // 2]
    dear = {depth: taken for depth, taken in by_depth.items() if taken > 5 * usual}
    print(f"a long string at any depth: {usual:.1f} ms of CPU, {max(by_depth.values()):.1f} at most")
    assert dear == {}
