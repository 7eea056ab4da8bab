"""How long an answer of the GraphQL endpoint may take."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cms.graphql.http import execution
from cms.graphql.limits import syntax as limits
from cms.graphql.schema import query as schema_module
from tests.test_graphql_limits import send


class Clock:
    """Goes on when a test says so."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def go_on(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch):
    """The one by which the time of a query is measured."""
    clock = Clock()
    monkeypatch.setattr(execution, "monotonic", clock)
    return clock


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_query_ends_when_its_time_is_up(client, clock, monkeypatch, settings, accept):
    settings.GRAPHQL_TIME_BUDGET = 0.05
    asked = []

    def slow(*args):
        asked.append(args)
        clock.go_on(0.06)
        return []

    monkeypatch.setattr(schema_module, "public_alerts", slow)
    query = "{ a: alerts { message } b: alerts { message } }"
    answer = client.post("/graphql/", {"query": query}, content_type="application/json", headers={"accept": accept})
    assert answer.status_code == 503
    assert json.loads(answer.content) == {
        "errors": [
            {
                "message": "The answer took longer than 0.05 seconds. Ask for less at once.",
                "extensions": {"code": "TIMEOUT"},
            }
        ]
    }
    assert len(asked) == 1


@pytest.mark.django_db
def test_the_database_gives_up_when_the_time_is_up(client, monkeypatch, settings):
    settings.GRAPHQL_TIME_BUDGET = 0.1
    slow = (
        "SELECT pg_sleep(20)"
        if connection.vendor == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000000) SELECT count(*) FROM n"
    )

    def ask_the_database(*args):
        # The savepoint stands for the connection on its own that a request has outside of tests.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(slow)
        return []

    monkeypatch.setattr(schema_module, "public_alerts", ask_the_database)
    answer = send(client, "{ alerts { message } }")
    assert answer.status_code == 503
    assert json.loads(answer.content)["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    # The next request has the connection, and its whole time.
    monkeypatch.undo()
    assert json.loads(send(client, "{ alerts { message } }").content) == {"data": {"alerts": []}}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


@pytest.mark.django_db
def test_the_time_begins_with_the_request(client, clock, monkeypatch, settings):
    settings.GRAPHQL_TIME_BUDGET = 0.05

    def slow(query):
        clock.go_on(0.06)
        return checked(query)

    checked = limits.validated
    monkeypatch.setattr(limits, "validated", slow)
    with CaptureQueriesContext(connection) as sql:
        answer = send(client, "{ alerts { message } }")
    assert answer.status_code == 503
    assert json.loads(answer.content)["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    assert not sql.captured_queries


needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite looks at the clock by itself")


def told_timeouts(monkeypatch, meanwhile=lambda: None):
    """What PostgreSQL takes as its time limit, each time that `alerts` is asked for."""
    told = []

    def show(*args):
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'")
            told.append(int(cursor.fetchone()[0]))
        meanwhile()
        return []

    monkeypatch.setattr(schema_module, "public_alerts", show)
    return told


@needs_postgresql
@pytest.mark.django_db
def test_a_statement_has_only_the_time_that_is_left(client, clock, monkeypatch, settings):
    settings.GRAPHQL_TIME_BUDGET = 2.0
    told = told_timeouts(monkeypatch, meanwhile=lambda: clock.go_on(0.5))
    answer = send(client, "{ a: alerts { message } b: alerts { message } c: alerts { message } }")
    assert json.loads(answer.content) == {"data": {"a": [], "b": [], "c": []}}
    assert told == [2000, 1500, 1000]


@needs_postgresql
def test_the_operators_own_time_limit_holds_again_afterwards(client, monkeypatch, django_db_setup, django_db_blocker):
    """On a connection of its own, in no transaction. Nothing is written, so nothing has to be emptied afterwards."""
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {**options, "options": "-c statement_timeout=70s"})
    with django_db_blocker.unblock():
        connection.close()
        told = told_timeouts(monkeypatch)
        try:
            send(client, "{ alerts { message } }")
            schema_module.public_alerts()
        finally:
            monkeypatch.undo()
            connection.close()
    assert told[0] <= 5000
    assert told[1] == 70_000
