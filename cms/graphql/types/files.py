"""The public types of documents and images, which replace grapple's own types in its registry.

Grapple's types publish the title, tags and storage path of every file, and any rendition that a client names.
"""

from enum import Enum

import graphene
from graphql import GraphQLResolveInfo
from grapple.registry import registry
from wagtail.images.models import SourceImageIOError

from cms.graphql.context import context_of
from cms.graphql.errors import InternalError
from documents import models
from documents.choices import DocumentAccessibility, DocumentKind, PictureCrop, PictureFormat, PictureWidth
from pages.content import addresses
from pages.graphql.public_fields import enum

RenditionName = graphene.Enum(
    "RenditionName",
    [(name, name) for name in models.RENDITIONS],
    description=lambda member: (
        "The sizes in which pictures are available."
        if member is None
        else models.RENDITIONS[member.value].replace("|", ", ")
    ),
)


class Document(graphene.ObjectType):
    """A file that a public page uses."""

    id = graphene.ID(required=True, description="Its uuid. It stays the same when the file is replaced.")
    title = graphene.String(required=True, description="Its title.")
    kind = graphene.Field(enum(DocumentKind), required=True, description="The kind of document.")
    url = graphene.String(required=True, description="Its address while it is public. A new file gets a new address.")
    file_type = graphene.String(required=True, description='Its format, as in "pdf".')
    file_size = graphene.Int(description="Its size in bytes.")
    language = graphene.String(required=True, description='Its language, as in "en".')
    accessible = graphene.Field(
        enum(DocumentAccessibility), required=True, description="Whether it works with a screen reader."
    )
    accessibility_exemption = graphene.String(description="Why there is no accessible version.")
    html_equivalent_url = graphene.String(description="A web page with the same content.")
    html_equivalent_url_path = graphene.String(description="The path of that web page on the site.")
    page_count = graphene.Int(description="Its number of pages, for a PDF.")
    checksum = graphene.String(description="SHA-256 of the file, in hex.")

    @staticmethod
    def resolve_id(document: models.Document, info: GraphQLResolveInfo) -> str:
        return str(document.public_id)

    @staticmethod
    def resolve_url(document: models.Document, info: GraphQLResolveInfo) -> str:
        return document.address

    @staticmethod
    def resolve_accessibility_exemption(document: models.Document, info: GraphQLResolveInfo) -> str | None:
        return document.accessibility_exemption or None

    @staticmethod
    def resolve_html_equivalent_url(document: models.Document, info: GraphQLResolveInfo) -> str | None:
        page = context_of(info).loader.html_equivalent(document)
        return addresses.url(page) if page else None

    @staticmethod
    def resolve_html_equivalent_url_path(document: models.Document, info: GraphQLResolveInfo) -> str | None:
        page = context_of(info).loader.html_equivalent(document)
        return addresses.url_path(page) if page else None

    @staticmethod
    def resolve_checksum(document: models.Document, info: GraphQLResolveInfo) -> str | None:
        return document.checksum or None


class Rendition(graphene.ObjectType):
    """A picture in one size."""

    url = graphene.String(required=True, description="Its address while the picture is public.")
    width = graphene.Int(required=True, description="In pixels.")
    height = graphene.Int(required=True, description="In pixels.")

    @staticmethod
    def resolve_url(rendition: models.Rendition, info: GraphQLResolveInfo) -> str:
        return rendition.full_url


class FocalPoint(graphene.ObjectType):
    """The part of a picture that must stay in view, as shares of its width and height."""

    x = graphene.Float(required=True, description="0 at the left, 1 at the right.")
    y = graphene.Float(required=True, description="0 at the top, 1 at the bottom.")


class Image(graphene.ObjectType):
    """A picture that a public page uses."""

    id = graphene.ID(required=True, description="Its uuid. It stays the same when the picture is replaced.")
    alt = graphene.String(
        required=True, description="What it shows, for people who cannot see it. Empty if it is decorative."
    )
    width = graphene.Int(required=True, description="Of the original, in pixels.")
    height = graphene.Int(required=True, description="Of the original, in pixels.")
    focal_point = graphene.Field(FocalPoint, description="What must stay in view when it is cropped.")
    rendition = graphene.Field(
        Rendition,
        required=True,
        args={"name": graphene.Argument(RenditionName, required=True, description="The name of the size.")},
        description="The picture in one of the named sizes.",
    )
    srcset = graphene.String(
        args={
            "crop": graphene.Argument(
                enum(PictureCrop), required=True, default_value=PictureCrop.WHOLE.value, description="Its shape."
            ),
            "widths": graphene.Argument(
                graphene.List(graphene.NonNull(enum(PictureWidth))), description="Some widths. By default all."
            ),
            "format": graphene.Argument(
                enum(PictureFormat),
                required=True,
                default_value=PictureFormat.WEBP.value,
                description="The format of the files.",
            ),
        },
        description="The addresses of several widths, for `srcset` in HTML. A picture is never enlarged: in place of "
        "greater widths there is its own. Null or shorter for some minutes after the publication, until all are drawn.",
    )

    @staticmethod
    def resolve_id(image: models.Image, info: GraphQLResolveInfo) -> str:
        return str(image.public_id)

    @staticmethod
    def resolve_focal_point(image: models.Image, info: GraphQLResolveInfo) -> FocalPoint | None:
        if not image.has_focal_point():
            return None
        return FocalPoint(x=image.focal_point_x / image.width, y=image.focal_point_y / image.height)

    @staticmethod
    def resolve_srcset(
        image: models.Image,
        info: GraphQLResolveInfo,
        crop: Enum | str,
        format: Enum | str,  # noqa: A002 - the name of the argument
        widths: list[Enum] | None = None,
    ) -> str | None:
        wanted = [int(_value(width)) for width in widths or PictureWidth]
        crop, image_format = PictureCrop(_value(crop)), PictureFormat(_value(format))
        sizes = context_of(info).loader.srcset(image, crop, wanted, image_format)
        return ", ".join(f"{row.full_url} {row.width}w" for row in sizes) or None

    @staticmethod
    def resolve_rendition(image: models.Image, info: GraphQLResolveInfo, name: Enum | str) -> models.Rendition:
        try:
            return context_of(info).loader.rendition(image, _value(name))
        except SourceImageIOError as error:
            raise InternalError("The file of this picture is missing.") from error


def _value(member: Enum | str) -> str:
    """The value of a member of an enumeration: arguments have members, and their defaults values."""
    return str(member.value) if isinstance(member, Enum) else member


def register() -> None:
    """Enter these types into grapple's registry."""
    registry.documents[models.Document] = Document
    registry.images[models.Image] = Image
