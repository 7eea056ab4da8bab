"""Every field in which a page can refer to something, found by walking the models and the blocks, and how to fill it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from wagtail import blocks
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.images.blocks import ImageChooserBlock
from wagtail.models import Page, get_page_models

from documents.models import Document, Image
from pages import models
from pages.models import ContentPage

PAGE_TYPES = [model for model in get_page_models() if issubclass(model, ContentPage) and model is not ContentPage]
# What a row needs beside the reference. A new kind of row with a reference has to be added here.
ROWS: dict[type, dict[str, Any]] = {
    models.Action: {"text": "Act.", "horizon": "in-year"},
    models.EvidenceStatement: {"text": "It went down."},
    models.Membership: {},
    models.NoticeSupportService: {},
    models.Outcome: {"text": "It was done."},
    models.PageDocument: {},
    models.Paper: {"kind": "agenda", "late_reason": "It was not ready."},
    models.Recommendation: {"number": "1", "text": "Do.", "level": "local"},
    models.ReviewDocument: {"kind": "overview-report", "state": "published"},
    models.WorkArea: {"name": "A group", "leadership_kind": "chair"},
}


@dataclass(frozen=True)
class Reference:
    """A place on pages of a type. `target` is the model of what it may name, and `fields` what to give to the page."""

    model: type[ContentPage]
    where: str
    target: type
    fields: Callable[[Any], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.where} to {self.target.__name__}"


def link(target: Any) -> str:
    kind = "document" if isinstance(target, Document) else "page"
    return f'<p>See <a linktype="{kind}" id="{target.pk}">what it says</a>.</p>'


def references() -> Iterator[Reference]:
    for model in PAGE_TYPES:
        yield from _of(model, model, "", lambda values: values)
        for relation in model._meta.related_objects:
            if isinstance(relation.field, ParentalKey) and relation.related_model._meta.app_label == "pages":
                name, row = relation.get_accessor_name(), relation.related_model

                def in_row(values, name=name, row=row):
                    return {name: [row(**ROWS[row], **values)]}

                yield from _of(model, row, f"{name}.", in_row)


def _of(model, owner, row, given) -> Iterator[Reference]:
    for field in owner._meta.get_fields():
        if field.auto_created or not getattr(field, "editable", True) or field.model is Page:
            continue
        for part, target, value in _in_field(field):

            def fields(to, name=field.name, value=value):
                return given({name: value(to)})

            yield Reference(model, f"{row}{field.name}{part}", target, fields)


def _in_field(field):
    if isinstance(field, ParentalManyToManyField):
        yield "", field.related_model, lambda to: [to]
    elif isinstance(field, ForeignKey) and not isinstance(field, ParentalKey):
        if field.related_model._meta.app_label in ("pages", "documents"):
            yield "", field.related_model, lambda to: to
    elif isinstance(field, RichTextField):
        yield from (("", target, link) for target in (ContentPage, Document))
    elif isinstance(field, StreamField):
        yield from _in_block(field.stream_block)


def _in_block(block):
    if isinstance(block, blocks.PageChooserBlock):
        yield "", ContentPage, lambda to: to
    elif isinstance(block, DocumentChooserBlock):
        yield "", Document, lambda to: to
    elif isinstance(block, ImageChooserBlock):
        yield "", Image, lambda to: to
    elif isinstance(block, blocks.RichTextBlock):
        yield from (("", target, link) for target in (ContentPage, Document))
    elif isinstance(block, blocks.ListBlock):
        for part, target, value in _in_block(block.child_block):
            yield f"[]{part}", target, lambda to, value=value: [value(to)]
    elif isinstance(block, blocks.BaseStreamBlock):
        for name, child in block.child_blocks.items():
            for part, target, value in _in_block(child):
                yield f".{name}{part}", target, lambda to, name=name, value=value: [(name, value(to))]
    elif isinstance(block, blocks.BaseStructBlock):
        for name, child in block.child_blocks.items():
            for part, target, value in _in_block(child):
                yield f".{name}{part}", target, lambda to, name=name, value=value: {name: value(to)}
