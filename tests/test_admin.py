"""Every page type and snippet through the screens that editors use: an incomplete draft, its preview, the lists."""

import hashlib

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from wagtail.test.utils.form_data import rich_text

from documents.models import Document, Image
from pages import models
from pages.models.snippets import ModeratedSnippet
from tests import factories
from tests.admin_forms import decide, posted
from tests.test_files import pdf


@pytest.fixture
def sign_in(client):
    def run(*groups):
        user = User.objects.create_user("somebody", password="x")
        user.groups.set(Group.objects.filter(name__in=groups))
        client.force_login(user)
        return client

    return run


# page type → where it goes
PLACES = {
    models.StandardPage: "home",
    models.PriorityPeriodPage: "home",
    models.PublicationIndexPage: "home",
    models.BusinessAsUsualPage: "home",
    models.PriorityPage: models.PriorityPeriodPage,
    models.NewsPage: models.NewsIndexPage,
    models.MeetingPage: models.MeetingIndexPage,
    models.CommunitySafetyPlanPage: "plans",
    models.InsightPage: "insights",
    models.AnnualReviewPage: "annual-reviews",
    models.DeathReviewNoticePage: models.DeathReviewIndexPage,
}


@pytest.mark.parametrize("model", PLACES, ids=lambda model: model.__name__)
def test_an_incomplete_draft_can_be_saved_and_previewed_but_not_submitted(tree, sign_in, model):
    group = "Safeguarding leads" if model is models.DeathReviewNoticePage else "Editors"
    client = sign_in(group)
    parent = tree[PLACES[model]]
    url = reverse("wagtailadmin_pages:add", args=["pages", model._meta.model_name, parent.pk])
    data = posted(client.get(url).content)
    if "title" in data:
        data["title"], data["slug"] = "Half-written", "half-written"
    data["body-count"] = "0"  # the script of the screen adds it
    preview = reverse("wagtailadmin_pages:preview_on_add", args=["pages", model._meta.model_name, parent.pk])
    assert client.post(preview, data).json() == {"is_valid": True, "is_available": True}
    shown = client.get(preview, {"mode": ""})
    assert shown.status_code == 200
    assert b"<h1>" in shown.content

    refused = client.post(url, {**data, "action-submit": "1"})
    assert refused.status_code == 200
    assert refused.context["form"].errors
    assert not model.objects.child_of(parent).filter(live=False).exists()

    saved = client.post(url, data)
    assert saved.status_code == 302, saved.context["form"].errors
    page = model.objects.child_of(parent).get(live=False)
    assert page.revisions.count() == 1
    if model is models.DeathReviewNoticePage:
        assert (page.title, page.slug) == (f"Death review {page.reference}", page.reference.lower())
        assert page.show_safe_exit is True
    else:
        assert page.title == "Half-written"
    edit = reverse("wagtailadmin_pages:edit", args=[page.pk])
    again = client.get(edit)
    assert again.status_code == 200
    data = posted(again.content)
    data["body-count"] = "0"
    assert client.post(edit, data).status_code == 302
    assert page.revisions.count() == 2


def test_partial_dates_go_through_the_form(tree, sign_in):
    period = tree[models.PriorityPeriodPage]
    client = sign_in("Moderators")
    edit = reverse("wagtailadmin_pages:edit", args=[period.pk])
    data = posted(client.get(edit).content)
    assert (data["starts_on"], data["ends_on"]) == ("2025", "2027")
    data["starts_on"] = "September 2025"
    assert client.post(edit, {**data, "action-submit": "1"}).status_code == 302
    draft = models.PriorityPeriodPage.objects.get(pk=period.pk).get_latest_revision_as_object()
    assert (draft.starts_on.value, draft.ends_on.value) == ("2025-09", "2027")
    data["starts_on"] = "some day"
    refused = client.post(edit, data)
    assert list(refused.context["form"].errors) == ["starts_on"]


def test_rules_about_rows_look_at_the_rows_that_were_typed(tree, sign_in):
    client = sign_in("Moderators")
    period = tree[models.PriorityPeriodPage]
    url = reverse("wagtailadmin_pages:add", args=["pages", "prioritypage", period.pk])
    data = posted(client.get(url).content)
    data |= {
        "title": "New",
        "slug": "new",
        "summary": "Summary.",
        "number": "1",
        "last_reviewed_on": "2026-02-11",
        "rationale": rich_text("<p>Because.</p>"),
    }
    no_action = client.post(url, {**data, "action-submit": "1"})
    assert "Add at least one action" in str(no_action.context["form"].errors)
    assert not models.PriorityPage.objects.exists()
    row = {"text": "Act", "horizon": "in-year", "status": "not-reported", "id": "", "ORDER": "1", "DELETE": ""}
    data |= {f"actions-0-{name}": value for name, value in row.items()} | {"actions-TOTAL_FORMS": "1"}
    made = client.post(url, {**data, "action-submit": "1"})
    assert made.status_code == 302
    priority = models.PriorityPage.objects.get()
    assert (priority.workflow_in_progress, [action.text for action in priority.actions.all()]) == (True, ["Act"])


def test_a_document_goes_through_both_steps_of_an_upload(home, sign_in):
    client = sign_in("Editors")
    first = client.post(
        reverse("wagtaildocs:add_multiple"),
        {"title": "Table", "files[]": SimpleUploadedFile("table.csv", b"a,b", "text/csv")},
        headers={"X-Requested-With": "XMLHttpRequest"},
    )
    assert first.status_code == 200, first.content
    answer = first.json()
    assert answer["success"] is True
    assert not Document.objects.exists()
    second = client.post(
        reverse("wagtaildocs:create_multiple_from_uploaded_document", args=[answer["uploaded_file_id"]]),
        {
            f"uploaded-document-{answer['uploaded_file_id']}-{name}": value
            for name, value in {"title": "Table", "kind": "dataset", "language": "en", "accessible": "yes"}.items()
        },
        headers={"X-Requested-With": "XMLHttpRequest"},
    )
    assert second.json()["success"] is True, second.content
    document = Document.objects.get()
    assert (document.kind, document.checksum) == ("dataset", hashlib.sha256(b"a,b").hexdigest())


def test_a_draft_of_a_live_page_may_be_incomplete_too(tree, sign_in):
    meeting = factories.page(models.MeetingPage, tree[models.MeetingIndexPage])
    client = sign_in("Moderators")
    edit = reverse("wagtailadmin_pages:edit", args=[meeting.pk])
    data = posted(client.get(edit).content)
    data["status"] = "cancelled"
    assert client.post(edit, data).status_code == 302
    refused = client.post(edit, {**data, "action-submit": "1"})
    assert refused.context["form"].errors["status_notice"] == [
        "Say what changed and why: the meeting is cancelled, postponed or moved."
    ]
    assert meeting.get_latest_revision_as_object().status_notice == ""
    meeting.refresh_from_db()
    assert (meeting.status, meeting.has_unpublished_changes) == ("provisional", True)


@pytest.mark.parametrize("model", ModeratedSnippet.__subclasses__(), ids=lambda model: model.__name__)
def test_an_editor_submits_a_snippet_and_a_moderator_approves_it(home, sign_in, client, model):
    sign_in("Editors")
    url = reverse(f"wagtailsnippets_pages_{model._meta.model_name}:add")
    data = posted(client.get(url).content, form_id="w-editor-form")
    for name, value in {
        "name": "Somewhere",
        "team": "A team",
        "sector": "council",
        "address": "Cambridge",
        "postcode": "CB1 1JF",
        "phone": "0800 000 000",
        "message": "Message",
        "active_until": "2030-01-01 10:00",
    }.items():
        if name in data:
            data[name] = value
    assert client.post(url, {**data, "action-submit": "1"}).status_code == 302
    assert model.objects.get().live is False
    made = model.objects.get()
    client.force_login(User.objects.create_user("moderator", password="x"))
    User.objects.get(username="moderator").groups.add(Group.objects.get(name="Moderators"))
    decide(client, made, "approve")
    assert model.objects.get().live is True


def test_only_moderators_make_topics(home, sign_in):
    client = sign_in("Editors")
    url = reverse("wagtailsnippets_pages_topic:add")
    client.post(url, {"name": "Cycling", "slug": "cycling"})
    assert not models.Topic.objects.exists()
    client.force_login(User.objects.create_user("moderator", password="x"))
    User.objects.get(username="moderator").groups.add(Group.objects.get(name="Moderators"))
    client.post(url, {"name": "Cycling", "slug": "cycling"})
    assert models.Topic.objects.get().slug == "cycling"


def test_a_pdf_is_uploaded_with_its_facts(home, sign_in):
    client = sign_in("Editors")
    url = reverse("wagtaildocs:add")
    data = {"title": "Plan", "kind": "plan", "language": "en", "accessible": "unknown"}
    upload = SimpleUploadedFile("plan.pdf", pdf(2), "application/pdf")
    refused = client.post(url, {**data, "file": upload})
    assert list(refused.context["form"].errors) == ["accessible"]
    assert not Document.objects.exists()
    upload.seek(0)
    assert client.post(url, {**data, "accessible": "yes", "file": upload}).status_code == 302
    document = Document.objects.get()
    assert (document.page_count, document.kind, len(document.checksum)) == (2, "plan", 64)


def test_a_picture_is_uploaded_with_its_alternative_text(home, sign_in):
    client = sign_in("Editors")
    url = reverse("wagtailimages:add")
    picture = factories.image()
    content = picture.file.open().read()
    picture.delete()
    data = {"title": "Square"}
    refused = client.post(url, {**data, "file": SimpleUploadedFile("a.png", content, "image/png")})
    assert list(refused.context["form"].errors) == ["description"]
    assert not Image.objects.exists()
    data["description"] = "The market square"
    assert client.post(url, {**data, "file": SimpleUploadedFile("a.png", content, "image/png")}).status_code == 302
    image = Image.objects.get()
    assert image.alt == "The market square"
    assert client.get(reverse("wagtailimages:index")).status_code == 200
    assert client.get(reverse("wagtailimages:edit", args=[image.pk])).status_code == 200


def test_lists_show_dates_statuses_and_numbers(tree, sign_in):
    factories.page(models.MeetingPage, tree[models.MeetingIndexPage], status="confirmed")
    factories.page(models.PriorityPage, tree[models.PriorityPeriodPage], number=7, title="Seventh")
    client = sign_in("Editors")
    meetings = client.get("/admin/meetings/").content.decode()
    assert "Tue 24 Feb 2026, 10:00" in meetings
    assert "Confirmed" in meetings
    for order in ("starts_at", "-starts_at"):
        assert client.get("/admin/meetings/", {"ordering": order}).status_code == 200
    priorities = client.get("/admin/priorities/").content.decode()
    assert "7. Seventh" in priorities
    for order in ("number", "-number"):
        assert client.get("/admin/priorities/", {"ordering": order}).status_code == 200
