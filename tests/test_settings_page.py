"""docs/settings.md: `manage.py print_settings` makes it from cms/settings.py, and describes every variable."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from cms.management.commands import print_settings
from cms.management.commands.print_settings import Section, Variable, page, sections

ROOT = Path(settings.BASE_DIR)


def only(source):
    """The one variable of a settings module that has one section."""
    (section,) = sections("# -- Addresses --\n\n" + source)
    (variable,) = section.variables
    return variable


def test_the_page_is_up_to_date():
    call_command("print_settings", check=True)


def test_every_environment_variable_has_a_row():
    read = re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "cms/settings.py").read_text())
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .{20,} \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert len(read) > 50
    assert rows == read


def test_a_page_that_is_out_of_date_is_refused_and_then_printed(monkeypatch, tmp_path):
    printed = tmp_path / "settings.md"
    monkeypatch.setattr(print_settings, "PRINTED", printed)
    for text in (None, "an older text"):
        if text:
            printed.write_text(text)
        with pytest.raises(CommandError, match=r"settings\.md is out of date\. Run: manage\.py print_settings"):
            call_command("print_settings", check=True)
    out = StringIO()
    call_command("print_settings", stdout=out)
    assert out.getvalue() == f"Printed to {printed}.\n"
    assert printed.read_text() == (ROOT / "docs/settings.md").read_text()
    call_command("print_settings", check=True)


@pytest.mark.parametrize(
    ("call", "type_", "default"),
    [
        ('env.str("NAME", "")', "text", "none"),
        ('env.str("NAME", "a word")', "text", "`a word`"),
        ('env.str("NAME", "", validate=lambda v: check(v)) or ""', "web address", "none"),
        ('env.str("NAME", "a", validate=validate.OneOf(["a", "b"]))', "one of `a`, `b`", "`a`"),
        ('Path(env.str("NAME", "var")).resolve()', "text", "`var`"),
        ('env.bool("NAME", False)', "`true` or `false`", "`false`"),
        ('env.int("NAME", 3_000, validate=validate.Range(min=0))', "whole number, 0 or more", "`3000`"),
        ('env.int("NAME", 0, validate=validate.Range(min=0, max=3600))', "whole number, from 0 to 3,600", "`0`"),
        ('env.float("NAME", 5.0, validate=validate.Range(min=0.1, max=60))', "number, from 0.1 to 60", "`5.0`"),
        ('env.list("NAME", [], subcast=str)', "list", "none"),
        ('env.list("NAME", [], validate=validate.ContainsOnly(["a", "b"]))', "list of `a`, `b`", "none"),
        ('env.datetime("NAME", None)', "date and time", "none"),
    ],
)
def test_type_and_default_come_from_the_code(call, type_, default):
    assert only(f"#: What it does.\nNAME = {call}\n") == Variable("NAME", type_, default, "What it does.")


def test_a_default_that_is_worked_out_is_described():
    source = '#: Where it is,\n#: in two lines.\n#: Default: the port\nNAME = env.str("NAME", f"{PORT}")\n'
    assert only(source) == Variable("NAME", "text", "the port", "Where it is, in two lines.")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('# -- A --\n# A remark.\nNAME = env.str("NAME", "")\n', "NAME has no description"),
        ('# -- A --\n#: Too far away.\n\nNAME = env.str("NAME", "")\n', "NAME has no description"),
        ('#: What it does.\nNAME = env.str("NAME", "")\n', "NAME stands above the first section"),
        ('# -- A --\n#: What it does.\nNAME = env.uuid("NAME", None)\n', "NAME is read by env.uuid"),
    ],
)
def test_what_cannot_be_described_is_refused(source, problem):
    with pytest.raises(CommandError, match=re.escape(problem)):
        sections(source)


def test_the_page_has_a_table_for_each_section():
    found = [Section("A", [Variable("NAME", "text", "none", "What it does.")])]
    assert page(found).splitlines()[-5:] == [
        "## A",
        "",
        "| variable | type | default | what it does |",
        "|---|---|---|---|",
        "| `NAME` | text | none | What it does. |",
    ]
