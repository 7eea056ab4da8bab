"""Each mode of the previews, to the letter."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import pytest
from django.contrib.auth.models import User

from cms.previews import cut
from documents.models import Rendition
from pages import models
from tests import factories
from tests.test_admin import PLACES, sign_in  # noqa: F401 - fixtures
from tests.test_previews import (  # noqa: F401 - fixtures
    _clock,
    meeting,
    preview_of,
    recorded_meeting,
    staff,
    terms,
    words,
)


def test_the_calendar_preview_has_the_fields_of_an_event_and_makes_up_no_end(meeting, staff):
    more = "\n\nMore about this meeting: http://testserver/meetings/february/"
    soup = preview_of(staff, meeting, "calendar")
    assert soup.select_one(".card h2").text == "CANCELLED: Partnership meeting"
    assert terms(soup) == {
        "Date": "Tuesday 24 February 2026",
        "Time": "10am. No end is given, because none was announced.",
        "Place": "Fire Station, Cambridge, CB1 1JF",
        "Status": "Cancelled",
        "Description": f"Too few people.\n\nReports & questions.{more}",
        "Link": "http://testserver/meetings/february/",
    }
    typed = {
        "ends_at": "2026-02-24 12:30",
        "status": "provisional",
        "attendance_mode": "hybrid",
        "joining_url": "https://meet.example.org/1",
    }
    soup = preview_of(staff, meeting, "calendar", **typed)
    assert soup.select_one(".card h2").text == "Partnership meeting"
    found = terms(soup)
    assert found["Time"] == "10am to 12:30pm"
    assert found["Place"] == "Fire Station, Cambridge, CB1 1JF and online"
    assert found["Status"] == "Tentative"
    assert found["Description"].endswith(f"Reports & questions.\n\nJoin online: https://meet.example.org/1{more}")
    soup = preview_of(staff, meeting, "calendar", starts_at="")
    assert "This meeting has no date yet, so calendars have no event for it." in words(soup)


def test_the_search_preview_cuts_as_search_engines_do(home, staff):
    page = factories.draft(models.StandardPage, home, title="Short", slug="short", summary="What it says.")
    soup = preview_of(staff, page, "search")
    assert words(soup, ".card") == "http://testserver/short/ Short What it says."
    assert "Search engines are asked" not in words(soup)
    typed = {"seo_title": "word " * 12 + "overlong", "search_description": "w" * 200}
    soup = preview_of(staff, page, "search", **typed)
    title, description = soup.select_one(".card h2").text, soup.select_one(".card h2 + p").text
    assert title == " ".join(["word"] * 11) + " word…"
    assert description == "w" * 159 + "…"
    assert words(soup, "main > ul").count("This one is cut.") == 2
    notice = factories.draft(models.DeathReviewNoticePage, factories.page(models.DeathReviewIndexPage, home))
    asked = "Search engines are asked to leave this page out. If one lists it anyway, it would show this."
    assert words(preview_of(staff, notice, "search"), ".notice") == asked


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [
        ("exactly ten", 11, "exactly ten"),
        ("exactly ten", 10, "exactly…"),
        ("exactly ten", 8, "exactly…"),
        ("exactly ten", 7, "exactl…"),
        ("  two\n lines ", 9, "two lines"),
        ("", 9, ""),
    ],
)
def test_texts_are_cut_after_whole_words(text, letters, expected):
    assert cut(text, letters) == expected
    assert len(cut(text, letters)) <= letters


def test_the_social_preview_shows_the_picture_that_the_card_gets_and_keeps_it_from_readers(home, staff, client):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    page = factories.draft(models.NewsPage, index, title="A bench", slug="bench", summary="New.")
    page.image = factories.image(description="A new bench")
    page.save_revision()
    soup = preview_of(staff, page, "social")
    assert words(soup, ".card") == "Testing Partnership A bench New. http://testserver/news/bench/"
    picture = soup.select_one("img")
    rendition = Rendition.objects.get(image=page.image, filter_spec="fill-1200x630|format-jpeg")
    assert (picture["src"], picture["alt"]) == (rendition.full_url, "A new bench")
    assert (picture["width"], picture["height"]) == (str(rendition.width), str(rendition.height))
    assert staff.get(picture["src"]).status_code == 200
    client.logout()
    assert client.get(picture["src"]).status_code == 404
    client.force_login(User.objects.get())
    assert "No picture is chosen" in words(preview_of(client, page, "social", image=""))
    assert "Pages of this type have no picture." in words(preview_of(client, index, "social"))
