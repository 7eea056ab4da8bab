"""GraphiQL: its examples are the contract's queries and are answered, and its page runs nothing but files of this site."""

import json
import re

import pytest
from django.conf import settings
from django.core.management import call_command

from pages.approval.workflow import set_up_moderation

pytestmark = pytest.mark.one_database

SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL)


def test_each_example_is_a_query_of_the_contract_and_is_answered(home, client):
    html = client.get("/graphiql/").content.decode()
    [data] = [text for attributes, text in SCRIPT.findall(html) if "application/json" in attributes]
    examples = json.loads(data)
    contract = {path.read_text() for path in settings.BASE_DIR.glob("cms/graphql/contract/*.graphql")}
    assert {example["query"] for example in examples} == contract
    for example in examples:
        asked = {"query": example["query"], "variables": json.loads(example["variables"])}
        answer = client.post("/graphql/", asked, content_type="application/json")
        assert "errors" not in json.loads(answer.content), example["name"]


def test_the_example_of_a_meeting_finds_one(client, db):
    set_up_moderation()
    call_command("load_demo", verbosity=0)
    assert "/meetings/24-february-2026/" in client.get("/graphiql/").content.decode()


def test_its_policy_lets_only_files_of_this_site_run(home, client):
    answer = client.get("/graphiql/")
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    html = answer.content.decode()
    for attributes, text in SCRIPT.findall(html):
        assert not text or "application/json" in attributes
    assert "<style" not in html
    assert "style=" not in html
    assert "//" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', html))
    assert not answer.cookies
