"""Reads a GraphQL request: its parameters, and the media type that it accepts for the answer.

https://graphql.github.io/graphql-over-http/draft/
"""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

from cms.graphql.errors import BadRequestError, Code

JSON, GRAPHQL_RESPONSE = "application/json", "application/graphql-response+json"
# Django compares media types with their parameters.
_OFFERS = [
    f"{kind}{charset}" for charset in ("", "; charset=utf-8", "; charset=UTF-8") for kind in (JSON, GRAPHQL_RESPONSE)
]
MAX_DIGITS = 1_000  # Python converts up to 4,300 digits
METHODS = "GET, HEAD, POST, OPTIONS"
# The name and type of each parameter of a request, and what error messages ask for. All may be omitted or null.
PARAMETERS: tuple[tuple[str, type, str], ...] = (
    ("query", str, "the text of a GraphQL query"),
    ("documentId", str, "a text"),
    ("variables", dict, "a JSON object"),
    ("operationName", str, "a text"),
    ("extensions", dict, "a JSON object"),
)


@dataclass(frozen=True)
class GraphQLRequest:
    """The parameters of a request, each of the right type. Exactly one of `query` and `document_id` is given."""

    query: str | None
    document_id: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any]

    @property
    def wants_cost(self) -> bool:
        """Whether the answer includes the cost in its extensions."""
        return self.extensions.get("cost") is True


def media_type(request: HttpRequest) -> str:
    """The media type that the client prefers for the answer. Raises `BadRequestError` (406) if it accepts neither."""
    chosen = request.get_preferred_type(_OFFERS)
    if chosen is None:
        raise BadRequestError(f"Accept: give {JSON} or {GRAPHQL_RESPONSE}.", 406)
    return chosen.partition(";")[0]


def read(request: HttpRequest) -> GraphQLRequest:
    """The parameters of the request. Raises `BadRequestError`."""
    data = _parameters(request)
    for name, expected_type, expected in PARAMETERS:
        if not isinstance(data.get(name), expected_type | None):
            raise BadRequestError(f"{name}: give {expected}.")
    query, document_id = data.get("query"), data.get("documentId")
    extensions = data.get("extensions") or {}
    if query is None and document_id is None:
        document_id = _apollo_hash(extensions)
    if query is not None and document_id is not None:
        raise BadRequestError("Give query or documentId, not both.")
    if document_id is None:
        _check_text(query or "")
    return GraphQLRequest(query, document_id, data.get("variables"), data.get("operationName") or None, extensions)


def _parameters(request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        return _body_parameters(request)
    if request.method in ("GET", "HEAD"):
        return _query_string_parameters(request)
    raise BadRequestError(f"{request.method} is not answered here: use {METHODS}.", 405, headers={"Allow": METHODS})


def _check_text(query: str) -> None:
    if not query.strip():
        raise BadRequestError("query: give the text of a GraphQL query.")
    if len(query) > settings.GRAPHQL_MAX_BODY:
        raise BadRequestError(f"query: it is longer than {settings.GRAPHQL_MAX_BODY} characters.", 413, Code.TOO_LARGE)


def _apollo_hash(extensions: dict[str, Any]) -> str | None:
    """The hash of a registered document, as Apollo Client sends it."""
    persisted = extensions.get("persistedQuery")
    value = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return value if isinstance(value, str) else None


def _body_parameters(request: HttpRequest) -> dict[str, Any]:
    if (request.content_type or "").lower() != JSON:
        raise BadRequestError(f"Content-Type: send the request as {JSON}.", 415)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequestError("Content-Encoding: send the body as it is, without compression.", 415)
    limit = settings.GRAPHQL_MAX_BODY
    # Django reads as many bytes as Content-Length says, and therefore nothing of a chunked body.
    length = request.META.get("CONTENT_LENGTH")
    if not length:
        raise BadRequestError("Content-Length: give the length of the body in bytes; it cannot be sent in chunks.", 411)
    if not length.isdecimal() or len(length) > MAX_DIGITS:
        raise BadRequestError("Content-Length: give the length of the body in bytes.")
    if int(length) > limit:
        raise BadRequestError(f"The body is larger than {limit} bytes.", 413, Code.TOO_LARGE)
    data = _json(request.body, "The body is not valid JSON.")
    if isinstance(data, list):
        raise BadRequestError("The body is a list. Batches are not taken: send each query by itself.")
    if not isinstance(data, dict):
        raise BadRequestError('The body must be a JSON object with a "query".')
    return data


def _query_string_parameters(request: HttpRequest) -> dict[str, Any]:
    try:
        query_string = request.GET
    except SuspiciousOperation:
        raise BadRequestError("The address has too many parameters.") from None
    data: dict[str, Any] = {
        name: query_string[name] for name in ("query", "documentId", "operationName") if name in query_string
    }
    for name in ("variables", "extensions"):
        if text := query_string.get(name):
            data[name] = _json(text, f"{name}: this is not valid JSON.")
    return data


def _json(text: str | bytes, message: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        raise BadRequestError(message) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # Python would accept NaN and Infinity, which are not JSON


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise BadRequestError(f"A number has more than {MAX_DIGITS} digits.")
    return int(digits)
