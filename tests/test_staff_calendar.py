"""The calendar of one person's deadlines: its address, who it answers, and what is in it."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.models import ContentPage, StaffCalendar
from tests import factories
from tests.factories import london

SCREEN = "/admin/calendar-address/"


@pytest.fixture
def people(home):
    found = {}
    for group in ("Editors", "Moderators", "Safeguarding leads"):
        user = User.objects.create_user(group.replace(" ", "-").lower(), password="x")
        user.groups.add(Group.objects.get(name=group))
        found[group] = user
    return found


@pytest.fixture(autouse=True)
def _frozen():
    with time_machine.travel(london(2026, 2, 11, 9), tick=False):
        yield


def address(user):
    """What the screen shows after a click on its button."""
    client = Client()
    client.force_login(user)
    html = client.post(SCREEN, follow=True).content.decode()
    return re.search(r'value="http://testserver(/deadlines/[^"]+\.ics)"', html)[1]


def events(response):
    """All events but the one that every site has: the next public meeting."""
    assert response.status_code == 200
    found = [
        (str(event["uid"]), event["dtstart"].dt, str(event["summary"]))
        for event in Calendar.from_ical(response.content).walk("VEVENT")
    ]
    return [event for event in found if not event[0].startswith("public_meeting-")]


def test_the_screen_makes_an_address_and_shows_it_again(people, client):
    client.force_login(people["Editors"])
    assert "You have no address yet." in client.get(SCREEN).content.decode()
    assert not StaffCalendar.objects.exists()
    first = address(people["Editors"])
    assert re.fullmatch(r"/deadlines/[\w-]{22}\.[\w-]{43}\.ics", first)
    html = client.get(SCREEN).content.decode()
    assert first in html
    assert "Make a new address to replace this one" in html


def test_the_calendar_needs_no_session_and_is_never_kept(home, people):
    factories.page(models.StandardPage, home, title="About", next_review_due_on=date(2026, 8, 11))
    response = Client().get(address(people["Editors"]))
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Robots-Tag"] == "noindex"
    assert response.cookies == {}
    page = models.StandardPage.objects.get()
    assert events(response) == [
        (f"review-{page.uuid}@deadlines", date(2026, 8, 11), "Check that the page is still right: About")
    ]


def test_the_bytes_of_a_calendar(home, people):
    """Whole days (RFC 5545 section 3.3.4), lines folded at 75 octets (section 3.1), DTSTAMP from the page."""
    page = factories.page(models.StandardPage, home, title="Pläne, und; mehr", next_review_due_on=date(2026, 8, 11))
    body = Client().get(address(people["Editors"])).content
    assert body.decode() == "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Community Safety CMS//Deadlines//EN",
            "METHOD:PUBLISH",
            "X-WR-CALNAME:Community safety deadlines",
            "BEGIN:VEVENT",
            "SUMMARY:Check that the page is still right: Pläne\\, und\\; mehr",
            "DTSTART;VALUE=DATE:20260811",
            "DTSTAMP:20260211T090000Z",
            f"UID:review-{page.uuid}@deadlines",
            "DESCRIPTION:Policy. Source: Date on the page.",
            "TRANSP:TRANSPARENT",
            f"URL:http://testserver/admin/pages/{page.pk}/edit/",
            "END:VEVENT",
            "BEGIN:VEVENT",
            "SUMMARY:Hold a public meeting: Testing Partnership",
            "DTSTART;VALUE=DATE:20261201",
            "DTSTAMP:20251201T090000Z",
            f"UID:public_meeting-{home.uuid}@deadlines",
            "DESCRIPTION:May be required by law: to be verified by a lawyer. Source: Cr",
            " ime and Disorder Regulations 2007 (SI 2007/1830).",
            "TRANSP:TRANSPARENT",
            f"URL:http://testserver/admin/pages/{home.pk}/edit/",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


def test_unchanged_deadlines_give_the_same_bytes_on_another_day(home, people):
    factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 11))
    url = address(people["Editors"])
    first = Client().get(url).content
    with time_machine.travel(london(2026, 9, 1, 9), tick=False):
        assert Client().get(url).content == first


def test_a_change_keeps_the_uid_and_moves_the_stamp(home, people, client):
    page = factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 11))
    url = address(people["Editors"])
    before = events(Client().get(url))
    with time_machine.travel(london(2026, 8, 12, 9), tick=False):
        client.force_login(people["Moderators"])
        client.post(f"/admin/pages/{page.pk}/reviewed/")
        response = Client().get(url)
    assert events(response) == [(before[0][0], date(2027, 2, 9), before[0][2])]
    assert b"DTSTAMP:20260812T080000Z" in response.content


def test_a_new_address_ends_the_old_one(people):
    old = address(people["Editors"])
    new = address(people["Editors"])
    assert old != new
    assert [Client().get(url).status_code for url in (old, new)] == [404, 200]
    assert StaffCalendar.objects.count() == 1


@pytest.mark.parametrize("what", ["password", "deactivated", "no admin", "deleted"])
def test_an_address_ends_with_the_account_and_its_password(people, what):
    user = people["Editors"]
    url = address(user)
    other = address(people["Moderators"])
    if what == "password":
        user.set_password("another")
        user.save()
    elif what == "deactivated":
        user.is_active = False
        user.save()
    elif what == "no admin":
        user.groups.clear()
    else:
        user.delete()
    response = Client().get(url)
    assert response.status_code == 404
    assert b"BEGIN:VCALENDAR" not in response.content
    assert Client().get(other).status_code == 200


def test_other_addresses_find_nothing(people):
    url = address(people["Editors"])
    theirs = address(people["Moderators"])
    key, signature = url.removeprefix("/deadlines/").removesuffix(".ics").split(".")
    other_key, other_signature = theirs.removeprefix("/deadlines/").removesuffix(".ics").split(".")
    wrong = [f"{key}.{other_signature}", f"{other_key}.{signature}", f"{key}.{signature[:-1]}", key, f"{key}.", "x.y"]
    assert [Client().get(f"/deadlines/{token}.ics").status_code for token in wrong] == [404] * len(wrong)
    assert Client().post(url).status_code == 405


def test_only_its_owner_sees_the_screen(people, client):
    url = address(people["Editors"])
    client.force_login(people["Moderators"])
    assert url not in client.get(SCREEN).content.decode()
    client.logout()
    response = client.get(SCREEN)
    assert (response.status_code, response.url) == (302, f"/admin/login/?next={SCREEN}")
    assert client.post(SCREEN).status_code == 302
    assert StaffCalendar.objects.count() == 1


def test_death_reviews_appear_by_reference_to_those_who_handle_them(home, people):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        pseudonym="Robin",
        recommendations=[models.Recommendation(number="4", text="Act", level="local", due_on=date(2026, 3, 2))],
    )
    row = notice.recommendations.get().pk
    response = Client().get(address(people["Safeguarding leads"]))
    reference = f"Death review {notice.reference}"
    assert events(response) == [
        (
            f"action_plan-{notice.uuid}-{row}@deadlines",
            date(2026, 3, 2),
            f"Update the status of recommendation 4: {reference}",
        ),
        (
            f"time_online-{notice.uuid}@deadlines",
            date(2027, 2, 11),
            f"The promised time online ends: decide whether the notice stays: {reference}",
        ),
    ]
    for hidden in (b"Robin", b"Executive summary"):
        assert hidden not in response.content
    theirs = Client().get(address(people["Editors"]))
    assert notice.reference.encode() not in theirs.content
    assert str(notice.uuid).encode() not in theirs.content
    people["Safeguarding leads"].groups.set([Group.objects.get(name="Editors")])
    assert events(Client().get(address(people["Safeguarding leads"]))) == []


def test_as_many_queries_for_twenty_rows_as_for_two(home, people):
    url = address(people["Moderators"])

    def fill(rows):
        for _ in range(rows):
            factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 11))

    def count():
        cache.clear()
        Client().get(url)
        with CaptureQueriesContext(connection) as captured:
            shown = events(Client().get(url))
        return len(captured.captured_queries), len(shown)

    fill(2)
    few, length = count()
    assert length == 2
    fill(18)
    many, length = count()
    assert length == 20
    assert many == few


def test_a_page_that_no_editor_saved_has_a_stamp_too(home, people):
    factories.page(models.StandardPage, home, next_review_due_on=date(2026, 8, 11))
    ContentPage.objects.update(latest_revision_created_at=None)
    first = Client().get(address(people["Editors"])).content
    assert b"DTSTAMP:19700101T000000Z" in first
    with time_machine.travel(london(2026, 2, 11, 9) + timedelta(days=1), tick=False):
        assert Client().get(address(people["Editors"])).content == first
