"""The rows that say which pages are public (`PageVisibility`) agree with the rule, whichever way pages are changed.

tests/test_public_set.py asks the same after every step of its random sequences.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from wagtail.models import Page, PageViewRestriction

from pages.content.choices import WithdrawalKind
from pages.models import ContentPage, NewsPage, PageVisibility, StandardPage
from pages.visibility import facts
from pages.visibility.rule import Answer, answer, public, worked_out
from tests import factories
from tests.threaded_site import threaded_site

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
EXPIRY = timezone.now() + timedelta(days=3)


def rows() -> dict[str, tuple[datetime, str]]:
    found = PageVisibility.objects.select_related("page").filter(page__depth__gt=2)
    return {row.page.slug: (row.until, row.withdrawal_kind) for row in found}


def pages(**filters) -> object:
    return Page.objects.filter(**filters)


@pytest.fixture
def branch(home) -> StandardPage:
    """Pages a, b and c, each below the one before."""
    top = factories.page(StandardPage, home, slug="a")
    factories.page(StandardPage, factories.page(StandardPage, top, slug="b"), slug="c")
    return top


def raw_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wagtailcore_page SET live = %s WHERE slug = 'b'", [False])


PUBLIC = {"a": (NEVER, ""), "b": (NEVER, ""), "c": (NEVER, "")}
A, A_AND_C = {"a": PUBLIC["a"]}, {"a": PUBLIC["a"], "c": PUBLIC["c"]}
# What is done, past every model → the rows afterwards.
CHANGES: dict[str, tuple[Callable[[], object], dict[str, tuple[datetime, str]]]] = {
    "nothing": (lambda: None, PUBLIC),
    "not live": (lambda: pages(slug="b").update(live=False), A),
    "not live by raw SQL": (raw_sql, A),
    "never published": (lambda: pages(slug="a").update(first_published_at=None), {}),
    "an expiry": (
        lambda: pages(slug="b").update(expire_at=EXPIRY), {"a": (NEVER, ""), "b": (EXPIRY, ""), "c": (EXPIRY, "")},
    ),
    "two expiries": (
        lambda: (pages(slug="a").update(expire_at=EXPIRY), pages(slug="b").update(expire_at=EXPIRY + timedelta(1))),
        {"a": (EXPIRY, ""), "b": (EXPIRY, ""), "c": (EXPIRY, "")},
    ),
    "withdrawn": (
        lambda: ContentPage.objects.filter(slug="b").update(withdrawal_kind=WithdrawalKind.WITHDRAWN),
        {"a": (NEVER, ""), "b": (NEVER, "withdrawn")},
    ),
    "restricted": (
        lambda: PageViewRestriction.objects.create(page=Page.objects.get(slug="b"), restriction_type="login"), A,
    ),
    "restricted elsewhere": (
        lambda: (
            PageViewRestriction.objects.create(page=Page.objects.get(slug="a"), restriction_type="login"),
            PageViewRestriction.objects.update(page=Page.objects.get(slug="c")),
        ),
        {"a": PUBLIC["a"], "b": PUBLIC["b"]},
    ),
    "open again": (
        lambda: (
            PageViewRestriction.objects.create(page=Page.objects.get(slug="b"), restriction_type="login"),
            PageViewRestriction.objects.all().delete(),
        ),
        PUBLIC,
    ),
    "live again": (lambda: (pages(slug="b").update(live=False), pages(slug="b").update(live=True)), PUBLIC),
    "moved": (lambda: Page.objects.get(slug="c").move(Page.objects.get(slug="a"), pos="last-child"), PUBLIC),
    "moved out of a hidden branch": (
        lambda: (
            pages(slug="b").update(live=False),
            Page.objects.get(slug="c").move(Page.objects.get(slug="a"), pos="first-child"),
        ),
        A_AND_C,
    ),
    "moved into a hidden branch": (
        lambda: (
            Page.objects.get(slug="c").move(Page.objects.get(slug="a"), pos="last-child"),
            pages(slug="b").update(live=False),
            Page.objects.get(slug="c").move(Page.objects.get(slug="b"), pos="last-child"),
        ),
        A,
    ),
    "deleted": (lambda: Page.objects.get(slug="b").delete(), A),
    "torn out of the tree": (lambda: pages(slug="b").update(path="ZZZZ"), A),
    "the row of the type is gone": (
        lambda: StandardPage.objects.filter(slug="c")._raw_delete("default"), PUBLIC,  # a page without its own fields
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_rows_follow_every_way_to_change_a_page(branch, change):
    assert rows() == PUBLIC
    act, expected = CHANGES[change]
    act()
    assert rows() == expected
    if change != "torn out of the tree":  # the rule in SQL does not notice that a level is missing
        assert facts.differences(timezone.now()) == (set(), set())


def test_a_change_that_is_rolled_back_changes_no_row(branch):
    with transaction.atomic():
        pages(slug="a").update(live=False)
        assert rows() == {}
        transaction.set_rollback(True)
    assert rows() == PUBLIC


def test_a_save_that_changes_nothing_writes_no_row(branch, django_assert_num_queries):
    """Otherwise, on PostgreSQL, saves of drafts would wait for each other."""
    PageVisibility.objects.update(withdrawal_kind="told apart")
    branch.save()
    assert {kind for _, kind in rows().values()} == {"told apart"}


def test_the_row_holds_to_the_instant(branch):
    pages(slug="a").update(expire_at=EXPIRY)
    just_before = EXPIRY - timedelta(microseconds=1)
    found = {instant: public(StandardPage.objects.all(), instant).count() for instant in (just_before, EXPIRY)}
    assert found == {just_before: 3, EXPIRY: 0}
    assert {instant: worked_out(instant, withdrawn=False).filter(slug="c").count() for instant in found} == {
        just_before: 1, EXPIRY: 0,
    }  # fmt: skip


# --- The command that compares them ---------------------------------------------------------------------------


def test_verify_visibility_finds_nothing_on_a_site_that_is_right(branch):
    out = StringIO()
    call_command("verify_visibility", stdout=out)
    assert out.getvalue() == "4 pages are public, and the rows agree with the rule.\n"


def test_a_row_that_shows_too_much_is_removed_and_told(branch, caplog):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pages_pagevisibility WHERE page_id = %s", [branch.pk])
    pages(slug="c").update(live=False)
    hidden = Page.objects.get(slug="c")
    row = {"page_type_id": 0, "first_published_at": EXPIRY, "uuid": hidden.contentpage.uuid}
    PageVisibility.objects.create(page=hidden, until=NEVER, withdrawal_kind="", **row)
    with pytest.raises(CommandError) as found:
        call_command("verify_visibility")
    assert str(found.value) == (
        f"The rows do not agree with the rule. Shown although hidden, and hidden now: page {hidden.pk}. "
        f"Hidden although public: page {branch.pk}. Run: python manage.py verify_visibility --repair"
    )
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert rows() == {"b": PUBLIC["b"]}
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_visibility", "--repair", stdout=out)
    assert rows() == {"a": PUBLIC["a"], "b": PUBLIC["b"]}
    call_command("verify_visibility", stdout=out)
    assert answer(branch) == Answer.PUBLIC


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": NEVER - timedelta(days=1)}, {"page_type": 0}, {"first_published_at": EXPIRY},
        {"uuid": "00000000-0000-0000-0000-000000000000"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_a_row_that_will_be_wrong_is_told_and_repaired(branch, wrong):
    right = PageVisibility.objects.filter(pk=branch.pk).values().get()
    PageVisibility.objects.filter(pk=branch.pk).update(**wrong)
    with pytest.raises(CommandError) as found:
        call_command("verify_visibility", "--repair")
    assert str(found.value) == (
        "The rows do not agree with the rule. Right now, but with a wrong date or place in lists: "
        f"page {branch.pk}. All rows were worked out anew."
    )
    assert PageVisibility.objects.filter(pk=branch.pk).values().get() == right
    assert facts.outdated() == set()


def test_the_place_in_lists_follows_the_page(branch):
    """Whatever changes the columns that lists are sorted by changes the row, past every model."""
    moved, number = EXPIRY - timedelta(days=30), "00000000-0000-4000-8000-000000000001"
    pages(pk=branch.pk).update(first_published_at=moved, content_type=ContentType.objects.get_for_model(NewsPage))
    ContentPage.objects.filter(pk=branch.pk).update(uuid=number)
    row = PageVisibility.objects.get(pk=branch.pk)
    assert (row.first_published_at, str(row.uuid), row.page_type.model) == (moved, number, "newspage")
    assert facts.outdated() == set()


# --- At the same time ------------------------------------------------------------------------------------------


@pytest.mark.each_database
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time.")
def test_two_transactions_that_change_one_branch_leave_the_right_rows(copied_database):
    """One shows a page, the other hides the page below it, and neither sees what the other has not committed."""

    def make() -> tuple[int, int]:
        home = factories.home()
        return home.pk, factories.page(StandardPage, home).pk

    def begin(home: int, below: int) -> None:
        pages(pk=home).update(live=False)
        pages(pk=below).update(live=True)

    def change(both: Barrier, key: int, live: bool) -> None:
        with transaction.atomic():
            both.wait()
            pages(pk=key).update(live=live)

    with threaded_site(copied_database) as site:
        home, below = site.within(make)
        for _ in range(20):
            site.within(begin, home, below)
            both = Barrier(2)
            with ThreadPoolExecutor(2) as threads:
                changes = [
                    threads.submit(site.within, change, both, key, live) for key, live in ((home, True), (below, False))
                ]
                assert [each.result() for each in changes] == [None, None]
            found = site.within(lambda: set(PageVisibility.objects.values_list("page_id", flat=True)))
            assert found & {home, below} == {home}
