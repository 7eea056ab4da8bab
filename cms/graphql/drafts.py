"""What the API would answer for a draft: the public schema run over a page in memory, for previews in the admin.

Nothing but the draft itself differs from a public answer. Other pages, entries and files are there when they are
public, and only then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Model
from graphql import ExecutionResult, GraphQLError, execute, parse
from grapple.registry import registry
from modelcluster.fields import ParentalKey

from cms.graphql.loaders import Context, Loader
from cms.graphql.page_query import page_query
from cms.graphql.schema import schema
from pages import addresses, current
from pages.models import ContentPage, Paper, PriorityPeriodPage, Topic
from pages.visibility import public

EMPTY = "Cannot return null for non-nullable field"  # how graphql-core begins what it says of a value that is missing


@dataclass(frozen=True)
class DraftAnswer:
    """A query, what it answers, and the fields that it does not ask for because the draft has no value for them yet."""

    query: str
    data: dict[str, Any]
    left_out: list[str]


class DraftLoader(Loader):
    """Gives the draft, and the rows that were typed with it, in place of what is in the database."""

    def __init__(self, draft: ContentPage, at: datetime) -> None:
        super().__init__(at)
        self.draft = draft
        self.remember([draft])

    def page_at(self, path: str) -> Any:
        return self.draft if path == addresses.url_path(self.draft) else super().page_at(path)

    def rows(self, model: Any, keys: list[Any], page: str = "page") -> list[Any]:
        relation = model._meta.get_field(page)
        if self.draft.pk not in keys or not isinstance(self.draft, relation.related_model):
            return super().rows(model, keys, page)
        others = super().rows(model, [key for key in keys if key != self.draft.pk], page)
        return [*self._typed(relation), *others]

    def _typed(self, relation: Any) -> Iterable[Model]:
        """The rows of the draft. Those that were never saved get a key, by which what belongs to each is found."""
        if self.draft.pk is None and not isinstance(relation, ParentalKey):
            return []  # such rows are written by the system, when the page is published
        rows = list(getattr(self.draft, relation.remote_field.get_accessor_name()).all())
        for number, row in enumerate(rows, start=1):
            row.pk = row.pk or -number
            setattr(row, relation.attname, self.draft.pk)
        return rows

    def ancestors(self, page: ContentPage) -> list[ContentPage]:
        """None at all when one of them is not public, as long as the draft could not be public either."""
        above = super().ancestors(page)
        return [] if page is self.draft and len(above) < page.depth - 2 else above

    def topics(self, page: ContentPage) -> list[Topic]:
        if page is self.draft:
            return sorted(page.topics.all(), key=lambda topic: topic.name)
        return super().topics(page)

    @cached_property
    def periods(self) -> tuple[list[Any], Any, list[Any]]:
        if not isinstance(self.draft, PriorityPeriodPage) or self.draft.starts_on is None:
            return super().periods
        stored = public(PriorityPeriodPage.objects.filter(starts_on__isnull=False), self.at)
        return current.by_standing([self.draft, *stored.exclude(pk=self.draft.pk)], self.at)

    def _papers(self, meetings: list[int]) -> dict[int, list[Paper]]:
        """A file that is public elsewhere is public as a paper of the draft from its publication on."""
        found = super()._papers(meetings)
        for paper in found.get(self.draft.pk, []):
            paper.__dict__["published_at"] = paper.__dict__["published_at"] or self.at
        return found


def draft_answer(draft: ContentPage, at: datetime) -> DraftAnswer:
    """Ask for all of the draft. A field that must have a value and has none yet is left out, and named.

    Raises what a resolver raises.
    """
    type_name, path = registry.models[type(draft)]._meta.name, addresses.url_path(draft)
    context, left_out = Context(at, DraftLoader(draft, at)), list[str]()
    while True:
        query = page_query(schema.graphql_schema, type_name, path, left_out)
        result = execute(schema.graphql_schema, parse(query), context_value=context)
        assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
        if not result.errors:
            return DraftAnswer(query, result.data or {}, left_out)
        left_out += {_field_without_value(error) for error in result.errors} - set(left_out)


def _field_without_value(error: GraphQLError) -> str:
    """The field of the page in which a value is missing. Raises the error when it is of another kind."""
    meant_for_readers = error.original_error is None or isinstance(error.original_error, GraphQLError)
    if not (meant_for_readers or error.message.startswith(EMPTY)) or not error.path or len(error.path) < 2:
        raise error
    return str(error.path[1])
