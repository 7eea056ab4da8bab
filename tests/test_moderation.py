"""Groups, permissions and the moderation workflow, through the admin as people use it."""

import inspect
import re
from datetime import date
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.urls import reverse
from wagtail.models import ModelLogEntry, PageLogEntry, Revision, WorkflowState

from pages import models
from pages.approval.workflow import NotApprovedError, publish_by_command, set_up_death_reviews, set_up_moderation
from pages.models.death_reviews import UNENFORCED_FIELDS, name_hash
from tests import factories
from tests.admin_forms import decide


@pytest.fixture
def people(home):
    """One account of each group, by the group's name."""
    found = {}
    for group in ("Editors", "Moderators", "Safeguarding leads"):
        user = User.objects.create_user(group.replace(" ", "-").lower(), password="x")
        user.groups.add(Group.objects.get(name=group))
        found[group] = user
    return found


def form(page, **fields):
    """What the edit screen of a news page sends."""
    return {
        "title": page.title,
        "slug": page.slug,
        "summary": page.summary,
        "body-count": "1",
        "body-0-deleted": "",
        "body-0-order": "0",
        "body-0-type": "heading",
        "body-0-id": "",
        "body-0-value-text": "Heading",
        "body-0-value-level": "2",
        "update_kind": "minor",
        "change_note": "",
        "topics": [],
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
        "comments-MIN_NUM_FORMS": "0",
        "comments-MAX_NUM_FORMS": "1000",
        "comment_notifications": "",
        **fields,
    }


def test_an_editor_submits_and_a_moderator_approves(home, people, client, ask):
    index = factories.page(models.NewsIndexPage, home)
    page = factories.draft(models.NewsPage, index, title="First draft")
    edit = reverse("wagtailadmin_pages:edit", args=[page.pk])

    client.force_login(people["Editors"])
    client.post(edit, form(page, title="Better title", **{"action-publish": "1"}))
    page.refresh_from_db()
    assert page.live is False  # an editor's "publish" is only a save
    response = client.post(edit, form(page, title="Better title", **{"action-submit": "1"}))
    assert response.status_code == 302, response.context["form"].errors
    page.refresh_from_db()
    assert (page.live, page.workflow_in_progress) == (False, True)
    assert ask("{ news { totalCount } }") == {"news": {"totalCount": 0}}

    client.force_login(people["Moderators"])
    decide(client, page, "approve")
    page.refresh_from_db()
    assert (page.live, page.title) == (True, "Better title")
    assert ask("{ news { nodes { title } } }") == {"news": {"nodes": [{"title": "Better title"}]}}


def test_an_editor_cannot_unpublish_or_delete_what_is_live(home, people, client):
    page = factories.page(models.StandardPage, home)
    client.force_login(people["Editors"])
    for name in ("unpublish", "delete"):
        client.post(reverse(f"wagtailadmin_pages:{name}", args=[page.pk]))
        page.refresh_from_db()
        assert page.live is True


def test_editors_can_do_nothing_with_death_reviews(home, people, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    for page, refused in ((index, 302), (notice, 404)):
        url = reverse("wagtailadmin_pages:edit", args=[page.pk])
        client.force_login(people["Editors"])
        assert client.get(url).status_code == refused
        client.force_login(people["Safeguarding leads"])
        assert client.get(url).status_code == 200
    permissions = notice.permissions_for_user(people["Safeguarding leads"])
    assert (permissions.can_edit(), permissions.can_publish()) == (True, False)
    assert notice.permissions_for_user(people["Moderators"]).can_publish() is False


def test_a_notice_needs_a_moderator_and_then_a_safeguarding_lead(home, people, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    author = User.objects.create_user("author", password="x")
    author.groups.add(Group.objects.get(name="Safeguarding leads"))
    notice.save_revision(user=author)
    notice.get_workflow().start(notice, author)
    names = []
    for group in ("Moderators", "Safeguarding leads"):
        client.force_login(people[group])
        notice.refresh_from_db()
        assert notice.live is False
        names.append(notice.current_workflow_task_state.task.name)
        decide(client, notice, "approve")
    notice.refresh_from_db()
    assert names == ["Moderators approval", "Safeguarding lead's approval"]
    assert notice.live is True
    assert WorkflowState.objects.get().status == "approved"


def test_a_command_publishes_through_one_logged_door(home):
    page = factories.draft(models.StandardPage, home)
    publish_by_command(page, "load_demo")
    entry = PageLogEntry.objects.get(page=page.pk, action="pages.published_by_command")
    assert entry.data["command"] == "load_demo"
    agency = factories.agency(live=False)
    publish_by_command(agency, "load_demo")
    agency.refresh_from_db()
    assert agency.live is True
    assert ModelLogEntry.objects.filter(action="pages.published_by_command").count() == 1


def test_the_door_stays_shut_for_a_death_review_notice(home, settings):
    settings.COMMANDS_MAY_PUBLISH_DEATH_REVIEWS = False
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    revisions = notice.revisions.count()
    with pytest.raises(NotApprovedError, match="cannot be published by a command"):
        publish_by_command(notice, "load_demo")
    notice.refresh_from_db()
    assert (notice.live, notice.revisions.count()) == (False, revisions)


def test_the_project_itself_keeps_the_door_shut():
    from cms import settings as project  # noqa: PLC0415

    assert project.COMMANDS_MAY_PUBLISH_DEATH_REVIEWS is False


def test_setting_up_twice_changes_nothing(home):
    def state():
        return {
            group.name: (
                sorted(group.permissions.values_list("codename", flat=True)),
                group.page_permissions.count(),
                group.collection_permissions.count(),
            )
            for group in Group.objects.all()
        }

    before = state()
    assert set(before) == {"Editors", "Moderators", "Safeguarding leads"}
    set_up_moderation()
    call_command("set_up_moderation", verbosity=0)
    assert state() == before


def test_a_copy_has_a_uuid_of_its_own_and_no_history(home):
    page = factories.page(models.StandardPage, home, update_kind="major", change_note="New")
    copy = page.copy(update_attrs={"title": "Copy", "slug": "copy"}, keep_live=False)
    assert copy.uuid != page.uuid
    assert (copy.live, copy.public_updated_at, copy.change_note) == (False, None, "")


def test_a_copied_notice_gets_a_reference_of_its_own(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(models.DeathReviewNoticePage, index)
    copy = notice.copy(keep_live=False, update_attrs={"slug": "dr-copy"})
    assert copy.reference != notice.reference
    assert copy.live is False


def test_a_major_update_needs_a_note_and_moves_the_date(home, ask):
    page = factories.page(models.StandardPage, home, slug="page")
    first = page.public_updated_at
    page.update_kind = "major"
    with pytest.raises(Exception, match="Say in one sentence what changed"):
        publish_by_command(page, "tests")
    page.refresh_from_db()
    page.title = "Minor update"
    page.update_kind = "minor"
    factories.publish(page)
    assert page.public_updated_at == first
    page.update_kind, page.change_note = "major", "The address changed."
    factories.publish(page)
    assert page.public_updated_at > first
    assert (page.update_kind, page.change_note) == ("minor", "")
    history = ask('{ page(urlPath: "/page/") { changeHistory { note } } }')["page"]["changeHistory"]
    assert history == [{"note": "The address changed."}]


def test_names_to_block_are_kept_as_hashes_only(home, monkeypatch):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    monkeypatch.setattr("sys.stdin", StringIO("Jane Example\n\njohn  example\nJOHN EXAMPLE\n"))
    said = StringIO()
    call_command("block_names", notice.reference, stdout=said)
    notice.refresh_from_db()
    assert notice.name_blocklist == sorted([name_hash("jane example"), name_hash("john example")])
    not_enforced = f"recorded for {notice.reference}. The CMS does not check the notice for them.\n"
    assert said.getvalue() == f"2 names are {not_enforced}"
    models.DeathReviewNoticePage.objects.update(name_blocklist=[])
    monkeypatch.setattr("sys.stdin", StringIO("Jane Example\n"))
    call_command("block_names", notice.reference, stdout=said)
    assert said.getvalue().endswith(f"1 name is {not_enforced}")
    assert "The CMS does not check notices for them yet" in load_command_class("pages", "block_names").help
    with pytest.raises(CommandError, match="no notice with the reference DR-0000"):
        call_command("block_names", "DR-0000")


def test_no_form_of_the_admin_takes_a_name_or_a_title_of_a_notice():
    fields = models.DeathReviewNoticePage.get_edit_handler().get_form_class().base_fields
    assert {"title", "slug", "seo_title", "names_to_block", "name_blocklist"} & set(fields) == set()


def test_each_private_field_of_a_notice_is_enforced_or_said_not_to_be(home, client):
    notice = factories.draft(models.DeathReviewNoticePage, factories.page(models.DeathReviewIndexPage, home))
    restricted = next(tab for tab in type(notice).get_edit_handler().children if "never public" in tab.heading)
    fields = {"name_blocklist", *restricted.get_form_options()["fields"]}
    gate = set(re.findall(r"\bself\.(\w+)", inspect.getsource(models.DeathReviewNoticePage.publishing_problems)))
    assert fields - gate == set(UNENFORCED_FIELDS)
    lead = User.objects.create_superuser("lead")
    client.force_login(lead)
    screen = client.get(f"/admin/pages/{notice.pk}/edit/").content.decode()
    panel = screen.split("For the record only.")[1].split("Approvers must check them.")[0]
    assert [words for words in UNENFORCED_FIELDS.values() if words not in panel] == []


def test_a_copied_notice_was_cleared_by_nobody(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(
        models.DeathReviewNoticePage, index, stage="published", qa_outcome="cleared", legal_clearance="given"
    )
    copy = notice.copy(keep_live=False, update_attrs={"slug": "dr-copy"})
    assert (copy.stage, copy.qa_outcome, copy.legal_clearance) == ("notified", "not-submitted", "not-asked")
    assert copy.publication_decision == ""


def test_a_notice_stays_online_for_the_time_of_the_policy(home, settings):
    settings.DEATH_REVIEW_MINIMUM_MONTHS = 18
    index = factories.page(models.DeathReviewIndexPage, home)
    with time_machine.travel(factories.london(2026, 8, 31, 10), tick=False):
        by_policy = factories.page(models.DeathReviewNoticePage, index)
        chosen = factories.page(models.DeathReviewNoticePage, index, minimum_online_until=date(2030, 1, 1))
    assert by_policy.minimum_online_until == date(2028, 2, 29)
    assert chosen.minimum_online_until == date(2030, 1, 1)


def test_a_long_summary_is_refused_by_every_route(home):
    page = factories.draft(models.StandardPage, home, summary="x" * 161)
    with pytest.raises(ValidationError) as refusal:
        publish_by_command(page, "tests")
    assert list(refusal.value.message_dict) == ["summary"]
    page.refresh_from_db()
    assert (page.live, page.revisions.count()) == (False, 0)


def test_two_agenda_items_of_one_number_cannot_hide_that_one_is_exempt(home):
    index = factories.page(models.MeetingIndexPage, home)
    meeting = factories.draft(
        models.MeetingPage,
        index,
        agenda_items=[
            models.AgendaItem(number="3", title="Item", access="exempt", exempt_reason="Personal data."),
            models.AgendaItem(number="3 ", title="Other item"),
        ],
        papers=[models.Paper(document=factories.document(), agenda_item_number="3")],
    )
    assert set(meeting.publishing_problems()) == {"agenda_items", "papers"}
    with pytest.raises(ValidationError):
        publish_by_command(meeting, "tests")
    meeting.refresh_from_db()
    assert meeting.live is False


def test_a_notice_names_somebody_who_helps_and_whom_readers_see(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    service = factories.support_service(live=False)
    rows = [models.NoticeSupportService(service=service)]
    notice = factories.draft(models.DeathReviewNoticePage, index, notice_support_services=rows)
    refusal = "None of these support services is published, so readers would see none: publish one of them first."
    assert notice.publishing_problems() == {"notice_support_services": refusal}
    with pytest.raises(ValidationError, match=refusal):
        publish_by_command(notice, "tests")
    assert models.DeathReviewNoticePage.objects.get().live is False
    factories.publish(service)
    assert notice.publishing_problems() == {}


def test_saving_a_draft_keeps_the_names_to_block(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    old = notice.save_revision()
    models.DeathReviewNoticePage.objects.filter(pk=notice.pk).update(name_blocklist=["hash"])
    version = Revision.objects.get(pk=old.pk).as_object()
    assert version.name_blocklist == ["hash"]
    version.save()
    notice.refresh_from_db()
    assert notice.name_blocklist == ["hash"]
