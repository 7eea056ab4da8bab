"""The programs of front-end teams, run with Node: the audits of GraphQL over HTTP, a code generator, a client.

`make test` installs what they need (tests/node/package.json). Without it these tests are skipped, but not where
`CI` is set.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cms.graphql.registered_documents import register
from pages import models
from tests import factories
from tests.loopback import answering_in_full, passed_on

HERE = Path(__file__).parent / "node"
NODE = shutil.which("node")
MISSING = "Node is not installed" if not NODE else "run `npm ci` in tests/node, or `make test`"
# `npm ci` writes this file last.
INSTALLED = bool(NODE) and (HERE / "node_modules/.package-lock.json").exists()


@pytest.fixture(autouse=True)
def _needs_node():
    if not INSTALLED:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"The Node clients cannot be run: {MISSING}.")


def run(*command):
    """What a program printed; fails with all it said when it did not end well."""
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node(client, script, *arguments):
    """The JSON that a script printed which asked the site under test."""
    return json.loads(
        answering_in_full(passed_on(client), lambda url: run(NODE, script, f"{url}/graphql/", *map(str, arguments)))
    )


def bin_of(package, name):
    """The program of a package. Not through npx, which may download one."""
    return HERE / "node_modules" / package / name


def test_all_audits_of_graphql_over_http_pass(home, client):
    results = node(client, "audits.js")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61


def test_the_contract_compiles_as_typed_documents():
    generated = HERE / "generated/contract.ts"
    generated.unlink(missing_ok=True)
    run(NODE, bin_of("@graphql-codegen/cli", "cjs/bin.js"), "--config", "codegen.json")
    text = generated.read_text()
    for path in (Path(__file__).parent / "contract").glob("*.graphql"):
        assert f"export const {path.stem.capitalize()}Document = " in text
    assert ": any" not in text.replace("[key: string]: any", "")
    run(NODE, bin_of("typescript", "bin/tsc"), "--project", ".")


def test_a_change_that_breaks_a_front_end_does_not_compile(tmp_path):
    """So the test before can fail: a field of the contract that may be null from now on."""
    run(NODE, bin_of("@graphql-codegen/cli", "cjs/bin.js"), "--config", "codegen.json")
    generated = HERE / "generated/contract.ts"
    typed = tmp_path / "typed.ts"
    (tmp_path / "generated").mkdir()
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    typed.write_text((HERE / "typed.ts").read_text())
    (tmp_path / "tsconfig.json").write_text((HERE / "tsconfig.json").read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    sound = generated.read_text()
    broken = sound.replace("title: string, url: string, summary", "title: string | null, url: string, summary")
    assert broken != sound
    (tmp_path / "generated/contract.ts").write_text(broken)
    done = subprocess.run(
        [NODE, bin_of("typescript", "bin/tsc"), "--project", tmp_path],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "'node.title' is possibly 'null'" in done.stdout


def test_apollo_client_pages_through_a_list_and_keeps_each_page_once(home, client):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    news = [factories.page(models.NewsPage, index, slug=f"n{n}", title=f"News {n}") for n in range(5)]
    query = Path(__file__).parent / "contract/news.graphql"
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
