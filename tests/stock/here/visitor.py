"""An anonymous visitor of this project: asks, and says what the answer must show, must not show or must refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from django.test import Client
from wagtail.models import Collection, CollectionViewRestriction

TEXTS = "title url urlPath ... on PriorityPage { rationale { html text } }"
ANSWERS = (200, 206, 301, 302)  # the content, or where to get it


@dataclass(frozen=True)
class Closed:
    answer: Callable[[], str]
    shown: list[str]  # the control: the same thing, where it is public
    hidden: list[str]
    refused: dict[str, str] = field(default_factory=dict)  # query → its only error


def send(query: str) -> str:
    answer = Client().post("/graphql/", {"query": query.replace("TEXTS", TEXTS)}, "application/json")
    return answer.content.decode()


def send_all(*queries: str) -> str:
    return "\n".join(send(query) for query in queries)


def get(path: str) -> str:
    """The address, the status, where it leads, and the content."""
    answer = Client().get(path)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{path} gives {answer.status_code} {answer.get('Location', '')} {content.decode(errors='replace')}"


def get_all(*paths: str) -> str:
    return "\n".join(get(path) for path in paths)


def asking(query: str, shown: list[str], hidden: list[str], refused: dict[str, str] | None = None) -> Closed:
    return Closed(partial(send, query), shown, hidden, refused or {})


def fetching(public: str, *hidden: str, refused: dict[str, str] | None = None) -> Closed:
    """A public address answers; the hidden ones neither answer nor lead anywhere."""
    not_so = [f"{path} gives {status}" for path in hidden for status in ANSWERS]
    return Closed(partial(get_all, public, *hidden), [f"{public} gives 200"], not_so, refused or {})


def following(public: str, hidden: str, shown: list[str], not_shown: list[str], refused: dict[str, str]) -> Closed:
    """Two old addresses, of which one leads to something public."""

    def answer() -> str:
        query = '{ open: redirect(path: "%s") { target } hidden: redirect(path: "%s") { target } }'
        return send(query % (public, hidden)) + get_all(public, hidden)

    return Closed(answer, shown, not_shown, refused)


def fetching_again(path: str, collection: Collection) -> Closed:
    """A public address that stops answering when its collection becomes private."""

    def answer() -> str:
        before = get(path)
        CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
        return f"before: {before}\nafter: {get(path)}"

    return Closed(answer, [f"before: {path} gives 200"], [f"after: {path} gives {status}" for status in ANSWERS])
