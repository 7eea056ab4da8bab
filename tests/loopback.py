"""Lets programs that speak HTTP ask the site under test, with no second connection to its database."""

from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

from cms.leak_check import Answer


def over_client(client):
    """The site in this process, asked as if over HTTP."""
    client.raise_request_exception = False

    def fetch(path, body):
        response = client.post(path, body, content_type="application/json") if body else client.get(path)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(response.status_code, dict(response.headers), content)

    return fetch


def answering(fetch, work):
    """Do the work in another thread, which has no database, while this one answers its requests on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = fetch(self.path, body or None)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as pool:
        server.timeout = 0.02
        future = pool.submit(work, f"http://127.0.0.1:{server.server_port}")
        while not future.done():
            server.handle_request()
    return future.result()
