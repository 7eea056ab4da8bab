"""The moderator's stories: approving other people's work, and never one's own; told over HTTP, as in the admin."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Revision, TaskState

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.models.approvals import Approval, NotApprovedError, content_hash, makers_of_text
from pages.models.shown import Shown
from tests import factories
from tests.admin_forms import decide, posted, posted_document, shown_on

EDIT, ACTION = "wagtailadmin_pages:edit", "wagtailadmin_pages:workflow_action"


@pytest.fixture
def person(home):
    """Make an account: person("name", "Group", …)."""
    return factories.account


@pytest.fixture
def submitted(home, client):
    """A page that the named person wrote and submitted."""
    return lambda author, **words: advice_by(author, client, **words)


def advice_by(author, client, **words):
    page = factories.draft(models.StandardPage, models.PartnershipPage.objects.get(), slug="advice")
    client.force_login(author)
    send(client, page, {"title": "Advice", **words}, "action-submit")
    page.refresh_from_db()
    assert page.workflow_in_progress is True
    return page


@pytest.fixture(scope="module")
def recorded_advice(record):
    return record(lambda: advice_by(factories.account("editor", "Editors"), Client()))


@pytest.fixture
def advice(home, recorded_advice):
    """An editor, and a page that they wrote and submitted."""
    return {"page": recorded_advice.again(), "editor": User.objects.get(username="editor")}


def send(client, page, changes, *actions, **more):
    """Post the edit screen of a page with these changes."""
    url = reverse(EDIT, args=[page.pk])
    form = posted(client.get(url).content, **{"body-count": "0", **changes})
    return client.post(url, {**form, **dict.fromkeys(actions, "on"), **more}, follow=True)


def draftail(text):
    """What the editor of rich text sends."""
    block = {"key": "a", "text": text, "type": "unstyled", "depth": 0, "inlineStyleRanges": [], "entityRanges": []}
    return json.dumps({"blocks": [{**block, "data": {}}], "entityMap": {}})


def is_live(page):
    return type(page).objects.get(pk=page.pk).live


def test_a_moderator_approves_what_an_editor_submitted(person, advice, client, ask):
    page = advice["page"]
    moderator = person("moderator", "Moderators")
    client.force_login(moderator)
    decide(client, page, "approve")
    assert ask('{ page(urlPath: "/advice/") { title } }') == {"page": {"title": "Advice"}}
    approval = Approval.objects.get(by=moderator)
    assert (approval.role, approval.revision.object_id) == ("moderator", str(page.pk))


@pytest.mark.parametrize("superuser", [False, True])
def test_story_m1_the_last_editor_sees_the_task_but_cannot_approve(person, submitted, client, superuser):
    author = person("moderator", "Moderators", superuser=superuser)
    page = submitted(author)
    listing = client.get(reverse("wagtailadmin_home")).content.decode()
    assert "Advice" in listing
    screen = client.get(reverse(EDIT, args=[page.pk])).content.decode()
    assert 'data-workflow-action-name="approve"' not in screen
    assert 'data-workflow-action-name="reject"' in screen
    decide(client, page, "approve")
    form = {"action-workflow-action": "true", "workflow-action-name": "approve"}
    send(client, page, {}, **form)
    state = TaskState.objects.get()
    with pytest.raises(NotApprovedError, match="You made a change to"):
        state.task.specific.on_action(state, author, "approve", shown=Shown.by(page.get_latest_revision_as_object()))
    bulk = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "publish"])
    client.post(f"{bulk}?id={page.pk}")
    state.refresh_from_db()
    assert (is_live(page), state.status) == (False, "in_progress")
    assert not Approval.objects.filter(by=author).exists()


def test_story_m1_who_edits_while_approving_becomes_the_last_editor(person, advice, client):
    page = advice["page"]
    moderator = person("moderator", "Moderators")
    client.force_login(moderator)
    form = {"action-workflow-action": "true", "workflow-action-name": "approve"}
    words = " ".join(send(client, page, {"title": "Advice, mended"}, **form).content.decode().split())
    assert (
        "Your change was saved but not approved. Because you made the change, a colleague has to approve it." in words
    )
    assert "You approved it" not in words
    assert page.revisions.latest("pk").content["title"] == "Advice, mended"
    assert is_live(page) is False
    assert not Approval.objects.filter(by=moderator).exists()
    client.force_login(person("colleague", "Moderators"))
    decide(client, page, "approve")
    page = models.StandardPage.objects.get(pk=page.pk)
    assert (page.live, page.title) == (True, "Advice, mended")


def test_saving_a_colleagues_text_once_more_does_not_launder_ones_own(person, advice, client):
    """The moderator edits, the editor saves without a change: the text is still the moderator's."""
    editor, page = advice["editor"], advice["page"]
    moderator = person("moderator", "Moderators")
    client.force_login(moderator)
    send(client, page, {"title": "The moderator's text"})
    page = models.StandardPage.objects.get(pk=page.pk)
    page.get_latest_revision_as_object().save_revision(user=editor)
    decide(client, page, "approve")
    assert is_live(page) is False
    client.force_login(person("colleague", "Moderators"))
    decide(client, page, "approve")
    assert is_live(page) is True


@pytest.mark.parametrize("in_a_group", [True, False])
@pytest.mark.parametrize("kind", ["page", "snippet"])
def test_an_autosave_does_not_change_the_text_under_an_approver(person, advice, client, kind, in_a_group):
    """Wagtail writes a further autosave of one person over the one before. Whoever reads the first may approve it."""
    editor = advice["editor"]
    if kind == "page":
        thing, name, form_id, more = advice["page"], "title", "page-edit-form", {"body-count": "0"}
        url, action = reverse(EDIT, args=[thing.pk]), ACTION
    else:
        thing, name, form_id, more = factories.agency(name="First", live=False), "name", "w-editor-form", {}
        thing.save_revision(user=editor)
        thing.get_workflow().start(thing, editor)
        url = reverse(thing.snippet_viewset.get_url_name("edit"), args=[thing.pk])
        action = thing.snippet_viewset.get_url_name("workflow_action")
    client.force_login(person("other", *["Moderators"] if in_a_group else [], superuser=not in_a_group))
    as_script = {"accept": "application/json"}
    form = posted(client.get(url).content, form_id, **more, **{name: "Harmless"})
    answer = client.post(url, form, headers=as_script).json()
    first = answer["revision_id"]
    seen = type(thing).objects.get(pk=thing.pk).current_workflow_task_state
    assert (seen.revision_id, seen.revision.content[name]) == (first, "Harmless")
    renewed = {"overwrite_revision_id": str(first), "shown": shown_on(answer["html"].encode())}
    again = {**form, name: "Nobody read this", **renewed}
    assert client.post(url, again, headers=as_script).json()["success"] is True
    client.force_login(person("moderator", "Moderators"))
    shown = f"{seen.pk}.{first}.{content_hash(seen.revision.content)}"
    client.post(reverse(action, args=[thing.pk, "approve", seen.pk]), {"shown": shown})
    thing = type(thing).objects.get(pk=thing.pk)
    assert (thing.live, Approval.objects.filter(role="moderator").count()) == (False, 0)
    assert Revision.objects.get(pk=first).content[name] == "Harmless"
    assert thing.latest_revision.content[name] == "Nobody read this"
    now_asked = thing.current_workflow_task_state
    assert (now_asked.revision_id, now_asked.pk != seen.pk) == (thing.latest_revision_id, True)


def test_renaming_a_file_does_not_make_ones_own_text_a_colleagues(person, home, client):
    """The moderator writes, and renames a file that the page shows; the editor saves without a change and submits."""
    editor, moderator = person("editor", "Editors"), person("moderator", "Moderators")
    document = factories.document()
    page = factories.draft(models.StandardPage, home, slug="advice", body=[("document", document)])
    page.save_revision(user=moderator)
    client.force_login(moderator)
    answer = client.post(
        reverse("wagtaildocs:edit", args=[document.pk]), posted_document(document, title="Other words")
    )
    assert answer.status_code == 302
    page = models.StandardPage.objects.get(pk=page.pk)
    page.get_latest_revision_as_object().save_revision(user=editor)
    page = models.StandardPage.objects.get(pk=page.pk)
    page.get_workflow().start(page, editor)
    decide(client, page, "approve")
    assert (is_live(page), Approval.objects.filter(role="moderator").count()) == (False, 0)
    client.force_login(person("colleague", "Moderators"))
    decide(client, page, "approve")
    assert is_live(page) is True


def test_text_that_looks_like_data_is_compared_letter_by_letter(home, person):
    page = factories.draft(models.StandardPage, home, summary='{"a": "Ring 999"}')
    theirs = page.save_revision(user=person("editor", "Editors"))
    page.summary = '{"a": "Ring another number", "a": "Ring 999"}'
    own = page.save_revision(user=person("moderator", "Moderators"))
    assert content_hash(theirs.content) != content_hash(own.content)
    assert makers_of_text(own) == {theirs.user_id, own.user_id}


@pytest.mark.parametrize("who", ["root", "moderator"])
def test_the_words_of_a_file_on_a_public_notice_stay_as_two_people_approved_them(person, home, client, who):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    set_up_death_reviews(index)
    document = factories.document(title="Overview report")
    report = models.ReviewDocument(kind="overview-report", state="published", document=document)
    factories.page(models.DeathReviewNoticePage, index, review_documents=[report])
    client.force_login(person(who, *["Moderators"] if who == "moderator" else [], superuser=who == "root"))
    url = reverse("wagtaildocs:edit", args=[document.pk])
    answer = client.post(url, posted_document(document, title="Jane Doe, 3 May 2021"))
    document.refresh_from_db()
    assert document.title == "Overview report"
    if who == "root":  # in no group: not for them at all
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    else:
        assert "two people approved it as it is" in str(answer.context["form"].errors["title"])


def test_an_approver_who_saves_without_a_change_can_still_approve(person, advice, client):
    page = advice["page"]
    client.force_login(person("moderator", "Moderators"))
    send(client, page, {"title": "Advice"})
    decide(client, page, "approve")
    assert is_live(page) is True


def test_a_colleague_who_types_something_and_undoes_it_makes_nobodys_text(home, person, submitted, client):
    author, colleague = (person(name, "Moderators") for name in ("author", "colleague"))
    page = submitted(author)
    for title in ("Typed", page.title):
        client.force_login(colleague)
        send(client, models.StandardPage.objects.get(pk=page.pk), {"title": title})
    assert makers_of_text(models.StandardPage.objects.get(pk=page.pk).latest_revision) == {author.pk, colleague.pk}
    client.force_login(author)
    decide(client, page, "approve")
    assert (is_live(page), Approval.objects.filter(role="moderator").count()) == (False, 0)
    client.force_login(person("third", "Moderators"))
    decide(client, page, "approve")
    assert is_live(page) is True


def test_an_approval_is_for_the_text_that_the_approver_saw(person, advice, client, ask):
    """The moderator opens the question; a colleague saves another text a second before the answer."""
    editor, page = advice["editor"], advice["page"]
    moderator = person("moderator", "Moderators")
    client.force_login(moderator)
    shown = {"shown": shown_on(client.get(reverse(EDIT, args=[page.pk])).content)}
    seen = page.current_workflow_task_state
    page.title = "Advice that nobody read"
    page.save_revision(user=editor)
    now_asked = models.StandardPage.objects.get(pk=page.pk).current_workflow_task_state
    for state in (seen, now_asked):
        client.post(reverse(ACTION, args=[page.pk, "approve", state.pk]), shown)
    assert (is_live(page), Approval.objects.filter(by=moderator).count()) == (False, 0)
    assert models.StandardPage.objects.get(pk=page.pk).workflow_in_progress is True
    decide(client, page, "approve")
    assert ask('{ page(urlPath: "/advice/") { title } }') == {"page": {"title": "Advice that nobody read"}}


def test_the_keys_that_the_editor_gives_paragraphs_are_no_edit(home, person, client):
    """Text that a command loaded has none; whoever opens and approves it did not write it."""
    author, moderator = person("author", "Editors"), person("moderator", "Moderators")
    page = factories.draft(models.MeetingIndexPage, home, introduction="<p>Come to the market.</p>")
    page.save_revision(user=author)
    page.introduction = '<p data-block-key="abc12">Come to the market.</p>'
    assert makers_of_text(page.save_revision(user=moderator)) == {author.pk}
    page.introduction = '<p data-block-key="abc12">Come to the marketplace.</p>'
    assert makers_of_text(page.save_revision(user=moderator)) == {author.pk, moderator.pk}

    keyed = '<p data-block-key="abc12">Come.</p>'
    assert (
        in_blocks("paragraph", keyed) == in_blocks("paragraph", "<p>Come.</p>") != in_blocks("paragraph", "<p>Go.</p>")
    )
    callout, plain = {"tone": "warning", "rich_text": keyed}, {"tone": "warning", "rich_text": "<p>Come.</p>"}
    assert in_blocks("callout", callout) == in_blocks("callout", plain)


def in_blocks(kind, value):
    kind_of_page = ContentType.objects.get_for_model(models.StandardPage).pk
    body = json.dumps([{"id": "b", "type": kind, "value": value}])
    return content_hash({"content_type": kind_of_page, "body": body})


@pytest.mark.parametrize("text", ['x data-block-key="%s"', '<p data-block-key="%s">x'])
def test_what_only_looks_like_a_key_is_text_that_somebody_approves(home, person, text):
    author, moderator = person("author", "Editors"), person("moderator", "Moderators")
    page = factories.draft(models.StandardPage, home, title=text % "good")
    page.save_revision(user=author)
    page.title = text % "evil"
    assert makers_of_text(page.save_revision(user=moderator)) == {author.pk, moderator.pk}
    for kind, value in (("heading", {"text": text, "level": "2"}), ("page_link", {"page": page.pk, "text": text})):
        good = {**value, "text": text % "good"}
        assert in_blocks(kind, good) != in_blocks(kind, {**value, "text": text % "evil"})
    between = '<p data-block-key="a"> data-block-key="%s"</p>'
    assert in_blocks("paragraph", between % "good") != in_blocks("paragraph", between % "evil")


def test_story_m2_an_edit_after_the_approval_voids_it(home, person, client):
    """A notice needs two approvals: after the first, somebody edits, and both are needed again."""
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    author, moderator = person("author", "Safeguarding leads"), person("moderator", "Moderators")
    lead, other = person("lead", "Safeguarding leads"), person("other", "Moderators")
    notice = factories.draft(models.DeathReviewNoticePage, index)
    notice.save_revision(user=author)
    state = notice.get_workflow().start(notice, author)

    def approve(user):
        client.force_login(user)
        decide(client, notice, "approve")
        state.refresh_from_db()

    approve(moderator)
    first = Approval.objects.get(by=moderator)
    client.force_login(author)
    send(client, notice, {"executive_summary": draftail("Another summary.")})
    first.refresh_from_db()
    state.refresh_from_db()
    assert first.voided_because == "The text was changed after the approval."
    assert state.current_task_state.task.name == "Moderators approval"
    approve(other)
    assert (is_live(notice), state.current_task_state.task.name) == (False, "Safeguarding lead's approval")
    approve(lead)
    assert is_live(notice) is True
    assert "Another summary." in models.DeathReviewNoticePage.objects.get().executive_summary


def test_saving_without_a_change_between_two_approvals_takes_none_back(home, person, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    author, moderator = person("author", "Safeguarding leads"), person("moderator", "Moderators")
    lead = person("lead", "Safeguarding leads")
    notice = factories.draft(models.DeathReviewNoticePage, index, executive_summary="<p>Words.</p>")
    notice.save_revision(user=author)
    notice.get_workflow().start(notice, author)

    def approve(user):
        client.force_login(user)
        decide(client, notice, "approve")

    approve(moderator)
    models.DeathReviewNoticePage.objects.get(pk=notice.pk).get_latest_revision_as_object().save_revision(user=lead)
    approve(lead)
    assert is_live(notice) is True
    given = Approval.objects.filter(revision=notice.revisions.latest("pk"), voided_at=None)
    assert sorted(given.values_list("by__username", "role")) == [
        ("lead", "safeguarding-lead"),
        ("moderator", "moderator"),
    ]


def test_one_person_in_both_groups_does_not_approve_a_notice_alone(home, person, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    author, both = person("author", "Safeguarding leads"), person("both", "Moderators", "Safeguarding leads")
    notice = factories.draft(models.DeathReviewNoticePage, index)
    notice.save_revision(user=author)
    state = notice.get_workflow().start(notice, author)
    client.force_login(both)
    for _ in range(2):
        decide(client, notice, "approve")
    state.refresh_from_db()
    assert (is_live(notice), state.status) == (False, "in_progress")
    client.force_login(person("lead", "Safeguarding leads"))
    decide(client, notice, "approve")
    assert is_live(notice) is True


@pytest.mark.parametrize("comment", ["", "  "])
def test_story_m3_a_rejection_needs_a_reason(person, advice, client, comment):
    page = advice["page"]
    client.force_login(person("moderator", "Moderators"))
    decide(client, page, "reject", comment=comment)
    assert TaskState.objects.get().status == "in_progress"
    assert [message.subject for message in mail.outbox if "editor@example.org" in message.to] == []


def test_story_m3_the_reason_arrives(person, advice, client, django_capture_on_commit_callbacks):
    editor, page = advice["editor"], advice["page"]
    mail.outbox.clear()
    client.force_login(person("moderator", "Moderators"))
    decide(client, page, "reject", comment="The date is wrong.")
    [message] = mail.outbox
    assert message.to == ["editor@example.org"]
    assert "The date is wrong." in message.body
    client.force_login(editor)
    assert "The date is wrong." in client.get(reverse(EDIT, args=[page.pk])).content.decode()


WORKFLOW = {"action-workflow-action": "true"}
REASON = {"workflow-action-extra-data": '{"comment": "Say more."}'}
EMPTY_PARAGRAPH = {"body-count": "1", "body-0-type": "paragraph", "body-0-order": "0", "body-0-deleted": ""}


@pytest.mark.parametrize("how", ["sent back", "taken back"])
def test_what_does_not_keep_the_rules_is_sent_back_or_taken_back_all_the_same(person, advice, client, how):
    editor, page = advice["editor"], advice["page"]
    page.update_kind = "major"
    models.StandardPage.objects.filter(pk=page.pk).update(public_updated_at=timezone.now())
    page.save_revision(user=editor)  # a major update without a note
    assert list(models.StandardPage.objects.get().get_latest_revision_as_object().publishing_problems()) == [
        "change_note"
    ]
    client.force_login(editor)
    if how == "sent back":
        client.force_login(person("moderator", "Moderators"))
        answer = send(client, page, {}, **WORKFLOW, **REASON, **{"workflow-action-name": "reject"}).content.decode()
        assert "It goes back to its author, with your reason." in answer
    else:
        send(client, page, {}, "action-cancel-workflow")
    page = models.StandardPage.objects.get(pk=page.pk)
    status = {"sent back": "needs_changes", "taken back": "cancelled"}[how]
    assert page.workflow_states.get().status == status
    assert page.live is False


@pytest.mark.parametrize("more", [{"action-submit": "on"}, {"workflow-action-name": "approve"}])
def test_approving_and_submitting_keep_the_rules(person, advice, client, more):
    page = advice["page"]
    models.StandardPage.objects.filter(pk=page.pk).update(public_updated_at=timezone.now())
    client.force_login(person("moderator", "Moderators"))
    form = {**WORKFLOW, "workflow-action-name": "reject", **REASON, **more}
    answer = send(client, page, {"update_kind": "major", "change_note": ""}, **form).content.decode()
    assert "Say in one sentence what changed" in answer
    assert page.workflow_states.get().status == "in_progress"


def test_a_moderator_is_told_what_became_of_an_approval(person, advice, client):
    page = advice["page"]
    client.force_login(person("moderator", "Moderators"))
    answer = send(client, page, {}, **WORKFLOW, **{"workflow-action-name": "approve"}).content.decode()
    assert "It is approved, and readers see it now." in answer
    assert is_live(page) is True


@pytest.mark.parametrize(("action", "refused"), [("action-submit", True), ("", False)])
def test_an_empty_paragraph_may_stand_in_a_draft_alone(home, person, client, action, refused):
    page = factories.draft(models.StandardPage, home)
    client.force_login(person("editor", "Editors"))
    text = '{"blocks":[{"key":"a","text":" ","type":"unstyled","depth":0,"inlineStyleRanges":[],"entityRanges":[],\
"data":{}}],"entityMap":{}}'
    answer = send(client, page, {**EMPTY_PARAGRAPH, "body-0-value": text}, *filter(None, [action])).content.decode()
    assert ("Paragraph is empty. Write something, or delete the block." in answer) is refused
    page = models.StandardPage.objects.get(pk=page.pk)
    assert (page.workflow_in_progress, page.latest_revision is None) == (False, refused)


def test_mail_about_a_death_review_says_the_reference_and_no_more(home, person, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    author, moderator = person("author", "Safeguarding leads"), person("moderator", "Moderators")
    notice = factories.draft(models.DeathReviewNoticePage, index, pseudonym="Zzpseudonym")
    notice.save_revision(user=author)
    notice.get_workflow().start(notice, author)
    client.force_login(moderator)
    decide(client, notice, "reject", comment="The zzname of the street is in it.")
    bodies = [f"{message.subject} {message.body}" for message in mail.outbox]
    assert len([body for body in bodies if "rejected" in body or "changes" in body]) == 1
    assert all(notice.reference in body and "zz" not in body.lower() for body in bodies)
    client.force_login(author)
    assert "The zzname of the street is in it." in client.get(reverse(EDIT, args=[notice.pk])).content.decode()


def test_one_moderator_publishes_an_alert_alone(person, client, ask):
    """The fast lane: also as the author; an editor's alert needs the moderator all the same."""
    moderator, editor = person("moderator", "Moderators"), person("editor", "Editors")
    for user in (editor, moderator):
        alert = factories.snippet(models.Alert, live=False, message="Flood", active_until=tomorrow())
        alert.save_revision(user=user)
        alert.get_workflow().start(alert, user)
        client.force_login(user)
        decide(client, alert, "approve")
        assert models.Alert.objects.get(pk=alert.pk).live is (user is moderator)
    assert ask("{ alerts { message } }") == {"alerts": [{"message": "Flood"}]}
    assert Approval.objects.filter(role="moderator").count() == 1


def test_other_snippets_need_a_colleague(person, client):
    moderator = person("moderator", "Moderators")
    agency = factories.agency(live=False)
    agency.save_revision(user=moderator)
    agency.get_workflow().start(agency, moderator)
    client.force_login(moderator)
    decide(client, agency, "approve")
    agency.refresh_from_db()
    assert agency.live is False
    client.force_login(person("colleague", "Moderators"))
    decide(client, agency, "approve")
    agency.refresh_from_db()
    assert agency.live is True


def tomorrow():
    return timezone.now() + timedelta(days=1)
