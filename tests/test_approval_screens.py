"""An approval answers the question that was on the screen: whatever changed since refuses it, and nothing is saved."""

import re
from datetime import date
from functools import partial
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import strip_tags
from wagtail.models import Page, Revision, TaskState, WorkflowState

from documents.models import Document
from pages import models
from pages.models import PublicChange
from pages.models.approvals import Approval, NotApprovedError
from tests import factories
from tests.admin_forms import edit_url, posted, posted_document, shown_on

APPROVE = {"action-workflow-action": "true", "workflow-action-name": "approve"}
REJECT = {**APPROVE, "workflow-action-name": "reject", "workflow-action-extra-data": '{"comment": "Say more."}'}
AS_SCRIPT = {"accept": "application/json"}


@pytest.fixture(scope="module")
def recorded_people(record):
    return record(accounts)


def accounts():
    groups = {"editor": "Editors", "moderator": "Moderators", "colleague": "Moderators"}
    return {name: factories.account(name, group) for name, group in groups.items()}


@pytest.fixture
def people(home, recorded_people):
    return recorded_people.again()


class Screen:
    """An edit screen as somebody opened it, to be sent whenever they like."""

    def __init__(self, client, user, thing):
        self.client, self.user = client, user
        self.page = isinstance(thing, Page)
        self.url = edit_url(thing)
        client.force_login(user)
        self.html = client.get(self.url).content
        more = {"body-count": "0"} if self.page else {}
        self.form = posted(self.html, "page-edit-form" if self.page else "w-editor-form", **more)

    def send(self, *actions, **changes):
        """Press a button. Returns what the next screen says at its top."""
        self.client.force_login(self.user)
        form = {**self.form, **dict.fromkeys(actions, "on"), **changes}
        answer = self.client.post(self.url, form, follow=True, headers={"referer": f"http://testserver{self.url}"})
        return [said(message) for message in answer.context["messages"]]

    def autosave(self, **changes):
        self.client.force_login(self.user)
        return self.client.post(self.url, {**self.form, **changes}, headers=AS_SCRIPT)


def said(message):
    """The words of a message, without the buttons in it."""
    return unescape(strip_tags(str(message).split('<span class="buttons">')[0])).strip()


@pytest.fixture(scope="module")
def recorded_submissions(record, recorded_people):
    return {kind: record(partial(submission, kind), upon=recorded_people) for kind in ("page", "snippet")}


def submission(kind):
    if kind == "page":
        document = factories.document(title="Report")
        thing = factories.draft(
            models.InsightPage,
            models.PartnershipPage.objects.get(),
            slug="advice",
            title="Advice",
            disclosure_checked_by="A. Nother",
            disclosure_checked_on=date(2026, 2, 11),
            page_documents=[models.PageDocument(document=document, sort_order=0)],
        )
    else:
        thing = factories.agency(name="Advice", live=False)
    editor = User.objects.get(username="editor")
    thing.save_revision(user=editor)
    thing.get_workflow().start(thing, editor)
    return thing


@pytest.fixture
def submitted(people, recorded_submissions):
    """Something that the editor wrote and sent in: a page with a document, or a snippet."""
    return lambda kind="page": recorded_submissions[kind].again()


def now(thing):
    """The thing as it is in the database."""
    return type(thing).objects.get(pk=thing.pk)


def everything(thing):
    """What a refusal leaves as it was."""
    rows = type(thing).objects.filter(pk=thing.pk).values()
    return (
        list(rows),
        list(Revision.objects.order_by("pk").values()),
        list(TaskState.objects.order_by("pk").values("pk", "status", "revision", "finished_by")),
        list(WorkflowState.objects.order_by("pk").values("pk", "status", "current_task_state")),
        list(Approval.objects.order_by("pk").values()),
        list(PublicChange.objects.values_list("kind", flat=True)),
    )


KINDS = pytest.mark.parametrize("kind", ["page", "snippet"])

PUBLISHED = "It is approved, and readers see it now."
LOOK_AGAIN = "Your decision was not carried out. Look at it again, then decide."


def name_of(kind):
    return "title" if kind == "page" else "name"


def refuses(thing, press, *words):
    """Pressing the button changes nothing in the database, and says exactly this."""
    before = everything(thing)
    told = [re.sub(r" at \d\d:\d\d", " at 10:04", one) for one in press()]
    assert told == list(words)
    assert everything(thing) == before


# --- A save by a stale object ---


@KINDS
def test_a_stale_save_takes_nothing_away(submitted, people, client, kind):
    thing = submitted(kind)
    stale = now(thing)
    assert stale.live is False
    assert Screen(client, people["moderator"], thing).send(**APPROVE) == [PUBLISHED]
    published = now(thing)
    assert published.live is True
    stale.save()
    again = now(thing)
    assert {name: getattr(again, name) for name in thing.OF_THE_ROW} == {
        name: getattr(published, name) for name in thing.OF_THE_ROW
    }
    if kind == "page":
        assert list(PublicChange.objects.filter(record=thing.uuid).values_list("kind", flat=True)) == ["published"]


@KINDS
def test_nothing_goes_offline_by_a_save(submitted, people, client, kind):
    thing = submitted(kind)
    Screen(client, people["moderator"], thing).send(**APPROVE)
    thing = now(thing)
    thing.live = False
    with pytest.raises(NotApprovedError, match="Unpublish it instead"):
        thing.save()
    thing = now(thing)
    assert thing.live is True
    thing.unpublish()
    assert now(thing).live is False


def test_a_stale_save_leaves_pages_where_they_are(home):
    old, new = (factories.page(models.PublicationIndexPage, home, slug=slug) for slug in ("plans", "insights"))
    page = factories.page(models.InsightPage, old, slug="p")
    stale, stale_parent = now(page), now(new)
    page.move(new, pos="last-child")
    moved = now(page)
    stale.save()
    stale_parent.save()
    places = ("path", "depth", "numchild", "url_path")
    assert [getattr(now(page), name) for name in places] == [getattr(moved, name) for name in places]
    assert (now(page).url_path, now(new).numchild) == ("/home/insights/p/", 1)


@pytest.mark.parametrize("make", [factories.document, factories.image])
def test_a_stale_save_brings_no_old_file_back(home, make):
    file = make(title="First")
    stale = now(file)
    file.file = make().file
    file.file._committed = False
    file.save()
    assert file.file_key != stale.file_key
    stale.title = "Second"
    stale.save()
    again = now(file)
    assert (again.title, again.file_key, again.checksum, again.file.name) == (
        "Second",
        file.file_key,
        file.checksum,
        file.file.name,
    )


# --- Autosave ---


@KINDS
def test_the_autosave_that_follows_an_approval_saves_nothing(submitted, people, client, kind):
    """The browser sends it with the inputs of the approval in it."""
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    screen.send(**APPROVE)
    before = everything(thing)
    for sent in (APPROVE, {}, {name_of(kind): "Another text"}):
        answer = screen.autosave(**sent)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_revision")
        assert everything(thing) == before
    assert (now(thing).live, now(thing).has_unpublished_changes) == (True, False)


@KINDS
@pytest.mark.parametrize(
    "action", ["action-publish", "action-submit", "action-restart-workflow", "action-cancel-workflow"]
)
def test_an_autosave_carries_no_action(submitted, people, client, kind, action):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    before = everything(thing)
    assert screen.autosave(**{name_of(kind): "Another text", action: "on"}).status_code == 400
    assert everything(thing) == before


@KINDS
def test_an_autosave_without_a_change_makes_no_version(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    before = everything(thing)
    assert screen.autosave().json() == {
        "success": True,
        "pk": thing.pk,
        "revision_id": None,
        "revision_created_at": None,
    }
    assert everything(thing) == before
    assert screen.send(**APPROVE) == [PUBLISHED]


@KINDS
def test_an_autosave_of_a_screen_that_shows_what_is_over_saves_nothing(submitted, people, client, kind):
    """The colleague approves. No version is made by that: only the question is over."""
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    assert Screen(client, people["colleague"], thing).send(**APPROVE) == [PUBLISHED]
    before = everything(thing)
    answer = screen.autosave(**{name_of(kind): "Another text"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_revision")
    assert everything(thing) == before


@KINDS
def test_a_screen_that_saves_by_itself_goes_on_doing_so(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    first = screen.autosave(**{name_of(kind): "One"}).json()
    screen.form |= {"overwrite_revision_id": str(first["revision_id"]), "shown": shown_on(first["html"].encode())}
    second = screen.autosave(**{name_of(kind): "Two"}).json()
    assert (second["success"], now(thing).latest_revision.content[name_of(kind)]) == (True, "Two")


def test_the_browser_renews_no_screen_that_shows_a_file_as_it_was(submitted, people, client):
    """Its answer says what the screen shows: an approval would follow of a file that nobody saw."""
    page = submitted()
    screen = Screen(client, people["moderator"], page)
    exchange(client, people["colleague"], Document.objects.get(title="Report"))
    before = everything(page)
    answer = screen.autosave(next_review_due_on="2030-01-01")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_revision")
    assert everything(page) == before


# --- Approving what the screen showed ---


def exchange(client, user, document, title=None):
    client.force_login(user)
    data = posted_document(document, **({"title": title} if title else {"file": SimpleUploadedFile("b.csv", b"x,y\n")}))
    answer = client.post(reverse("wagtaildocs:edit", args=[document.pk]), data, follow=True)
    assert [said(message) for message in answer.context["messages"]] == [f"Document '{data['title']}' updated"]


def take_back(client, user, page):
    [words] = Screen(client, user, page).send("action-cancel-workflow")
    assert words == "Workflow on page 'Advice' has been cancelled."


def submit(client, user, page):
    [words] = Screen(client, user, page).send("action-submit")
    assert words == "Page 'Advice' has been submitted for moderation."


def refuses_each_decision(thing, screen, *words, **changes):
    """A refusal changes nothing, so that one world does for both."""
    for decision in (APPROVE, REJECT):
        refuses(thing, lambda decision=decision: screen.send(**decision, **changes), *words)


def test_a_file_that_was_exchanged_meanwhile_is_not_approved(submitted, people, client):
    """Taken back, exchanged and submitted with the same text: the old screen answers another question."""
    page, document = submitted(), Document.objects.get()
    screen = Screen(client, people["moderator"], page)
    take_back(client, people["editor"], page)
    exchange(client, people["editor"], document)
    submit(client, people["editor"], page)
    refuses_each_decision(
        page, screen, f"editor took “Advice” back at 10:04. It was submitted again since. {LOOK_AGAIN}"
    )


@pytest.mark.parametrize(
    ("title", "words"),
    [
        (None, "The file of the document “Report” was exchanged."),
        ("Other words", "The details of the document “Other words” were changed."),
    ],
)
def test_a_file_that_changed_while_the_page_waits_is_not_approved(submitted, people, client, title, words):
    page, document = submitted(), Document.objects.get()
    screen = Screen(client, people["moderator"], page)
    exchange(client, people["editor"], document, title)
    refuses_each_decision(page, screen, f"{words} {LOOK_AGAIN}")
    fresh = Screen(client, people["moderator"], page)
    again = f"{words} That was after “Advice” was saved. Save it once more, look at it, and then decide."
    refuses_each_decision(page, fresh, again)
    fresh.send()
    assert Screen(client, people["moderator"], page).send(**APPROVE) == [PUBLISHED]


def test_words_that_were_changed_and_changed_back_are_not_what_was_shown(submitted, people, client):
    page, document = submitted(), Document.objects.get()
    exchange(client, people["editor"], document, "Other words")
    screen = Screen(client, people["moderator"], page)
    exchange(client, people["editor"], document, "Report")
    words = f"The details of a file were changed and changed back. {LOOK_AGAIN}"
    refuses(page, lambda: screen.send(**APPROVE), words)


@KINDS
def test_another_text_is_not_approved(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    Screen(client, people["colleague"], thing).send(**{name_of(kind): "Another text"})
    refuses_each_decision(thing, screen, f"colleague changed “Another text” at 10:04. {LOOK_AGAIN}")


@KINDS
def test_a_decision_without_what_was_shown_is_refused(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    words = "Open “Advice” and decide there: a decision is about what that screen shows."
    for shown in ("", "1.2.3", "x" * 100):
        refuses_each_decision(thing, screen, words, shown=shown)


@KINDS
def test_what_a_colleague_decided_is_not_decided_again(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    assert Screen(client, people["colleague"], thing).send(**REJECT) == [
        "It goes back to its author, with your reason."
    ]
    words = f"colleague asked for changes to “Advice” at 10:04 already. {LOOK_AGAIN}"
    refuses(thing, lambda: screen.send(**APPROVE), words)


# --- Second clicks ---


@KINDS
def test_a_second_click_on_approve(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    assert screen.send(**APPROVE) == [PUBLISHED]
    refuses(thing, lambda: screen.send(**APPROVE), "You approved “Advice” at 10:04 already. Nothing more was done.")
    assert Approval.objects.filter(by=people["moderator"]).count() == 1


@KINDS
def test_a_second_click_on_request_changes(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    screen.send(**REJECT)
    words = "You asked for changes to “Advice” at 10:04 already. Nothing more was done."
    refuses(thing, lambda: screen.send(**REJECT), words)


@KINDS
def test_a_second_click_on_submit(submitted, people, client, kind):
    thing = submitted(kind)
    thing.current_workflow_state.cancel(user=people["editor"])
    thing = now(thing)
    screen = Screen(client, people["editor"], thing)
    screen.send("action-submit")
    words = "“Advice” was already submitted and is awaiting approval."
    waits = ["This page is currently awaiting moderation. Only reviewers for this task can edit the page."]
    refuses(thing, lambda: screen.send("action-submit"), words, *(waits if kind == "page" else []))
    assert now(thing).workflow_states.filter(status="in_progress").count() == 1


@KINDS
def test_a_second_click_on_taking_back(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["editor"], thing)
    screen.send("action-cancel-workflow")
    words = "You took “Advice” back at 10:04 already. Nothing more was done."
    refuses(thing, lambda: screen.send("action-cancel-workflow"), words)


@KINDS
def test_what_was_approved_is_not_taken_back(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["editor"], thing)
    Screen(client, people["moderator"], thing).send(**APPROVE)
    words = "moderator approved “Advice” at 10:04 already, so it was not taken back."
    refuses(thing, lambda: screen.send("action-cancel-workflow"), words)
    assert now(thing).live is True


# --- One's own changes ---

OWN_CHANGE_NOT_APPROVED = (
    "Your change was saved but not approved. Because you made the change, a colleague has to approve it."
)


@KINDS
def test_ones_own_change_is_saved_and_not_approved(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    told = screen.send(**APPROVE, **{name_of(kind): "Mended"})
    assert told[-1] == OWN_CHANGE_NOT_APPROVED
    assert "You approved it. The next approver has been asked." not in told
    thing = now(thing)
    assert (thing.live, thing.latest_revision.content[name_of(kind)]) == (False, "Mended")
    assert Approval.objects.filter(role="moderator").count() == 0
    assert thing.current_workflow_task_state.revision_id == thing.latest_revision_id
    assert Screen(client, people["colleague"], thing).send(**APPROVE) == [PUBLISHED]


@KINDS
def test_what_the_browser_saved_of_ones_own_is_not_approved(submitted, people, client, kind):
    """Typed, saved by the browser, and approved on the same screen."""
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    saved = screen.autosave(**{name_of(kind): "Mended"}).json()
    screen.form |= {"overwrite_revision_id": str(saved["revision_id"]), "shown": shown_on(saved["html"].encode())}
    words = "You made a change to “Mended”, so a colleague has to approve it."
    refuses(thing, lambda: screen.send(**APPROVE, **{name_of(kind): "Mended"}), words)
