"""Whether the database has the tables and columns that this code asks for. A start, `migrate` and /healthz ask here.

Django believes its list of applied migrations. A database whose migrations were made by other code has that list, too,
and answers with faults later, when somebody asks for a column that is not there.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

# Every column of every table: table, column, type, whether it may be NULL, whether it has a default.
COLUMNS = {
    "sqlite": """
        SELECT tables.name, columns.name, lower(columns.type), NOT columns."notnull", columns.dflt_value IS NOT NULL
        FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'
    """,
    "postgresql": """
        SELECT relname, attname, format_type(atttypid, atttypmod), NOT attnotnull, atthasdef OR attidentity <> ''
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    """,
}
Columns = dict[str, tuple[str, bool, bool]]  # of one table, by name: type, whether it may be NULL, has a default
NAMED = 3  # how many differences are told; whoever mends it starts with the first anyway


def why_not_to_start() -> str | None:
    """One line that says what to do, or None when the database fits."""
    plan = _not_yet_run()
    if plan:
        return f"The database is not up to date: {len(plan)} migrations to run. Run: python manage.py migrate"
    return why_unfit()


def why_unfit() -> str | None:
    """The same for tables and columns alone, in one query, whatever the list of applied migrations says."""
    found = differences()
    if not found:
        return None
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"The database does not fit this version of the CMS ({', '.join(found[:NAMED])}{more}): other code made it. "
        "Start the version that made it, or restore a copy that fits, and then run: python manage.py migrate"
    )


def differences() -> list[str]:
    """What the models need and the database has not, or has otherwise."""
    tables = _tables()
    managed = [
        model._meta
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]
    return sorted(problem for options in managed for problem in _differences(options, tables.get(options.db_table)))


def _differences(options: Any, there: Columns | None) -> Iterator[str]:
    """The same for the table of one model, which the database has with these columns, or has not."""
    table = options.db_table
    if there is None:
        yield f"no table {table}"
        return
    if not any(kind for kind, _, _ in there.values()):  # a search index of SQLite, which has no types
        return
    wanted = {field.column: field for field in options.local_concrete_fields}
    for column, field in wanted.items():
        if column not in there:
            yield f"no column {table}.{column}"
        # What Django gives tables between two models for a key depends on the version that made them.
        elif not (options.auto_created and field.primary_key) and _otherwise(field, *there[column][:2]):
            yield f"another kind of column {table}.{column}"
    for column, (_, may_be_null, has_default) in there.items():
        if column not in wanted and not may_be_null and not has_default:  # nothing of ours would fill it in
            yield f"no use for the column {table}.{column}"


def _not_yet_run() -> list[Any]:
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes())


def _tables() -> dict[str, Columns]:
    tables: dict[str, Columns] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS[connection.vendor])
        for table, column, kind, may_be_null, has_default in cursor.fetchall():
            tables.setdefault(table, {})[column] = (kind, may_be_null, has_default)
    return tables


def _otherwise(field: Any, type_there: str, may_be_null: bool) -> bool:
    wanted = (field.db_type(connection) or "").lower().replace(", ", ",")
    for ours, of_postgresql in (("varchar", "character varying"), ("char(", "character(")):
        if connection.vendor == "postgresql" and wanted.startswith(ours):
            wanted = wanted.replace(ours, of_postgresql, 1)
    # SQLite says of no primary key that it must have a value.
    nullable_differs = bool(may_be_null) != field.null and not field.primary_key
    return wanted != type_there.replace(", ", ",") or nullable_differs


def after_migrations(sender: Any, plan: Any = None, **kwargs: Any) -> None:
    """Raises `CommandError` at the end of `migrate` when nothing is left to run and the database still does not fit.

    `flush`, which changes no table, sends the same signal with no plan.
    """
    if plan is not None and not _not_yet_run() and (problem := why_unfit()):
        raise CommandError(problem)


def refuse_to_start() -> None:
    """Ends the process with one line. A database that cannot be reached may come later: /healthz looks again."""
    try:
        problem = why_not_to_start()
    except OperationalError:
        return
    if problem:
        raise SystemExit(problem)
