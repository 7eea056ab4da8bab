"""What colleagues who may not handle death reviews are told by mail, refusals, reports and forms: nothing of a notice."""

import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import (
    Collection,
    GroupCollectionPermission,
    GroupPagePermission,
    ModelLogEntry,
    Page,
    PageLogEntry,
    Site,
    Task,
    TaskState,
    Workflow,
    WorkflowPage,
)
from wagtail.test.utils.form_data import querydict_from_html

from documents.models import Document
from pages import models
from pages.content.mail import send_mail
from pages.models.approvals import not_published
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.approval_book import Screen

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(book):
    """One of those who may not handle death reviews: somebody has taken that from the group."""
    group = Group.objects.get(name="Moderators")
    group.permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    return book.clients["moderator"]


def text(client, address, **more):
    return client.get(address, more, follow=True).content.decode()


def public_notice(book):
    Screen(book, "moderator", "notice").press("approve")
    Screen(book, "other lead", "notice").press("approve")
    notice = book.now("notice")
    assert notice.live is True
    return notice


def test_takedowns_of_notices_and_their_files(book, moderator):
    lead = book.people["lead"]
    group = Group.objects.get(name="Moderators")
    group.permissions.add(Permission.objects.get(codename="handle_death_reviews"))
    notice = public_notice(book)
    document = book.files("notice")[0]
    story = factories.page(models.NewsPage, book.news, slug="taken-down")
    taken = [take_down(thing, lead, "zzreason") for thing in (document, notice, story)]
    reviewer = text(book.clients["moderator"], reverse("takedowns"))
    assert all(one.address in reviewer for one in taken)
    group.permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    for address in (reverse("takedowns"), reverse("wagtailadmin_home")):
        said = text(moderator, address)
        assert [one.address in said for one in taken] == [False, False, True], address
    for one in taken[:2]:
        assert moderator.post(reverse("confirm_takedown", args=[one.pk])).status_code == 404
        one.refresh_from_db()
        assert one.confirmed_at is None


def test_mail_about_a_version_that_is_not_published(book):
    notice = book.now("notice")
    book.people["lead"].groups.set([Group.objects.get(name="Editors")])
    mail.outbox.clear()
    not_published(notice, notice.latest_revision, "Why")
    assert [message.to for message in mail.outbox] == []
    story = book.now("story")
    not_published(story, story.latest_revision, "Why")
    assert [message.to for message in mail.outbox] == [["e@example.org"]]


def test_the_history_of_a_redirect_to_a_notice(book, moderator):
    group = Group.objects.get(name="Moderators")
    handles = Permission.objects.get(codename="handle_death_reviews")
    group.permissions.add(handles)
    for path, page in (("/zzhidden", book.now("notice")), ("/zzshown", book.news)):
        form = {"old_path": path, "site": "", "is_permanent": "on", "redirect_page": page.pk, "redirect_link": ""}
        moderator.post(reverse("wagtailredirects:add"), form)
    assert Redirect.objects.count() == 2
    address = reverse("wagtailadmin_reports:site_history")
    told = text(moderator, address)
    assert "zzhidden" in told
    group.permissions.remove(handles)
    for more in ({}, {"export": "csv"}):
        answer = moderator.get(address, more)
        told = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert ("zzhidden" in told, "zzshown" in told) == (False, True)


def test_the_window_for_a_link_tells_of_no_notice(book):
    notice = public_notice(book)
    models.DeathReviewIndexPage.objects.update(live=False)
    form = {"external-link-chooser-url": notice.url, "external-link-chooser-link_text": "x"}
    story = factories.page(models.NewsPage, book.news, slug="told")
    for who, address, told in (("editor", notice, False), ("editor", story, True), ("lead", notice, True)):
        form["external-link-chooser-url"] = f"{address.url_path.removeprefix('/home')}"
        answer = book.clients[who].post(reverse("wagtailadmin_choose_page_external_link"), form)
        found = json.loads(answer.content)
        page = found.get("internal") or found["result"]
        assert (page.get("id") == address.pk) is told, (who, found)


@pytest.mark.parametrize("name", ["wagtailadmin_choose_page", "wagtailadmin_choose_page_search"])
def test_who_may_do_nothing_with_pages_chooses_none(book, somebody, name):
    draft = factories.draft(models.NewsPage, book.news, title="zzdraft")
    assert somebody().get(reverse(name), {"q": "zzdraft"}).status_code in (302, 403)
    assert book.clients["editor"].get(reverse(name), {"q": "zzdraft"}).status_code == 200
    assert draft.pk


def test_pages_with_notices_below_are_not_deleted_by_who_may_not_know_of_them(book, home, somebody):
    Page.objects.filter(pk=home.pk).update(live=False, first_published_at=None)
    Page.objects.filter(path__startswith=home.path).update(live=False, first_published_at=None)
    client = somebody()
    for codename in ("add_page", "change_page", "bulk_delete_page"):
        GroupPagePermission.objects.create(
            group=Group.objects.get(name="Odd"),
            page=Page.get_first_root_node(),
            permission=Permission.objects.get(codename=codename),
        )
    before = models.DeathReviewNoticePage.objects.count()
    for page in (home, book.reviews):
        client.post(reverse("wagtailadmin_pages:delete", args=[page.pk]), {"confirm_site_name": "x"})
        client.post(f"{reverse('wagtail_bulk_action', args=['wagtailcore', 'page', 'delete'])}?id={page.pk}")
    assert models.DeathReviewNoticePage.objects.count() == before > 0


def test_the_history_of_the_site_tells_of_no_deleted_notice(book, home):
    """Those are told of deleted pages who may add one below the root: while there is no home page, every editor."""
    notice, story = book.now("notice"), book.now("story")
    for page in (notice, story):
        PageLogEntry.objects.log_action(page, "wagtail.delete", deleted=True)
        page.delete()
    Document.objects.filter(collection=book.reviews.files).delete()
    Page.objects.get(pk=home.pk).delete()
    address = reverse("wagtailadmin_reports:site_history")
    for who, told in (("editor", [False, True]), ("moderator", [True, True])):
        said = text(book.clients[who], address)
        assert [page.title in said for page in (notice, story)] == told


@pytest.mark.parametrize("kind", ["workflow", "site"])
def test_forms_of_settings_take_no_hidden_page(book, somebody, kind):
    notice = book.now("notice")
    if kind == "workflow":
        client = somebody("add_workflow", "change_workflow")
        workflow = Workflow.objects.create(name="Odd")
        task = Task.objects.first()
        url = reverse("wagtailadmin_workflows:edit", args=[workflow.pk])
        rows = {"pages-TOTAL_FORMS": 1, "pages-INITIAL_FORMS": 0, "pages-MIN_NUM_FORMS": 0, "pages-MAX_NUM_FORMS": 9}
        tasks = {f"workflow_tasks-{key.split('-')[1]}": value for key, value in rows.items()}
        form = {**rows, **tasks, "name": "Odd", "workflow_tasks-0-task": task.pk, "workflow_tasks-0-ORDER": 1}
        form |= {"content_types": ""}
        key = "pages-0-page"
    else:
        Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
        Group.objects.get(name="Moderators").permissions.add(*Permission.objects.filter(codename__endswith="_site"))
        client, url, key = book.clients["moderator"], reverse("wagtailsites:add"), "root_page"
        form = {"hostname": "x.example", "port": 80, "site_name": ""}
    before = (WorkflowPage.objects.count(), Site.objects.count())
    answers = []
    for number in (notice.pk, 10**6):
        answer = client.post(url, {**form, key: number})
        answers.append((answer.status_code, answer.content.decode().count("Select a valid choice")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert answers[0][1] > 0
    assert (WorkflowPage.objects.count(), Site.objects.count()) == before


def test_what_cannot_be_published_is_said_of_no_notice(book, somebody):
    notice = book.now("notice")
    WorkflowPage.objects.create(page=notice, workflow=Workflow.objects.create(name="Odd"))
    assert notice.title not in text(somebody("change_workflow"), reverse("wagtailadmin_home"))


def test_a_refusal_names_no_hidden_file(book, moderator):
    """Of a page that shows a file which has become one of a death review since."""
    document = book.files("story")[1]
    made = {"file": book.people["moderator"].pk}
    Document.objects.filter(pk=document.pk).update(
        title="Overview of zzjane", collection=book.reviews.files, made_by=made
    )
    story = book.now("story")
    story.get_latest_revision_as_object().save_revision(user=book.people["editor"])
    answer = Screen(book, "moderator", "story").press("approve")
    said = text(moderator, answer["Location"])
    assert book.now("story").live is False
    assert "shows a file that you may not see" in said
    assert "zzjane" not in said


@pytest.mark.parametrize("view", ["disable_task", "disable"])
def test_whether_the_workflow_of_death_reviews_can_be_disabled_tells_of_no_notice(book, somebody, view):
    """It cannot, by people who may not handle them, whatever is under way."""
    workflow = Workflow.objects.get(name="Death reviews")
    steps = [workflow] if view == "disable" else list(workflow.tasks)
    client = somebody("change_task", "delete_task", "change_workflow", "delete_workflow")

    def said():
        found = []
        for each in steps:
            answer = client.post(reverse(f"wagtailadmin_workflows:{view}", args=[each.pk]), follow=True)
            found.append([str(message) for message in answer.context["messages"]])
            each.refresh_from_db()
            assert each.active is True
        return found

    at_first = said()
    assert ["people who may handle death reviews" in text for texts in at_first for text in texts] == [True] * len(
        steps
    )
    Screen(book, "moderator", "notice").press("approve")
    assert book.now("notice").current_workflow_task_state.task == list(workflow.tasks)[1]
    assert said() == at_first
    book.now("notice").current_workflow_state.cancel(user=book.people["lead"])
    assert said() == at_first


def test_a_workflow_that_is_not_that_of_death_reviews_is_disabled(book, somebody):
    workflow = Workflow.objects.create(name="Odd")
    client = somebody("delete_workflow")
    client.post(reverse("wagtailadmin_workflows:disable", args=[workflow.pk]))
    workflow.refresh_from_db()
    assert workflow.active is False


def test_a_takedown_says_the_same_of_a_hidden_file_and_of_nothing(book, moderator):
    picture = factories.image("Overview", collection=book.reviews.files)
    said = []
    for address in (book.files("notice")[0].url, f"/images/{picture.file_key}/x.png", f"/documents/{'a' * 22}/x.csv"):
        answer = moderator.post(reverse("takedowns"), {"address": address, "reason": "It names somebody."})
        said.append(answer.context["form"].errors)
    assert said == [{"address": ["There is no public page or file at this address."]}] * 3


def test_a_group_with_a_row_on_a_notice_can_still_be_renamed(book, somebody):
    group = Group.objects.create(name="Before")
    view = Permission.objects.get(codename="change_page")
    GroupPagePermission.objects.create(group=group, page=book.now("notice"), permission=view)
    client = somebody("change_group")
    url = reverse("wagtailusers_groups:edit", args=[group.pk])
    html = client.get(url).content.decode()
    index = next(number for number in range(9) if "name" in querydict_from_html(html, form_index=number))
    form = querydict_from_html(html, form_index=index)
    form["name"] = "After"
    assert client.post(url, form).status_code == 302
    group.refresh_from_db()
    assert group.name == "After"
    assert GroupPagePermission.objects.filter(group=group).count() == 1


@pytest.mark.parametrize(
    "address", ["wagtaildocs:index", "wagtaildocs_chooser:choose_results", "wagtailadmin_pages:search"]
)
def test_the_order_of_results_tells_of_nothing_hidden(book, address):
    """SQLite weighs words by how rare they are in all rows."""

    def order():
        found = text(book.clients["editor"], reverse(address), q="zzcommon zzjane")
        return found.index("zzfirst") < found.index("zzsecond")

    if "pages" in address:
        for title in ("zzsecond zzjane zzcommon zzcommon zzcommon", "zzfirst zzjane zzjane zzjane zzcommon"):
            factories.draft(models.NewsPage, book.news, title=title)
    else:
        factories.document("zzsecond zzjane zzcommon zzcommon zzcommon")
        factories.document("zzfirst zzjane zzjane zzjane zzcommon")
    call_command("update_index", verbosity=0)
    before = order()
    for number in range(4):
        factories.document(f"zzjane {number}", collection=book.reviews.files)
    call_command("update_index", verbosity=0)
    assert order() is before


def test_another_root_of_the_site_hides_no_notice(book):
    notice = public_notice(book)
    moderator = book.people["moderator"]
    moderator.is_superuser = True
    moderator.save()
    site = Site.objects.get()
    root = site.root_page_id
    url = reverse("wagtailsites:edit", args=[site.pk])
    form = {"hostname": site.hostname, "port": site.port, "site_name": "", "root_page": book.news.pk}
    answer = book.clients["moderator"].post(url, {**form, "is_default_site": "on"}, follow=True)
    assert "A public death-review notice would no longer be below the root page" in answer.content.decode()
    assert Site.objects.get().root_page_id == root
    assert notice.live is True


def test_a_copy_of_a_notice_is_noted_as_seen(book):
    notice = book.now("notice")
    form = {"new_title": "x", "new_slug": "x", "new_parent_page": book.reviews.pk}
    book.clients["other lead"].post(reverse("wagtailadmin_pages:copy", args=[notice.pk]), form)
    seen = PageLogEntry.objects.filter(page=notice.pk, action="pages.seen", user=book.people["other lead"])
    assert seen.count() == 1


def test_shared_text_is_chosen_by_its_own_keys(book):
    """Keys of pages are left out of those that the choosers of pages are sent, and of no others."""
    agencies = [factories.agency(pk=10**6 + number) for number in range(3)]
    url = reverse(models.Agency.snippet_viewset.chooser_viewset.get_url_name("chosen_multiple"))
    answer = book.clients["editor"].get(url, {"id": [each.pk for each in agencies]})
    assert {each["id"] for each in json.loads(answer.content)["result"]} == {str(each.pk) for each in agencies}


def test_what_is_wrong_with_a_meeting_names_no_document(home):
    """Its title is for those alone who may choose from the collection."""
    papers = [
        models.Paper(document=factories.document("zzrestricted"), agenda_item_number=number, title=title)
        for number, title in (("9", ""), ("9", "Figures"))
    ]
    meeting = factories.draft(models.MeetingPage, factories.page(models.MeetingIndexPage, home), papers=papers[:1])
    assert meeting.publishing_problems()["papers"] == "Paper 1 is for item 9, which is not on the agenda."
    meeting.papers = papers[1:]
    assert meeting.publishing_problems()["papers"] == "“Figures” is for item 9, which is not on the agenda."


@pytest.fixture
def account_manager(book, somebody):
    """Somebody who manages groups and accounts, and has no rights on pages or files."""
    return somebody("add_group", "change_group", "add_user", "change_user")


def test_the_screen_of_a_group_offers_and_keeps_rights_on_hidden_collections_unseen(book, account_manager):
    root = Collection.get_first_root_node()
    secret = Collection.objects.get(pk=book.reviews.files.pk).add_child(name="zzDR-7KQ2 overview")
    group = Group.objects.create(name="Reports")
    add = Permission.objects.get(codename="add_document", content_type__app_label="wagtaildocs")
    for collection in (secret, root):
        GroupCollectionPermission.objects.create(group=group, collection=collection, permission=add)
    url = reverse("wagtailusers_groups:edit", args=[group.pk])
    for address in (url, reverse("wagtailusers_groups:add")):
        html = text(account_manager, address)
        assert "zzDR-7KQ2" not in html
        assert root.name in html
    form = querydict_from_html(text(account_manager, url), form_index=0)
    form["name"] = "Renamed"
    assert account_manager.post(url, form).status_code == 302
    kept = group.collection_permissions.order_by("collection__path").values_list("collection", "permission")
    assert list(kept) == [(root.pk, add.pk), (secret.pk, add.pk)]
    assert Group.objects.get(pk=group.pk).name == "Renamed"


def test_the_log_of_rights_names_no_hidden_collection(book):
    secret = Collection.objects.get(pk=book.reviews.files.pk).add_child(name="zzDR-7KQ2 overview")
    add = Permission.objects.get(codename="add_document", content_type__app_label="wagtaildocs")
    group = Group.objects.create(name="Reports")
    GroupCollectionPermission.objects.create(group=group, collection=secret, permission=add)
    entries = ModelLogEntry.objects.filter(action="cms.powers_changed").values_list("data", flat=True)
    told = json.dumps(list(entries))
    assert f"collection {secret.pk}" in told
    assert "zzDR-7KQ2" not in told


def test_a_collection_above_a_hidden_one_is_not_counted_through(book, moderator):
    """To delete it was refused with the number of those below."""
    above = Collection.get_first_root_node().add_child(name="Above")
    Collection.objects.get(pk=book.reviews.files.pk).move(above, pos="sorted-child")
    group = Group.objects.get(name="Moderators")
    for codename in ("add_collection", "change_collection", "delete_collection"):
        right = Permission.objects.get(codename=codename)
        GroupCollectionPermission.objects.create(
            group=group, collection=Collection.get_first_root_node(), permission=right
        )
    html = text(moderator, reverse("wagtailadmin_collections:delete", args=[above.pk]))
    assert "descendant collection" not in html


@pytest.mark.parametrize("kind", ["supportservice", "legalbasis"])
def test_shared_text_of_notices_is_for_those_to_delete_who_may_know_of_them(book, moderator, kind):
    moderators = Group.objects.get(name="Moderators")
    moderators.permissions.add(Permission.objects.get(codename=f"delete_{kind}"))
    model = {"supportservice": models.SupportService, "legalbasis": models.LegalBasis}[kind]
    free = factories.support_service() if kind == "supportservice" else models.LegalBasis.objects.create(name="Act")
    url = reverse(model.snippet_viewset.get_url_name("delete"), args=[free.pk])
    bulk = f"{reverse('wagtail_bulk_action', args=['pages', kind, 'delete'])}?id={free.pk}"
    for address in (url, bulk):
        moderator.post(address)
        assert model.objects.filter(pk=free.pk).exists()
    moderators.permissions.add(Permission.objects.get(codename="handle_death_reviews"))
    moderator.post(url)
    assert not model.objects.filter(pk=free.pk).exists()


def test_somebody_takes_over_from_a_lead_whether_or_not_there_is_hidden_work(book, account_manager):
    def answers(leaver):
        url = reverse("deactivate_user", args=[leaver.pk])
        said = []
        for colleague in ("", book.people["editor"].pk):
            html = account_manager.post(url, {"colleague": colleague}).content.decode()
            said.append(html.replace(leaver.username, "leaver").count("leaver may handle death reviews. Choose"))
            leaver.refresh_from_db()
            said.append(leaver.is_active)
        return said

    idle = User.objects.create_user("idle")
    idle.groups.add(Group.objects.get(name="Safeguarding leads"))
    assert answers(idle) == answers(book.people["lead"]) == [1, True, 1, True]


def test_who_may_do_nothing_with_pages_reads_no_title_by_number(book, account_manager):
    page = factories.draft(models.NewsPage, book.news, title="zzArrest of Hobson", slug="zzhobson")
    task, state = Task.objects.first(), TaskState.objects.first()
    for address in (
        reverse("wagtailadmin_pages:workflow_preview", args=[page.pk, task.pk]),
        reverse("wagtailadmin_pages:collect_workflow_action_data", args=[page.pk, "approve", state.pk]),
        reverse("wagtailadmin_pages:workflow_action", args=[page.pk, "approve", state.pk]),
        reverse("wagtailadmin_pages:confirm_workflow_cancellation", args=[page.pk]),
        reverse("wagtailadmin_pages:move_confirm", args=[page.pk, book.news.pk]),
        reverse("wagtailadmin_pages:move", args=[page.pk]),
    ):
        assert "zzArrest" not in text(account_manager, address), address
        assert "zzhobson" not in text(account_manager, address), address


def test_who_lost_the_rights_is_told_no_more_of_what_they_wrote(book):
    """Of pages and of shared text: neither on the first screen nor by mail."""
    editor, story = book.people["editor"], book.now("story")
    agency = models.Agency.objects.create(name="zzCouncil", sector="council", live=False)
    agency.save_revision(user=editor)
    agency.get_workflow().start(agency, editor)
    Page.objects.filter(pk=story.pk).update(
        locked=True, locked_by=editor, locked_at=timezone.now(), title="zzStory", draft_title="zzStory"
    )
    home = reverse("wagtailadmin_home")
    html = text(book.clients["editor"], home)
    assert "zzCouncil" in html
    assert "zzStory" in html
    editor.groups.clear()
    odd = Group.objects.create(name="Odd")
    odd.permissions.add(Permission.objects.get(codename="access_admin"))
    editor.groups.add(odd)
    html = text(book.clients["editor"], home)
    assert "zzCouncil" not in html
    assert "zzStory" not in html
    mail.outbox.clear()
    for about in (story, agency):
        send_mail([editor], "Sent back", "Say more.", about)
    assert mail.outbox == []
