"""Reads the version of everything that readers can be shown (cms/triggers/content_version.py).

It is asked for with each request, so it has a connection of its own in each thread, without Django's layers. Like
Django's connections, it ends after CONN_MAX_AGE: the file of an SQLite database may have been exchanged for a backup.
"""

import sqlite3
import threading
from time import monotonic
from typing import Any

import psycopg
from django.db import connection

from cms.models import DataVersion

_SUM = f"SELECT CAST(COALESCE(SUM(number), 0) AS bigint) FROM {DataVersion._meta.db_table}"  # noqa: S608 - a table


class UnknownVersionError(Exception):
    """The database does not say the version: it cannot be reached, or has no such table."""


class VersionReader:
    """Reads the version of the database of Django's default connection."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._read = _read_sqlite if connection.vendor == "sqlite" else _read_postgresql
        max_age: int | None = connection.settings_dict["CONN_MAX_AGE"]  # seconds; None for no limit
        self._max_age = float("inf") if max_age is None else max_age

    def read(self) -> int:
        """The version that all later reads are at least as new as. Raises `UnknownVersionError`."""
        try:
            opened, until = self._of_thread.opened, self._of_thread.until
        except AttributeError:
            opened, until = None, 0.0
        if opened is not None and monotonic() >= until:
            self.close()
            opened = None
        if opened is not None:
            try:
                return self._read(opened)
            except (sqlite3.Error, psycopg.Error):  # the server was started again, for example
                self.close()
        try:
            self._of_thread.opened = opened = _open()
            self._of_thread.until = monotonic() + self._max_age
            return self._read(opened)
        except (sqlite3.Error, psycopg.Error) as error:
            raise UnknownVersionError from error

    def close(self) -> None:
        """Close the connection of this thread."""
        opened = getattr(self._of_thread, "opened", None)
        self._of_thread.opened = None
        if opened is not None:
            (opened.connection if isinstance(opened, psycopg.Cursor) else opened).close()


def _open() -> Any:
    parameters = connection.get_connection_params()
    if connection.vendor == "sqlite":
        return sqlite3.connect(parameters["database"], uri=parameters.get("uri", False), isolation_level=None)
    for name in ("context", "cursor_factory"):  # Django's own
        parameters.pop(name, None)
    return psycopg.connect(**{**parameters, "autocommit": True, "prepare_threshold": 0}).cursor()


def _read_sqlite(opened: sqlite3.Connection) -> int:
    return int(opened.execute(_SUM).fetchone()[0])


def _read_postgresql(opened: "psycopg.Cursor[Any]") -> int:
    return int(opened.execute(_SUM).fetchone()[0])  # type: ignore[index]
