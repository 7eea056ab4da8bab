"""Rules about the code itself: what may be written only in one place, and what each module says of itself.

Who may import whom is in pyproject.toml (`make lint` runs import-linter).
"""

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
# Written only here: pattern → the files that may.
ONLY_IN = {
    r"\.live\(\)": set(),
    r"\.public\(\)": set(),
    # publication.py only hears that one was set or lifted, canary_content.py sets some to look for leaks.
    r"(?<!can_set_)view_restrictions|PageViewRestriction": {
        "pages/visibility/rule.py",
        "cms/publication/effects.py",
        "cms/leakcheck/canary_content.py",
    },
    # references.py notes what an approver was shown: whether readers would find the file.
    r"CollectionViewRestriction": {
        "documents/access/public_files.py",
        "cms/publication/effects.py",
        "cms/leakcheck/canary_content.py",
        "pages/content/references.py",
    },
    r"\.file\.url\b": set(),
    r"grapple\.schema|grapple\.types\.(pages|search|redirects|tags|snippets|documents|images)": set(),
    r"wagtail\.signals": {"cms/publication/effects.py", "cms/publication/taking_away.py"},
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


def test_every_environment_variable_is_in_the_readme():
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "cms/settings.py").read_text()))
    assert names
    readme = (ROOT / "README.md").read_text()
    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_every_command_is_in_the_readme():
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
    readme = (ROOT / "README.md").read_text()
    assert {name for name in commands if name not in readme} == set()
