"""Files are public only while something public uses them, and their answers say no more than that."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils import timezone
from pypdf import PdfWriter

from documents.models import RENDITIONS, Document, PublishedFile
from pages import models
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
    assert client.get(document.url).status_code == 404
    assert client.get(document.url, headers={"If-None-Match": headers["ETag"]}).status_code == 404


def test_an_unused_file_answers_as_one_that_does_not_exist(home, client):
    hidden = factories.document("Not used by anything")
    missing = hidden.url.replace(hidden.file_key, "x" * len(hidden.file_key))
    assert answer(client, hidden.url) == answer(client, missing)
    assert answer(client, hidden.url)[0] == 404


def test_a_file_of_a_draft_an_expired_or_a_private_page_is_not_public(home, client, meeting_with_paper):
    document = Document.objects.get()
    models.MeetingPage.objects.update(expire_at=timezone.now() - timedelta(seconds=1))
    assert client.get(document.url).status_code == 404
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
    assert client.get(old_url).status_code == 404
    assert answer(client, document.url)[1] == b"c\n3\n"


def test_only_the_named_sizes_of_a_picture_are_public(home, client, ask):
    index = factories.page(models.NewsIndexPage, home)
    picture = factories.image()
    factories.page(models.NewsPage, index, image=picture)
    assert picture.renditions.count() == len(RENDITIONS)
    query = "{ news { nodes { image { alt width height rendition(name: CARD) { url width height } } } } }"
    [node] = ask(query)["news"]["nodes"]
    url = node["image"]["rendition"]["url"]
    assert url == f"http://testserver/images/{picture.file_key}/card.webp"
    status, content, headers = answer(client, url)
    assert (status, content[8:12], headers["Content-Type"]) == (200, b"WEBP", "image/webp")
    made_for_the_admin = picture.get_rendition("max-165x165")
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
    broken = factories.document("Broken", b"%PDF-1.7 nonsense", "broken.pdf")
    assert broken.page_count is None


def test_a_picture_needs_alternative_text_unless_it_is_decorative(db):
    picture = factories.image(description="")
    with pytest.raises(ValidationError) as refusal:
        picture.full_clean()
    assert list(refusal.value.message_dict) == ["description"]
    picture.decorative = True
    picture.full_clean()
    assert picture.alt == ""
