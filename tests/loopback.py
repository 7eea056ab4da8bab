"""Lets programs that speak HTTP ask the site under test, with no second connection to its database."""

from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

from cms.leakcheck.check import Answer


def over_client(client):
    """The site in this process, asked as if over HTTP."""
    client.raise_request_exception = False

    def fetch(path, body):
        response = client.post(path, body, content_type="application/json") if body else client.get(path)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(response.status_code, dict(response.headers), content)

    return fetch


def passed_on(client):
    """The site in this process, with each request passed on as it came: method, headers and body."""
    client.raise_request_exception = False

    def respond(method, path, headers, body):
        named = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-type")}
        # Django's client tells the type of a body only where there is one.
        sent_type = headers.get("Content-Type") or ""
        response = client.generic(method, path, body, headers=named, CONTENT_TYPE=sent_type)
        return Answer(response.status_code, dict(response.headers), response.content)

    return respond


def answering(fetch, work):
    """Do the work in another thread, which has no database, while this one answers its requests on a loopback port."""
    return answering_in_full(lambda method, path, headers, body: fetch(path, body or None), work)


def answering_in_full(respond, work):
    """The same, where the answer may depend on all of the request."""
    with server_for(respond) as server:
        return while_answering(server, work)


def server_for(respond):
    """A server on a loopback port, which answers while there is work (`while_answering`)."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = respond(self.command, self.path, self.headers, body)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - http.server's names

        def log_message(self, *args):
            pass

    return HTTPServer(("127.0.0.1", 0), Handler)


def while_answering(server, work):
    """Do the work in another thread, with the address of the server."""
    with ThreadPoolExecutor(1) as pool:
        server.timeout = 0.02
        future = pool.submit(work, f"http://127.0.0.1:{server.server_port}")
        while not future.done():
            server.handle_request()
    return future.result()
