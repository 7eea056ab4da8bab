"""The endpoint over HTTP: what it takes, what it refuses and how, and that it tells nothing internal."""

import json

import pytest
from django.test import Client

from cms.graphql import schema as schema_module
from pages import models
from tests import factories

TYPENAME = "{ __typename }"
RESPONSE = "application/graphql-response+json"


def post(client, body, **headers):
    return client.post("/graphql/", body, content_type="application/json", headers=headers)


@pytest.mark.django_db
def test_get_and_post_answer_alike_and_set_no_cookie(client):
    answers = [client.get("/graphql/", {"query": TYPENAME}), post(client, {"query": TYPENAME})]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.content == b'{"data":{"__typename":"Query"}}'
        assert answer["Content-Type"] == "application/json; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"
        assert answer["Vary"] == "Accept, Accept-Encoding"
        assert not answer.cookies


@pytest.mark.django_db
def test_it_needs_no_csrf_token():
    answer = post(Client(enforce_csrf_checks=True), {"query": TYPENAME})
    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "The body is not valid JSON."),
        (b"\xff", 400, "The body is not valid JSON."),
        (b'{"query": "{ __typename }", "variables": {"n": NaN}}', 400, "The body is not valid JSON."),
        (b'{"variables": {"n": 1' + b"0" * 5000 + b"}}", 400, "The body is not valid JSON."),
        ("a text", 400, 'The body must be a JSON object with a "query".'),
        ([], 400, "The body is a list. Batches are not taken: send each query by itself."),
        ([{"query": TYPENAME}], 400, "The body is a list. Batches are not taken: send each query by itself."),
        ({}, 400, "query: give the text of a GraphQL query."),
        ({"query": 1}, 400, "query: give the text of a GraphQL query."),
        ({"query": TYPENAME, "variables": []}, 400, "variables: give a JSON object."),
        ({"query": TYPENAME, "operationName": 1}, 400, "operationName: give a text."),
        ({"query": TYPENAME, "extensions": "x"}, 400, "extensions: give a JSON object."),
        ({"documentId": 1}, 400, "documentId: give a text."),
        ({"query": TYPENAME, "documentId": "x"}, 400, "Give query or documentId, not both."),
        ({"query": " " * 100_001}, 413, "The body is larger than 100000 bytes."),
        (b"[" * 50_000, 400, "The body is not valid JSON."),
    ],
)
def test_a_request_that_is_none_is_refused_with_what_to_do(client, body, status, message):
    answer = post(client, body if isinstance(body, bytes) else json.dumps(body))
    code = "TOO_LARGE" if status == 413 else "BAD_REQUEST"
    error = {"message": message, "extensions": {"code": code}}
    assert (answer.status_code, json.loads(answer.content)) == (status, {"errors": [error]})


@pytest.mark.django_db
def test_a_form_is_no_graphql_request(client):
    answer = client.post("/graphql/", {"query": TYPENAME})
    assert answer.status_code == 415
    assert json.loads(answer.content)["errors"][0]["message"] == "Content-Type: send the request as application/json."


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
def test_the_status_of_a_refused_query_depends_on_the_media_type(client, accept):
    answer = post(client, {"query": "{ nonsense }"}, accept=accept)
    assert answer.status_code == (400 if accept == RESPONSE else 200)
    assert answer["Content-Type"] == f"{accept}; charset=utf-8"
    body = json.loads(answer.content)
    assert body.keys() == {"errors"}
    assert body["errors"][0]["message"] == "Cannot query field 'nonsense' on type 'Query'."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        (
            "{ news(first: -1) { totalCount } }",
            {},
            'Argument "first": give a number from 0 to 100.',
        ),
        (
            "query($n: Int) { news(last: $n) { totalCount } }",
            {"n": -5},
            'Argument "last": give a number from 0 to 100.',
        ),
        (
            '{ news(after: "nonsense") { totalCount } }',
            {},
            'Argument "after": this is not a cursor that this list gave out.',
        ),
        (
            '{ news(first: 1, after: "x", last: 1) { totalCount } }',
            {},
            'Argument "last": give first and after, or last and before, not both.',
        ),
        (
            "{ news(orderBy: TITLE) { totalCount } }",
            {},
            "Unknown argument 'orderBy' on field 'Query.news'.",
        ),
        (
            "{ meetings(when: SOON) { totalCount } }",
            {},
            "Value 'SOON' does not exist in 'MeetingWhen' enum.",
        ),
        (
            '{ news(publishedAfter: "2026-02-24T10:00:00") { totalCount } }',
            {},
            'Argument "publishedAfter": give the offset too, as in 2026-02-24T10:00:00+00:00.',
        ),
        (
            "query($p: String!) { page(urlPath: $p) { id } }",
            {"p": "/\x00/"},
            'Argument "urlPath": give a text of at most 2000 characters, without NUL.',
        ),
        (
            "query($p: String!) { page(urlPath: $p) { id } }",
            {"p": "x" * 2001},
            'Argument "urlPath": give a text of at most 2000 characters, without NUL.',
        ),
        (
            '{ news(topic: "\\u0000") { totalCount } }',
            {},
            'Argument "topic": give a text of at most 2000 characters, without NUL.',
        ),
    ],
)
def test_a_bad_argument_is_named(home, refused, query, variables, message):
    [error] = refused(query, **variables)
    assert error["message"] == message


def test_an_unknown_path_is_null(home, ask):
    assert ask('{ page(urlPath: "/nowhere/") { id } }') == {"page": None}


def test_a_token_opens_nothing_yet(home, ask):
    assert ask('{ page(urlPath: "/", token: "x") { id } }') == {"page": None}


def test_a_path_matches_exactly_one_page(home, ask):
    news = factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.NewsPage, news, slug="home", title="Not the home page")
    for path in ("/news/home/", "news/home", "/news/home"):
        assert ask(f'{{ page(urlPath: "{path}") {{ title urlPath }} }}')["page"] == {
            "title": "Not the home page",
            "urlPath": "/news/home/",
        }
    assert ask('{ page(urlPath: "/home/") { title } }') == {"page": None}
    assert ask('{ page(urlPath: "/") { title } }') == {"page": {"title": "Testing Partnership"}}


@pytest.mark.django_db
def test_only_queries_are_executed(client):
    answer = post(client, {"query": "mutation { x }"})
    assert b"errors" in answer.content
    answer = post(client, {"query": "query A { __typename } query B { __typename }"})
    assert json.loads(answer.content)["errors"][0]["message"].startswith("operationName:")


def test_an_unexpected_error_is_masked_and_logged(home, client, monkeypatch, caplog):
    def explode(*args):
        raise ValueError("the secret column name")

    monkeypatch.setattr(schema_module, "public_alerts", explode)
    answer = post(client, {"query": "{ alerts { message } }"})
    [error] = json.loads(answer.content)["errors"]
    assert error["message"] == f"Something went wrong on our side. It is logged as {error['extensions']['id']}."
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert b"secret column" not in answer.content
    assert error["extensions"]["id"] in caplog.text
    assert "the secret column name" in caplog.text


@pytest.mark.django_db
def test_a_lone_surrogate_in_a_query_is_no_server_error(client):
    answer = client.post("/graphql/", b'{"query": "{ \\ud800 }"}', content_type="application/json")
    assert answer.status_code == 200
    assert b"errors" in answer.content


@pytest.mark.django_db
def test_a_query_of_a_thousand_levels_is_refused(client):
    answer = post(client, {"query": "{a" * 900 + "}" * 900})
    assert answer.status_code == 200
    assert b"errors" in answer.content


def test_withdrawn_pages_answer_as_withdrawn(home, ask):
    old = factories.page(models.StandardPage, home, title="Old page", slug="old")
    new = factories.page(models.StandardPage, home, slug="new")
    query = """{ page(urlPath: "/old/") { __typename id title summary children { totalCount } ancestors { id }
      ... on WithdrawnPage { withdrawal { kind explanation alternativeUrl } } } }"""
    models.ContentPage.objects.filter(pk=old.pk).update(
        withdrawal_kind="withdrawn", withdrawal_explanation="Replaced.", withdrawal_alternative=new
    )
    answer = {
        "__typename": "WithdrawnPage",
        "id": str(old.uuid),
        "title": "Old page",
        "summary": None,
        "children": {"totalCount": 0},
        "ancestors": [],
        "withdrawal": {
            "kind": "WITHDRAWN",
            "explanation": "Replaced.",
            "alternativeUrl": "http://testserver/new/",
        },
    }
    assert ask(query)["page"] == answer
    models.ContentPage.objects.filter(pk=old.pk).update(withdrawal_kind="gone")
    gone = ask(query)["page"]
    assert (gone["title"], gone["withdrawal"]["explanation"]) == (None, None)
