"""Residents find a feed and take its link: with a mouse, a keyboard, a phone, a screen reader, and with no script."""

import pytest
from playwright.sync_api import Page, expect

from pages import models
from tests import factories
from tests.browser.chromium import shot
from tests.browser.test_barriers import _axe, barriers_at  # noqa: F401 - a fixture
from tests.browser.test_keyboard import FOCUS, Keyboard

PAGES = ["/feeds/", "/feeds/meetings/", "/feeds/death-reviews/"]
WITH_WAYS_THERE = [*PAGES, "/meetings/spring/", "/meetings/", "/news/"]
WIDTHS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
NARROWEST = {"width": 320, "height": 256}  # WCAG 2.2, success criterion 1.4.10
LINKS_AND_BUTTONS = "a[href], button:not([hidden]), summary"


@pytest.fixture
def something_to_follow(news, meeting):
    """The demo content, a meeting to come, a story with a topic, and a death-review notice with a helpline."""
    topic = factories.topic(name="Cycle crime", slug="cycle-crime")
    factories.page(
        models.NewsPage,
        news,
        title="Bicycle marking in the market square",
        summary="Bring your bicycle, and have it marked at no charge.",
        topics=[topic],
    )
    factories.page(models.DeathReviewNoticePage, models.DeathReviewIndexPage.objects.get())


@pytest.mark.parametrize("device", WIDTHS)
def test_nothing_is_in_anybodys_way(visit, something_to_follow, device):
    def look(page: Page) -> dict[str, list[str]]:
        page.set_viewport_size(WIDTHS[device])
        found = {}
        for address in WITH_WAYS_THERE:
            found[address] = barriers_at(page, address)
            shot(page, f"follow-{address.strip('/').replace('/', '-')}-{device}", whole=True)
        return found

    assert visit(look) == {address: [] for address in WITH_WAYS_THERE}


# Those in a sentence need not be.
LOW = """parts => parts.filter(part => part.getBoundingClientRect().height < 24)
  .map(part => part.outerHTML)"""
ALONE = "button, p.row a, p.address a, a:not(p a)"


def too_low(page: Page) -> list[str]:
    page.set_viewport_size(WIDTHS["phone"])
    found = []
    for address in PAGES:
        page.goto(address)
        assert page.locator(ALONE).count() >= 7
        found += page.locator(ALONE).evaluate_all(LOW)
    return found


def test_what_is_to_be_pressed_is_large_enough(visit, something_to_follow):
    low = visit(too_low)
    assert [each for each in low if "skip-link" not in each] == []  # which has no mouse or finger to wait for


def sideways(page: Page) -> dict[str, int]:
    """How wide each page is on the narrowest screen, in CSS pixels."""
    page.set_viewport_size(NARROWEST)
    found = {}
    page.goto("/feeds/")
    longest = max(page.locator("h3 a").evaluate_all("links => links.map(link => link.href)"), key=len)
    for address in [*PAGES, longest]:
        page.goto(address)
        found[address] = page.evaluate("document.documentElement.scrollWidth")
    return found


def test_long_addresses_wrap_on_the_narrowest_screen(visit, something_to_follow):
    found = visit(sideways)
    assert len(found) == len(PAGES) + 1
    assert found == dict.fromkeys(found, 320)


def every_stop(page: Page, address: str) -> tuple[list[str], list[str], list[str]]:
    """All links and buttons of a page, where Tab leads, and what had the focus out of sight."""
    page.goto(address)
    there = page.locator(LINKS_AND_BUTTONS).evaluate_all("parts => parts.map(part => part.outerHTML)")
    reached, unseen = [], []
    for _ in there:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML"))
        focus = page.evaluate(FOCUS)
        if not focus["seen"]:
            unseen.append(focus["html"])
    return there, reached, unseen


@pytest.mark.parametrize("address", PAGES)
def test_tab_leads_to_everything_in_its_order(visit, something_to_follow, address):
    there, reached, unseen = visit(every_stop, address)
    assert len(there) >= 8
    assert reached == there
    assert unseen == []


def skip(page: Page) -> str:
    page.goto("/feeds/")
    keyboard = Keyboard(page)
    keyboard.to(lambda words: words == "Skip to main content")
    keyboard.press("Enter")
    keyboard.press("Tab")
    return page.evaluate(f"document.activeElement === document.querySelectorAll('main :is({LINKS_AND_BUTTONS})')[0]")


def test_the_skip_link_leads_past_the_header(visit, something_to_follow):
    assert visit(skip) is True


def copy_twice(page: Page) -> list[str]:
    """Copies two links by keyboard; what the clipboard held after each."""
    page.goto("/feeds/")
    held = []
    statuses = page.get_by_role("status")
    there_before = statuses.evaluate_all("parts => { window.before = parts; return parts.map(part => part.innerText) }")
    assert set(there_before) == {""}
    keyboard = Keyboard(page)
    for name in ("Copy link to the calendar", "Copy link to Meetings"):
        keyboard.to(lambda words, name=name: " ".join(words.split()) == name)
        keyboard.press("Enter")
        button = page.get_by_role("button", name=name, exact=True)
        expect(button.locator("xpath=..").get_by_role("status")).to_have_text("Copied")
        assert statuses.all_inner_texts().count("Copied") == 1
        assert page.evaluate("[...document.querySelectorAll('[role=status]')].every(part => before.includes(part))")
        expect(button).to_be_focused()
        expect(button).to_have_accessible_name(name)
        held.append(page.evaluate("navigator.clipboard.readText()"))
    assert keyboard.unseen == []
    return held


def test_a_link_is_copied_by_keyboard_and_a_screen_reader_says_so(visit, something_to_follow):
    visit.anonymously(permissions=["clipboard-read", "clipboard-write"])
    assert visit(copy_twice) == [f"{visit.url}/feeds/meetings.ics", f"{visit.url}/feeds/meetings.rss"]


def copy_in_vain(page: Page) -> str:
    page.goto("/feeds/news/")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')) }")
    page.get_by_role("button", name="Copy link to this feed").click()
    said = page.locator("[role=status]:not(:empty)")
    expect(said).to_have_count(1)
    return said.inner_text()


def test_a_browser_that_does_not_let_copy_is_not_said_to_have_copied(visit, something_to_follow):
    assert visit(copy_in_vain) == "Your browser did not allow it. Open the address below it, and copy that."


def without_script(page: Page, address: str) -> tuple[int, int, set[str]]:
    """Buttons in all, those in sight, and the addresses of the links in sight."""
    page.goto(address)
    buttons = page.locator("button")
    seen = [link.get_attribute("href") for link in page.locator("main a").all() if link.is_visible()]
    return buttons.count(), sum(button.is_visible() for button in buttons.all()), set(seen)


def test_with_no_script_there_is_no_button_and_every_link(visit, something_to_follow):
    visit.anonymously(java_script_enabled=False)
    buttons, in_sight, links = visit(without_script, "/feeds/meetings/")
    assert (buttons, in_sight) == (2, 0)
    feeds = f"{visit.url}/feeds/meetings"
    assert feeds.replace("http:", "webcal:") + ".ics" in links
    assert {link.split("/")[2] for link in links if link.startswith("https:")} == {
        "calendar.google.com",
        "outlook.live.com",
        "outlook.office.com",
    }
    buttons, in_sight, links = visit(without_script, "/feeds/")
    assert (buttons, in_sight) == (11, 0)  # 5 feeds, the calendar, a topic, 4 priorities
    names = ["all", "news", "meetings", "publications", "priorities", "topics/cycle-crime"]
    assert not [
        link for link in links if link.endswith((".rss", ".atom", ".json", ".ics")) and link.startswith("http:")
    ]
    assert {f"{visit.url}/feeds/{name}/" for name in [*names, "death-reviews"]} <= links
    assert f"{visit.url}/feeds.opml" in links
