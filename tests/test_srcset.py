"""`Image.srcset`: sizes of closed lists, drawn once after the publication, and gone with the picture."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture

from cms.publication.effects import update_after_commit
from documents.choices import PictureCrop, PictureFormat, PictureWidth
from documents.models import Image, Rendition
from documents.models.picture_sizes import FILE_NAMES, srcset_widths
from pages import models
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.hidden_content import administrator

pytestmark = pytest.mark.one_database

OF_NEWS = "{ news { nodes { image { srcset%s } } } }"


def picture(width, height, **fields):
    content = BytesIO()
    Picture.linear_gradient("L").rotate(90).resize((width, height)).convert("RGB").save(content, "PNG")
    return Image.objects.create(
        title="A bench", description="A bench", file=ContentFile(content.getvalue(), "bench.png"), **fields
    )


@pytest.fixture
def news(home):
    index = factories.page(models.NewsIndexPage, home)
    return factories.page(models.NewsPage, index, image=picture(400, 320))


@pytest.fixture
def srcset(ask):
    def of(arguments=""):
        [page] = ask(OF_NEWS % arguments)["news"]["nodes"]
        return page["image"] and page["image"]["srcset"]

    return of


def parts(srcset):
    """File name and width of each, after the address of the picture."""
    return [(address.rpartition("/")[2], width) for address, width in (each.split() for each in srcset.split(", "))]


def test_it_is_there_once_the_scheduler_ran(news, srcset, client):
    assert srcset() is None
    update_after_commit()
    whole = srcset()
    key = news.image.file_key
    assert whole == ", ".join(
        f"http://testserver/images/{key}/whole-{name}.webp {width}w" for name, width in ((320, 320), (640, 400))
    )
    for address, width in (each.split() for each in whole.split(", ")):
        answer = client.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        drawn = Picture.open(BytesIO(b"".join(answer.streaming_content)))
        assert drawn.size == (int(width[:-1]), round(int(width[:-1]) * 0.8))


@pytest.mark.parametrize("image_format", PictureFormat)
@pytest.mark.parametrize(
    ("crop", "largest"),
    [
        (PictureCrop.WHOLE, (400, 320)),
        (PictureCrop.LANDSCAPE, (400, 226)),
        (PictureCrop.WIDE, (400, 150)),
        (PictureCrop.SQUARE, (320, 320)),
    ],
)
def test_every_crop_in_every_format(news, srcset, client, crop, largest, image_format):
    update_after_commit()
    found = srcset(f"(crop: {crop.name}, format: {image_format.name})")
    names = [f"{crop.value}-{width}.{image_format.value}" for width in srcset_widths(crop, (400, 320))]
    names = ["card.webp" if name == "landscape-640.webp" else name for name in names]  # the same size has one name
    assert [name for name, _ in parts(found)] == names
    answer = client.get(found.split(", ")[-1].split()[0])
    assert answer["Content-Type"] == f"image/{image_format.value}"
    drawn = Picture.open(BytesIO(b"".join(answer.streaming_content)))
    assert (drawn.format, drawn.size) == (image_format.name, largest)
    assert parts(found)[-1][1] == f"{largest[0]}w"


@pytest.mark.parametrize(
    ("widths", "names"),
    [
        ("[W640, W320]", ["whole-320.webp", "whole-640.webp"]),
        ("[W320]", ["whole-320.webp"]),
        ("[W960, W1920, W640]", ["whole-640.webp"]),  # the picture's own width, once
        ("[]", ["whole-320.webp", "whole-640.webp"]),
        ("null", ["whole-320.webp", "whole-640.webp"]),
    ],
)
def test_widths_are_chosen_and_none_is_enlarged(news, srcset, widths, names):
    update_after_commit()
    assert [name for name, _ in parts(srcset(f"(widths: {widths})"))] == names


@pytest.mark.parametrize("size", [(319, 10), (320, 320), (321, 2000), (1920, 1920), (4000, 3000)])
def test_the_widths_that_are_drawn(size):
    expected = {319: (320,), 320: (320,), 321: (320, 640), 1920: (320, 640, 960, 1280, 1920)}
    assert srcset_widths(PictureCrop.WHOLE, size) == expected.get(size[0], expected[1920])


def test_other_sizes_are_refused(news, client):
    for arguments in (
        "(widths: [W321])",
        "(widths: [320])",
        '(crop: "whole")',
        "(format: JPEG)",
        "(crop: null)",
        "(format: null)",
    ):
        answer = client.post("/graphql/", {"query": OF_NEWS % arguments}, content_type="application/json").json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"], arguments
        assert "data" not in answer
    assert (
        len(FILE_NAMES) == 5 + len(PictureCrop) * len(PictureWidth) * len(PictureFormat) - 1 == 44
    )  # one is in both lists


def test_a_request_draws_none(news, client):
    before = Rendition.objects.count()
    answer = client.get(f"/images/{news.image.file_key}/wide-1920.avif")
    assert (answer.status_code, Rendition.objects.count()) == (404, before)


def test_a_picture_of_no_public_page_gets_none(home, news):
    unused, draft = picture(300, 200), picture(400, 200)
    factories.draft(models.NewsPage, models.NewsIndexPage.objects.get(), image=draft)
    update_after_commit()
    drawn = Rendition.objects.filter(filter_spec__startswith="width-").values_list("image", flat=True).distinct()
    assert list(drawn) == [news.image.pk]
    assert not {unused.pk, draft.pk} & set(drawn)


def test_a_picture_that_is_no_longer_public_gets_none(news):
    news.unpublish()
    before = Rendition.objects.count()
    update_after_commit()
    assert Rendition.objects.count() == before


def test_they_go_with_the_picture(news, srcset, client):
    update_after_commit()
    addresses = [each.split()[0] for each in srcset().split(", ")]
    take_down(news, administrator(), "It shows somebody.")
    assert {client.get(address).status_code for address in addresses} == {410}


def test_a_new_focal_point_keeps_the_old_crop_until_the_new_one_is_drawn(news, srcset, client):
    update_after_commit()
    square = srcset("(crop: SQUARE)")
    address = square.split()[0]
    before = b"".join(client.get(address).streaming_content)
    image = Image.objects.get(pk=news.image.pk)
    image.focal_point_x, image.focal_point_y, image.focal_point_width, image.focal_point_height = 20, 20, 10, 10
    image.save()
    assert b"".join(client.get(address).streaming_content) == before
    update_after_commit()
    assert srcset("(crop: SQUARE)") == square
    assert b"".join(client.get(address).streaming_content) != before
    assert Rendition.objects.filter(image=image, filter_spec="fill-320x320|format-webp").count() == 1


def test_a_file_that_is_replaced_while_it_is_drawn_keeps_nothing_of_the_old_one(news, monkeypatch):
    draw = Image._draw_stored

    def replaced_meanwhile(image, filters):
        found = draw(image, filters)
        monkeypatch.undo()
        other = Image.objects.get(pk=image.pk)
        other.file = ContentFile(factories._picture(1), "other.png")
        with transaction.atomic():
            other.save()
        return found

    monkeypatch.setattr(Image, "_draw_stored", replaced_meanwhile)
    Image.objects.get(pk=news.image.pk).draw_srcset()
    assert not Rendition.objects.filter(filter_spec__startswith="width-").exists()
    assert Image.objects.get(pk=news.image.pk).srcset_version == ""


def test_the_number_of_queries_does_not_depend_on_the_number_of_pictures(news, ask):
    query = "{ news { nodes { image { srcset small: srcset(crop: SQUARE, widths: [W320]) } } } }"

    def counted():
        update_after_commit()
        with CaptureQueriesContext(connection) as queries:
            ask(query)
        return len(queries)

    few = counted()
    for _ in range(4):
        factories.page(models.NewsPage, models.NewsIndexPage.objects.get(), image=factories.image())
    assert counted() == few
