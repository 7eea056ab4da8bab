"""Pictures, and the sizes that are drawn of them."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from itertools import product
from pathlib import PurePath
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.urls import reverse
from taggit.managers import TaggableManager
from wagtail.images.models import (
    IMAGE_FORMAT_EXTENSIONS,
    AbstractImage,
    AbstractRendition,
    Filter,
    SourceImageIOError,
    get_rendition_storage,
    get_rendition_upload_to,
    get_upload_to,
)

from documents.choices import PictureFormat
from documents.inspection.facts import Size, draw, inspect_picture
from documents.models.image_fields import PictureField, RenditionField
from documents.models.picture_sizes import (
    ALL_SIZES,
    CROPS,
    FILE_NAMES,
    SRCSET_VERSION,
    srcset_spec,
    srcset_widths,
)
from documents.models.stored_file import TAGS_HELP, StoredFile, stored_name

ORIGINAL = "original"  # Wagtail's name for the whole picture, in any format


class Image(StoredFile, AbstractImage):  # type: ignore[django-manager-missing]
    """A picture, with the text that people who cannot see it get instead.

    The named sizes are drawn when it is uploaded, so that no request fails later. A size that was lost is drawn again
    by `publish_scheduled`, or by the first request for it. `publish_scheduled` draws the many sizes of `srcset` of
    public pictures, because that takes some seconds.
    """

    file = PictureField("file", upload_to=get_upload_to, width_field="width", height_field="height")
    tags = TaggableManager(help_text=TAGS_HELP, blank=True, related_name="tagged_images")
    decorative = models.BooleanField(default=False, help_text="It tells nothing that the text around it does not tell.")
    description = models.CharField(
        "alternative text",
        max_length=255,
        blank=True,
        default="",
        help_text="What the picture shows, for people who cannot see it. Needed unless it is decorative.",
    )

    # The `file_key` of a file that is missing or too large to draw, so that `publish_scheduled` does not retry it.
    undrawable = models.CharField(max_length=32, default="", editable=False)
    # The `SRCSET_VERSION` of which it has all sizes. Empty if it has none.
    srcset_version = models.CharField(max_length=16, default="", editable=False)

    file_fields = (*StoredFile.file_fields, "width", "height")
    public_facts = (
        "title",
        "description",
        "decorative",
        "focal_point_x",
        "focal_point_y",
        "focal_point_width",
        "focal_point_height",
    )

    admin_form_fields = (
        "title",
        "file",
        "description",
        "decorative",
        "collection",
        "tags",
        "focal_point_x",
        "focal_point_y",
        "focal_point_width",
        "focal_point_height",
    )

    class Meta(AbstractImage.Meta):
        verbose_name = "image"
        verbose_name_plural = "images"
        permissions = [("choose_image", "Can choose image")]

    def get_upload_to(self, filename: str) -> str:
        return stored_name("images", filename)

    def clean(self) -> None:
        super().clean()
        if not self.decorative and not self.description.strip():
            raise ValidationError(
                {"description": "Describe the picture for people who cannot see it, or mark it as decorative."}
            )

    def save(self, **kwargs: Any) -> None:
        """Raises ValidationError for a new file of which a size cannot be drawn."""
        new_file = self.note_new_file()
        focal_point_moved = self.pk and not type(self).objects.filter(pk=self.pk, **self._focal_point()).exists()
        renditions: list[Rendition] = []
        if new_file or focal_point_moved:
            with nullcontext() if new_file else suppress(SourceImageIOError):  # an old file may be missing
                renditions = self._draw([Filter(spec) for spec in ALL_SIZES])
            self.srcset_version = ""
        with transaction.atomic():
            super().save(**kwargs)
            if new_file or focal_point_moved:
                # They show the old file or the old crop. With the old crop, the sizes of `srcset` are better than none.
                of_old = self.renditions.all() if new_file else self.renditions.filter(filter_spec__in=ALL_SIZES)
                of_old.delete()
                Rendition.objects.bulk_create(
                    renditions, ignore_conflicts=True
                )  # a request may have drawn one meanwhile

    @classmethod
    def lacking_sizes(cls) -> models.QuerySet["Image"]:
        """The images that lack a size, without those that cannot be drawn. In the order of their primary keys."""
        sizes = Rendition.objects.filter(filter_spec__in=ALL_SIZES).values("image")
        complete = sizes.annotate(number=models.Count("filter_spec", distinct=True)).filter(number=len(ALL_SIZES))
        lacking: models.QuerySet[Image] = cls.objects.exclude(pk__in=complete.values("image"))
        return lacking.exclude(undrawable=models.F("file_key")).order_by("pk")

    def draw_missing_sizes(self) -> None:
        """Draw the sizes of the upload that are missing. Raises SourceImageIOError."""
        try:
            self.get_renditions(*ALL_SIZES)
        except SourceImageIOError as error:
            self._note_undrawable(error)
            raise

    @classmethod
    def lacking_srcset(cls) -> models.QuerySet["Image"]:
        """The images without the sizes of `srcset`, without those that cannot be drawn. In the order of keys."""
        lacking: models.QuerySet[Image] = cls.objects.exclude(srcset_version=SRCSET_VERSION)
        return lacking.exclude(undrawable=models.F("file_key")).order_by("pk")

    def draw_srcset(self) -> None:
        """Draw the sizes of `srcset`, which takes some seconds, in place of those before. Raises SourceImageIOError.

        Nothing is stored if the file was replaced or the focal point moved meanwhile.
        """
        drawn: list[Rendition] = []
        try:
            for crop, image_format in product(CROPS, PictureFormat):  # a few at a time: a process may not take long
                widths = srcset_widths(crop, (self.width, self.height))
                specs = [srcset_spec(crop, width, image_format) for width in widths]
                drawn += self._draw_stored([Filter(spec) for spec in specs if spec not in ALL_SIZES])
        except SourceImageIOError as error:
            self._note_undrawable(error)
            raise
        with transaction.atomic():
            same = type(self).objects.select_for_update().filter(pk=self.pk, file_key=self.file_key)
            if same.filter(**self._focal_point()).first():
                self.renditions.exclude(filter_spec__in=ALL_SIZES).delete()
                Rendition.objects.bulk_create(drawn)
                same.update(srcset_version=SRCSET_VERSION)

    def _note_undrawable(self, error: SourceImageIOError) -> None:
        cause = error.__cause__
        if isinstance(cause, FileNotFoundError) or getattr(cause, "code", "") == "unreadable":
            type(self).objects.filter(pk=self.pk).update(undrawable=self.file_key)

    def get_rendition(self, wanted: Filter | str) -> "Rendition":
        """The admin also asks for the original. That is the stored file, so nothing is drawn for it."""
        if getattr(wanted, "spec", wanted) == ORIGINAL:
            return Rendition(
                image=self, filter_spec=ORIGINAL, file=self.file.name, width=self.width, height=self.height
            )
        found: Rendition = super().get_rendition(wanted)
        return found

    def create_renditions(self, *filters: Filter) -> dict[Filter, "Rendition"]:
        """Replaces Wagtail's method, which opens the picture in the server. Raises SourceImageIOError."""
        drawn = self._draw_stored(filters)
        Rendition.objects.bulk_create(drawn, ignore_conflicts=True)  # another request may have drawn it meanwhile
        rows = {(row.filter_spec, row.focal_point_key): row for row in Rendition.objects.filter(image=self)}
        found = {wanted: rows[wanted.spec, wanted.get_cache_key(self)] for wanted in filters}
        for row in found.values():
            row.image = self
        return found

    def create_rendition(self, wanted: Filter) -> "Rendition":
        return self.create_renditions(wanted)[wanted]

    def _draw_stored(self, filters: Sequence[Filter]) -> list["Rendition"]:
        """New renditions of a stored picture, not saved. Raises SourceImageIOError."""
        try:
            return self._draw(filters) if filters else []
        except ValidationError as error:
            raise SourceImageIOError(" ".join(error.messages)) from error

    def get_willow_image(self) -> NoReturn:
        raise SourceImageIOError("Only documents/inspection/pictures.py opens a picture.")

    def _draw(self, filters: Sequence[Filter]) -> list["Rendition"]:
        """New renditions, not saved. They are drawn together, because opening the picture takes most of the time.

        Raises ValidationError or SourceImageIOError.
        """
        name = PurePath(self.file.name)
        try:
            self.file.open()
        except OSError as error:
            raise SourceImageIOError(str(error)) from error
        picture = inspect_picture(self.file, name.name)
        sizes = [self._size(wanted, (picture.width, picture.height)) for wanted in filters]
        return [
            Rendition(
                image=self,
                filter_spec=wanted.spec,
                focal_point_key=wanted.get_cache_key(self),
                file=ContentFile(content, f"picture{IMAGE_FORMAT_EXTENSIONS[size.format]}"),
                width=size.size[0],
                height=size.size[1],
            )
            for wanted, size, content in zip(filters, sizes, draw(self.file, name.name, sizes), strict=True)
        ]

    def _size(self, wanted: Filter, size: tuple[int, int]) -> Size:
        transform = wanted.get_transform(self, size)
        options: dict[str, str] = {}
        for operation in wanted.filter_operations:
            operation.run(None, self, options)
        width, height = (max(round(side), 1) for side in transform.size)
        return Size(tuple(transform.get_rect().round()), (width, height), options.get("output-format", "webp"))

    def _focal_point(self) -> dict[str, int | None]:
        return {f"focal_point_{part}": getattr(self, f"focal_point_{part}") for part in ("x", "y", "width", "height")}

    @property
    def alt(self) -> str:
        return "" if self.decorative else self.description

    @property
    def default_alt_text(self) -> str:
        return self.alt


class Rendition(AbstractRendition):
    """One size of a picture. Its address begins with the key of the picture, so both become unavailable together."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="renditions")
    file = RenditionField(
        upload_to=get_rendition_upload_to, storage=get_rendition_storage, width_field="width", height_field="height"
    )

    class Meta:
        unique_together = (("image", "filter_spec", "focal_point_key"),)

    def get_upload_to(self, filename: str) -> str:
        """Without the name of the picture's file: object storage shows the path to readers (signed addresses), and the
        file may have the name of a person.
        """
        return stored_name("renditions", f"picture{PurePath(filename).suffix}")

    @property
    def url(self) -> str:
        if self.filter_spec == ORIGINAL:
            return reverse("stored_file", args=[self.file.name])
        name = FILE_NAMES.get(self.filter_spec) or f"r{self.pk}{PurePath(self.file.name).suffix}"
        return reverse("rendition", args=[self.image.file_key, name])

    @property
    def full_url(self) -> str:
        return settings.CMS_URL + self.url + self.image.query
