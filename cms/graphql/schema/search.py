"""The root field `search`: public pages that have all the words of a query, ranked, each with an excerpt of its text.

Results are ranked by where a page has the words (`Place`), and then by its last major update, newest first. Word
frequencies are not used: databases calculate them from the whole index, drafts included, so the order of public pages
would reveal something about hidden ones. The rank of a page depends only on that page, so cursors are exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

import graphene
from django.contrib.contenttypes.models import ContentType
from django.db.models import Case, F, Min, QuerySet, Value, When
from django.db.models.functions import Coalesce
from graphene.utils.str_converters import to_snake_case
from graphql import GraphQLResolveInfo
from grapple.registry import registry
from wagtail.search.backends import get_search_backend
from wagtail.search.query import And, Phrase, PlainText

from cms.graphql.context import context_of, warn
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
from pages.visibility.rule import public_rows, public_topics

MAX_QUERY_LENGTH = 200
# How many letters are read to make the highlights of one answer, divided equally among its results. This takes about
# 20 ms of CPU time. Words further down in a long text are found, but not shown.
MAX_HIGHLIGHT_LETTERS = 500_000
COLUMNS = ("place", "-updated", "-uuid")
# The most results of a search backend outside the database. They are filtered by what is public.
MAX_BACKEND_RESULTS = 5_000


def page_types() -> dict[str, type[ContentPage]]:
    """The page types by their names in the enumeration, such as NEWS_PAGE."""
    models = (model for model in registry.pages if issubclass(model, ContentPage) and model is not ContentPage)
    return {to_snake_case(model.__name__).upper(): model for model in sorted(models, key=lambda model: model.__name__)}


class _Descriptions(dict[str, str]):
    """Graphene calls the same function for the description of an enumeration (None) and of each member."""

    def __call__(self, member: Enum | None) -> str:
        return "The types of pages." if member is None else self[member.name]


PAGE_TYPES = page_types()
PageType = graphene.Enum(
    "PageType",
    [(name, name) for name in PAGE_TYPES],
    description=_Descriptions(
        {name: f"{str(model._meta.verbose_name).capitalize()}." for name, model in PAGE_TYPES.items()}
    ),
)


# --- Finding pages -------------------------------------------------------------------------------------------


def matching(wanted: Wanted, place: Place) -> QuerySet[Any, Any] | list[int]:
    """The keys of the `SearchText` rows that Wagtail's search backend finds, those of hidden pages included."""
    queries = [
        PlainText(part, operator="and") if isinstance(part, str) else Phrase(" ".join(part))
        for part in in_index(wanted, place)
    ]
    query = queries[0] if len(queries) == 1 else And(queries)
    results = get_search_backend().search(query, SearchText.objects.all(), order_by_relevance=False)
    if hasattr(results, "get_queryset"):  # a database backend: a subquery of the query that filters by what is public
        return results.get_queryset().order_by().values("pk")
    return [row.pk for row in results[:MAX_BACKEND_RESULTS]]


def matching_rows(
    wanted: Wanted, as_of: datetime, types: Iterable[str] | None, topics: QuerySet[Topic] | None
) -> QuerySet[SearchText]:
    """The rows of public pages, and of files on them, that match the query and the filters."""
    rows = SearchText.objects.filter(pk__in=matching(wanted, Place.TEXT))
    if types is not None:
        content_types = ContentType.objects.get_for_models(*(PAGE_TYPES[name] for name in types)).values()
        rows = rows.filter(page__content_type__in=[content_type.pk for content_type in content_types])
    if topics is not None:
        rows = rows.filter(page__in=ContentPage.objects.filter(topics__in=topics.values("pk")).values("pk"))
    return without_hidden_files(public_rows(rows, "page__", as_of))


def ranked(rows: QuerySet[SearchText], wanted: Wanted) -> QuerySet[Any, Any]:
    """One row for each page: its key, the columns of `COLUMNS`, and the first of its files that matches."""
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
    """A page that was found, and its sort values. `file` is the key of the matching file, if the words are in one."""

    page: ContentPage
    place: int
    updated: datetime
    uuid: UUID
    file: int | None
    results: "Results"


class Results:
    """The results of one answer. The texts for their highlights are loaded together."""

    def __init__(self, rows: list[Any], pages: dict[int, ContentPage], wanted: Wanted) -> None:
        self.wanted = wanted
        self.items = [
            Result(pages[row.page_id], row.place, row.updated, row.uuid, row.file, self)
            for row in rows
            if row.page_id in pages
        ]
        self._highlights: dict[UUID, str | None] = {}

    @cached_property
    def texts(self) -> dict[tuple[int, int | None], list[str]]:
        """The published texts by the keys of page and file. The file is None for the texts of the page itself."""
        keys = [item.page.pk for item in self.items]
        page_rows = SearchText.objects.filter(page__in=keys, document=None)
        texts: dict[tuple[int, int | None], list[str]] = {
            (row.page_id, None): [row.summary, row.text] for row in page_rows
        }
        file_results = [item for item in self.items if item.place == Place.FILE]
        if file_results:
            rows = SearchText.get_indexed_objects().filter(
                page__in=[item.page.pk for item in file_results], document__in={item.file for item in file_results}
            )
            texts |= {(row.page_id, row.document_id): [f"{row.text}\n{row.words_of_file()}"] for row in rows}
        return texts

    def highlight(self, item: Result) -> str | None:
        """The highlight of a result. It is calculated once, even if it is queried under several aliases."""
        if item.uuid not in self._highlights:
            page_texts = self.texts.get((item.page.pk, None), ["", ""])
            file_texts = self.texts.get((item.page.pk, item.file), []) if item.place == Place.FILE else []
            self._highlights[item.uuid] = (
                highlight([*page_texts, *file_texts], self.wanted, MAX_HIGHLIGHT_LETTERS // len(self.items)) or None
            )
        return self._highlights[item.uuid]


# --- The field -----------------------------------------------------------------------------------------------


class ResultEdge(Edge):
    """A result of a search."""

    class Meta:
        abstract = True

    highlight = graphene.String(
        description="The part of the summary, the text or the file with most of the words, up to about 300 characters. "
        "It is HTML with `<mark>` around the words and no other tags. Null if only the title has the words, or if they "
        "are far down in a long text: for 20 results, the first 25,000 characters of each are read."
    )

    @staticmethod
    def resolve_highlight(edge: tuple[Connection, Result], info: GraphQLResolveInfo) -> str | None:
        return edge[1].results.highlight(edge[1])


SearchResultConnection = connection_type(PageInterface, "SearchResult", edge=ResultEdge)


def search(
    info: GraphQLResolveInfo,
    query: str,
    types: list[Enum | str] | None = None,
    topic: str | None = None,
    **args: Any,
) -> Connection:
    """The requested part of the results. Raises `BadArgumentError`."""
    for name, value in (("query", query), ("topic", topic or "")):
        if len(value) > MAX_QUERY_LENGTH or not is_storable(value):
            raise BadArgumentError(name, f"give a text of at most {MAX_QUERY_LENGTH} characters, without NUL.")
    names = sorted({each.value if isinstance(each, Enum) else each for each in types or ()}) or None
    wanted, as_of = Wanted.read(query), context_of(info).as_of
    topics = None if topic is None else by_slug_or_id(public_topics(as_of), topic)
    if topics is not None and not topics.exists():
        warn(info, "topic", "nothing public has this slug or id.")
    if not wanted:
        return empty_connection(args)
    rows = matching_rows(wanted, as_of, names, topics)
    order = Order(f"search {digest(wanted, names, topic)}", COLUMNS)
    connection = paginate(ranked(rows, wanted), order, args)
    pages = context_of(info).loader.pages(row.page_id for row in connection.items)
    connection.items = Results(list(connection.items), pages, wanted).items
    connection.count = rows.values("page_id").distinct().count
    connection.node = lambda result: result.page
    return connection


def field() -> graphene.Field:
    """The root field. `Query` resolves it."""
    return graphene.Field(
        SearchResultConnection,
        required=True,
        args=connection_args(
            query=graphene.String(
                required=True,
                description="The words to search for. A page must have all of them. Words in quotes must be adjacent. "
                f"Case, accents and English endings are ignored. At most {MAX_QUERY_LENGTH} characters.",
            ),
            types=graphene.Argument(
                list_of(PageType), description="Only pages of these types. An empty list means all."
            ),
            topic=graphene.String(description="Only pages on this topic: its slug or id."),
        ),
        description="Public pages with all the words of the query. Pages with the words in the title come first, then "
        "those with the words in the summary, in the text, and in a file on the page. Pages of the same rank are "
        'sorted by last update, newest first. A query that has only words like "the" finds nothing.',
    )
