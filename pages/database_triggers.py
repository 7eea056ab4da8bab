"""Installs triggers: statements that the database runs by itself when a table changes.

They cannot be forgotten: they also run for `QuerySet.update`, raw SQL and other programs, in the same transaction.
A trigger's name contains a digest of its text. So one query finds out whether exactly these triggers are installed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection, transaction

PREFIX = "csp_"


@dataclass(frozen=True)
class Trigger:
    """Statements for an event on a table.

    `event` is INSERT, DELETE, or UPDATE with columns, as in "UPDATE OF live, path". `for_each_row` triggers may use NEW
    and OLD. SQLite runs the others for each row, too. On PostgreSQL, a trigger with a `lock` first takes the advisory
    lock of this number, until the end of the transaction.
    """

    table: str
    event: str
    statements: tuple[str, ...]
    for_each_row: bool = True
    lock: int | None = None

    @property
    def name(self) -> str:
        return PREFIX + sha256("".join(self._sql("")).encode()).hexdigest()[:20]

    def create(self) -> list[str]:
        """The SQL that creates it."""
        return self._sql(self.name)

    def _sql(self, name: str) -> list[str]:
        body = "; ".join(self.statements)
        after = f"AFTER {self.event} ON {self.table}"
        if connection.vendor == "sqlite":
            return [f"CREATE TRIGGER {name} {after} FOR EACH ROW {self._when('IS NOT')} BEGIN {body}; END"]
        lock = f"PERFORM pg_advisory_xact_lock({self.lock}); " if self.lock else ""
        each = "ROW" if self.for_each_row else "STATEMENT"
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {lock}{body}; RETURN NULL; END $$",
            f"CREATE TRIGGER {name} {after} FOR EACH {each} "
            f"{self._when('IS DISTINCT FROM') if self.for_each_row else ''} EXECUTE FUNCTION {name}()",
        ]

    def _when(self, differs: str) -> str:
        """The condition that an UPDATE has changed one of its columns: Django also writes columns that are the same."""
        columns = [column.strip() for column in self.event.removeprefix("UPDATE OF ").split(",")]
        if not self.event.startswith("UPDATE"):
            return ""
        return f"WHEN ({' OR '.join(f'OLD.{column} {differs} NEW.{column}' for column in columns)})"


def installed() -> set[str]:
    """The names of the triggers in the database that this module has made."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
                "WHERE relnamespace = current_schema()::regnamespace"
            )
        return {name for (name,) in cursor.fetchall() if name.startswith(PREFIX)}


@transaction.atomic
def install(triggers: Iterable[Trigger]) -> bool:
    """Replace what is installed with these triggers. Returns whether anything was different."""
    wanted = {trigger.name: trigger for trigger in triggers}
    before = installed()
    if before == wanted.keys():
        return False
    remove()
    with connection.cursor() as cursor:
        for trigger in wanted.values():
            for statement in trigger.create():
                cursor.execute(statement)
    return True


@transaction.atomic
def remove() -> None:
    """Remove all triggers that this module has made."""
    with connection.cursor() as cursor:
        for name in sorted(installed()):
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER {name}")
            else:
                cursor.execute(f"DROP FUNCTION {name}() CASCADE")
