"""The public GraphQL endpoint over HTTP: no cookie is read or set, and nothing internal is told.

https://graphql.github.io/graphql-over-http/draft/
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)
from graphql.execution.values import get_variable_values

from cms.graphql.errors import BadRequestError, Code, RequestRefusedError, masked, public_error
from cms.graphql.http import registered_documents
from cms.graphql.http.answers import write
from cms.graphql.http.execution import deadline, executed
from cms.graphql.http.requests import JSON, METHODS, GraphQLRequest, media_type, read
from cms.graphql.http.stack import with_room
from cms.graphql.limits import syntax as limits
from cms.graphql.limits.cost import within_limit
from cms.graphql.schema.query import schema
from cms.http.rate_limit import RateLimitError, count

COST_OF_ONE = 1_000  # a query counts once more for each whole thousand of its cost


@csrf_exempt  # the endpoint reads no cookie, so there is nothing that another site could make use of
def graphql(request: HttpRequest) -> HttpResponse:
    """GET with `query` or `documentId`, `variables` and `operationName` in the address, or POST with them as JSON."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": METHODS})
    answer_type = JSON
    try:
        answer_type = media_type(request)
        return with_room(lambda: _answer(request, read(request), answer_type))
    except BadRequestError as error:
        told = {"message": str(error), "extensions": {"code": error.code}}
        response = write(request, {"errors": [told]}, answer_type, error.status)
        for name, value in error.headers.items():
            response[name] = value
        return response
    except Exception as error:
        return write(request, {"errors": [masked(error)]}, answer_type, 500)


def _answer(request: HttpRequest, asked: GraphQLRequest, answer_type: str) -> HttpResponse:
    until = deadline()
    _count(request)
    try:
        document, operation = _operation(asked)
        told_cost = _within_cost(document, operation, asked.variables)
        _count(request, told_cost["requested"] // COST_OF_ONE)
        result, may_be_stored = executed(document, asked.variables, asked.operation_name, until)
    except RequestRefusedError as refused:
        answer: dict[str, Any] = {"errors": [public_error(error) for error in refused.errors]}
        if answer["errors"][0]["extensions"]["code"] == Code.TIMEOUT:
            return write(request, answer, answer_type, 503)  # the query itself may be right
        # In application/json a well-formed request is a 200 even when the query was refused; in the newer media
        # type a query that never ran is a 400.
        return write(request, answer, answer_type, 200 if answer_type == JSON else 400)
    answer = {"errors": [public_error(error) for error in result.errors]} if result.errors else {}
    answer["data"] = result.data
    if asked.wants_cost:
        answer["extensions"] = {"cost": told_cost}
    by_id = request.method != "POST" and asked.document_id is not None
    return write(request, answer, answer_type, storable=by_id and may_be_stored)


def _count(request: HttpRequest, times: int = 1) -> None:
    """Raises `BadRequestError` (429, with `Retry-After`) when the client has had its share."""
    limit = settings.GRAPHQL_RATE_LIMIT
    try:
        count(request, "graphql", limit, times)
    except RateLimitError as over:
        message = f"More than {limit} requests in a minute, dear ones counted as several."
        message += f" Try again in {over.seconds} seconds."
        raise BadRequestError(message, 429, Code.RATE_LIMITED, {"Retry-After": str(over.seconds)}) from None


def _operation(asked: GraphQLRequest) -> tuple[DocumentNode, OperationDefinitionNode]:
    """The query that is asked for, valid and within the limits. Raises `RequestRefusedError` or `BadRequestError`."""
    if asked.document_id is not None:
        text = registered_documents.text_of(asked.document_id)
    elif settings.GRAPHQL_TRUSTED_DOCUMENTS_ONLY:
        raise BadRequestError(
            "Only registered documents are answered here: send a documentId.", 403, Code.DOCUMENT_ID_REQUIRED
        )
    else:
        text = asked.query or ""
    document = limits.document(text)
    operation = get_operation_ast(document, asked.operation_name)
    if operation is None:
        raise RequestRefusedError.because(
            "operationName: give the name of one of the operations in the query.", Code.BAD_USER_INPUT
        )
    if operation.operation != OperationType.QUERY:
        raise RequestRefusedError.because("This API can only be read: send a query.", Code.VALIDATION_FAILED)
    return document, operation


def _within_cost(
    document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any] | None
) -> dict[str, int]:
    """The cost of the operation with these variables, and the limit. Raises `RequestRefusedError`."""
    coerced = get_variable_values(
        schema.graphql_schema, operation.variable_definitions or (), variables or {}, max_errors=limits.MAX_ERRORS
    )
    if isinstance(coerced, list):
        raise RequestRefusedError(*coerced, code=Code.BAD_USER_INPUT)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    try:
        return within_limit(schema.graphql_schema, operation, fragments, coerced)
    except GraphQLError as error:  # a directive was given null, by a variable that may be null
        raise RequestRefusedError(error, code=Code.BAD_USER_INPUT) from None
