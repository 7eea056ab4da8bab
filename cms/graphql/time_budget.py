"""When a GraphQL request must be done: it ends between two fields, or inside the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.conf import settings
from django.db import connection

# How often SQLite looks at the clock: after this many steps of its virtual machine, about 0.1 ms.
SQLITE_STEPS = 10_000


class TimeIsUp(BaseException):
    """Not an `Exception`, which graphql-core would take for an error of one field and go on with the others."""


class Deadline:
    """Counts from its making. Monotonic, so that setting the clock changes nothing."""

    def __init__(self) -> None:
        self.seconds = settings.GRAPHQL_TIME_BUDGET
        self.at = monotonic() + self.seconds

    def has_passed(self) -> bool:
        return monotonic() > self.at

    @contextmanager
    def for_the_database(self) -> Iterator[None]:
        """Have the database give up, too. What it then raises reaches a resolver as an error like any other."""
        if connection.vendor == "postgresql":
            self._set_timeout(self.seconds)
            try:
                yield
            finally:
                self._set_timeout(0)
        else:
            connection.ensure_connection()
            sqlite = connection.connection
            sqlite.set_progress_handler(self.has_passed, SQLITE_STEPS)
            try:
                yield
            finally:
                sqlite.set_progress_handler(None, 0)

    @staticmethod
    def _set_timeout(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [str(int(seconds * 1000))])
