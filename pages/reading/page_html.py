"""Turns the content of pages into HTML with absolute links; pages/web/views.py and the feeds show the same.

Templates get value objects (`Link`, `File`, `Picture`) or public snippets through the loader, never a page, document
or image that a foreign key happens to name. What the loader does not find is not public: it shows as plain words or
not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from wagtail.images.models import SourceImageIOError

from documents.models import Document, Image
from pages.content import addresses
from pages.content.choices import ActionHorizon, AgendaItemAccess
from pages.content.references import raw_blocks
from pages.models import ContentPage, MeetingPage, PriorityPage
from pages.models.meetings import same_number
from pages.reading.loader import Loader
from pages.reading.plain_words import file_facts

SIZE_ON_PAGES = "CONTENT"


@dataclass(frozen=True)
class Link:
    """A public page, as far as another page shows it."""

    title: str
    url: str


@dataclass(frozen=True)
class File:
    """A document that readers can have."""

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
    """A paper of a meeting whose document readers can have."""

    kind: str
    kind_in_words: str
    title: str
    file: File
    published_at: datetime | None
    late_reason: str


# --- What readers may see ---


def related(obj: Model, name: str, loader: Loader) -> Any:
    """`Link`, `File`, `Picture` or snippet that a foreign key of `obj` names, or None when it is not public.

    Raises LookupError for a foreign key that leads to nothing of these.
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
    """None when the file of the picture got lost."""
    try:
        rendition = loader.rendition(image, SIZE_ON_PAGES)
    except SourceImageIOError:
        return None
    return Picture(rendition.full_url, rendition.width, rendition.height, image.alt)


# --- HTML ---


def rendered(template: str, context: dict[str, Any]) -> SafeString:
    """A template of pages/templates/pages/ without the empty lines that its tags leave."""
    html = render_to_string(f"pages/{template}.html", context)
    return mark_safe("\n".join(line for line in html.split("\n") if line.strip()))  # noqa: S308 - as safe as before


def article_html(page: ContentPage, loader: Loader, **more: Any) -> SafeString:
    """What a page says beside its title and summary, by the template that is named after its model."""
    if isinstance(page, PriorityPage):
        more["actions_by_horizon"] = _by_horizon(page)
    return rendered(page._meta.model_name or "", {"page": page, "loader": loader, **more})


def _by_horizon(priority: PriorityPage) -> dict[str, list[Any]]:
    """Its actions under the names of their horizons."""
    actions = list(priority.actions.all())
    groups = {horizon.label: [action for action in actions if action.horizon == horizon] for horizon in ActionHorizon}
    return {label: group for label, group in groups.items() if group}


def rich_text_html(obj: Model, source: str, loader: Loader) -> SafeString:
    return mark_safe(loader.rich_text(obj, source).html)  # noqa: S308 - only harmless HTML is left in it


def blocks_html(page: ContentPage, stream: Any, loader: Loader) -> SafeString:
    """The body of a page."""
    blocks = [
        {"kind": raw["type"], **_BLOCKS[raw["type"]](page, raw["value"], loader)}
        for raw in raw_blocks(stream)
        if raw["type"] in _BLOCKS
    ]
    return rendered("blocks", {"blocks": blocks})


def _heading(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    level = str(value.get("level"))
    return {"text": value.get("text") or "", "level": level if level in ("2", "3", "4") else "2"}


def _paragraph(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    # A draft that was typed holds the text as an object.
    return {"html": rich_text_html(page, getattr(value, "source", value) or "", loader)}


def _callout(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    return {"tone": value.get("tone"), **_paragraph(page, value.get("rich_text"), loader)}


def _image(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    image = loader.image_in(page, value.get("image"))
    return {"picture": picture_of(image, loader) if image else None, "caption": value.get("caption")}


def _document(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    document = loader.document_in(page, value)
    return {"file": file_of(document, loader) if document else None}


def _page_link(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    linked = loader.base_page_in(page, value.get("page"))
    link = link_to(linked) if linked else None
    return {"link": link, "text": value.get("text") or (link.title if link else "")}


def _table(page: ContentPage, value: Any, loader: Loader) -> dict[str, Any]:
    table = value or {}
    rows = [["" if cell is None else cell for cell in row] for row in table.get("data") or []]
    has_header = bool(table.get("first_row_is_table_header"))
    return {
        "caption": table.get("table_caption") or "",
        "header": rows[0] if has_header and rows else [],
        "rows": rows[1:] if has_header else rows,
        "first_column_is_header": bool(table.get("first_col_is_header")),
    }


# What the template of blocks needs of a stored block, by its type.
_BLOCKS: dict[str, Callable[[ContentPage, Any, Loader], dict[str, Any]]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "callout": _callout,
    "image": _image,
    "document": _document,
    "page_link": _page_link,
    "table": _table,
}


def papers(meeting: MeetingPage, loader: Loader, item: str | None = None) -> list[PublicPaper]:
    """The public papers of a meeting, in its own order. An exempt item has none, whatever was entered.

    With `item`, those of the agenda item of this number alone, or of none ("").
    """
    access = {same_number(item.number): item.access for item in meeting.agenda_items.all()}
    found = []
    for paper in loader.papers(meeting):
        number = same_number(paper.agenda_item_number)
        its_item = number if number in access else ""
        if access.get(number) == AgendaItemAccess.EXEMPT or item not in (None, its_item):
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
