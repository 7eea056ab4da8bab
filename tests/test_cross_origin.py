"""What scripts of other websites may read, and which headers they may send (Fetch Standard, "CORS protocol")."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import storages

from pages import models
from tests import factories

pytestmark = pytest.mark.one_database

WEBSITE = "https://www.example.org"
# What browsers ask for when Apollo Client, OpenTelemetry, Sentry or Datadog add their headers.
SENT = [
    "accept", "apollo-require-preflight", "apollographql-client-name", "apollographql-client-version", "b3", "baggage",
    "content-type", "elastic-apm-traceparent", "newrelic", "sentry-trace", "traceparent", "tracestate",
    "x-apollo-operation-id", "x-apollo-operation-name", "x-datadog-origin", "x-datadog-parent-id",
    "x-datadog-sampling-priority", "x-datadog-trace-id", "x-request-id",
]  # fmt: skip
OF_TRACING = [name for name in SENT if "apollo" not in name and name not in ("accept", "content-type")]


def names(response, header):
    return {name.strip().lower() for name in response[header].split(",")}


def asked(client, address, *headers, method="GET"):
    """The answer to the preflight request of a browser."""
    return client.options(
        address,
        headers={
            "Origin": WEBSITE,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(headers),
        },
    )


@pytest.fixture
def files(home):
    """The addresses of a document and of a size of a picture that a page shows, and of a document that none shows."""
    document, picture = factories.document(), factories.image()
    factories.page(models.StandardPage, home, body=[("document", document), ("image", {"image": picture})])
    return [document.url, picture.get_rendition("fill-640x360|format-webp").url], factories.document().url


def test_scripts_of_every_website_may_read_public_files(client, files):
    for address in files[0]:
        full = client.get(address)
        known = client.get(address, headers={"If-None-Match": full["ETag"]})
        part = client.get(address, headers={"Range": "bytes=0-3"})
        assert [each.status_code for each in (full, known, part)] == [200, 304, 206]
        for each in (full, known, part):
            assert each["Access-Control-Allow-Origin"] == "*"
            assert names(each, "Access-Control-Expose-Headers") == {
                "accept-ranges", "content-disposition", "content-range", "etag",
            }  # fmt: skip


def test_a_preflight_for_a_file_says_nothing_of_the_file(client, files):
    told = []
    for address in [*files[0], files[1], f"/documents/{'A' * 22}/nothing.pdf", f"/images/{'A' * 22}/card.webp"]:
        answer = asked(client, address, "range", "traceparent")
        assert (answer.status_code, answer.content) == (204, b"")
        assert names(answer, "Access-Control-Allow-Headers") >= {"if-none-match", "if-range", "range", *OF_TRACING}
        told.append({**answer.headers})
    assert told == [told[0]] * 5
    assert told[0]["Access-Control-Allow-Origin"] == "*"


def test_no_script_reads_what_a_colleague_may_open(client, files):
    user = User.objects.create_user("editor")
    user.groups.add(Group.objects.get(name="Editors"))
    client.force_login(user)
    answer = client.get(files[1], headers={"Origin": WEBSITE})
    assert answer.status_code == 200
    assert not answer.has_header("Access-Control-Allow-Origin")


def test_a_file_that_is_gone_is_told_to_scripts(client, files):
    page = models.StandardPage.objects.get()
    page.unpublish()
    for address in files[0]:
        answer = client.get(address)
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (410, "*")


def test_a_redirect_to_the_storage_may_be_followed(client, files, settings, monkeypatch):
    settings.FILE_DELIVERY = "signed-redirect"
    storage = type(storages["default"])
    monkeypatch.setattr(storage, "url", lambda *args, **kwargs: "https://bucket.example/file")
    for address in files[0]:
        answer = client.get(address)
        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (302, "*")


@pytest.mark.parametrize("origins", [[WEBSITE], ["*"]])
def test_the_api_takes_the_headers_of_clients_and_tracing(client, db, settings, origins):
    settings.CORS_URLS_REGEX = r"^/graphql/$"
    settings.CORS_ALLOW_ALL_ORIGINS, settings.CORS_ALLOWED_ORIGINS = origins == ["*"], [WEBSITE]
    answer = asked(client, "/graphql/", *SENT, "if-none-match", method="POST")
    assert names(answer, "Access-Control-Allow-Headers") == {*SENT, "cache-control", "if-none-match"}
    answer = client.get("/graphql/", {"query": "{ __typename }"}, headers={"Origin": WEBSITE})
    assert names(answer, "Access-Control-Expose-Headers") == {"etag", "ratelimit", "ratelimit-policy", "retry-after"}


@pytest.mark.parametrize("address", ["/feeds/news.json", "/feeds/meetings.ics"])
def test_feeds_take_the_headers_of_tracing(client, db, address):
    assert names(asked(client, address, "traceparent"), "Access-Control-Allow-Headers") == {
        "if-modified-since", "if-none-match", *OF_TRACING,
    }  # fmt: skip
