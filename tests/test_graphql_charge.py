"""What a query is charged: by what its answer took, told in the answer and its headers, and bounded while it runs."""

# ruff: noqa: F811 - tests take the fixtures that are imported
import json

import pytest
import time_machine

from pages import models
from tests import factories
from tests.test_response_cache import ask, django_site, site  # noqa: F401 - fixtures

NOON = "2026-02-10 12:00:20"
POLL = """query ($since: String) { changes(since: $since, first: 100) { pageInfo { endCursor } nodes { kind page {
  id title url summary parent { title } ancestors { title } changeHistory { note }
  ... on NewsPage { topics { name } image { alt } priority { title } }
  ... on MeetingPage { venue { name } papers { title url } agendaItems { title papers { title } } topics { name } }
  ... on CommunitySafetyPlanPage { documents { title } supersedes { title } basedOn { title } }
  ... on PriorityPage { actions { text leadAgency { name } } period { title } } } } } }"""


def send(client, query, variables=None, **extensions):
    body = {"query": query, "variables": variables, "extensions": extensions}
    return client.post("/graphql/", body, content_type="application/json")


def cost(client, query, variables=None):
    return json.loads(send(client, query, variables, cost=True).content)["extensions"]["cost"]


def test_a_poll_that_finds_nothing_is_charged_as_one_request(home, client, settings):
    settings.GRAPHQL_RATE_LIMIT = 100
    factories.page(models.StandardPage, home)
    with time_machine.travel(NOON, tick=False):
        first = json.loads(send(client, POLL).content)["data"]["changes"]
        told = cost(client, POLL, {"since": first["pageInfo"]["endCursor"]})
        assert told["charged"] == 1
        assert told["actual"] < 400
        assert 4_000 < told["requested"] < 10_000
        answer = send(client, "{ __typename }")
        assert answer["RateLimit"] == '"graphql";r=97;t=41'


def test_the_answer_tells_the_limit_and_what_is_left(client, db, settings):
    settings.GRAPHQL_RATE_LIMIT = 9
    with time_machine.travel(NOON, tick=False):
        told = []
        for query in ("{ __typename }", "{", "{ __schema { queryType { name } } }", "{ __typename }"):
            answer = send(client, query)
            told.append((answer.status_code, answer.get("RateLimit")))
            assert answer["RateLimit-Policy"] == '"graphql";q=9;w=60'
        assert told == [
            (200, '"graphql";r=8;t=41'),
            (200, '"graphql";r=7;t=41'),
            (200, '"graphql";r=1;t=41'),  # introspection is charged at its allowance
            (200, '"graphql";r=0;t=41'),
        ]
        beyond = send(client, "{ __typename }")
        assert (beyond.status_code, beyond["RateLimit"], beyond["Retry-After"]) == (429, '"graphql";r=0;t=41', "41")


def test_without_a_limit_no_header_speaks_of_one(client, db):
    answer = send(client, "{ __typename }")
    assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_an_answer_that_takes_more_lookups_than_the_limit_is_ended(home, client, settings):
    """As many types in one list may: the estimate counts the dearest of them."""
    settings.GRAPHQL_MAX_COST = 49
    assert json.loads(send(client, "{ navigation { title } }").content) == {
        "errors": [
            {
                "message": "The answer needs so many lookups that it costs more than 49. Ask for fewer types of pages in "
                "one list, or for less at once.",
                "extensions": {"code": "COST_TOO_HIGH", "limit": 49},
            }
        ]
    }
    settings.GRAPHQL_MAX_COST = 500
    assert json.loads(send(client, "{ navigation { title } }").content) == {"data": {"navigation": []}}


@pytest.mark.parametrize("wants_cost", [False, True])
def test_no_client_gets_the_headers_of_another(home, site, settings, wants_cost):
    settings.GRAPHQL_RATE_LIMIT = 9
    extensions = '&extensions={"cost":true}' if wants_cost else ""

    def answer(address):
        _, told, body = ask(site, f"/graphql/?query={{navigation{{title}}}}{extensions}", REMOTE_ADDR=address)
        assert b'"navigation"' in body
        return told

    with time_machine.travel(NOON, tick=False):
        told = [answer(address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    assert [each["RateLimit-Policy"] for each in told] == ['"graphql";q=9;w=60'] * 3
    remaining = [each.get("RateLimit") for each in told]
    first = '"graphql";r=8;t=41'
    # An answer that tells what was charged is made for each client.
    assert remaining == ([first, '"graphql";r=7;t=41', first] if wants_cost else [first, None, None])
