"""What the list of changes says when two people publish or unpublish at the same moment, on PostgreSQL."""

import queue
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from wagtail.models import PageViewRestriction

from pages import models
from pages.approval.workflow import set_up_moderation
from pages.takedown.withdrawal import withdraw
from tests import factories
from tests.hidden_content import administrator
from tests.test_changes import Follower, all_public

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time."),
]


@pytest.fixture(scope="module")
def put_back(django_db_setup, django_db_blocker):
    """Brings back what migrations made. Each of these tests leaves an empty database, and others may come afterwards."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        tables = [connection.ops.quote_name(name) for name in connection.introspection.table_names(cursor)]
        cursor.execute("DROP SCHEMA IF EXISTS kept CASCADE")
        cursor.execute("CREATE SCHEMA kept")
        for table in tables:
            cursor.execute(f"CREATE TABLE kept.{table} AS TABLE {table}")

    def copy():
        with transaction.atomic(), connection.cursor() as cursor:  # constraints are looked at in the end
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            for table in tables:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM kept.{table}")  # noqa: S608 - tables of Django

    yield copy
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        copy()
        cursor.execute("DROP SCHEMA kept CASCADE")


@pytest.fixture
def committed(put_back):
    """The home page of a site in which everything is committed."""
    put_back()
    set_up_moderation()
    return factories.home()


def value(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def at_once(first, second, meanwhile=lambda: None):
    """Do the second while the first is done and not committed, and `meanwhile` while it waits for that."""
    connections = queue.Queue()

    def after_the_first():
        try:
            connections.put(value("SELECT pg_backend_pid()"))
            second()
        finally:
            connection.close()

    def waits(number):
        return value("SELECT cardinality(pg_blocking_pids(%s)) > 0", number)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            waiting = pool.submit(after_the_first)
            number = connections.get(timeout=20)
            while not waiting.done() and not waits(number):
                time.sleep(0.02)
            assert not waiting.done(), "the second did not wait"
            with ThreadPoolExecutor(1) as other:
                other.submit(lambda: (meanwhile(), connection.close())).result()
        waiting.result()


def hide(page, how):
    match how:
        case "unpublish":
            page.unpublish()
        case "withdraw":
            withdraw(page, administrator(), "withdrawn", "Out of date.")
        case "restrict":
            PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)


@pytest.mark.parametrize("how", ["unpublish", "withdraw", "restrict"])
@pytest.mark.parametrize("order", ["the publication first", "the page above first"])
def test_a_page_is_published_while_the_one_above_is_hidden(order, how, committed, ask):
    above = factories.page(models.StandardPage, committed, slug="above")
    page = factories.draft(models.StandardPage, above, slug="page")
    before = Follower(ask)
    before.catch_up()
    steps = [lambda: factories.publish(page), lambda: hide(models.StandardPage.objects.get(pk=above.pk), how)]
    at_once(*(steps if order == "the publication first" else reversed(steps)))
    expected = all_public()
    assert list(expected.values()) == ["/"]
    assert Follower(ask).catch_up() == before.catch_up() == expected


def test_nothing_appears_behind_a_cursor_that_was_given_out(committed, ask):
    pages = [factories.draft(models.StandardPage, committed, slug=f"p{number}") for number in range(2)]
    meanwhile = Follower(ask)
    at_once(lambda: factories.publish(pages[0]), lambda: factories.publish(pages[1]), meanwhile.catch_up)
    assert list(meanwhile.pages.values()) == ["/"]
    assert sorted(meanwhile.catch_up().values()) == ["/", "/p0/", "/p1/"]
