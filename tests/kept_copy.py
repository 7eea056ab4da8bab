"""A front end that keeps a copy of all pages by following `changes`, and one that fetches everything from nothing.

What a copy keeps of each page is every field of the schema, but for what docs/graphql.md leaves out: connections, and of
other pages all that is no plain value.
"""

import re
from pathlib import Path

from django.conf import settings
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    execute,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)

from cms.graphql.context import GraphQLContext
from cms.graphql.schema.query import schema
from pages import models
from pages.content import addresses
from pages.visibility.rule import public

SCHEMA = schema.graphql_schema
PAGE = SCHEMA.get_type("PageInterface")
ARGUMENTS = {"name": "CARD"}
CHANGES = parse(
    "query ($since: String) { changes(since: $since, first: 100) { pageInfo { hasNextPage endCursor } "
    "nodes { kind pageId page { id urlPath } } } }"
)
RULE = re.search(
    r"^- \*\*Of the pages above it\*\* \((.*?)\) keep (.*?)\.\s",
    (Path(settings.BASE_DIR) / "docs/graphql.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
assert RULE, "docs/graphql.md says what a copy keeps of the pages above a page"
ABOVE, OF_PAGES_ABOVE = (re.findall(r"`(\w+)`", part) for part in RULE.groups())


def is_page(kind) -> bool:
    return kind is PAGE or (isinstance(kind, GraphQLObjectType) and PAGE in kind.interfaces)


def is_plain(field: GraphQLField) -> bool:
    kind = get_named_type(field.type)
    return is_leaf_type(kind) or kind.name == "PartialDate"


def typed(kind, fields) -> str:
    """The fields of a type, or of all types that an interface can be."""
    kinds = SCHEMA.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else [kind]
    parts = [f"... on {each.name} {{ {' '.join(fields(each))} }}" for each in kinds]
    return " ".join(["__typename", *parts])


def of_another_page(kind):
    return [call(name, field) for name, field in kind.fields.items() if is_plain(field)]


def everything(kind):
    return [found for name, field in kind.fields.items() if (found := call(name, field))]


def call(name: str, field: GraphQLField) -> str:
    target = get_named_type(field.type)
    given = [f"{each}: {ARGUMENTS[each]}" for each, spec in field.args.items() if is_required_argument(spec)]
    start = f"{name}({', '.join(given)})" if given else name
    if is_leaf_type(target):
        return start
    if name in ABOVE:
        return f"{start} {{ {' '.join(OF_PAGES_ABOVE)} }}"
    if is_page(target):
        return f"{start} {{ {typed(target, of_another_page)} }}"
    if "pageInfo" in getattr(target, "fields", {}):
        return ""
    return f"{start} {{ {typed(target, everything)} }}"


QUERY = parse(f"query ($path: String!) {{ page(urlPath: $path) {{ {typed(PAGE, everything)} }} }}")


def asked(document, context, **variables):
    result = execute(SCHEMA, document, context_value=context, variable_values=variables)
    assert result.errors is None, (variables, result.errors)
    return result.data


def from_nothing() -> dict:
    """Everything that is said of all pages, by id. Loaded together: a page at a time would take ten times as long."""
    context = GraphQLContext.now()
    loaded = context.loader.pages(public(models.ContentPage.objects.all()).values_list("pk", flat=True))
    paths = {str(page.uuid): addresses.url_path(page) for page in loaded.values()}
    return {key: asked(QUERY, context, path=path)["page"] for key, path in paths.items()}


class Copy:
    """Takes those pages anew that the list names, and no others."""

    def __init__(self):
        last = parse("{ changes(last: 1) { pageInfo { endCursor } } }")
        self.cursor = asked(last, GraphQLContext.now())["changes"]["pageInfo"]["endCursor"]
        self.pages = self.right = from_nothing()
        self.named: set[str] = set()

    def follow(self) -> None:
        more, self.named = True, set()
        while more:
            found = asked(CHANGES, GraphQLContext.now(), since=self.cursor)["changes"]
            self.named |= {change["pageId"] for change in found["nodes"]}
            more, self.cursor = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]

    def stale(self) -> list[tuple]:
        """What the copy has wrong after it followed the list: (page, field, what it has, what it is).

        What it would get for the pages that are named is what everything from nothing has of them: asked for once.
        """
        self.follow()
        before, self.right = self.right, from_nothing()
        assert self.right != before, "nothing changed that readers see"
        kept = {key: page for key, page in self.pages.items() if key not in self.named}
        self.pages = kept | {key: page for key, page in self.right.items() if key in self.named}
        return list(differences(self.pages, self.right))


def differences(mine, right, at=()):
    if isinstance(mine, dict) and isinstance(right, dict):
        for key in sorted(mine.keys() | right.keys()):
            yield from differences(mine.get(key, "nothing"), right.get(key, "nothing"), (*at, key))
    elif isinstance(mine, list) and isinstance(right, list) and len(mine) == len(right):
        for place, (left, other) in enumerate(zip(mine, right, strict=True)):
            yield from differences(left, other, (*at, place))
    elif mine != right:
        yield (*at, mine, right)
