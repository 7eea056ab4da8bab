"""The number of SQL queries does not depend on the number of rows, for any list of the contract or any feed."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pages import models
from tests import factories

CONTRACT = Path(settings.BASE_DIR) / "cms/graphql/contract"


def queries(run) -> list[str]:
    cache.clear()
    run()  # once before counting, for Wagtail's cached site root and Django's content types
    with CaptureQueriesContext(connection) as captured:
        run()
    # PostgreSQL is also told the time limit of an answer, and that it is over.
    return [query["sql"] for query in captured.captured_queries if "statement_timeout" not in query["sql"]]


OPERATIONS = {
    "home": {},
    "news": {},
    "meetings": {"when": "UPCOMING"},
    "priorities": {},
    "publications": {},
    "page": {"urlPath": "/news/"},
    "site": {"path": "/"},
    "search": {"query": "rationale"},  # a word of pages of one type
}


def test_as_many_queries_for_twenty_rows_as_for_two(recorded_lists, ask, client):
    two, twenty = recorded_lists

    def count(name):
        text = (CONTRACT / f"{name}.graphql").read_text()
        return len(queries(lambda: ask(text, **OPERATIONS[name])))

    feeds = [f"/feeds/{name}.{kind}" for name in ("news", "meetings") for kind in ("rss", "atom")]
    pages = ["/", "/news/", "/meetings/"]
    two.write()
    few = {name: count(name) for name in OPERATIONS}
    few |= {path: len(queries(lambda path=path: client.get(path))) for path in [*feeds, *pages]}
    twenty.write()
    assert len(ask("{ news(first: 100) { nodes { id } } }")["news"]["nodes"]) == 20
    many = {name: count(name) for name in OPERATIONS}
    many |= {path: len(queries(lambda path=path: client.get(path))) for path in [*feeds, *pages]}
    assert many == few


@pytest.mark.parametrize("rows", [2, 20])
def test_bodies_of_a_list_cost_the_same(recorded_lists, ask, rows):
    for each in recorded_lists[: 1 if rows == 2 else 2]:
        each.write()
    blocks = (CONTRACT / "page.graphql").read_text().split("fragment Blocks", 1)[1]
    query = "{ news(first: 20) { nodes { body { ...Blocks } } } } fragment Blocks" + blocks
    news = ask(query)["news"]["nodes"]
    assert len(news) == rows
    assert {len(item["body"]) for item in news} == {4}
    # News, their page links (two: which, and of which type), documents, pictures, sizes of pictures.
    assert len(queries(lambda: ask(query))) == 6


def test_a_moderators_list_of_pages_costs_the_same(home, client):
    moderator = User.objects.create_user("moderator", password="x")
    moderator.groups.add(Group.objects.get(name="Moderators"))
    client.force_login(moderator)
    url = reverse("wagtailadmin_explore", args=[home.pk])
    counts = []
    for rows in (2, 6):
        for number in range(rows - models.StandardPage.objects.count()):
            factories.page(models.StandardPage, home, slug=f"page-{rows}-{number}")
        client.get(url)  # once before counting, for what is kept in the cache
        with CaptureQueriesContext(connection) as sql:
            answer = client.get(url)
        assert len(answer.context["pages"]) == rows
        counts.append(len(sql))
    assert counts[0] == counts[1]


def test_a_publication_costs_the_same_however_many_pages_show_the_page(home):
    target = factories.page(models.StandardPage, home, slug="target")
    pages, counts = [], []

    def publish(title):
        target.title = title
        with CaptureQueriesContext(connection) as sql:
            factories.publish(target)
        return len(sql)

    for wanted in (1, 4):
        while len(pages) < wanted:
            pages.append(factories.page(models.StandardPage, home, body=[("page_link", {"page": target, "text": ""})]))
        before = models.PublicChange.objects.count()
        counts.append(publish(f"Shown on {wanted}"))
        assert models.PublicChange.objects.count() == before + 1 + wanted
    print(f"A publication takes {counts[0]} queries.")
    assert counts[0] == counts[1]
