"""Who does not handle death reviews finds no trace of a notice in the admin: every address of it is asked."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver
from wagtail.log_actions import log
from wagtail.models import Collection, GroupCollectionPermission, ReferenceIndex, UploadedFile, WorkflowState

from documents.models import CHANGE_PUBLIC_FILES, Document
from pages import models
from pages.approval.refusals import STILL_USED
from pages.approval.workflow import set_up_death_reviews
from tests import factories

pytestmark = pytest.mark.django_db
# Signing in and out, and Wagtail's own error on purpose.
LEFT_OUT = re.compile(r"logout|login|password_reset|failwhale")


@pytest.fixture
def notice(home, recorded_notice):
    """A draft that waits for approval, and points at a support service."""
    return recorded_notice.again()


@pytest.fixture(scope="module")
def recorded_notice(record):
    return record(waiting_notice)


def waiting_notice():
    index = factories.page(models.DeathReviewIndexPage, models.PartnershipPage.objects.get())
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    notice.save_revision(user=User.objects.create_user("lead"), log_action=True)
    notice.get_workflow().start(notice, User.objects.get(username="lead"))
    ReferenceIndex.create_or_update_for_object(notice)
    return notice


@pytest.fixture(scope="module")
def recorded_others(record, recorded_notice):
    return record(others, upon=recorded_notice)


def others():
    """Files beside the notice, and a page and a venue that anybody may see."""
    files = models.DeathReviewIndexPage.objects.get().files
    return {
        "document": factories.document(collection=files),
        "image": factories.image(collection=files),
        "own": factories.draft(models.StandardPage, models.PartnershipPage.objects.get(), slug="own"),
        "venue": factories.venue(),
    }


def addresses(patterns, route=""):
    for each in patterns:
        here = route + str(each.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, here)
        elif isinstance(each, URLPattern):
            yield here


def filled_in(route, notice):
    """The address, with the keys of the notice and of what stands around it."""
    state = WorkflowState.objects.get()
    keys = {
        notice.pk,
        notice.get_parent().pk,
        notice.get_parent().get_parent().pk,
        notice.latest_revision_id,
        state.pk,
        state.current_task_state.pk,
        state.workflow_id,
        *notice.notice_support_services.values_list("service_id", flat=True),
    }
    words = {
        "app_label": "pages",
        "model_name": "deathreviewnoticepage",
        "content_type_app_name": "pages",
        "content_type_model_name": "deathreviewnoticepage",
        "action": "move",
        "action_type": "delete",
        "slug": "x",
    }
    if not re.search(r"[<(]", route):
        return {route}
    found = set()
    for key in keys:
        address = re.sub(
            r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>[^()]*\)|\([^()?]*\)",
            lambda part, key=key: words.get(part[2] or part[3] or "", str(key)),
            route,
        )
        if not re.search(r"[<(\[\\]", address):
            found.add(address)
    return found


def told(client, notice, routes):
    """Those of the addresses of the admin that tell the reference of the notice to the person who is signed in."""
    telling = set()
    for route in routes:
        for address in filled_in(route, notice):
            for query in ("", f"?id={notice.pk}&q=death+review"):
                response = client.get(f"/{address}{query}", headers={"X-Requested-With": "XMLHttpRequest"})
                if not response.streaming and notice.reference in response.content.decode(errors="replace"):
                    telling.add(route)
    return telling


def sign_in(client, group):
    user = User.objects.create_user(group)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


def test_no_address_of_the_admin_tells_an_editor_of_a_draft_notice(notice, client):
    routes = {each for each in addresses(get_resolver().url_patterns) if each.startswith("admin/")}
    sign_in(client, "Editors")
    assert told(client, notice, sorted(each for each in routes if not LEFT_OUT.search(each))) == set()


def test_these_addresses_tell_a_moderator_so_the_test_above_would_notice(notice, client):
    telling = {
        "admin/api/main/pages/",
        "admin/choose-page/<int:parent_page_id>/",
        "admin/choose-page/chosen-multiple/",
        "admin/pages/<int:page_id>/edit/",
        "admin/pages/<int:page_to_move_id>/move/<int:destination_id>/confirm/",
        "admin/pages/<int:parent_page_id>/",
        "admin/pages/search/",
        "admin/reports/page-types-usage/",
        "admin/reports/site-history/",
        "admin/reports/workflow/",
        "admin/reports/workflow_tasks/",
        "admin/snippets/pages/supportservice/usage/<int:pk>/",
    }
    sign_in(client, "Moderators")
    assert told(client, notice, sorted(telling)) == telling


def test_an_editor_chooses_the_page_about_death_reviews_and_no_notice(notice, client):
    index, home = notice.get_parent(), notice.get_parent().get_parent()
    sign_in(client, "Editors")
    assert str(index) in client.get(f"/admin/choose-page/{home.pk}/").json()["html"]
    assert client.get(f"/admin/choose-page/{index.pk}/").status_code == 200
    assert client.get(f"/admin/choose-page/{notice.pk}/").status_code == 404


def test_keys_of_nothing_hide_no_key_of_a_notice(notice, client):
    sign_in(client, "Editors")
    nothing = notice.pk + 1000
    told = [
        client.get(f"/admin/choose-page/chosen-multiple/?id={'9' * 5000}&id=x&id={key}") for key in (notice.pk, nothing)
    ]
    assert [(each.status_code, each.content) for each in told] == [(200, told[1].content)] * 2


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("page", "/admin/pages/{}/edit/"),
        ("page", "/admin/pages/{}/revisions/"),
        ("page", "/admin/pages/{}/reviewed/"),
        ("page", "/admin/pages/{}/revisions/compare/earliest...latest/"),
        ("page", "/admin/choose-page/{}/"),
        ("document", "/admin/documents/edit/{}/"),
        ("document", "/admin/documents/usage/{}/"),
        ("document", "/admin/documents/chooser/chosen/{}/"),
        ("image", "/admin/images/{}/"),
        ("image", "/admin/images/{}/preview/original/"),
        ("image", "/admin/images/chooser/{}/select_format/"),
        ("collection", "/admin/collections/{}/delete/"),
    ],
)
def test_the_address_of_something_hidden_answers_as_one_of_nothing(notice, recorded_others, client, kind, address):
    collection, files = models.DeathReviewIndexPage.objects.get().files, recorded_others.again()
    keys = {
        "page": notice.pk,
        "document": files["document"].pk,
        "image": files["image"].pk,
        "collection": collection.pk,
    }
    group = Group.objects.get(name="Editors")
    for action in ("change", "delete"):  # of collections, with what is in them
        permission = Permission.objects.get(content_type__model="collection", codename=f"{action}_collection")
        root = collection.get_parent()
        GroupCollectionPermission.objects.create(group=group, collection=root, permission=permission)
    sign_in(client, "Editors")
    hidden, nothing = (client.get(address.format(key)) for key in (keys[kind], keys[kind] + 1000))
    for answer, key in ((hidden, keys[kind]), (nothing, keys[kind] + 1000)):
        answer.headers.pop("Expires", None)  # a second later
        if "Location" in answer.headers:  # to another address that names the same key
            answer.headers["Location"] = answer.headers["Location"].replace(str(key), "KEY")
    assert (hidden.status_code, hidden.headers) == (nothing.status_code, nothing.headers)
    assert _without_tokens(hidden.content) == _without_tokens(nothing.content)


# What is sent with a key in it, in an address or beside it: {page}, {document}, {image} and {task} stand for the key.
ASKED = {
    "copy": ("post", "pages/{own}/copy/", {"new_title": "x", "new_slug": "zz", "new_parent_page": "{page}"}),
    "move": ("post", "pages/{own}/move/", {"new_parent_page": "{page}"}),
    "move many": ("post", "bulk/wagtailcore/page/move/?id={own}", {"chooser": "{page}"}),
    "new": ("post", "pages/create/pages/newspage", {"parent_page": "{page}"}),
    "new meeting": ("post", "meetings/choose_parent/", {"parent_page": "{page}"}),
    "new priority": ("post", "priorities/choose_parent/", {"parent_page": "{page}"}),
    "who is here": ("post", "editing-sessions/ping/pages/contentpage/{page}/1/", {}),
    "who is here, as another model": ("post", "editing-sessions/ping/wagtailcore/page/{page}/1/", {}),
    "who is at a file": ("post", "editing-sessions/ping/documents/document/{document}/1/", {}),
    "step": ("get", "pages/workflow/action/{own}/approve/{task}/", {}),
    "step taken": ("post", "pages/workflow/action/{own}/approve/{task}/", {}),
    "data of a step": ("get", "pages/workflow/collect_action_data/{own}/reject/{task}/", {}),
    "step of a venue": ("post", "snippets/pages/venue/workflow/action/{venue}/approve/{task}/", {}),
    "chooser while moving": ("get", "choose-page/?user_perms=move_to&target_pages[]={page}", {}),
    "chosen document": ("get", "documents/chooser/chosen/%20{document}/", {}),
    "chosen document, signed": ("get", "documents/chooser/chosen/+{document}/", {}),
    "chosen image": ("get", "images/chooser/chosen/%20{image}/", {}),
    "workflow": ("post", "workflows/remove/{page}/", {}),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_sent_about_something_hidden_is_answered_as_about_nothing(notice, recorded_others, client, asked):
    others = recorded_others.again()
    own = others["own"]
    seen = {"own": own.pk, "venue": others["venue"].pk}
    hidden = {
        "page": notice.pk,
        "document": others["document"].pk,
        "image": others["image"].pk,
        "task": notice.current_workflow_task_state.pk,
    }
    sign_in(client, "Editors")
    models.ContentPage.objects.filter(pk=own.pk).update(owner=User.objects.get(username="Editors"))
    method, address, data = ASKED[asked]
    told = []
    for keys in (hidden, dict.fromkeys(hidden, 987654321)):
        sent = {name: value.format(**keys, **seen) for name, value in data.items()}
        answer = getattr(client, method)(f"/admin/{address.format(**keys, **seen)}", sent)
        text = answer.content.decode() + answer.headers.get("Location", "")
        # The key may be in it, and is part of other numbers, too.
        told.append((answer.status_code, re.sub(rb"\d+", b"0", _without_tokens(text.encode()))))
    pairs = enumerate(zip(told[0][1], told[1][1], strict=False))
    first = next((number for number, (one, other) in pairs if one != other), 0)
    assert told[0] == told[1], [text[max(first - 80, 0) : first + 80] for _, text in told]
    assert told[0][0] < 500
    assert notice.reference not in told[0][1].decode()


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("post", "pages/{}/copy/", 200),
        ("get", "documents/chooser/chosen/abc/", 404),
        ("get", "images/chooser/chosen/1.0/", 404),
        ("get", "choose-page/?user_perms=move_to&target_pages[]=abc", 200),
    ],
)
def test_a_missing_key_and_words_for_a_key_are_no_fault_of_the_server(notice, client, method, address, status):
    sign_in(client, "Editors")
    own = factories.draft(models.StandardPage, notice.get_parent().get_parent(), slug="own")
    assert getattr(client, method)(f"/admin/{address.format(own.pk)}").status_code == status


def test_a_number_of_an_upload_is_no_key_of_a_file(notice, client):
    """The upload of many files numbers them for itself."""
    hidden = factories.document(collection=models.DeathReviewIndexPage.objects.get().files)
    sign_in(client, "Editors")
    upload = UploadedFile.objects.create(
        pk=hidden.pk,
        for_content_type=ContentType.objects.get_for_model(Document),
        file=SimpleUploadedFile("a.csv", b"a,b"),
        uploaded_by_user=User.objects.get(username="Editors"),
    )
    answer = client.post(
        f"/admin/documents/multiple/delete_upload/{upload.pk}/", headers={"x-requested-with": "XMLHttpRequest"}
    )
    assert (answer.status_code, UploadedFile.objects.count()) == (200, 0)


def test_a_document_that_a_hidden_draft_uses_is_not_deleted_and_nobody_is_told_why(notice, client):
    document = factories.document()
    notice.review_documents.all().delete()
    models.ReviewDocument.objects.create(page=notice, kind="overview-report", state="published", document=document)
    document.refresh_from_db()
    Document.objects.filter(pk=document.pk).update(collection=Collection.get_first_root_node())
    Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    sign_in(client, "Moderators")
    answer = client.post(f"/admin/documents/delete/{document.pk}/", follow=True)
    assert (answer.status_code, Document.objects.filter(pk=document.pk).exists()) == (200, True)
    assert STILL_USED in answer.content.decode()
    assert notice.reference not in answer.content.decode()


def test_the_history_of_the_site_tells_of_no_hidden_file(notice, client):
    """Not to a person with rights to documents either, and also of those that were deleted."""
    files = models.DeathReviewIndexPage.objects.get().files
    for title in ("zzthere", "zzgone"):
        log(factories.document(title, collection=files), "wagtail.edit")
    seen = factories.document("zzseen")
    log(seen, "wagtail.edit")
    Document.objects.get(title="zzgone").delete()
    group = Group.objects.get(name="Editors")
    group.permissions.add(Permission.objects.get(codename=CHANGE_PUBLIC_FILES.split(".")[1]))
    sign_in(client, "Editors")
    told = client.get("/admin/reports/site-history/").content.decode()
    assert [mark in told for mark in ("zzthere", "zzgone", "zzseen")] == [False, False, True]


def test_mail_about_a_notice_goes_to_those_alone_who_handle_death_reviews(notice):
    group = Group.objects.get(name="Moderators")
    one, other = (User.objects.create_user(name, f"{name}@example.org") for name in ("one", "other"))
    one.groups.add(group)
    other.groups.add(group, Group.objects.get(name="Safeguarding leads"))
    group.permissions.remove(Permission.objects.get(codename="handle_death_reviews"))
    notice.current_workflow_state.cancel()
    mail.outbox.clear()
    notice.get_workflow().start(notice, User.objects.get(username="lead"))
    assert {address for message in mail.outbox for address in message.to} == {"other@example.org"}


@pytest.mark.parametrize("address", ["documents/", "documents/chooser/", "images/", "images/chooser/results/"])
def test_an_editor_searches_files(notice, client, address):
    factories.document(title="Findable report", collection=models.DeathReviewIndexPage.objects.get().files)
    sign_in(client, "Editors")
    answer = client.get(f"/admin/{address}?q=Findable")
    assert (answer.status_code, "Findable report" in answer.content.decode()) == (200, False)


def _without_tokens(html):
    """Without those against forged requests, which are other ones each time."""
    return re.sub(rb"\b[A-Za-z0-9]{64}\b", b"", html)


def test_a_page_with_the_same_content_as_a_document_is_chosen_and_not_listed(notice, client):
    sign_in(client, "Editors")
    form = client.get("/admin/documents/add/").content.decode()
    assert 'name="html_equivalent"' in form
    assert "<option" not in form.split('name="html_equivalent"')[1].split("</section>")[0]
    assert "html_equivalent" not in client.get("/admin/documents/chooser/").json()["html"]
