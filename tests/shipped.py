"""What an installed package ships, read from its source: some of it is replaced in this process."""

import ast
import importlib.util
import pkgutil
import re
from functools import cache
from pathlib import Path

from django.conf import settings

OURS = ("cms", "documents", "feeds", "pages")


@cache
def shipped(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"There is no module {module}."
    return ast.parse(Path(spec.origin).read_text())


def definition(where: str) -> ast.AST:
    """Of a function or class, as in "wagtail.query:PageQuerySet.first_common_ancestor"."""
    module, _, names = where.partition(":")
    found: ast.AST = shipped(module)
    for name in names.split("."):
        inside = [each for each in ast.walk(found) if getattr(each, "name", None) == name]
        assert inside, f"{where} is not there any more."
        found = inside[0]
    return found


@cache
def mentioned(module: str) -> set[str]:
    """Every name, attribute, argument and text in a module."""
    found: set[str] = set()
    for node in ast.walk(shipped(module)):
        found |= {getattr(node, name, None) for name in ("name", "id", "attr", "arg")}
        if isinstance(node, ast.Constant):
            found.add(node.value)
    return found


@cache
def source_of(package: str) -> str:
    """The source of a package and its templates, without its tests."""
    files = sorted(Path(importlib.util.find_spec(package).origin).parent.rglob("*.*"))
    shown = [file for file in files if file.suffix in (".py", ".html")]
    return "\n".join(file.read_text() for file in shown if not {"tests", "test", "migrations"} & set(file.parts))


def our_modules() -> list[str]:
    """All of them, but for what is imported for another purpose than being used: migrations, formats, the server."""
    found = [name for root in OURS for _, name, _ in pkgutil.walk_packages([str(settings.BASE_DIR / root)], f"{root}.")]
    return [name for name in found if not re.search(r"migrations|formats|wsgi", name)]
