"""Every route to publication, tried as a superuser or in code: none of them publishes what was not approved."""

from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from wagtail.actions.publish_page_revision import PublishPageRevisionAction
from wagtail.models import (
    GroupApprovalTask,
    ModelLogEntry,
    Page,
    PageViewRestriction,
    Revision,
    Workflow,
    WorkflowPage,
    WorkflowTask,
)

from documents.models import PublishedFile
from pages import models
from pages.approval.workflow import publish_by_command
from pages.models.approvals import Approval, NotApprovedError, approve, content_hash
from pages.models.shown import Shown
from tests import factories
from tests.admin_forms import decide, posted

WORDS = "zzunapproved"


@pytest.fixture
def superuser(home, client):
    """Signed in, in no group."""
    user = User.objects.create_superuser("root", password="x")
    client.force_login(user)
    return user


@pytest.fixture
def live(home):
    """A live page with a draft that nobody approved, which shows a file."""
    page = factories.page(models.StandardPage, home, title="Advice", slug="advice")
    page.title, page.body = WORDS, [("document", factories.document(title=WORDS))]
    page.save_revision()
    return page


def edit(page):
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def by_the_edit_screen(client, page, user):
    form = posted(client.get(edit(page)).content, **{"body-count": "0"})
    response = client.post(edit(page), {**form, "action-publish": "action-publish"})
    assert response.status_code in (200, 302)


def by_a_bulk_action(client, page, user):
    url = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "publish"])
    client.post(f"{url}?id={page.pk}", {"include_descendants": "on"})


def by_the_model(client, page, user):
    with pytest.raises(NotApprovedError):
        page.latest_revision.publish(user=user, skip_permission_checks=True)


def by_the_action(client, page, user):
    with pytest.raises(NotApprovedError):
        PublishPageRevisionAction(page.latest_revision, user=user).execute(skip_permission_checks=True)


def by_saving(client, page, user):
    version = page.latest_revision.as_object()
    version.live = True
    with pytest.raises(NotApprovedError):
        version.save()


def by_naming_an_approved_revision(client, page, user):
    """Another text under the number of the revision that was approved."""
    published = models.StandardPage.objects.get(pk=page.pk)
    published.title = WORDS
    with pytest.raises(NotApprovedError):
        published.save()


def by_changing_an_approved_revision(client, page, user):
    approved = factories.approve(models.StandardPage.objects.get(pk=page.pk))
    content = {**approved.content, "title": WORDS}
    Revision.objects.filter(pk=approved.pk).update(content=content)
    approved.refresh_from_db()
    with pytest.raises(NotApprovedError):
        approved.publish()


def by_a_schedule(client, page, user):
    """A date on a revision that nobody approved."""
    Revision.objects.filter(pk=page.latest_revision_id).update(
        approved_go_live_at=timezone.now() - timedelta(minutes=1)
    )
    call_command("publish_scheduled")
    assert Revision.objects.get(pk=page.latest_revision_id).approved_go_live_at is None


def by_another_workflow(client, page, user):
    """A workflow that a superuser put together from Wagtail's own step, and approves alone."""
    task = GroupApprovalTask.objects.create(name="Quick")
    workflow = Workflow.objects.create(name="Quick")
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=0)
    WorkflowPage.objects.create(workflow=workflow, page=page)
    state = workflow.start(page, user).current_task_state
    client.post(reverse("wagtailadmin_pages:workflow_action", args=[page.pk, "approve", state.pk]))
    state.refresh_from_db()
    assert state.status == "in_progress"


def by_the_task_itself(client, page, user):
    state = page.get_workflow().start(page, user).current_task_state
    with pytest.raises(NotApprovedError):
        state.approve(user=user)


def by_a_task_of_the_workflow_as_a_superuser(client, page, user):
    state = page.get_workflow().start(page, User.objects.create_user("author")).current_task_state
    decide(client, page, "approve")
    with pytest.raises(NotApprovedError, match="you are not in it"):
        state.task.specific.on_action(state, user, "approve", shown=Shown.by(page.get_latest_revision_as_object()))


def by_an_approval_of_an_earlier_version(client, page, user):
    other = User.objects.create_user("other")
    first = models.StandardPage.objects.get(pk=page.pk).revisions.order_by("pk").first()
    approve(first, "moderator", other)
    with pytest.raises(NotApprovedError):
        page.latest_revision.publish()


def by_unpublishing_and_bringing_back(client, page, user):
    """What was approved once is not approved for coming back."""
    published = models.StandardPage.objects.get(pk=page.pk)
    approved = published.live_revision
    published.unpublish()
    with pytest.raises(NotApprovedError):
        approved.publish()
    assert models.StandardPage.objects.get(pk=page.pk).live is False


def by_the_actions_of_the_api(client, page, user):
    """Wagtail's API for its own scripts has actions on pages. They are not offered."""
    for action in ("publish", "copy", "create_alias", "convert_alias", "revert_to_page_revision", "unpublish", "move"):
        url = f"/admin/api/main/pages/{page.pk}/action/{action}/"
        assert client.post(url, {"keep_live": True, "revision_id": page.latest_revision_id}).status_code == 404
    assert models.StandardPage.objects.count() == 1


def by_an_older_version_that_was_published(client, page, user):
    published = models.StandardPage.objects.get(pk=page.pk)
    published.title = WORDS
    factories.publish(published)
    older = published.live_revision
    published.title = "Advice"
    factories.publish(published)
    page.latest_revision_id = published.latest_revision_id
    older.refresh_from_db()
    with pytest.raises(NotApprovedError):
        older.publish()


ROUTES = [
    by_the_edit_screen,
    by_a_bulk_action,
    by_the_model,
    by_the_action,
    by_saving,
    by_naming_an_approved_revision,
    by_changing_an_approved_revision,
    by_a_schedule,
    by_another_workflow,
    by_the_task_itself,
    by_a_task_of_the_workflow_as_a_superuser,
    by_an_approval_of_an_earlier_version,
    by_unpublishing_and_bringing_back,
    by_the_actions_of_the_api,
    by_an_older_version_that_was_published,
]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_publishes_what_was_not_approved(superuser, live, client, ask, route):
    route(client, live, superuser)
    page = models.StandardPage.objects.get(pk=live.pk)
    assert page.title == "Advice"
    assert page.latest_revision.content["title"] in (WORDS, "Advice")
    assert PublishedFile.objects.count() == 0
    answer = ask('{ page(urlPath: "/advice/") { title } }')["page"]
    assert answer is None or answer["title"] in ("Advice", None)


@pytest.mark.parametrize("route", [by_the_edit_screen, by_a_bulk_action, by_the_model, by_saving, by_a_schedule])
def test_no_route_publishes_a_page_for_the_first_time(superuser, home, client, route):
    page = factories.draft(models.StandardPage, home, title=WORDS)
    page.save_revision()
    route(client, page, superuser)
    page.refresh_from_db()
    assert (page.live, page.first_published_at) == (False, None)


def test_the_screens_have_no_button_to_publish(superuser, live, home, client):
    page = client.get(edit(live)).content.decode()
    assert "action-publish" not in page
    assert "action-submit" in page
    agency = factories.agency()
    snippet = client.get(reverse(agency.snippet_viewset.get_url_name("edit"), args=[agency.pk])).content.decode()
    assert "action-publish" not in snippet
    assert "action-submit" in snippet
    create = reverse("wagtailadmin_pages:add", args=["pages", "standardpage", home.pk])
    assert "action-publish" not in client.get(create).content.decode()


def test_a_page_that_is_made_is_a_draft(superuser, home, client):
    create = reverse("wagtailadmin_pages:add", args=["pages", "standardpage", home.pk])
    words = {"title": "New", "slug": "new", "summary": "S.", "last_reviewed_on": "2026-02-11", "body-count": "0"}
    form = posted(client.get(create).content, **words)
    client.post(create, {**form, "action-publish": "action-publish"})
    page = models.StandardPage.objects.get(slug="new")
    assert (page.live, page.first_published_at) == (False, None)


@pytest.mark.parametrize("extra", [{"publish_copies": "on"}, {"alias": "on"}])
def test_a_copy_is_a_draft_and_never_an_alias(superuser, live, home, client, extra):
    url = reverse("wagtailadmin_pages:copy", args=[live.pk])
    assert not {"publish_copies", "alias"} & set(client.get(url).context["form"].fields)
    form = {"new_title": "Copy", "new_slug": "copy", "new_parent_page": home.pk, "copy_subpages": "on", **extra}
    client.post(url, form)
    copy = models.StandardPage.objects.get(slug="copy")
    assert (copy.live, copy.alias_of_id) == (False, None)
    with pytest.raises(NotApprovedError):
        live.copy(update_attrs={"slug": "other"}, keep_live=True)
    assert not Page.objects.filter(slug="other").exists()


def test_purging_old_versions_keeps_what_readers_see_and_its_approvals(live):
    published = live.live_revision_id
    for title in ("First", "Second"):
        live.title = title
        live.save_revision()
    call_command("purge_revisions")
    live.refresh_from_db()
    assert live.live_revision_id == published
    assert Approval.objects.filter(revision=published).count() == 1
    assert set(live.revisions.values_list("pk", flat=True)) == {published, live.latest_revision_id}
    live.delete()
    assert not Revision.objects.filter(pk=published).exists()


def test_an_alias_cannot_be_made_in_code_either(live):
    with pytest.raises(ValidationError, match="Make a copy, which needs its own approval"):
        live.create_alias(update_slug="alias")
    assert not Page.objects.filter(slug="alias").exists()


@pytest.mark.parametrize("name", ["Agency", "Venue", "Contact", "SupportService", "Alert"])
def test_no_snippet_is_published_without_approval(superuser, client, name):
    model = getattr(models, name)
    until = {"active_until": timezone.now() + timedelta(days=1)} if name == "Alert" else {}
    texts = {"Agency": {"name": "A", "sector": "council"}, "Contact": {"team": "T"}, "Alert": {"message": "M"}}
    texts |= {"SupportService": {"name": "S", "phone": "1"}, "Venue": {"name": "V", "address": "A", "postcode": "P"}}
    made = factories.snippet(model, live=False, **texts[name], **until)
    url = reverse(made.snippet_viewset.get_url_name("edit"), args=[made.pk])
    client.post(url, {**posted(client.get(url).content, "w-editor-form"), "action-publish": "action-publish"})
    made.refresh_from_db()
    assert made.live is False
    made.live = True
    with pytest.raises(NotApprovedError):
        made.save()
    with pytest.raises(NotApprovedError):
        made.save_revision().publish()
    made.refresh_from_db()
    assert made.live is False


def test_publishing_or_moving_what_is_above_publishes_no_draft_below(home, ask):
    section = factories.draft(models.StandardPage, home, slug="section")
    draft = factories.draft(models.StandardPage, section, title=WORDS, slug="draft")
    factories.publish(section)
    other = factories.page(models.StandardPage, home, slug="other")
    section.move(other, pos="last-child")
    draft.refresh_from_db()
    assert draft.live is False
    assert ask('{ page(urlPath: "/other/section/draft/") { title } }') == {"page": None}


def test_a_restriction_is_lifted_by_a_moderator_alone_and_publishes_no_draft(superuser, home, client, ask):
    page = factories.page(models.StandardPage, home, title="Approved", slug="page")
    page.title = WORDS
    page.save_revision()
    PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)
    lift = reverse("wagtailadmin_pages:set_privacy", args=[page.pk]), {"restriction_type": "none"}
    client.post(*lift)
    assert PageViewRestriction.objects.filter(page=page).count() == 1
    superuser.groups.add(Group.objects.get(name="Moderators"))
    client.post(*lift)
    assert not PageViewRestriction.objects.exists()
    assert ask('{ page(urlPath: "/page/") { title } }') == {"page": {"title": "Approved"}}


def test_a_superuser_in_no_group_takes_nothing_away_and_changes_no_label(superuser, live, client):
    topic = factories.topic(name="Bikes")
    client.post(reverse("wagtailadmin_pages:unpublish", args=[live.pk]))
    url = reverse(topic.snippet_viewset.get_url_name("edit"), args=[topic.pk])
    client.post(url, {"name": "Past moderation", "slug": topic.slug})
    topic.refresh_from_db()
    assert (models.StandardPage.objects.get(pk=live.pk).live, topic.name) == (True, "Bikes")
    superuser.groups.add(Group.objects.get(name="Moderators"))
    client.post(url, {"name": "Cycles", "slug": topic.slug})
    client.post(reverse("wagtailadmin_pages:unpublish", args=[live.pk]))
    topic.refresh_from_db()
    assert (models.StandardPage.objects.get(pk=live.pk).live, topic.name) == (False, "Cycles")


def test_the_log_shows_who_became_a_moderator_and_by_whom(superuser, client):
    """By the bulk action of Wagtail, which writes nothing down itself, and by the screen."""
    moderators = Group.objects.get(name="Moderators")
    client.post(f"{reverse('wagtail_bulk_action', args=['auth', 'user', 'assign_role'])}?id={superuser.pk}",
                {"role": moderators.pk})  # fmt: skip
    assert list(superuser.groups.all()) == [moderators]
    form = {"username": "root", "email": "r@example.org", "first_name": "R", "last_name": "O", "is_active": "on",
            "is_superuser": "on", "groups": []}  # fmt: skip
    client.post(reverse("wagtailusers_users:edit", args=[superuser.pk]), form)
    assert list(superuser.groups.all()) == []
    entries = ModelLogEntry.objects.filter(action="cms.roles_changed").order_by("timestamp")
    assert [(entry.user, entry.object_id, entry.data, entry.message) for entry in entries] == [
        (superuser, str(superuser.pk), {"groups": ["Moderators"], "change": verb}, f"{words}: Moderators")
        for verb, words in (("added", "Added to"), ("removed", "Removed from"))
    ]


def test_saving_what_is_live_as_it_is_needs_no_approval(home):
    page = factories.page(models.StandardPage, home, update_kind="minor")
    page.live_revision.approvals.all().delete()
    published_at = page.last_published_at
    page.save()
    page.refresh_from_db()
    assert (page.live, page.last_published_at) == (True, published_at)


@pytest.mark.parametrize(
    ("model", "index", "fields"),
    [
        (models.StandardPage, None, {}),
        (models.BusinessAsUsualPage, None, {}),
        (models.NewsPage, models.NewsIndexPage, {}),
        (models.MeetingPage, models.MeetingIndexPage, {"agenda_items": [models.AgendaItem(number="1", title="Item")]}),
        (models.PriorityPage, models.PriorityPeriodPage, {}),
        (models.CommunitySafetyPlanPage, models.PublicationIndexPage, {"page_documents": []}),
        (models.InsightPage, models.PublicationIndexPage, {}),
        (models.AnnualReviewPage, models.PublicationIndexPage, {}),
        (models.DeathReviewNoticePage, models.DeathReviewIndexPage, {"minimum_online_until": date(2030, 1, 1)}),
    ],
)
def test_what_was_approved_is_what_is_published_for_every_type(home, model, index, fields):
    """The hash of a revision is that of the page which is made from it, before and after it is published."""
    kinds = {"CommunitySafetyPlanPage": "plans", "InsightPage": "insights", "AnnualReviewPage": "annual-reviews"}
    kind = {"publication_kind": kinds[model.__name__]} if model.__name__ in kinds else {}
    parent = factories.page(index, home, **kind) if index else home
    page = factories.page(model, parent, **fields)
    revision = page.live_revision
    approved = content_hash(revision.content)
    assert content_hash(revision.as_object().serializable_data()) == approved
    assert content_hash(model.objects.get(pk=page.pk).serializable_data()) == approved


def test_a_command_never_publishes_a_notice(home, settings):
    settings.COMMANDS_MAY_PUBLISH_DEATH_REVIEWS = False
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    with pytest.raises(NotApprovedError):
        publish_by_command(notice, "load_demo")
    notice.refresh_from_db()
    assert (notice.live, notice.revisions.count()) == (False, 0)


def test_wagtails_own_page_is_no_way_round(home):
    draft = factories.draft(models.StandardPage, home)
    plain = Page.objects.get(pk=draft.pk)
    plain.live = True
    with pytest.raises(NotApprovedError):
        plain.save()
    live = Page.objects.get(pk=factories.page(models.StandardPage, home, title="Advice").pk)
    live.title = WORDS
    with pytest.raises(NotApprovedError):
        live.save()
    assert (Page.objects.get(pk=draft.pk).live, Page.objects.get(pk=live.pk).title) == (False, "Advice")


def test_a_topic_that_is_renamed_voids_nothing(home):
    topics = [factories.topic(name=name) for name in ("A", "B")]
    page = factories.draft(models.StandardPage, home, topics=[])
    page.topics = topics
    revision = factories.approve(page)
    topics[0].name = "Z"
    topics[0].save()
    revision.publish()
    page.refresh_from_db()
    assert page.live is True


def test_an_expiry_takes_nothing_back_that_was_approved_for_later(home):
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        page = factories.page(models.StandardPage, home, title="First", expire_at=now + timedelta(hours=1))
        page.title, page.go_live_at, page.expire_at = "Second", now + timedelta(hours=3), None
        factories.approve(page).publish()
        clock.shift(timedelta(hours=2))
        call_command("publish_scheduled")
        page.refresh_from_db()
        assert page.live is False
        clock.shift(timedelta(hours=2))
        call_command("publish_scheduled")
        page.refresh_from_db()
        assert (page.live, page.title) == (True, "Second")
