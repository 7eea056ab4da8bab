"""No screen of ours puts barriers before people: axe-core finds nothing against WCAG 2.2 AA in what we wrote.

Wagtail's own frame around our screens (menu, header, side panels) is not looked at: it is not ours to mend.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from pages import models
from pages.models import StaffCalendar, Takedown
from tests import factories
from tests.browser.test_sign_in import set_up_the_app

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTENT = "main > .nice-padding, main .nice-padding"  # a screen's own part of the admin
RUN = """async ([parts, tags]) => {
  const found = await axe.run(parts, { runOnly: tags, resultTypes: ['violations'] });
  return {
    passed: found.passes.length,
    violations: found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`)),
  };
}"""


@pytest.fixture(autouse=True)
def _axe():
    if not AXE.exists():
        why = "axe-core is not installed: run `npm ci` in tests."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def barriers(page: Page, *parts: str) -> list[str]:
    """What axe-core finds wrong in these parts of the page, or in all of it. Parts that are not there fail."""
    for part in parts:
        assert page.locator(part).count(), part
    page.evaluate(AXE.read_text())
    found = page.evaluate(RUN, [{"include": [[part] for part in parts]} if parts else "html", WCAG])
    assert found["passed"]
    return found["violations"]


def barriers_at(page: Page, address: str, *parts: str) -> list[str]:
    page.goto(address)
    return barriers(page, *parts)


def test_axe_finds_what_is_wrong(visit):
    """That the test above can fail."""

    def look(page):
        page.set_content('<html lang="en"><title>T</title><main><img src="x"></main>')
        return barriers(page)

    assert visit(look) == ['image-alt: <img src="x">']


@pytest.fixture
def busy(people, demo):
    """A site where every list has rows: something submitted, sent back, taken down, broken, and due."""
    news = models.NewsIndexPage.objects.get()
    waiting = factories.page(models.NewsPage, news, title="Waiting")
    for user in ("editor", "moderator"):
        page = waiting if user == "editor" else factories.draft(models.NewsPage, news, title="Mine")
        page.title += "!"
        page.save_revision(user=people[user])
        page.get_workflow().start(page, people[user])
    gone = factories.page(models.NewsPage, news, title="Gone")
    link = f'<p><a linktype="page" id="{gone.pk}">there</a></p>'
    factories.page(models.NewsPage, news, title="Broken", body=[("paragraph", link)])
    gone.delete()
    StaffCalendar.objects.create(user=people["moderator"])
    for by in ("moderator", "colleague"):
        Takedown.objects.create(address=f"/news/{by}/", reason="It named somebody.", by=people[by], at=timezone.now())
    return factories.page(
        models.MeetingPage,
        models.MeetingIndexPage.objects.get(),
        title="Meeting to come",
        starts_at=timezone.now() + timedelta(days=30),
        status_notice="<p>The room changed.</p>",
    )


HOME = ("#waiting-section", "#sent-in-section", "#deadlines-section")


def test_the_editors_home(visit, people, busy):
    visit.signed_in_as(people["moderator"])
    assert visit(lambda page: page.goto("/admin/") and page.locator("#waiting-section tbody tr").count()) == 3
    assert visit(barriers_at, "/admin/", *HOME) == []
    visit.signed_in_as(people["lead"])
    assert visit(barriers_at, "/admin/", *HOME) == []


SCREENS = [
    "calendar-address/",
    "takedowns/",
    "reports/broken-links/",
    "pages/{meeting}/withdraw/",
    "pages/{meeting}/call-off/",
    "users/{leaver}/leaver/",
]


def every_screen(page: Page, addresses: list[str]) -> dict[str, list[str]]:
    """Each screen as it opens, and those with a form also with its errors."""
    found = {}
    for address in addresses:
        found[address] = barriers_at(page, address, CONTENT)
        if page.locator("main form[data-edit-form] textarea").count():
            found[f"{address} with errors"] = refused(page, CONTENT)
    return found


def test_the_screens_that_we_add_to_the_admin(visit, people, busy):
    addresses = ["/admin/" + screen.format(meeting=busy.pk, leaver=people["editor"].pk) for screen in SCREENS]
    people["moderator"].is_superuser = True  # who ends the access of a leaver
    people["moderator"].save()
    visit.signed_in_as(people["moderator"])
    found = visit(every_screen, addresses)
    assert found == {name: [] for name in found}
    assert len(found) == len(SCREENS) + 3


def refused(page: Page, part: str) -> list[str]:
    """The same screen with its errors."""
    for box in page.locator("main textarea, main input[type=text]").all():
        box.fill("")
    page.locator("main form[data-edit-form] button[type=submit]").last.click()
    page.locator(".error-message").first.wait_for()
    return barriers(page, part)


PREVIEWS = ["", "feed", "calendar", "search", "social", "graphql"]


def every_preview(page: Page, meeting: int) -> dict[str, list[str]]:
    page.goto(f"/admin/pages/{meeting}/edit/")
    page.get_by_role("button", name="Toggle preview").click()
    page.frame_locator("iframe[data-w-preview-target=iframe]:not(.w-preview__proxy)").get_by_role("main").wait_for()
    address = f"/admin/pages/{meeting}/edit/preview/?mode="
    return {mode: barriers_at(page, address + mode) for mode in PREVIEWS}


def test_the_previews(visit, people, busy):
    visit.signed_in_as(people["moderator"])
    assert visit(every_preview, busy.pk) == {mode: [] for mode in PREVIEWS}


def test_the_screens_for_signing_in(visit, home, people, settings):
    settings.REQUIRE_MFA = True
    found = {}

    def look(page):
        for name in ("login/", "password_reset/", "password_reset/done/", "login/inactive/"):
            found[name] = barriers_at(page, f"/admin/{name}")
        page.goto("/admin/login/")
        page.locator("[name=login]").fill("moderator")
        page.locator("[name=password]").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").first.wait_for()
        found["wrong"] = barriers(page)
        set_up_the_app(page)
        for name in ("", "recovery-codes/", "recovery-codes/generate/", "totp/deactivate/", "webauthn/add/"):
            found[name] = barriers_at(page, f"/admin/account/second-factor/{name}")
        found["change"] = barriers_at(page, "/admin/account/password/")
        found["logout"] = barriers_at(page, "/admin/logout/")

    visit(look)
    assert found == {name: [] for name in found}
    assert len(found) == 12


PUBLIC = ["/", "/docs/", "/docs/editors/", "/news/", "/meetings/", "/nothing-here/"]


def test_what_anybody_sees(visit, busy):
    found = visit(lambda page: {address: barriers_at(page, address) for address in PUBLIC})
    assert found == {address: [] for address in PUBLIC}
