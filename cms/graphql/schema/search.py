"""The root field `search`: public pages that have all the words asked for, ranked, each with a part of its text.

Results are ranked by where a page has the words (`Place`), and within that by its last major update, the newest first.
How rare a word is does not count: databases reckon that with all that is in the index, drafts included, so the order of
public pages would tell of hidden ones. As it is, where a page stands depends on nothing but itself, and cursors are
exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import graphene
from django.contrib.contenttypes.models import ContentType
from django.db.models import Case, F, Min, QuerySet, Value, When
from django.db.models.functions import Coalesce
from graphene.utils.str_converters import to_snake_case
from grapple.registry import registry
from wagtail.search.backends import get_search_backend
from wagtail.search.query import And, Phrase, PlainText

from cms.graphql.context import context_of
from cms.graphql.types.connections import (
    BadArgumentError,
    Connection,
    Edge,
    Order,
    by_slug_or_id,
    connection_args,
    connection_type,
    empty_connection,
    is_storable,
    paginate,
)
from cms.graphql.types.interfaces import PageInterface
from documents.access.public_files import without_hidden_files
from pages.content.search_words import Wanted, digest, highlight
from pages.graphql.public_fields import list_of
from pages.models import ContentPage, SearchText, Topic
from pages.models.search_text import Place, in_index
from pages.visibility.rule import public_rows

MAX_QUERY = 200
# Letters that are read to mark the words in the results of one answer, shared evenly among them: some 20 ms of CPU. A
# word that stands further down in a long text is found all the same, only not shown.
LETTERS = 500_000
COLUMNS = ("place", "-updated", "-uuid")
# Backends outside the database give keys, and the rule for what is public is asked of those: so many at most.
MOST_FROM_ELSEWHERE = 5_000


def page_types() -> dict[str, type[ContentPage]]:
    """The page types by the names that the enumeration gives them, as in NEWS_PAGE."""
    models = (model for model in registry.pages if issubclass(model, ContentPage) and model is not ContentPage)
    return {to_snake_case(model.__name__).upper(): model for model in sorted(models, key=lambda model: model.__name__)}


class _Names(dict[str, str]):
    """Graphene asks for the description of an enumeration and of its members in one way."""

    def __call__(self, member: Any) -> str:
        return "The types of pages." if member is None else self[member.name]


PAGE_TYPES = page_types()
PageType = graphene.Enum(
    "PageType",
    [(name, name) for name in PAGE_TYPES],
    description=_Names({name: f"{str(model._meta.verbose_name).capitalize()}." for name, model in PAGE_TYPES.items()}),
)


# --- What is found -------------------------------------------------------------------------------------------


def matching(wanted: Wanted, place: Place) -> Any:
    """The keys of the `SearchText` rows that Wagtail's search backend finds, of public pages and of others."""
    asked = [
        PlainText(part, operator="and") if isinstance(part, str) else Phrase(" ".join(part))
        for part in in_index(wanted, place)
    ]
    query = asked[0] if len(asked) == 1 else And(asked)
    results = get_search_backend().search(query, SearchText.objects.all(), order_by_relevance=False)
    if hasattr(results, "get_queryset"):  # a database's: part of the one query that also asks what is public
        return results.get_queryset().order_by().values("pk")
    return [row.pk for row in results[:MOST_FROM_ELSEWHERE]]


def found(wanted: Wanted, as_of: datetime, types: Iterable[str] | None, topic: str | None) -> QuerySet[SearchText]:
    """What is public at the instant and has all that was asked for: of pages, and of files on them."""
    rows = SearchText.objects.filter(pk__in=matching(wanted, Place.TEXT))
    if types is not None:
        kinds = ContentType.objects.get_for_models(*(PAGE_TYPES[name] for name in types)).values()
        rows = rows.filter(page__content_type__in=[kind.pk for kind in kinds])
    if topic is not None:
        topics = by_slug_or_id(Topic.objects.all(), topic).values("pk")
        rows = rows.filter(page__in=ContentPage.objects.filter(topics__in=topics).values("pk"))
    return without_hidden_files(public_rows(rows, "page__", as_of))


def ranked(rows: QuerySet[SearchText], wanted: Wanted) -> QuerySet:
    """One row for each page: its key, what `COLUMNS` order by, and the first of its files that was found."""
    place = Case(
        When(document__isnull=False, then=Value(Place.FILE)),
        When(pk__in=matching(wanted, Place.TITLE), then=Value(Place.TITLE)),
        When(pk__in=matching(wanted, Place.SUMMARY), then=Value(Place.SUMMARY)),
        default=Value(Place.TEXT),
    )
    return (
        rows.annotate(uuid=F("page__uuid"), updated=Coalesce("page__public_updated_at", "page__first_published_at"))
        .values("page_id", "uuid", "updated")  # one group for each page
        .annotate(place=Min(place), file=Min("document_id"))
        .values_list("page_id", "uuid", "updated", "place", "file", named=True)
    )


@dataclass(frozen=True)
class Result:
    """A page that was found, with what orders it."""

    page: Any
    place: int
    updated: datetime
    uuid: UUID
    file: int | None
    all: "Results"


class Results:
    """The results of one answer, and the texts that their highlights are cut from, loaded for all of them at once."""

    def __init__(self, rows: list[Any], pages: dict[int, Any], wanted: Wanted) -> None:
        self.wanted = wanted
        self.items = [
            Result(pages[row.page_id], row.place, row.updated, row.uuid, row.file, self)
            for row in rows
            if row.page_id in pages
        ]
        self._highlights: dict[UUID, str | None] = {}

    @cached_property
    def texts(self) -> dict[tuple[int, int | None], list[str]]:
        """By page and file, the texts of the search as they were published."""
        keys = [item.page.pk for item in self.items]
        own = SearchText.objects.filter(page__in=keys, document=None)
        texts: dict[tuple[int, int | None], list[str]] = {(row.page_id, None): [row.summary, row.text] for row in own}
        in_files = [item for item in self.items if item.place == Place.FILE]
        if in_files:
            rows = SearchText.get_indexed_objects().filter(
                page__in=[item.page.pk for item in in_files], document__in={item.file for item in in_files}
            )
            texts |= {(row.page_id, row.document_id): [f"{row.text}\n{row.words_of_file()}"] for row in rows}
        return texts

    def highlight(self, item: Result) -> str | None:
        """Worked out once, under however many names it is asked for."""
        if item.uuid not in self._highlights:
            own = self.texts.get((item.page.pk, None), ["", ""])
            file = self.texts.get((item.page.pk, item.file), []) if item.place == Place.FILE else []
            self._highlights[item.uuid] = highlight([*own, *file], self.wanted, LETTERS // len(self.items)) or None
        return self._highlights[item.uuid]


# --- The field -----------------------------------------------------------------------------------------------


class ResultEdge(Edge):
    """A result of a search."""

    class Meta:
        abstract = True

    highlight = graphene.String(
        description="The part of the summary, the text or the file that has most of the words, about 300 characters at "
        "most: HTML in which only `<mark>` stands, around the words. Null when only the title has them, or when "
        "they stand far down in a long text: of 20 results, the first 25,000 characters of each text are looked at."
    )

    @staticmethod
    def resolve_highlight(edge: tuple[Connection, Result], info: Any) -> str | None:
        return edge[1].all.highlight(edge[1])


SearchResultConnection = connection_type(PageInterface, "SearchResult", edge=ResultEdge)


def search(info: Any, query: str, types: list[Any] | None = None, topic: str | None = None, **args: Any) -> Connection:
    """Raises `BadArgumentError`."""
    for name, value in (("query", query), ("topic", topic or "")):
        if len(value) > MAX_QUERY or not is_storable(value):
            raise BadArgumentError(name, f"give a text of at most {MAX_QUERY} characters, without NUL.")
    names = None if types is None else sorted({getattr(kind, "value", kind) for kind in types})
    wanted = Wanted.read(query)
    if not wanted or names == []:
        return empty_connection(args)
    rows = found(wanted, context_of(info).as_of, names, topic)
    order = Order(f"search {digest(wanted, names, topic)}", COLUMNS)
    connection = paginate(ranked(rows, wanted), order, args)
    pages = context_of(info).loader.pages(row.page_id for row in connection.items)
    connection.items = Results(list(connection.items), pages, wanted).items
    connection.count = rows.values("page_id").distinct().count
    connection.node = lambda result: result.page
    return connection


def field() -> graphene.Field:
    return graphene.Field(
        SearchResultConnection,
        required=True,
        args=connection_args(
            query=graphene.String(
                required=True,
                description="The words to look for: a page must have them all. Words in quotes must follow each other. "
                f"Case, accents and English endings do not matter. At most {MAX_QUERY} characters.",
            ),
            types=graphene.Argument(list_of(PageType), description="Only pages of these types."),
            topic=graphene.String(description="Only pages on this topic: its slug or id."),
        ),
        description="Public pages with all the words of the query, best first: those that have them in the title, then "
        "in the summary, then in their text, then in a file that they show. Among equals, the last updated comes "
        'first. A query of nothing but words like "the" finds nothing.',
    )
