"""Rules about the code itself: who may import whom, and what may be written only in one place."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
CODE = sorted(
    path
    for folder in ("cms", "pages", "documents", "feeds")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
# A module may import those of lower rank and of its own.
RANK = {
    "documents.choices": 0,
    "documents.inspection": 0,
    "documents.text": 0,
    "documents.reader": 0,
    "documents.own_process": 0,
    "documents.pdf": 0,
    "documents.office": 0,
    "documents.office_words": 0,
    "documents.pictures": 0,
    "documents.models": 0,
    "documents.apps": 0,
    "pages": 1,
    "documents": 2,
    "pages.page_html": 3,
    "pages.broken_links": 3,
    "pages.templatetags.page_html": 3,
    "feeds": 4,
    "pages.page_views": 5,
    "cms": 6,
}
# Wagtail asks a page itself for its previews.
ALLOWED = {("pages.models.base", "cms.previews")}
# Written only here: pattern → the files that may.
ONLY_IN = {
    r"\.live\(\)": set(),
    r"\.public\(\)": set(),
    # publication.py only hears that one was set or lifted, canary_content.py sets some to look for leaks.
    r"(?<!can_set_)view_restrictions|PageViewRestriction": {
        "pages/visibility.py",
        "cms/publication.py",
        "cms/canary_content.py",
    },
    # references.py notes what an approver was shown: whether readers would find the file.
    r"CollectionViewRestriction": {
        "documents/access.py",
        "cms/publication.py",
        "cms/canary_content.py",
        "pages/references.py",
    },
    r"\.file\.url\b": set(),
    r"grapple\.schema|grapple\.types\.(pages|search|redirects|tags|snippets|documents|images)": set(),
    r"wagtail\.signals": {"cms/publication.py", "cms/taking_away.py"},
}
BANNED_NAMES = {"utils", "helpers", "common", "core", "services"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def rank(module: str) -> int:
    return RANK.get(module, RANK[module.split(".", maxsplit=1)[0]])


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    ours = {name for name in found if name.split(".")[0] in ("cms", "pages", "documents", "feeds")}
    modules = {module_name(other) for other in CODE}
    return ours & modules


@pytest.mark.parametrize("path", CODE, ids=module_name)
def test_imports_run_one_way(path):
    own = module_name(path)
    upwards = {(own, name) for name in imports(path) if rank(name) > rank(own)}
    assert upwards - ALLOWED == set()


@pytest.mark.parametrize("pattern", ONLY_IN)
def test_what_may_be_written_only_in_one_place(pattern):
    found = {str(path.relative_to(ROOT)) for path in CODE if re.search(pattern, path.read_text())}
    assert found - ONLY_IN[pattern] == set()


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in CODE
        if path.name not in ("__init__.py", "apps.py")
        and "commands" not in path.parts
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_modules_are_named_after_what_they_decide():
    assert [path for path in CODE if path.stem in BANNED_NAMES] == []


def test_every_environment_variable_is_in_the_readme():
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "cms/settings.py").read_text()))
    assert names
    readme = (ROOT / "README.md").read_text()
    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_every_command_is_in_the_readme():
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
    readme = (ROOT / "README.md").read_text()
    assert {name for name in commands if name not in readme} == set()
