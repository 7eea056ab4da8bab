"""The files that editors upload, what is known about each, and which published pages use them.

`Document` and `Image` take the place of Wagtail's own models. `PublishedFile` is written when a page is published
(cms/publication/effects.py) and read by documents/access/public_files.py, which decides who may have a file.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import PurePath
from typing import Any, NoReturn
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models, transaction
from django.urls import reverse
from taggit.managers import TaggableManager
from wagtail.documents.models import AbstractDocument
from wagtail.images.models import (
    IMAGE_FORMAT_EXTENSIONS,
    AbstractImage,
    AbstractRendition,
    Filter,
    SourceImageIOError,
    WagtailImageField,
    WagtailImageFieldFile,
    get_rendition_storage,
    get_rendition_upload_to,
    get_upload_to,
)
from wagtail.log_actions import get_active_log_context
from wagtail.models import Page

from documents.choices import DocumentAccessibility, DocumentKind
from documents.inspection.facts import Size, draw, inspect_picture, read_document, sha256_of

# The only sizes of an image that the public can have; the names are those of the GraphQL enumeration.
RENDITIONS = {
    "THUMBNAIL": "fill-160x160|format-webp",
    "CARD": "fill-640x360|format-webp",
    "CONTENT": "max-1200x1200|format-webp",
    "HERO": "fill-1600x600|format-webp",
    "SOCIAL": "fill-1200x630|format-jpeg",
}
# All that are made when a picture is uploaded: with those that the screens of the admin show.
ALL_SIZES = (*RENDITIONS.values(), "max-165x165", "max-800x600")
ORIGINAL = "original"  # Wagtail's name for the whole picture, in any format
TAGS_HELP = "Words that help colleagues find the file. Never public."
CHANGE_PUBLIC_FILES = "documents.change_public_file"
language_code = RegexValidator(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "Give a language code such as en, cy or pl.")


def new_file_key() -> str:
    """A part of a public address that cannot be guessed: 128 random bits."""
    return secrets.token_urlsafe(16)


def stored_name(folder: str, filename: str) -> str:
    """Where storage keeps an upload: a folder that nobody can guess, then the name that people know."""
    name = PurePath(filename).name
    stem, suffix = name.rsplit(".", 1) if "." in name else (name, "")
    return f"{folder}/{secrets.token_urlsafe(16)}/{stem[:80]}{'.' + suffix[:10].lower() if suffix else ''}"


def upload_document_to(instance: "Document", filename: str) -> str:
    return stored_name("documents", filename)


class StoredFile(models.Model):
    """What documents and images share: a checksum, and an address that changes with the bytes."""

    file_key = models.CharField(max_length=32, unique=True, default=new_file_key, editable=False)
    checksum = models.CharField("SHA-256", max_length=64, blank=True, editable=False)

    # Wagtail's two fields under names that its own, unused models do not take.
    uploaded_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="uploaded by",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    uploaded_by_user.wagtail_reference_index_ignore = True  # type: ignore[attr-defined]

    # Who gave the file its bytes, and each of its facts: {"file": primary key of an account, "title": …}. Nobody (null)
    # for what code or a command did. They count as editors of every version that shows the file.
    made_by = models.JSONField(default=dict, editable=False)

    # Set where a draft is shown with a token (pages/reading/draft_previews.py): its files have the token in their
    # addresses.
    preview_token = ""

    # What readers are told of it, beside the file itself.
    public_facts: tuple[str, ...] = ()
    # What comes with the bytes. Whoever read the row before somebody else exchanged them writes none of it back.
    of_the_bytes: tuple[str, ...] = ("file", "file_key", "checksum", "file_size", "file_hash")
    _key_as_read = ""

    class Meta:
        abstract = True

    @property
    def public_facts_hash(self) -> str:
        """SHA-256 of what readers are told of the file, so that an approval can be bound to it."""
        facts = [getattr(self, name) for name in self.public_facts]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def query(self) -> str:
        """The end of its address: none, but for the files of a draft."""
        return "?" + urlencode({"preview": self.preview_token}) if self.preview_token else ""

    @classmethod
    def from_db(cls, *args, **kwargs):
        found = super().from_db(*args, **kwargs)
        found._key_as_read = found.__dict__.get("file_key", "")
        return found

    def save(self, *args, **kwargs) -> None:
        with transaction.atomic():
            stored = self.hold() if self.pk else None
            if stored and self.file_key == self._key_as_read != stored.file_key:
                for name in self.of_the_bytes:
                    setattr(self, name, getattr(stored, name))
            self._note_makers(stored)
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "made_by"}
            super().save(*args, **kwargs)
            self._key_as_read = self.file_key

    def hold(self) -> "StoredFile | None":
        """The row as it is now, which nobody else changes until the transaction ends.

        The pages that show it to readers are held first: a publication takes them in this order, too.
        """
        shown_by = Page.objects.filter(pk__in=self.published_in.values("page"))  # type: ignore[attr-defined]
        list(shown_by.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        rows = type(self)._base_manager.select_for_update(no_key=True)
        found: StoredFile | None = rows.filter(pk=self.pk).first()
        return found

    def _note_makers(self, stored: "StoredFile | None") -> None:
        """Wagtail knows who works in the admin, whatever screen saves the file: no route has to be remembered."""
        person = get_active_log_context().user
        made = dict(stored.made_by) if stored else {}
        if stored is None or stored.file_key != self.file_key:
            made["file"] = person and person.pk
        for name in self.public_facts:
            if stored is None or _as_typed(getattr(stored, name)) != _as_typed(getattr(self, name)):
                made[name] = person and person.pk
        self.made_by = made

    def note_new_file(self) -> bool:
        """Refresh what depends on the bytes when a new file was given. Returns whether one was."""
        file = self.file  # type: ignore[attr-defined]
        # An upload in two steps stores the file before the row is saved; then only the checksum is missing.
        if not file or (file._committed and self.checksum):
            return False
        self.checksum = sha256_of(file)
        self.file_size = file.size
        if self.pk:
            self.file_key = new_file_key()
        return True


def _as_typed(value: Any) -> Any:
    """As a form gives it back that nobody touched."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


class Document(StoredFile, AbstractDocument):  # type: ignore[django-manager-missing]
    """A paper, plan, report or data file. Readers get it only while a public page uses it."""

    tags = TaggableManager(help_text=TAGS_HELP, blank=True, related_name="tagged_documents")
    file = models.FileField("file", upload_to=upload_document_to, max_length=255)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices, default=DocumentKind.OTHER)
    language = models.CharField(
        max_length=20,
        default="en",
        validators=[language_code],
        help_text="The language it is written in, as a code: en for English, cy for Welsh, pl for Polish.",
    )
    accessible = models.CharField(
        "accessible to people who use a screen reader",
        max_length=10,
        choices=DocumentAccessibility.choices,
        default=DocumentAccessibility.UNKNOWN,
    )
    html_equivalent = models.ForeignKey(
        Page,
        verbose_name="web page with the same content",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="A PDF that is not fully accessible needs this, or a reason below.",
    )
    accessibility_exemption = models.TextField(
        "why there is no accessible version",
        blank=True,
        max_length=1000,
        validators=[MaxLengthValidator(1000)],
        help_text="For example: a scan of a document from before 23 September 2018.",
    )
    page_count = models.PositiveIntegerField("number of pages", null=True, blank=True, editable=False)

    # Set by pages/models/meetings.py and never taken back: caches keep no copy of what was once not for the public.
    once_exempt = models.BooleanField(default=False, editable=False)

    of_the_bytes = (*StoredFile.of_the_bytes, "page_count")
    public_facts = ("title", "kind", "language", "accessible", "html_equivalent_id", "accessibility_exemption")

    admin_form_fields = (
        "title",
        "file",
        "kind",
        "language",
        "accessible",
        "html_equivalent",
        "accessibility_exemption",
        "collection",
        "tags",
    )

    class Meta(AbstractDocument.Meta):
        verbose_name = "document"
        verbose_name_plural = "documents"
        permissions = [
            ("choose_document", "Can choose document"),
            ("change_public_file", "Can change documents and images that the public can have"),
        ]

    def clean(self) -> None:
        if not self.file:
            return  # the first step of an upload has no file yet, and no field to report on
        super().clean()
        if (
            self.file_type == "pdf"
            and self.accessible != DocumentAccessibility.YES
            and not self.html_equivalent_id
            and not self.accessibility_exemption.strip()
        ):
            raise ValidationError(
                {
                    "accessible": "A PDF that is not accessible needs a web page with the same content, "
                    "or a reason why there is no accessible version."
                }
            )

    def save(self, *args, **kwargs) -> None:
        """Raises ValidationError for a new file that cannot be read."""
        words = None
        if self.note_new_file():
            self.page_count, words = read_document(self.file, self.filename)
        super().save(*args, **kwargs)
        if words is not None:
            self.keep_words(words)

    def read_words_again(self) -> None:
        """Keep the words of the file that it has, for the search. Raises ValidationError or OSError when there are none
        to be had any more, and then keeps none."""
        words = ""
        try:
            words = read_document(self.file, self.filename).words
        finally:
            self.keep_words(words)

    def keep_words(self, words: str) -> None:
        DocumentText.objects.update_or_create(document=self, defaults={"file_key": self.file_key, "text": words})

    @property
    def url(self) -> str:
        return reverse("document", args=[self.file_key, self.filename])

    @property
    def file_type(self) -> str:
        """The format, as in "pdf"."""
        return self.file_extension.lower()

    @property
    def address(self) -> str:
        """The absolute address that the public contract gives."""
        return settings.CMS_URL + self.url + self.query


class DocumentText(models.Model):
    """The words in the file of a document, read when it is uploaded. They are long, so they have a table of their own.

    In no public type: the search alone reads them, for files that are public (pages/search/index.py).
    """

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="words")
    file_key = models.CharField(max_length=32, help_text="The file that has these words.")
    text = models.TextField(blank=True)

    wagtail_reference_index_ignore = True

    def __str__(self) -> str:
        return f"Words of {self.document}"


class PictureFile(WagtailImageFieldFile):
    """The file of a picture, which is opened in a process of its own (documents/inspection/pictures.py) and nowhere
    else."""

    def get_image_dimensions(self) -> tuple[int, int]:
        """Raises ValidationError."""
        was_closed = self.closed
        try:
            self.open()
            seen = inspect_picture(self, self.name or "")
        finally:
            if was_closed:
                self.close()
        return seen.width, seen.height


class DrawnFile(WagtailImageFieldFile):
    """The file of a size: whoever drew it knows its size."""

    def get_image_dimensions(self) -> tuple[int, int]:
        return self.instance.width, self.instance.height


class _FileField(WagtailImageField):
    """In migrations it is Wagtail's field: the column is the same."""

    def deconstruct(self) -> Any:
        name, _, *arguments = super().deconstruct()
        return (name, "wagtail.images.models.WagtailImageField", *arguments)


class PictureField(_FileField):
    attr_class = PictureFile


class DrawnField(_FileField):
    attr_class = DrawnFile


class Image(StoredFile, AbstractImage):  # type: ignore[django-manager-missing]
    """A picture, with the text that people who cannot see it get instead.

    Its sizes are made when it is uploaded, so that none fails later. One that got lost is drawn anew by
    `publish_scheduled`, or when somebody asks for it before.
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

    # The `file_key` of a file that is lost, or takes too much to draw: a command does not try it each minute.
    undrawable = models.CharField(max_length=32, default="", editable=False)

    of_the_bytes = (*StoredFile.of_the_bytes, "width", "height")
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

    def save(self, *args, **kwargs) -> None:
        """Raises ValidationError for a new file of which not all sizes can be made."""
        new_file = self.note_new_file()
        cut_otherwise = self.pk and not type(self).objects.filter(pk=self.pk, **self._focal_point()).exists()
        sizes: list[Rendition] = []
        if new_file or cut_otherwise:
            with nullcontext() if new_file else suppress(SourceImageIOError):  # an old file may be missing
                sizes = self._drawn([Filter(spec) for spec in ALL_SIZES])
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new_file or cut_otherwise:
                self.renditions.all().delete()  # they show the file that was replaced, or another part of it
                Rendition.objects.bulk_create(sizes, ignore_conflicts=True)  # a reader's request may draw one, too

    @classmethod
    def lacking_sizes(cls) -> models.QuerySet["Image"]:
        """Those that do not have all their sizes, but for those of which none can be made."""
        sizes = Rendition.objects.filter(filter_spec__in=ALL_SIZES).values("image")
        whole = sizes.annotate(number=models.Count("filter_spec", distinct=True)).filter(number=len(ALL_SIZES))
        lacking: models.QuerySet[Image] = cls.objects.exclude(pk__in=whole.values("image"))
        return lacking.exclude(undrawable=models.F("file_key")).order_by("pk")

    def draw_missing_sizes(self) -> None:
        """Make the sizes that it does not have. Raises SourceImageIOError."""
        try:
            self.get_renditions(*ALL_SIZES)
        except SourceImageIOError as error:
            cause = error.__cause__
            if isinstance(cause, FileNotFoundError) or getattr(cause, "code", "") == "unreadable":
                type(self).objects.filter(pk=self.pk).update(undrawable=self.file_key)
            raise

    def get_rendition(self, wanted: Filter | str) -> "Rendition":
        """The screens of the admin ask for the original, too: that is the stored file, so nothing is drawn."""
        if getattr(wanted, "spec", wanted) == ORIGINAL:
            return Rendition(
                image=self, filter_spec=ORIGINAL, file=self.file.name, width=self.width, height=self.height
            )
        found: Rendition = super().get_rendition(wanted)
        return found

    def create_renditions(self, *filters: Filter) -> dict[Filter, "Rendition"]:
        """In place of Wagtail's, which opens the picture in the server. Raises SourceImageIOError."""
        try:
            drawn = self._drawn(filters) if filters else []
        except ValidationError as error:
            raise SourceImageIOError(" ".join(error.messages)) from error
        Rendition.objects.bulk_create(drawn, ignore_conflicts=True)  # somebody else may have drawn it meanwhile
        rows = {(row.filter_spec, row.focal_point_key): row for row in Rendition.objects.filter(image=self)}
        found = {wanted: rows[wanted.spec, wanted.get_cache_key(self)] for wanted in filters}
        for row in found.values():
            row.image = self
        return found

    def create_rendition(self, wanted: Filter) -> "Rendition":
        return self.create_renditions(wanted)[wanted]

    def get_willow_image(self) -> NoReturn:
        raise SourceImageIOError("A picture is opened by documents/inspection/pictures.py and nowhere else.")

    def _drawn(self, filters: Sequence[Filter]) -> list["Rendition"]:
        """New renditions, not saved. All are drawn at once, because opening the picture is what takes the time."""
        name = PurePath(self.file.name)
        try:
            self.file.open()
        except OSError as error:
            raise SourceImageIOError(str(error)) from error
        seen = inspect_picture(self.file, name.name)
        sizes = [self._size(wanted, (seen.width, seen.height)) for wanted in filters]
        return [
            Rendition(
                image=self,
                filter_spec=wanted.spec,
                focal_point_key=wanted.get_cache_key(self),
                file=ContentFile(content, name.stem + IMAGE_FORMAT_EXTENSIONS[size.format]),
                width=size.size[0],
                height=size.size[1],
            )
            for wanted, size, content in zip(filters, sizes, draw(self.file, name.name, sizes), strict=True)
        ]

    def _size(self, wanted: Filter, size: tuple[int, int]) -> Size:
        transform = wanted.get_transform(self, size)
        said: dict[str, str] = {}
        for operation in wanted.filter_operations:
            operation.run(None, self, said)
        width, height = (max(round(side), 1) for side in transform.size)
        return Size(tuple(transform.get_rect().round()), (width, height), said.get("output-format", "webp"))

    def _focal_point(self) -> dict[str, int | None]:
        return {f"focal_point_{part}": getattr(self, f"focal_point_{part}") for part in ("x", "y", "width", "height")}

    @property
    def alt(self) -> str:
        return "" if self.decorative else self.description

    @property
    def default_alt_text(self) -> str:
        return self.alt


class Rendition(AbstractRendition):
    """One size of a picture. Its address is that of the picture, so it goes when the picture goes."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="renditions")
    file = DrawnField(
        upload_to=get_rendition_upload_to, storage=get_rendition_storage, width_field="width", height_field="height"
    )

    class Meta:
        unique_together = (("image", "filter_spec", "focal_point_key"),)

    def get_upload_to(self, filename: str) -> str:
        return stored_name("renditions", filename)

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


class PublishedFile(models.Model):
    """A file that the published version of a page uses, and since when the public could have it there.

    Rows are written in the publishing transaction, because Wagtail's reference index is updated later by a
    worker. They say nothing about whether the page is public now: documents/access/public_files.py asks that.
    """

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="published_files")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="published_in")
    image = models.ForeignKey(Image, null=True, on_delete=models.CASCADE, related_name="published_in")
    file_key = models.CharField(
        max_length=32, help_text="The file as it was approved: another file needs another approval."
    )
    first_public_at = models.DateTimeField()
    no_store = models.BooleanField(default=False, help_text="Of a death review, or once for an exempt item.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["page", "document"], name="one_row_per_page_and_document"),
            models.UniqueConstraint(fields=["page", "image"], name="one_row_per_page_and_image"),
            models.CheckConstraint(
                condition=models.Q(document__isnull=False, image__isnull=True)
                | models.Q(document__isnull=True, image__isnull=False),
                name="a_published_file_is_a_document_or_an_image",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document or self.image} on {self.page}"


class PublicFileRecord(models.Model):
    """The key of a file that anybody could have once; it outlives the file and makes its address answer "gone"."""

    file_key = models.CharField(max_length=32, unique=True)
    first_public_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.file_key
