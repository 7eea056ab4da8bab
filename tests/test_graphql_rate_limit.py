"""How many requests one client may have answered, and who counts as one client."""

import json
import os
import subprocess
import sys

import pytest
import time_machine

from cms.http import rate_limit

pytestmark = pytest.mark.one_database

QUERY = {"query": "{ __typename }"}
NOON = "2026-02-10 12:00:20"


def status(client, address="192.0.2.1", **headers):
    return client.post("/graphql/", QUERY, content_type="application/json", REMOTE_ADDR=address, headers=headers)


@pytest.fixture(autouse=True)
def _three_a_minute(db, settings):
    settings.GRAPHQL_RATE_LIMIT = 3


def statuses(client, *addresses, **headers):
    return [status(client, address, **headers).status_code for address in addresses]


def test_the_fourth_request_in_a_minute_is_told_when_to_come_again(client):
    with time_machine.travel(NOON, tick=False) as clock:
        assert statuses(client, *["192.0.2.1"] * 3) == [200, 200, 200]
        answer = status(client)
        assert answer.status_code == 429
        assert answer["Retry-After"] == "41"
        assert json.loads(answer.content) == {
            "errors": [
                {
                    "message": "More than 3 requests in a minute. Expensive ones count several times. Try again in 41 seconds.",
                    "extensions": {"code": "RATE_LIMITED"},
                }
            ]
        }
        assert answer["Cache-Control"] == "no-store"
        clock.shift(41)
        assert status(client).status_code == 200


def test_another_client_has_its_own_share(client):
    with time_machine.travel(NOON, tick=False):
        assert statuses(client, *["192.0.2.1"] * 4, "192.0.2.2") == [200, 200, 200, 429, 200]


def test_an_ipv6_network_is_one_client_and_so_is_an_address_in_either_form(client):
    with time_machine.travel(NOON, tick=False):
        same = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3", "2001:db8:0:1::4"]
        assert statuses(client, *same, "2001:db8:0:2::1") == [200, 200, 200, 429, 200]
        assert statuses(client, "::ffff:192.0.2.9", "192.0.2.9", "192.0.2.9", "192.0.2.9") == [200, 200, 200, 429]


def test_nobody_gets_a_new_share_by_saying_so(client):
    with time_machine.travel(NOON, tick=False):
        answers = [
            status(client, **{"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}"})
            for number in range(4)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_behind_a_trusted_proxy_the_last_address_counts(client, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    with time_machine.travel(NOON, tick=False):
        forged = [status(client, **{"x-forwarded-for": f"10.0.0.{n}, 198.51.100.1"}).status_code for n in range(4)]
        assert forged == [200, 200, 200, 429]
        assert status(client, **{"x-forwarded-for": "198.51.100.2"}).status_code == 200
        # A proxy that does not say for whom it asks is a client itself.
        assert statuses(client, *["10.1.1.1"] * 4) == [200, 200, 200, 429]


def test_clients_that_cannot_be_told_apart_share_one_share(client):
    """As behind a server that speaks through a socket file and is not trusted."""
    with time_machine.travel(NOON, tick=False):
        assert statuses(client, "", "", "", "unix:") == [200, 200, 200, 429]


def test_a_refused_query_counts_because_reading_it_is_work(client):
    with time_machine.travel(NOON, tick=False):
        for _ in range(3):
            client.get("/graphql/", {"query": "{"}, REMOTE_ADDR="192.0.2.1")
        assert status(client).status_code == 429


def test_a_query_counts_once_more_for_each_thousand_of_its_cost(client, settings):
    settings.GRAPHQL_RATE_LIMIT = 9
    dear = {"query": "{ __schema { types { name } } }"}  # 5,000
    with time_machine.travel(NOON, tick=False):
        assert client.post("/graphql/", dear, content_type="application/json").status_code == 200  # six of nine
        assert statuses(client, *["127.0.0.1"] * 4) == [200, 200, 200, 429]


def test_what_would_go_beyond_the_share_is_not_executed(client, settings):
    settings.GRAPHQL_RATE_LIMIT = 5
    with time_machine.travel(NOON, tick=False):
        answer = client.post("/graphql/", {"query": "{ __schema { types { name } } }"}, content_type="application/json")
        assert answer.status_code == 429
        assert json.loads(answer.content).keys() == {"errors"}


def test_zero_is_no_limit(client, settings, monkeypatch):
    settings.GRAPHQL_RATE_LIMIT = 0
    monkeypatch.setattr(rate_limit, "caches", None)  # nothing is counted
    assert statuses(client, *["192.0.2.1"] * 5) == [200] * 5


@pytest.mark.parametrize(
    ("address", "backend", "place"),
    [
        ("locmem://", "LocMemCache", "readers"),
        ("file:///tmp/cms-cache", "LocMemCache", "readers"),
        ("db://cms_cache", "DatabaseCache", "cms_cache_readers"),
    ],
)
def test_a_flood_of_clients_does_not_forget_what_signing_in_counts(address, backend, place):
    started = subprocess.run(
        [sys.executable, "-c", "import json, cms.settings; print(json.dumps(cms.settings.CACHES))"],
        env={**os.environ, "CACHE_URL": address}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    caches = json.loads(started.stdout)
    assert caches["readers"]["BACKEND"].rpartition(".")[2] == backend
    assert caches["readers"]["LOCATION"] == place != caches["default"].get("LOCATION")
