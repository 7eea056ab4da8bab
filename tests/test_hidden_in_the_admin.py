"""Who does not handle death reviews finds no trace of them in the admin: no word of a notice or of its files, and no
count that they are part of. Every address, bulk action and query parameter is asked (tests/admin_crawl.py)."""

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.log_actions import log
from wagtail.models import Collection, ModelLogEntry, Page, ReferenceIndex, Task, Workflow, WorkflowState

from documents.models import Document, Image
from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.models import NoticeSupportService, Recommendation, ReviewDocument
from tests import factories
from tests.admin_crawl import addresses, answer, answers, bulk_actions, questions
from tests.read_by_answers import Noted

pytestmark = pytest.mark.django_db
HIDDEN = 12  # more than Wagtail deletes without asking twice
# In every text of a notice and its files; what lists are asked for is in their titles beside it.
MARK = "zzhidden"
ASKED_FOR = "overview"


class Site:
    """What editors work with, all of which the hidden notices refer to."""

    def __init__(self, home) -> None:
        self.home = home
        self.index = factories.page(models.DeathReviewIndexPage, home)
        set_up_death_reviews(self.index)
        self.index.refresh_from_db()
        self.news = factories.page(models.NewsPage, factories.page(models.NewsIndexPage, home))
        self.service, self.agency = factories.support_service(), factories.agency()
        self.document, self.image = factories.document(), factories.image()
        self.moved_out = factories.document("Guidance")
        self.redirect = Redirect.objects.create(old_path="/shown", redirect_page=self.news)
        ModelLogEntry.objects.for_instance(self.redirect).delete()  # it is left out once the redirect has been hidden
        self.lead = self.person("Safeguarding leads")
        self.editor, self.moderator = self.person("Editors"), self.person("Moderators")

    @staticmethod
    def person(group: str) -> User:
        user = User.objects.create_user(f"one of the {group.lower()}", email="somebody@example.org")
        user.groups.add(Group.objects.get(name=group))
        return user

    def moderator_without_the_right(self) -> User:
        """A moderator may do more than an editor: redirects, reports, the log of all documents."""
        Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
        return User.objects.get(pk=self.moderator.pk)

    def hide(self, number: int, locked_by: User | None = None) -> None:
        """Drafts of notices, waiting for their approval, and files in the collection of death reviews.

        `locked_by` locked the notices, while they could be found by that person.
        """
        for each in range(number):
            told = f"{MARK} {ASKED_FOR} {each}"
            self.hidden_document = factories.document(told, name=f"{MARK}-{each}.csv", collection=self.index.files)
            self.hidden_image = factories.image(told, told, collection=self.index.files)
            self.hidden_document.tags.add(f"secretive {MARK}")
            self.notice = factories.draft(
                models.DeathReviewNoticePage,
                self.index,
                pseudonym=MARK,
                owner=self.lead,
                summary=told,
                decision_reasons=told,
                executive_summary=f'<p>{told} <a linktype="page" id="{self.news.pk}">it</a></p>',
                notice_support_services=[NoticeSupportService(service=self.service)],
                recommendations=[Recommendation(number="1", text=told, level="local", owner_agency=self.agency)],
                legal_basis=None,
                review_documents=[
                    ReviewDocument(kind="overview-report", state="published", document=self.hidden_document)
                ],
            )
            self.notice.save_revision(user=self.lead, log_action=True)
            self.notice.get_workflow().start(self.notice, self.lead)
            for thing in (self.notice, self.hidden_document, self.hidden_image):
                ReferenceIndex.create_or_update_for_object(thing)
            self.hidden_redirect = Redirect.objects.create(old_path=f"/{MARK}-{each}", redirect_page=self.notice)
            self._was_hidden(told)
        locked = {"locked": True, "locked_by": locked_by or self.lead, "locked_at": timezone.now()}
        Page.objects.filter(pk__in=models.DeathReviewNoticePage.objects.values("pk")).update(**locked)

    def _was_hidden(self, told: str) -> None:
        """What had a secret name while it belonged to a notice, and is for everybody now."""
        files, redirects = Document.objects.filter(pk=self.moved_out.pk), Redirect.objects.filter(pk=self.redirect.pk)
        files.update(title=told, collection=self.index.files)
        log(files.get(), "wagtail.edit", user=self.lead)
        files.update(title=self.moved_out.title, collection=self.moved_out.collection)
        redirects.update(old_path=f"/{MARK}", redirect_page=self.notice)
        redirects.update(old_path=self.redirect.old_path, redirect_page=self.news)

    def seen_keys(self) -> dict:
        return {
            "page": [self.home.pk, self.news.pk, self.index.pk],
            "parent": [self.home.pk],
            "revision": [self.news.latest_revision_id],
            "task": list(Task.objects.order_by("pk").values_list("pk", flat=True)),
            "workflow": list(Workflow.objects.order_by("pk").values_list("pk", flat=True)),
            "image": [self.image.pk],
            "document": [self.document.pk],
            "collection": [Collection.get_first_root_node().pk, self.index.files_id],
            "user": [self.lead.pk],
            "snippet": [self.service.pk, self.agency.pk],
            "redirect": [self.redirect.pk],
        }

    def hidden_keys(self) -> dict:
        state = WorkflowState.objects.latest("pk")
        return {
            "page": [self.notice.pk],
            "parent": [self.index.pk],
            "revision": [self.notice.latest_revision_id],
            "task": [state.current_task_state.task_id],
            "task_state": [state.current_task_state_id],
            "state": [state.pk],
            "workflow": [state.workflow_id],
            "image": [self.hidden_image.pk],
            "document": [self.hidden_document.pk],
            "collection": [self.index.files_id],
            "redirect": [self.hidden_redirect.pk],
        }

    def values(self) -> dict:
        """What parameters are asked with."""
        return {
            "id": ["all", self.notice.pk, self.hidden_document.pk, self.hidden_image.pk],
            "childOf": [self.index.pk, self.home.pk, self.index.files_id],
            "child_of": [self.index.pk],
            "descendant_of": [self.home.pk],
            "q": [ASKED_FOR],
            "search": [ASKED_FOR],
            "query": [ASKED_FOR],
            "term": ["secretive"],
            "tag": ["secretive"],
            "user": [self.lead.pk],
            "owner": [self.lead.pk],
            "edited_by": [self.lead.pk],
            "requested_by": [self.lead.pk],
            "locked_by": [self.lead.pk],
            "collection_id": [self.index.files_id],
            "content_type": [ContentType.objects.get_for_model(models.DeathReviewNoticePage).pk],
            "object_type": [ContentType.objects.get_for_model(models.DeathReviewNoticePage).pk],
            "export": ["csv"],
            "ordering": ["-usage_count", "latest_revision_created_at"],
            "layout": ["list"],
            "page_type": ["wagtailcore.page", "pages.deathreviewnoticepage"],
            "next": ["/admin/"],
            "target_pages[]": [self.notice.pk],
            "fields": ["*"],
        }

    def marks(self) -> set[str]:
        notices = models.DeathReviewNoticePage.objects.all()
        files = [
            *Document.objects.filter(collection=self.index.files_id),
            *Image.objects.filter(collection=self.index.files_id),
        ]
        return {
            MARK,
            *(mark for notice in notices for mark in (notice.reference.lower(), str(notice.uuid))),
            *(mark.lower() for file in files for mark in (file.file_key, file.checksum)),
        }


@pytest.fixture
def site(home):
    with time_machine.travel("2026-03-02T10:00Z", tick=False):
        yield Site(home)


def sign_in(client, person):
    """The first request of a session writes it; the answers to the others write only what their view does."""
    client.force_login(person)
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("who", ["editor", "moderator without the right"])
def test_no_answer_of_the_admin_names_or_counts_what_somebody_may_not_find(site, client, who):
    """Everything is asked with the hidden things there, and, where there is an answer that may differ, without them.

    The person who asks locked the notices earlier, as a lead.
    """
    person, noted = site.editor if who == "editor" else site.moderator_without_the_right(), Noted()
    sign_in(client, person)
    with transaction.atomic():
        site.hide(HIDDEN, locked_by=person)
        marks = site.marks()
        with_them = answers(client, questions(site.seen_keys(), site.values(), site.notice.pk, noted), noted)
        noted.keep_rows()
        of_them = answers(client, addresses(site.hidden_keys()))
        transaction.set_rollback(True)
    again = noted.may_differ_now()
    without = answers(client, [asked for asked, (status, _) in with_them.items() if status != 404 and asked in again])
    assert len(without) > 100
    told = {**of_them, **with_them}
    assert {asked for asked, (_, text) in told.items() if any(mark in text.lower() for mark in marks)} == set()
    assert {asked for asked, answer in without.items() if answer != with_them[asked]} == set()


def test_these_answers_tell_a_moderator_so_the_test_above_would_notice(site, client):
    sign_in(client, site.moderator)
    asked = [
        ("get", "admin/bulk/wagtailcore/page/delete/?id=all"),
        ("get", f"admin/bulk/wagtailcore/page/delete/?id=all&childOf={site.index.pk}"),
        ("get", "admin/bulk/documents/document/add_tags/?id=all"),
        ("get", f"admin/pages/{site.home.pk}/copy/"),
        ("get", f"admin/snippets/pages/supportservice/usage/{site.service.pk}/"),
    ]
    noted = Noted()
    with transaction.atomic():
        site.hide(2)
        marks = site.marks()
        with_them = answers(client, asked, noted)
        noted.keep_rows()
        transaction.set_rollback(True)
    assert noted.may_differ_now() == set(asked)
    without = answers(client, asked)
    counted = {asked for asked, answer in without.items() if answer != with_them[asked]}
    named = {asked for asked, (_, text) in with_them.items() if any(mark in text.lower() for mark in marks)}
    assert counted == set(asked)
    assert named == set(asked) - {asked[3]}


def test_every_bulk_action_answers_the_key_of_a_hidden_thing_as_the_key_of_nothing(site, client):
    site.hide(1)
    sign_in(client, site.editor)
    keys = {"page": site.notice.pk, "document": site.hidden_document.pk, "image": site.hidden_image.pk}

    def status(action, query):
        return answer(client, "get", f"{action}?{query}")[0]

    wrong = []
    for action in bulk_actions():
        model = action.split("/")[3]
        for key in [keys[model], 10**9] if model in keys else []:
            wrong += [
                (action, query) for query in (f"id={key}", f"id=all&childOf={key}") if status(action, query) != 404
            ]
        for query in ("id=x", f"id={'9' * 5000}", "id=all&childOf=x"):
            if status(action, query) not in (302, 403, 404):
                wrong.append((action, query[:20]))
    assert wrong == []
    assert {action.split("/")[3] for action in bulk_actions()} >= keys.keys()


def test_a_page_above_death_reviews_is_copied_by_those_who_may_handle_them(site):
    assert site.home.permissions_for_user(site.moderator).can_copy() is True
    assert site.home.permissions_for_user(site.editor).can_copy() is False
    assert site.news.permissions_for_user(site.editor).can_copy() is True
