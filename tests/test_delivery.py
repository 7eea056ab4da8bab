"""How the bytes of a public file reach a reader: ranges, a web server in front, object storage."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

import boto3
import pytest
from django.core.files.storage import FileSystemStorage
from moto.server import ThreadedMotoServer
from storages.backends.s3 import S3Storage

from documents.models import Document
from pages import models
from tests import factories
from tests.loopback import answering, over_client

pytestmark = pytest.mark.one_database

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONTENT = bytes(range(256)) * 4


@pytest.fixture
def document(home) -> Document:
    found = factories.document("Data", CONTENT, "data.csv")
    factories.page(models.StandardPage, home, slug="page", body=[("document", found)])
    return found


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "expected"),
    [
        ("bytes=0-9", 206, "bytes 0-9/1024", CONTENT[:10]),
        ("bytes=1020-", 206, "bytes 1020-1023/1024", CONTENT[1020:]),
        ("bytes=-4", 206, "bytes 1020-1023/1024", CONTENT[-4:]),
        ("bytes=-5000", 206, "bytes 0-1023/1024", CONTENT),
        ("bytes=1000-5000", 206, "bytes 1000-1023/1024", CONTENT[1000:]),
        ("bytes=1024-", 416, "bytes */1024", b""),
        ("bytes=9-0", 416, "bytes */1024", b""),
        ("bytes=-0", 416, "bytes */1024", b""),
        # What is no single range is answered as if nobody had asked for one.
        ("bytes=0-1,4-5", 200, None, CONTENT),
        ("bytes=-", 200, None, CONTENT),
        ("lines=0-1", 200, None, CONTENT),
        ("bytes=" + "9" * 30 + "-", 200, None, CONTENT),
    ],
)
def test_a_part_of_a_file(client, document, asked, status, content_range, expected):
    response = client.get(document.url, headers={"Range": asked})
    assert (response.status_code, response.headers.get("Content-Range")) == (status, content_range)
    assert body(response) == expected
    if status != 416:
        assert response["Content-Length"] == str(len(expected))
        assert (response["Accept-Ranges"], response["Content-Type"]) == ("bytes", "text/csv")
    assert response["Cache-Control"] == "public, max-age=60, must-revalidate"


def test_a_part_of_another_version_is_not_mixed_in(client, document):
    etag = client.get(document.url)["ETag"]
    same = client.get(document.url, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = client.get(document.url, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (same.status_code, other.status_code, body(other)) == (206, 200, CONTENT)


@pytest.mark.parametrize(
    ("known", "status"), [("{}", 304), ("W/{}", 304), ('"other", {}', 304), ("*", 304), ('"x"', 200)]
)
def test_a_version_that_the_client_has_is_not_sent_again(client, document, known, status):
    etag = client.get(document.url)["ETag"]
    assert client.get(document.url, headers={"If-None-Match": known.format(etag)}).status_code == status


def test_head_has_the_length_and_no_body(client, document):
    response = client.head(document.url, headers={"Range": "bytes=0-9"})
    assert (response.status_code, response["Content-Length"], body(response)) == (200, "1024", b"")


def test_x_sendfile_names_the_file_on_disk(client, document, settings, tmp_path, monkeypatch):
    settings.FILE_DELIVERY = "x-sendfile"
    monkeypatch.setattr(Document._meta.get_field("file"), "storage", FileSystemStorage(tmp_path))
    response = client.get(document.url)
    assert (response["X-Sendfile"], response.content) == (str(tmp_path / document.file.name), b"")
    hidden = factories.document()
    assert "X-Sendfile" not in client.get(hidden.url).headers


# --- nginx, as docs/operators.md sets it up ---


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _StayHere(HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def fetch(url, **headers):
    try:
        with build_opener(_StayHere).open(Request(url, headers=headers), timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read(), answer.headers
    except HTTPError as answer:
        return answer.code, answer.read(), answer.headers


@contextmanager
def nginx(folder: Path, cms: str):
    """A real nginx in front of the CMS, with the configuration that the documentation gives."""
    text = (Path(__file__).parents[1] / "docs/operators.md").read_text()
    server = text.split("```nginx\n", 1)[1].split("```", 1)[0]
    port = free_port()
    for documented, here in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("http://127.0.0.1:8000", cms),
        ("/data/files/", f"{folder}/files/"),
    ):
        assert documented in server
        server = server.replace(documented, here)
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"pid {folder}/pid; error_log {folder}/errors; user root;\n"
        f"events {{}} http {{ access_log off; include /etc/nginx/mime.types; {temporary}\n{server}}}\n"
    )
    command = [NGINX, "-e", f"{folder}/errors", "-c", str(config)]
    subprocess.run(command, check=True)  # it goes to the background once it listens
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([*command, "-s", "stop"], check=True)


@pytest.mark.skipif(
    not Path(NGINX).exists() and "CI" not in os.environ, reason="nginx is not installed (Debian: nginx-light)"
)
def test_nginx_sends_the_file_that_the_cms_allowed(home, client, settings, tmp_path, monkeypatch):
    settings.FILE_DELIVERY = "x-accel-redirect"
    storage = FileSystemStorage(tmp_path / "files")
    monkeypatch.setattr(Document._meta.get_field("file"), "storage", storage)
    document = factories.document("Data", CONTENT, "data with ä space.csv")
    page = factories.page(models.StandardPage, home, slug="page", body=[("document", document)])
    stored = quote(document.file.name)

    def ask(cms):
        with nginx(tmp_path, cms) as front:
            whole, part = fetch(front + document.url), fetch(front + document.url, Range="bytes=0-9")
            return whole, part, fetch(f"{front}/internal-files/{stored}")

    (status, content, headers), part, past_the_cms = answering(over_client(client), ask)
    assert (status, content) == (200, CONTENT)
    assert headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Type"].startswith("text/csv")
    assert "X-Accel-Redirect" not in headers
    assert (part[0], part[1], part[2]["Content-Range"]) == (206, CONTENT[:10], "bytes 0-9/1024")
    assert past_the_cms[0] == 404
    page.unpublish()
    assert answering(over_client(client), ask)[0][0] == 410


# --- S3 ---


@pytest.fixture
def bucket(monkeypatch):
    """An S3 storage on loopback in place of the files' own."""
    server = ThreadedMotoServer("127.0.0.1", port=free_port(), verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    keys = {"region_name": "eu-west-2", "endpoint_url": endpoint}
    name = f"files-{uuid4()}"  # the server's memory outlives it
    boto3.client("s3", aws_access_key_id="a", aws_secret_access_key="b", **keys).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    storage = S3Storage(bucket_name=name, access_key="a", secret_key="b", default_acl="private", **keys)
    monkeypatch.setattr(Document._meta.get_field("file"), "storage", storage)
    yield f"{endpoint}/{name}"
    server.stop()


def test_s3_a_signed_redirect_lives_a_minute_and_is_kept_by_nobody(bucket, home, client, settings):
    settings.FILE_DELIVERY = "signed-redirect"
    document = factories.document("Data", CONTENT, "data.csv")
    page = factories.page(models.StandardPage, home, body=[("document", document)])
    response = client.get(document.url)
    assert (response.status_code, response["Cache-Control"]) == (302, "no-store")
    assert response["Location"].startswith(f"{bucket}/documents/")
    lifetimes = [part for part in response["Location"].split("&") if part.split("=")[0].endswith("Expires")]
    assert lifetimes
    assert lifetimes == ["X-Amz-Expires=60"] or 0 < int(lifetimes[0].split("=")[1]) - time.time() <= 60
    status, content, headers = fetch(response["Location"])
    assert (status, content) == (200, CONTENT)
    assert headers["Content-Disposition"] == 'attachment; filename="data.csv"'
    page.unpublish()
    assert client.get(document.url).status_code == 410
    assert client.get(factories.document().url).status_code == 404


def test_s3_can_be_streamed_too(bucket, home, client):
    document = factories.document("Data", CONTENT, "data.csv")
    factories.page(models.StandardPage, home, body=[("document", document)])
    assert body(client.get(document.url)) == CONTENT
    assert body(client.get(document.url, headers={"Range": "bytes=-4"})) == CONTENT[-4:]
    document.file.storage.delete(document.file.name)
    assert client.get(document.url).status_code == 404
