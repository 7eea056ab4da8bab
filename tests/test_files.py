"""Files are public only while something public uses them, and their answers say no more than that."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfWriter
from wagtail.models import Collection, CollectionViewRestriction, ModelLogEntry, PageViewRestriction

from documents.models import ALL_SIZES, RENDITIONS, Document, PublishedFile
from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.models.approvals import NotApprovedError
from tests import factories


@pytest.fixture
def meeting_with_paper(home):
    index = factories.page(models.MeetingIndexPage, home)
    paper = models.Paper(document=factories.document("Agenda"), kind="agenda")
    return factories.page(models.MeetingPage, index, slug="m", papers=[paper])


def answer(client, url):
    response = client.get(url)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, content, dict(response.headers)


def test_a_document_is_public_while_a_public_page_uses_it(client, meeting_with_paper):
    document = Document.objects.get()
    status, content, headers = answer(client, document.url)
    assert (status, content) == (200, b"a,b\n1,2\n")
    assert headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment")
    again = client.get(document.url, headers={"If-None-Match": headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    meeting_with_paper.unpublish()
    for more in ({}, {"If-None-Match": headers["ETag"]}, {"Range": "bytes=0-1"}):
        gone = client.get(document.url, headers=more)
        assert (gone.status_code, gone.content) == (410, b"This file is no longer available.\n")
        assert gone.headers["Cache-Control"] == "no-store"


def test_a_public_file_sets_no_cookie_whatever_was_sent(meeting_with_paper, home):
    document = factories.document()
    factories.page(models.StandardPage, home, body=[("document", document)])
    answer = Client(headers={"cookie": "sessionid=x; csrftoken=y"}).get(document.url)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "public, max-age=60, must-revalidate")
    assert not answer.cookies
    assert not answer.has_header("Vary")


def test_an_unused_file_answers_as_one_that_does_not_exist(home, client):
    hidden = factories.document("Not used by anything")
    missing = hidden.url.replace(hidden.file_key, "x" * len(hidden.file_key))
    assert answer(client, hidden.url) == answer(client, missing)
    assert answer(client, hidden.url)[0] == 404


def test_a_file_of_a_draft_an_expired_or_a_private_page_is_not_public(home, client, meeting_with_paper):
    document = Document.objects.get()
    models.MeetingPage.objects.update(expire_at=timezone.now() - timedelta(seconds=1))
    assert client.get(document.url).status_code == 410
    models.MeetingPage.objects.update(expire_at=None)
    assert client.get(document.url).status_code == 200
    other = factories.document("Of a draft")
    factories.draft(models.StandardPage, home, body=[("document", other)])
    assert client.get(other.url).status_code == 404


def test_the_address_changes_with_the_file_and_the_old_one_stops(client, meeting_with_paper):
    document = Document.objects.get()
    old_url, old_checksum = document.url, document.checksum
    document.file = ContentFile(b"c\n3\n", "table.csv")
    document.save()
    assert document.url != old_url
    assert document.checksum != old_checksum
    assert client.get(old_url).status_code == 410
    # The page was approved with the other file: the new one waits for the next approval.
    assert client.get(document.url).status_code == 404
    factories.publish(meeting_with_paper)
    assert answer(client, document.url)[1] == b"c\n3\n"
    assert client.get(old_url).status_code == 410


def test_only_the_named_sizes_of_a_picture_are_public(home, client, ask):
    index = factories.page(models.NewsIndexPage, home)
    picture = factories.image()
    factories.page(models.NewsPage, index, image=picture)
    assert set(picture.renditions.values_list("filter_spec", flat=True)) == set(ALL_SIZES)
    query = "{ news { nodes { image { alt width height rendition(name: CARD) { url width height } } } } }"
    [node] = ask(query)["news"]["nodes"]
    url = node["image"]["rendition"]["url"]
    assert url == f"http://testserver/images/{picture.file_key}/card.webp"
    status, content, headers = answer(client, url)
    assert (status, content[8:12], headers["Content-Type"]) == (200, b"WEBP", "image/webp")
    made_for_the_admin = picture.get_rendition("max-165x165")
    assert made_for_the_admin.url.endswith(f"/r{made_for_the_admin.pk}.webp")
    before = picture.renditions.count()
    for path in (
        made_for_the_admin.url,
        f"/images/{picture.file_key}/max-9x9.webp",
        f"/images/{picture.file_key}/original.png",
    ):
        assert client.get(path).status_code == 404
    assert picture.renditions.count() == before


def test_files_cannot_be_had_by_their_storage_name(client, meeting_with_paper):
    document = Document.objects.get()
    assert document.file.name.startswith("documents/")
    for prefix in ("/media/", "/unserved/", "/"):
        assert client.get(prefix + document.file.name).status_code == 404


def test_editors_open_the_files_of_their_drafts(home, client):
    document = factories.document("Of a draft")
    user = User.objects.create_user("editor", password="x")
    client.force_login(user)
    assert client.get(document.url).status_code == 404
    user.groups.add(Group.objects.get(name="Editors"))
    status, content, headers = answer(client, document.url)
    assert (status, content) == (200, b"a,b\n1,2\n")
    assert headers["Cache-Control"] == "private, no-store"
    assert answer(client, f"/unserved/{document.file.name}")[0] == 200


def test_the_time_of_first_publication_is_kept(ask, meeting_with_paper):
    [paper] = ask('{ page(urlPath: "/m/") { id } meetings { nodes { papers { publishedAt } agendaPublishedAt } } }')[
        "meetings"
    ]["nodes"][0]["papers"]
    first = PublishedFile.objects.get().first_public_at
    factories.publish(meeting_with_paper)
    assert PublishedFile.objects.get().first_public_at == first
    assert paper["publishedAt"] == timezone.localtime(first).isoformat()


def pdf(pages):
    writer, content = PdfWriter(), BytesIO()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.write(content)
    return content.getvalue()


def test_a_pdf_has_its_pages_counted_and_needs_an_accessible_form(db):
    document = factories.document("Report", pdf(3), "report.pdf")
    assert (document.page_count, document.file_type, len(document.checksum)) == (3, "pdf", 64)
    with pytest.raises(ValidationError) as refusal:
        document.full_clean()
    assert list(refusal.value.message_dict) == ["accessible"]
    document.accessibility_exemption = "A scan from 2010."
    document.full_clean()
    with pytest.raises(ValidationError, match=r"^\['“broken.pdf” could not be read: it is damaged, protected"):
        factories.document("Broken", b"%PDF-1.7 nonsense", "broken.pdf")
    assert Document.objects.count() == 1


def test_a_picture_needs_alternative_text_unless_it_is_decorative(db):
    picture = factories.image(description="")
    with pytest.raises(ValidationError) as refusal:
        picture.full_clean()
    assert list(refusal.value.message_dict) == ["description"]
    picture.decorative = True
    picture.full_clean()
    assert picture.alt == ""


# --- Beyond publication ---


def test_a_file_in_a_private_collection_is_not_public_whatever_uses_it(home, client, ask):
    collection = Collection.get_first_root_node().add_child(name="Confidential")
    below = collection.add_child(name="Minutes")
    document = factories.document("Confidential", collection=below)
    restriction = CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
    page = factories.page(models.StandardPage, home, slug="page", body=[("document", document)])
    query = '{ page(urlPath: "/page/") { ... on StandardPage { body { ... on DocumentBlock { document { url } } } } } }'
    assert client.get(document.url).status_code == 404  # it never was public
    assert ask(query)["page"]["body"] == [{"document": None}]
    restriction.delete()
    assert client.get(document.url).status_code == 404  # the approvers were told that nobody can open it
    factories.publish(page)
    assert client.get(document.url).status_code == 200
    assert ask(query)["page"]["body"] == [{"document": {"url": document.address}}]
    CollectionViewRestriction.objects.create(collection=below, restriction_type="login")
    assert client.get(document.url).status_code == 410


def test_a_document_that_was_once_for_an_exempt_item_is_kept_by_no_cache(home, client):
    index = factories.page(models.MeetingIndexPage, home)
    document, other = factories.document(), factories.document()
    meeting = factories.draft(
        models.MeetingPage,
        index,
        agenda_items=[models.AgendaItem(number="3A", title="Item", access="exempt", exempt_reason="Personal data.")],
        papers=[
            models.Paper(document=document, agenda_item_number=" 3a"),
            models.Paper(document=other),
        ],
    )
    meeting.save_revision()
    assert client.get(document.url).status_code == 404
    [item] = meeting.agenda_items.all()
    item.access, item.exempt_reason = "public", ""
    meeting.agenda_items = [item]
    factories.publish(meeting)
    assert client.get(document.url)["Cache-Control"] == "no-store"
    assert client.get(other.url)["Cache-Control"] == "public, max-age=60, must-revalidate"


def test_a_file_exchanged_between_approval_and_publication_stops_the_publication(home, client):
    document, picture = factories.document(), factories.image()
    body = [("document", document), ("image", {"image": picture, "caption": ""})]
    page = factories.page(models.StandardPage, home, slug="page")
    page.body, page.go_live_at = body, timezone.now() + timedelta(hours=1)
    factories.approve(page).publish()
    document.file = ContentFile(b"not approved", "table.csv")
    document.save()
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        call_command("publish_scheduled")
        page = models.StandardPage.objects.get()
        assert len(page.body) == 0
        assert client.get(document.url).status_code == 404
        assert client.get(picture.get_rendition(RENDITIONS["CARD"]).url).status_code == 404
        page = page.get_latest_revision_as_object()
        page.go_live_at = None
        factories.publish(page)
        assert client.get(document.url).status_code == 200


@pytest.mark.parametrize("change", [{"title": "Other"}, {"accessible": "no"}, {"language": "pl"}])
def test_a_file_described_in_other_words_was_not_approved(home, change):
    document = factories.document()
    page = factories.draft(models.StandardPage, home, body=[("document", document)])
    revision = factories.approve(page)
    for name, value in change.items():
        setattr(document, name, value)
    document.save()
    with pytest.raises(NotApprovedError):
        revision.publish()
    page.refresh_from_db()
    assert (page.live, page.published_files.count()) == (False, 0)


def test_a_size_of_a_picture_has_one_address(home, client):
    picture = factories.image()
    factories.page(models.StandardPage, home, body=[("image", {"image": picture, "caption": ""})])
    url = picture.get_rendition(RENDITIONS["CARD"]).url
    assert client.get(url).status_code == 200
    assert client.get(url.replace(".webp", ".png")).status_code == 404


def people(*groups):
    for group in groups:
        user = User.objects.create_user(group.split()[0].lower(), password="x")
        user.groups.add(Group.objects.get(name=group))
        yield user


def change(client, kind, obj, **fields):
    values = {"title": "Changed", "collection": obj.collection_id, "tags": "", **fields}
    if kind == "wagtaildocs":
        values |= {"kind": "other", "language": "en", "accessible": "yes"}
    else:
        values |= {"description": "Changed"}
    return client.post(reverse(f"{kind}:edit", args=[obj.pk]), values)


def uploads(editor):
    """A document and a picture that an editor uploaded, by the name of Wagtail's screens for them."""
    return {
        "wagtaildocs": factories.document("Ours", uploaded_by_user=editor),
        "wagtailimages": factories.image("Ours", uploaded_by_user=editor),
    }


@pytest.mark.parametrize("kind", ["wagtaildocs", "wagtailimages"])
def test_an_editor_changes_and_deletes_a_file_only_while_it_is_not_public(home, client, kind):
    [editor, moderator] = people("Editors", "Moderators")
    file = uploads(editor)[kind]
    client.force_login(editor)
    assert change(client, kind, file).status_code == 302
    file.refresh_from_db()
    assert file.title == "Changed"
    block = ("document", file) if kind == "wagtaildocs" else ("image", {"image": file, "caption": ""})
    page = factories.page(models.StandardPage, home, body=[block])
    change(client, kind, file, title="Past moderation")
    client.post(reverse(f"{kind}:delete", args=[file.pk]))
    file.refresh_from_db()  # still there
    assert file.title == "Changed"
    client.force_login(moderator)
    change(client, kind, file, title="By a moderator")
    file.refresh_from_db()
    assert file.title == "By a moderator"
    assert ModelLogEntry.objects.filter(user=moderator, action="wagtail.edit", object_id=str(file.pk)).count() == 1
    page.unpublish()
    client.force_login(editor)
    client.post(reverse(f"{kind}:delete", args=[file.pk]))
    assert not type(file).objects.exists()


@pytest.mark.parametrize("kind", ["wagtaildocs", "wagtailimages"])
def test_nobody_exchanges_a_public_file(home, client, kind):
    [editor, moderator] = people("Editors", "Moderators")
    file = uploads(editor)[kind]
    block = ("document", file) if kind == "wagtaildocs" else ("image", {"image": file, "caption": ""})
    factories.page(models.StandardPage, home, body=[block])
    other = factories.image().file if kind == "wagtailimages" else ContentFile(b"x\n", "new.csv")
    before = type(file).objects.values("file", "file_key", "checksum", "title").get(pk=file.pk)
    client.force_login(moderator)
    response = change(client, kind, file, file=other)
    assert "Upload the new version as a new file" in str(response.context["form"].errors["file"])
    assert type(file).objects.values("file", "file_key", "checksum", "title").get(pk=file.pk) == before
    assert file.file.storage.exists(file.file.name)


def test_a_new_picture_has_new_sizes(home):
    picture = factories.image()
    factories.page(models.StandardPage, home, body=[("image", {"image": picture, "caption": ""})])
    old = set(picture.renditions.values_list("pk", flat=True))
    picture.file = factories.image().file
    picture.file._committed = False
    picture.save()
    assert not picture.renditions.filter(pk__in=old).exists()


def test_a_safeguarding_lead_opens_the_files_of_drafts(home, client):
    [lead] = people("Safeguarding leads")
    document = factories.document("Of a draft")
    client.force_login(lead)
    assert answer(client, document.url)[0] == 200


def test_a_public_file_costs_at_most_four_queries_and_a_hidden_one_the_same(home, client):
    document, hidden = factories.document(), factories.document()
    picture, hidden_picture = factories.image(), factories.image()
    hidden_picture.get_renditions(*RENDITIONS.values())
    body = [("document", document), ("image", {"image": picture, "caption": ""})]
    factories.page(models.StandardPage, home, body=body)

    def queries(url):
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        return len(captured)

    def card(picture):
        return next(each.url for each in picture.renditions.all() if each.url.endswith("card.webp"))

    costs = {
        "public document": queries(document.url),
        "hidden document": queries(hidden.url),
        "no document": queries(f"/documents/{'x' * 22}/table.csv"),
        "public picture": queries(card(picture)),
        "hidden picture": queries(card(hidden_picture)),
        "no picture": queries(f"/images/{'x' * 22}/card.webp"),
    }
    assert set(costs.values()) == {2}, costs


def test_private_pages_and_collections_cannot_have_a_shared_password(home, client):
    administrator = User.objects.create_superuser("administrator", password="x")
    administrator.groups.add(Group.objects.get(name="Moderators"))
    client.force_login(administrator)
    collection = Collection.get_first_root_node().add_child(name="Files")
    page = factories.page(models.StandardPage, home)
    for url in (
        reverse("wagtailadmin_pages:set_privacy", args=[page.pk]),
        reverse("wagtailadmin_collections:set_privacy", args=[collection.pk]),
    ):
        form = client.get(url).context["form"]
        assert {value for value, _ in form.fields["restriction_type"].choices} == {"none", "login", "groups"}
        client.post(url, {"restriction_type": "password", "password": "x"})
    assert (PageViewRestriction.objects.count(), CollectionViewRestriction.objects.count()) == (0, 0)


def test_files_of_a_death_review_are_for_those_who_handle_death_reviews(home, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    document, picture, other = factories.document(title="zzreport"), factories.image(), factories.document()
    notice = factories.draft(
        models.DeathReviewNoticePage,
        index,
        review_documents=[models.ReviewDocument(kind="overview-report", state="published", document=document)],
    )
    notice.save_revision()
    document.refresh_from_db()
    assert (document.collection.name, other.collection.name) == ("Death reviews", "Root")
    edit, listing, chooser = (
        reverse("wagtaildocs:edit", args=[document.pk]),
        reverse("wagtaildocs:index"),
        reverse("wagtaildocs_chooser:choose_results"),
    )
    for group, seen in (("Editors", False), ("Safeguarding leads", True)):
        user = User.objects.create_user(group.split()[0], password="x")
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        assert client.get(edit).status_code == (200 if seen else 404)
        assert client.get(document.url).status_code == (200 if seen else 404)
        assert client.get(other.url).status_code == 200
        for url in (listing, chooser):
            assert ("zzreport" in client.get(url).content.decode()) is seen
            assert other.title in client.get(url).content.decode()
        add = client.get(reverse("wagtaildocs:add_multiple")).content.decode()
        assert ("Death reviews" in add) is seen
    index.refresh_from_db()
    factories.publish(index)
    assert models.DeathReviewIndexPage.objects.get().files == document.collection
    assert picture.collection.name == "Root"


def private_collection(parent=None):
    collection = (parent or Collection.get_first_root_node()).add_child(name="Private")
    CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
    return collection


def test_a_file_that_leaves_a_private_collection_is_remembered(home, client):
    private = private_collection()
    document = factories.document(collection=private)
    page = factories.page(models.StandardPage, home, body=[("document", document)])
    assert client.get(document.url).status_code == 404
    document.collection = Collection.get_first_root_node()
    document.save()
    assert client.get(document.url).status_code == 404
    factories.publish(page)
    assert client.get(document.url).status_code == 200
    page.unpublish()
    assert client.get(document.url).status_code == 410


def test_a_collection_that_leaves_a_private_one_opens_what_was_approved_open(home, client):
    inner = Collection.get_first_root_node().add_child(name="Inner")
    document = factories.document(collection=inner)
    page = factories.page(models.StandardPage, home, body=[("document", document)])
    private = private_collection()
    inner.move(private, "sorted-child")
    assert client.get(document.url).status_code == 410
    inner.refresh_from_db()
    inner.move(Collection.get_first_root_node(), "sorted-child")
    assert client.get(document.url).status_code == 200
    page.unpublish()
    assert client.get(document.url).status_code == 410


def test_what_was_exempt_at_another_meeting_is_kept_by_no_cache(home, client):
    index = factories.page(models.MeetingIndexPage, home)
    document = factories.document()
    exempt = models.AgendaItem(number="1", title="Item", access="exempt", exempt_reason="Personal data.")
    papers = [models.Paper(document=document, agenda_item_number="1")]
    factories.draft(models.MeetingPage, index, slug="first", agenda_items=[exempt], papers=papers).save_revision()
    factories.page(models.MeetingPage, index, slug="second", papers=[models.Paper(document=document, late_reason="X.")])
    assert client.get(document.url)["Cache-Control"] == "no-store"


def test_another_focal_point_makes_new_sizes(home):
    image = factories.image()
    image.get_renditions(*RENDITIONS.values())
    before = set(image.renditions.values_list("pk", flat=True))
    image.save()
    assert set(image.renditions.values_list("pk", flat=True)) == before
    image.focal_point_x = image.focal_point_y = image.focal_point_width = image.focal_point_height = 10
    image.save()
    after = set(image.renditions.values_list("pk", flat=True))
    assert len(after) == len(before)
    assert not after & before
