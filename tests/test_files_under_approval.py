"""Files of what is approved, or waits for it: nobody takes them away, hides them or shows them behind the approvers."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction

from documents.models import RENDITIONS, Document
from pages import models
from pages.approval.files_shown import files_shown
from pages.approval.scheduling import publish_what_is_due
from pages.models import ReviewDocument
from tests import factories
from tests.admin_forms import posted_document
from tests.approval_book import Screen, presses, tomorrow

pytestmark = pytest.mark.django_db


@pytest.fixture
def private(home):
    return private_collection()


def private_collection():
    collection = Collection.get_first_root_node().add_child(name="Only here")
    CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
    return collection


def schedule(book):
    """The story is approved for tomorrow."""
    Screen(book, "moderator", "story").press("approve", go_live_at=tomorrow())
    assert book.now("story").revisions.filter(approved_go_live_at__isnull=False).count() == 1


@pytest.fixture(scope="module")
def scheduled(recorded_book):
    return recorded_book.after(schedule)


@pytest.fixture(scope="module")
def published(recorded_book):
    """Readers see the story."""
    return recorded_book.after(presses("moderator", "story", "approve"))


@pytest.fixture(scope="module")
def public_once(published):
    """Readers saw the story, and do not any more. It awaits approval again."""
    return published.after(
        lambda book: book.now("story").unpublish(), presses("editor", "story", "submit", summary="Again")
    )


def edit(book, who, document, **changes):
    return book.clients[who].post(reverse("wagtaildocs:edit", args=[document.pk]), posted_document(document, **changes))


def test_an_editor_takes_no_file_of_a_page_that_is_approved_for_a_date(home, scheduled):
    book = scheduled.written()
    document = book.files("story")[1]
    before = Document.objects.filter(pk=document.pk).values().get()
    admin = Client()
    admin.force_login(User.objects.create_superuser("root", password="x"))
    for client in (book.clients["editor"], book.clients["other editor"], admin):
        client.post(reverse("wagtaildocs:delete", args=[document.pk]))
        address = reverse("wagtail_bulk_action", args=["documents", "document", "delete"])
        client.post(f"{address}?id={document.pk}")
        assert Document.objects.filter(pk=document.pk).values().get() == before


def test_a_page_is_not_published_without_a_file_that_its_approver_was_shown(home, scheduled):
    """An editor may change a file of a page that is approved for a date: that ends the approval, and is told."""
    book = scheduled.written()
    document = book.files("story")[1]
    edit(book, "other editor", document, collection=private_collection().pk)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        publish_what_is_due(timezone.now())
    story = book.now("story")
    assert (story.live, story.revisions.filter(approved_go_live_at__isnull=False).count()) == (False, 0)


@pytest.mark.parametrize("hides", [True, False])
def test_a_file_that_is_hidden_or_shown_meanwhile_is_another_question(book, private, hides):
    document = book.files("story")[1]
    if not hides:
        Document.objects.filter(pk=document.pk).update(collection=private)
        story = book.now("story")
        story.get_latest_revision_as_object().save_revision(user=book.people["editor"])
    screen = Screen(book, "moderator", "story")
    root = Collection.get_first_root_node()
    edit(book, "other editor", document, collection=private.pk if hides else root.pk)
    answer = screen.press("approve")
    assert book.now("story").live is False
    said = book.clients["moderator"].get(answer["Location"]).content.decode()
    assert f"was put where readers {'do not find' if hides else 'find'} it" in said


def put_on_a_notice(book, document):
    notice = book.now("notice").get_latest_revision_as_object()
    notice.review_documents.add(ReviewDocument(kind="overview-report", state="published", document=document))
    notice.save_revision(user=book.people["lead"])
    return Document.objects.get(pk=document.pk).collection


def taken_off_a_draft(book):
    story = book.now("story").get_latest_revision_as_object()
    story.body = []
    story.save_revision(user=book.people["editor"])


@pytest.mark.parametrize("state", ["waits", "scheduled", "public", "public, and on no draft", "unpublished"])
def test_a_draft_notice_takes_no_file_from_a_page_that_shows_it(home, published, public_once, state):
    # That a page was public once counts for nothing.
    book = (public_once if state in ("waits", "scheduled") else published).written()
    if state == "scheduled":
        schedule(book)
    document = book.files("story")[1]
    if state == "public, and on no draft":
        taken_off_a_draft(book)
    if state == "unpublished":
        book.now("story").unpublish()
    root = Collection.get_first_root_node()
    assert put_on_a_notice(book, document) == root


def test_a_notice_takes_no_file_that_another_page_uses(book):
    """Else its editors would notice: they could not delete the file, and would not see why."""
    shared, own = book.files("story")[1], book.files("notice")[0]
    Screen(book, "moderator", "notice").press("send back")
    version = book.now("notice").latest_revision_id
    answer = Screen(book, "lead", "notice").press("save", **{"review_documents-0-document": shared.pk})
    assert f"“{shared}”: another page uses this" in answer.content.decode()
    Screen(book, "lead", "notice").save_by_itself(**{"review_documents-0-document": shared.pk})
    assert (book.now("notice").latest_revision_id, book.files("notice")) == (version, [own])
    new = factories.document()
    Screen(book, "lead", "notice").press("save", **{"review_documents-0-document": new.pk})
    rows = book.now("notice").get_latest_revision_as_object().review_documents.all()
    assert [row.document for row in rows] == [new]
    assert Document.objects.get(pk=new.pk).collection == book.reviews.files


def test_a_file_stays_with_the_page_that_showed_it_before_its_bytes_were_exchanged(book):
    document = book.files("story")[1]
    other = factories.document(content=b"jane,secret\n1,2\n")
    Document.objects.filter(pk=document.pk).update(file=other.file.name, file_key="another-key-of-another")
    document.refresh_from_db()
    assert put_on_a_notice(book, document) == Collection.get_first_root_node()


@pytest.mark.parametrize("screen", ["edit", "add"])
def test_what_is_uploaded_from_the_screen_of_a_notice_is_kept_with_its_files(book, screen):
    """Before the notice is saved, too."""
    notice = book.now("notice")
    url = reverse("wagtailadmin_pages:edit", args=[notice.pk])
    if screen == "add":
        url = reverse("wagtailadmin_pages:add", args=["pages", "deathreviewnoticepage", book.reviews.pk])
    root = Collection.get_first_root_node()
    form = {"document-chooser-upload-title": "Report", "document-chooser-upload-collection": root.pk}
    form |= {f"document-chooser-upload-{name}": "" for name in ("tags", "accessibility_exemption")}
    form |= {"document-chooser-upload-language": "en", "document-chooser-upload-kind": "report"}
    form |= {"document-chooser-upload-accessible": "unknown"}
    for where, collection in ((url, book.reviews.files), ("/admin/documents/", root)):
        file = SimpleUploadedFile("a.csv", b"a,b\n1,2\n", "text/csv")
        before = Document.objects.count()
        chooser = reverse("wagtaildocs_chooser:create")
        form["document-chooser-upload-collection"] = collection.pk if where == url else root.pk
        book.clients["lead"].post(
            chooser, {**form, "document-chooser-upload-file": file}, headers={"referer": f"http://testserver{where}"}
        )
        assert Document.objects.count() == before + 1
        assert Document.objects.latest("pk").collection == collection
    in_sight = Document.objects.filter(collection=root).count()
    file = SimpleUploadedFile("a.csv", b"a,b\n1,2\n", "text/csv")
    book.clients["lead"].post(
        reverse("wagtaildocs_chooser:create"),
        {**form, "document-chooser-upload-file": file, "document-chooser-upload-collection": root.pk},
        headers={"referer": f"http://testserver{url}"},
    )
    assert Document.objects.filter(collection=root).count() == in_sight


def test_the_index_of_death_reviews_is_not_deleted_while_it_keeps_files(book):
    index = models.DeathReviewIndexPage.objects.get()
    book.now("notice").delete()
    models.DeathReviewIndexPage.objects.update(first_published_at=None, live=False, live_revision=None)
    admin = User.objects.create_superuser("root", password="x")
    admin.groups.set(book.people["moderator"].groups.all())
    client = book.clients["moderator"]
    client.force_login(admin)
    answer = client.post(reverse("wagtailadmin_pages:delete", args=[index.pk]), follow=True)
    assert models.DeathReviewIndexPage.objects.filter(pk=index.pk).exists()
    assert "it hides the files of death reviews from other editors" in answer.content.decode()


@pytest.mark.parametrize("kind", ["document", "picture"])
def test_an_old_screen_of_a_file_overwrites_nobody_without_a_word(home, book, kind):
    file = factories.document() if kind == "document" else factories.image()
    url = reverse("wagtaildocs:edit" if kind == "document" else "wagtailimages:edit", args=[file.pk])
    first = book.clients["editor"].get(url)
    name = "as_opened"
    opened = first.context["form"][name].value()
    assert f'name="{name}" value="{opened}"' in first.content.decode()
    fields = {field.name: field.value() for field in first.context["form"] if field.name != "file"}
    form = {key: "" if value is None else value for key, value in fields.items()} | {"tags": ""}
    other = book.reviews.files.get_parent().add_child(name="Elsewhere")
    type(file).objects.filter(pk=file.pk).update(title="By a colleague", collection=other)
    answer = book.clients["editor"].post(url, {**form, "title": "Mine"})
    file.refresh_from_db()
    assert (answer.status_code, file.title, file.collection) == (200, "By a colleague", other)
    assert "This file was changed after you opened this screen" in answer.content.decode()
    again = answer.context["form"]
    sent = {**form, "title": "Mine", name: again[name].value(), "collection": again["collection"].value()}
    assert book.clients["editor"].post(url, sent).status_code == 302
    file.refresh_from_db()
    assert (file.title, file.collection) == ("Mine", other)


def test_the_screen_of_an_approver_says_what_readers_are_told_of_files(book):
    picture, document = book.files("story")
    type(picture).objects.filter(pk=picture.pk).update(title="Harmless", description="A person at the market")
    Document.objects.filter(pk=document.pk).update(accessibility_exemption="Scanned in 1997")
    said = (
        book.clients["moderator"].get(reverse("wagtailadmin_pages:edit", args=[book.now("story").pk])).content.decode()
    )
    for words in ("What readers see about its files", "A person at the market", "Scanned in 1997", document.filename):
        assert words in said


def test_a_size_of_a_picture_tells_nothing_of_the_original(home, client):
    picture = factories.image()
    factories.page(models.NewsPage, factories.page(models.NewsIndexPage, home), image=picture)
    size = picture.get_rendition(RENDITIONS["CONTENT"])
    answer = client.get(size.url)
    assert answer.status_code == 200
    assert picture.checksum not in answer["ETag"]
    assert f"-{size.pk}" not in answer["ETag"]


def test_as_many_queries_for_five_files_as_for_one_on_the_screen_of_an_approver(book, private):
    """Each is listed, and said to be closed to readers where its collection is private."""

    def shown(*documents):
        story = book.now("story").get_latest_revision_as_object()
        story.body = [("document", document) for document in documents]
        with CaptureQueriesContext(connection) as queries:
            found = files_shown(story, book.people["moderator"])
        return len(queries), [("Readers" in dict(file.facts)) for file in found if file.noun == "Document"]

    shown(factories.document())  # content types and permissions
    one, several = shown(factories.document()), shown(*(factories.document() for _ in range(5)))
    assert one == (several[0], [False])
    assert several[1] == [False] * 5
    assert shown(factories.document(collection=private))[1] == [True]
