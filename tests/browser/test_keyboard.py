"""The moderator's work without a mouse: Tab, Enter, arrows and typing alone. Wherever the focus is, it can be seen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from pages import models
from pages.models.approvals import Approval
from tests import factories

FAR_ENOUGH = 150  # times Tab
# What has the focus: its words, and whether it is in sight and marked, itself or by an outline around it or its label.
FOCUS = """() => {
  const part = document.activeElement;
  const outlined = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  };
  const around = [part, part.parentElement, ...(part.labels || [])].filter(Boolean);
  const place = part.getBoundingClientRect();
  return {
    words: (part.getAttribute('aria-label') || part.labels?.[0]?.innerText || part.innerText || part.id || '').trim(),
    seen: (around.some(outlined) || getComputedStyle(part).boxShadow !== 'none')
      && place.bottom > 0 && place.top < innerHeight && place.right > 0,
    html: part.outerHTML.slice(0, 200),
  };
}"""


class Keyboard:
    """Goes through a page by Tab and remembers where the focus could not be seen."""

    def __init__(self, page: Page) -> None:
        self.page, self.unseen = page, []

    def to(self, wanted: Callable[[str], bool]) -> None:
        for _ in range(FAR_ENOUGH):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if not focus["seen"]:
                self.unseen.append(focus["html"])
            if wanted(focus["words"]):
                return
        raise AssertionError("Tab does not lead there.")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture
def moderator(people, demo):
    return people["moderator"]


def approve(page: Page) -> list[str]:
    page.goto("/admin/")
    keyboard = Keyboard(page)
    keyboard.to(lambda words: words == "Skip to main content")
    keyboard.press("Enter")
    keyboard.to(lambda words: words == "Bike marking")
    keyboard.press("Enter")
    page.wait_for_url("**/edit/")
    keyboard.to(lambda words: words == "More actions")
    keyboard.press("Enter")
    keyboard.to(lambda words: words == "Approve")
    keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("It is approved, and readers see it now.")
    return keyboard.unseen


def test_a_moderator_approves_without_a_mouse(visit, people, moderator, ask):
    story = factories.draft(
        models.NewsPage,
        models.NewsIndexPage.objects.get(),
        title="Bike marking",
        slug="bikes",
        body=[("paragraph", '<p data-block-key="a1b2c">From 10am to 2pm.</p>')],
    )
    story.save_revision(user=people["editor"])
    story.get_workflow().start(story, people["editor"])
    visit.signed_in_as(moderator)
    assert visit(approve) == []
    assert ask('{ page(urlPath: "/news/bikes/") { title } }') == {"page": {"title": "Bike marking"}}
    assert Approval.objects.get(revision__object_id=story.pk).by == moderator


def call_off(page: Page, meeting: int) -> list[str]:
    page.goto(f"/admin/pages/{meeting}/call-off/")
    keyboard = Keyboard(page)
    keyboard.to(lambda words: words == "Skip to main content")
    keyboard.press("Enter")
    keyboard.to(lambda words: words == "Cancelled")
    keyboard.press("ArrowDown")
    keyboard.to(lambda words: words.startswith("Notice for readers"))
    page.keyboard.type("The hall is closed.")
    keyboard.to(lambda words: words == "Tell readers now")
    keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("does not take place as announced")
    return keyboard.unseen


def test_a_moderator_postpones_a_meeting_without_a_mouse(visit, moderator, meeting):
    visit.signed_in_as(moderator)
    assert visit(call_off, meeting.pk) == []
    meeting.refresh_from_db()
    assert (meeting.status, meeting.status_notice) == ("postponed", "<p>The hall is closed.</p>")


def go_without_marks(page: Page) -> int:
    page.goto("/admin/login/")
    page.add_style_tag(content=":is(#any, *) { outline: none !important; box-shadow: none !important }")
    keyboard = Keyboard(page)
    keyboard.to(lambda words: words.startswith("Forgotten"))
    return len(keyboard.unseen)


def test_a_focus_without_a_mark_is_noticed(visit):
    assert visit(go_without_marks) == 5  # the way to the content, the two boxes, the button and the link
