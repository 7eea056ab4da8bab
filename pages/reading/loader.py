"""Loads what readers may see: only what is public at an instant, in batches.

GraphQL, HTML pages, feeds and previews use the same loader. Objects that are loaded together form a `Group`. The first
request for a venue, the actions or a linked page of one object loads them for its whole group, so the number of SQL
queries depends on the shape of a request and not on the number of rows.

HTML pages and feeds show everything that a page refers to: `prepare` loads it with one query for each model.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS
from django.db.models import ForeignKey, Model, QuerySet, Value
from django.db.models.functions import Length, Substr
from wagtail.models import Page

from documents.access.public_files import is_of_notices, public_documents, public_images, shown_on
from documents.choices import DocumentKind, PictureCrop, PictureFormat
from documents.models import RENDITIONS, Document, Image, PublishedFile, Rendition
from documents.models.picture_sizes import WIDTHS, srcset_spec, srcset_widths
from pages.compiled_queries import compiled
from pages.content import addresses
from pages.content.choices import PaperKind, PeriodStatus
from pages.content.rich_text import LinkTargets, RichTextValue, render
from pages.graphql.loading import FieldLoader
from pages.models import (
    AgendaItem,
    ContentPage,
    DeathReviewNoticePage,
    MeetingPage,
    NoticeSupportService,
    PageDocument,
    Paper,
    PriorityPage,
    PriorityPeriodPage,
    PublicChange,
    SupportService,
    Topic,
)
from pages.models.meetings import same_number
from pages.models.snippets import ModeratedSnippet
from pages.reading.at_path import Redirection, Withdrawn, at_path
from pages.reading.named import keys_named_by, named_in_text
from pages.visibility import current
from pages.visibility.rule import public, public_snippets

AnyModel = TypeVar("AnyModel", bound=Model)
AnyPage = TypeVar("AnyPage", bound=ContentPage)


class Group:
    """Objects that were loaded together, and the values that were loaded for all of them."""

    def __init__(self, members: list[Any]) -> None:
        self.members = members
        self.values: dict[Any, dict[Any, Any]] = {}


@dataclass(frozen=True)
class Named:
    """The public documents and images to which rich text and blocks refer, the addresses of the public pages and
    documents, and the keys of all pages, public or not."""

    page_keys: set[int]
    documents: dict[int, Document]
    images: dict[int, Image]
    links: LinkTargets


def with_parent_path(pages: QuerySet[AnyPage]) -> QuerySet[AnyPage]:
    """Annotates pages with the tree path of the page above them, as `parent_path`."""
    return pages.annotate(parent_path=Substr("path", Value(1), Length("path") - Value(Page.steplen)))


def _paths_above(page: Page) -> list[str]:
    """The tree paths of the pages above a page, without the root of the tree."""
    return [page.path[: Page.steplen * level] for level in range(2, page.depth)]


# --- Queries ---


@compiled
def _public_pages(model: type[AnyPage], /, *, keys: list[int], as_of: datetime) -> QuerySet[AnyPage]:
    return public(model._default_manager.filter(pk__in=keys), as_of)


@compiled
def _page_links(*, keys: list[int], as_of: datetime) -> QuerySet[ContentPage, tuple[Any, ...]]:
    rows = public(ContentPage.objects.filter(pk__in=keys), as_of)
    return rows.values_list("pk", "url_path", "content_type")


@compiled
def _paths(*, paths: list[str]) -> QuerySet[ContentPage, tuple[Any, ...]]:
    return ContentPage.objects.filter(path__in=paths).values_list("path", "pk")


@compiled
def _priorities_below(*, paths: list[str], as_of: datetime) -> QuerySet[PriorityPage]:
    rows = with_parent_path(public(PriorityPage.objects.all(), as_of)).filter(parent_path__in=paths)
    return rows.order_by("number", "uuid")


@compiled
def _rows(model: type[AnyModel], column: str, /, *, keys: list[int]) -> QuerySet[AnyModel]:
    return model._default_manager.filter(**{f"{column}__in": keys})


@compiled
def _snippets(model: type[AnyModel], /, *, keys: list[int], as_of: datetime) -> QuerySet[AnyModel]:
    return public_snippets(model._default_manager.filter(pk__in=keys), as_of)


@compiled
def _documents(on: type[Model], /, *, keys: list[int], as_of: datetime) -> QuerySet[Document]:
    return shown_on(on, public_documents(Document.objects.filter(pk__in=keys), as_of))


@compiled
def _images(on: type[Model], /, *, keys: list[int], as_of: datetime) -> QuerySet[Image]:
    return shown_on(on, public_images(Image.objects.filter(pk__in=keys), as_of))


TOPIC_COLUMNS = [field.attname for field in Topic._meta.concrete_fields]


@compiled
def _topic_links(*, pages: list[int]) -> QuerySet[Any, tuple[Any, ...]]:
    links = ContentPage.topics.through.objects.filter(contentpage_id__in=pages).order_by("topic__name")
    return links.values_list("contentpage_id", *(f"topic__{column}" for column in TOPIC_COLUMNS))


@compiled
def _documents_since(*, pages: list[int]) -> QuerySet[PublishedFile, tuple[Any, ...]]:
    files = PublishedFile.objects.filter(page_id__in=pages, document__isnull=False)
    return files.values_list("page_id", "document_id", "first_public_at")


@compiled
def _renditions(specs: tuple[str, ...], /, *, images: list[int]) -> QuerySet[Rendition]:
    return Rendition.objects.filter(image__in=images, filter_spec__in=specs)


class Loader(FieldLoader):
    """Loads public objects as of an instant. Make a new one for each request."""

    def __init__(self, as_of: datetime) -> None:
        self.as_of = as_of
        self._revealed_types: set[int] = set()  # of pages; keys of their content types
        self._tells_of_safe_exit = False
        self._groups: dict[int, Group] = {}  # by id(), which stays an object's own while its group holds the object
        self._pages: dict[int, ContentPage | None] = {}
        self._base_pages: dict[int, ContentPage | None] = {}
        # What `prepare` found, by model and whether it may show files of death reviews. None if it is not public.
        self._prepared: dict[tuple[type[Model], bool], dict[int, Any]] = {}
        self._held: dict[Any, ContentPage] = {}  # pages whose child objects are in memory
        self._papers_of: dict[int, list[Paper]] = {}  # by meeting
        self._public_since: dict[tuple[int, int], datetime] = {}  # by meeting and document

    # --- Groups ---

    def together(self, objects: Iterable[Any]) -> list[Any]:
        """Make a group of objects that were just loaded. Those that are in a group already stay in that."""
        members = list(objects)
        group = Group(members)
        for obj in members:
            self._groups.setdefault(id(obj), group)
        return members

    def for_all(
        self, obj: Model, key: Hashable, load: Callable[[list[Any]], dict[Any, Any]], on: type[Model] | None = None
    ) -> Any:
        """The value of an object under a key. `load` runs once for the object's group; it returns values by key.

        A group may contain pages of several types. `load` gets those of the model `on`, by default that of `obj`.
        """
        if id(obj) not in self._groups:
            self.together([obj])
        group = self._groups[id(obj)]
        on = on or type(obj)
        if (on, key) not in group.values:
            group.values[on, key] = load([member for member in group.members if isinstance(member, on)])
        return group.values[on, key].get(obj.pk)

    def prepare(self, pages: Iterable[ContentPage]) -> None:
        """Load everything to which these pages and their child objects refer, with one query for each model.

        The loader then finds it without queries, and takes the child objects from memory.
        """
        members = self.together(pages)
        self._held.update({page.pk: page for page in members})
        # Death-review notices alone may show files of death reviews.
        on = DeathReviewNoticePage if all(isinstance(page, DeathReviewNoticePage) for page in members) else ContentPage
        keys = keys_named_by(members)
        of_pages = keys.pop(ContentPage, set())
        for model, wanted in keys.items():
            found = self._find(model, wanted, on)
            known = self._prepared.setdefault((model, is_of_notices(on)), {})
            known.update({key: found.get(key) for key in wanted})
            if model is Document:
                of_pages |= {key for document in found.values() if (key := document.html_equivalent_id)}
        self.base_pages(of_pages)

    def rows(self, model: type[Model], keys: list[Any], page: str = "page") -> list[Any]:
        """The child objects of the objects with these keys, in the order of their model."""
        relation: Any = model._meta.get_field(page)
        held = {key: self._held[key] for key in keys if isinstance(self._held.get(key), relation.related_model)}
        rows = [row for owner in held.values() for row in self._rows_in_memory(owner, relation)]
        if missing := [key for key in keys if key not in held]:
            rows += _rows(model, page, keys=missing)
        return rows

    def _rows_in_memory(self, page: ContentPage, relation: ForeignKey[Any, Any]) -> list[Any]:
        return list(getattr(page, relation.remote_field.get_accessor_name()).all())

    # --- Pages ---

    def page_at(self, path: str) -> ContentPage | Withdrawn | None:
        """The public or withdrawn page at a path, as the API shows it."""
        return self.page_found(at_path(path, self.as_of))

    def page_found(self, found: ContentPage | Withdrawn | Redirection | None) -> ContentPage | Withdrawn | None:
        """The page that was found at a path, as an instance of its page type. None if there is none."""
        if isinstance(found, ContentPage):
            self._base_pages[found.pk] = found
            self.will_tell_of(found)
            return self.pages([found.pk]).get(found.pk)
        if isinstance(found, Withdrawn):
            self.will_tell_of_withdrawn(found)
            return found
        return None

    def pages(self, keys: Iterable[int], model: type[ContentPage] = ContentPage) -> dict[int, ContentPage]:
        """The public pages among these primary keys, as instances of their page types."""
        keys = set(keys)
        missing = keys - self._pages.keys()
        if missing:
            self._pages.update(dict.fromkeys(missing))
            self.remember(
                self._of_their_types(missing)
                if model is ContentPage
                else _public_pages(model, keys=sorted(missing), as_of=self.as_of)
            )
        return {key: page for key in keys if (page := self._pages.get(key)) is not None}

    def _of_their_types(self, keys: set[int]) -> Iterator[ContentPage]:
        """The public pages, with one query for their types and another for each type."""
        kinds = defaultdict(list)
        for page in self.base_pages(keys).values():
            kinds[page.content_type_id].append(page.pk)
        for kind, keys_of_kind in sorted(kinds.items()):
            page_type: Any = ContentType.objects.get_for_id(kind).model_class()
            yield from _rows(page_type, "pk", keys=keys_of_kind)

    def base_pages(self, keys: Iterable[int]) -> dict[int, ContentPage]:
        """The public pages among these primary keys, as `ContentPage`: enough for title and address. One query."""
        keys = set(keys)
        missing = keys - self._base_pages.keys()
        if missing:
            self._base_pages.update(dict.fromkeys(missing))
            for page in _public_pages(ContentPage, keys=sorted(missing), as_of=self.as_of):
                self.will_tell_of(page)
                self._base_pages[page.pk] = page
        return {key: page for key in keys if (page := self._base_pages.get(key)) is not None}

    def remember(self, pages: Iterable[ContentPage]) -> list[Any]:
        """Make a group of pages from a query for public pages, and cache them by primary key."""
        found = self.together(pages)
        for page in found:
            self.will_tell_of(page)
            self._pages[page.pk] = self._base_pages[page.pk] = page
        return [self._pages[page.pk] for page in found]

    def will_tell_of(self, page: Page | None) -> None:
        """Note that the response reveals something about a public page, if only its address."""
        if page is not None:
            self._revealed_types.add(page.content_type_id)

    def will_tell_of_withdrawn(self, page: Withdrawn) -> None:
        """Note that the response reveals something about a page that is not public any more.

        Its type may be unknown, because it may be deleted. A page with a safe exit counts as a notice, as on the
        website (pages/web/views.py).
        """
        self._tells_of_safe_exit |= page.show_safe_exit

    @property
    def saw_a_notice(self) -> bool:
        """Whether the response reveals something about a death-review notice, so that it must not be cached: a takedown
        must take effect at once."""
        if self._tells_of_safe_exit:
            return True
        types = (ContentType.objects.get_for_id(key).model_class() for key in self._revealed_types)
        return any(issubclass(model, DeathReviewNoticePage) for model in types if model)

    def changed_page(self, change: PublicChange) -> ContentPage | None:
        """The page of a change, if it is public."""

        def load(members: list[Any]) -> dict[Any, Any]:
            found = self.pages(key for member in members if (key := member.record.page_id))
            return {member.pk: found.get(member.record.page_id) for member in members}

        return self.for_all(change, "changed page", load)

    def ancestors(self, page: ContentPage) -> list[ContentPage]:
        """The ancestors of a public page, home page first. All are public, or the page would not be."""

        def load(members: list[Any]) -> dict[Any, Any]:
            above = {path for member in members for path in _paths_above(member)}
            keys = dict(_paths(paths=sorted(above)))
            pages = self.pages(keys.values())
            found = {path: pages[key] for path, key in keys.items() if key in pages}
            return {member.pk: [found[path] for path in _paths_above(member) if path in found] for member in members}

        return self.for_all(page, "ancestors", load, ContentPage)

    def priorities_of(self, period: ContentPage) -> list[PriorityPage]:
        """The public priorities below a period, by number."""

        def load(members: list[Any]) -> dict[Any, Any]:
            paths = {member.path: member.pk for member in members}
            found: dict[Any, list[Any]] = {key: [] for key in paths.values()}
            for priority in self.remember(_priorities_below(paths=list(paths), as_of=self.as_of)):
                found[paths[priority.path[: -Page.steplen]]].append(priority)
            return found

        return self.for_all(period, "priorities", load)

    @cached_property
    def periods(self) -> tuple[list[Any], Any, list[Any]]:
        """Past periods, the current one, and future ones."""
        past, now, future = current.periods(self.as_of)
        self.remember([*past, *([now] if now else []), *future])
        return past, now, future

    def period_status(self, period: PriorityPeriodPage) -> PeriodStatus:
        _, now, future = self.periods
        if now is not None and period.pk == now.pk:
            return PeriodStatus.CURRENT
        return PeriodStatus.FUTURE if any(period.pk == other.pk for other in future) else PeriodStatus.PAST

    # --- Foreign keys and child objects ---

    def related(self, obj: Model, source: str) -> Any:
        """The public page, snippet or file to which a foreign key of `obj` refers, or None.

        Raises LookupError for a foreign key to any other model.
        """
        target: Any = obj._meta.get_field(source).related_model

        def find(keys: set[int]) -> dict[int, Any]:
            if issubclass(target, Page):
                return self.pages(keys, ContentPage if target is Page else target)
            return self._public(target, keys, type(obj))

        return self._related(obj, source, "related", find)

    def related_base_page(self, obj: Model, source: str) -> ContentPage | None:
        """The public page to which a foreign key of `obj` refers, as `ContentPage`, or None."""
        found: ContentPage | None = self._related(obj, source, "related base page", self.base_pages)
        return found

    def _related(self, obj: Model, source: str, key: str, find: Callable[[set[int]], dict[int, Any]]) -> Any:
        attname = obj._meta.get_field(source).attname  # type: ignore[union-attr]

        def load(members: list[Any]) -> dict[Any, Any]:
            found = find({getattr(member, attname) for member in members} - {None})
            return {member.pk: found.get(getattr(member, attname)) for member in members}

        return self.for_all(obj, (key, source), load)

    def _public(self, model: type[AnyModel], keys: set[int], on: type[Model]) -> dict[int, AnyModel]:
        """The public snippets or files that objects of the model `on` may show, by primary key."""
        if not (model in (Document, Image) or model._meta.app_label == "pages"):
            raise LookupError(f"{model._meta.label} is not a model that readers may see.")
        prepared = self._prepared.get((model, is_of_notices(on)), {})
        found = {key: obj for key in keys if (obj := prepared.get(key)) is not None}
        missing = keys - prepared.keys()
        return found | self._find(model, missing, on) if missing else found

    def _find(self, model: type[Model], keys: set[int], on: type[Model]) -> dict[int, Any]:
        of_keys = sorted(keys)
        if model in (Document, Image):
            rows: Iterable[Any] = self._files(model, keys, on)
        elif issubclass(model, ModeratedSnippet):
            rows = _snippets(model, keys=of_keys, as_of=self.as_of)
        else:
            rows = _rows(model, "pk", keys=of_keys)  # labels, which are always public
        return {row.pk: row for row in self.together(rows)}

    def _files(self, model: type[Document] | type[Image], keys: set[int], on: type[Model]) -> Iterable[Any]:
        return (_documents if model is Document else _images)(on, keys=sorted(keys), as_of=self.as_of)

    def children(self, obj: Model, source: str) -> list[Any]:
        """The child objects of an object, in the order of their model."""
        relation: Any = obj._meta.get_field(source)
        model, attname = relation.related_model, relation.field.attname

        def load(members: list[Any]) -> dict[Any, Any]:
            rows = self.rows(model, [member.pk for member in members], relation.field.name)
            owners = {member.pk: member for member in members}
            found: dict[Any, list[Any]] = {key: [] for key in owners}
            for row in self.together(rows):
                owner = owners[getattr(row, attname)]
                setattr(row, relation.field.name, owner)  # its id is derived from that of its page
                found[owner.pk].append(row)
            return found

        return self.for_all(obj, ("children", source), load, relation.model)

    def topics(self, page: ContentPage) -> list[Topic]:
        def load(members: list[Any]) -> dict[Any, Any]:
            found: dict[Any, list[Any]] = {member.pk: [] for member in members}
            topics: dict[tuple[Any, ...], Topic] = {}  # many pages have the same
            for page_key, *columns in _topic_links(pages=[member.pk for member in members]):
                values = tuple(columns)
                if values not in topics:
                    topics[values] = Topic.from_db(DEFAULT_DB_ALIAS, TOPIC_COLUMNS, values)
                found[page_key].append(topics[values])
            return found

        return self.for_all(page, "topics", load, ContentPage)

    def support_services(self, notice: DeathReviewNoticePage) -> list[SupportService]:
        def load(members: list[Any]) -> dict[Any, Any]:
            return self._named_by_rows(NoticeSupportService, "service", [member.pk for member in members])

        return self.for_all(notice, "support services", load)

    def _named_by_rows(self, row_model: type[Model], source: str, pages: list[Any]) -> dict[Any, list[Any]]:
        """The public snippets or files to which child objects of pages refer, in order, by the key of the page."""
        relation: Any = row_model._meta.get_field(source)
        rows = self.rows(row_model, pages)
        named_objects = self._public(
            relation.related_model, {getattr(row, relation.attname) for row in rows} - {None}, row_model
        )
        found: dict[Any, list[Any]] = {key: [] for key in pages}
        for row in rows:
            if (named := named_objects.get(getattr(row, relation.attname))) is not None:
                found[row.page_id].append(named)
        return found

    # --- Documents of pages ---

    def page_documents(self, page: ContentPage, datasets: bool) -> list[Document]:
        def load(members: list[Any]) -> dict[Any, Any]:
            return self._named_by_rows(PageDocument, "document", [member.pk for member in members])

        documents = self.for_all(page, "page documents", load, ContentPage)
        return [document for document in documents if (document.kind == DocumentKind.DATASET) == datasets]

    def papers(self, meeting: MeetingPage) -> list[Paper]:
        return self.for_all(meeting, "papers", lambda members: self._papers_by_meeting({m.pk: m for m in members}))

    def papers_of(self, item: AgendaItem) -> list[Paper]:
        """The public papers of an agenda item: those of its meeting with its number."""

        def load(members: list[Any]) -> dict[Any, Any]:
            by_meeting = self._papers_by_meeting({member.page_id: member.page for member in members})
            return {
                member.pk: [
                    paper
                    for paper in by_meeting[member.page_id]
                    if same_number(paper.agenda_item_number) == same_number(member.number)
                ]
                for member in members
            }

        return self.for_all(item, "papers", load)

    def _papers_by_meeting(self, meetings: dict[int, Any]) -> dict[int, list[Paper]]:
        if missing := meetings.keys() - self._papers_of.keys():
            for key, papers in self._papers(list(missing)).items():
                self._papers_of[key] = papers
                for paper in papers:
                    paper.page = meetings[key]
        return {key: self._papers_of[key] for key in meetings}

    def _papers(self, meetings: list[int]) -> dict[int, list[Paper]]:
        """The papers whose document is public, with the document, by meeting. Keeps the times of their publication."""
        rows = self.rows(Paper, meetings)
        documents = self._public(Document, {row.document_id for row in rows} - {None}, Paper)
        for page, document, since in _documents_since(pages=meetings):
            self._public_since[page, document] = since
        found: dict[int, list[Paper]] = {key: [] for key in meetings}
        for row in rows:
            if row.document_id in documents:
                row.document = documents[row.document_id]
                found[row.page_id].append(row)
        return found

    def paper_published_at(self, paper: Paper) -> datetime | None:
        """Since when a paper that this loader returned is public with its meeting."""
        return self._public_since.get((paper.page_id, paper.document_id))

    def agenda_published_at(self, meeting: MeetingPage) -> datetime | None:
        """Since when the first public agenda of a meeting is public."""
        agendas = (paper for paper in self.papers(meeting) if paper.kind == PaperKind.AGENDA)
        return min((since for paper in agendas if (since := self.paper_published_at(paper))), default=None)

    def html_equivalent(self, document: Document) -> ContentPage | None:
        """The public web page with the same content as a document, as `ContentPage`."""
        return self.related_base_page(document, "html_equivalent")

    def rendition(self, image: Image, name: str) -> Rendition:
        """The image in one of the sizes of `RENDITIONS`. Made on upload, and made again here if it is missing.

        Raises SourceImageIOError if the original file is missing too.
        """
        spec = RENDITIONS[name]

        def load(members: list[Any]) -> dict[Any, Any]:
            return {row.image_id: row for row in _renditions((spec,), images=[member.pk for member in members])}

        rendition = self.for_all(image, ("rendition", name), load) or image.get_rendition(spec)
        rendition.image = image
        return rendition

    def srcset(
        self, image: Image, crop: PictureCrop, widths: Iterable[int], image_format: PictureFormat
    ) -> list[Rendition]:
        """The image in these of the widths of `srcset`, the smallest first. Empty until they are drawn.

        In place of widths above its own, there is its own.
        """
        specs = {srcset_spec(crop, width, image_format): width for width in WIDTHS}

        def load(members: list[Any]) -> dict[Any, Any]:
            found: dict[Any, dict[int, Rendition]] = {}
            for row in _renditions(tuple(specs), images=[member.pk for member in members]):
                found.setdefault(row.image_id, {})[specs[row.filter_spec]] = row
            return found

        drawn = self.for_all(image, ("srcset", crop, image_format), load) or {}
        widest = max(srcset_widths(crop, (image.width, image.height)))
        sizes = [drawn[width] for width in sorted({min(width, widest) for width in widths}) if width in drawn]
        for rendition in sizes:
            rendition.image = image
        return sizes

    # --- Rich text and blocks ---

    def rich_text(self, obj: Model, source: str) -> RichTextValue:
        return render(source, self._named(obj).links)

    def page_in(self, obj: Model, key: int | None) -> ContentPage | None:
        """The public page to which a block of `obj` refers, as an instance of its page type."""
        base_pages = self.base_pages(self._named(obj).page_keys)
        return self.pages(base_pages).get(int(key)) if key and int(key) in base_pages else None

    def base_page_in(self, obj: Model, key: int | None) -> ContentPage | None:
        """The public page to which a block of `obj` refers, as `ContentPage`."""
        return self.base_pages(self._named(obj).page_keys).get(int(key)) if key else None

    def document_in(self, obj: Model, key: int | None) -> Document | None:
        return self._named(obj).documents.get(int(key)) if key else None

    def image_in(self, obj: Model, key: int | None) -> Image | None:
        return self._named(obj).images.get(int(key)) if key else None

    def _named(self, obj: Model) -> Named:
        """The public objects to which rich text and blocks of the object's group refer; the same for each member."""

        def load(members: list[Any]) -> dict[Any, Any]:
            references = named_in_text(members)
            if references.chosen_pages:  # their title or type is needed, too
                self.base_pages(references.pages)
            documents = self._public(Document, references.documents, type(obj))
            images = self._public(Image, references.images, type(obj))
            links = LinkTargets(
                pages=self._page_addresses(references.pages),
                documents={key: document.address for key, document in documents.items()},
            )
            return dict.fromkeys((member.pk for member in members), Named(references.pages, documents, images, links))

        named: Named = self.for_all(obj, "named", load)
        return named

    def _page_addresses(self, keys: set[int]) -> dict[int, str]:
        """The addresses of the public pages among these, without making an object of each: texts have many links."""
        found = {key: addresses.url(page) for key in keys if (page := self._base_pages.get(key)) is not None}
        unknown = keys - self._base_pages.keys()
        if unknown:
            for key, tree_path, page_type in _page_links(keys=sorted(unknown), as_of=self.as_of):
                self._revealed_types.add(page_type)
                found[key] = addresses.website(addresses.site_path(tree_path))
        return found
