"""Turns the content of pages into HTML with absolute links; pages/web/views.py and the feeds show the same.

Templates get value objects (`Link`, `File`, `Picture`) or public snippets through `Targets`, never a page,
document or image that a foreign key happens to name. What `Targets` does not hold is not public: it shows as
plain words or not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Model
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from modelcluster.fields import ParentalKey
from wagtail.images.models import SourceImageIOError

from documents.access.public_files import fit_to_be_public, for_staff, public_documents, public_images, shown_on
from documents.choices import DocumentKind
from documents.models import RENDITIONS, Document, Image, PublishedFile
from pages.content import addresses
from pages.content.choices import AgendaItemAccess
from pages.content.plain_words import file_facts
from pages.content.references import child_relations, of_blocks_and_text, raw_blocks
from pages.content.rich_text import LinkTargets, render
from pages.models import ContentPage, DeathReviewNoticePage, MeetingPage
from pages.models.meetings import same_number
from pages.visibility.rule import public, public_snippets

SIZE_ON_PAGES = RENDITIONS["CONTENT"]


@dataclass(frozen=True)
class Link:
    """A public page, as far as another page shows it."""

    title: str
    url: str


def link_to(page: ContentPage) -> Link:
    return Link(page.title, addresses.url(page))


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
    item: str  # the number of its agenda item; "" when it belongs to the meeting as a whole
    published_at: datetime | None
    late_reason: str


@dataclass
class Targets:
    """What some pages refer to and readers may see, by model and primary key."""

    found: dict[type[Model], dict[int, Any]] = field(default_factory=dict)
    published: dict[tuple[int, int], datetime] = field(default_factory=dict)

    def get(self, model: type[Model], key: Any) -> Any:
        """`Link`, `File`, `Picture` or snippet, or None when it is not public."""
        return self.found.get(model, {}).get(int(key)) if key else None

    def related(self, obj: Model, name: str) -> Any:
        """The same for what a foreign key of `obj` names."""
        relation: Any = obj._meta.get_field(name)
        model = _target(relation)
        if model is None:
            raise LookupError(f"{obj._meta.label}.{name} leads to nothing that readers may see.")
        return self.get(model, getattr(obj, relation.attname))

    def links(self) -> LinkTargets:
        """The addresses that rich text may link to."""
        return LinkTargets(
            pages={key: link.url for key, link in self.found.get(ContentPage, {}).items()},
            documents={key: file.url for key, file in self.found.get(Document, {}).items()},
        )


# --- What pages refer to ---


def _target(relation: Any) -> type[Model] | None:
    """Under which model `Targets` keeps what this foreign key names; None when it is no reader's business."""
    model: Any = relation.related_model
    if not model or isinstance(relation, ParentalKey) or relation.remote_field.parent_link:
        return None
    if issubclass(model, ContentPage):
        return ContentPage
    return model if model in (Document, Image) or model._meta.app_label == "pages" else None


@cache
def _foreign_keys(model: Any) -> list[tuple[str, type[Model]]]:
    fields = (each for each in model._meta.concrete_fields if each.is_relation)
    return [(each.attname, target) for each in fields if (target := _target(each))]


def _with_rows(page: ContentPage) -> Iterator[Model]:
    yield page
    for name in child_relations(type(page)):
        # Keeps the rows in memory, so that templates can ask for them again.
        yield from getattr(page, name).get_object_list()


def linked_pages(page: ContentPage) -> set[int]:
    """The pages whose title or address this one shows where they are public."""
    keys: set[int] = set()
    documents: set[int] = set()
    for obj in _with_rows(page):
        references = of_blocks_and_text(obj)
        keys |= references.pages
        documents |= references.documents
        for attname, model in _foreign_keys(type(obj)):
            if key := getattr(obj, attname):
                (documents if model is Document else keys if model is ContentPage else set()).add(key)
    if documents:
        web_pages = Document.objects.filter(pk__in=documents, html_equivalent__isnull=False)
        keys |= set(web_pages.values_list("html_equivalent", flat=True))
    return keys


def targets_of(pages: Iterable[ContentPage], at: datetime, *, viewer: Any = None) -> Targets:
    """What these pages may show. The number of queries depends on their types, not on how much they hold.

    A preview, which has a viewer, shows files that are not public yet, as published at the instant, because the draft
    is what will make them public: those that the viewer may see in the admin.
    """
    pages = list(pages)
    # Of death-review notices alone, or else as any other page.
    kind = DeathReviewNoticePage if all(isinstance(page, DeathReviewNoticePage) for page in pages) else ContentPage
    keys: dict[type[Model], set[int]] = defaultdict(set, {ContentPage: set(), Document: set(), Image: set()})
    for page in pages:
        for obj in _with_rows(page):
            references = of_blocks_and_text(obj)
            keys[ContentPage] |= references.pages
            keys[Document] |= references.documents
            keys[Image] |= references.images
            for attname, model in _foreign_keys(type(obj)):
                if key := getattr(obj, attname):
                    keys[model].add(key)
    targets = Targets()
    documents: Any = Document.objects.filter(pk__in=keys.pop(Document))
    images: Any = Image.objects.filter(pk__in=keys.pop(Image)).prefetch_renditions(SIZE_ON_PAGES)
    if viewer is not None:
        documents, images = (for_staff(viewer, fit_to_be_public(files)) for files in (documents, images))
    else:
        documents, images = public_documents(documents, at), public_images(images, at)
    documents, images = shown_on(kind, documents), shown_on(kind, images)
    files = list(documents)
    keys[ContentPage] |= {file.html_equivalent_id for file in files if file.html_equivalent_id}
    linked = public(ContentPage.objects.filter(pk__in=keys.pop(ContentPage)), at)
    links = {page.pk: Link(page.title, addresses.url(page)) for page in linked}
    targets.found = {
        ContentPage: links,
        Document: {each.pk: _file(each, links.get(each.html_equivalent_id or 0)) for each in files},
        Image: {each.pk: picture for each in images if (picture := _picture(each))},
    }
    for model, wanted in keys.items():
        rows = public_snippets(model._default_manager.filter(pk__in=wanted), at)
        targets.found[model] = {row.pk: row for row in rows}
    meetings = [page.pk for page in pages if isinstance(page, MeetingPage) and page.pk]
    dates = PublishedFile.objects.filter(page_id__in=meetings, document__isnull=False)
    targets.published = {
        (page_key, document_key): since
        for page_key, document_key, since in dates.values_list("page_id", "document_id", "first_public_at")
    }
    if viewer is not None:
        for page in pages:
            for paper in page.papers.all() if isinstance(page, MeetingPage) else ():
                targets.published.setdefault((page.pk, paper.document_id), at)
    return targets


def _file(document: Document, web_page: Link | None) -> File:
    return File(
        title=document.title,
        url=document.address,
        kind=document.kind,
        facts=file_facts(document),
        media_type=document.content_type,
        size=document.file_size,
        web_page=web_page,
    )


def _picture(image: Image) -> Picture | None:
    """The size for pages was made when the picture was uploaded. It is made now only if it got lost."""
    try:
        rendition = image.get_rendition(SIZE_ON_PAGES)
    except SourceImageIOError:
        return None
    return Picture(rendition.full_url, rendition.width, rendition.height, image.alt)


# --- HTML ---


def rendered(template: str, context: dict[str, Any]) -> SafeString:
    """A template without the empty lines that its tags leave."""
    html = render_to_string(template, context)
    return mark_safe("\n".join(line for line in html.split("\n") if line.strip()))  # noqa: S308 - as safe as before


def article_html(page: ContentPage, targets: Targets, **more: Any) -> SafeString:
    """What a page says beside its title and summary, by the template that is named after its model."""
    return rendered(page.article_template(), {"page": page, "targets": targets, **page.html_context(), **more})


def rich_text_html(source: str, targets: Targets) -> SafeString:
    return mark_safe(render(source, targets.links()).html)  # noqa: S308 - `render` lets only harmless HTML through


@dataclass(frozen=True)
class _BlockReader:
    """`BlockReader` of the page that the targets were loaded for."""

    targets: Targets

    def rich_text(self, value: Any) -> SafeString:
        """Also of a draft, which holds it as an object."""
        return rich_text_html(getattr(value, "source", value) or "", self.targets)

    def picture(self, key: int | None) -> Picture | None:
        found: Picture | None = self.targets.get(Image, key)
        return found

    def file(self, key: int | None) -> File | None:
        found: File | None = self.targets.get(Document, key)
        return found

    def link(self, key: int | None) -> Link | None:
        found: Link | None = self.targets.get(ContentPage, key)
        return found


def blocks_html(stream: Any, targets: Targets) -> SafeString:
    """The body of a page, without blocks whose type there is no longer."""
    types, reader = stream.stream_block.child_blocks, _BlockReader(targets)
    parts = [
        rendered(block.html_template, block.html_context(raw["value"], reader))
        for raw in raw_blocks(stream)
        if (block := types.get(raw["type"]))
    ]
    return mark_safe("\n".join(part for part in parts if part))  # noqa: S308 - as safe as its parts


def papers(meeting: MeetingPage, targets: Targets) -> list[PublicPaper]:
    """The public papers of a meeting, in its own order. An exempt item has none, whatever was entered."""
    access = {same_number(item.number): item.access for item in meeting.agenda_items.all()}
    found = []
    for paper in meeting.papers.all():
        number, file = same_number(paper.agenda_item_number), targets.related(paper, "document")
        if file and access.get(number) != AgendaItemAccess.EXEMPT:
            found.append(
                PublicPaper(
                    kind=paper.kind,
                    kind_in_words=paper.get_kind_display(),
                    title=paper.title or file.title,
                    file=file,
                    item=number if number in access else "",
                    published_at=targets.published.get((meeting.pk, paper.document_id)),
                    late_reason=paper.late_reason,
                )
            )
    return found


def documents(page: ContentPage, targets: Targets, data_files: bool) -> list[File]:
    """The public documents of a plan, insight or annual review: its data files, or all the others."""
    rows = [targets.related(row, "document") for row in page.page_documents.all()]
    return [file for file in rows if file and (file.kind == DocumentKind.DATASET) == data_files]
