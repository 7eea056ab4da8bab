"""How much one request may ask for: each limit at its edge, what counts as the cost, and the time an answer may take."""

import json
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from cms.graphql import limits
from cms.graphql import schema as schema_module
from cms.graphql.cost import LIST_SIZE
from pages import models
from tests import factories

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
            "GRAPHQL_MAX_DIRECTIVES",
            2,
            "TOO_MANY_DIRECTIVES",
            "The query has more than 2 directives. Split it into several.",
            "{ __typename @skip(if: false) ... @include(if: true) { __typename } }",
            "{ __typename @skip(if: false) ... @include(if: true) { __typename @include(if: true) } }",
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
    limits._kept.cache_clear()  # the limits of a running process do not change
    setattr(settings, setting, limit)
    assert json.loads(send(client, within).content).keys() == {"data"}
    with CaptureQueriesContext(connection) as sql:
        assert refusal(client, beyond) == (message, {"code": code, "limit": limit})
    assert not sql.captured_queries
    limits._kept.cache_clear()


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
    settings.GRAPHQL_MAX_COST = 8
    assert json.loads(send(client, query).content) == {"data": {"news": {"nodes": []}}}
    settings.GRAPHQL_MAX_COST = 7
    with CaptureQueriesContext(connection) as sql:
        message, extensions = refusal(client, query)
    assert message == (
        "The query may have 8 fields in its answer; 7 are allowed. "
        "Ask for fewer items (first), or for fewer lists within lists."
    )
    assert extensions == {"code": "COST_TOO_HIGH", "cost": {"requested": 8, "limit": 7}}
    assert not sql.captured_queries


# --- The cost ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ __typename }", {}, 1),
        ("{ site { name rootUrl } }", {}, 3),
        # A connection: itself, totalCount, pageInfo and its field, then nodes and two fields of each.
        ("{ news(first: 7) { totalCount pageInfo { endCursor } nodes { id title } } }", {}, 4 + 1 + 7 * 2),
        ("{ news { nodes { id } } }", {}, 2 + 20),
        ("{ news(last: 4) { nodes { id } } }", {}, 2 + 4),
        ("{ news(first: 0) { nodes { id } } }", {}, 2),
        ("{ news(first: 5000) { nodes { id } } }", {}, 2 + 100),
        ("{ news(first: 3) { edges { cursor node { id topics { name } } } } }", {}, 2 + 3 * (1 + 1 + 1 + 1 + LIST_SIZE)),
        ("query($n: Int = 6) { news(first: $n) { nodes { id } } }", {}, 2 + 6),
        ("query($n: Int = 6) { news(first: $n) { nodes { id } } }", {"n": 9}, 2 + 9),
        ("query($n: Int) { news(first: $n) { nodes { id } } }", {"n": None}, 2 + 20),
        # A list within a list, and a connection within a connection.
        ("{ navigation { children { title } } }", {}, 1 + LIST_SIZE * (1 + LIST_SIZE)),
        ("{ plans(first: 3) { nodes { children(first: 4) { nodes { id } } } } }", {}, 2 + 3 * (2 + 4)),
        # A fragment counts wherever it is spread; of an interface, the dearest type counts.
        ("{ a: site { ...S } b: site { ...S } } fragment S on Site { name rootUrl }", {}, 6),
        ('{ page(urlPath: "/") { id ... on NewsPage { title } ... on MeetingPage { title summary } } }', {}, 1 + 1 + 2),
        # What is left out does not count.
        ("query($all: Boolean!) { news(first: 9) @include(if: $all) { nodes { id } } __typename }", {"all": False}, 1),
        ("query($all: Boolean!) { news(first: 9) @include(if: $all) { nodes { id } } __typename }", {"all": True}, 12),
    ],
)  # fmt: skip
def test_the_cost_is_the_number_of_fields_of_the_largest_answer(client, query, variables, expected):
    assert cost(client, query, variables) == expected


@pytest.mark.django_db
def test_the_cost_is_told_when_asked_for_and_only_then(client):
    told = {"requested": 1, "limit": 20000}
    assert json.loads(send(client, "{ __typename }").content).keys() == {"data"}
    assert json.loads(send(client, "{ __typename }", extensions={"cost": 1}).content).keys() == {"data"}
    assert json.loads(send(client, "{ __typename }", extensions={"cost": True}).content)["extensions"] == {"cost": told}
    answer = client.get("/graphql/", {"query": "{ __typename }", "extensions": '{"cost":true}'})
    assert json.loads(answer.content)["extensions"] == {"cost": told}


def test_the_cost_is_never_less_than_the_answer(home, client, ask):
    """Over content in which no list is longer than was assumed."""
    index = factories.page(models.NewsIndexPage, home, slug="news")
    for number in range(3):
        factories.page(models.NewsPage, index, slug=f"news-{number}")
    for path in sorted(CONTRACT.glob("*.graphql")):
        variables = {"urlPath": "/news/", "path": "/", "query": "news"}
        answer = json.loads(send(client, path.read_text(), variables, {"cost": True}).content)
        assert fields_in(answer["data"]) <= answer["extensions"]["cost"]["requested"], path.name


def fields_in(data):
    if isinstance(data, dict):
        return sum(1 + fields_in(value) for value in data.values())
    return sum(map(fields_in, data)) if isinstance(data, list) else 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted(CONTRACT.glob("*.graphql")), ids=lambda path: path.stem)
def test_every_query_of_the_contract_fits_several_times(client, settings, path):
    names = ("TOKENS", "DEPTH", "ROOT_FIELDS", "COST")
    for name in names:
        setattr(settings, f"GRAPHQL_MAX_{name}", getattr(settings, f"GRAPHQL_MAX_{name}") // 2)
    settings.GRAPHQL_MAX_ALIASES = settings.GRAPHQL_MAX_DIRECTIVES = 0
    settings.GRAPHQL_MAX_COST //= 4
    limits._kept.cache_clear()
    cost(client, path.read_text(), {"urlPath": "/", "path": "/", "query": "news"})


@pytest.mark.django_db
@pytest.mark.parametrize("all_that_there_is", [False, True])
def test_introspection_as_tools_send_it_is_answered(client, all_that_there_is):
    names = ["specified_by_url", "directive_is_repeatable", "schema_description", "input_value_deprecation"]
    query = get_introspection_query(**dict.fromkeys(names, all_that_there_is))
    answer = json.loads(send(client, query).content)
    assert "errors" not in answer
    assert "MeetingPage" in {kind["name"] for kind in answer["data"]["__schema"]["types"]}


# --- Time ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_query_ends_when_its_time_is_up(client, monkeypatch, settings, accept):
    settings.GRAPHQL_TIME_BUDGET = 0.05
    asked = []

    def slow(*args):
        asked.append(args)
        time.sleep(0.06)
        return []

    monkeypatch.setattr(schema_module, "public_alerts", slow)
    query = "{ a: alerts { message } b: alerts { message } }"
    answer = client.post("/graphql/", {"query": query}, content_type="application/json", headers={"accept": accept})
    assert answer.status_code == 503
    assert json.loads(answer.content) == {
        "errors": [
            {
                "message": "The answer took longer than 0.05 seconds. Ask for less at once.",
                "extensions": {"code": "TIMEOUT"},
            }
        ]
    }
    assert len(asked) == 1


@pytest.mark.django_db
def test_the_database_gives_up_when_the_time_is_up(client, monkeypatch, settings):
    settings.GRAPHQL_TIME_BUDGET = 0.1
    slow = (
        "SELECT pg_sleep(20)"
        if connection.vendor == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000000) SELECT count(*) FROM n"
    )

    def ask_the_database(*args):
        # The savepoint stands for the connection on its own that a request has outside of tests.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(slow)
        return []

    monkeypatch.setattr(schema_module, "public_alerts", ask_the_database)
    answer = send(client, "{ alerts { message } }")
    assert answer.status_code == 503
    assert json.loads(answer.content)["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    # The next request has the connection, and its whole time.
    monkeypatch.undo()
    assert json.loads(send(client, "{ alerts { message } }").content) == {"data": {"alerts": []}}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
