"""Calendars over HTTP: headers, validators, and what they cost."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feeds.build.items import update_entries
from pages import models
from tests import factories
from tests.factories import london
from tests.test_calendars import CALENDAR, _clock, at, change, hall, index, meeting, own_address, told  # noqa: F401 - fixtures

pytestmark = pytest.mark.one_database


def test_headers_of_the_calendar(client, meeting):
    get, head = client.get(CALENDAR), client.head(CALENDAR)
    assert (
        get.headers.items()
        >= {
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Disposition": 'inline; filename="meetings.ics"',
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "public, max-age=300",
            "Vary": "Accept-Encoding",
            "Last-Modified": "Wed, 11 Feb 2026 08:59:59 GMT",
            "Link": '<http://testserver/feeds/meetings.ics>; rel="self", <http://testserver/meetings/>; rel="alternate"',
        }.items()
    )
    assert re.fullmatch(r'"[0-9a-f]{32}"', get["ETag"])
    assert not get.cookies
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers
    packed = client.get(CALENDAR, headers={"Accept-Encoding": "br, gzip"})
    assert (packed["Content-Encoding"], packed["ETag"]) == ("br", f'{get["ETag"][:-1]}-br"')
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(CALENDAR).status_code == 405
        assert getattr(client, method)(own_address(meeting)).status_code == 405


def test_headers_of_one_meeting(client, meeting):
    """What was taken down is down at once, also where a cache stands in between that cannot be told."""
    get = client.get(own_address(meeting))
    assert get["Cache-Control"] == "no-cache"
    assert get["Access-Control-Allow-Origin"] == "*"
    assert get["Content-Disposition"] == 'inline; filename="meeting-2026-02-24.ics"'
    own = f"http://testserver{own_address(meeting)}"
    assert get["Link"] == f'<{own}>; rel="self", <http://testserver/meetings/february/>; rel="alternate"'
    assert not get.cookies


def test_the_same_bytes_while_nothing_changes(client, meeting):
    update_entries(timezone.now())  # as after each publication
    known = {}
    for moment in ((2026, 2, 12, 9), (2026, 4, 1, 9), (2027, 2, 10, 23, 59)):
        cache.clear()
        with at(*moment):
            for address in (CALENDAR, own_address(meeting)):
                response = client.get(address)
                found = (response.content, response["ETag"], response["Last-Modified"])
                assert known.setdefault(address, found) == found, moment


@pytest.mark.parametrize("address", [CALENDAR, None])
def test_a_program_that_has_it_gets_304(client, meeting, address):
    address = address or own_address(meeting)
    update_entries(timezone.now())  # as after each publication
    with at(2026, 2, 12, 9):
        full = client.get(address)
    with at(2026, 2, 20, 9):
        for validator in (
            {"If-None-Match": full["ETag"]},
            {"If-None-Match": f'"other", W/{full["ETag"]}'},
            {"If-Modified-Since": full["Last-Modified"]},
        ):
            response = client.get(address, headers=validator)
            assert (response.status_code, response.content) == (304, b"")
        change(meeting, summary="Something else.")
        for validator in ({"If-None-Match": full["ETag"]}, {"If-Modified-Since": full["Last-Modified"]}):
            assert client.get(address, headers=validator).status_code == 200


# --- Cost ---


def queries(client, address, **headers):
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address, headers=headers)
    return len(captured.captured_queries), response


def test_what_a_calendar_costs(client, index, hall):
    """As much with ten meetings as with two, and next to nothing for who has it already."""
    for rows in (2, 10):
        for number in range(rows - models.MeetingPage.objects.count()):
            venue = factories.venue() if number < 2 else hall
            starts_at = london(2026, 3, 1, 10) + timedelta(days=number)
            page = factories.page(models.MeetingPage, index, starts_at=starts_at, venue=venue, topics=[])
            models.MeetingChange.objects.create(page=page, at=timezone.now(), field="venue", after="Hall")
        client.get(CALENDAR)  # once before, for Wagtail's cached site root
        state = models.ContentVersion.objects.get()
        for address in (CALENDAR, own_address(page)):
            state.number += 1  # what was kept is for the version before
            models.PublicChange.objects.create(
                version=state.number, record_id=page.uuid, kind="updated", at=timezone.now(), major=False
            )
            state.save()
            client.get("/feeds/news.rss")  # writes the entries, which others pay for
            count, response = queries(client, address)
            assert (count, response.status_code) == (3 if address == CALENDAR else 2, 200)
            assert queries(client, address, **{"If-None-Match": response["ETag"]})[0] == 1
            assert queries(client, address, **{"If-Modified-Since": response["Last-Modified"]})[0] == 1
    assert len(told(client)) == 10
