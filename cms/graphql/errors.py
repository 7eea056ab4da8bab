"""Errors as readers get them: each with a code in `extensions.code`, and nothing internal."""

import logging
import secrets
from enum import StrEnum
from typing import Any

from graphql import GraphQLError

logger = logging.getLogger(__name__)
MAX_MESSAGE = 500  # characters; messages repeat what was sent, which may be long
# How graphql-core begins what it says of an argument, which it may only find out while it executes a query.
OF_AN_ARGUMENT = "Argument '"
# How it begins what it says of a value that is missing.
EMPTY = "Cannot return null for non-nullable field"


class Code(StrEnum):
    """What kind of error it is, for programs. The HTTP status is given where the request itself is refused."""

    BAD_REQUEST = "BAD_REQUEST"  # 400, 405, 406, 411, 415
    TOO_LARGE = "TOO_LARGE"  # 413
    DOCUMENT_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"  # upon which Apollo Client sends the whole query
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
    """A request that is no GraphQL request, or that may not be answered. The message is for who sent it."""

    def __init__(
        self, message: str, status: int = 400, code: Code = Code.BAD_REQUEST, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


class RequestRefusedError(Exception):
    """A GraphQL request that is not executed, with the errors that say why."""

    def __init__(self, *errors: GraphQLError, code: Code | None = None) -> None:
        super().__init__(*errors)
        self.errors = errors
        for error in errors:
            if code is not None:
                error.extensions = {**(error.extensions or {}), "code": code}

    @classmethod
    def because(cls, message: str, code: Code, **extensions: Any) -> "RequestRefusedError":
        return cls(GraphQLError(message, extensions=extensions), code=code)


class InternalError(GraphQLError):
    """Something that went wrong on our side and may be told. It is logged all the same."""


def public_error(error: GraphQLError) -> dict[str, Any]:
    """The error as the reader gets it. What was not meant for readers goes to the log under an id.

    Meant for readers is what has a code, and what is about an argument. All else is a fault, such as a value in the
    database that its enumeration does not have: graphql-core raises it in the same way as we refuse an argument.
    """
    cause = error.original_error or error
    if isinstance(cause, InternalError):
        return masked(cause, error.path, cause.message)
    extensions = error.extensions or {}
    meant = isinstance(cause, GraphQLError) and ("code" in extensions or error.message.startswith(OF_AN_ARGUMENT))
    if not meant:
        return masked(cause, error.path)
    told: dict[str, Any] = {**error.formatted}
    message = error.message
    told["message"] = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
    told["extensions"] = {"code": Code.BAD_USER_INPUT, **extensions}
    return told


def masked(
    cause: BaseException, path: list[str | int] | None = None, what: str = "Something went wrong on our side."
) -> dict[str, Any]:
    """An error that tells nothing but what happened in general, and the id under which the log has the rest."""
    error_id = secrets.token_hex(6)
    logger.error("GraphQL error %s at %s", error_id, path, exc_info=cause)
    error: dict[str, Any] = {
        "message": f"{what} It is logged as {error_id}.",
        "extensions": {"code": Code.INTERNAL_ERROR, "id": error_id},
    }
    if path:
        error["path"] = path
    return error
