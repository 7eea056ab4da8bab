"""No start, no `migrate` and no health check passes a database that does not fit the code."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from cms import database_fit
from pages import database_triggers
from pages.content.choices import WithdrawalKind
from pages.models import ContentPage, PageVisibility

ROOT = Path(settings.BASE_DIR)
LANDED = ROOT / "tests/landed_migrations.txt"
TODO = "Start the version that made it, or restore a copy that fits, and then run: python manage.py migrate"
# What other code could have made of a table, and how it is told.
OTHERWISE = {
    "no column pages_contentpage.summary": "ALTER TABLE pages_contentpage DROP COLUMN summary",
    "no table feeds_feedping": "DROP TABLE feeds_feedping",
    "another kind of column pages_venue.postcode": {
        "postgresql": "ALTER TABLE pages_venue ALTER COLUMN postcode TYPE text",
        "sqlite": (
            "ALTER TABLE pages_venue DROP COLUMN postcode; "
            "ALTER TABLE pages_venue ADD COLUMN postcode text NOT NULL DEFAULT ''"
        ),
    },
    "no use for the column pages_venue.zip_code": "ALTER TABLE pages_venue RENAME COLUMN postcode TO zip_code",
}


def landed():
    return [line.split(maxsplit=1)[::-1] for line in LANDED.read_text().splitlines()]


def here():
    return {
        str(path.relative_to(ROOT)): sha256(path.read_bytes()).hexdigest()
        for path in ROOT.glob("*/migrations/[0-9]*.py")
    }


def test_no_landed_migration_is_edited_or_taken_away():
    """Sites have run it. Whatever they need now is in a migration after it."""
    changed = {name for name, known in landed() if here().get(name) != known}
    assert changed == set(), "Put these back as they were, and say what you need in a new migration."


def test_every_migration_is_listed():
    missing = here().keys() - dict(landed()).keys()
    assert missing == set(), "`make land-migrations` adds these to tests/landed_migrations.txt. Commit both together."


def test_a_database_that_migrate_made_fits(db):
    assert database_fit.differences() == []
    assert database_fit.why_not_to_start() is None


@pytest.mark.parametrize("told", OTHERWISE)
def test_a_database_that_other_code_made_is_refused_everywhere(db, client, told):
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok\n")
    change_table(told)
    assert told in database_fit.differences()
    problem = database_fit.why_not_to_start()
    assert problem.startswith("The database does not fit this version of the CMS (")
    assert told in problem
    assert problem.endswith(TODO)
    assert "\n" not in problem
    with pytest.raises(CommandError) as refused:
        call_command("migrate", verbosity=0)
    assert str(refused.value) == problem
    with pytest.raises(SystemExit) as refused:
        database_fit.refuse_to_start()
    assert str(refused.value) == problem
    cache.clear()  # a minute later
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"The database does not fit this version of the CMS.\n")


def change_table(told):
    statements = OTHERWISE[told]
    statements = statements if isinstance(statements, str) else statements[connection.vendor]
    database_triggers.remove()  # as `migrate` does before it changes a table
    with connection.cursor() as cursor:
        for statement in statements.split("; "):
            cursor.execute(statement)


def test_without_its_triggers_a_database_is_refused_until_migrate_installs_them(home, client):
    database_triggers.remove()
    ContentPage.objects.filter(pk=home.pk).update(withdrawal_kind=WithdrawalKind.GONE)  # nothing notices that
    problem = "The database does not have the triggers of this version of the CMS. Run: python manage.py migrate"
    assert database_fit.why_not_to_start() == problem
    assert client.get("/healthz").status_code == 503
    assert PageVisibility.objects.get(pk=home.pk).withdrawal_kind == ""
    call_command("migrate", verbosity=0)
    assert database_fit.why_not_to_start() is None
    assert PageVisibility.objects.get(pk=home.pk).withdrawal_kind == WithdrawalKind.GONE


def test_a_column_that_fills_in_itself_does_no_harm(db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pages_venue ADD COLUMN note integer NOT NULL DEFAULT 0")
    assert database_fit.differences() == []


def test_a_database_that_is_not_up_to_date_is_refused(db):
    MigrationRecorder.Migration.objects.filter(app="feeds").latest("name").delete()
    assert database_fit.why_not_to_start() == (
        "The database is not up to date: 1 migrations to run. Run: python manage.py migrate"
    )


def test_the_application_server_does_not_start_on_an_empty_database(tmp_path):
    """Whatever serves the CMS loads cms/wsgi.py."""
    started = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import cms.wsgi"],
        env={**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/cms.sqlite3",
             "DJANGO_SETTINGS_MODULE": "cms.settings"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert started.stdout == ""
    assert re.fullmatch(
        r"The database is not up to date: \d+ migrations to run\. Run: python manage\.py migrate\n", started.stderr
    )
