"""Errors in the form that clients get: each has a code in `extensions.code`, and none reveals internals."""

import logging
import secrets
from enum import StrEnum
from typing import Any

from graphql import GraphQLError

logger = logging.getLogger(__name__)
MAX_MESSAGE = 500  # characters; messages may quote long values of the request
# The beginning of graphql-core's messages about arguments, which it may raise only while it executes a query.
ARGUMENT_PREFIX = "Argument '"
# The beginning of its messages about missing values.
MISSING_VALUE_PREFIX = "Cannot return null for non-nullable field"


class Code(StrEnum):
    """The kind of an error, for programs. The comments name the HTTP status if the request itself is refused."""

    BAD_REQUEST = "BAD_REQUEST"  # 400, 405, 406, 411, 415
    TOO_LARGE = "TOO_LARGE"  # 413
    DOCUMENT_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"  # makes Apollo Client send the whole query
    DOCUMENT_ID_REQUIRED = "DOCUMENT_ID_REQUIRED"
    PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    TOO_MANY_TOKENS = "TOO_MANY_TOKENS"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"
    TOO_MANY_ROOT_FIELDS = "TOO_MANY_ROOT_FIELDS"
    TOO_MANY_REPEATED_FIELDS = "TOO_MANY_REPEATED_FIELDS"
    COST_TOO_HIGH = "COST_TOO_HIGH"
    DRAFT_INCOMPLETE = "DRAFT_INCOMPLETE"
    RATE_LIMITED = "RATE_LIMITED"  # 429
    TIMEOUT = "TIMEOUT"  # 503
    INTERNAL_ERROR = "INTERNAL_ERROR"


class BadRequestError(Exception):
    """A request is not a GraphQL request, or may not be answered. The message is for the client."""

    def __init__(
        self, message: str, status: int = 400, code: Code = Code.BAD_REQUEST, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


class RequestRefusedError(Exception):
    """A GraphQL request is not executed. `errors` say why, and each has a code."""

    def __init__(self, *errors: GraphQLError, code: Code | None = None) -> None:
        super().__init__(*errors)
        self.errors = errors
        for error in errors:
            if code is not None:
                error.extensions = {**(error.extensions or {}), "code": code}

    @classmethod
    def because(cls, message: str, code: Code, **extensions: object) -> "RequestRefusedError":
        """A refusal with one error, which also has these extensions."""
        return cls(GraphQLError(message, extensions=extensions), code=code)


class InternalError(GraphQLError):
    """A fault of the server with a message for clients. It is logged like any other fault."""


def public_error(error: GraphQLError) -> dict[str, Any]:
    """The error as the client gets it. If it is a fault of the server, it is masked and logged.

    Errors with a code and errors about arguments are for clients. All others are faults. graphql-core raises some of
    them as `GraphQLError`, too: for example, if the database has a value that is not in its enumeration.
    """
    cause = error.original_error or error
    if isinstance(cause, InternalError):
        return masked(cause, error.path, cause.message)
    extensions = error.extensions or {}
    is_about_argument = error.message.startswith(ARGUMENT_PREFIX)
    if not isinstance(cause, GraphQLError) or not ("code" in extensions or is_about_argument):
        return masked(cause, error.path)
    formatted: dict[str, Any] = {**error.formatted}
    message = error.message
    formatted["message"] = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
    formatted["extensions"] = {"code": Code.BAD_USER_INPUT, **extensions}
    return formatted


def masked(
    cause: BaseException, path: list[str | int] | None = None, message: str = "Something went wrong on our side."
) -> dict[str, Any]:
    """An error with a general message and the id under which the log has the details. Writes that log entry."""
    error_id = secrets.token_hex(6)
    logger.error("GraphQL error %s at %s", error_id, path, exc_info=cause)
    error: dict[str, Any] = {
        "message": f"{message} It is logged as {error_id}.",
        "extensions": {"code": Code.INTERNAL_ERROR, "id": error_id},
    }
    if path:
        error["path"] = path
    return error
