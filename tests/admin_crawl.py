"""Every address of the admin with every key, every bulk action and every query parameter that its view reads.

All of it is found by introspection: the routes in the URL configuration, the bulk actions in Wagtail's registry, the
parameters in the source of the view's classes and in their filters. What is new is asked without anybody remembering.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.admin.views.pages.listing import IndexView

from tests.read_by_answers import Noted

# Signing in and out, one's own account, Wagtail's own error on purpose, and what is the same for everybody.
LEFT_OUT = re.compile(r"admin/(logout|login|password_reset|failwhale|jsi18n|account|sprite|test404)|.*<str:model_name>")
READS = re.compile(r"""\bGET(?:\.get|\.getlist)?[\[(]\s*["']([\w\-\[\]]+)["']""")
KEY = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^()]*\)|\([^()?]*\)")
# Read by functions that views call, or by Wagtail's lists under names that a class sets.
READ_ELSEWHERE = {"next", "p", "q", "ordering", "tag", "collection_id"}
# They choose a language, and a part of the same screen.
NOT_ASKED = {"locale", "page_locale", "_w_filter_fragment", "_w_hydrate_create_view"}
# What the keys in an address are of: by their names, or by the part of the admin.
KINDS = {
    "page_id": "page",
    "parent_page_id": "page",
    "page_to_move_id": "page",
    "destination_id": "parent",
    "page_pk": "page",
    "revision_id": "revision",
    "revision_id_a": "revision",
    "revision_id_b": "revision",
    "task_state_id": "task_state",
    "workflow_state_id": "state",
    "task_id": "task",
    "workflow_pk": "workflow",
    "image_id": "image",
    "document_id": "document",
    "doc_id": "document",
    "collection_id": "collection",
    "user_id": "user",
    "redirect_id": "redirect",
}
PARTS = (
    ("admin/workflows/tasks/", "task"),
    ("admin/workflows/", "workflow"),
    ("admin/users/", "user"),
    ("admin/collections/", "collection"),
    ("admin/api/main/images/", "image"),
    ("admin/api/main/documents/", "document"),
    ("admin/images/", "image"),
    ("admin/documents/", "document"),
    ("admin/snippets/", "snippet"),
    ("admin/", "page"),
)
WORDS = {
    "app_label": "pages",
    "model_name": "deathreviewnoticepage",
    "content_type_app_name": "pages",
    "content_type_model_name": "deathreviewnoticepage",
    "app_name": "documents",
    "action_name": "approve",
    "name": "copy",
    "slug": "x",
    "filter_spec": "original",
}
# Tokens, and the numbers of what each request makes.
VOLATILE = re.compile(
    r"csrfmiddlewaretoken\W+value=\W+\w+|CSRF_TOKEN\W+\w+|\bnonce\W+\w+|csrf-?token\W+\w+|csrftoken=\w+"
    r"|\\*&quot;key\\*&quot;: \\*&quot;\w+"  # of a paragraph, in the editor's box
    r"|/editing-sessions/\w+/[\w/]*\d+/|sessionid=[\w.\-]+|messages=[^;]*"
)

Keys = dict[str, list[Any]]  # what the keys are of → the keys


@dataclass(frozen=True)
class Route:
    pattern: str
    view: Any

    @property
    def decided_by(self) -> Any:
        """The class of the view, or its function. The parameters of one that serves many models are asked once."""
        view = inspect.unwrap(self.view)
        made = getattr(view, "view_class", None) or getattr(view, "cls", None)
        if made is None and "as_view" in view.__qualname__:
            return IndexView  # the lists of pages, which Wagtail finds by the page
        return made or view

    @property
    def parameters(self) -> set[str]:
        """The query parameters that the view reads."""
        by = self.decided_by
        found = set(READ_ELSEWHERE) if inspect.isclass(by) else set()
        for name in {each.__module__ for each in getattr(by, "__mro__", [by])}:
            if name.startswith(("wagtail", "pages", "cms", "documents")):
                found |= set(READS.findall(inspect.getsource(sys.modules[name])))
        made_with = getattr(inspect.unwrap(self.view), "view_initkwargs", {})
        filters = made_with.get("filterset_class", getattr(by, "filterset_class", None))
        found |= set(getattr(filters, "base_filters", {}))
        return (found | set(getattr(by, "known_query_parameters", ()))) - NOT_ASKED

    def addresses(self, keys: Keys) -> Iterator[str]:
        """The address with the first key of each kind, the second of each, and so on."""
        kind = next(kind for part, kind in PARTS if self.pattern.startswith(part))
        for number in range(max(map(len, keys.values()))):

            def filled(part: re.Match[str], number: int = number) -> str:
                name = part[1] or part[2] or ""
                fitting = keys.get(KINDS.get(name, kind), [])
                return WORDS.get(name) or str(fitting[min(number, len(fitting) - 1)] if fitting else 0)

            yield KEY.sub(filled, self.pattern)
            if not KEY.search(self.pattern):
                return


def routes(patterns: list[Any] | None = None, above: str = "") -> Iterator[Route]:
    for each in get_resolver().url_patterns if patterns is None else patterns:
        here = above + str(each.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, here)
        elif isinstance(each, URLPattern) and here.startswith("admin/") and not LEFT_OUT.match(here):
            yield Route(here.replace("\\.", "."), each.callback)


def bulk_actions() -> list[str]:
    bulk_action_registry.get_bulk_actions_for_model("", "")  # fills the registry
    return [
        f"admin/bulk/{app}/{model}/{action}/"
        for app, models in bulk_action_registry.actions.items()
        for model, actions in models.items()
        for action in actions
    ]


def addresses(keys: Keys) -> Iterator[tuple[str, str]]:
    """(method, address): every route with every key, by GET and by POST."""
    for route in routes():
        for address in dict.fromkeys(route.addresses(keys)):
            yield "get", address
            yield "post", address


def questions(keys: Keys, values: dict[str, list[Any]], default: Any, noted: Noted) -> Iterator[tuple[str, str]]:
    """(method, address): every route with every key by GET, every view by POST and with each parameter, one at a time,
    and every bulk action. A parameter has the values that are given for it, or the default.

    Of the parameters, those that the view looked up when it was asked without any: each question is to be answered before
    the next is taken.
    """
    asked: set[tuple[Any, Any]] = set()
    for route in routes():
        address = next(route.addresses(keys))
        for number, with_key in enumerate(dict.fromkeys(route.addresses(keys))):
            yield "get", with_key
            if (route.decided_by, number) not in asked:
                asked.add((route.decided_by, number))
                yield "post", with_key
        for name in sorted(route.parameters):
            if (route.decided_by, name) not in asked and noted.looked_up(("get", address), name):
                asked.add((route.decided_by, name))
                for value in values.get(name, [default]):
                    yield "get", f"{address}?{urlencode({name: value})}"
    for address in bulk_actions():
        for key in values["id"]:
            yield "get", f"{address}?id={key}"
        for name in ("childOf", "q"):
            for value in values[name]:
                yield "get", f"{address}?{urlencode({'id': 'all', name: value})}"
        yield "post", f"{address}?id=all"


def answer(client: Client, method: str, address: str) -> tuple[int, str]:
    """Status and everything that is sent, without what differs each time. Nothing that the request did is left."""
    client.cookies.pop("messages", None)
    client.raise_request_exception = False
    with transaction.atomic():
        response = getattr(client, method)(f"/{address}", headers={"X-Requested-With": "XMLHttpRequest"})
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    # Where it leads to what the request made: PostgreSQL gives a number out once, also where it was rolled back.
    location = re.sub(r"/edit/\d+/", "/edit/", str(response.get("Location", "")))
    told = [location, *(str(each) for each in response.cookies.values())]
    return response.status_code, VOLATILE.sub("", "\n".join([*told, body.decode(errors="replace")]))


def answers(
    client: Client, asked: Iterable[tuple[str, str]], noted: Noted | None = None
) -> dict[tuple[str, str], tuple[int, str]]:
    found = {}
    for each in asked:
        with noted.noting(each) if noted else nullcontext():
            found[each] = answer(client, *each)
    return found
