"""The site under test on a loopback port, and Chromium in front of it.

The browser is driven in a thread of its own, while the thread of the test answers its requests. So everything happens
inside the test's one database transaction, on SQLite and PostgreSQL alike: no table is emptied after a test, and tests
may look into the database between two steps. Static files are answered beside it.
"""

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core import signals
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The sandbox needs rights that containers do not have; the rest keeps Chromium off the network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
PATIENCE = 10_000  # milliseconds that a step waits for what it needs, on a busy machine
STORED = "local_storage,indexeddb,cache_storage,service_workers"  # what pages keep, besides cookies
SCREEN = {"width": 1280, "height": 800}
ARTIFACTS = Path(settings.BASE_DIR) / ".artifacts"
SCREENSHOTS = ARTIFACTS / "screenshots"  # those that docs/editors.md shows


class Handler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Static(StaticFilesHandler):
    """The browser keeps scripts and styles from one test to the next, also as it has compiled them."""

    def serve(self, request: Any) -> Any:
        response = super().serve(request)
        response["Cache-Control"] = "max-age=86400"
        return response


class ByThisThread:
    """A WSGI application whose requests wait until `while_waiting_for` answers them.

    The browser keeps no answer: at the same address there is something else in the next test.
    """

    def __init__(self) -> None:
        self.application = get_wsgi_application()
        self.waiting: SimpleQueue[Any] = SimpleQueue()
        self.closed = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        answer: Future[list[bytes] | None] = Future()
        self.waiting.put((environ, start_response, answer))
        if self.closed or (content := answer.result()) is None:
            start_response("503 Service Unavailable", [])
            return []
        return content

    def while_waiting_for(self, work: "Future[Any]") -> Any:
        work.add_done_callback(lambda done: self.waiting.put(None))
        # They would close the connection that holds the transaction of the test (as in django.test.Client).
        signals.request_started.disconnect(close_old_connections)
        signals.request_finished.disconnect(close_old_connections)
        try:
            while not work.done():
                if (request := self.waiting.get()) is not None:
                    self._answer(*request)
        finally:
            signals.request_started.connect(close_old_connections)
            signals.request_finished.connect(close_old_connections)
        return work.result()

    def _answer(self, environ: dict[str, Any], start_response: Any, answer: "Future[list[bytes] | None]") -> None:
        def start(status: str, headers: list[tuple[str, str]], problem: Any = None) -> Any:
            kept = [(name, value) for name, value in headers if name.lower() != "cache-control"]
            return start_response(status, [*kept, ("Cache-Control", "no-store")], problem)

        try:
            response = self.application(environ, start)
            answer.set_result(list(response))
            response.close()
        except Exception as problem:
            answer.set_exception(problem)

    def close(self) -> None:
        self.closed = True
        while not self.waiting.empty():
            if (request := self.waiting.get()) is not None:
                request[2].set_result(None)


class Chromium:
    """One browser for the tests of a process, in the one thread in which Playwright may be used, and a server for it.

    The server has one address for all tests, and most of them one window, so that static files are fetched once.
    """

    def __init__(self) -> None:
        self.site: ByThisThread | None = None  # of the test that is running
        self.server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        self.server.set_app(Static(self._pass_on))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"
        self.others: list[BrowserContext] = []
        self.thread = ThreadPoolExecutor(1)
        self.browser: Browser = self.thread.submit(self._start).result()

    def _pass_on(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if self.site is None:  # a page asked that is closed by now
            start_response("503 Service Unavailable", [])
            return []
        return self.site(environ, start_response)

    def _start(self) -> Browser:
        self.playwright = sync_playwright().start()
        browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        self.window = self._window(browser)
        return browser

    def _window(self, browser: Browser, **options: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=self.url, viewport=SCREEN, locale="en-GB", timezone_id="Europe/London", **options
        )
        context.set_default_timeout(PATIENCE)
        return context

    def empty_page(self, options: dict[str, Any]) -> Page:
        """Of a browser that knows nothing but static files: in a window of its own if it is to be a special one."""
        if options:
            self.others.append(self._window(self.browser, **options))
            return self.others[-1].new_page()
        self.close_pages()
        self.window.clear_cookies()
        page = self.window.new_page()
        session = self.window.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": STORED})
        session.detach()
        return page

    def close_pages(self) -> None:
        for page in self.window.pages:
            page.close()
        while self.others:
            self.others.pop().close()

    def close(self) -> None:
        self.thread.submit(self.browser.close).result()
        self.thread.submit(self.playwright.stop).result()
        self.thread.shutdown()
        self.server.shutdown()
        self.server.server_close()


class Visit:
    """The site, and a browser that looks at it. Call it with what is to be done to the page, and more arguments."""

    def __init__(self, chromium: Chromium) -> None:
        self.chromium, self.site = chromium, ByThisThread()
        self.chromium.site, self.url = self.site, chromium.url
        self.page: Page | None = None

    def __call__(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Run `step(page, …)` in the browser's thread, which has no database, and return what it returns."""
        if self.page is None:
            self.anonymously()
        return self._run(lambda: step(self.page, *arguments))

    def anonymously(self, **options: Any) -> None:
        """Go on with an empty browser, in which nobody is signed in."""
        self.page = self._run(self._open, [], options)

    def signed_in_as(self, user: Any) -> None:
        """Go on with an empty browser that has a session of this person."""
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        self.page = self._run(self._open, [{"name": cookie.key, "value": cookie.value, "url": self.url}], {})

    def close(self) -> None:
        self._run(self.chromium.close_pages)
        self.chromium.site = None
        self.site.close()

    def _open(self, cookies: list[Any], options: dict[str, Any]) -> Page:
        page = self.chromium.empty_page(options)
        page.context.add_cookies(cookies)
        return page

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return self.site.while_waiting_for(self.chromium.thread.submit(work, *arguments))


def shot(page: Page, name: str, whole: bool = False) -> None:
    """Keep a picture of the screen for docs/editors.md."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.evaluate("document.querySelectorAll('*').forEach(part => { if (part.scrollLeft) part.scrollLeft = 0 })")
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole, animations="disabled")
