"""Checks that the database has what this code needs, tables, columns and triggers: at the start, after `migrate`, on
/healthz.

Django trusts its list of applied migrations. A database that another version of the code migrated can have the same
list and different columns. Without this check, requests would fail later, when a query names a missing column.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Field
from django.db.models.options import Options

from cms.triggers.install import are_installed, install

# Lists every column of every table: table, column, type, whether it may be NULL, whether it has a default.
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
Columns = dict[str, tuple[str, bool, bool]]  # of one table: name → type, nullable, has a default
MAX_NAMED = 3  # how many differences the message names


def why_not_to_start() -> str | None:
    """One line that says what to do; None if the database is up to date and fits."""
    plan = _unapplied_migrations()
    if plan:
        return f"The database is not up to date: {len(plan)} migrations to run. Run: python manage.py migrate"
    return why_unfit()


def why_unfit() -> str | None:
    """The same, for tables, columns and triggers. Takes two queries and ignores the list of applied migrations."""
    found = differences()
    if not found and are_installed():
        return None
    if not found:
        return "The database does not have the triggers of this version of the CMS. Run: python manage.py migrate"
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return (
        f"The database does not fit this version of the CMS ({', '.join(found[:MAX_NAMED])}{more}): "
        "other code made it. Start the version that made it, or restore a copy that fits, and then run: "
        "python manage.py migrate"
    )


def differences() -> list[str]:
    """Tables and columns that the models need and the database lacks or has in another form, each in a few words."""
    tables = _tables()
    managed = [
        model._meta
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]
    return sorted(problem for options in managed for problem in _differences(options, tables.get(options.db_table)))


def _differences(options: "Options[Any]", existing: Columns | None) -> Iterator[str]:
    """The differences of one model's table. `existing` has its columns in the database; None if there is no table."""
    table = options.db_table
    if existing is None:
        yield f"no table {table}"
        return
    if not any(kind for kind, _, _ in existing.values()):  # a full-text index of SQLite, which has no types
        return
    wanted = {field.column: field for field in options.local_concrete_fields}
    for column, field in wanted.items():
        if column not in existing:
            yield f"no column {table}.{column}"
        # The type of the primary key of a many-to-many table depends on the version of Django that made it.
        elif not (options.auto_created and field.primary_key) and _differs(field, *existing[column][:2]):
            yield f"another kind of column {table}.{column}"
    for column, (_, may_be_null, has_default) in existing.items():
        if column not in wanted and not may_be_null and not has_default:  # every INSERT would fail
            yield f"no use for the column {table}.{column}"


def _unapplied_migrations() -> list[tuple[Migration, bool]]:
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes())


def _tables() -> dict[str, Columns]:
    tables: dict[str, Columns] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS[connection.vendor])
        for table, column, kind, may_be_null, has_default in cursor.fetchall():
            tables.setdefault(table, {})[column] = (kind, may_be_null, has_default)
    return tables


def _differs(field: "Field[Any, Any]", existing_type: str, may_be_null: bool) -> bool:
    wanted = (field.db_type(connection) or "").lower().replace(", ", ",")
    for ours, postgresql_name in (("varchar", "character varying"), ("char(", "character(")):
        if connection.vendor == "postgresql" and wanted.startswith(ours):
            wanted = wanted.replace(ours, postgresql_name, 1)
    # SQLite does not report primary keys as NOT NULL.
    nullable_differs = bool(may_be_null) != field.null and not field.primary_key
    return wanted != existing_type.replace(", ", ",") or nullable_differs


def after_migrations(sender: AppConfig, plan: list[tuple[Migration, bool]] | None = None, **kwargs: object) -> None:
    """Receiver of `post_migrate`. If all migrations are applied, installs the triggers.

    Raises `CommandError` if the database does not fit. `flush`, which changes no table, sends the same signal without a
    plan.
    """
    if plan is None or _unapplied_migrations():
        return
    if not differences():
        install()
    if problem := why_unfit():
        raise CommandError(problem)


def refuse_to_start() -> None:
    """Exit with one line if the database does not fit. If it cannot be reached, start: /healthz checks it again."""
    try:
        problem = why_not_to_start()
    except OperationalError:
        return
    if problem:
        raise SystemExit(problem)
