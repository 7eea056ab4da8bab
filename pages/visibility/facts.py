"""Keeps the answer of the rule (rule.py) for every page as a row of `PageVisibility`, so that a read only looks it up.

Triggers of the database work the rows out anew in the statement that changes a page, a withdrawal or a view
restriction: also when a command or another program changes the table. cms/triggers/install.py installs them. A trigger
works out all pages below the changed one, too. tests/test_visibility_facts.py compares the rows with the rule after
every kind of change, and `manage.py verify_visibility` does so on a running site.
"""

from datetime import datetime

from django.db import connection, transaction
from wagtail.models import Page, PageViewRestriction

from pages.database_triggers import Trigger
from pages.models import ContentPage
from pages.models.base import MAX_DEPTH
from pages.models.page_visibility import PageVisibility
from pages.visibility.rule import worked_out

NEVER = "9999-12-31 00:00:00"
# Any number that nothing else locks. Without the lock, two transactions that change pages of one branch at the same
# time would not see each other's changes.
LOCK = 20261130


def triggers() -> list[Trigger]:
    """The triggers that keep the rows right."""
    pages, restrictions = Page._meta.db_table, PageViewRestriction._meta.db_table
    content = ContentPage._meta.db_table
    changed = "live, expire_at, first_published_at, path, depth, content_type_id"
    of_page = f"(SELECT path FROM {pages} WHERE id = %s)"
    found: list[tuple[str, str, tuple[str, ...]]] = [
        (pages, "INSERT", _renew("NEW.path")),
        (pages, f"UPDATE OF {changed}", (*_renew("OLD.path"), *_renew("NEW.path"))),
        (pages, "DELETE", (f"{_DELETE} page_id = OLD.id", *_renew("OLD.path"))),
        (content, "INSERT", _renew(of_page % "NEW.page_ptr_id")),
        (content, "UPDATE OF withdrawal_kind, uuid", _renew(of_page % "NEW.page_ptr_id")),
        (content, "DELETE", _renew(of_page % "OLD.page_ptr_id")),
        (restrictions, "INSERT", _renew(of_page % "NEW.page_id")),
        (restrictions, "UPDATE OF page_id", (*_renew(of_page % "OLD.page_id"), *_renew(of_page % "NEW.page_id"))),
        (restrictions, "DELETE", _renew(of_page % "OLD.page_id")),
    ]
    return [Trigger(table, event, statements, lock=LOCK) for table, event, statements in found]


_DELETE = f"DELETE FROM {PageVisibility._meta.db_table} WHERE"
_COLUMNS = "page_id, until, withdrawal_kind, page_type_id, first_published_at, uuid"


def _renew(path: str) -> tuple[str, str]:
    """Statements that work out the page at a tree path (as SQL) and all pages below it."""
    branch = _branch(path)
    return (
        f"{_DELETE} page_id IN (SELECT id FROM {Page._meta.db_table} AS page WHERE {branch})",
        f"INSERT INTO {PageVisibility._meta.db_table} ({_COLUMNS}) {_answers(branch)}",
    )


def _branch(path: str) -> str:
    """The condition that a page is at this tree path, or below it."""
    # A tree path has `steplen` characters for each level, from 0-9 and A-Z. So "{" is behind all of them.
    if connection.vendor == "postgresql":  # these operators compare bytes, and use the index
        return f"page.path ~>=~ {path} AND page.path ~<~ ({path} || '{{')"
    return f"page.path >= {path} AND page.path < {path} || '{{'"


def _answers(branch: str) -> str:
    """The rows that the pages for which a condition holds must have."""
    pages, content, restrictions = (model._meta.db_table for model in (Page, ContentPage, PageViewRestriction))
    prefixes = ", ".join(f"SUBSTR(page.path, 1, {Page.steplen * level})" for level in range(1, MAX_DEPTH + 1))
    # Every level up to the root must be there, and none of them an obstacle.
    obstacles = (
        "NOT above.live",
        "(above.depth > 1 AND (above_content.page_ptr_id IS NULL OR above.first_published_at IS NULL))",
        f"EXISTS (SELECT 1 FROM {restrictions} WHERE page_id = above.id)",
        "(above_content.withdrawal_kind > '' AND above.id <> page.id)",
    )
    return f"""
        SELECT page.id, COALESCE(MIN(above.expire_at), '{NEVER}'), content.withdrawal_kind,
            page.content_type_id, page.first_published_at, content.uuid
        FROM {pages} AS page
        JOIN {content} AS content ON content.page_ptr_id = page.id
        JOIN {pages} AS above ON above.path IN ({prefixes})
        LEFT JOIN {content} AS above_content ON above_content.page_ptr_id = above.id
        WHERE page.depth <= {MAX_DEPTH} AND {branch}
        GROUP BY page.id, content.page_ptr_id
        HAVING COUNT(*) = page.depth AND SUM(CASE WHEN {" OR ".join(obstacles)} THEN 1 ELSE 0 END) = 0
        """


def lock() -> None:
    """Take the lock of the triggers until the end of the transaction. Whoever needs other locks takes this first."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


@transaction.atomic
def renew_all() -> None:
    """Work out all pages."""
    lock()
    with connection.cursor() as cursor:
        for statement in _renew("''"):
            cursor.execute(statement)


def differences(as_of: datetime) -> tuple[set[int], set[int]]:
    """Keys of pages that the rows show and the rule hides, and of pages that the rule shows and the rows hide."""
    rule, rows = set[tuple[int, bool]](), set[tuple[int, bool]]()
    for is_withdrawn in (False, True):
        rule |= {(key, is_withdrawn) for key in worked_out(as_of, withdrawn=is_withdrawn).values_list("pk", flat=True)}
    for key, kind in PageVisibility.objects.filter(until__gt=as_of).values_list("page_id", "withdrawal_kind"):
        rows.add((key, bool(kind)))
    return {key for key, _ in rows - rule}, {key for key, _ in rule - rows}


def outdated() -> set[int]:
    """Keys of pages whose row is not exactly the one that the triggers would write now: with another date, for example,
    on which the page will be hidden.
    """
    kept, wanted = f"SELECT {_COLUMNS} FROM {PageVisibility._meta.db_table}", _answers(_branch("''"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT page_id FROM ({kept}) AS kept EXCEPT SELECT page_id FROM ({kept} INTERSECT {wanted}) AS right_rows"
        )
        found = {key for (key,) in cursor.fetchall()}
        cursor.execute(f"SELECT id FROM ({wanted}) AS wanted EXCEPT SELECT page_id FROM ({kept}) AS kept")
        return found | {key for (key,) in cursor.fetchall()}


def hide(pages: set[int]) -> None:
    """Remove the rows of pages, which are hidden then, until something about them changes or `renew_all` is called."""
    PageVisibility.objects.filter(pk__in=pages).delete()
