"""1,400 random queries over a site full of hidden content: no server error, nothing internal, nothing hidden.

FUZZ_SEED=7 pytest tests/test_graphql_fuzz.py writes other queries; a failure prints the seed.
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.signing import TimestampSigner
from django.utils import timezone
from graphql import is_interface_type, is_object_type

from cms.graphql.errors import Code
from cms.graphql.http.registered_documents import register
from cms.graphql.schema.query import schema
from pages import models
from pages.reading.draft_previews import begin
from tests.hidden_content import MARK, administrator, take_to
from tests.query_fuzzer import QueryFuzzer

SEED = int(os.environ.get("FUZZ_SEED", "1"))
CONTRACT = sorted(Path(settings.BASE_DIR).glob("cms/graphql/contract/*.graphql"))
QUERIES = 700  # over each of two sites
INTERNAL = re.compile(
    r"Traceback|File \"|\.py\b|object at 0x|<class|<function|SELECT |no such|psycopg|sqlite|django|wagtail|graphene|"
    r"NoneType|pages_\w|has no attribute|unexpected keyword|/usr/|/tmp/"
)
RESPONSE = "application/graphql-response+json"


def site(home, worlds, state):
    """Public pages that point at pages in this state and at drafts, and the fuzzer that knows the addresses of all."""
    _, to_finish = worlds.write(state, live=state == "live")
    for page in models.ContentPage.objects.live().specific() if state != "live" else ():
        page.title = page.summary = f"{MARK} draft"
        page.save_revision()
    everything = list(models.ContentPage.objects.all())
    paths = [f"/{page.url_path.removeprefix(home.url_path)}" for page in everything]
    texts = [*paths, "/old/", "/nowhere/", *(str(page.uuid) for page in everything), f"{MARK}-topic", "2025", "public"]
    for page in to_finish if state != "live" else ():
        take_to(state, page)
    documents = {str(path): path.read_text() for path in CONTRACT}
    by_id = dict(zip((f"sha256:{key}" for key in register(documents)), documents.values(), strict=True))
    return QueryFuzzer(schema.graphql_schema, SEED, texts, wrong_tokens(everything), by_id)


def wrong_tokens(pages):
    """Tokens that look like those of previews: one that is old, one of a signature for something else, mangled ones."""
    [draft] = [page for page in pages if isinstance(page.specific, models.StandardPage)][:1]
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        old = begin(draft.specific, administrator())
    key, time, signature = old.split(".")
    now = TimestampSigner(salt="pages.draft_previews", sep=".").timestamp()
    other = TimestampSigner(salt="another", sep=".").sign(key)
    return [
        old,
        other,
        f"{key}.{now}.{signature}",
        f"{key}.{time}",
        key,
        f"{old}x",
        old.upper(),
        f"x{old}",
        "..",
        "a.b.c",
    ]


def send(client, fuzzer, number, request):
    """The answer, once it was looked at."""
    headers = {"accept": RESPONSE} if number % 3 == 0 else {}
    if number % 4 == 0:
        as_text = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in request.items()}
        as_text = {name: value for name, value in as_text.items() if value is not None}
        address = {name: value.encode(errors="replace").decode() for name, value in as_text.items()}
        response = client.get("/graphql/", address, headers=headers)
        if number % 8 == 0:
            head = client.head("/graphql/", address, headers=headers)
            assert (head.status_code, head.content) == (response.status_code, b"")
            same = ("Content-Type", "Cache-Control", "ETag", "Vary")
            assert [head.get(name) for name in same] == [response.get(name) for name in same]
    else:
        response = client.post("/graphql/", request, content_type="application/json", headers=headers)
    told = json.loads(response.content)
    errors = told.get("errors", [])
    assert response.status_code == (400 if headers and "data" not in told else 200), told
    assert told.keys() <= {"data", "errors", "extensions"}
    assert "data" in told or errors
    for error in errors:
        assert error["extensions"]["code"] in set(Code) - {Code.INTERNAL_ERROR, Code.TIMEOUT}, error
        assert not INTERNAL.search(error["message"]), error
    fuzzer.learn(told)
    return told


def words(told, request, once_public=()):
    """What the answer holds, without the paths that were asked for or that were public once, which `changes` tells."""
    text, asked = json.dumps(told.get("data")), json.dumps(request)
    for path in {*once_public, *re.findall(rf"/[\w/-]*{MARK}[\w/-]*/", asked)}:
        text = text.replace(path, "")
    return text


@pytest.mark.parametrize("state", ["draft", "unpublished"])
def test_no_random_query_finds_what_is_hidden_or_internal(home, worlds, client, state):
    fuzzer = site(home, worlds, state)
    once_public = [path for path in fuzzer.texts if path.startswith("/") and MARK in path and state == "unpublished"]
    answered = 0
    for number, request in enumerate(fuzzer.requests(QUERIES)):
        try:
            told = send(client, fuzzer, number, request)
            assert MARK not in words(told, request, once_public), told
        except Exception:
            print(f"FUZZ_SEED={SEED}, request {number}: {json.dumps(request)}")
            raise
        answered += "data" in told
    print(f"FUZZ_SEED={SEED}: {answered} of {QUERIES} were answered, {len(fuzzer.cursors)} cursors were tried")
    assert answered > QUERIES / 2
    types = schema.graphql_schema.type_map.values()
    fields = {
        f"{kind.name}.{name}"
        for kind in types
        if (is_object_type(kind) or is_interface_type(kind)) and not kind.name.startswith("__")
        for name in kind.fields
    }
    assert fields - fuzzer.asked.keys() == set()


def test_random_queries_find_the_same_content_where_it_is_public(home, worlds, client):
    """The control: the test above would pass if the queries led nowhere."""
    fuzzer = site(home, worlds, "live")
    found = [MARK in words(send(client, fuzzer, n, request), request) for n, request in enumerate(fuzzer.requests(100))]
    assert sum(found) > 10
