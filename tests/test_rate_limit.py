"""How many pages, feeds and files one client may have in a minute, at every public address."""

import pytest
import time_machine
from django.contrib.auth.models import User

from cms.http import rate_limit
from cms.http.rate_limit import NOT_COUNTED
from tests import factories
from tests.public_routes import EXAMPLES, names

pytestmark = pytest.mark.one_database

NOON = "2026-02-10 12:00:20"
TEXT = b"More than 2 requests in a minute. Try again in 41 seconds.\n"


@pytest.fixture(autouse=True)
def _two_a_minute(settings):
    settings.RATE_LIMIT = 2


def test_every_public_route_is_tried():
    assert names() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_third_request_in_a_minute_is_told_when_to_come_again(client, home, name):
    """Whatever the answer would be, and whatever was asked for before, by whichever method."""
    address = EXAMPLES[name]
    with time_machine.travel(NOON, tick=False) as clock:
        client.head("/robots.txt")
        first = client.get(address).status_code
        assert first != 429
        answer = client.get(address)
        if address.startswith(tuple(NOT_COUNTED)):
            assert answer.status_code == first
            return
        assert (answer.status_code, answer.content) == (429, TEXT)
        assert (answer["Retry-After"], answer["Cache-Control"]) == ("41", "no-store")
        assert (answer["Content-Type"], answer["Access-Control-Allow-Origin"]) == ("text/plain; charset=utf-8", "*")
        assert "Set-Cookie" not in answer
        assert client.get(address, REMOTE_ADDR="192.0.2.2").status_code == first
        clock.shift(41)
        assert client.get(address).status_code == first


def test_what_is_not_counted_has_a_reason():
    assert all(len(reason) > 30 for reason in NOT_COUNTED.values())
    assert NOT_COUNTED.keys() == {"/admin/", "/graphql/", "/healthz"}


def test_people_are_told_in_a_page(client, home):
    with time_machine.travel(NOON, tick=False):
        for _ in range(2):
            client.get("/")
        answer = client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert "<h1>Too many requests</h1>" in answer.content.decode()
    assert "Wait 41 seconds, and then try again." in answer.content.decode()


def test_an_unchanged_feed_counts_too(client, home):
    with time_machine.travel(NOON, tick=False):
        etag = client.get("/feeds/news.atom")["ETag"]
        again = [client.get("/feeds/news.atom", headers={"if-none-match": etag}).status_code for _ in range(2)]
    assert again == [304, 429]


def test_colleagues_get_their_files_all_the_same_and_nothing_else(client, home):
    document = factories.document()
    client.force_login(User.objects.create_superuser("root", password="x"))
    with time_machine.travel(NOON, tick=False):
        assert [client.get(document.url).status_code for _ in range(4)] == [200] * 4
        assert client.get("/feeds/").status_code == 429
        client.cookies["sessionid"] = "made-up"
        assert client.get(document.url).status_code == 429


def test_the_api_and_the_rest_are_counted_apart(client, home, settings):
    settings.GRAPHQL_RATE_LIMIT = 1
    with time_machine.travel(NOON, tick=False):
        assert [client.get(EXAMPLES["graphql"]).status_code for _ in range(2)] == [200, 429]
        assert [client.get("/robots.txt").status_code for _ in range(3)] == [200, 200, 429]


def test_zero_is_no_limit(client, home, settings, monkeypatch):
    settings.RATE_LIMIT = 0
    monkeypatch.setattr(rate_limit, "caches", None)  # nothing is counted
    assert [client.get("/robots.txt").status_code for _ in range(4)] == [200] * 4
