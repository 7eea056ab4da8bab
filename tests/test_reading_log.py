"""The log says who looked at a death-review notice in the admin, once for each person, thing and day."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.urls import reverse
from wagtail.models import PageLogEntry

from pages import models
from pages.approval.workflow import set_up_death_reviews
from tests import factories


@pytest.fixture
def index(home):
    found = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(found)
    return found


@pytest.fixture
def notice(index):
    found = factories.draft(models.DeathReviewNoticePage, index)
    found.save_revision()
    found.save_revision()
    return found


@pytest.fixture
def lead(home, client):
    user = User.objects.create_user("lead", password="x")
    user.groups.add(Group.objects.get(name="Safeguarding leads"))
    client.force_login(user)
    return user


def seen():
    entries = PageLogEntry.objects.filter(action="pages.seen").order_by("pk")
    return [(entry.user.username, entry.page_id, entry.message) for entry in entries]


def screens(notice):
    first, last = notice.revisions.order_by("pk")
    page = notice.pk
    return {
        "edit": ("edit", [page]),
        "view_draft": ("view_draft", [page]),
        "preview": ("preview_on_edit", [page]),
        "history": ("history", [page]),
        "history_results": ("history_results", [page]),
        "workflow_history": ("workflow_history", [page]),
        "version": ("revisions_view", [page, first.pk]),
        "revert": ("revisions_revert", [page, first.pk]),
        "compare": ("revisions_compare", [page, first.pk, last.pk]),
        "usage": ("usage", [page]),
    }


NAMES = [
    "edit", "view_draft", "preview", "history", "history_results", "workflow_history", "version", "revert", "compare",
    "usage",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_screen_of_a_notice_is_noted(client, lead, notice, name):
    view, args = screens(notice)[name]
    answer = client.get(reverse(f"wagtailadmin_pages:{view}", args=args))
    assert answer.status_code == 200
    assert seen() == [("lead", notice.pk, "Viewed the notice")]


def test_the_names_above_are_all_of_them(notice):
    assert list(screens(notice)) == NAMES


def test_once_a_day_for_each_person(client, lead, notice):
    other = User.objects.create_superuser("root")
    edit = reverse("wagtailadmin_pages:edit", args=[notice.pk])
    with time_machine.travel(factories.london(2026, 7, 11, 23, 30), tick=False) as clock:
        client.force_login(lead)
        for name in ("edit", "view_draft", "history"):
            client.get(reverse(f"wagtailadmin_pages:{name}", args=[notice.pk]))
        assert len(seen()) == 1
        client.force_login(other)
        client.get(edit)
        client.get(edit)
        assert [name for name, *_ in seen()] == ["lead", "root"]
        clock.shift(timedelta(minutes=31))  # midnight in London, not in UTC
        client.get(edit)
        assert [name for name, *_ in seen()] == ["lead", "root", "root"]


def test_the_history_of_the_page_shows_it(client, lead, notice):
    client.get(reverse("wagtailadmin_pages:edit", args=[notice.pk]))
    shown = client.get(reverse("wagtailadmin_pages:history", args=[notice.pk])).content.decode()
    assert "Viewed the notice" in shown
    assert "View a restricted notice" in shown  # the filter


def test_other_pages_and_those_who_are_refused_are_not_noted(client, lead, notice, index, home):
    page = factories.page(models.StandardPage, home)
    editor = User.objects.create_user("editor", password="x")
    editor.groups.add(Group.objects.get(name="Editors"))
    client.get(reverse("wagtailadmin_pages:edit", args=[index.pk]))
    client.force_login(editor)
    assert client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200
    assert client.get(reverse("wagtailadmin_pages:edit", args=[notice.pk])).status_code == 404
    client.logout()
    assert client.get(reverse("wagtailadmin_pages:edit", args=[notice.pk])).status_code == 302
    assert seen() == []


def with_document(notice, document):
    """A version of the notice that has the document, which the stored page does not have."""
    version = notice.get_latest_revision_as_object()
    version.review_documents = [models.ReviewDocument(kind="overview-report", state="published", document=document)]
    version.save_revision()


def test_a_file_of_a_draft_is_noted_by_either_address(client, lead, notice, settings):
    document, other = factories.document(content=b"restricted"), factories.document()
    with_document(notice, document)
    assert not models.ReviewDocument.objects.exists()
    client.get(other.url)
    assert seen() == []
    assert b"".join(client.get(document.url).streaming_content) == b"restricted"
    expected = [("lead", notice.pk, f"Opened a file of the notice (document {document.pk})")]
    assert seen() == expected
    client.get(f"/{settings.MEDIA_URL.strip('/')}/{document.file.name}")
    assert seen() == expected


def test_a_public_file_is_read_by_anybody_without_a_note(client, lead, index):
    document = factories.document(content=b"public")
    factories.page(
        models.DeathReviewNoticePage,
        index,
        review_documents=[models.ReviewDocument(kind="overview-report", state="published", document=document)],
    )
    before = seen()
    assert client.get(document.url).status_code == 200
    client.logout()
    assert client.get(document.url).status_code == 200
    assert seen() == before == []


def test_visitors_leave_no_note_and_get_no_file(client, notice):
    document = factories.document()
    with_document(notice, document)
    assert client.get(document.url).status_code == 404
    assert seen() == []
