"""The moderator's day in Chromium: what waits, what changed in it, sending back with a reason, approving; and calling a
meeting off, with the mouse and without."""

import pytest
from playwright.sync_api import Page, expect
from wagtail.rich_text import RichText

from pages import models
from pages.models.approvals import Approval
from tests import factories
from tests.browser.chromium import shot
from tests.browser.test_barriers import _axe, barriers  # noqa: F401 - a fixture
from tests.browser.test_editors_day import submit, write_a_story

# Text as the editor's browser stores it: without the key, showing it to a moderator would change it.
AS_TYPED = '<p data-block-key="a1b2c">From 10am to {}pm.</p>'
PUBLIC = (
    '{ page(urlPath: "/news/bikes/") { ... on NewsPage { body { ... on ParagraphBlock { richText { text } } } } } }'
)


@pytest.fixture
def submitted(people):
    """Submit the page as it stands, as the editor's work."""

    def submit(page):
        page.save_revision(user=people["editor"])
        page.get_workflow().start(page, people["editor"])
        page.refresh_from_db()
        return page

    return submit


@pytest.fixture
def update(news, submitted):
    """A change to a story that is live."""
    story = factories.page(
        models.NewsPage,
        news,
        title="Bike marking in Parker's Piece",
        slug="bikes",
        summary="Bring your bike on Saturday.",
        body=[("paragraph", AS_TYPED.format(2))],
    )
    story.body[0].value = RichText(AS_TYPED.format(4))
    return submitted(story)


def choose_action(page: Page, name: str) -> None:
    page.locator("footer").get_by_role("button", name="More actions").click()
    page.locator("footer").get_by_role("button", name=name, exact=True).click()


def see_what_changed(page: Page) -> tuple[list[str], list[str]]:
    """What the comparison takes out, and what it puts in."""
    page.goto("/admin/")
    row = page.locator("#waiting-section tbody tr")
    expect(row).to_contain_text("Bike marking in Parker's Piece")
    expect(row).to_contain_text("Last edited by Edith Editor")
    shot(page, "waits-for-me")
    row.get_by_role("link", name="See what changed").click()
    expect(page.get_by_role("heading", name="Compare: Bike marking")).to_be_visible()
    shot(page, "compare")
    return page.locator("span.deletion").all_inner_texts(), page.locator("span.addition").all_inner_texts()


def send_back(page: Page, story: int) -> None:
    page.goto("/admin/")
    page.locator("#waiting-section").get_by_role("link", name="Bike marking in Parker's Piece", exact=True).click()
    choose_action(page, "Request changes")
    reason = page.get_by_role("dialog")
    reason.get_by_role("button", name="Request changes").click()
    expect(reason).to_contain_text("Say what has to change: the author reads this.")
    shot(page, "request-changes")
    reason.locator("#id_comment").fill("The square closes at 3pm.")
    reason.get_by_role("button", name="Request changes").click()
    expect(page.locator(".messages")).to_contain_text("It goes back to its author, with your reason.")


def read_the_reason(page: Page) -> None:
    page.goto("/admin/")
    sent_in = page.locator("#sent-in-section")
    expect(sent_in).to_contain_text("Sent back by Morgan Moderator")
    expect(sent_in).to_contain_text("The square closes at 3pm.")
    sent_in.scroll_into_view_if_needed()
    shot(page, "sent-back")


def test_a_moderator_compares_and_sends_back_with_a_reason(visit, people, update, ask):
    visit.signed_in_as(people["moderator"])
    assert visit(see_what_changed) == (["2pm."], ["4pm."])
    visit(send_back, update.pk)
    update.refresh_from_db()
    assert update.current_workflow_state.status == "needs_changes"
    assert not Approval.objects.filter(by=people["moderator"]).exists()
    assert ask(PUBLIC) == {"page": {"body": [{"richText": {"text": "From 10am to 2pm."}}]}}
    visit.signed_in_as(people["editor"])
    visit(read_the_reason)


def send_back_what_is_incomplete(page: Page, story: int) -> None:
    page.goto(f"/admin/pages/{story}/edit/")
    choose_action(page, "Request changes")
    page.get_by_role("dialog").locator("#id_comment").fill("The paragraph is empty.")
    page.get_by_role("dialog").get_by_role("button", name="Request changes").click()
    expect(page.locator(".messages")).to_contain_text("It goes back to its author, with your reason.")


def test_what_does_not_keep_the_rules_can_be_sent_back(visit, people, news, submitted):
    story = factories.draft(models.NewsPage, news, slug="gap", body=[("paragraph", "<p></p>")])
    submitted(story)
    visit.signed_in_as(people["moderator"])
    visit(send_back_what_is_incomplete, story.pk)
    story.refresh_from_db()
    assert (story.live, story.current_workflow_state.status) == (False, "needs_changes")


def read(page: Page, address: str) -> str:
    page.goto(address)
    return page.locator("main").inner_text()


def approve(page: Page, story: int) -> None:
    page.goto(f"/admin/pages/{story}/edit/")
    page.locator("footer").get_by_role("button", name="More actions").click()
    shot(page, "approve")
    page.locator("footer").get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("It is approved, and readers see it now.")
    page.goto("/admin/")
    expect(page.locator("#waiting-section")).to_contain_text("Nothing is awaiting your review.")


def test_a_moderator_approves_and_readers_see_it(visit, people, update, ask):
    assert ask(PUBLIC) == {"page": {"body": [{"richText": {"text": "From 10am to 2pm."}}]}}
    visit.signed_in_as(people["moderator"])
    visit(approve, update.pk)
    visit.anonymously()
    assert "From 10am to 4pm." in visit(read, "/news/bikes/")
    assert ask(PUBLIC) == {"page": {"body": [{"richText": {"text": "From 10am to 4pm."}}]}}
    assert Approval.objects.get(by=people["moderator"]).role == "moderator"


def test_a_story_goes_from_the_editors_screen_over_the_moderators_to_readers(visit, people, news, ask):
    visit.signed_in_as(people["editor"])
    visit(write_a_story, news.pk)
    visit(submit)
    visit.signed_in_as(people["moderator"])
    visit(approve, models.NewsPage.objects.get().pk)
    visit.anonymously()
    shown = visit(read, "/news/free-crime-prevention-advice-for-shops/")
    assert "An officer looks at entrances, displays and cameras, and says what helps." in shown
    assert ask("{ news { nodes { title } } }") == {
        "news": {"nodes": [{"title": "Free crime prevention advice for shops"}]}
    }
    [approval] = Approval.objects.filter(revision__object_id=models.NewsPage.objects.get().pk)
    assert (approval.by, approval.revision.user) == (people["moderator"], people["editor"])


def offered(page: Page, story: int) -> list[str]:
    page.goto(f"/admin/pages/{story}/edit/")
    page.locator("footer").get_by_role("button", name="More actions").click()
    return [name.strip() for name in page.locator("footer [data-workflow-action-name]").all_inner_texts()]


def test_a_moderator_is_not_offered_to_approve_their_own_edit(visit, people, news):
    story = factories.draft(models.NewsPage, news)
    story.save_revision(user=people["moderator"])
    story.get_workflow().start(story, people["moderator"])
    visit.signed_in_as(people["moderator"])
    assert visit(offered, story.pk) == ["Request changes"]
    visit.signed_in_as(people["colleague"])
    assert visit(offered, story.pk) == ["Request changes", "Approve", "Approve with comment"]


def call_off(page: Page, meeting: int) -> None:
    page.goto(f"/admin/pages/{meeting}/edit/")
    page.get_by_role("button", name="Actions", exact=True).first.click()
    page.get_by_role("link", name="Cancel or postpone").click()
    page.get_by_role("button", name="Tell readers now").click()
    expect(page.locator(".error-message")).to_have_text(
        ["Say whether it is cancelled or postponed.", "Say what changed and why: readers see this."]
    )
    page.get_by_label("Cancelled").check()
    page.get_by_label("Notice for readers").fill("The hall is closed. We will give a new date here.")
    shot(page, "call-off")
    page.get_by_role("button", name="Tell readers now").click()
    expect(page.locator(".messages")).to_contain_text("does not take place as announced")


def test_a_moderator_calls_a_meeting_off_alone(visit, people, meeting, ask):
    visit.signed_in_as(people["moderator"])
    visit(call_off, meeting.pk)
    query = '{ page(urlPath: "/meetings/spring/") { ... on MeetingPage { status statusNotice { text } } } }'
    notice = {"text": "The hall is closed. We will give a new date here."}
    assert ask(query) == {"page": {"status": "CANCELLED", "statusNotice": notice}}


def withdraw(page: Page, story: int) -> None:
    page.goto(f"/admin/pages/{story}/withdraw/")
    page.get_by_label("Redirected to another page").check()
    page.get_by_role("button", name="Choose a page").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("a.navigate-pages").click()
    dialog.get_by_role("link", name="News", exact=True).click()
    expect(page.locator("[data-chooser-title]")).to_have_text("News")
    shot(page, "withdraw")
    page.get_by_role("button", name="Withdraw this page").click()
    expect(page.locator(".messages")).to_contain_text("is withdrawn.")


def test_a_moderator_withdraws_a_page_and_chooses_what_to_read_instead(visit, people, update, news, ask):
    visit.signed_in_as(people["moderator"])
    visit(withdraw, update.pk)
    query = '{ redirect(path: "/news/bikes/") { target permanent } }'
    assert ask(query) == {"redirect": {"target": f"{visit.url}/news/", "permanent": True}}


def test_the_moderator_reads_what_readers_are_told_of_files(visit, people, news, submitted):
    picture = factories.image("Market", "A stall with bikes, and two people")
    document = factories.document("Figures", accessibility_exemption="Scanned in 1997")
    body = [("paragraph", AS_TYPED.format(2)), ("document", document)]
    story = submitted(factories.draft(models.NewsPage, news, title="Bikes", slug="b", image=picture, body=body))
    visit.signed_in_as(people["moderator"])

    def look(page: Page) -> None:
        page.goto(f"/admin/pages/{story.pk}/edit/")
        section = page.get_by_role("region", name="What readers see about its files")
        expect(section).to_contain_text("A stall with bikes, and two people")
        expect(section).to_contain_text("Scanned in 1997")
        section.get_by_role("link", name="Market").scroll_into_view_if_needed()
        shot(page, "what-readers-are-told")
        assert barriers(page, "#shown") == []

    visit(look)
