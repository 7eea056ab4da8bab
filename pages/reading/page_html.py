"""Renders the content of pages as HTML with absolute links, for pages/web/views.py and the feeds.

Templates get value objects (`Link`, `File`, `Picture`) or public snippets from the loader, never the page, document or
image of a foreign key. What the loader does not find is not public: it is shown as plain text or not at all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from wagtail.blocks.stream_block import StreamValue
from wagtail.images.models import SourceImageIOError
from wagtail.rich_text import RichText

from documents.models import Document, Image
from pages.content import addresses
from pages.content.choices import AgendaItemAccess
from pages.content.plain_words import file_facts
from pages.content.references import raw_blocks
from pages.models import ContentPage, MeetingPage
from pages.models.meetings import same_number
from pages.reading.loader import Loader

SIZE_ON_PAGES = "CONTENT"


@dataclass(frozen=True)
class Link:
    """A link to a public page."""

    title: str
    url: str


@dataclass(frozen=True)
class File:
    """A document that readers may download."""

    title: str
    url: str
    kind: str
    facts: str
    media_type: str
    size: int | None
    web_page: Link | None


@dataclass(frozen=True)
class Picture:
    """An image in the size that pages show."""

    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class PublicPaper:
    """A paper of a meeting whose document is public."""

    kind: str
    kind_in_words: str
    title: str
    file: File
    published_at: datetime | None
    late_reason: str


# --- Public objects ---


def related(obj: Model, name: str, loader: Loader) -> Any:
    """The `Link`, `File`, `Picture` or snippet for a foreign key of `obj`. None if the target is not public.

    Raises LookupError for a foreign key to any other model.
    """
    model: Any = obj._meta.get_field(name).related_model
    if issubclass(model, ContentPage):
        page = loader.related_base_page(obj, name)
        return link_to(page) if page else None
    found = loader.related(obj, name)
    if found is None or model not in (Document, Image):
        return found
    return file_of(found, loader) if model is Document else picture_of(found, loader)


def link_to(page: ContentPage) -> Link:
    return Link(page.title, addresses.url(page))


def file_of(document: Document, loader: Loader) -> File:
    web_page = loader.html_equivalent(document)
    return File(
        title=document.title,
        url=document.address,
        kind=document.kind,
        facts=file_facts(document),
        media_type=document.content_type,
        size=document.file_size,
        web_page=link_to(web_page) if web_page else None,
    )


def picture_of(image: Image, loader: Loader) -> Picture | None:
    """The image in the size of pages. None if its file is missing."""
    try:
        rendition = loader.rendition(image, SIZE_ON_PAGES)
    except SourceImageIOError:
        return None
    return Picture(rendition.full_url, rendition.width, rendition.height, image.alt)


# --- HTML ---


def rendered(template: str, context: dict[str, Any]) -> SafeString:
    """The rendered template without empty lines."""
    html = render_to_string(template, context)
    return mark_safe("\n".join(line for line in html.split("\n") if line.strip()))  # noqa: S308 - as safe as before


def article_html(page: ContentPage, loader: Loader, **more: object) -> SafeString:
    """The content of a page without its title and summary, from the template that is named after its model."""
    return rendered(page.article_template(), {"page": page, "loader": loader, **page.html_context(), **more})


def rich_text_html(obj: Model, source: str, loader: Loader) -> SafeString:
    return mark_safe(loader.rich_text(obj, source).html)  # noqa: S308 - cleaned by pages.content.rich_text


@dataclass(frozen=True)
class _BlockReader:
    """The `BlockReader` for the blocks of one page."""

    page: ContentPage
    loader: Loader

    def rich_text(self, value: RichText | str | None) -> SafeString:
        """The value as HTML. In drafts it is a `RichText` object, otherwise a string."""
        return rich_text_html(self.page, getattr(value, "source", value) or "", self.loader)

    def picture(self, key: int | None) -> Picture | None:
        image = self.loader.image_in(self.page, key)
        return picture_of(image, self.loader) if image else None

    def file(self, key: int | None) -> File | None:
        document = self.loader.document_in(self.page, key)
        return file_of(document, self.loader) if document else None

    def link(self, key: int | None) -> Link | None:
        page = self.loader.base_page_in(self.page, key)
        return link_to(page) if page else None


def blocks_html(page: ContentPage, stream: StreamValue, loader: Loader) -> SafeString:
    """A StreamField value as HTML, without blocks of removed types."""
    types, reader = stream.stream_block.child_blocks, _BlockReader(page, loader)
    parts = [
        rendered(block.html_template, block.html_context(raw["value"], reader))
        for raw in raw_blocks(stream)
        if (block := types.get(raw["type"]))
    ]
    return mark_safe("\n".join(part for part in parts if part))  # noqa: S308 - as safe as its parts


def papers(meeting: MeetingPage, loader: Loader, item: str | None = None) -> list[PublicPaper]:
    """The public papers of a meeting, in its order, without papers of exempt items.

    With `item`, only those of the agenda item with this number, or of none ("").
    """
    access = {same_number(item.number): item.access for item in meeting.agenda_items.all()}
    found = []
    for paper in loader.papers(meeting):
        number = same_number(paper.agenda_item_number)
        item_number = number if number in access else ""
        if access.get(number) == AgendaItemAccess.EXEMPT or item not in (None, item_number):
            continue
        file = file_of(paper.document, loader)
        found.append(
            PublicPaper(
                kind=paper.kind,
                kind_in_words=paper.get_kind_display(),
                title=paper.title or file.title,
                file=file,
                published_at=loader.paper_published_at(paper),
                late_reason=paper.late_reason,
            )
        )
    return found


def documents(page: ContentPage, loader: Loader, data_files: bool) -> list[File]:
    """The public documents of a plan, insight or annual review: its data files, or all the others."""
    return [file_of(document, loader) for document in loader.page_documents(page, data_files)]
