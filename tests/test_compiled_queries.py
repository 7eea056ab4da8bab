"""Queries whose SQL is kept (pages/compiled_queries.py) find the same as those that Django writes anew."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pages import compiled_queries
from pages.compiled_queries import MAX_STATEMENTS, compiled
from pages.models import ContentPage, NewsIndexPage, NewsPage, Topic
from tests import factories

built = []


@compiled
def news(limit, /, *, keys, as_of):
    built.append((limit, len(keys)))
    pages = NewsPage.objects.filter(pk__in=keys, first_published_at__lt=as_of).select_related("owner")
    return pages.order_by("pk")[:limit]


@compiled
def one(model, /, *, uuid, title):
    return model.objects.filter(uuid=uuid, title=title)


@compiled
def titles(*, keys):
    return ContentPage.objects.filter(pk__in=keys).order_by("pk").values_list("title", "uuid", "first_published_at")


@pytest.fixture
def pages(tree):
    built.clear()
    return [factories.page(NewsPage, tree[NewsIndexPage], title=f"News {number}") for number in range(7)]


def later():
    return timezone.now() + timedelta(days=1)


def test_the_objects_are_those_of_the_queryset(pages):
    keys = [page.pk for page in pages]
    expected = list(NewsPage.objects.filter(pk__in=keys).order_by("pk"))
    found = news(10, keys=keys, as_of=later())
    assert found == expected
    assert [page.__dict__.keys() >= expected[0].__dict__.keys() for page in found] == [True] * 7
    assert [(page.body.raw_data[0]["value"], page.uuid, page.last_reviewed_on) for page in found] == [
        (page.body.raw_data[0]["value"], page.uuid, page.last_reviewed_on) for page in expected
    ]


def test_every_value_is_sent_anew(pages):
    keys = [page.pk for page in pages]
    assert news(10, keys=keys, as_of=later()) == pages
    assert news(10, keys=keys, as_of=pages[0].first_published_at) == []
    assert news(10, keys=keys[:5], as_of=later()) == pages[:5]
    assert news(2, keys=keys[3:], as_of=later()) == pages[3:5]
    assert news(10, keys=[], as_of=later()) == []
    assert one(NewsPage, uuid=pages[1].uuid, title="News 1") == [pages[1]]
    assert one(NewsPage, uuid=pages[1].uuid, title="News 2") == []
    assert one(ContentPage, uuid=pages[2].uuid, title="News 2") == [pages[2].contentpage_ptr]
    page = pages[3]
    assert titles(keys=[page.pk]) == [("News 3", page.uuid, page.first_published_at)]


def test_the_sql_is_written_once_for_each_length_up_to_a_power_of_two(pages):
    keys = [page.pk for page in pages]
    for count in (1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1):
        assert news(11, keys=keys[:count], as_of=later()) == pages[:count]
    assert sorted(set(built)) == [(11, 1), (11, 2), (11, 4), (11, 8)]
    assert len(built) == 8  # twice each, with different marks


def test_one_query_each(pages):
    with CaptureQueriesContext(connection) as queries:
        news(12, keys=[pages[0].pk], as_of=later())
        news(12, keys=[pages[1].pk], as_of=later())
    assert [query["sql"].count(f"({page.pk})") for query, page in zip(queries, pages, strict=False)] == [1, 1]


def test_a_value_of_another_type_is_a_query_of_its_own(pages):
    """A lazy value, for example, is known to Django alone."""
    assert titles(keys=[timezone.localdate, pages[0].pk][1:]) == titles(keys=[pages[0].pk])
    subquery = [NewsPage.objects.filter(pk=pages[0].pk).values("pk")]

    @compiled
    def among(*, keys):
        return NewsPage.objects.filter(pk__in=keys[0])

    assert among(keys=subquery) == [pages[0]]


@pytest.mark.parametrize(
    "build",
    [
        lambda *, title: Topic.objects.filter(name=title.upper()),
        lambda *, title: Topic.objects.filter(name__contains=title),
        lambda *, title: Topic.objects.filter(name=title[:4]),
        lambda *, title: Topic.objects.order_by("name"),
        lambda *, title: Topic.objects.filter(name=title, slug=title + "x"),
    ],
)
def test_a_value_that_is_changed_on_its_way_is_refused(db, build):
    """Otherwise the kept SQL would go on asking for the mark in its place."""
    with pytest.raises(TypeError, match="a value that"):
        compiled(build)(title="Housing")


def test_a_connection_keeps_a_limited_number_of_statements(pages, monkeypatch):
    monkeypatch.setattr(compiled_queries, "MAX_STATEMENTS", 3)
    statements = compiled_queries._statements
    statements.clear()
    for limit in range(1, 6):
        news(limit, keys=[pages[0].pk], as_of=later())
    [kept] = statements.values()
    assert [key[1] for key in kept] == [(3,), (4,), (5,)]
    news(3, keys=[pages[0].pk], as_of=later())
    news(6, keys=[pages[0].pk], as_of=later())
    assert [key[1] for key in kept] == [(5,), (3,), (6,)]
    assert MAX_STATEMENTS == 500


def test_each_thread_has_statements_of_its_own(pages):
    """They belong to the connection, which a thread does not share."""
    compiled_queries._statements.clear()
    news(13, keys=[pages[0].pk], as_of=later())
    seen = []

    def look():
        seen.append(compiled_queries._kept(("probe",), lambda: "written here"))
        connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join()
    own = compiled_queries._statements[connections[DEFAULT_DB_ALIAS]]
    assert seen == ["written here"]
    assert [key[1] for key in own] == [(13,)]
