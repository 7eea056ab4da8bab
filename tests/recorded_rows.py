"""What some work did to the database, so that it can be done again without the work.

Publishing a home page costs hundreds of queries, and most tests begin with it. Writing the rows that it left costs some
twenty.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core.cache import caches
from django.db import connection, transaction
from django.db.models import Model

from cms.models import DataVersion
from pages.models import PageVisibility

Rows = dict[Any, tuple[Any, ...]]  # by primary key


class RecordedRows:
    """The rows of all tables that the work added, changed or took away, and what it returned. Its transaction is rolled
    back.

    The work begins with what is in the database and in `upon`, with all that it stands upon itself. `write` expects it there as well. The sequences of the tables are left where the work moved them, so that the keys are free when the rows are written.
    """

    def __init__(self, work: Callable[[], Any], upon: "RecordedRows | None" = None) -> None:
        self.upon = upon
        with transaction.atomic():
            if upon:
                upon.write_all()
            before = _everything()
            self.returned = work()
            after, sequences = _everything(), _sequences()
            transaction.set_rollback(True)
        _move(sequences)
        self.removed: dict[type, list[Any]] = defaultdict(list)
        self.added: dict[type, list[tuple[Any, ...]]] = defaultdict(list)
        for model, rows in before.items():
            self.removed[model] += [key for key, row in rows.items() if after[model].get(key) != row]
            self.added[model] += [row for key, row in after[model].items() if rows.get(key) != row]

    def write_all(self) -> None:
        """Into a database where nothing of it is yet."""
        if self.upon:
            self.upon.write_all()
        self.write()

    def write(self) -> None:
        """Raises IntegrityError where other rows are in the way."""
        quote = connection.ops.quote_name
        with transaction.atomic(), connection.cursor() as cursor:
            for model, keys in self.removed.items():
                table, key = quote(model._meta.db_table), quote(model._meta.pk.column)
                cursor.executemany(f"DELETE FROM {table} WHERE {key} = %s", [[value] for value in keys])  # noqa: S608 - a name
            for model, rows in self.added.items():
                if rows:
                    names = ", ".join(quote(field.column) for field in model._meta.local_concrete_fields)
                    places = ", ".join(["%s"] * len(rows[0]))
                    sql = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608 - names
                    cursor.executemany(sql, rows)


class Recorded(RecordedRows):
    """What some work made: `again` writes its rows and returns it as it is in the database then."""

    def __init__(self, work: Callable[[], Any], upon: RecordedRows) -> None:
        super().__init__(lambda: self._keep(work()), upon)

    def _keep(self, made: Any) -> None:
        self.made = made

    def again(self) -> Any:
        self.write()
        return _fetched(self.made)


def forget_what_is_cached() -> None:
    """Other rows have the keys now."""
    for cache in caches.all(initialized_only=True):
        cache.clear()


def _fetched(made: Any) -> Any:
    if isinstance(made, Model):
        return type(made)._base_manager.get(pk=made.pk)
    if isinstance(made, dict):
        return {name: _fetched(each) for name, each in made.items()}
    if isinstance(made, list | tuple):
        return type(made)(map(_fetched, made))
    return made


def _everything() -> dict[type, Rows]:
    quote = connection.ops.quote_name
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            options = model._meta
            if not options.managed or options.proxy or options.swapped or _is_written_by_triggers(model):
                continue
            columns = [field.column for field in options.local_concrete_fields]
            key = columns.index(options.pk.column)
            names = ", ".join(map(quote, columns))
            cursor.execute(f"SELECT {names} FROM {quote(options.db_table)}")  # noqa: S608 - names of tables and columns
            found[model] = {row[key]: row for row in cursor.fetchall()}
    return found


def _is_written_by_triggers(model: type) -> bool:
    return model in (PageVisibility, DataVersion) or model._meta.db_table.endswith("_fts")


def _sequences() -> list[tuple[Any, ...]]:
    """PostgreSQL leaves its sequences where they are when a transaction is rolled back."""
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, name FROM sqlite_sequence")
        return cursor.fetchall()


def _move(sequences: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        for number, table in sequences:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [number, table])
            if not cursor.rowcount:
                cursor.execute("INSERT INTO sqlite_sequence (seq, name) VALUES (%s, %s)", [number, table])
