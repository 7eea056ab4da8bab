"""Whoever made or described a file does not approve the page that shows it."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as Picture
from wagtail.log_actions import LogContext

from documents.models import Document, Image
from pages.models.approvals import NotApprovedError, approve
from tests import factories
from tests.admin_forms import posted, posted_document
from tests.test_approval_screens import (  # noqa: F401 - fixtures
    APPROVE,
    PUBLISHED,
    Screen,
    exchange,
    now,
    people,
    recorded_people,
    recorded_submissions,
    refuses,
    submitted,
)

IMAGE = {"title": "Square", "description": "A market square", "collection": "1", "tags": ""}


def picture():
    bytes_ = BytesIO()
    Picture.new("RGB", (60, 40), (1, 2, 3)).save(bytes_, "PNG")
    return SimpleUploadedFile("p.png", bytes_.getvalue(), "image/png")


def table():
    return SimpleUploadedFile("t.csv", b"a,b\n1,2\n", "text/csv")


def new_facts(kind):
    return (
        {**IMAGE, "file": picture()}
        if kind == "image"
        else {**posted_document(Document(title="T", collection_id=1)), "file": table()}
    )


ROUTES = {
    "document added": ("wagtaildocs:add", lambda: new_facts("document"), Document),
    "image added": ("wagtailimages:add", lambda: new_facts("image"), Image),
    "document chosen": (
        "wagtaildocs_chooser:create",
        lambda: {f"document-chooser-upload-{name}": value for name, value in new_facts("document").items()},
        Document,
    ),
    "image chosen": (
        "wagtailimages_chooser:create",
        lambda: {f"image-chooser-upload-{name}": value for name, value in new_facts("image").items()},
        Image,
    ),
    "many documents": ("wagtaildocs:add_multiple", lambda: {"title": "T", "files[]": table()}, Document),
    "many images": ("wagtailimages:add_multiple", lambda: {"title": "T", "files[]": picture()}, Image),
}


@pytest.mark.parametrize("route", ROUTES)
def test_whoever_uploads_a_file_made_it(people, client, route):
    name, fields, model = ROUTES[route]
    client.force_login(people["editor"])
    answer = client.post(reverse(name), fields(), headers={"x-requested-with": "XMLHttpRequest"})
    assert answer.status_code in (200, 201, 302), answer.content
    if not model.objects.exists():  # in two steps: the second describes it
        form = answer.json()["form"]
        described = posted(form.encode(), form_id=None)
        described |= {name: "A table" for name in described if name.endswith(("title", "description"))}
        url = re.search(r'action="([^"]+)"', form)[1]
        answer = client.post(url, described, headers={"x-requested-with": "XMLHttpRequest"})
        assert answer.json()["success"] is True, answer.content
    made = [file.made_by for file in model.objects.all()]
    assert [set(one.values()) for one in made] == [{people["editor"].pk}]
    assert set(made[0]) == {"file", *model.public_facts}


@pytest.mark.parametrize("model", [Document, Image])
def test_whoever_changes_a_fact_of_a_file_made_that_fact(people, client, model):
    file = factories.document() if model is Document else factories.image()
    nobody = dict.fromkeys(("file", *model.public_facts))
    assert now(file).made_by == nobody
    client.force_login(people["editor"])
    if model is Document:
        exchange(client, people["editor"], file, "Other words")
        exchange(client, people["moderator"], now(file))
    else:
        url = reverse("wagtailimages:edit", args=[file.pk])
        assert client.post(url, {**IMAGE, "description": file.description, "title": "Other words"}).status_code == 302
        client.force_login(people["moderator"])
        facts = {**IMAGE, "description": file.description, "title": "Other words", "file": picture()}
        assert client.post(url, facts).status_code == 302
    assert now(file).made_by == {**nobody, "title": people["editor"].pk, "file": people["moderator"].pk}


@pytest.mark.parametrize(("title", "part"), [(None, "the file of"), ("Report 2", "the details of")])
def test_who_made_a_file_does_not_approve_the_page_that_shows_it(submitted, people, client, title, part):
    page, document = submitted(), Document.objects.get()
    exchange(client, people["moderator"], document, title)
    Screen(client, people["editor"], page)  # the editor saves the page with the file as it is now
    page = now(page)
    page.get_latest_revision_as_object().save_revision(user=people["editor"])
    screen = Screen(client, people["moderator"], page)
    assert 'data-workflow-action-name="approve"' not in screen.html.decode()
    name = title or "Report"
    words = f"You made a part of “Advice”: {part} the document “{name}”, so a colleague has to approve it."
    refuses(page, lambda: screen.send(**APPROVE), words)
    approve(now(page).latest_revision, "moderator", people["moderator"])
    with pytest.raises(NotApprovedError):
        now(page).latest_revision.publish()
    assert Screen(client, people["colleague"], page).send(**APPROVE) == [PUBLISHED]


def test_a_page_that_was_published_meanwhile_keeps_its_words(submitted, people, client):
    """The editor's screen of the file was read before the page was public."""
    page, document = submitted(), Document.objects.get()
    Screen(client, people["moderator"], page).send(**APPROVE)
    document.title = "Words of nobody's approval"
    with LogContext(user=people["editor"]), pytest.raises(NotApprovedError, match="a public page shows it now"):
        document.save()
    document = Document.objects.get()
    assert document.title == "Report"
    document.file = SimpleUploadedFile("b.csv", b"x")
    with LogContext(user=people["moderator"]), pytest.raises(NotApprovedError, match="A public page uses this file"):
        document.save()
    assert Document.objects.get().checksum != document.checksum
