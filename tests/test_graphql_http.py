"""The endpoint over HTTP: what it takes, what it refuses and how, and that it tells nothing internal."""

import gzip
import json
import os
import subprocess
import sys

import brotli
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

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
def test_a_session_is_neither_read_nor_renewed(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("administrator"))
    with CaptureQueriesContext(connection) as sql:
        answer = post(client, {"query": TYPENAME})
    assert answer.status_code == 200
    assert not answer.cookies
    assert "Cookie" not in answer["Vary"]
    assert [query["sql"] for query in sql if "session" in query["sql"] or "auth_user" in query["sql"]] == []


# --- What the answer is sent as ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}; charset=utf-8, application/json; charset=utf-8", RESPONSE),
        (f"{RESPONSE};q=0.5, application/json", "application/json"),
        (f"application/json;q=0.9, {RESPONSE}", RESPONSE),
        (f"{RESPONSE};q=0, application/json;q=0.1", "application/json"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"),
    ],
)
def test_the_media_type_is_the_one_that_the_client_prefers(client, accept, expected):
    answer = post(client, {"query": TYPENAME}, **({"accept": accept} if accept else {}))
    assert (answer.status_code, answer["Content-Type"]) == (200, f"{expected}; charset=utf-8")


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "image/*", "nonsense"])
def test_a_client_that_takes_neither_media_type_is_told_so(client, accept):
    answer = post(client, {"query": TYPENAME}, accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/json; charset=utf-8")
    assert json.loads(answer.content)["errors"][0] == {
        "message": f"Accept: give application/json or {RESPONSE}.",
        "extensions": {"code": "BAD_REQUEST"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("gzip;q=0", ""),
        ("*", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("gzip;q=nonsense", ""),
        ("zstd", ""),
    ],
)
def test_the_answer_is_compressed_as_the_client_prefers(client, accept_encoding, expected):
    query = {"query": "{ __schema { types { name description } } }"}
    plain = client.get("/graphql/", query)
    answer = client.get("/graphql/", query, headers={"accept-encoding": accept_encoding})
    assert answer.get("Content-Encoding", "") == expected
    assert answer["Vary"] == "Accept, Accept-Encoding"
    assert answer["Content-Length"] == str(len(answer.content))
    unpack = {"": bytes, "br": brotli.decompress, "gzip": gzip.decompress}[expected]
    assert unpack(answer.content) == plain.content
    assert not expected or len(answer.content) < len(plain.content) / 2


@pytest.mark.django_db
def test_a_short_answer_is_not_compressed(client):
    answer = client.get("/graphql/", {"query": TYPENAME}, headers={"accept-encoding": "br"})
    assert not answer.has_header("Content-Encoding")
    assert answer.content == b'{"data":{"__typename":"Query"}}'


# --- Methods and other sites ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_head_is_get_without_the_body(client):
    got, head = client.get("/graphql/", {"query": TYPENAME}), client.head("/graphql/", {"query": TYPENAME})
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(got.headers)


@pytest.mark.django_db
def test_options_tells_the_methods(client):
    answer = client.options("/graphql/")
    assert (answer.status_code, answer.content, answer["Allow"]) == (204, b"", "GET, HEAD, POST, OPTIONS")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_another_method_is_refused(client, method):
    answer = client.generic(method, "/graphql/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert json.loads(answer.content)["errors"][0] == {
        "message": f"{method} is not answered here: use GET, HEAD, POST, OPTIONS.",
        "extensions": {"code": "BAD_REQUEST"},
    }


WEBSITE, STRANGER = "https://www.example.org", "https://example.com"


def with_origins(settings, *origins):
    """As cms/settings.py sets them from GRAPHQL_CORS_ORIGINS."""
    settings.CORS_URLS_REGEX = r"^/graphql/$"
    settings.CORS_ALLOW_ALL_ORIGINS = "*" in origins
    settings.CORS_ALLOWED_ORIGINS = [origin for origin in origins if origin != "*"]


def from_origin(client, origin):
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return client.options("/graphql/", headers=headers), post(client, {"query": TYPENAME}, origin=origin)


@pytest.mark.django_db
def test_browsers_of_a_configured_website_may_read(client, settings):
    with_origins(settings, WEBSITE)
    preflight, answer = from_origin(client, WEBSITE)
    assert preflight.status_code == 200
    assert preflight["Access-Control-Allow-Methods"] == "GET, POST"
    assert {"accept", "content-type"} <= set(preflight["Access-Control-Allow-Headers"].split(", "))
    for response in (preflight, answer):
        assert response["Access-Control-Allow-Origin"] == WEBSITE
        assert "origin" in response["Vary"]
        assert not response.has_header("Access-Control-Allow-Credentials")
    for response in from_origin(client, STRANGER):
        assert not response.has_header("Access-Control-Allow-Origin")
        assert "origin" in response["Vary"]  # or a cache would give one site's answer to the other
    assert "origin" in post(client, {"query": TYPENAME})["Vary"]
    assert not client.get("/", headers={"origin": WEBSITE}).has_header("Access-Control-Allow-Origin")


@pytest.mark.django_db
def test_a_star_lets_every_website_read_without_cookies(client, settings):
    with_origins(settings, "*")
    for response in from_origin(client, STRANGER):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert not response.has_header("Access-Control-Allow-Credentials")


@pytest.mark.django_db
def test_no_other_website_may_read_unless_one_is_configured(client):
    for response in from_origin(client, WEBSITE):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("origin", ["www.example.org", "https://www.example.org/", "https://www.example.org/a", "x:y"])
def test_an_origin_that_is_none_stops_the_start(origin):
    environment = {**os.environ, "GRAPHQL_CORS_ORIGINS": f"https://good.example,{origin}"}
    started = subprocess.run(
        [sys.executable, "-c", "import cms.settings"], env=environment, capture_output=True, text=True, check=False
    )
    assert started.returncode == 1
    assert started.stderr.endswith(
        "Environment variable GRAPHQL_CORS_ORIGINS: must be origins such as https://www.example.org with no path, or *\n"
    )


# --- Requests that are none ----------------------------------------------------------------------------------


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
        (b'{"variables": {"n": 1' + b"0" * 5000 + b"}}", 400, "A number has more than 1000 digits."),
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
@pytest.mark.parametrize("length", ["x", "-1", "1e3"])
def test_a_length_that_is_none_is_refused(client, length):
    answer = client.generic("POST", "/graphql/", b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"][0]["message"] == "Content-Length: give the length of the body in bytes."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (
            {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
            411,
            "Content-Length: give the length of the body in bytes; it cannot be sent in chunks.",
        ),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, 415, "Content-Encoding: send the body as it is, without compression."),
        ({"HTTP_CONTENT_ENCODING": "br"}, 415, "Content-Encoding: send the body as it is, without compression."),
        ({"HTTP_CONTENT_ENCODING": "Identity"}, 200, None),
    ],
)
def test_a_body_in_chunks_or_compressed_is_refused_with_what_to_do(client, sent, status, message):
    body = gzip.compress(b"{}") if sent.get("HTTP_CONTENT_ENCODING") == "gzip" else json.dumps({"query": TYPENAME})
    answer = client.generic("POST", "/graphql/", body, content_type="application/json", **sent)
    assert answer.status_code == status
    errors = [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]
    assert json.loads(answer.content) == ({"errors": errors} if message else {"data": {"__typename": "Query"}})


@pytest.mark.django_db
def test_a_form_is_no_graphql_request(client):
    answer = client.post("/graphql/", {"query": TYPENAME})
    assert answer.status_code == 415
    assert json.loads(answer.content)["errors"][0]["message"] == "Content-Type: send the request as application/json."


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
def test_the_status_of_a_refused_query_depends_on_the_media_type(client, accept):
    answer = post(client, {"query": "{ xyz }"}, accept=accept)
    assert answer.status_code == (400 if accept == RESPONSE else 200)
    assert answer["Content-Type"] == f"{accept}; charset=utf-8"
    body = json.loads(answer.content)
    assert body.keys() == {"errors"}
    assert body["errors"][0]["message"] == "Cannot query field 'xyz' on type 'Query'."


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
    for query in ("mutation { x }", "subscription { x }"):
        answer = post(client, {"query": query})
        assert json.loads(answer.content)["errors"] == [
            {
                "message": "This API can only be read: send a query.",
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ]
    answer = post(client, {"query": "query A { __typename } query B { __typename }"})
    assert json.loads(answer.content)["errors"][0]["message"].startswith("operationName:")


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


BROKEN_COOKIES = "sessionid=x; csrftoken=y; messages=z"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/", "/graphql/?query={__typename}", "/graphiql/", "/feeds/", "/feeds/all.json", "/feeds.opml",
                "/feeds/meetings.ics", "/docs/", "/sitemap.xml", "/robots.txt", "/healthz", "/nowhere/"]
)  # fmt: skip
def test_cookies_of_whatever_kind_change_nothing(client, home, address):
    """Django's middleware answers a broken cookie with a new one, which a shared cache would give to everybody."""
    without = client.get(address)
    answer = Client(headers={"cookie": BROKEN_COOKIES}).get(address)
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")
    assert (answer.status_code, answer.content) == (without.status_code, without.content)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/feeds/", "/feeds/all.json", "/feeds.opml", "/feeds/meetings.ics", "/docs/"])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_readers_only_read(home, address, method):
    """As a real client sends it: Django's test client passes over the check for forged requests."""
    answer = getattr(Client(enforce_csrf_checks=True), method)(address)
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "GET, HEAD", b"")
