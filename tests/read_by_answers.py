"""What the answers of the site were made from: which query parameters they looked up, and which rows.

A parameter that an answer did not look up would not have changed it. An answer whose statements all find the same rows in
another state of the database is the same there. So such questions need not be asked.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.core.handlers import wsgi
from django.db import DatabaseError, connection, transaction
from django.http import QueryDict

ALL = "*"  # somebody looked through the names, or asked whether there are any
TRANSACTIONS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


class NotedQuery(QueryDict):
    """Notes the names that are looked up, in itself and in copies of it. To copy or to repeat it reads none."""

    read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def getlist(self, name: str, default: Any = None) -> list[Any]:
        self.read.add(name)
        return super().getlist(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.read.add(ALL)
        return super().__iter__()

    def __len__(self) -> int:
        self.read.add(ALL)
        return super().__len__()

    def keys(self) -> Any:
        self.read.add(ALL)
        return super().keys()

    def __eq__(self, other: object) -> bool:
        self.read.add(ALL)
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


class Noted:
    """What each answer read, while it was `noting`."""

    def __init__(self) -> None:
        self._parameters: dict[Hashable, set[str]] = {}
        self._statements: dict[Hashable, set[str]] = {}
        self._writing: set[Hashable] = set()  # what these read later depends on what they wrote
        self._sql: dict[str, tuple[str, Any]] = {}
        self._rows: dict[str, Any] = {}

    @contextmanager
    def noting(self, asked: Hashable) -> Iterator[None]:
        statements = self._statements[asked] = set()

        def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
            if many or not sql.startswith(("SELECT", "WITH", *TRANSACTIONS)):
                self._writing.add(asked)
            elif not sql.startswith(TRANSACTIONS):
                key = f"{sql} {parameters!r}"
                statements.add(key)
                self._sql[key] = (sql, parameters)
            return execute(sql, parameters, many, context)

        NotedQuery.read = self._parameters[asked] = set()
        with mock.patch.object(wsgi, "QueryDict", NotedQuery), connection.execute_wrapper(note):
            yield

    def looked_up(self, asked: Hashable, name: str) -> bool:
        return bool({name, ALL} & self._parameters[asked])

    def keep_rows(self) -> None:
        """What the statements find now is what the answers were made from."""
        self._rows = {key: self._found(key) for key in self._sql}

    def may_differ_now(self) -> set[Hashable]:
        """The questions whose statements find something else than when the rows were kept, and those that write."""
        other = {key for key in self._sql if self._found(key) != self._rows[key]}
        return self._writing | {asked for asked, statements in self._statements.items() if statements & other}

    def _found(self, key: str) -> Any:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(*self._sql[key])
                return cursor.fetchall()
        except DatabaseError as problem:
            return repr(problem)
