"""The programs of front-end teams, run with Node: the audits of GraphQL over HTTP, a code generator, a client.

`make test` installs what they need (tests/package.json). Without it these tests are skipped, but not where `CI` is set.
"""

import json
import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from wagtail.rich_text import RichText

from cms.graphql.http.registered_documents import register
from cms.graphql.schema.query import schema
from pages import models
from pages.content import addresses
from tests import factories
from tests.loopback import answering_in_full, passed_on
from tests.many_rows import fill
from tests.test_documentation import DEMO, examples

pytestmark = pytest.mark.one_database

TESTS = Path(__file__).parent
GRAPHQL = TESTS.parent / "cms/graphql"
CONTRACT = GRAPHQL / "contract"
NODE = shutil.which("node")
# `npm ci` writes this file last.
INSTALLED = (TESTS / "node_modules/.package-lock.json").exists()


def need_node():
    """Ends a test that cannot run here."""
    if not (NODE and INSTALLED):
        why = "run `npm ci` in tests, or `make test`" if NODE else "Node is not installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"The Node clients cannot be run: {why}.")


@pytest.fixture(autouse=True)
def _needs_node():
    need_node()


def ended(folder, *command):
    """A program that has ended, with what it printed."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def run(folder, *command):
    """What a program printed; fails with all it said when it did not end well."""
    done = ended(folder, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(client, script, *arguments):
    """The JSON that a script printed which asked the site under test."""
    arguments = [str(argument) for argument in arguments]
    ask = answering_in_full(
        passed_on(client), lambda url: run(TESTS / "node", NODE, script, f"{url}/graphql/", *arguments)
    )
    return json.loads(ask)


def test_all_audits_of_graphql_over_http_pass(home, client):
    results = node(client, "audits.js")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61


# Programs of packages; not through npx, which may download one.
CODEGEN = TESTS / "node_modules/@graphql-codegen/cli/cjs/bin.js"
TSC = TESTS / "node_modules/typescript/bin/tsc"
BROKEN = "broken"


@pytest.fixture(scope="module")
def front_end(tmp_path_factory):
    """The folder of a front end in TypeScript, with documents generated from the contract and the printed schema.

    Beside what is sound there is the example of docs/graphql.md, and in a folder of its own a front end that a change
    breaks: a field of the contract that may be null from now on.
    """
    need_node()
    folder = tmp_path_factory.mktemp("front_end")
    sources = ("codegen.json", "tsconfig.json", "typed.ts")
    for path in (TESTS / "package.json", *(TESTS / "node" / name for name in sources)):
        shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(TESTS / "node_modules")
    (folder / "contract").symlink_to(CONTRACT)
    (folder / "schema.graphql").symlink_to(GRAPHQL / "schema.graphql")
    run(folder, NODE, CODEGEN, "--config", "codegen.json")
    [(example, _)] = examples("ts")
    (folder / "example.ts").write_text(example)
    sound = (folder / "generated.ts").read_text()
    changed = sound.replace("title: string, url: string, summary", "title: string | null, url: string, summary")
    assert changed != sound
    (folder / BROKEN).mkdir()
    (folder / BROKEN / "generated.ts").write_text(changed)
    shutil.copy(TESTS / "node/typed.ts", folder / BROKEN)
    return folder


@pytest.fixture(scope="module")
def errors(front_end):
    """What the compiler said, which starts once for all. It also writes the JavaScript, into `built`."""
    configuration = json.loads((front_end / "tsconfig.json").read_text())
    configuration["compilerOptions"] |= {"noEmit": False, "outDir": "built"}
    configuration["include"] += ["example.ts", BROKEN]
    (front_end / "tsconfig.all.json").write_text(json.dumps(configuration))
    done = ended(front_end, NODE, TSC, "--project", "tsconfig.all.json", "--pretty", "false")
    assert done.returncode == 2, done.stdout + done.stderr  # there are errors, and the JavaScript was written
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


def test_the_contract_compiles_as_typed_documents(front_end, errors):
    generated = (front_end / "generated.ts").read_text()
    for path in CONTRACT.glob("*.graphql"):
        assert f"export const {path.stem.capitalize()}Document = " in generated
    assert ": any" not in generated.replace("[key: string]: any", "")
    assert [error for error in errors if not error.startswith(f"{BROKEN}/")] == []
    assert {"typed.js", "example.js", "generated.js"} <= {path.name for path in (front_end / "built").iterdir()}


def test_a_change_that_breaks_a_front_end_does_not_compile(errors):
    """So the test before can fail."""
    [error] = [error for error in errors if error.startswith(f"{BROKEN}/typed.ts")]
    assert "'node.title' is possibly 'null'" in error


def test_apollo_client_pages_through_a_list_and_keeps_each_page_once(home, client):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    news = [factories.page(models.NewsPage, index, slug=f"n{n}", title=f"News {n}") for n in range(5)]
    query = CONTRACT / "news.graphql"
    titles = [item.title for item in reversed(news)]
    told = node(client, "pages.js", query, "PageInterface")
    assert told["pages"] == [titles[:2], titles[2:4], titles[4:]]
    assert told["merged"] == titles
    assert told["entities"] == sorted(f"NewsPage:{item.uuid}" for item in news)
    # The document is not registered: the client is told so, and sends the whole text.
    assert told["sent"] == ["GET hash", "POST text"] * 3
    register({"news": told["text"]})
    again = node(client, "pages.js", query, "PageInterface")
    assert again["sent"] == ["GET hash", "GET hash", "GET hash"]
    assert {**again, "sent": []} == {**told, "sent": []}


BODIES = """query News($first: Int, $after: String) { news(first: $first, after: $after) {
  pageInfo { hasNextPage endCursor }
  edges { cursor node { id title body { id ... on ParagraphBlock { richText { text } } } } } } }"""


def test_apollo_client_shows_each_page_with_its_own_text_when_one_is_a_copy(home, client, tmp_path):
    """It keeps blocks by their ids, as it keeps pages. Wagtail copies the ids of blocks with a page."""
    index = factories.page(models.NewsIndexPage, home, slug="news")
    news = factories.page(models.NewsPage, index, slug="a", title="A", body=[("paragraph", "<p>Text of A</p>")])
    copy = news.copy(update_attrs={"slug": "b", "title": "B"}, keep_live=False)
    copy.body[0] = ("paragraph", RichText("<p>Text of B</p>"), copy.body[0].id)
    factories.publish(copy)
    assert [block.id for block in copy.body] == [block.id for block in news.body]
    query = tmp_path / "bodies.graphql"
    query.write_text(BODIES)
    told = node(client, "pages.js", query, "PageInterface", "StreamFieldInterface")
    assert (told["merged"], told["bodies"]) == (["B", "A"], [["Text of B"], ["Text of A"]])
    assert len([key for key in told["entities"] if key.startswith("ParagraphBlock:")]) == 2


RELAY = TESTS / "node_modules/relay-compiler/cli.js"


def test_relay_compiles_fragments_that_fetch_themselves_again(home, ask, tmp_path):
    """On a page type and on `PageInterface`, and what it compiles to is answered."""
    shutil.copytree(TESTS / "node/relay", tmp_path / "src")
    generated = tmp_path / "src/__generated__"
    generated.mkdir()
    settings = {"src": "./src", "schema": "./schema.graphql", "language": "javascript", "eagerEsModules": True}
    (tmp_path / "relay.config.json").write_text(json.dumps(settings | {"artifactDirectory": "./src/__generated__"}))
    shutil.copy(GRAPHQL / "schema.graphql", tmp_path)
    run(tmp_path, NODE, RELAY, "relay.config.json")
    text = re.compile(r'"text": ("(?:[^"\\]|\\.)*")')
    queries = {path.name: json.loads(text.search(path.read_text())[1]) for path in generated.glob("*Query.graphql.js")}
    assert queries.keys() == {"NewsRefetchQuery.graphql.js", "NewsChildrenQuery.graphql.js"}
    index = factories.page(models.NewsIndexPage, home)
    news = factories.page(models.NewsPage, index, title="Refetched")
    node = ask(queries["NewsRefetchQuery.graphql.js"], id=str(news.uuid))["node"]
    assert (node["__typename"], node["id"], node["title"]) == ("NewsPage", str(news.uuid), "Refetched")
    node = ask(queries["NewsChildrenQuery.graphql.js"], id=str(index.uuid), first=5)["node"]
    assert [edge["node"]["heading"] for edge in node["children"]["edges"]] == ["Refetched"]


def test_graphcache_needs_no_keys_for_what_has_an_identity(home, client):
    fill(home, 1)
    files = sorted(CONTRACT.glob("*.graphql"))
    told = node(client, "graphcache.js", addresses.url_path(models.MeetingPage.objects.get()), *files)
    assert told["again"] == dict.fromkeys((path.name for path in files), True)
    types = {each.partition(":")[0] for each in told["entities"]}
    kept = {"Action", "Agency", "AgendaItem", "Document", "Image", "MeetingPage", "NewsPage", "Paper", "Topic", "Venue"}
    assert kept <= types
    # What has no identity is kept with its page. No type with an id needed a key.
    with_id = {kind.name for kind in schema.graphql_schema.type_map.values() if "id" in getattr(kind, "fields", {})}
    assert set(told["unkeyed"]) & with_id == set()
    assert "RichText" in told["unkeyed"]


# --- The examples of docs/graphql.md ---


def test_the_examples_in_javascript_work(home, client):
    script = "".join(text for text, _ in examples("js"))
    asking = answering_in_full(
        passed_on(client), lambda url: run(TESTS, NODE, "--input-type=module", "--eval", script.replace(DEMO, url))
    )
    assert asking.splitlines() == [f"{home.title} 0", "1", "null"]


def test_the_typed_example_compiles_and_works(front_end, errors, home, client):
    [(configured, _)] = [found for found in examples("json") if "documents" in found[0]]
    assert json.loads(configured) == json.loads((TESTS / "node/codegen.json").read_text())
    assert [error for error in errors if error.startswith("example.ts")] == []
    index = factories.page(models.MeetingIndexPage, home)
    at = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    meeting = factories.page(models.MeetingPage, index, title="The next meeting", starts_at=at)
    built = front_end / "built/example.js"
    script = built.read_text()
    assert DEMO in script

    def work(url):
        built.write_text(script.replace(DEMO, url))
        return run(front_end, NODE, built)

    told = answering_in_full(passed_on(client), work)
    assert told == f"The next meeting {timezone.localtime(at).isoformat()} {meeting.venue.name}\n"
