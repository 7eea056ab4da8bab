"""Measures how long answers take: `make bench`, or `make bench SIZE=20000 JSON=figures.json`.

It fills a database of its own with sample content (once; it is kept in .artifacts), and measures in one process: the
CPU time of this process, the medians of rounds that take turns, so that other load on the machine meets all alike.
Trust the ratios, not the milliseconds. docs/performance.md explains the figures.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import path

ROUNDS = 7
COLD, KEPT = 10, 500  # answers in each round
ARCHIVE_OFFSET = 5  # pages of 100 news

FRONT = """{
  news(first: 10) { nodes { title url summary publishedAt topics { name } } }
  meetings(when: UPCOMING, first: 3) { nodes { title url startsAt venue { name } } }
}"""
MEETING = """query ($path: String!) { page(urlPath: $path) { id title url ... on MeetingPage {
  startsAt endsAt status venue { name room address postcode }
  agendaItems { number title papers { kind title url } }
  papers { kind title url fileType fileSize publishedAt }
} } }"""
ARCHIVE = """query ($after: String) { news(first: 50, after: $after) { nodes {
  title url publishedAt body { blockType ... on ParagraphBlock { richText { html } } }
} } }"""
PRIORITIES = "{ priorities { title url number news(first: 20) { nodes { title url publishedAt topics { name } } } } }"
PAGES = {"html_news": "/news/", "feed": "/feeds/news.atom", "sitemap": "/sitemap.xml"}

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]
Answer = tuple[str, dict[str, str], bytes]


def environ(place: str, query: str = "", variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables or {}}).encode() if query else b""
    of_body = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if query else {}
    return {
        "REQUEST_METHOD": "POST" if query else "GET", "PATH_INFO": place, "QUERY_STRING": "", "SERVER_PORT": "80",
        "SERVER_NAME": "localhost", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr, **of_body, **headers,
    }  # fmt: skip


def ask(application: Application, request: dict[str, Any]) -> Answer:
    told: list[tuple[str, dict[str, str]]] = []
    body = application(request, lambda status, headers, exc_info=None: told.append((status, dict(headers))))
    content = b"".join(body)
    getattr(body, "close", lambda: None)()
    return (*told[0], content)


def data(application: Application, query: str, **variables: Any) -> Any:
    answer = json.loads(ask(application, environ("/graphql/", query, variables))[2])
    if "errors" in answer:
        raise SystemExit(f"{query}\n{answer['errors']}")
    return answer["data"]


def milliseconds(work: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """CPU time of each work in milliseconds: the median of rounds in which all take turns."""
    rounds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, act in work.items():
            begin = process_time()
            for _ in range(times):
                act()
            rounds[name].append((process_time() - begin) * 1000 / times)
    return {name: statistics.median(each) for name, each in rounds.items()}


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def fill(news: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("set_up_moderation", verbosity=0)
    call_command("load_demo")
    call_command("load_sample", news=news, meetings=200)


def requests(django: Application) -> dict[str, Callable[[], dict[str, Any]]]:
    """A function for each figure that makes the request anew."""
    after, meeting = None, "meetings(first: 100) { nodes { urlPath papers { title } } }"
    for _ in range(ARCHIVE_OFFSET):
        after = data(django, "query ($a: String) { news(first: 100, after: $a) { pageInfo { endCursor } } }", a=after)[
            "news"
        ]["pageInfo"]["endCursor"]
    meetings = data(django, f"{{ {meeting} }}")["meetings"]["nodes"]
    where = max(meetings, key=lambda each: len(each["papers"]))["urlPath"]
    queries: dict[str, tuple[str, dict[str, Any]]] = {
        "front": (FRONT, {}),
        "meeting": (MEETING, {"path": where}),
        "archive": (ARCHIVE, {"after": after}),
        "priorities": (PRIORITIES, {}),
    }
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for name, (query, variables) in queries.items():
        data(django, query, **variables)  # says what is wrong with the query, if anything is
        found[name] = lambda query=query, variables=variables: environ("/graphql/", query, variables)
    for name, place in PAGES.items():
        found[name] = lambda place=place: environ(place)
    return found


def measure(kept: Any, bare_django: Application) -> dict[str, float]:
    django = kept.application
    figures: dict[str, float] = {}
    work = requests(django)
    for name, request in work.items():
        ask(django, request())
        with CaptureQueriesContext(connection) as queries:
            ask(django, request())
        figures[f"sql_{name}"] = len(queries)
    cold = milliseconds({name: lambda r=request: ask(django, r()) for name, request in work.items()}, COLD)
    figures |= {f"cold_ms_{name}": each for name, each in cold.items()}
    etag = ask(kept, work["feed"]())[1]["ETag"]
    warm = milliseconds(
        {
            **{name: lambda r=request: ask(kept, r()) for name, request in work.items()},
            "feed_304": lambda: ask(kept, work["feed"]() | {"HTTP_IF_NONE_MATCH": etag}),
            "bare_view": lambda: ask(bare_django, environ("/bare/")),
            "nothing": work["front"],
        },
        KEPT,
    )
    request_itself = warm.pop("nothing")  # making the request is not the application's work
    warm = {name: each - request_itself for name, each in warm.items()}
    figures |= {f"kept_ms_{name}": each for name, each in warm.items()}
    figures["cached_over_bare_view"] = max(warm[name] for name in work) / warm["bare_view"]
    figures["feed_304_over_200"] = warm["feed_304"] / warm["feed"]
    return figures


def main() -> None:
    size = int(os.environ.get("SIZE", "1000"))
    application = get_wsgi_application()
    from cms import urls  # noqa: PLC0415 - only once Django is ready
    from cms.response_cache.wsgi import ResponseCache  # noqa: PLC0415

    fill(size)
    urls.urlpatterns.insert(0, path("bare/", bare))
    with override_settings(MIDDLEWARE=[]):
        bare_django = get_wsgi_application()
    figures = measure(ResponseCache(application, 64 * 1024 * 1024), bare_django)
    for name, value in figures.items():
        print(f"{name:28} {value:10.3f}")
    if os.environ.get("JSON"):
        Path(os.environ["JSON"]).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
