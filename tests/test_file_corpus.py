"""Files of every format that can be uploaded, sound and damaged, go the whole way: upload, approval and download.

Some 200 files, made from a seed. None answers 500, none takes more than its limits, and what was
accepted can be had, pictures in all their sizes and with nothing of the original's metadata.
"""

import resource
from io import BytesIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as Picture

from documents.inspection import own_process
from documents.inspection.reader import CPU_SECONDS, MEMORY, FileTooLargeError
from documents.models import ALL_SIZES, RENDITIONS, Document, Image
from pages import models
from tests import factories, reader_in_a_hurry
from tests.admin_forms import decide
from tests.file_maker import MARK, corpus, packed, picture, sound

pytestmark = pytest.mark.one_database

SEED = 13
PICTURES = {"avif", "gif", "jpg", "png", "webp"}
FORM = {"collection": 1, "tags": "", "kind": "other", "language": "en", "accessible": "yes", "description": "A ward"}
# What Pillow says of a file that is no metadata of the original: how it is packed and shown.
TECHNICAL = {"background", "duration", "icc_profile", "jfif", "jfif_density", "jfif_unit", "jfif_version", "loop",
             "progression", "progressive", "timestamp", "default_image"}  # fmt: skip


@pytest.fixture
def people(home, client):
    def sign_in(name, group):
        user = User.objects.create_user(name, password="x")
        user.groups.add(Group.objects.get(name=group))
        return user

    return sign_in("editor", "Editors"), sign_in("moderator", "Moderators")


def used():
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of_children.ru_utime + of_children.ru_stime, of_children.ru_maxrss * 1024


def upload_by_form(client, kind, name, content):
    response = client.post(reverse(f"{kind}:add"), {**FORM, "title": name, "file": SimpleUploadedFile(name, content)})
    return response, "" if response.status_code == 302 else "".join(response.context["form"].errors.get("file", []))


def upload_in_two_steps(client, kind, name, content):
    form = {"title": name, "collection": 1, "files[]": SimpleUploadedFile(name, content)}
    response = client.post(reverse(f"{kind}:add_multiple"), form, headers={"x-requested-with": "XMLHttpRequest"})
    step = response.json()
    if step["success"] and "uploaded_file_id" in step:
        view = "create_multiple_from_uploaded_" + ("image" if kind == "wagtailimages" else "document")
        prefix = f"uploaded-{'image' if kind == 'wagtailimages' else 'document'}-{step['uploaded_file_id']}"
        fields = {f"{prefix}-{field}": value for field, value in {**FORM, "title": name}.items()}
        response = client.post(reverse(f"{kind}:{view}", args=[step["uploaded_file_id"]]), fields)
        assert response.json()["success"], response.json()
    return response, step.get("error_message", "")


def upload_while_choosing(client, kind, name, content):
    prefix = "document-chooser-upload" if kind == "wagtaildocs" else "image-chooser-upload"
    fields = {f"{prefix}-{field}": value for field, value in {**FORM, "title": name}.items()}
    url = reverse(f"{'wagtaildocs' if kind == 'wagtaildocs' else 'wagtailimages'}_chooser:create")
    response = client.post(url, {**fields, f"{prefix}-file": SimpleUploadedFile(name, content)})
    return response, response.json().get("htmlFragment", "")


ROUTES = (upload_by_form, upload_in_two_steps, upload_while_choosing)


@pytest.mark.parametrize("extension", sound())
def test_no_file_breaks_the_way_from_upload_to_download(
    extension, people, home, client, django_capture_on_commit_callbacks
):
    files = corpus(extension, SEED)
    assert len(files) >= 12
    editor, moderator = people
    kind, model = ("wagtailimages", Image) if extension in PICTURES else ("wagtaildocs", Document)
    client.force_login(editor)
    most = max(used()[1], MEMORY)  # other children of these tests may be larger
    for number, (name, content) in enumerate(files.items()):
        before = used()[0]
        response, told = ROUTES[number % 3](client, kind, name, content)
        assert response.status_code in (200, 302), (SEED, name)
        accepted = model.objects.filter(title=name).exists()
        if not accepted:
            assert f"“{name}” " in told or "The submitted file is empty." in told, (SEED, name, told)
        assert used()[0] - before < 3 * CPU_SECONDS, (SEED, name)  # a picture is looked at, drawn, and looked at again
    # A child counts the memory of the process that forked it, until it becomes another program.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert used()[1] <= max(most, own)
    names = set(model.objects.values_list("title", flat=True))
    sound_ones = {f"{name}.{extension}".replace(" ", "-").replace(";", "") for name in sound()[extension]}
    assert sound_ones - {f"empty.{extension}"} <= names
    assert not names & {f"{fault}.{extension}" for fault in ("another-format", "password", "another-protection")}

    page = factories.draft(models.StandardPage, home, slug="files")
    page.body = [
        ("image", {"image": each, "caption": ""}) if kind == "wagtailimages" else ("document", each)
        for each in model.objects.all()
    ]
    page.save_revision(user=editor)
    page.get_workflow().start(page, editor)
    client.force_login(moderator)
    with django_capture_on_commit_callbacks(execute=True):
        decide(client, page, "approve")
    page.refresh_from_db()
    assert page.live
    client.logout()
    for each in model.objects.all():
        if model is Document:
            answer = client.get(each.url)
            assert (answer.status_code, b"".join(answer.streaming_content)) == (200, files[each.title])
        else:
            sizes_are_public_and_bare(client, each)


def sizes_are_public_and_bare(client, image):
    sizes = {size.filter_spec: size for size in image.renditions.all()}
    assert set(sizes) == set(ALL_SIZES), image.title
    for spec, size in sizes.items():
        with size.file.open() as file:
            content = file.read()
        assert MARK.encode() not in content, (image.title, spec)
        drawn = Picture.open(BytesIO(content))
        drawn.load()
        assert drawn.size == (size.width, size.height), (image.title, spec)
        assert not dict(drawn.getexif()), (image.title, spec)
        assert set(drawn.info) <= TECHNICAL, (image.title, spec, drawn.info)
        if spec in RENDITIONS.values():
            answer = client.get(size.url)
            assert (answer.status_code, b"".join(answer.streaming_content)) == (200, content), image.title


def test_a_picture_is_shown_the_right_way_up_with_its_colours(db):
    from_a_phone = uploaded("a.jpg", picture("JPEG"))
    assert (from_a_phone.width, from_a_phone.height) == (200, 300)  # it was held upright
    [content] = from_a_phone.renditions.filter(filter_spec=RENDITIONS["CONTENT"])
    assert (content.width, content.height) == (200, 300)
    grey = uploaded("b.png", picture("PNG", "I;16", exif=b""))
    assert (grey.width, grey.height) == (300, 200)
    [social] = grey.renditions.filter(filter_spec=RENDITIONS["SOCIAL"])
    with social.file.open() as file:
        darkest, lightest = Picture.open(file).convert("L").getextrema()
    assert lightest - darkest > 100


def uploaded(name, content):
    return Image.objects.create(title=name, file=SimpleUploadedFile(name, content))


def test_the_colour_profile_is_kept(db):
    image = uploaded("a.jpg", sound()["jpg"]["with a profile"])
    for size in image.renditions.all():
        with size.file.open() as file:
            assert Picture.open(file).info["icc_profile"][36:40] == b"acsp"


def test_a_spreadsheet_that_would_take_minutes_ends_in_time():
    """Numbers alone: there are no words after which reading could stop. The limit is that of a reader in a hurry."""
    sheet = "<s><sheetData>" + "<row><c><v>1</v></c></row>" * 200_000 + "</sheetData></s>"
    content = packed(**{f"xl/worksheets/sheet{number}.xml": sheet for number in range(60)})
    before, _ = used()
    try:
        found = own_process.ask("tests.reader_in_a_hurry", BytesIO(content), "xlsx")
        assert found == {"pages": None, "words": ""}
    except FileTooLargeError:  # on a machine with other work to do
        pass
    assert used()[0] - before <= reader_in_a_hurry.CPU_SECONDS + 1


def test_a_picture_with_too_many_pixels_is_not_opened():
    content = BytesIO()
    Picture.new("1", (20_000, 20_000)).save(content, "PNG")
    before, _ = used()
    with pytest.raises(FileTooLargeError):
        own_process.ask("documents.inspection.pictures", content, "look")
    assert used()[0] - before < CPU_SECONDS
