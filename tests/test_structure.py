"""Rules about the code itself: what may be written only in one place, and what each module says of itself.

Who may import whom is in pyproject.toml (`make lint` runs import-linter).
"""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OPERATORS = ROOT / "docs/operators.md"
CODE = sorted(
    path
    for folder in ("cms", "pages", "documents", "feeds")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
# Written only here: pattern → the files that may.
ONLY_IN = {
    r"\.live\(\)": set(),
    r"\.public\(\)": set(),
    # facts.py has the rule once more, for the triggers. effects.py only hears that one was set or lifted, canary_content.py
    # sets some to look for leaks, content_version.py lists all tables, shown.py notes what an approver was shown.
    r"(?<!can_set_)view_restrictions|PageViewRestriction": {
        "pages/visibility/rule.py",
        "pages/visibility/facts.py",
        "pages/models/shown.py",
        "cms/triggers/content_version.py",
        "cms/publication/effects.py",
        "cms/leakcheck/canary_content.py",
    },
    # references.py notes what an approver was shown: whether readers would find the file.
    r"CollectionViewRestriction": {
        "documents/access/public_files.py",
        "cms/triggers/content_version.py",
        "cms/publication/effects.py",
        "cms/leakcheck/canary_content.py",
        "pages/content/references.py",
    },
    r"\.file\.url\b": set(),
    r"grapple\.schema|grapple\.types\.(pages|search|redirects|tags|snippets|documents|images)": set(),
    r"wagtail\.signals": {"cms/publication/effects.py", "cms/publication/removal.py"},
}
BANNED_NAMES = {"utils", "helpers", "common", "core", "services"}


@pytest.mark.parametrize("pattern", ONLY_IN)
def test_what_may_be_written_only_in_one_place(pattern):
    found = {str(path.relative_to(ROOT)) for path in CODE if re.search(pattern, path.read_text())}
    assert found - ONLY_IN[pattern] == set()


def _is_a_room(init: Path) -> bool:
    """Whether it is a package by subject: not one of the four folders, and none that Django asks for."""
    return len(init.relative_to(ROOT).parts) > 2 and not {"management", "templatetags", "formats"} & set(init.parts)


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in CODE
        if path.name != "apps.py"
        and (path.name != "__init__.py" or _is_a_room(path))
        and "commands" not in path.parts
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_modules_are_named_after_what_they_decide():
    assert [path for path in CODE if path.stem in BANNED_NAMES] == []


def test_every_command_is_described_for_operators():
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
    described = set(re.findall(r"^\| `manage\.py (\w+)[^|]*` \| .{20,} \|$", OPERATORS.read_text(), re.MULTILINE))
    assert described == commands


def test_the_architecture_lists_every_rung_of_the_ladder():
    """The table of docs/architecture.md against the contract of import-linter."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    ladder = [re.split(r" [|:] ", layer) for layer in contract["layers"]]
    rows = re.findall(
        r"^\| (\d+) \| `([\w.]+)` \| .{10,} \|$", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE
    )
    assert rows == [(str(rung), package) for rung, packages in enumerate(ladder, start=1) for package in packages]


def test_every_record_of_a_decision_is_in_the_index_and_has_its_sections():
    records = sorted((ROOT / "docs/adr").glob("0*.md"))
    index = re.findall(
        r"^\| (\d{4}) \| \[(.+)\]\((.+\.md)\) \| (.+) \|$", (ROOT / "docs/adr/index.md").read_text(), re.MULTILINE
    )
    told = []
    for path in records:
        title, date, *_ = text = [line for line in path.read_text().splitlines() if line]
        told.append((path.name[:4], title.partition(". ")[2], path.name, date.removeprefix("Date: ")))
        assert title.startswith(f"# {int(path.name[:4])}. ")
        assert re.match(r"Date: \d{4}-\d\d-\d\d", date)
        assert [line for line in text if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"]
    assert [row[0] for row in told] == [f"{number:04}" for number in range(1, len(records) + 1)]
    assert told == index


def test_the_example_of_an_environment_names_settings():
    named = re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    settings_page = (ROOT / "docs/settings.md").read_text()
    assert named
    assert [name for name in named if f"| `{name}` |" not in settings_page] == []


def test_the_debug_toolbar_stays_out_of_production():
    assert [path for path in CODE if "debug_toolbar" in path.read_text()] == []
    assert "debug-toolbar" not in (ROOT / "requirements.txt").read_text()
    assert "development" in (ROOT / ".dockerignore").read_text().splitlines()
