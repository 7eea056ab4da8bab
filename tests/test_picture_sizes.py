"""The sizes of pictures: saved together with the picture, drawn anew when they are missing, and none of the original."""

from importlib import import_module
from io import BytesIO
from pathlib import PurePath

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image as Picture

from cms.publication import effects as publication
from documents.inspection import own_process
from documents.models import ALL_SIZES, RENDITIONS, Image, Rendition
from tests import factories

pytestmark = pytest.mark.one_database

FORGOTTEN = (RENDITIONS["SOCIAL"], "max-165x165", "max-800x600")


def sizes(image):
    return dict(image.renditions.values_list("filter_spec", "pk"))


def exchange(image):
    content = BytesIO()
    Picture.new("RGB", (50, 40), "navy").save(content, "PNG")
    image.file = ContentFile(content.getvalue(), "other.png")
    image.save()


def test_the_screen_of_a_picture_draws_nothing(home, client, monkeypatch):
    image = factories.image()
    before = sizes(image)

    def draw(*args):
        raise AssertionError("drawn")

    monkeypatch.setattr("documents.models.image.draw", draw)
    client.force_login(User.objects.create_superuser("root", password="x"))
    screen = client.get(reverse("wagtailimages:edit", args=[image.pk])).content.decode()
    address = f"/unserved/{image.file.name}"
    assert f'<a href="{address}">' in screen
    assert f"<dd>{image.width}x{image.height}</dd>" in screen
    with image.file.storage.open(image.file.name) as file:
        content = file.read()
    assert b"".join(client.get(address).streaming_content) == content
    assert sizes(image) == before


def test_a_picture_is_saved_with_its_sizes_or_not_at_all(db, monkeypatch):
    image = factories.image()
    before, key = sizes(image), image.file_key

    def fail(*args, **options):
        raise OSError("the storage is full")

    with monkeypatch.context() as storage:
        storage.setattr(Rendition.objects, "bulk_create", fail)
        with pytest.raises(OSError, match="full"):
            exchange(image)
    assert (sizes(image), Image.objects.get(pk=image.pk).file_key) == (before, key)


def test_a_size_that_a_reader_had_drawn_meanwhile_does_no_harm(db, monkeypatch):
    image = factories.image()
    others, save = {}, Rendition.objects.bulk_create

    def after_a_reader(rows, **options):
        [card] = (row for row in rows if row.filter_spec == RENDITIONS["CARD"])
        fields = {"filter_spec": card.filter_spec, "focal_point_key": card.focal_point_key, "width": 1, "height": 1}
        others["card"] = Rendition.objects.create(image=image, file=ContentFile(b"x", "card.webp"), **fields).pk
        return save(rows, **options)

    monkeypatch.setattr(Rendition.objects, "bulk_create", after_a_reader)
    exchange(image)
    assert set(sizes(image)) == set(ALL_SIZES)
    assert sizes(image)[RENDITIONS["CARD"]] == others["card"]


def test_what_is_missing_is_drawn_in_time(db, monkeypatch):
    images = [factories.image() for _ in range(3)]
    Rendition.objects.filter(image__in=images[:2], filter_spec__in=FORGOTTEN).delete()
    before = [sizes(image) for image in images]
    with monkeypatch.context() as no_time:
        no_time.setattr(publication, "RENDITION_SECONDS", 0)
        publication.update_after_commit()
    assert [sizes(image) for image in images] == before
    publication.update_after_commit()
    for image, kept in zip(images, before, strict=True):
        assert set(sizes(image)) == set(ALL_SIZES)
        assert kept.items() <= sizes(image).items()
    assert not Image.lacking_sizes().exists()


def test_a_file_that_cannot_be_drawn_is_tried_once(db, caplog, monkeypatch):
    image = factories.image()
    image.renditions.filter(filter_spec__in=FORGOTTEN).delete()
    warning = f"The sizes of picture {image.pk} could not be made: "
    monkeypatch.setattr(own_process, "WAIT", 0)
    for _ in range(own_process.AT_ONCE):
        assert own_process._free_readers.acquire(blocking=False)
    publication.update_after_commit()
    for _ in range(own_process.AT_ONCE):
        own_process._free_readers.release()
    assert list(Image.lacking_sizes()) == [image]  # nothing was wrong with the file

    image.file.storage.delete(image.file.name)
    for _ in range(2):
        publication.update_after_commit()
    assert [message.startswith(warning) for message in caplog.messages] == [True, True]
    assert not Image.lacking_sizes().exists()
    exchange(Image.objects.get(pk=image.pk))
    assert set(sizes(image)) == set(ALL_SIZES)


def test_no_size_is_stored_under_the_name_of_the_file(db):
    content = BytesIO()
    Picture.new("RGB", (80, 60), "navy").save(content, "PNG")
    file = ContentFile(content.getvalue(), "jane-doe-aged-14.png")
    image = Image.objects.create(title="Candles", description="Candles", file=file)
    assert PurePath(image.file.name).name == "jane-doe-aged-14.png"
    image.renditions.filter(filter_spec__in=FORGOTTEN).delete()
    image.draw_missing_sizes()
    names = {PurePath(row.file.name).name for row in image.renditions.all()}
    assert names == {"picture.webp", "picture.jpg"}
    assert len({row.file.name for row in image.renditions.all()}) == len(ALL_SIZES)


def test_a_size_with_the_name_of_the_file_is_forgotten_by_the_upgrade(db, django_capture_on_commit_callbacks):
    """As versions before 0.3 stored it."""
    image = factories.image()
    card = image.renditions.get(filter_spec=RENDITIONS["CARD"])
    storage, named = card.file.storage, f"renditions/{PurePath(card.file.name).parent.name}/jane-doe.webp"
    storage.save(named, ContentFile(b"x"))
    image.renditions.filter(pk=card.pk).update(file=named)
    before = sizes(image)
    migration = import_module("documents.migrations.0005_sizes_without_file_names")
    with django_capture_on_commit_callbacks(execute=True):
        migration.forget(apps, None)
    assert before.items() - sizes(image).items() == {(card.filter_spec, card.pk)}
    assert storage.exists(named) is False
    publication.update_after_commit()
    assert set(sizes(image)) == set(ALL_SIZES)
    assert PurePath(image.renditions.get(filter_spec=card.filter_spec).file.name).name == "picture.webp"
