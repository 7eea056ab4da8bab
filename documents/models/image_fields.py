"""File fields of pictures that never open a picture in the process of the server."""

from collections.abc import Sequence
from typing import Any

from wagtail.images.models import WagtailImageField, WagtailImageFieldFile

from documents.inspection.facts import inspect_picture


class PictureFile(WagtailImageFieldFile):
    """The file of a picture. Only documents/inspection/pictures.py opens it, in a process of its own."""

    def get_image_dimensions(self) -> tuple[int, int]:
        """Width and height in pixels. Raises ValidationError for a picture that cannot be shown."""
        was_closed = self.closed
        try:
            self.open()
            picture = inspect_picture(self, self.name or "")
        finally:
            if was_closed:
                self.close()
        return picture.width, picture.height


class RenditionFile(WagtailImageFieldFile):
    """The file of a rendition, whose size is known from drawing it."""

    def get_image_dimensions(self) -> tuple[int, int]:
        return self.instance.width, self.instance.height


class _ImageField(WagtailImageField):
    """In migrations it is Wagtail's field, because the column is the same."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "wagtail.images.models.WagtailImageField", args, kwargs


class PictureField(_ImageField):
    attr_class = PictureFile


class RenditionField(_ImageField):
    attr_class = RenditionFile
