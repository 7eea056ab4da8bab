"""Ways that people who looked for them found round the four eyes, each of which leads nowhere now."""

import html
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django.utils import timezone
from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.models import Collection, GroupCollectionPermission, PageViewRestriction

from pages import models
from pages.content.rich_text import FEATURES
from pages.editing.meeting_changes import call_off
from pages.models.approvals import Approval, makers_of_text
from pages.models.moderation import FourEyesTask
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.admin_forms import edit_url, posted
from tests.approval_book import BUTTONS, Book, Screen, body_fields, new_words, tomorrow


def paragraph(text):
    """The body of a page; the block keeps its key when its text is another."""
    return json.dumps([{"type": "paragraph", "id": "7d5e2a3c-0f51-4b6a-9c11-4a6b1f2f9b10", "value": text}])


def said(answer):
    """What a screen that came back says, or the one that the answer leads to."""
    return html.unescape(answer.content.decode())


def box(*texts):
    """Rich text as the editor's box sends it."""
    blocks = [
        {"key": f"abc{n:02}", "text": text, "type": "unstyled", "depth": 0, "inlineStyleRanges": [], "entityRanges": [],
         "data": {}}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    return json.dumps({"blocks": blocks, "entityMap": {}})


# --- Whose text it is ---


@pytest.mark.parametrize("text", ["Words. ", " Words.", "Two  words.", "One line \nand another. ", " ", "a\u00a0 b"])
def test_what_is_stored_of_rich_text_is_what_the_form_gives_back(text):
    converter = ContentstateConverter(features=FEATURES)
    stored = converter.to_database_format(box(text, "End."))
    assert converter.to_database_format(converter.from_database_format(stored)) == stored


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>Words. </p>", "<p>Words.</p>"),
        ("<p> Words.</p>", "<p>Words.</p>"),
        ("<p>Two  words.</p>", "<p>Two words.</p>"),
        ("<p><b>Words. </b></p>", "<p><b>Words.</b></p>"),
    ],
)
def test_white_space_that_a_form_drops_makes_nobody_the_author(home, book, before, after):
    """Of versions that were stored before it was dropped at once."""
    page = factories.draft(models.StandardPage, home, body=paragraph(before))
    page.save_revision(user=book.people["moderator"])
    page.body = paragraph(after)
    assert makers_of_text(page.save_revision(user=book.people["editor"])) == {book.people["moderator"].pk}


def test_a_space_between_words_is_text(home, book):
    page = factories.draft(models.StandardPage, home, body=paragraph("<p>the<b>rapist</b></p>"))
    page.save_revision(user=book.people["moderator"])
    page.body = paragraph("<p>the <b>rapist</b></p>")
    both = {book.people["editor"].pk, book.people["moderator"].pk}
    assert makers_of_text(page.save_revision(user=book.people["editor"])) == both


def test_who_copies_a_page_makes_none_of_its_text(book):
    story = book.now("story")
    made = factories.draft(models.NewsPage, story.get_parent(), summary="By the moderator")
    made.save_revision(user=book.people["moderator"])
    form = {"new_title": "Copy", "new_slug": "copy", "new_parent_page": story.get_parent().pk}
    assert book.clients["editor"].post(reverse("wagtailadmin_pages:copy", args=[made.pk]), form).status_code == 302
    copy = models.NewsPage.objects.get(slug="copy")
    assert makers_of_text(copy.latest_revision) >= {book.people["moderator"].pk}
    copy.get_latest_revision_as_object().save_revision(user=book.people["editor"])
    assert makers_of_text(models.NewsPage.objects.get(slug="copy").latest_revision) >= {book.people["moderator"].pk}


def test_who_calls_a_meeting_off_becomes_no_colleague_of_their_own(home, book):
    moderator = book.people["moderator"]
    index = factories.page(models.MeetingIndexPage, home)
    meeting = factories.page(models.MeetingPage, index, starts_at=timezone.now() + timedelta(days=30))
    draft = meeting.get_latest_revision_as_object()
    draft.summary = "By the moderator"
    draft.save_revision(user=moderator)
    draft.save_revision(user=book.people["editor"])  # unchanged
    call_off(meeting, moderator, "cancelled", "The hall is flooded.")
    latest = models.MeetingPage.objects.get(pk=meeting.pk).latest_revision
    assert latest.content["summary"] == "By the moderator"
    assert makers_of_text(latest) >= {moderator.pk}


def test_a_line_end_as_a_browser_sends_it_makes_nobody_the_author_of_what_is_said_of_a_file(book):
    document = factories.document(accessibility_exemption="Old.\nScanned.")
    document.made_by = {"accessibility_exemption": book.people["moderator"].pk}
    type(document).objects.filter(pk=document.pk).update(made_by=document.made_by)
    book.change_file("editor", document, accessibility_exemption="Old.\r\nScanned.", title="Another title")
    document.refresh_from_db()
    assert document.title == "Another title"
    assert document.made_by["accessibility_exemption"] == book.people["moderator"].pk


# --- What the screen showed ---


def test_a_page_that_was_moved_behind_an_open_screen_is_not_approved(home, book):
    elsewhere = factories.page(models.NewsIndexPage, home, slug="elsewhere")
    screen = Screen(book, "moderator", "story")
    book.now("story").move(elsewhere, pos="last-child")
    answer = screen.press("approve")
    assert book.now("story").live is False
    assert "was moved, published or unpublished since you opened it" in said(book.clients["moderator"].get(answer.url))
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").live is True


def test_a_page_that_was_unpublished_behind_an_open_screen_does_not_come_back(book):
    Screen(book, "moderator", "story").press("approve")
    Screen(book, "editor", "story").press("submit", summary=new_words("Text"))
    screen = Screen(book, "moderator", "story")
    book.clients["other moderator"].post(reverse("wagtailadmin_pages:unpublish", args=[book.things["story"]]))
    assert book.now("story").live is False
    screen.press("approve")
    assert book.now("story").live is False


def test_an_approver_who_may_not_see_a_file_does_not_approve_it(book):
    moderators = Group.objects.get(name="Moderators")
    drawer = Collection.get_first_root_node().add_child(name="Drawer")
    for document in book.files("story"):
        type(document).objects.filter(pk=document.pk).update(collection=drawer)
    for row in GroupCollectionPermission.objects.filter(group=moderators):
        other = Collection.objects.exclude(pk__in=[drawer.pk, Collection.get_first_root_node().pk]).first()
        GroupCollectionPermission.objects.filter(pk=row.pk).update(collection=other)
    screen = Screen(book, "moderator", "story")
    answer = screen.press("approve")
    assert book.now("story").live is False
    assert "shows a file that you may not see" in said(book.clients["moderator"].get(answer.url))
    assert not Approval.objects.filter(by=book.people["moderator"]).exists()


@pytest.mark.parametrize("hidden", ["private section", "private page", "draft above", "expired above"])
def test_a_page_whose_section_was_shown_behind_an_open_screen_is_not_approved(book, hidden):
    """Its approver was to publish it for nobody as yet."""
    where, rows = book.now("story") if hidden == "private page" else book.news, models.NewsIndexPage.objects
    if hidden.startswith("private"):
        restriction = PageViewRestriction.objects.create(page=where, restriction_type="login")
    elif hidden == "draft above":
        rows.update(live=False)
    else:
        rows.update(expire_at=timezone.now() - timedelta(minutes=1))
    screen = Screen(book, "moderator", "story")
    if hidden.startswith("private"):
        restriction.delete()
    else:
        rows.update(live=True, expire_at=None)
    answer = screen.press("approve")
    assert book.now("story").live is False
    assert "or a page above it was shown or hidden" in said(book.clients["moderator"].get(answer.url))
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").live is True


WAYS_TO_REFER = {
    "block": lambda book, page: {"body": [("page_link", {"page": page, "text": ""})]},
    "text": lambda book, page: {"body": [("paragraph", f'<p><a linktype="page" id="{page.pk}">Something</a></p>')]},
    "web page of a document": lambda book, page: {
        "body": [("document", factories.document(html_equivalent=page.page_ptr))]
    },
}


@pytest.mark.parametrize("way", WAYS_TO_REFER)
def test_an_approver_who_may_not_see_a_page_does_not_approve_what_refers_to_it(book, way):
    """Readers would be told of the notice, while the screen of the approver leaves it out."""
    for who in ("moderator", "other lead"):
        Screen(book, who, "notice").press("approve")
    notice = book.now("notice")
    permission = Permission.objects.get(codename="handle_death_reviews")
    Group.objects.get(name="Moderators").permissions.remove(permission)
    page = factories.draft(models.NewsPage, book.news, **WAYS_TO_REFER[way](book, notice))
    page.save_revision(user=book.people["lead"])
    task_state = page.get_workflow().start(page, book.people["lead"]).current_task_state
    task, why = task_state.task.specific, "refers to a page that does not exist or that you may not see"
    moderator = User.objects.get(pk=book.people["moderator"].pk)
    assert why in task.why_not(page, page.latest_revision, moderator)
    assert [action for action, _, _ in task.get_actions(page, moderator)] == ["reject"]
    book.people["other moderator"].user_permissions.add(permission)
    sees_all = User.objects.get(pk=book.people["other moderator"].pk)
    assert task.why_not(page, page.latest_revision, sees_all) == ""


def test_what_refers_to_a_page_that_does_not_exist_gets_the_same_answer(book):
    Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    moderator = User.objects.get(pk=book.people["moderator"].pk)
    told = set()
    for key in (book.now("notice").pk, 999999):
        page = factories.draft(
            models.NewsPage,
            book.news,
            title="News",
            body=[("paragraph", f'<p><a linktype="page" id="{key}">Something</a></p>')],
        )
        revision = page.save_revision(user=book.people["lead"])
        told.add(FourEyesTask.objects.first().why_not(page, revision, moderator))
    assert len(told) == 1
    (told_to_both,) = told
    assert told_to_both.startswith("“News” refers to a page that does not exist or that you may not see")


def test_an_approver_who_may_see_the_page_approves_what_refers_to_it(book):
    Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    moderator = User.objects.get(pk=book.people["moderator"].pk)
    body = [("page_link", {"page": book.news, "text": ""}), ("page_link", {"page": book.reviews, "text": ""})]
    page = factories.draft(models.NewsPage, book.news, body=body)
    revision = page.save_revision(user=book.people["lead"])
    assert FourEyesTask.objects.first().why_not(page, revision, moderator) == ""


def test_the_words_after_an_approval_say_whether_readers_see_it(home, book):
    above = factories.draft(models.StandardPage, home, slug="above")
    below = factories.draft(models.StandardPage, above, slug="below")
    below.save_revision(user=book.people["editor"])
    below.get_workflow().start(below, book.people["editor"])
    client, url = book.clients["moderator"], reverse("wagtailadmin_pages:edit", args=[below.pk])
    form = posted(client.get(url).content, **{"body-count": "0"})
    answer = client.post(
        url, {**form, "action-workflow-action": "true", "workflow-action-name": "approve"}, follow=True
    )
    assert models.StandardPage.objects.get(pk=below.pk).live is True
    assert "Readers see it once the pages above it are public" in said(answer)
    assert "readers see it now" not in said(answer)


# --- The dates of a notice, which two people approve ---


def test_dates_that_are_typed_beside_the_second_approval_are_another_question(book):
    Screen(book, "moderator", "notice").press("approve")
    answer = Screen(book, "other lead", "notice").press("approve", go_live_at=tomorrow())
    notice = book.now("notice")
    assert (notice.live, notice.scheduled_revision) == (False, None)
    assert not Approval.objects.filter(by=book.people["other lead"]).exists()
    assert answer.status_code == 302


def test_dates_that_are_changed_between_two_approvals_end_the_first(book):
    Screen(book, "moderator", "notice").press("approve")
    Screen(book, "lead", "notice").press("save", last_reviewed_on="2026-01-05")
    Screen(book, "other lead", "notice").press("approve")
    assert book.now("notice").live is False
    Screen(book, "moderator", "notice").press("approve")
    assert book.now("notice").live is False
    Screen(book, "other lead", "notice").press("approve")
    assert book.now("notice").live is True


# --- Two at once ---


def test_a_screen_that_is_out_of_date_overwrites_nobody_without_a_word(book):
    stale, other = Screen(book, "other moderator", "story"), Screen(book, "moderator", "story")
    other.press("save", summary=new_words("Text"))
    before = book.now("story").latest_revision_id
    answer = stale.press("save", seo_title="Found by search")
    assert answer.status_code == 200, answer.context["form"].errors
    assert "That was after you opened this screen, so your changes are not saved yet." in said(answer)
    assert 'value="Found by search"' in said(answer)
    assert book.now("story").latest_revision_id == before
    form = posted(answer.content, **{name: value for name, value in stale.form.items() if name.startswith("body-")})
    again = book.clients["other moderator"].post(stale.url, {**form, "seo_title": "Found by search"})
    assert again.status_code == 302
    assert book.now("story").get_latest_revision_as_object().seo_title == "Found by search"


def test_an_older_screen_of_ones_own_does_not_overwrite_a_version_that_was_written_over(book):
    """The colleague's browser saves over the version that both screens were opened with, which keeps its key."""
    Screen(book, "editor", "story").press("take back")
    Screen(book, "editor", "story").press("save", seo_title="Their first words")
    first, second = Screen(book, "other editor", "story"), None
    loaded = book.now("story").latest_revision_id
    typing = Screen(book, "editor", "story")
    answer = typing.save_by_itself(seo_title="Their later words", overwrite_revision_id=str(loaded))
    assert json.loads(answer.content)["success"] is True
    assert book.now("story").latest_revision_id == loaded
    second = Screen(book, "other editor", "story")
    assert second.press("save", search_description="Mine").status_code == 302
    answer = first.press("save", search_description="Mine again")
    assert "That was after you opened this screen, so your changes are not saved yet." in said(answer)
    assert book.now("story").get_latest_revision_as_object().seo_title == "Their later words"


def test_an_approval_is_for_the_place_that_the_screen_showed(home):
    """The draft goes below another page, and that page gets the tree path of the first one."""
    book = Book(home)
    first = factories.page(models.StandardPage, home, title="First", slug="first")
    second = factories.page(models.StandardPage, home, title="Second", slug="second")
    page = factories.draft(models.StandardPage, first, title="Advice", slug="advice")
    page.save_revision(user=book.people["editor"])
    page.get_workflow().start(page, book.people["editor"])
    book.things["advice"] = page.pk
    screen = approver_screen(book, page)
    path = models.ContentPage.objects.get(pk=first.pk).path
    page.move(second, pos="last-child")
    second.refresh_from_db()
    first.refresh_from_db()
    second.move(first, pos="left")
    assert models.ContentPage.objects.get(pk=second.pk).path == path
    answer = book.clients["moderator"].post(edit_url(page), {**screen, **BUTTONS["approve"]}, follow=True)
    assert "was moved, published or unpublished since you opened it" in said(answer)
    assert models.ContentPage.objects.get(pk=page.pk).live is False


def approver_screen(book, page):
    return posted(book.clients["moderator"].get(edit_url(page)).content, **{"body-count": "0"})


def test_a_name_that_somebody_took_at_the_same_moment_is_refused_in_words(book, monkeypatch):
    factories.agency(name="Council")
    moderators = Group.objects.get(name="Moderators")
    moderators.permissions.add(Permission.objects.get(codename="add_agency"))
    monkeypatch.setattr(models.Agency, "validate_unique", lambda *args, **kwargs: None)
    monkeypatch.setattr(models.Agency, "validate_constraints", lambda *args, **kwargs: None)
    form = {"name": "Council", "sector": "council"}
    answer = book.clients["moderator"].post(
        reverse(models.Agency.snippet_viewset.get_url_name("add")), form, follow=True
    )
    assert "somebody saved something with the same name or address at the same moment" in said(answer)
    assert models.Agency.objects.filter(name="Council").count() == 1


def test_a_screen_with_an_error_asks_on_about_what_it_was_opened_with(book):
    """What was typed is filled into the object before the screen is shown again."""
    screen = Screen(book, "moderator", "story")
    answer = screen.press("save", seo_title="Typed", last_reviewed_on="31.02.2026")
    assert answer.status_code == 200
    form = posted(answer.content, **body_fields(book.now("story").get_latest_revision_as_object()))
    assert (form["shown"], form["seo_title"]) == (screen.form["shown"], "Typed")
    mended = {**form, "last_reviewed_on": screen.form["last_reviewed_on"]}
    saved = book.clients["moderator"].post(screen.url, mended, headers={"accept": "application/json"})
    assert json.loads(saved.content)["success"] is True
    assert book.now("story").get_latest_revision_as_object().seo_title == "Typed"


@pytest.mark.parametrize("way", ["taken down", "withdrawn", "unpublished"])
def test_what_was_taken_away_does_not_come_back_by_its_author_alone(home, by_a_moderator, way):
    book = by_a_moderator.written()
    story = book.now("story")
    assert story.live is True
    {
        "taken down": lambda: take_down(story, book.people["lead"], "It names somebody."),
        "withdrawn": lambda: withdraw(story, book.people["other moderator"], "withdrawn", "It was wrong."),
        "unpublished": lambda: story.unpublish(user=book.people["other moderator"]),
    }[way]()
    Screen(book, "moderator", "story").press("submit")
    for who, comes_back in (("moderator", False), ("other moderator", True)):
        Screen(book, who, "story").press("approve")
        story = book.now("story")
        assert (story.live and not story.withdrawal_kind) is comes_back, who


def test_who_wrote_an_earlier_version_is_an_author_of_what_was_taken_away(home, mended_and_public):
    """The last version of before changes a word of a colleague's. Nothing else of it is approved any more, either."""
    book = mended_and_public.written()
    assert (book.now("story").live, book.now("story").summary) == (True, "By the moderator.")
    take_down(book.now("story"), book.people["lead"], "It names somebody.")
    Screen(book, "moderator", "story").press("submit")
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").live is False
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").live is True


def test_who_brings_back_a_withdrawn_version_of_their_own_does_not_approve_it(home, by_a_moderator):
    book = by_a_moderator.written()
    story = book.now("story")
    withdraw(story, book.people["other moderator"], "withdrawn", "It was wrong.")
    url = reverse("wagtailadmin_pages:revisions_revert", args=[story.pk, story.live_revision_id])
    body = body_fields(story.live_revision.as_object())
    form = posted(book.clients["moderator"].get(url).content, **body)
    assert book.clients["moderator"].post(url, {**form, "action-submit": "on"}).status_code == 302
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").withdrawal_kind == "withdrawn"


def test_shared_text_that_a_colleague_saved_is_not_overwritten_without_a_word(book):
    agency = factories.agency(name="Council")
    url = reverse(models.Agency.snippet_viewset.get_url_name("edit"), args=[agency.pk])
    opened = posted(book.clients["editor"].get(url).content, form_id="w-editor-form")
    saved = posted(book.clients["other editor"].get(url).content, form_id="w-editor-form")
    assert book.clients["other editor"].post(url, {**saved, "name": "County council"}).status_code == 302
    answer = book.clients["editor"].post(url, {**opened, "url": "https://council.example.org/"})
    assert answer.status_code == 200
    assert "That was after you opened this screen, so your changes are not saved yet." in said(answer)
    assert 'value="https://council.example.org/"' in said(answer)
    assert models.Agency.objects.get(pk=agency.pk).get_latest_revision_as_object().name == "County council"
