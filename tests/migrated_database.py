"""The database of a test process: a copy of one that migrations made.

Running all migrations takes a process longer than most test modules do. So the first process that needs a database runs
them and keeps the result; the others copy it. On SQLite the copy is a file in .artifacts, on PostgreSQL a database whose
name begins with `csp_tests_`. Its name holds a digest of the migrations and of the locked packages: when one of them
changes, the migrations run again. `pytest --create-db` runs them again in any case.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / ".artifacts/databases"
LOCK = 202611  # any number that no other program on the server takes


def digest() -> str:
    """Changes with everything that decides what `migrate` makes."""
    found = sha256()
    triggers = (ROOT / name for name in ("pages/database_triggers.py", "pages/visibility/facts.py"))
    paths = [*sorted(ROOT.glob("*/migrations/[0-9]*.py")), *sorted(ROOT.glob("cms/triggers/*.py")), *triggers]
    for path in [*paths, ROOT / "requirements.txt", Path(__file__)]:
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def test_database(*, anew: bool) -> Iterator[None]:
    """The default connection leads to a new test database; afterwards it is removed."""
    creation, name = connection.creation, settings.DATABASES["default"]["NAME"]
    template = SQLiteTemplate() if connection.vendor == "sqlite" else PostgreSQLTemplate()
    with template.locked():
        if anew or not template.exists():
            creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            template.save()
        else:
            template.copy()
    try:
        yield
    finally:
        creation.destroy_test_db(name, verbosity=0)


def _connect_to_test_database(template: str | None = None) -> None:
    """What `create_test_db` does before it runs migrations."""
    creation = connection.creation
    connection.settings_dict["TEST"]["TEMPLATE"] = template
    creation._create_test_db(verbosity=0, autoclobber=True, keepdb=False)
    connection.close()
    name = creation._get_test_db_name()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    connection.ensure_connection()


class SQLiteTemplate:
    def __init__(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path = FOLDER / f"{digest()}.sqlite3"

    @contextmanager
    def locked(self) -> Iterator[None]:
        with (FOLDER / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def exists(self) -> bool:
        return self.path.exists()

    def save(self) -> None:
        for old in FOLDER.glob("*.sqlite3"):
            old.unlink()
        unfinished = FOLDER / f"unfinished-{os.getpid()}"
        with sqlite3.connect(unfinished) as file:
            connection.connection.backup(file)
        file.close()
        unfinished.rename(self.path)

    def copy(self) -> None:
        _connect_to_test_database()
        with sqlite3.connect(self.path) as file:
            file.backup(connection.connection)
        file.close()


class PostgreSQLTemplate:
    def __init__(self) -> None:
        self.name = f"csp_tests_{digest()}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        with connection.creation._nodb_cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

    def exists(self) -> bool:
        return bool(self._execute("SELECT 1 FROM pg_database WHERE datname = %s", self.name))

    def save(self) -> None:
        with connection.cursor() as cursor:
            # The rows of a test are never committed. PostgreSQL, counting them meanwhile, would plan as for empty
            # tables. Joins of some hundred rows then take minutes.
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} SET (autovacuum_enabled = false)")
        made = connection.settings_dict["NAME"]
        connection.close()
        quote = connection.ops.quote_name
        self._execute(f"DROP DATABASE IF EXISTS {quote(self.name)}")
        self._execute(f"CREATE DATABASE {quote(self.name)} TEMPLATE {quote(made)}")

    def copy(self) -> None:
        _connect_to_test_database(self.name)

    def _execute(self, sql: str, *parameters: Any) -> Any:
        with connection.creation._nodb_cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone() if cursor.description else None
