"""Whoever made a part of a version since it was last approved does not approve it, however the part came in."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from pages import models
from pages.models.approvals import Approval, makers_of_text
from tests import factories
from tests.admin_forms import posted
from tests.approval_book import Screen, body_fields, presses

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def saved(recorded_book):
    """The text of the story is by a moderator, and awaits approval."""
    return recorded_book.after(presses("moderator", "story", "save", summary="By the moderator"))


@pytest.fixture(scope="module")
def saved_and_public(saved):
    return saved.after(presses("other moderator", "story", "approve"))


def approvals(thing):
    return list(Approval.objects.filter(revision=thing.latest_revision_id).values_list("by__username", "role"))


def test_who_wrote_all_but_a_full_stop_does_not_approve(book):
    """A colleague's small change makes the rest nobody else's."""
    Screen(book, "moderator", "story").press("save", summary="All by the moderator")
    Screen(book, "editor", "story").press("take back")
    Screen(book, "editor", "story").press("submit", summary="All by the moderator.")
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").get_latest_revision_as_object().summary == "All by the moderator."
    assert (book.now("story").live, approvals(book.now("story"))) == (False, [])
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").live is True


def test_a_lead_who_wrote_a_part_of_a_notice_gives_it_no_approval(book):
    for who in ("other lead", "lead"):
        Screen(book, "moderator", "notice").press("approve")
        Screen(book, who, "notice").press("save", summary=f"By the {who}")
    Screen(book, "moderator", "notice").press("approve")
    for who in ("lead", "other lead"):
        Screen(book, who, "notice").press("approve")
        assert (book.now("notice").live, approvals(book.now("notice"))) == (False, [("moderator", "moderator")])


def test_words_that_stayed_in_another_tab_are_still_their_makers(book):
    """In the second tab the public version is brought back; the first one still has the moderator's words."""
    Screen(book, "moderator", "story").press("approve")
    Screen(book, "other moderator", "story").press("save", summary="All by the other moderator")
    first = Screen(book, "editor", "story")
    story = book.now("story")
    published = story.live_revision
    url = reverse("wagtailadmin_pages:revisions_revert", args=[story.pk, published.pk])
    body = body_fields(published.as_object())
    form = {**posted(book.clients["editor"].get(url).content, **body), "revision": published.pk}
    assert book.clients["editor"].post(url, form).status_code == 302
    assert makers_of_text(book.now("story").latest_revision) == set()
    first.press("submit", summary="All by the other moderator.")
    assert book.people["other moderator"].pk in makers_of_text(book.now("story").latest_revision)
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").summary != "All by the other moderator."


@pytest.mark.parametrize(
    ("typed", "given_back", "is_forgiven"),
    [
        ("Community safe\nty plans", "Community safety plans", False),
        ("Words\u2028 ", "Words", False),
        ("A  b ", "A b", True),
        ("One\r\ntwo", "One\ntwo", True),
    ],
)
def test_text_that_a_form_gives_back_otherwise_stays_its_makers(home, book, typed, given_back, is_forgiven):
    moderator, editor = book.people["moderator"], book.people["editor"]
    page = factories.draft(models.StandardPage, home, title=typed)
    page.save_revision(user=moderator)
    page.title = given_back
    makers = {moderator.pk} if is_forgiven else {moderator.pk, editor.pk}
    assert makers_of_text(page.save_revision(user=editor)) == makers


def test_purged_and_overwritten_versions_leave_their_makers_behind(home, book):
    moderator, editor = book.people["moderator"], book.people["editor"]
    page = factories.draft(models.StandardPage, home, title="One")
    page.save_revision(user=editor)
    page.title = "Two"
    gone = page.save_revision(user=moderator)
    page.title = "Three"
    latest = page.save_revision(user=editor)
    gone.delete()
    assert makers_of_text(latest) == {moderator.pk, editor.pk}
    page.title = "Typed"
    written_over = page.save_revision(user=moderator)
    page.title = "Three"
    page.save_revision(user=moderator, overwrite_revision=written_over)
    assert makers_of_text(models.StandardPage.objects.get(pk=page.pk).latest_revision) == {moderator.pk, editor.pk}


def test_what_was_on_a_stale_screen_stays_its_makers(home, saved):
    """Saved in place of what was approved meanwhile."""
    book = saved.written()
    Screen(book, "editor", "story").press("take back")
    stale = Screen(book, "editor", "story")
    Screen(book, "other editor", "story").press("submit", summary="By another editor")
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").summary == "By another editor"
    answer = stale.press("submit", summary="By the moderator")
    assert answer.status_code == 200
    stale.form = posted(answer.content, **body_fields(book.now("story").get_latest_revision_as_object()))
    assert stale.press("submit", summary="By the moderator").status_code == 302
    story = book.now("story")
    assert story.get_latest_revision_as_object().summary == "By the moderator"
    assert makers_of_text(story.latest_revision) >= {book.people["moderator"].pk, book.people["editor"].pk}


def test_to_bring_back_what_readers_see_begins_anew(book):
    Screen(book, "other moderator", "story").press("approve")
    approved = book.now("story").latest_revision
    for who in ("moderator", "other moderator"):
        Screen(book, who, "story").press("save", summary=f"By the {who}")
    people = {book.people[who].pk for who in ("moderator", "other moderator")}
    assert makers_of_text(book.now("story").latest_revision) == people
    url = reverse("wagtailadmin_pages:revisions_revert", args=[book.now("story").pk, approved.pk])
    form = {**Screen(book, "moderator", "story").form, "summary": approved.content["summary"]}
    assert book.clients["moderator"].post(url, form).status_code == 302
    assert makers_of_text(book.now("story").latest_revision) == set()
    Screen(book, "editor", "story").press("submit", summary="By the editor")
    assert makers_of_text(book.now("story").latest_revision) == {book.people["editor"].pk}
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").summary == "By the editor"


def test_a_screen_that_saves_itself_hands_on_no_makers_of_what_was_approved(home, saved_and_public):
    book = saved_and_public.written()
    screen = Screen(book, "editor", "story")
    first = json.loads(screen.save_by_itself(summary="Typed").content)
    screen.form |= {
        "overwrite_revision_id": str(first["revision_id"]),
        "opened_revision": screen.form["loaded_revision_id"],
    }
    assert json.loads(screen.save_by_itself(summary="Typed more").content)["success"] is True
    assert makers_of_text(book.now("story").latest_revision) == {book.people["editor"].pk}
    Screen(book, "editor", "story").press("submit")
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").summary == "Typed more"


def test_what_is_refused_makes_nobody_a_maker_of_a_colleagues_version(home, saved):
    book = saved.written()
    old = book.now("story").latest_revision_id
    Screen(book, "editor", "story").press("take back")
    stale = Screen(book, "editor", "story")
    Screen(book, "other editor", "story").press("save", summary="By another editor")
    before = makers_of_text(book.now("story").latest_revision)
    assert stale.press("save", summary="Refused", opened_revision=str(old)).status_code == 200
    latest = book.now("story").latest_revision
    assert (latest.content["summary"], makers_of_text(latest)) == ("By another editor", before)


def test_what_was_approved_is_nobodys_part_of_the_next_version(home, saved_and_public):
    book = saved_and_public.written()
    assert book.now("story").live is True
    Screen(book, "editor", "story").press("submit", summary="By the editor")
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").summary == "By the editor"


def test_a_version_that_is_brought_back_is_by_those_who_made_it(home, saved):
    book = saved.written()
    moderator = book.people["moderator"]
    old = book.now("story").latest_revision
    Screen(book, "editor", "story").press("take back")
    Screen(book, "editor", "story").press("submit", summary="By the editor")
    Screen(book, "other moderator", "story").press("approve")
    story = book.now("story")
    assert (story.live, story.summary) == (True, "By the editor")
    url = reverse("wagtailadmin_pages:revisions_revert", args=[story.pk, old.pk])
    form = {**Screen(book, "editor", "story").form, "summary": "By the moderator", "action-submit": "on"}
    assert book.clients["editor"].post(url, form).status_code == 302
    story = book.now("story")
    assert story.get_latest_revision_as_object().summary == "By the moderator"
    assert makers_of_text(story.latest_revision) >= {moderator.pk, book.people["editor"].pk}
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").summary == "By the editor"


def test_a_copy_of_shared_text_is_by_those_who_made_its_original(book):
    original = factories.venue(live=False, name="Guildhall")
    original.save_revision(user=book.people["moderator"])
    url = reverse(models.Venue.snippet_viewset.get_url_name("copy"), args=[original.pk])
    client = book.clients["editor"]
    form = {"name": "Guildhall", "address": "Cambridge", "postcode": "CB1 1JF", "action-submit": "on"}
    form |= dict.fromkeys(("step_free", "hearing_loop", "accessible_toilet"), "unknown")
    assert f'action="{url}"' in client.get(url).content.decode()
    assert client.post(url, form).status_code == 302
    copy = models.Venue.objects.latest("pk")
    assert copy.pk != original.pk
    assert makers_of_text(copy.latest_revision) == {book.people["moderator"].pk, book.people["editor"].pk}


def test_what_is_written_over_by_itself_stays_its_makers(book):
    """The first version of a copy, which the browser saves over."""
    story = book.now("story")
    made = factories.draft(models.NewsPage, story.get_parent(), summary="By the moderator")
    made.save_revision(user=book.people["moderator"])
    form = {"new_title": "Copy", "new_slug": "copy", "new_parent_page": story.get_parent().pk}
    book.clients["editor"].post(reverse("wagtailadmin_pages:copy", args=[made.pk]), form)
    copy = models.NewsPage.objects.get(slug="copy")
    for words in ("X", "By the moderator"):
        version = copy.get_latest_revision_as_object()
        version.summary = words
        version.save_revision(user=book.people["editor"], overwrite_revision=copy.latest_revision)
        copy.refresh_from_db()
    assert makers_of_text(copy.latest_revision) >= {book.people["moderator"].pk}


@pytest.mark.parametrize("who", ["moderator", "other lead"])
def test_who_sets_a_date_of_a_notice_does_not_approve_it(book, who):
    if who == "other lead":
        Screen(book, "moderator", "notice").press("approve")
    Screen(book, who, "notice").press("save", last_reviewed_on="2026-01-05")
    if who == "other lead":
        Screen(book, "moderator", "notice").press("approve")
    before = Approval.objects.count()
    Screen(book, who, "notice").press("approve")
    assert (book.now("notice").live, Approval.objects.count()) == (False, before)
    assert book.now("notice").current_workflow_task_state.status == "in_progress"


def test_a_table_has_no_cell_that_its_box_does_not_show(home, book):
    """Handsontable takes the number of columns from the first row, and the classes of cells from what is stored."""
    block = models.StandardPage._meta.get_field("body").stream_block.child_blocks["table"]
    table = {"data": [["Year"], ["2025"]], "table_header_choice": "row", "table_caption": "x"}
    kept = {**table, "cell": [{"row": 1, "col": 0, "className": "htRight"}], "mergeCells": []}
    for stored in (table, kept):  # a form that nobody touches gives back what is stored
        assert block.value_from_form(json.dumps(stored)) == stored
        assert block.clean(stored)["data"] == table["data"]
    refused = [
        {**table, "cell": [{"row": 1, "col": 0, "className": "htRight w-hidden"}]},
        {**table, "cell": [{"row": 1, "col": 0, "hidden": True}]},
        {**table, "cell": [5]},
        {**table, "mergeCells": [{"row": 0, "col": 0, "rowspan": 2, "colspan": 1}]},
        {**table, "data": [["Year"], ["2025", "Not shown"]]},
        {**table, "data": [5]},
        {**table, "data": [[{"a": 1}]]},
        {**table, "data": []},
        {**table, "data": [["x"] * 100] * 51},
        {**table, "table_caption": ["x"]},
        {**table, "table_header_choice": "none of them"},
    ]
    url = reverse("wagtailadmin_pages:add", args=["pages", "standardpage", home.pk])
    before = models.StandardPage.objects.count()
    for value in [*refused, [1], "x", 5]:
        form = {
            **posted(book.clients["editor"].get(url).content),
            "title": "With a table",
            "slug": "with-a-table",
            "summary": "x",
            "body-count": "1",
            "body-0-type": "table",
            "body-0-order": "0",
            "body-0-deleted": "",
            "body-0-id": "",
            "body-0-value": json.dumps(value),
        }
        answer = book.clients["editor"].post(url, form)
        assert (answer.status_code, models.StandardPage.objects.count()) == (200, before), value
        assert "Every row must have the same number of cells" in answer.content.decode()


def test_a_date_that_was_typed_after_an_approval_is_not_approved(home, book):
    """Of a page that one role approves, in a workflow with a second step."""
    workflow = book.now("notice").get_workflow()
    index = book.reviews
    index.introduction = "<p>Another text.</p>"
    index.go_live_at = timezone.now() + timezone.timedelta(days=20)
    index.save_revision(user=book.people["lead"])
    index = models.DeathReviewIndexPage.objects.get(pk=index.pk)
    workflow.start(index, book.people["lead"])
    book.things["index"] = index.pk
    book.files = lambda thing: []
    Screen(book, "moderator", "index").press("approve")
    waiting = book.now("index").current_workflow_task_state
    assert Approval.objects.filter(revision=waiting.revision_id, voided_at=None).count() == 1
    Screen(book, "other lead", "index").press("approve", go_live_at="")
    index = book.now("index")
    assert "Another text." not in index.introduction
    assert approvals(index) == []
    assert index.current_workflow_task_state.task != waiting.task  # the first is asked again


def test_a_line_break_after_a_quotation_mark_is_text(book):
    made = []
    for who, words in (("editor", 'Ring "999" \nor "101"'), ("moderator", 'Ring "999"or "101"')):
        notice = book.now("notice").get_latest_revision_as_object()
        notice.learning_themes = words
        made.append(makers_of_text(notice.save_revision(user=book.people[who])))
    assert made[1] - made[0] == {book.people["moderator"].pk}
