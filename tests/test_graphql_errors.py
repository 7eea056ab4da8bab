"""Errors of the GraphQL endpoint: what is named to the caller, and what is masked and logged."""

import json

import pytest

from cms.graphql.http import view
from cms.graphql.schema import query as schema_module
from documents.models import Rendition
from pages import models
from tests import factories
from tests.test_graphql_http import RESPONSE, TYPENAME, post


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
            'Argument "after": this is not a cursor of this list.',
        ),
        (
            '{ news(first: 1, after: "x", last: 1) { totalCount } }',
            {},
            'Argument "last": give first or last, not both.',
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
            'Argument "publishedAfter": give a date, or a time with its offset, as in 2026-02-24T10:00:00+00:00.',
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
    by_argument = message.startswith("Argument")
    assert error["extensions"]["code"] == ("BAD_USER_INPUT" if by_argument else "GRAPHQL_VALIDATION_FAILED")


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


def test_a_value_that_no_enumeration_has_is_a_fault_of_ours(home, client, caplog):
    """graphql-core raises it as it would refuse an argument."""
    index = factories.page(models.MeetingIndexPage, home)
    meeting = factories.page(models.MeetingPage, index, title="Spring")
    models.MeetingPage.objects.filter(pk=meeting.pk).update(status="zzz")
    answer = post(client, {"query": "{ meetings { nodes { title status } } }"})
    assert b"zzz" not in answer.content
    [error] = json.loads(answer.content)["errors"]
    assert error == {
        "message": f"Something went wrong on our side. It is logged as {error['extensions']['id']}.",
        "extensions": {"code": "INTERNAL_ERROR", "id": error["extensions"]["id"]},
        "path": ["meetings", "nodes", 0, "status"],
    }
    assert error["extensions"]["id"] in caplog.text
    assert "'zzz'" in caplog.text


def test_a_picture_whose_file_is_missing_is_a_fault_of_ours(home, client, caplog):
    index = factories.page(models.NewsIndexPage, home)
    picture = factories.image()
    factories.page(models.NewsPage, index, title="Spring", image=picture)
    Rendition.objects.all().delete()
    picture.file.storage.delete(picture.file.name)
    answer = post(client, {"query": "{ news { nodes { title image { rendition(name: CARD) { url } } } } }"})
    told = json.loads(answer.content)
    [error] = told["errors"]
    assert error == {
        "message": f"The file of this picture is missing. It is logged as {error['extensions']['id']}.",
        "extensions": {"code": "INTERNAL_ERROR", "id": error["extensions"]["id"]},
        "path": ["news", "nodes", 0, "image", "rendition"],
    }
    assert told["data"] == {"news": {"nodes": [{"title": "Spring", "image": None}]}}
    assert error["extensions"]["id"] in caplog.text
    assert picture.file.name in caplog.text


@pytest.mark.django_db
def test_an_argument_that_turns_out_wrong_while_executing_is_told(home, client, caplog):
    query = 'query($path: String = "/", $yes: Boolean = true) { page(urlPath: $path) { title @include(if: $yes) } }'
    for name, argument, kind in (("path", "urlPath", "String!"), ("yes", "if", "Boolean!")):
        answer = post(client, {"query": query, "variables": {name: None}})
        [error] = json.loads(answer.content)["errors"]
        assert error["message"] == f"Argument '{argument}' of non-null type '{kind}' must not be null."
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert caplog.text == ""


@pytest.mark.django_db
def test_an_error_outside_of_the_query_is_masked_and_logged_too(client, monkeypatch, caplog):
    def explode(*args):
        raise RuntimeError("/etc/secret in table pages_newspage")

    monkeypatch.setattr(view.limits, "validated", explode)
    client.raise_request_exception = False
    answer = post(client, {"query": TYPENAME}, accept=RESPONSE)
    assert (answer.status_code, answer["Content-Type"]) == (500, f"{RESPONSE}; charset=utf-8")
    [error] = json.loads(answer.content)["errors"]
    assert error["message"] == f"Something went wrong on our side. It is logged as {error['extensions']['id']}."
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert b"secret" not in answer.content
    assert error["extensions"]["id"] in caplog.text
    assert "/etc/secret" in caplog.text


@pytest.mark.django_db
def test_too_many_parameters_are_a_bad_request(client):
    answer = client.get("/graphql/?" + "&".join(f"a{number}=1" for number in range(1001)))
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"][0]["message"] == "The address has too many parameters."


@pytest.mark.django_db
def test_an_error_repeats_only_the_beginning_of_what_was_sent(client):
    answer = post(client, {"query": "{ " + "a" * 50_000 + " }"})
    [error] = json.loads(answer.content)["errors"]
    assert error["message"] == "Cannot query field '" + "a" * 480 + "…"


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
