"""How much one request may ask for: each limit at its edge, and what counts as the cost."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from cms.graphql.http import execution
from cms.graphql.limits import syntax as limits
from cms.graphql.limits.cost import DEFAULT_LIST_SIZE, LOOKUP_COST
from cms.graphql.types.connections import parse_pagination
from tests.many_rows import fill

CONTRACT = Path(settings.BASE_DIR) / "cms/graphql/contract"


def send(client, query, variables=None, extensions=None):
    body = {"query": query, "variables": variables, "extensions": extensions}
    return client.post("/graphql/", body, content_type="application/json")


def refusal(client, query, variables=None):
    """The one error of a query that is refused before anything runs: its message and its extensions."""
    answer = json.loads(send(client, query, variables).content)
    assert answer.keys() == {"errors"}
    [error] = answer["errors"]
    return error["message"], error["extensions"]


def cost(client, query, variables=None):
    answer = json.loads(send(client, query, variables, {"cost": True}).content)
    assert "errors" not in answer, answer
    return answer["extensions"]["cost"]["requested"]


# --- Each limit at its edge ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("setting", "limit", "code", "message", "within", "beyond"),
    [
        (
            "GRAPHQL_MAX_TOKENS",
            7,
            "TOO_MANY_TOKENS",
            "The query has more than 7 tokens. Split it into several.",
            "{ site { name } __typename }",
            "{ site { name rootUrl } __typename }",
        ),
        (
            "GRAPHQL_MAX_DEPTH",
            2,
            "TOO_DEEP",
            "The query is nested more than 2 fields deep.",
            "{ ...F } fragment F on Query { ... { site { name } } }",
            "{ ...F } fragment F on Query { ... { navigation { children { title } } } }",
        ),
        (
            "GRAPHQL_MAX_ALIASES",
            2,
            "TOO_MANY_ALIASES",
            "The query has more than 2 aliases. Split it into several.",
            "{ a: site { x: name y: name z: name } b: site { name } }",
            '{ a: site { name } ...F } fragment F on Query { b: site { name } c: redirect(path: "/") { target } }',
        ),
        (
            "GRAPHQL_MAX_ALIASES",
            1,
            "TOO_MANY_ALIASES",
            "The query has more than 1 aliases. Split it into several.",
            "{ __schema { description queryType { a: name } } }",
            "{ __schema { queryType { a: name ...F } } } fragment F on __Type { b: name }",
        ),
        (
            "GRAPHQL_MAX_ALIASES_PER_FIELD",
            2,
            "TOO_MANY_ALIASES",
            'The query asks for "site" under more than 2 names. Ask for some of them in another request.',
            "{ a: site { name } b: site { name } navigation { c: title d: title e: title } }",
            "{ a: site { name } b: site { name } ...F } fragment F on Query { c: site { name } }",
        ),
        (
            "GRAPHQL_MAX_ALIASES_PER_FIELD",
            1,
            "TOO_MANY_ALIASES",
            'The query asks for "children" under more than 1 names. Ask for some of them in another request.',
            "{ partnership { children { nodes { children { nodes { id } } } } } }",
            "{ partnership { children { nodes { a: children { nodes { id } } ...F } } } } "
            "fragment F on PageInterface { b: children { totalCount } }",
        ),
        (
            "GRAPHQL_MAX_ROOT_FIELDS",
            2,
            "TOO_MANY_ROOT_FIELDS",
            "The query has more than 2 root fields. Split it into several.",
            "{ site { name } ...F } fragment F on Query { site { rootUrl } x: __typename }",
            "{ site { name } ...F } fragment F on Query { ... { y: __typename } x: __typename }",
        ),
    ],
)
def test_a_query_at_the_limit_is_answered_and_one_beyond_it_is_not(
    client, settings, setting, limit, code, message, within, beyond
):
    limits._validate_cached.cache_clear()  # the limits of a running process do not change
    setattr(settings, setting, limit)
    assert json.loads(send(client, within).content).keys() == {"data"}
    with CaptureQueriesContext(connection) as sql:
        assert refusal(client, beyond) == (message, {"code": code, "limit": limit})
    assert not sql.captured_queries
    limits._validate_cached.cache_clear()


@pytest.mark.django_db
def test_a_query_with_more_directives_than_the_limit_is_refused(client):
    within = "{ __typename ... @include(if: true) { %s } }" % ("__typename @skip(if: false) " * 49)
    beyond = within.replace("{ __typename ...", "{ __typename @skip(if: false) ...", 1)
    assert json.loads(send(client, within).content).keys() == {"data"}
    with CaptureQueriesContext(connection) as sql:
        assert refusal(client, beyond) == (
            "The query has more than 50 directives. Split it into several.",
            {"code": "TOO_MANY_DIRECTIVES", "limit": 50},
        )
    assert not sql.captured_queries


def test_lists_have_at_most_100_items():
    assert [parse_pagination(args).limit for args in ({"first": 101}, {"last": 101}, {"first": 99}, {})] == [
        100,
        100,
        99,
        20,
    ]


@pytest.mark.django_db
def test_the_body_may_be_as_large_as_the_setting_says(client, settings):
    settings.GRAPHQL_MAX_BODY = 60
    body = json.dumps({"query": "{ __typename }"}).ljust(60)
    assert client.post("/graphql/", body, content_type="application/json").status_code == 200
    answer = client.post("/graphql/", body + " ", content_type="application/json")
    assert answer.status_code == 413
    assert json.loads(answer.content)["errors"] == [
        {"message": "The body is larger than 60 bytes.", "extensions": {"code": "TOO_LARGE"}}
    ]
    answer = client.get("/graphql/", {"query": "{ __typename }" + " " * 60})
    assert (answer.status_code, json.loads(answer.content)["errors"][0]["extensions"]["code"]) == (413, "TOO_LARGE")


@pytest.mark.django_db
def test_a_query_beyond_the_cost_is_refused_before_it_runs(client, settings):
    query = "{ news(first: 3) { nodes { title summary } } }"
    settings.GRAPHQL_MAX_COST = 58
    assert json.loads(send(client, query).content) == {"data": {"news": {"nodes": []}}}
    settings.GRAPHQL_MAX_COST = 57
    with CaptureQueriesContext(connection) as sql:
        message, extensions = refusal(client, query)
    assert message == (
        "The query costs 58; 57 are allowed. Ask for fewer items (first), for fewer lists within lists, or for less at "
        "once."
    )
    assert extensions == {"code": "COST_TOO_HIGH", "cost": {"requested": 58, "limit": 57}}
    assert not sql.captured_queries


# --- The cost ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "variables", "lookups", "fields"),
    [
        ("{ __typename }", {}, 0, 1),
        ("{ site { name rootUrl } }", {}, 1, 3),
        # A connection: itself, totalCount, pageInfo and its field, then nodes and two fields of each.
        ("{ news(first: 7) { totalCount pageInfo { endCursor } nodes { id title } } }", {}, 2, 4 + 1 + 7 * 2),
        ("{ news { nodes { id } } }", {}, 1, 2 + 20),
        ("{ news(last: 4) { nodes { id } } }", {}, 1, 2 + 4),
        ("{ news(first: 0) { nodes { id } } }", {}, 1, 2),
        ("{ news(first: 5000) { nodes { id } } }", {}, 1, 2 + 100),
        (
            "{ news(first: 3) { edges { cursor node { id topics { name } } } } }",
            {},
            2,
            2 + 3 * (1 + 1 + 1 + 1 + DEFAULT_LIST_SIZE),
        ),
        ("query($n: Int = 6) { news(first: $n) { nodes { id } } }", {}, 1, 2 + 6),
        ("query($n: Int = 6) { news(first: $n) { nodes { id } } }", {"n": 9}, 1, 2 + 9),
        ("query($n: Int) { news(first: $n) { nodes { id } } }", {"n": None}, 1, 2 + 20),
        # A list within a list, and a connection within a connection, looked up once for all that are in the first.
        ("{ navigation { children { title } } }", {}, 0, 1 + DEFAULT_LIST_SIZE * (1 + DEFAULT_LIST_SIZE)),
        ("{ plans(first: 3) { nodes { children(first: 4) { nodes { id } } } } }", {}, 1 + 3, 2 + 3 * (2 + 4)),
        # Texts in lists, and in lists of lists, count as well.
        ("{ insights(first: 2) { nodes { headlineFindings } } }", {}, 1, 2 + 2 * (1 + DEFAULT_LIST_SIZE)),
        (
            '{ page(urlPath: "/") { ... on NewsPage { body { ... on TableBlock { header rows } } } } }',
            {},
            5 + 3,
            2 + 10 * (1 + DEFAULT_LIST_SIZE + 1 + DEFAULT_LIST_SIZE**2),
        ),
        # A search, and what is marked in its results.
        ('{ search(query: "x", first: 3) { edges { highlight } } }', {}, 8, 2 + 3 * 10),
        # Pages of several types are looked up by type, and some answers take more than one look.
        ('{ page(urlPath: "/") { parent { id } children { nodes { id } } } }', {}, 5 + 3 + 3, 1 + 2 + 2 + 20),
        ('{ redirect(path: "/x/") { target } }', {}, 4, 2),
        # A fragment counts wherever it is spread; of an interface, the dearest type counts.
        ("{ a: site { ...S } b: site { ...S } } fragment S on Site { name rootUrl }", {}, 2, 6),
        ('{ page(urlPath: "/") { id ... on NewsPage { title } ... on MeetingPage { title summary } } }', {}, 5, 1 + 1 + 2),
        # Of what the types look up, the dearest counts, too.
        (
            '{ search(query: "x", first: 1) { nodes { ... on NewsPage { image { alt } topics { name } } ... on MeetingPage { venue { name } } } } }',
            {},
            8 + 2,
            2 + 2 + 1 + DEFAULT_LIST_SIZE,
        ),
        # A change looks its page up once for all that it tells of it.
        ("{ changes(first: 2) { nodes { kind note urlPath page { id } } } }", {}, 1 + 14, 2 + 2 * 5),
        # What is left out does not count.
        ("query($all: Boolean!) { news(first: 9) @include(if: $all) { nodes { id } } __typename }", {"all": False}, 0, 1),
        ("query($all: Boolean!) { news(first: 9) @include(if: $all) { nodes { id } } __typename }", {"all": True}, 1, 12),
        # Introspection has an allowance of its own, and is charged at once.
        ('{ __schema { types { name } } __type(name: "Query") { name } }', {}, 0, 6_000),
    ],
)  # fmt: skip
def test_the_cost_is_the_fields_and_the_lookups_of_a_large_answer(client, query, variables, lookups, fields):
    assert cost(client, query, variables) == fields + LOOKUP_COST * lookups


@pytest.mark.django_db
def test_the_cost_is_told_when_asked_for_and_only_then(client):
    told = {"requested": 1, "limit": 10000, "actual": 1, "charged": 1}
    assert json.loads(send(client, "{ __typename }").content).keys() == {"data"}
    assert json.loads(send(client, "{ __typename }", extensions={"cost": 1}).content).keys() == {"data"}
    assert json.loads(send(client, "{ __typename }", extensions={"cost": True}).content)["extensions"] == {"cost": told}
    answer = client.get("/graphql/", {"query": "{ __typename }", "extensions": '{"cost":true}'})
    assert json.loads(answer.content)["extensions"] == {"cost": told}


def test_the_cost_is_never_less_than_the_answer(home, client, ask):
    """Over content in which no list is longer than was assumed."""
    fill(home, 3)
    for path in sorted(CONTRACT.glob("*.graphql")):
        variables = {"urlPath": "/news/", "path": "/", "query": "public"}
        with CaptureQueriesContext(connection) as sql:
            answer = json.loads(send(client, path.read_text(), variables, {"cost": True}).content)
        asked = [each["sql"] for each in sql if "statement_timeout" not in each["sql"]]
        assert fields_in(answer["data"]) + LOOKUP_COST * len(asked) <= answer["extensions"]["cost"]["requested"], (
            path.name
        )


def fields_in(data):
    if isinstance(data, dict):
        return sum(1 + fields_in(value) for value in data.values())
    return sum(map(fields_in, data)) if isinstance(data, list) else 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted(CONTRACT.glob("*.graphql")), ids=lambda path: path.stem)
def test_every_query_of_the_contract_fits_with_room(client, settings, monkeypatch, path):
    for name in ("TOKENS", "DEPTH", "COST"):
        setattr(settings, f"GRAPHQL_MAX_{name}", getattr(settings, f"GRAPHQL_MAX_{name}") // 2)
    settings.GRAPHQL_MAX_ALIASES = 0
    monkeypatch.setattr(limits, "MAX_DIRECTIVES", 0)
    settings.GRAPHQL_MAX_ALIASES_PER_FIELD = 1
    settings.GRAPHQL_MAX_ROOT_FIELDS //= 2
    limits._validate_cached.cache_clear()
    cost(client, path.read_text(), {"urlPath": "/", "path": "/", "query": "news"})
    limits._validate_cached.cache_clear()


LANDING_PAGE = """query ($path: String!) {
  site { name rootUrl }
  navigation { title url children { title url } }
  alerts { message severity url }
  partnership { name strapline introduction { html } currentPlan { title url } currentPeriod { title url } }
  nextMeeting { ...Meeting }
  upcoming: meetings(when: UPCOMING, first: 3) { nodes { ...Meeting } }
  past: meetings(when: PAST, first: 3) { nodes { ...Meeting } }
  news(first: 6) { totalCount nodes { ...News } }
  knife: news(topic: "knife-crime", first: 3) { nodes { ...News } }
  page(urlPath: $path) {
    ... on NewsPage { body { blockType ... on ParagraphBlock { richText { html } } ... on ImageBlock { image { ...Sizes } } } }
  }
}
fragment Meeting on MeetingPage { id title url startsAt endsAt status venue { name room postcode } }
fragment News on NewsPage { id title url summary publishedAt topics { name slug } image { ...Sizes } priority { title url } }
fragment Sizes on Image {
  alt focalPoint { x y }
  card: rendition(name: CARD) { ...Size } content: rendition(name: CONTENT) { ...Size } hero: rendition(name: HERO) { ...Size }
}
fragment Size on Rendition { url width height }"""


@pytest.mark.django_db
def test_a_landing_page_with_all_that_a_front_end_shows_on_it_fits(client):
    assert cost(client, LANDING_PAGE, {"path": "/"}) == 2_632


@pytest.mark.django_db
@pytest.mark.parametrize("all_that_there_is", [False, True])
def test_introspection_as_tools_send_it_is_answered(client, all_that_there_is):
    names = ["specified_by_url", "directive_is_repeatable", "schema_description", "input_value_deprecation"]
    query = get_introspection_query(**dict.fromkeys(names, all_that_there_is))
    answer = json.loads(send(client, query).content)
    assert "errors" not in answer
    assert "MeetingPage" in {kind["name"] for kind in answer["data"]["__schema"]["types"]}
    assert fields_in(answer["data"]) < 0.85 * execution.MAX_INTROSPECTION  # the schema may grow


@pytest.mark.django_db
def test_introspection_beyond_its_allowance_is_refused(client, monkeypatch):
    query = '{ site { name } __type(name: "Site") { kind name fields { name description } } }'
    monkeypatch.setattr(execution, "MAX_INTROSPECTION", 7)  # three fields, and two of each of two
    assert json.loads(send(client, query).content).keys() == {"data"}
    monkeypatch.setattr(execution, "MAX_INTROSPECTION", 6)
    assert refusal(client, query) == (
        "The query has more than 6 fields of introspection in its answer. Ask for less of the schema.",
        {"code": "COST_TOO_HIGH", "limit": 6},
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("{ news(first: %s) { totalCount } }", 'Argument "first"'),
        ("{ news(topic: %s) { totalCount } }", 'Argument "topic"'),
        ("{ meetings(when: [{a: %s}]) { totalCount } }", 'Argument "when"'),
        ("{ alerts @skip(if: %s) { message } }", 'Argument "if"'),
        ("query ($n: Int = %s) { news(first: $n) { totalCount } }", 'Variable "$n"'),
    ],
)
@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 4_300, "1." + "0" * 5_000, "1e" + "9" * 5_000])
def test_a_number_of_thousands_of_digits_is_refused_by_name(client, caplog, query, where, number):
    message, extensions = refusal(client, query % number)
    assert message == f"{where}: a number has more than 40 digits."
    assert extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert not caplog.records


@pytest.mark.django_db
def test_a_number_that_is_too_large_is_refused_with_its_argument(client, caplog):
    for number in ("99999999999", "1e40", "1e999999"):
        message, extensions = refusal(client, f"{{ news(first: {number}) {{ totalCount }} }}")
        assert message.startswith("Int cannot represent non")
        assert extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert not caplog.records


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("number", "message", "code"),
    [
        ("9" * 5_000, "A number has more than 1000 digits.", "BAD_REQUEST"),
        ("-" + "9" * 5_000, "A number has more than 1000 digits.", "BAD_REQUEST"),
        ("9" * 900, "Variable '$n' got invalid value 9999", "BAD_USER_INPUT"),
        ("1e400", "Variable '$n' got invalid value inf; Int cannot represent", "BAD_USER_INPUT"),
        ("-1e400", "Variable '$n' got invalid value -inf; Int cannot represent", "BAD_USER_INPUT"),
        ("1." + "0" * 5_000 + "1e5000", "Variable '$n' got invalid value inf; Int cannot represent", "BAD_USER_INPUT"),
    ],
    ids=["long", "negative", "large", "infinite", "minus infinite", "long fraction"],
)
def test_no_number_in_the_variables_fails(client, caplog, number, message, code):
    query = json.dumps("query ($n: Int) { news(first: $n) { totalCount } }")
    body = f'{{"query": {query}, "variables": {{"n": {number}}}}}'
    answer = client.post("/graphql/", body, content_type="application/json")
    [error] = json.loads(answer.content)["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"] == {"code": code}
    assert answer.status_code == (400 if code == "BAD_REQUEST" else 200)
    address = client.get("/graphql/", {"query": json.loads(query), "variables": f'{{"n": {number}}}'})
    assert json.loads(address.content)["errors"][0]["message"].startswith(message)
    assert not [record for record in caplog.records if record.name == "cms.graphql.errors"]


def test_a_length_of_thousands_of_digits_is_refused(client):
    answer = client.post("/graphql/", b"{}", content_type="application/json", CONTENT_LENGTH="9" * 5_000)
    assert (answer.status_code, json.loads(answer.content)["errors"][0]["message"]) == (
        400,
        "Content-Length: give the length of the body in bytes.",
    )
