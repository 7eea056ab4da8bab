"""Fixtures that many tests share."""

import gc
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.core.signals import request_finished
from django.db import connection, transaction
from django.test import Client
from wagtail.models import Site

from pages.approval.workflow import set_up_death_reviews, set_up_moderation
from pages.content.choices import PublicationKind
from pages.models import (
    ContentPage,
    DeathReviewIndexPage,
    MeetingIndexPage,
    NewsIndexPage,
    PartnershipPage,
    PriorityPeriodPage,
    PublicationIndexPage,
)
from tests import factories
from tests.approval_book import MENDED, Book, RecordedBook, by_the_moderator, presses
from tests.hidden_content import Worlds
from tests.many_rows import fill
from tests.migrated_database import test_database
from tests.recorded_rows import Recorded, RecordedRows, forget_what_is_cached
from tests.searched import SEARCH
from tests.threaded_site import a_copy

# `make test-fast` runs these modules: what breaks most often, and code that needs no database.
FAST = {
    f"test_{name}.py"
    for name in (
        "accounts", "at_path", "boundaries", "connections", "graphql_errors", "graphql_http", "graphql_limits",
        "graphql_rate_limit", "graphql_time_budget", "leavers", "moderation", "page_tree", "permission_log", "redirects",
        "schema", "search", "search_hidden", "search_words", "second_factor", "settings_page", "spellings",
        "structure", "threads_in_wagtail", "typed_dates", "withdrawal",
    )
}  # fmt: skip
# These have the longest tests, so they begin while there is other work to do.
FIRST = {
    f"test_{name}.py"
    for name in (
        "graphql_fuzz", "node_clients", "public_set", "query_counts", "stock_leaks", "taking_away", "threads", "upgrade",
    )
}  # fmt: skip
TESTS = Path(__file__).parent
INDEXES = (PriorityPeriodPage, NewsIndexPage, MeetingIndexPage, DeathReviewIndexPage)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, begin with the longest, and leave out on PostgreSQL what the run on SQLite has."""
    items.sort(key=lambda item: item.path.name not in FIRST)
    for item in items:
        if item.path.parent != TESTS or item.path.name not in FAST:
            item.add_marker("slow")
    if connection.vendor == "sqlite":
        return
    reason = "Depends on no database: looked at in the run on SQLite."
    for item in items:
        if item.get_closest_marker("each_database"):
            continue
        uses_one = "django_db_setup" in item.fixturenames or item.get_closest_marker("django_db")
        if item.get_closest_marker("one_database") or not uses_one:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Python need not look for unreachable objects among all modules again and again: some 5% of the time of a test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker, django_db_createdb, django_db_modify_db_settings):
    """A migrated database with the groups and workflows, which almost every test needs."""
    with django_db_blocker.unblock(), test_database(anew=django_db_createdb):
        set_up_moderation()
        with django_db_blocker.block():
            yield


@pytest.fixture(scope="session", autouse=True)
def _no_mail_from_threads():
    """They would look into the database beside the test, whose rows are never committed."""
    request_finished.disconnect(dispatch_uid="pages.outbox")


@pytest.fixture(scope="module")
def copied_database(django_db_setup, django_db_blocker, tmp_path_factory):
    """A database for threads that commit (tests/threaded_site.py), copied before a test of the module opens its own."""
    with django_db_blocker.unblock(), a_copy(tmp_path_factory.mktemp("database")) as settings:
        yield settings


@pytest.fixture(autouse=True)
def _fresh_cache():
    """Wagtail keeps the site's root in the cache, which a test's rolled-back transaction does not touch."""
    forget_what_is_cached()
    yield
    forget_what_is_cached()


@pytest.fixture(scope="session")
def recorded_home(django_db_setup, django_db_blocker) -> RecordedRows:
    """Published before any instant at which a test stops the clock."""
    with django_db_blocker.unblock(), time_machine.travel(factories.london(2025, 12, 1, 9)):
        return RecordedRows(factories.home)


@pytest.fixture
def home(db, recorded_home) -> PartnershipPage:
    """A published partnership as the root of the site, with groups and workflows."""
    recorded_home.write()
    Site.clear_site_root_paths_cache()
    return PartnershipPage.objects.get()


@pytest.fixture(scope="session")
def recorded_tree(recorded_home, django_db_blocker) -> RecordedRows:
    def make() -> None:
        home = PartnershipPage.objects.get()
        for kind in PublicationKind:
            factories.page(PublicationIndexPage, home, publication_kind=kind)
        for model in INDEXES:
            factories.page(model, home)
        set_up_death_reviews(DeathReviewIndexPage.objects.get())

    with django_db_blocker.unblock(), time_machine.travel(factories.london(2025, 12, 1, 9)):
        return RecordedRows(make, upon=recorded_home)


@pytest.fixture(scope="session")
def record(recorded_home, django_db_blocker) -> Callable[..., Recorded]:
    """Does some work upon the home page once, so that a fixture has what it made again for each test.

    A fixture of a module or of the session calls it: the work is not done in the transaction of a test.
    """

    def done(work: Callable[[], Any], upon: RecordedRows = recorded_home, at: datetime | None = None) -> Recorded:
        with django_db_blocker.unblock(), time_machine.travel(at, tick=False) if at else nullcontext():
            forget_what_is_cached()
            recorded = Recorded(work, upon)
            forget_what_is_cached()
        return recorded

    return done


@pytest.fixture
def tree(home, recorded_tree) -> dict[Any, ContentPage]:
    """A page of each type that can hold others, by type; publication indexes by what they hold."""
    recorded_tree.write()
    home.refresh_from_db()
    return {
        "home": home,
        **{index.publication_kind: index for index in PublicationIndexPage.objects.all()},
        **{model: model.objects.get() for model in INDEXES},
    }


@pytest.fixture(scope="session")
def recorded_book(recorded_home, django_db_blocker) -> RecordedBook:
    return RecordedBook(lambda: Book(PartnershipPage.objects.get()), recorded_home, django_db_blocker.unblock)


@pytest.fixture(scope="session")
def by_a_moderator(recorded_book) -> RecordedBook:
    """The story is public, and all its text is by a moderator."""
    return recorded_book.after(by_the_moderator)


@pytest.fixture(scope="session")
def mended(by_a_moderator) -> RecordedBook:
    """An editor changed a full stop of it, and submitted that."""
    return by_a_moderator.after(presses("editor", "story", "submit", **MENDED))


@pytest.fixture(scope="session")
def mended_and_public(mended) -> RecordedBook:
    return mended.after(presses("other moderator", "story", "approve"))


@pytest.fixture
def book(home, recorded_book) -> Book:
    """Six people, a story and a notice that await approval (tests/approval_book.py)."""
    book = recorded_book.written()
    home.refresh_from_db()
    return book


@pytest.fixture(scope="session")
def recorded_demo(django_db_setup, django_db_blocker) -> RecordedRows:
    """The demo content, and what the command said. Its files stay in the storage, which is in memory."""

    def load() -> str:
        out = StringIO()
        call_command("load_demo", stdout=out)
        return out.getvalue()

    with django_db_blocker.unblock():
        return RecordedRows(load)


@pytest.fixture
def demo(db, recorded_demo) -> str:
    """The demo content; what `load_demo` said when it was loaded."""
    recorded_demo.write()
    Site.clear_site_root_paths_cache()
    return recorded_demo.returned


@pytest.fixture(scope="session")
def twenty_rows(recorded_home, django_db_blocker) -> list[RecordedRows]:
    with django_db_blocker.unblock(), transaction.atomic():
        recorded_home.write()
        home = PartnershipPage.objects.get()
        two = RecordedRows(lambda: fill(home, 2))
        two.write()
        eighteen = RecordedRows(lambda: fill(home, 18))
        transaction.set_rollback(True)
    return [two, eighteen]


@pytest.fixture
def recorded_lists(home, twenty_rows) -> list[RecordedRows]:
    """Two pages of each type in lists, and eighteen more upon them, to be written (tests/many_rows.py)."""
    return twenty_rows


@pytest.fixture(scope="session")
def worlds_of_the_session() -> Worlds:
    return Worlds()


@pytest.fixture
def worlds(home, worlds_of_the_session) -> Worlds:
    """Hidden pages with public ones that point at them, to be written beside the home page."""
    return worlds_of_the_session


@pytest.fixture
def ask(client: Client) -> Callable[..., Any]:
    """Send a query to the public endpoint and return its data; fails when the answer has errors."""

    def send(query: str, /, **variables: Any) -> Any:
        answer = client.post("/graphql/", {"query": query, "variables": variables}, content_type="application/json")
        body = json.loads(answer.content)
        assert "errors" not in body, body["errors"]
        return body["data"]

    return send


@pytest.fixture
def refused(client: Client) -> Callable[..., list[dict[str, Any]]]:
    """Send a query that must be refused and return its errors."""

    def send(query: str, /, **variables: Any) -> list[dict[str, Any]]:
        answer = client.post("/graphql/", {"query": query, "variables": variables}, content_type="application/json")
        return json.loads(answer.content)["errors"]

    return send


@pytest.fixture
def search(ask):
    return lambda query, **more: ask(SEARCH, query=query, **more)["search"]


@pytest.fixture
def titles(search):
    """The titles of all that is found; the count and the edges agree with it."""

    def found(query, **more):
        answer = search(query, **{"first": 100, **more})
        names = [node["title"] for node in answer["nodes"]]
        assert answer["totalCount"] == len(names)
        assert [edge["node"]["title"] for edge in answer["edges"]] == names
        return names

    return found


@pytest.fixture
def somebody(home, client):
    """With access to the admin and these permissions alone."""

    def made(*codenames):
        group = Group.objects.create(name="Odd")
        group.permissions.set(Permission.objects.filter(codename__in=["access_admin", *codenames]))
        person = User.objects.create_user("odd", password="x")
        person.groups.add(group)
        client.force_login(person)
        return client

    return made
