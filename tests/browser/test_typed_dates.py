"""Dates typed in Chromium stay as they were typed, and are understood or refused when the page is saved."""

from playwright.sync_api import Page, expect

from pages import models
from tests import factories
from tests.factories import london

UNDERSTOOD = {"go_live_at": "15/12/2036 09:00", "starts_at": "16 December 2036 9am"}
NOT_UNDERSTOOD = {"go_live_at": "15th of December, nine", "starts_at": "12/31/2036 09:00"}


def type_and_leave(page: Page, name: str, text: str) -> str:
    """What the box says after somebody typed into it and pressed Tab, and the picker has closed."""
    box = page.locator(f"#id_{name}")
    box.click()
    box.fill("")
    box.press_sequentially(text)
    page.keyboard.press("Tab")
    expect(box).not_to_be_focused()
    return box.input_value()


def fill_in(page: Page, address: str, typed: dict[str, str]) -> dict[str, str]:
    page.goto(address)
    said = {"starts_at": type_and_leave(page, "starts_at", typed["starts_at"])}
    status = page.get_by_role("button", name="Toggle status")
    if status.get_attribute("aria-expanded") != "true":  # as the person left it last time
        status.click()
    page.get_by_role("button", name="Set schedule").click()
    said["go_live_at"] = type_and_leave(page, "go_live_at", typed["go_live_at"])
    page.wait_for_timeout(500)  # the picker of the next box opens after a tenth of a second, and lies over the button
    page.get_by_role("dialog").get_by_role("heading").first.click()
    page.get_by_role("button", name="Save schedule").click()
    page.wait_for_load_state()
    return said


def test_a_date_that_is_typed_is_not_rewritten_and_is_understood_or_refused(visit, people, demo):
    meeting = factories.draft(models.MeetingPage, models.MeetingIndexPage.objects.get())
    address = f"/admin/pages/{meeting.pk}/edit/"
    visit.signed_in_as(people["editor"])

    assert visit(fill_in, address, NOT_UNDERSTOOD) == NOT_UNDERSTOOD
    visit(lambda page: expect(page.get_by_text("Write a date and time as in 15/12/2026 09:00")).to_have_count(2))
    version = meeting.get_latest_revision_as_object()
    assert (version.go_live_at, version.starts_at) == (None, meeting.starts_at)

    assert visit(fill_in, address, UNDERSTOOD) == UNDERSTOOD
    visit(lambda page: expect(page.locator(".messages")).to_contain_text("has been updated"))
    meeting.refresh_from_db()
    version = meeting.get_latest_revision_as_object()
    assert (version.go_live_at, version.starts_at) == (london(2036, 12, 15, 9), london(2036, 12, 16, 9))
