"""The site as a server runs it: a thread for each request, each with a connection of its own to a committed database.

The database is a copy of the migrated one, so that nothing is left for other tests. The thread of the test has no
connection to it: `Site.within` does what needs one.
"""

import sqlite3
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.test import Client

SWITCH = 0.0005  # seconds after which Python goes on with another thread: a tenth of the usual, to meet more of them


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class Browser:
    """Asks with the cookies of one person, follows redirects, and answers a 500 like any other status."""

    def __init__(self, url: str, cookies: dict[str, str]) -> None:
        self.url, self.cookies = url, cookies
        self.open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(path, None, headers)

    def post(self, path: str, form: dict[str, Any], **headers: str) -> Answer:
        token = self.cookies.get(settings.CSRF_COOKIE_NAME, "")
        return self._ask(path, urlencode({**form, "csrfmiddlewaretoken": token}, doseq=True).encode(), headers)

    def post_json(self, path: str, body: bytes) -> Answer:
        return self._ask(path, body, {"Content-Type": "application/json"})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**({"Cookie": cookie} if cookie else {}), **headers}
        request = urllib.request.Request(self.url + path, body, sent)  # noqa: S310 - our own loopback port
        try:
            with self.open(request, timeout=60) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as response:
            return Answer(response.code, response.read())


@dataclass(frozen=True)
class Site:
    url: str

    def within(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do this in a thread with a connection to the database of the site."""

        def connected() -> Any:
            try:
                return work(*arguments)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(connected).result()

    def anonymous(self) -> Browser:
        return Browser(self.url, {})

    def signed_in_as(self, user: Any) -> Browser:
        secret = "t" * 32  # which each form repeats
        cookies = {settings.SESSION_COOKIE_NAME: self.session(user), settings.CSRF_COOKIE_NAME: secret}
        return Browser(self.url, cookies)

    def session(self, user: Any) -> str:
        """The key of a session of this person."""

        def begin() -> str:
            client = Client()
            client.force_login(user)
            return client.cookies[settings.SESSION_COOKIE_NAME].value

        return self.within(begin)


@contextmanager
def a_copy(folder: Path) -> Iterator[dict[str, Any]]:
    """The settings of a copy of the database as it is now. Nobody may be connected to it, or in a transaction."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with sqlite3.connect(folder / "copy.sqlite3") as copy:
            connection.connection.backup(copy)
        copy.close()
        yield {**connection.settings_dict, "NAME": str(folder / "copy.sqlite3")}
        return
    creation = connection.creation
    creation.clone_test_db("threads", verbosity=0, autoclobber=True)
    try:
        yield creation.get_test_db_clone_settings("threads")
    finally:
        creation.destroy_test_db(suffix="threads", verbosity=0)


class Handler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def threaded_site(
    database: dict[str, Any], around: Callable[[Any], Any] = lambda application: application
) -> Iterator[Site]:
    """The whole site with its static files; `around` makes a WSGI application of that of the site."""
    usual, pace = connections.settings["default"], sys.getswitchinterval()
    connections.settings["default"] = database
    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(around(StaticFilesHandler(get_wsgi_application())))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    sys.setswitchinterval(SWITCH)
    try:
        yield Site(f"http://localhost:{server.server_port}")
    finally:
        sys.setswitchinterval(pace)
        server.shutdown()
        thread.join()
        server.server_close()
        connections.settings["default"] = usual
