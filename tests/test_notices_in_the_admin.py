"""Who does not handle death reviews finds no trace of a notice in the admin: every address of it is asked."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import URLPattern, URLResolver, get_resolver
from wagtail.models import GroupCollectionPermission, ReferenceIndex, WorkflowState

from pages import models
from pages.workflow import set_up_death_reviews
from tests import factories

pytestmark = pytest.mark.django_db
# Signing in and out, and Wagtail's own error on purpose.
LEFT_OUT = re.compile(r"logout|login|password_reset|failwhale")


@pytest.fixture
def notice(home):
    """A draft that waits for approval, and points at a support service."""
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    notice.save_revision(user=User.objects.create_user("lead"), log_action=True)
    notice.get_workflow().start(notice, User.objects.get(username="lead"))
    ReferenceIndex.create_or_update_for_object(notice)
    return notice


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
def test_the_address_of_something_hidden_answers_as_one_of_nothing(notice, client, kind, address):
    collection = models.DeathReviewIndexPage.objects.get().files
    keys = {
        "page": notice.pk,
        "document": factories.document(collection=collection).pk,
        "image": factories.image(collection=collection).pk,
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


@pytest.mark.parametrize("address", ["documents/", "documents/chooser/", "images/", "images/chooser/results/"])
def test_an_editor_searches_files(notice, client, address):
    factories.document(title="Findable report", collection=models.DeathReviewIndexPage.objects.get().files)
    sign_in(client, "Editors")
    answer = client.get(f"/admin/{address}?q=Findable")
    assert (answer.status_code, "Findable report" in answer.content.decode()) == (200, False)


def _without_tokens(html):
    return re.sub(rb'(csrfmiddlewaretoken" value|csrfToken"|data-csrf)[^,>]*', b"", html)


def test_a_page_with_the_same_content_as_a_document_is_chosen_and_not_listed(notice, client):
    sign_in(client, "Editors")
    form = client.get("/admin/documents/add/").content.decode()
    assert 'name="html_equivalent"' in form
    assert "<option" not in form.split('name="html_equivalent"')[1].split("</section>")[0]
    assert "html_equivalent" not in client.get("/admin/documents/chooser/").json()["html"]
