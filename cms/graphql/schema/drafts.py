"""The answer of the API for a draft, for previews in the admin: the public schema executed with a page in memory.

Only the draft itself differs from a public answer. Other pages, snippets and files appear only if they are public.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphql import ExecutionResult, GraphQLError, execute, parse
from grapple.registry import registry

from cms.graphql.context import GraphQLContext
from cms.graphql.errors import MISSING_VALUE_PREFIX
from cms.graphql.schema.page_query import page_query
from cms.graphql.schema.query import schema
from pages.content import addresses
from pages.models import ContentPage
from pages.reading.draft_loader import DraftLoader


@dataclass(frozen=True)
class DraftAnswer:
    """A query, its answer, and the fields that it omits because the draft has no value for them yet."""

    query: str
    data: dict[str, Any]
    left_out: list[str]


def draft_answer(draft: ContentPage, as_of: datetime) -> DraftAnswer:
    """The answer with all fields of the draft, except required fields that have no value yet: `left_out` names those.

    Raises the errors of resolvers.
    """
    type_name, path = registry.models[type(draft)]._meta.name, addresses.url_path(draft)
    context, left_out = GraphQLContext(as_of, DraftLoader(draft, as_of)), list[str]()
    while True:
        query = page_query(schema.graphql_schema, type_name, path, left_out)
        result = execute(schema.graphql_schema, parse(query), context_value=context)
        assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
        if not result.errors:
            return DraftAnswer(query, result.data or {}, left_out)
        left_out += {_field_without_value(error) for error in result.errors} - set(left_out)


def _field_without_value(error: GraphQLError) -> str:
    """The field of the page in which a value is missing. Raises the error if it is of another kind."""
    is_for_clients = error.original_error is None or isinstance(error.original_error, GraphQLError)
    if not (is_for_clients or error.message.startswith(MISSING_VALUE_PREFIX)) or not error.path or len(error.path) < 2:
        raise error
    return str(error.path[1])
