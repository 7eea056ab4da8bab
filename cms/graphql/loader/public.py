"""Loads what one GraphQL request needs: only what is public, and for all objects of a list at once.

Objects that were loaded together know each other (`Group`). The first one that is asked for its venue, its actions
or a page it links to has that loaded for all of them, so the number of SQL queries depends on the shape of a request
and not on how many rows it finds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet, Value
from django.db.models.functions import Length, Substr
from django.utils import timezone
from wagtail.images.models import SourceImageIOError
from wagtail.models import Page

from cms.graphql.errors import Fault
from cms.graphql.types.connections import NO_CURSOR, BadArgument, Connection, Order, paginate_each
from documents.access.public_files import public_documents, public_images, shown_on
from documents.choices import DocumentKind
from documents.models import RENDITIONS, Document, Image, PublishedFile, Rendition
from pages.content import addresses
from pages.content.choices import PaperKind, PeriodStatus
from pages.content.references import of_blocks_and_text, raw_blocks
from pages.content.rich_text import LinkTargets, RichTextValue, render
from pages.graphql.public_fields import Block
from pages.models import (
    ContentPage,
    DeathReviewNoticePage,
    MeetingPage,
    NewsPage,
    NoticeSupportService,
    PageDocument,
    Paper,
    PriorityPage,
    PublicChange,
    PublicRecord,
    SupportService,
    Topic,
)
from pages.models.meetings import same_number
from pages.visibility import current
from pages.visibility.at_path import Withdrawn, at_path
from pages.visibility.rule import public, public_snippets

NEWS_ORDER = Order("news", ("-first_published_at", "-uuid"))


class TreeOrder(Order):
    """The order that editors gave the pages below a page.

    A cursor names a page, and where that stands is looked up when the cursor is used. Its tree path changes when pages
    are moved, and would tell how many hidden pages stand beside it.
    """

    named = Order("tree", ("uuid",))

    def cursor(self, row: ContentPage) -> str:
        return self.named.cursor(row)

    def place(self, argument: str, cursor: str) -> str:
        """The tree path of the page that a cursor names, also when it is public no longer. Raises `BadArgument`."""
        [key] = self.named.values(ContentPage.objects.all(), argument, cursor)
        path = PublicRecord.objects.filter(pk=key).values_list("page__path", flat=True).first()
        if path is None:
            raise BadArgument(argument, "the page of this cursor was deleted: start again without a cursor.")
        return path

    def values(self, queryset: QuerySet, argument: str, cursor: str) -> list[Any]:
        return [cursor]  # `Loader.page_children` has put the place in its stead


TREE_ORDER = TreeOrder("tree", ("path",))


class Group:
    """Objects that were loaded together, and what was loaded for all of them."""

    def __init__(self, members: list[Any]) -> None:
        self.members = members
        self.values: dict[Any, dict[Any, Any]] = {}


@dataclass
class Context:
    """What resolvers get as `info.context`: the instant that the whole answer is about, and the loader."""

    at: datetime
    loader: "Loader"

    @classmethod
    def now(cls) -> Self:
        at = timezone.now()
        return cls(at, Loader(at))

    @staticmethod
    def local(moment: datetime | None) -> datetime | None:
        """An instant with the offset of Europe/London, as the contract gives times."""
        return timezone.localtime(moment) if moment else None


class Loader:
    def __init__(self, at: datetime) -> None:
        self.at = at
        self._pages: dict[int, ContentPage | None] = {}
        self.saw_a_notice = False  # a takedown of a death-review notice must not wait until a cache forgets it

    # --- Groups ---

    def together(self, objects: Iterable[Any]) -> list[Any]:
        """Make a group of objects that were just loaded; those of an earlier group stay there."""
        members = list(objects)
        group = Group(members)
        for obj in members:
            obj.__dict__.setdefault("_group", group)
        return members

    def _for_all(
        self, obj: Any, key: Any, load: Callable[[list[Any]], dict[Any, Any]], on: type[Model] | None = None
    ) -> Any:
        """What `load` finds for this object; it runs once for the object's group and answers by primary key.

        A group may hold pages of several types. Those have the field that are of the model `on`; without it, those of
        this object's own type.
        """
        if "_group" not in obj.__dict__:
            self.together([obj])
        group = obj.__dict__["_group"]
        on = on or type(obj)
        if (on, key) not in group.values:
            group.values[on, key] = load([member for member in group.members if isinstance(member, on)])
        return group.values[on, key].get(obj.pk)

    def rows(self, model: Any, keys: list[Any], page: str = "page") -> list[Any]:
        """The rows that belong to the pages or objects with these keys, in the order of their model."""
        return list(model._default_manager.filter(**{f"{page}__in": keys}))

    # --- Pages ---

    def page_at(self, path: str) -> ContentPage | Withdrawn | None:
        """What the API tells of a path."""
        found = at_path(path, self.at)
        if isinstance(found, ContentPage):
            return self.pages([found.pk]).get(found.pk)
        return found if isinstance(found, Withdrawn) else None

    def pages(self, keys: Iterable[int], model: type[ContentPage] = ContentPage) -> dict[int, ContentPage]:
        """The public pages among these primary keys, each as its own page type."""
        keys = set(keys)
        missing = keys - self._pages.keys()
        if missing:
            self._pages.update(dict.fromkeys(missing))
            if model is not ContentPage:
                found = list(public(model.objects.filter(pk__in=missing), self.at))
            else:
                found = []
                kinds = defaultdict(list)
                rows = public(ContentPage.objects.filter(pk__in=missing), self.at)
                for key, kind in rows.values_list("pk", "content_type_id"):
                    kinds[kind].append(key)
                for kind, keys_of_kind in sorted(kinds.items()):
                    page_type = ContentType.objects.get_for_id(kind).model_class()
                    found += page_type.objects.filter(pk__in=keys_of_kind)  # type: ignore[union-attr]
            self.remember(found)
        return {key: page for key in keys if (page := self._pages.get(key)) is not None}

    def remember(self, pages: Iterable[ContentPage]) -> list[Any]:
        """Pages that a query of public pages found: a group, and known by key from now on."""
        found = self.together(pages)
        for page in found:
            self.will_tell_of(page)
        self._pages.update({page.pk: page for page in found})
        return [self._pages[page.pk] for page in found]

    def will_tell_of(self, page: Page | None) -> None:
        """Called with a public page that the answer tells something of, if only where it is."""
        self.saw_a_notice |= page is not None and issubclass(page.specific_class, DeathReviewNoticePage)

    def changed_page(self, change: PublicChange) -> ContentPage | None:
        """The page that a change is about, while it is public."""

        def load(members: list[Any]) -> dict[Any, Any]:
            found = self.pages(key for member in members if (key := member.record.page_id))
            return {member.pk: found.get(member.record.page_id) for member in members}

        return self._for_all(change, "changed page", load)

    def ancestors(self, page: ContentPage) -> list[ContentPage]:
        """The pages above a public page, home page first. They are public, or the page would not be."""

        def paths(member: Page) -> list[str]:
            return [member.path[: Page.steplen * level] for level in range(2, member.depth)]

        def load(members: list[Any]) -> dict[Any, Any]:
            above = {path for member in members for path in paths(member)}
            keys = ContentPage.objects.filter(path__in=above).values_list("path", "pk")
            by_path = dict(keys)
            found = self.pages(by_path.values())
            return {
                member.pk: [
                    found[by_path[path]] for path in paths(member) if path in by_path and by_path[path] in found
                ]
                for member in members
            }

        return self._for_all(page, "ancestors", load, ContentPage)

    def page_children(self, page: ContentPage, args: dict[str, Any]) -> Connection:
        cursors = {name: cursor for name in ("after", "before") if (cursor := args.get(name)) is not None}

        def load(members: list[Any]) -> dict[Any, Any]:
            places = {name: TREE_ORDER.place(name, cursor) for name, cursor in cursors.items()}
            parents = {
                member.path: member.pk
                for member in members
                if all(place[: -Page.steplen] == member.path for place in places.values())
            }
            below = public(ContentPage.objects.all(), self.at).annotate(
                parent_path=Substr("path", Value(1), Length("path") - Value(Page.steplen))
            )
            found = paginate_each(below, "parent_path", list(parents), TREE_ORDER, {**args, **places})
            everything = self.pages(row.pk for connection in found.values() for row in connection.items)
            for connection in found.values():
                connection.items = [everything[row.pk] for row in connection.items if row.pk in everything]
            return {parents[path]: connection for path, connection in found.items()}

        found = self._for_all(page, ("children", *sorted(args.items())), load, ContentPage)
        if found is None:  # a cursor belongs to the list below one page
            raise BadArgument(next(iter(cursors)), NO_CURSOR)
        return found

    def news_of(self, priority: PriorityPage, args: dict[str, Any]) -> Connection:
        def load(members: list[Any]) -> dict[Any, Any]:
            news = public(NewsPage.objects.all(), self.at)
            keys = [member.pk for member in members]
            found = paginate_each(news, "priority_id", keys, NEWS_ORDER, args)
            self.remember(item for connection in found.values() for item in connection.items)
            return found

        return self._for_all(priority, ("news", *sorted(args.items())), load)

    def priorities_of(self, period: ContentPage) -> list[PriorityPage]:
        def load(members: list[Any]) -> dict[Any, Any]:
            paths = {member.path: member.pk for member in members}
            rows = public(PriorityPage.objects.all(), self.at).annotate(
                parent_path=Substr("path", Value(1), Length("path") - Value(Page.steplen))
            )
            found: dict[Any, list[Any]] = {key: [] for key in paths.values()}
            for priority in self.remember(rows.filter(parent_path__in=paths).order_by("number", "uuid")):
                found[paths[priority.path[: -Page.steplen]]].append(priority)
            return found

        return self._for_all(period, "priorities", load)

    @cached_property
    def periods(self) -> tuple[list[Any], Any, list[Any]]:
        """Past periods, the current one, and future ones."""
        past, now, future = current.periods(self.at)
        self.remember([*past, *([now] if now else []), *future])
        return past, now, future

    def period_status(self, period: Any) -> PeriodStatus:
        _, now, future = self.periods
        if now is not None and period.pk == now.pk:
            return PeriodStatus.CURRENT
        return PeriodStatus.FUTURE if any(period.pk == other.pk for other in future) else PeriodStatus.PAST

    # --- What foreign keys and rows lead to ---

    def related(self, obj: Model, source: str) -> Any:
        """The public page, snippet or file that a foreign key of `obj` names, or None."""
        relation: Any = obj._meta.get_field(source)
        target = relation.related_model

        def load(members: list[Any]) -> dict[Any, Any]:
            keys = {getattr(member, relation.attname) for member in members} - {None}
            found = self._public(target, keys, type(obj))
            return {member.pk: found.get(getattr(member, relation.attname)) for member in members}

        return self._for_all(obj, ("related", source), load)

    def _public(self, model: Any, keys: set[int], on: type[Model]) -> dict[int, Any]:
        """Those of a model that are public and may be shown by objects of the type `on`."""
        if not keys:
            return {}
        if issubclass(model, Page):
            return self.pages(keys, ContentPage if model is Page else model)
        if model is Document:
            return self._documents(keys, on)
        if model is Image:
            return self._images(keys, on)
        rows = public_snippets(model._default_manager.filter(pk__in=keys), self.at)
        return {row.pk: row for row in self.together(rows)}

    def _documents(self, keys: set[int], on: type[Model]) -> dict[int, Document]:
        rows = shown_on(on, public_documents(Document.objects.filter(pk__in=keys), self.at)) if keys else []
        return {row.pk: row for row in self.together(rows)}

    def _images(self, keys: set[int], on: type[Model]) -> dict[int, Image]:
        rows = shown_on(on, public_images(Image.objects.filter(pk__in=keys), self.at)) if keys else []
        return {row.pk: row for row in self.together(rows)}

    def children(self, obj: Model, source: str) -> list[Any]:
        """The rows under an object, in the order of their model."""
        relation: Any = obj._meta.get_field(source)
        model, key = relation.related_model, relation.field.attname

        def load(members: list[Any]) -> dict[Any, Any]:
            rows = self.rows(model, [member.pk for member in members], relation.field.name)
            found: dict[Any, list[Any]] = {member.pk: [] for member in members}
            for row in self.together(rows):
                found[getattr(row, key)].append(row)
            return found

        return self._for_all(obj, ("children", source), load, relation.model)

    def topics(self, page: ContentPage) -> list[Topic]:
        def load(members: list[Any]) -> dict[Any, Any]:
            links = ContentPage.topics.through.objects.filter(contentpage_id__in=[m.pk for m in members])
            found: dict[Any, list[Any]] = {member.pk: [] for member in members}
            for link in links.select_related("topic").order_by("topic__name"):
                found[link.contentpage_id].append(link.topic)
            return found

        return self._for_all(page, "topics", load, ContentPage)

    def support_services(self, notice: DeathReviewNoticePage) -> list[SupportService]:
        def load(members: list[Any]) -> dict[Any, Any]:
            rows = self.rows(NoticeSupportService, [member.pk for member in members])
            services = self._public(SupportService, {row.service_id for row in rows}, NoticeSupportService)
            found: dict[Any, list[Any]] = {member.pk: [] for member in members}
            for row in rows:
                if row.service_id in services:
                    found[row.page_id].append(services[row.service_id])
            return found

        return self._for_all(notice, "support services", load)

    # --- Documents of pages ---

    def page_documents(self, page: ContentPage, datasets: bool) -> list[Document]:
        def load(members: list[Any]) -> dict[Any, Any]:
            rows = self.rows(PageDocument, [member.pk for member in members])
            documents = self._documents({row.document_id for row in rows}, PageDocument)
            found: dict[Any, list[Any]] = {member.pk: [] for member in members}
            for row in rows:
                if row.document_id in documents:
                    found[row.page_id].append(documents[row.document_id])
            return found

        return [
            document
            for document in self._for_all(page, "page documents", load, ContentPage)
            if (document.kind == DocumentKind.DATASET) == datasets
        ]

    def papers(self, meeting: MeetingPage) -> list[Paper]:
        return self._for_all(meeting, "papers", lambda members: self._papers([m.pk for m in members]))

    def papers_of(self, item: Any) -> list[Paper]:
        """The papers of one agenda item: those of its meeting that carry its number."""

        def load(members: list[Any]) -> dict[Any, Any]:
            by_meeting = self._papers([member.page_id for member in members])
            return {
                member.pk: [
                    paper
                    for paper in by_meeting[member.page_id]
                    if same_number(paper.agenda_item_number) == same_number(member.number)
                ]
                for member in members
            }

        return self._for_all(item, "papers", load)

    def _papers(self, meetings: list[int]) -> dict[int, list[Paper]]:
        """Papers whose document is public, with the document and the time since when it is public there."""
        rows = self.rows(Paper, meetings)
        documents = self._documents({row.document_id for row in rows}, Paper)
        since = {
            (page, document): first
            for page, document, first in PublishedFile.objects.filter(
                page_id__in=meetings, document__isnull=False
            ).values_list("page_id", "document_id", "first_public_at")
        }
        found: dict[int, list[Paper]] = {key: [] for key in meetings}
        for row in rows:
            if row.document_id in documents:
                row.document = documents[row.document_id]
                row.__dict__["published_at"] = since.get((row.page_id, row.document_id))
                found[row.page_id].append(row)
        return found

    def paper_published_at(self, paper: Paper) -> datetime | None:
        return Context.local(paper.__dict__["published_at"])

    def agenda_published_at(self, meeting: MeetingPage) -> datetime | None:
        times = [
            paper.__dict__["published_at"]
            for paper in self.papers(meeting)
            if paper.kind == PaperKind.AGENDA and paper.__dict__["published_at"]
        ]
        return Context.local(min(times, default=None))

    def html_equivalent_url(self, document: Document) -> str | None:
        page = self.related(document, "html_equivalent")
        return addresses.url(page) if page else None

    # --- Rich text and blocks ---

    def rich_text(self, obj: Model, source: str) -> RichTextValue:
        return render(source, self._targets(obj)[0])

    def blocks(self, obj: Any, stream: Any) -> list[Block]:
        return [
            Block(obj, type(stream.stream_block.child_blocks[raw["type"]]), raw["value"], raw.get("id"))
            for raw in raw_blocks(stream)
            if raw["type"] in stream.stream_block.child_blocks
        ]

    def page_in(self, obj: Model, key: int | None) -> ContentPage | None:
        return self._targets(obj)[1].get(key) if key else None

    def document_in(self, obj: Model, key: int | None) -> Document | None:
        return self._targets(obj)[2].get(key) if key else None

    def image_in(self, obj: Model, key: int | None) -> Image | None:
        return self._targets(obj)[3].get(key) if key else None

    def _targets(self, obj: Any) -> tuple[LinkTargets, dict[int, ContentPage], dict[int, Document], dict[int, Image]]:
        """What the text and blocks of an object may show, loaded for its whole group; the same for each member."""

        def load(members: list[Any]) -> dict[Any, Any]:
            references = [of_blocks_and_text(member) for member in members]
            pages = self.pages(key for found in references for key in found.pages)
            documents = self._documents({key for found in references for key in found.documents}, type(obj))
            images = self._images({key for found in references for key in found.images}, type(obj))
            targets = LinkTargets(
                pages={key: addresses.url(page) for key, page in pages.items()},
                documents={key: document.address for key, document in documents.items()},
            )
            return dict.fromkeys((member.pk for member in members), (targets, pages, documents, images))

        return self._for_all(obj, "targets", load)

    def rendition(self, image: Image, name: str) -> Rendition:
        """One of the named sizes. It was made when the picture was uploaded; made now only if it got lost."""
        spec = RENDITIONS[name]

        def load(members: list[Any]) -> dict[Any, Any]:
            rows = Rendition.objects.filter(image__in=[member.pk for member in members], filter_spec=spec)
            return {row.image_id: row for row in rows}

        rendition = self._for_all(image, ("rendition", name), load)
        if rendition is None:
            try:
                rendition = image.get_rendition(spec)
            except SourceImageIOError as error:
                raise Fault("The file of this picture is missing.") from error
        rendition.image = image
        return rendition
