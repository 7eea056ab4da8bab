"""The public GraphQL endpoint over HTTP: no cookie is read or set, and nothing internal is told.

https://graphql.github.io/graphql-over-http/draft/
"""

import json
import logging
import secrets
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    validate,
)

from cms.graphql.loaders import Context
from cms.graphql.schema import schema

logger = logging.getLogger(__name__)
JSON, GRAPHQL_RESPONSE = "application/json", "application/graphql-response+json"
MAX_BODY = 100_000  # bytes; the largest query of the contract has a hundredth of that
MAX_TOKENS = 2_000


class BadRequest(Exception):
    """A request that is no GraphQL request. The message is for the person who sent it."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@csrf_exempt  # the endpoint reads no cookie, so there is nothing that another site could make use of
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def graphql(request: HttpRequest) -> HttpResponse:
    """GET with `query`, `variables` and `operationName` in the address, or POST with them as JSON."""
    media_type = _media_type(request)
    try:
        query, variables, operation_name = _parameters(request)
    except BadRequest as error:
        return _respond({"errors": [{"message": str(error)}]}, media_type, error.status)
    result = _run(request, query, variables, operation_name)
    if isinstance(result, HttpResponse):
        return result
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = [_public_error(error) for error in result.errors]
    executed = getattr(result, "executed", False)
    if executed:
        answer["data"] = result.data
    # In application/json a well-formed answer is a 200 even when the query was refused; in the newer media type
    # a request that never ran is a 400.
    status = 200 if executed or media_type == JSON else 400
    return _respond(answer, media_type, status)


class _Executed(ExecutionResult):
    executed = True


def _run(
    request: HttpRequest, query: str, variables: dict[str, Any] | None, operation_name: str | None
) -> ExecutionResult | HttpResponse:
    document = _document(query)
    if isinstance(document, tuple):
        return ExecutionResult(errors=list(document))
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return ExecutionResult(
            errors=[GraphQLError("operationName: give the name of one of the operations in the query.")]
        )
    if operation.operation != OperationType.QUERY:
        return ExecutionResult(errors=[GraphQLError("This API can only be read: send a query.")])
    result = execute(
        schema.graphql_schema,
        document,
        context_value=Context.now(),
        variable_values=variables,
        operation_name=operation_name,
    )
    assert isinstance(result, ExecutionResult)  # noqa: S101 - resolvers are synchronous
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        return result  # the variables were refused, so nothing ran
    return _Executed(result.data, result.errors)


@lru_cache(maxsize=512)
def _document(query: str) -> DocumentNode | tuple[GraphQLError, ...]:
    """The parsed and validated query, or what is wrong with it. The schema never changes while the process runs."""
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
        return tuple(validate(schema.graphql_schema, document, max_errors=10)) or document
    except GraphQLError as error:
        return (error,)
    except RecursionError:
        return (GraphQLError("The query is nested too deeply."),)


def _sent(request: HttpRequest) -> dict[str, Any]:
    """What the request carries, as it was sent."""
    data: Any
    if request.method == "POST":
        content_type = (request.content_type or "").lower()
        if content_type != JSON:
            raise BadRequest(f"Content-Type: send the request as {JSON}.", 415)
        if len(request.body) > MAX_BODY:
            raise BadRequest(f"The body is larger than {MAX_BODY} bytes.", 413)
        try:
            data = json.loads(request.body)
        except (ValueError, RecursionError):
            raise BadRequest("The body is not valid JSON.") from None
        if not isinstance(data, dict):
            raise BadRequest('The body must be a JSON object with a "query".')
    else:
        data = {name: request.GET[name] for name in ("query", "operationName") if name in request.GET}
        if text := request.GET.get("variables"):
            try:
                data["variables"] = json.loads(text)
            except (ValueError, RecursionError):
                raise BadRequest("variables: this is not valid JSON.") from None
    return data


def _parameters(request: HttpRequest) -> tuple[str, dict[str, Any] | None, str | None]:
    """The query, its variables and the name of the operation, each of the right kind. Raises `BadRequest`."""
    data = _sent(request)
    query, variables, operation_name = (data.get(name) for name in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("query: give the text of a GraphQL query.")
    if len(query) > MAX_BODY:
        raise BadRequest(f"query: it is longer than {MAX_BODY} characters.", 413)
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("variables: give a JSON object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadRequest("operationName: give a text.")
    if not isinstance(data.get("extensions", {}), dict | None):
        raise BadRequest("extensions: give a JSON object.")
    return query, variables, operation_name or None


def _public_error(error: GraphQLError) -> dict[str, Any]:
    """The error as the reader gets it. What was not meant for readers goes to the log under an id."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error.formatted  # type: ignore[return-value]
    error_id = secrets.token_hex(6)
    logger.error("GraphQL error %s at %s", error_id, error.path, exc_info=cause)
    masked: dict[str, Any] = {
        "message": f"Something went wrong on our side. It is logged as {error_id}.",
        "extensions": {"code": "INTERNAL_ERROR", "id": error_id},
    }
    if error.path:
        masked["path"] = error.path
    return masked


def _media_type(request: HttpRequest) -> str:
    return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in request.headers.get("Accept", "") else JSON


def _respond(answer: dict[str, Any], media_type: str, status: int) -> HttpResponse:
    # A lone surrogate in a query may come back in an error, and has no UTF-8 form.
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    response = HttpResponse(body.encode(errors="replace"), content_type=f"{media_type}; charset=utf-8", status=status)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response
