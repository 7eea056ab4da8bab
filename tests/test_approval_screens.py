"""An approval answers the question that was on the screen: whatever changed since refuses it, and nothing is saved."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from PIL import Image as Picture
from wagtail.models import Page, Revision, TaskState, WorkflowState

from documents.models import Document, Image
from pages import models
from pages.models import ContentPage, PublicChange
from pages.models.approvals import Approval, NotApproved
from pages.models.snippets import ModeratedSnippet
from tests import factories
from tests.admin_forms import posted, posted_document

EDIT = "wagtailadmin_pages:edit"
APPROVE = {"action-workflow-action": "true", "workflow-action-name": "approve"}
REJECT = {**APPROVE, "workflow-action-name": "reject", "workflow-action-extra-data": '{"comment": "Say more."}'}
AS_SCRIPT = {"accept": "application/json"}


@pytest.fixture
def person(home):
    def make(name, *groups):
        user = User.objects.create_user(name, email=f"{name}@example.org", password="x")
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return make


@pytest.fixture
def people(person):
    return {
        "editor": person("editor", "Editors"),
        "moderator": person("moderator", "Moderators"),
        "colleague": person("colleague", "Moderators"),
    }


class Screen:
    """An edit screen as somebody opened it, to be sent whenever they like."""

    def __init__(self, client, user, thing):
        self.client, self.user = client, user
        self.page = isinstance(thing, Page)
        self.url = reverse(EDIT, args=[thing.pk]) if self.page else edit_url(thing)
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
    return strip_tags(str(message).split('<span class="buttons">')[0]).strip()


def edit_url(snippet):
    return reverse(snippet.snippet_viewset.get_url_name("edit"), args=[snippet.pk])


@pytest.fixture
def submitted(home, people, client):
    """Something that the editor wrote and sent in: a page with a document, or a snippet."""

    def make(kind="page"):
        if kind == "page":
            document = factories.document(title="Report")
            thing = factories.draft(
                models.InsightPage, home, slug="advice", title="Advice", page_documents=[row(document)]
            )
        else:
            thing = factories.agency(name="Advice", live=False)
        thing.save_revision(user=people["editor"])
        thing.get_workflow().start(thing, people["editor"])
        return thing

    return make


def row(document):
    return models.PageDocument(document=document)


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

# --- A save by a stale object ---

MODERATED = [*(model for model in ContentPage.__subclasses__() if model._meta.concrete_model is model)]


@KINDS
def test_a_stale_save_takes_nothing_away(submitted, people, client, kind):
    thing = submitted(kind)
    stale = now(thing)
    assert stale.live is False
    assert Screen(client, people["moderator"], thing).send(**APPROVE) == ["It is approved, and readers see it now."]
    published = now(thing)
    assert published.live is True
    stale.save()
    again = now(thing)
    for name in ("live", "live_revision_id", "first_published_at", "last_published_at"):
        assert getattr(again, name) == getattr(published, name), name
    if kind == "page":
        assert list(PublicChange.objects.filter(record=thing.uuid).values_list("kind", flat=True)) == ["published"]


# --- Autosave ---


@KINDS
def test_the_autosave_that_follows_an_approval_saves_nothing(submitted, people, client, kind):
    """The browser sends it with the inputs of the approval in it."""
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    screen.send(**APPROVE)
    before = everything(thing)
    name = "title" if kind == "page" else "name"
    for sent in (APPROVE, {}, {name: "Another text"}):
        answer = screen.autosave(**sent)
        assert (answer.status_code, answer.json()["success"]) == (400, False)
        assert everything(thing) == before
    assert (now(thing).live, now(thing).has_unpublished_changes) == (True, False)


@KINDS
def test_an_autosave_without_a_change_makes_no_version(submitted, people, client, kind):
    thing = submitted(kind)
    screen = Screen(client, people["moderator"], thing)
    before = everything(thing)
    answer = screen.autosave().json()
    assert (answer["success"], answer["revision_id"]) == (True, None)
    assert everything(thing) == before
