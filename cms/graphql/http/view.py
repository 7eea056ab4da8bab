"""The public GraphQL endpoint over HTTP. It reads and sets no cookies, and reveals no internal errors.

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
from cms.graphql.http.execution import deadline, execute_query
from cms.graphql.http.requests import JSON, METHODS, GraphQLRequest, media_type, read
from cms.graphql.http.stack import call_with_large_frame
from cms.graphql.limits import syntax as limits
from cms.graphql.limits.cost import check_cost
from cms.graphql.schema.query import schema
from cms.http import rate_limit
from cms.response_cache.allowed import allow_keeping

NAME = "graphql"  # of the rate limit
COST_PER_REQUEST = 1_000  # towards the rate limit, a query counts once more for each whole thousand of its cost


@csrf_exempt  # the endpoint reads no cookie, so another site cannot act for a user
def graphql(request: HttpRequest) -> HttpResponse:
    """GET with `query` or `documentId`, `variables` and `operationName` as parameters, or POST with them as JSON."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": METHODS})
    answer_type = JSON
    try:
        answer_type = media_type(request)
        return call_with_large_frame(lambda: _respond(request, read(request), answer_type))
    except BadRequestError as error:
        public = {"message": str(error), "extensions": {"code": error.code}}
        response = write(request, {"errors": [public]}, answer_type, error.status)
        for name, value in error.headers.items():
            response[name] = value
        return response
    except Exception as error:
        return write(request, {"errors": [masked(error)]}, answer_type, 500)


def _respond(request: HttpRequest, graphql_request: GraphQLRequest, answer_type: str) -> HttpResponse:
    charge = _Charge(request)
    charge.add(1)
    response = _answer(request, graphql_request, answer_type, charge)
    for name, value in charge.headers().items():
        response[name] = value
    return response


def _answer(request: HttpRequest, graphql_request: GraphQLRequest, answer_type: str, charge: "_Charge") -> HttpResponse:
    until = deadline()
    try:
        document, operation = _parse(graphql_request)
        cost = _check_cost(document, operation, graphql_request.variables)
        expected = cost["requested"] // COST_PER_REQUEST
        charge.add(expected)
        executed = execute_query(document, graphql_request.variables, graphql_request.operation_name, until)
    except RequestRefusedError as refused:
        return _refused(request, refused, answer_type)
    result, actual = executed.result, cost["requested"] if executed.cost is None else executed.cost
    charge.give_back(expected - actual // COST_PER_REQUEST)
    answer: dict[str, Any] = {"errors": [public_error(error) for error in result.errors]} if result.errors else {}
    answer["data"] = result.data
    extensions: dict[str, Any] = {"warnings": executed.warnings} if executed.warnings else {}
    if graphql_request.wants_cost:
        extensions["cost"] = {**cost, "actual": actual, "charged": charge.charged}
    elif executed.may_be_stored:  # what was charged is told once: an answer from memory counts as one request
        allow_keeping(request)
    if extensions:
        answer["extensions"] = extensions
    by_id = request.method != "POST" and graphql_request.document_id is not None
    return write(request, answer, answer_type, storable=by_id and executed.may_be_stored)


def _refused(request: HttpRequest, refused: RequestRefusedError, answer_type: str) -> HttpResponse:
    answer = {"errors": [public_error(error) for error in refused.errors]}
    if answer["errors"][0]["extensions"]["code"] == Code.TIMEOUT:
        return write(request, answer, answer_type, 503)  # the query itself may be valid
    # As the specification says: with application/json, a well-formed request is a 200 even if the query is refused.
    # With the newer media type, a query that was not executed is a 400.
    return write(request, answer, answer_type, 200 if answer_type == JSON else 400)


class _Charge:
    """What a request counts towards the rate limit of its client."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.charged = 0
        self.counted: rate_limit.Counted | None = None

    def add(self, times: int) -> None:
        """Count the request. Raises `BadRequestError` (429, with `Retry-After`) above the limit."""
        limit = settings.GRAPHQL_RATE_LIMIT
        if not times:
            return
        try:
            self.counted = rate_limit.count(self.request, NAME, limit, times)
        except rate_limit.RateLimitError as error:
            message = f"More than {limit} requests in a minute. Expensive ones count several times."
            message += f" Try again in {error.seconds} seconds."
            nothing_left = rate_limit.Counted("", 0, error.seconds)
            headers = rate_limit.headers(NAME, limit, nothing_left) | {"Retry-After": str(error.seconds)}
            raise BadRequestError(message, 429, Code.RATE_LIMITED, headers) from None
        self.charged += times

    def give_back(self, times: int) -> None:
        """Count less, because the answer took less than its estimate. It never counts more."""
        if times > 0:
            self.charged -= times
            if self.counted is not None:
                self.counted = rate_limit.give_back(self.counted, times)

    def headers(self) -> dict[str, str]:
        return rate_limit.headers(NAME, settings.GRAPHQL_RATE_LIMIT, self.counted)


def _parse(graphql_request: GraphQLRequest) -> tuple[DocumentNode, OperationDefinitionNode]:
    """The requested document and its operation, valid and within the limits of its syntax.

    Raises `RequestRefusedError` or `BadRequestError`.
    """
    if graphql_request.document_id is not None:
        text = registered_documents.document_text(graphql_request.document_id)
    elif settings.GRAPHQL_TRUSTED_DOCUMENTS_ONLY:
        raise BadRequestError(
            "Only registered documents are answered here: send a documentId.", 403, Code.DOCUMENT_ID_REQUIRED
        )
    else:
        text = graphql_request.query or ""
    document = limits.validated(text)
    operation = get_operation_ast(document, graphql_request.operation_name)
    if operation is None:
        raise RequestRefusedError.because(
            "operationName: give the name of one of the operations in the query.", Code.BAD_USER_INPUT
        )
    if operation.operation != OperationType.QUERY:
        raise RequestRefusedError.because("This API can only be read: send a query.", Code.VALIDATION_FAILED)
    return document, operation


def _check_cost(
    document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any] | None
) -> dict[str, int]:
    """The cost of the operation with these variables as `requested`, and the `limit`. Raises `RequestRefusedError`."""
    coerced = get_variable_values(
        schema.graphql_schema, operation.variable_definitions or (), variables or {}, max_errors=limits.MAX_ERRORS
    )
    if isinstance(coerced, list):
        raise RequestRefusedError(*coerced, code=Code.BAD_USER_INPUT)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    try:
        return check_cost(schema.graphql_schema, operation, fragments, coerced)
    except GraphQLError as error:  # a nullable variable gave null to a directive
        raise RequestRefusedError(error, code=Code.BAD_USER_INPUT) from None
