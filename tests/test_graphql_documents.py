"""Registered documents: registering them, asking for them by id, and who may store the answers."""

import json
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect

from cms.models import RegisteredDocument
from pages import models
from pages.content import addresses
from pages.redaction.redact import redact
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.hidden_content import administrator

CONTRACT = sorted(Path(settings.BASE_DIR).glob("cms/graphql/contract/*.graphql"))
NEWS = "query News($first: Int = 20) { news(first: $first) { nodes { title } } }"
RESPONSE = "application/graphql-response+json"


def hash_of(text):
    return sha256(text.encode()).hexdigest()


def registered(text):
    RegisteredDocument.objects.create(sha256=hash_of(text), text=text)
    return f"sha256:{hash_of(text)}"


def register(*files):
    out = StringIO()
    call_command("register_documents", *map(str, files), stdout=out)
    return out.getvalue().splitlines()


# --- Registering ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_contract_is_registered_once(client):
    lines = register(*CONTRACT)
    assert lines[:-1] == [f"sha256:{hash_of(path.read_text())}  {path}" for path in CONTRACT]
    assert lines[-1] == "10 new, 10 in all."
    before = list(RegisteredDocument.objects.order_by("pk").values())
    lines = register(*CONTRACT)
    assert all(line.endswith(" (already registered)") for line in lines[:-1])
    assert lines[-1] == "0 new, 10 in all."
    assert list(RegisteredDocument.objects.order_by("pk").values()) == before


def test_a_document_that_was_redacted_can_be_registered_again(home, client, tmp_path):
    path = tmp_path / "a.graphql"
    path.write_text('{ page(urlPath: "/zzname/") { title } site { name } }')
    key = register(path)[0].split()[0]
    redact("zzname")
    answer = json.loads(client.get("/graphql/", {"documentId": key}).content)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PERSISTED_QUERY_NOT_FOUND"]
    assert "zzname" not in RegisteredDocument.objects.get().text
    assert register(path)[-1] == "0 new, 1 in all."
    answer = json.loads(client.get("/graphql/", {"documentId": key}).content)
    assert answer == {"data": {"page": None, "site": {"name": home.title}}}


@pytest.mark.django_db
@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_manifest_of_a_code_generator_is_registered(tmp_path, prefix):
    flat, apollo = tmp_path / "persisted-documents.json", tmp_path / "manifest.json"
    flat.write_text(json.dumps({prefix + hash_of(NEWS): NEWS}))
    other = "query Name { site { name } }"
    operation = {"id": prefix + hash_of(other), "name": "Name", "type": "query", "body": other}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    apollo.write_text(json.dumps(manifest))
    assert register(flat, apollo)[-1] == "2 new, 2 in all."
    assert dict(RegisteredDocument.objects.values_list("sha256", "text")) == {
        hash_of(NEWS): NEWS,
        hash_of(other): other,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.graphql", "{ nonsense }", "Cannot query field 'nonsense' on type 'Query'."),
        ("a.graphql", "{", "Syntax Error: Expected Name, found <EOF>."),
        ("a.graphql", "mutation { x }", "this API can only be read: register queries."),
        ("a.graphql", "{ partnership { " + "parent { " * 14 + "id" + " }" * 16, "nested more than 15 fields deep"),
        (
            "a.graphql",
            "{ news(first: 100) { nodes { children(first: 100) { nodes { id title } } } } }",
            "The query costs 20402; 10000 are allowed.",
        ),
        ("a.graphql", b"\xff", "cannot be read (not UTF-8)."),
        ("a.json", "{", "is not a manifest"),
        ("a.json", "[]", "is not a manifest"),
        ("a.json", '{"a": 1}', "is not a manifest"),
        ("a.json", json.dumps({"0" * 64: NEWS}), f"{'0' * 64} is not the SHA-256 hash of its document."),
    ],
)  # fmt: skip
def test_a_file_with_one_fault_registers_nothing_and_names_it(tmp_path, name, content, why):
    good, bad = tmp_path / "good.graphql", tmp_path / name
    good.write_text(NEWS)
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CommandError) as refused:
        register(good, bad)
    assert str(refused.value).startswith(f"Nothing was registered.\n{bad}")
    assert why in str(refused.value)
    assert not RegisteredDocument.objects.exists()


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"missing\.graphql: cannot be read \(No such file or directory\)\."):
        register(tmp_path / "missing.graphql")


# --- Asking --------------------------------------------------------------------------------------------------


def test_a_document_is_asked_for_by_its_id(home, client):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.NewsPage, index, slug="a", title="A")
    key = registered(NEWS)
    expected = {"data": {"news": {"nodes": [{"title": "A"}]}}}
    apollo = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(NEWS)}}
    for asked in ({"documentId": key}, {"documentId": hash_of(NEWS)}, {"extensions": apollo}):
        as_text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
        assert json.loads(client.get("/graphql/", as_text).content) == expected
        assert json.loads(client.post("/graphql/", asked, content_type="application/json").content) == expected
    answer = client.get("/graphql/", {"documentId": key, "variables": '{"first":0}', "operationName": "News"})
    assert json.loads(answer.content) == {"data": {"news": {"nodes": []}}}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key", ["sha256:" + "0" * 64, "0" * 64, "md5:" + "0" * 32, "", "nonsense", "sha256:" + "A" * 64, "\x00", "𝕏"]
)
@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
def test_an_unknown_id_is_one_clear_error(client, key, accept):
    answer = client.post("/graphql/", {"documentId": key}, content_type="application/json", headers={"accept": accept})
    assert answer.status_code == (400 if accept == RESPONSE else 200)
    assert json.loads(answer.content) == {
        "errors": [
            {
                "message": "documentId: no document is registered under this id. Give sha256: and the hash of its "
                "text.",
                "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
            }
        ]
    }
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_in_trusted_mode_only_registered_documents_are_answered(client, settings):
    settings.GRAPHQL_TRUSTED_DOCUMENTS_ONLY = True
    key = registered(NEWS)
    assert client.get("/graphql/", {"documentId": key}).status_code == 200
    for answer in (
        client.get("/graphql/", {"query": NEWS}),
        client.post("/graphql/", {"query": NEWS}, content_type="application/json"),
        client.post("/graphql/", {"query": "{ __schema { types { name } } }"}, content_type="application/json"),
    ):
        assert answer.status_code == 403
        assert json.loads(answer.content)["errors"] == [
            {
                "message": "Only registered documents are answered here: send a documentId.",
                "extensions": {"code": "DOCUMENT_ID_REQUIRED"},
            }
        ]


@pytest.mark.django_db
def test_a_registered_document_is_held_to_the_limits_with_its_variables(client):
    text = "query($n: Int!) { news(first: 100) { nodes { children(first: $n) { nodes { id title } } } } }"
    key = registered(text)
    few = client.get("/graphql/", {"documentId": key, "variables": '{"n":1}'})
    assert json.loads(few.content)["data"] == {"news": {"nodes": []}}
    many = client.get("/graphql/", {"documentId": key, "variables": '{"n":100}'})
    assert json.loads(many.content)["errors"][0]["extensions"]["code"] == "COST_TOO_HIGH"
    assert many["Cache-Control"] == "no-store"


# --- Storing -------------------------------------------------------------------------------------------------


def test_an_answer_by_id_may_be_stored_and_is_known_by_its_etag(home, client, settings):
    settings.GRAPHQL_MAX_AGE = 90
    key = registered("{ site { name } }")
    answer = client.get("/graphql/", {"documentId": key})
    assert answer["Cache-Control"] == "public, max-age=90, must-revalidate"
    assert answer["Vary"] == "Accept, Accept-Encoding"
    etag = answer["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = client.get("/graphql/", {"documentId": key}, headers={"if-none-match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert (same["ETag"], same["Vary"]) == (etag, "Accept, Accept-Encoding")
        assert same["Cache-Control"] == "public, max-age=90, must-revalidate"
    assert client.get("/graphql/", {"documentId": key}, headers={"if-none-match": '"other"'}).status_code == 200
    home.title = "Another name"
    factories.publish(home)
    changed = client.get("/graphql/", {"documentId": key}, headers={"if-none-match": etag})
    assert json.loads(changed.content) == {"data": {"site": {"name": "Another name"}}}
    assert changed["ETag"] != etag


def test_each_media_type_has_an_etag_of_its_own(home, client):
    key = registered("{ site { name } }")
    etags = {}
    for accept in ("application/json", RESPONSE):
        answer = client.get("/graphql/", {"documentId": key}, headers={"accept": accept})
        etags[accept] = answer["ETag"]
        assert answer["Content-Type"] == f"{accept}; charset=utf-8"
        assert json.loads(answer.content) == {"data": {"site": {"name": home.title}}}
    assert len(set(etags.values())) == 2
    for accept, etag in etags.items():
        for known, status in ((etag, 304), *((other, 200) for other in etags.values() if other != etag)):
            headers = {"accept": accept, "if-none-match": known}
            assert client.get("/graphql/", {"documentId": key}, headers=headers).status_code == status


def test_each_compression_has_an_etag_of_its_own(home, client):
    key = registered("{ __schema { types { name } } }")
    plain = client.get("/graphql/", {"documentId": key})
    etags = {plain["ETag"]}
    for encoding in ("br", "gzip"):
        packed = client.get("/graphql/", {"documentId": key}, headers={"accept-encoding": encoding})
        assert packed["Content-Encoding"] == encoding
        assert packed["ETag"] == plain["ETag"][:-1] + f'-{encoding}"'
        etags.add(packed["ETag"])
        again = client.get(
            "/graphql/", {"documentId": key}, headers={"accept-encoding": encoding, "if-none-match": packed["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert not again.has_header("Content-Encoding")
    assert len(etags) == 3


@pytest.mark.django_db
def test_an_answer_with_an_error_or_by_post_or_by_text_is_not_stored(client):
    key = registered("query($after: String) { news(after: $after) { totalCount } }")
    answers = [
        client.get("/graphql/", {"documentId": key, "variables": '{"after":"nonsense"}'}),
        client.post("/graphql/", {"documentId": key}, content_type="application/json"),
        client.get("/graphql/", {"query": "{ __typename }"}),
    ]
    assert b"this is not a cursor" in answers[0].content
    for answer in answers:
        assert answer["Cache-Control"] == "no-store"
        assert not answer.has_header("ETag")


def test_an_answer_to_a_token_is_not_stored_and_one_without_is(home, client):
    key = registered('query($token: String) { page(urlPath: "/", token: $token) { title } }')
    given = client.get("/graphql/", {"documentId": key, "variables": '{"token":"x"}'})
    assert given["Cache-Control"] == "no-store"
    for variables in ("{}", '{"token":null}'):
        answer = client.get("/graphql/", {"documentId": key, "variables": variables})
        assert answer["Cache-Control"].startswith("public"), variables
    written = registered('{ page(urlPath: "/", token: "x") { title } }')
    assert client.get("/graphql/", {"documentId": written})["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "query",
    [
        "{ deathReviews { nodes { reference } } }",
        "{ partnership { children { nodes { children { nodes { title } } } } } }",
        "query($path: String!) { page(urlPath: $path) { title } }",
        "{ changes(last: 1) { nodes { urlPath } } }",
        '{ search(query: "executive") { edges { highlight } } }',
    ],
)
def test_an_answer_with_a_death_review_notice_is_not_stored(home, client, query):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    key = registered(query)
    variables = json.dumps({"path": "/reviews/dr-7kq2/"})
    assert client.get("/graphql/", {"documentId": key, "variables": variables})["Cache-Control"].startswith("public")
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        listed_by_search_engines=True,
        executive_summary="<p>Executive summary of DR-7KQ2.</p>",
        reference="DR-7KQ2",
    )
    variables = json.dumps({"path": f"/reviews/{notice.slug}/"})
    answer = client.get("/graphql/", {"documentId": key, "variables": variables})
    assert notice.slug.encode() in answer.content.lower()
    assert answer["Cache-Control"] == "no-store"
    assert not answer.has_header("ETag")


def test_an_answer_that_leads_to_a_death_review_notice_is_not_stored(home, client):
    """What replaces a withdrawn page, where a withdrawn page leads, an editor's redirect, and an address of before."""
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    notice = factories.page(models.DeathReviewNoticePage, index)
    path = f"/reviews/{notice.slug}/"
    withdrawn, moved = (factories.page(models.StandardPage, home, slug=slug) for slug in ("withdrawn", "moved"))
    withdraw(withdrawn, administrator(), "withdrawn", "It is out of date.", notice)
    withdraw(moved, administrator(), "redirect", "", notice)
    Redirect.objects.create(old_path="/short", redirect_page=notice)
    factories.page(models.StandardPage, home, slug="new")
    Redirect.objects.create(old_path="/news-of-old", redirect_page=models.StandardPage.objects.get(slug="new"))
    index.slug = "death-reviews"
    factories.publish(index)
    page = registered(
        "query($path: String!) { page(urlPath: $path) { ... on WithdrawnPage { withdrawal { alternativeUrl } } } }"
    )
    redirect = registered("query($path: String!) { redirect(path: $path) { target } }")
    for key, asked in (
        (page, "/withdrawn/"),
        (page, "/moved/"),
        *((redirect, p) for p in ("/moved/", "/short/", path)),
    ):
        answer = client.get("/graphql/", {"documentId": key, "variables": json.dumps({"path": asked})})
        assert f"/death-reviews/{notice.slug}/".encode() in answer.content, (key, asked)
        assert answer["Cache-Control"] == "no-store", asked
        assert not answer.has_header("ETag"), asked
    answer = client.get("/graphql/", {"documentId": redirect, "variables": '{"path": "/news-of-old/"}'})
    assert json.loads(answer.content) == {"data": {"redirect": {"target": "http://testserver/new/"}}}
    assert answer["Cache-Control"].startswith("public")


@pytest.mark.parametrize("how", ["withdrawn", "unpublished", "taken down"])
def test_an_answer_about_a_withdrawn_death_review_notice_is_not_stored(home, client, how):
    notice = factories.page(
        models.DeathReviewNoticePage,
        factories.page(models.DeathReviewIndexPage, home, slug="reviews"),
        minimum_online_until=timezone.localdate(),
    )
    key = registered("query($path: String!) { page(urlPath: $path) { title withdrawn: __typename } }")
    for page, is_stored in ((notice, False), (factories.page(models.StandardPage, home), True)):
        path = addresses.url_path(page)
        if how == "taken down":
            take_down(page, administrator(), "It names somebody.")
        elif how == "withdrawn":
            withdraw(page, administrator(), how, "At their wish.")
        else:
            page.unpublish()
        answer = client.get("/graphql/", {"documentId": key, "variables": json.dumps({"path": path})})
        assert json.loads(answer.content)["data"]["page"]["withdrawn"] == "WithdrawnPage"
        assert answer["Cache-Control"].startswith("public") is is_stored
        assert (answer["Cache-Control"] == "no-store") is not is_stored


def test_a_death_review_notice_is_in_no_menu(home, client):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews", title="Reviews", show_in_menus=True)
    notice = factories.page(models.DeathReviewNoticePage, index, show_in_menus=True)
    key = registered("{ navigation { title children { title } } }")
    answer = client.get("/graphql/", {"documentId": key})
    assert json.loads(answer.content) == {"data": {"navigation": [{"title": "Reviews", "children": []}]}}
    assert answer["Cache-Control"].startswith("public")
    form = type(notice).get_edit_handler().get_form_class()
    assert "show_in_menus" not in form.base_fields
    assert "topics" in form.base_fields
    assert "show_in_menus" in type(index).get_edit_handler().get_form_class().base_fields
