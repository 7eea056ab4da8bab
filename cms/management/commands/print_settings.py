import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

SOURCE = Path(settings.BASE_DIR) / "cms/settings.py"
PRINTED = Path(settings.BASE_DIR) / "docs/settings.md"
INTRODUCTION = """\
# Settings

Every setting is an environment variable with a safe default. With an invalid value the CMS does not start, and prints
one line that names the variable. The items of a list are separated by commas.

This page is made from `cms/settings.py`. Change the comments there, and run `make settings`.
"""
TYPES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`true` or `false`",
    "list": "list",
    "json": "JSON",
    "datetime": "date and time",
    "dj_db_url": "database address",
    "dj_cache_url": "cache address",
    "dj_email_url": "mail server address",
}


@dataclass(frozen=True)
class Variable:
    """One environment variable of cms/settings.py."""

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class Section:
    """The variables below one heading of cms/settings.py."""

    title: str
    variables: list[Variable]


class Command(BaseCommand):
    help = "Prints docs/settings.md from the comments on the environment variables in cms/settings.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only check that the file is up to date.")

    def handle(self, *args: object, **options: Any) -> None:
        text = page(sections(SOURCE.read_text()))
        if not options["check"]:
            PRINTED.write_text(text)
            self.stdout.write(f"Printed to {PRINTED}.")
        elif not PRINTED.exists() or PRINTED.read_text() != text:
            raise CommandError(f"{PRINTED.name} is out of date. Run: manage.py print_settings, and review the change.")


def page(found: list[Section]) -> str:
    """The text of docs/settings.md."""
    parts = [INTRODUCTION]
    for section in found:
        rows = [f"| `{each.name}` | {each.type} | {each.default} | {each.description} |" for each in section.variables]
        head = [f"## {section.title}", "", "| variable | type | default | what it does |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *rows, ""]))
    return "\n".join(parts)


def sections(source: str) -> list[Section]:
    """Read the variables from the text of a settings module, in its order.

    A line "# -- Title --" begins a section. The "#:" comment above an assignment describes its variable.

    Raises CommandError for a variable without a description, without a section, or of an unknown type.
    """
    found: list[Section] = []
    lines = source.splitlines()
    calls = {statement.lineno - 1: call for statement in ast.parse(source).body for call in _environment(statement)}
    for number, line in enumerate(lines):
        if heading := re.fullmatch(r"# -- (.+) --", line):
            found.append(Section(heading[1], []))
        elif number in calls:
            variable = _variable(calls[number], _comment_above(lines, number))
            if not found:
                raise CommandError(f"{variable.name} stands above the first section of the settings.")
            found[-1].variables.append(variable)
    return found


def _environment(statement: ast.stmt) -> Iterator[ast.Call]:
    """The calls such as env.int("PORT", 8000) in one statement."""
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and node.args
        ):
            yield node


def _comment_above(lines: list[str], number: int) -> list[str]:
    """The lines of the "#:" comment that ends right above a line, without their marks."""
    start = number
    while start and lines[start - 1].startswith("#: "):
        start -= 1
    return [line.removeprefix("#: ") for line in lines[start:number]]


def _variable(call: ast.Call, comment: list[str]) -> Variable:
    name = ast.literal_eval(call.args[0])
    text, _, default = " ".join(comment).partition(" Default: ")
    if not text:
        raise CommandError(f'{name} has no description: write a "#:" comment above it in the settings.')
    return Variable(name, _type(name, call), default or _default(call.args[1]), text)


def _type(name: str, call: ast.Call) -> str:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if method not in TYPES:
        raise CommandError(f"{name} is read by env.{method}, which print_settings does not know.")
    limit = next((keyword.value for keyword in call.keywords if keyword.arg == "validate"), None)
    if isinstance(limit, ast.Lambda):  # `_web_address`
        return "web address"
    if not isinstance(limit, ast.Call) or not isinstance(limit.func, ast.Attribute):
        return TYPES[method]
    if limit.func.attr == "Range":
        bounds = {keyword.arg: _number(keyword.value) for keyword in limit.keywords}
        words = f"from {bounds['min']} to {bounds['max']}" if "max" in bounds else f"{bounds['min']} or more"
        return f"{TYPES[method]}, {words}"
    allowed = ", ".join(f"`{each}`" for each in ast.literal_eval(limit.args[0]))
    return f"list of {allowed}" if method == "list" else f"one of {allowed}"


def _default(value: ast.expr) -> str:
    match ast.literal_eval(value):
        case "" | [] | None:
            return "none"
        case bool(given):
            return f"`{given}`".lower()
        case given:
            return f"`{given}`"


def _number(value: ast.expr) -> str:
    return f"{ast.literal_eval(value):,}"
