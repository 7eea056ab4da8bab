"""Pictures, and the sizes that are drawn of them."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
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

from documents.inspection.facts import Size, draw, inspect_picture
from documents.models.image_fields import PictureField, RenditionField
from documents.models.stored_file import TAGS_HELP, StoredFile, stored_name

# The only sizes of a picture that are public. The names are those of the GraphQL enumeration.
RENDITIONS = {
    "THUMBNAIL": "fill-160x160|format-webp",
    "CARD": "fill-640x360|format-webp",
    "CONTENT": "max-1200x1200|format-webp",
    "HERO": "fill-1600x600|format-webp",
    "SOCIAL": "fill-1200x630|format-jpeg",
}
# All sizes that are drawn when a picture is uploaded: the public ones and those of the admin's screens.
ALL_SIZES = (*RENDITIONS.values(), "max-165x165", "max-800x600")
ORIGINAL = "original"  # Wagtail's name for the whole picture, in any format


class Image(StoredFile, AbstractImage):  # type: ignore[django-manager-missing]
    """A picture, with the text that people who cannot see it get instead.

    All sizes are drawn when it is uploaded, so that no request fails later. A size that was lost is drawn again by
    `publish_scheduled`, or by the first request for it.
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
        with transaction.atomic():
            super().save(**kwargs)
            if new_file or focal_point_moved:
                self.renditions.all().delete()  # they show the old file or the old crop
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
        """Draw the sizes that are missing. Raises SourceImageIOError."""
        try:
            self.get_renditions(*ALL_SIZES)
        except SourceImageIOError as error:
            cause = error.__cause__
            if isinstance(cause, FileNotFoundError) or getattr(cause, "code", "") == "unreadable":
                type(self).objects.filter(pk=self.pk).update(undrawable=self.file_key)
            raise

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
        try:
            drawn = self._draw(filters) if filters else []
        except ValidationError as error:
            raise SourceImageIOError(" ".join(error.messages)) from error
        Rendition.objects.bulk_create(drawn, ignore_conflicts=True)  # another request may have drawn it meanwhile
        rows = {(row.filter_spec, row.focal_point_key): row for row in Rendition.objects.filter(image=self)}
        found = {wanted: rows[wanted.spec, wanted.get_cache_key(self)] for wanted in filters}
        for row in found.values():
            row.image = self
        return found

    def create_rendition(self, wanted: Filter) -> "Rendition":
        return self.create_renditions(wanted)[wanted]

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
        names = {spec: name.lower() for name, spec in RENDITIONS.items()}
        label = names.get(self.filter_spec, f"r{self.pk}")
        suffix = PurePath(self.file.name).suffix
        return reverse("rendition", args=[self.image.file_key, f"{label}{suffix}"])

    @property
    def full_url(self) -> str:
        return settings.CMS_URL + self.url + self.image.query
