"""Says which answers may be kept in memory (wsgi.py): those of the views listed here, to whoever asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

# Names of addresses in cms/urls.py. Their answers depend on the database, the time, and the parts of the request that
# are in the key of a kept answer (wsgi.py), and on nothing else. The GraphQL view decides for each query.
VIEWS = {
    "all_feeds",
    "feed",
    "feed_page",
    "feeds",
    "front_page",
    "meeting_calendar",
    "robots",
    "sitemap",
    "wagtail_serve",
}
# In the environment of the request:
MAY_BE_KEPT = "cms.may_be_kept"  # set here
ONE_SNAPSHOT = "cms.one_snapshot"  # set by wsgi.py, if so much is published that all reads of an answer need one state


def allow_keeping(request: HttpRequest) -> None:
    request.META[MAY_BE_KEPT] = True


class KeptAnswersMiddleware:
    """Allows keeping the answers of `VIEWS`, except errors, redirects, and what nobody may store."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _one_snapshot() if ONE_SNAPSHOT in request.META else nullcontext():
            response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else ""
        if view in VIEWS and response.status_code == 200 and "no-store" not in response.get("Cache-Control", ""):
            allow_keeping(request)
        return response


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Everything inside reads the same state of the database. On SQLite, nobody else can write meanwhile."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
