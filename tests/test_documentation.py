"""The documentation on the site: its pages, the links between them, the pictures of docs/editors.md, and that
docs/graphql.md is true."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from cms.graphql.errors import Code
from cms.graphql.http.execution import MAX_INTROSPECTION
from cms.graphql.limits.syntax import MAX_DIRECTIVES
from cms.graphql.types.connections import MAX_PAGE_SIZE
from cms.models import RegisteredDocument
from tests.loopback import answering_in_full, passed_on

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
OF_THE_API = (ROOT / "docs/graphql.md").read_text()
BASH = shutil.which("bash")
DEMO = "http://localhost:8000"


def shown():
    return re.findall(r"\(screenshots/([\w-]+)\.png\)", (ROOT / "docs/editors.md").read_text())


def test_the_browser_tests_take_the_pictures_that_editors_see():
    taken = [
        name
        for path in (ROOT / "tests/browser").glob("test_*.py")
        for name in re.findall(r'\bshot\(page, "([\w-]+)"', path.read_text())
    ]
    assert sorted(taken) == sorted(shown())


def test_every_picture_says_what_it_shows():
    assert len(re.findall(r"!\[[^\]]{20,}\]\(screenshots/", (ROOT / "docs/editors.md").read_text())) == len(shown())


@pytest.fixture
def screenshots(monkeypatch, tmp_path):
    monkeypatch.setattr("cms.http.front_page.SCREENSHOTS", tmp_path)
    return tmp_path


def test_a_picture_is_shown_where_it_was_made(client, db, screenshots):
    html = client.get("/docs/editors/").content.decode()
    assert 'src="/docs/screenshots/sign-in.png"' in html
    missing = client.get("/docs/screenshots/sign-in.png")
    assert (missing.status_code, missing.content) == (
        404,
        b"This screenshot has not been made. Run `make screenshots`, which needs Chromium.\n",
    )
    (screenshots / "sign-in.png").write_bytes(b"a picture")
    made = client.get("/docs/screenshots/sign-in.png")
    assert (made.status_code, made["Content-Type"], made.content) == (200, "image/png", b"a picture")


@pytest.mark.parametrize("name", ["failed-test", "..%2Fsecret", "SIGN-IN"])
def test_no_other_file_is_shown(client, db, screenshots, name):
    (screenshots / "failed-test.png").write_bytes(b"a picture")
    assert client.get(f"/docs/screenshots/{name}.png").status_code == 404


PAGES = sorted(path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in ROOT.glob("docs/**/*.md"))


@pytest.fixture(scope="module")
def status():
    """What an address of the documentation answers, which depends on no database. It is asked once."""

    @cache
    def asked(address):
        return Client().get(address).status_code

    return asked


@pytest.mark.parametrize("name", ["readme", "contributing", "changelog", "security-policy", *PAGES])
def test_links_between_the_pages_work_on_the_site(client, db, name, status):
    html = client.get(f"/docs/{name}/").content.decode()
    article = html.split("<article>")[1]
    assert '.md"' not in article
    for address in re.findall(r'href="(/docs/[^"#]*)', article):
        assert status(address) == 200, address


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("", "/docs/adr/index/"),  # docs/index.md
        ("readme/", "/docs/index/#what-is-not-built-yet"),
        ("adr/index/", "/docs/adr/0001-one-table-for-all-page-types/"),
        ("adr/0041-packages-by-subject/", "/docs/architecture/"),
        ("security-policy/", "/docs/security/"),
    ],
)
def test_links_lead_to_pages_in_other_folders(client, db, page, link):
    assert f'href="{link}"' in client.get(f"/docs/{page}").content.decode()


@pytest.mark.parametrize("name", ["../README", "adr", "adr/0001", "pictures", "settings.md", "nothing"])
def test_nothing_but_the_pages_is_shown(client, db, name):
    assert client.get(f"/docs/{name}/").status_code == 404


def test_the_navigation_names_the_pages_of_the_first_level(client, db):
    navigation = client.get("/docs/").content.decode().split('aria-label="Documentation"')[1].split("</nav>")[0]
    assert re.findall(r'href="/docs/([^"]*)/"', navigation) == [
        "index",
        "readme",
        "contributing",
        "changelog",
        "security-policy",
        *(name for name in PAGES if "/" not in name and name != "index"),
    ]


# --- The page for front-end developers -----------------------------------------------------------------------


def examples(language):
    """The examples of docs/graphql.md in a language, each with the JSON that is printed right below it, or ""."""
    blocks = re.findall(r"```(\w+)\n(.*?)```(?:\n\n```json\n(.*?)```)?", OF_THE_API, re.DOTALL)
    return [(text, answer) for name, text, answer in blocks if name == language]


def rows(heading):
    """The rows of the tables below a heading, each cell without its backticks."""
    section = OF_THE_API.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [re.split(r" \| ", row.replace("`", "")) for row in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)]


def test_every_code_of_an_error_is_explained():
    codes = [row[0] for row in rows("Errors")[1:]]
    assert sorted(codes) == sorted(Code)


def test_every_limit_is_told_with_its_default_and_its_code():
    limits = rows("Limits")[1:]
    told = {setting: float(default) for _, default, setting, _ in limits if setting != "fixed"}
    defaults = re.findall(r'"(GRAPHQL_(?:MAX|TIME|RATE)_\w+)", ([\d_.]+)', (ROOT / "cms/settings.py").read_text())
    assert told == {name: float(default) for name, default in defaults if name != "GRAPHQL_MAX_AGE"}
    assert [int(number) for _, number, setting, _ in limits if setting == "fixed"] == [
        MAX_DIRECTIVES,
        MAX_PAGE_SIZE,
        MAX_INTROSPECTION,
    ]
    assert {code for *_, code in limits} < set(Code)


def test_every_query_of_the_contract_is_told():
    told = re.findall(r"\b(\w+\.graphql)\b", " ".join(row[0] for row in rows("The contract")))
    assert sorted(told) == sorted(path.name for path in ROOT.glob("cms/graphql/contract/*.graphql"))


def test_the_queries_are_answered(demo, ask):
    path = "/meetings/24-february-2026/"
    variables = {"urlPath": path, "path": path, "query": "safety"}
    found = {}
    for query, _ in examples("graphql"):
        found |= ask(query, **{name: value for name, value in variables.items() if f"${name}:" in query})
    assert found.keys() == {"page", "resolve", "news", "search"}
    assert (found["resolve"]["status"], found["resolve"]["page"]["__typename"]) == (200, "MeetingPage")
    assert (found["page"]["__typename"], found["page"]["venue"]["postcode"]) == ("MeetingPage", "CB1 1JF")


def printed_by(client, command):
    """What a command of the documentation prints, asking the site under test."""
    if command.startswith(".venv/bin/python manage.py "):
        name, pattern = command.split()[2:]
        return call_command(name, *map(str, ROOT.glob(pattern)), stdout=StringIO())
    if not (BASH and shutil.which("curl")):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("bash or curl is not installed.")

    def work(url):
        script = command.replace(DEMO, url)
        return subprocess.run([BASH, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    return answering_in_full(passed_on(client), work).stdout


def test_the_commands_print_what_is_shown_below_them(demo, client):
    commands = examples("sh")
    printed = [printed_by(client, command) for command, _ in commands]
    shown = [
        (json.loads(out), json.loads(answer)) for out, (_, answer) in zip(printed, commands, strict=True) if answer
    ]
    assert len(shown) == 2
    assert [out for out, _ in shown] == [answer for _, answer in shown]
    assert json.loads(printed[0])["data"]["meetings"]["totalCount"] == 1
    assert RegisteredDocument.objects.count() == 10
    *_, stored = printed
    headers, _, body = stored.partition("\n\n")
    assert "Cache-Control: public, max-age=60, must-revalidate" in headers.splitlines()
    assert json.loads(body)["data"]["site"] == {
        "name": "Cambridge Community Safety Partnership",
        "rootUrl": "http://testserver/",
    }


# --- The page on security ------------------------------------------------------------------------------------


def lines_on_security():
    """Each row of docs/security.md, as its cells."""
    found = re.findall(r"^\| (.*) \|$", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    return [row.split(" | ") for row in found if not row.startswith("what somebody tries")]


def test_every_line_on_security_names_a_test_that_exists():
    rows = lines_on_security()
    assert len(rows) > 30
    assert [row for row in rows if len(row) != 3] == []
    missing = []
    for *_, named in rows:
        path, _, name = named.strip("`").partition("::")
        tests = (
            re.findall(r"^def (test_\w+)\(", (ROOT / path).read_text(), re.MULTILINE) if (ROOT / path).exists() else []
        )
        if not name or name not in tests:
            missing.append(named)
    assert missing == []


def test_security_is_told_where_people_look_for_it():
    told = (ROOT / "SECURITY.md").read_text()
    assert "docs/security.md" in told
    assert re.findall(r"[\w.]+@[\w.]+", told) == []  # nobody made up an address


def test_no_file_has_the_marks_of_a_merge():
    files = subprocess.run(
        [shutil.which("git") or "git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    marks = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    texts = [ROOT / name for name in files if Path(name).suffix in (".md", ".py", ".html", ".toml", ".yaml", ".txt")]
    assert [path for path in texts if path.is_file() and marks.search(path.read_text())] == []
