"""The editor's day in Chromium: home, a news story and its previews, submitting it, and the next meeting."""

import re

from playwright.sync_api import Page, expect
from wagtail.models import WorkflowState

from pages import models
from tests.browser.chromium import shot

PUBLIC = '{ page(urlPath: "/news/free-crime-prevention-advice-for-shops/") { title } }'


def insert_block(page: Page, kind: str) -> None:
    body = page.locator("#panel-child-content-body-section")
    body.get_by_title("Insert a block").last.click()
    page.get_by_role("option", name=kind, exact=True).last.click()  # the list of the block before may still be closing
    expect(page.get_by_role("option", name=kind, exact=True)).to_have_count(0)


def write(page: Page, field: str, text: str) -> None:
    """Type into a rich-text box, and wait until it has handed the text to its form."""
    page.locator(field).locator("xpath=..").locator(".public-DraftEditor-content").click()
    page.keyboard.type(text)
    expect(page.locator(field)).to_have_value(re.compile(re.escape(text)))


def submit(page: Page) -> None:
    page.locator("footer").get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Submit to Moderators approval").click()
    page.wait_for_load_state()


def write_a_story(page: Page, folder: int) -> None:
    page.goto("/admin/")
    expect(page.get_by_text("Nothing is awaiting your review.")).to_be_visible()
    expect(page.locator("#deadlines-section")).to_contain_text("Replace this plan: it is older than the priorities")
    shot(page, "editors-home")

    page.goto(f"/admin/pages/{folder}/")
    page.get_by_role("link", name="Add child page").first.click()
    page.locator("#id_title").fill("Free crime prevention advice for shops")
    page.locator("#id_summary").fill("Shops in the city centre can ask for a visit and get advice on theft.")
    insert_block(page, "Heading")
    page.locator("#body-0-value-text").fill("What the visit covers")
    insert_block(page, "Paragraph")
    write(page, "#body-1-value", "An officer looks at entrances, displays and cameras, and says what helps.")
    insert_block(page, "Callout")
    page.locator("#body-2-value-tone").select_option("support")
    write(page, "#body-2-value-rich_text", "Somebody in danger calls 999.")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()  # by itself, as a draft
    shot(page, "story")


def see_every_channel(page: Page) -> dict[str, str]:
    """What the preview panel shows, mode by mode."""
    page.get_by_role("button", name="Toggle preview").click()
    modes = page.get_by_label("Preview mode")
    found = {}
    for label, sign in (
        ("Page", "What the visit covers"),
        ("Feed reader", "How a feed reader shows this page"),
        ("Search result", "How a search engine may show this page"),
        ("Social card", "How a social network may show a link"),
        ("GraphQL", "What the GraphQL API returns"),
    ):
        modes.select_option(label=label)
        frame = page.frame_locator("iframe[data-w-preview-target=iframe]:not(.w-preview__proxy)")
        expect(frame.get_by_text(sign, exact=False)).to_be_visible()
        found[label] = frame.locator("main").inner_text()
        if label == "Search result":
            shot(page, "preview-search")
        if label == "Feed reader":
            shot(page, "preview-feed")
    page.get_by_role("button", name="Toggle preview").click()
    return found


def submit_the_story(page: Page) -> None:
    submit(page)
    expect(page.locator(".messages")).to_contain_text("submitted for moderation")
    page.goto("/admin/")
    expect(page.locator("#sent-in-section")).to_contain_text("Free crime prevention advice for shops")
    page.locator("#sent-in-section").scroll_into_view_if_needed()
    shot(page, "sent-in")


def test_an_editor_writes_a_story_sees_it_in_every_channel_and_submits_it(visit, people, news, client, ask):
    visit.signed_in_as(people["editor"])
    visit(write_a_story, news.pk)
    shown = visit(see_every_channel)
    assert {label: "Free crime prevention advice for shops" in text for label, text in shown.items()} == dict.fromkeys(
        ("Page", "Feed reader", "Search result", "Social card", "GraphQL"), True
    )
    assert "Somebody in danger calls 999." in shown["Page"]
    assert "Publishing this page adds a new entry to the feed." in shown["Feed reader"]
    visit(submit_the_story)
    story = models.NewsPage.objects.get()
    assert (story.live, story.slug, story.workflow_in_progress) == (
        False,
        "free-crime-prevention-advice-for-shops",
        True,
    )
    version = story.get_latest_revision_as_object()
    assert [block.block_type for block in version.body] == ["heading", "paragraph", "callout"]
    assert version.body[1].value.source.endswith(
        ">An officer looks at entrances, displays and cameras, and says what helps.</p>"
    )
    assert version.body[2].value["tone"] == "support"
    assert story.latest_revision.user == people["editor"]
    assert ask(PUBLIC) == {"page": None}


def submit_with_empty_blocks(page: Page, folder: int) -> list[str]:
    page.goto(f"/admin/pages/add/pages/newspage/{folder}/")
    page.locator("#id_title").fill("A story with gaps")
    page.locator("#id_summary").fill("A summary.")
    insert_block(page, "Paragraph")
    insert_block(page, "Callout")
    submit(page)
    expect(page.locator(".messages")).to_contain_text("errors")
    return [text.strip() for text in page.locator("#panel-child-content-body-section .error-message").all_inner_texts()]


def test_an_empty_paragraph_and_an_empty_callout_are_named_and_not_submitted(visit, people, news):
    visit.signed_in_as(people["editor"])
    assert visit(submit_with_empty_blocks, news.pk) == [
        "Paragraph is empty. Write something, or delete the block.",
        "Text of the callout is empty. Write something, or delete the block.",
    ]
    assert not WorkflowState.objects.exists()


def duplicate(page: Page, meeting: int) -> None:
    page.goto(f"/admin/pages/{meeting}/edit/")
    page.get_by_role("button", name="Actions", exact=True).first.click()
    page.get_by_role("link", name="Copy").click()
    page.locator("#id_new_title").fill("Partnership meeting in summer")
    page.locator("#id_new_slug").fill("summer")
    shot(page, "duplicate-meeting")
    page.get_by_role("button", name="Copy this page").click()
    page.locator(".messages").get_by_role("link", name="Edit").click()
    expect(page.locator("#id_starts_at")).to_have_value("")
    expect(page.locator("#id_status")).to_have_value("provisional")


def test_an_editor_duplicates_a_meeting_and_gets_a_clean_next_one(visit, people, meeting):
    visit.signed_in_as(people["editor"])
    visit(duplicate, meeting.pk)
    copy = models.MeetingPage.objects.get(slug="summer")
    assert (copy.title, copy.live, copy.starts_at, copy.venue) == (
        "Partnership meeting in summer",
        False,
        None,
        meeting.venue,
    )
    assert copy.uuid != meeting.uuid
    assert copy.agenda_items.count() == 0


def cancel_by_the_form(page: Page, meeting: int) -> None:
    page.goto(f"/admin/pages/{meeting}/edit/")
    page.get_by_role("tab", name="Content").click()
    page.locator("#id_status").select_option("cancelled")
    submit(page)
    expect(page.locator(".error-message").first).to_contain_text(
        "Say what changed and why: the meeting is cancelled, postponed or moved."
    )
    write(page, "#id_status_notice", "The hall is closed. We will give a new date here.")
    submit(page)
    expect(page.locator(".messages")).to_contain_text("submitted for moderation")


def test_an_editor_cancels_a_meeting_and_needs_a_notice(visit, people, meeting):
    visit.signed_in_as(people["editor"])
    visit(cancel_by_the_form, meeting.pk)
    meeting.refresh_from_db()
    version = meeting.get_latest_revision_as_object()
    assert (meeting.status, meeting.workflow_in_progress) == ("provisional", True)
    assert version.status == "cancelled"
    assert version.status_notice.endswith(">The hall is closed. We will give a new date here.</p>")


def type_and_save_at_once(page: Page, folder: int) -> None:
    page.goto(f"/admin/pages/add/pages/newspage/{folder}/")
    page.locator("#id_title").fill("A story in a hurry")
    page.locator("#id_summary").fill("A summary.")
    insert_block(page, "Paragraph")
    write(page, "#body-0-value", "First words.")
    page.keyboard.type(" Last words.", delay=60)
    with page.expect_navigation():
        page.keyboard.press("Control+s")


def test_what_was_typed_last_is_saved_too(visit, people, news):
    """The box for rich text writes it into the form a quarter of a second later."""
    visit.signed_in_as(people["editor"])
    visit(type_and_save_at_once, news.pk)
    story = models.NewsPage.objects.get(title="A story in a hurry").get_latest_revision_as_object()
    assert "First words. Last words." in str(story.body)
