"""Registered documents: front ends register queries when they are built, and then send only their SHA-256 hashes.

The appendix "Persisted Documents" of https://graphql.github.io/graphql-over-http/draft/
"""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from graphql import FragmentDefinitionNode, OperationDefinitionNode, OperationType, value_from_ast
from graphql.utilities import type_from_ast

from cms.graphql.errors import Code, RequestRefusedError
from cms.graphql.limits import syntax as limits
from cms.graphql.limits.cost import check_cost
from cms.graphql.schema.query import schema
from cms.models import RegisteredDocument

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class NotRegisteredError(Exception):
    """A document cannot be registered, or a file has no documents. The message names it and says why."""


def document_text(document_id: str) -> str:
    """The text of the registered document with this id, such as "sha256:…". Raises `RequestRefusedError`."""
    found = _ID.fullmatch(document_id)
    key = found[1] if found else ""
    text = RegisteredDocument.objects.filter(pk=key).values_list("text", flat=True).first()
    if text is None or _hash(text) != key:  # a redaction may have changed the text
        raise RequestRefusedError.because(
            "documentId: no document is registered under this id. Give sha256: and the hash of its text.",
            Code.DOCUMENT_NOT_FOUND,
        )
    return text


def register(documents: dict[str, str]) -> dict[str, bool]:
    """Register documents, given as texts by name, either all or none. Returns whether each is new, by hash.

    Raises `NotRegisteredError` with a line for each document that is not a valid query within the limits.
    """
    problems = [f"{name}: {why}" for name, text in documents.items() if (why := _problem(text))]
    if problems:
        raise NotRegisteredError("\n".join(problems))
    with transaction.atomic():
        return {
            key: RegisteredDocument.objects.update_or_create(pk=key, defaults={"text": text})[1]
            for key, text in ((_hash(text), text) for text in documents.values())
        }


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _problem(text: str) -> str:
    """Why a document cannot be registered, or an empty text."""
    if len(text) > settings.GRAPHQL_MAX_BODY:
        return f"it is longer than {settings.GRAPHQL_MAX_BODY} characters."
    try:
        tree = limits.validated(text)
        operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
        if any(operation.operation != OperationType.QUERY for operation in operations):
            return "this API can only be read: register queries."
        fragments = {each.name.value: each for each in tree.definitions if isinstance(each, FragmentDefinitionNode)}
        for operation in operations:
            check_cost(schema.graphql_schema, operation, fragments, _default_variables(operation))
    except RequestRefusedError as refused:
        return " ".join(error.message for error in refused.errors)
    return ""


def _default_variables(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The default values of the variables. The cost with other values is checked when a client sends them."""
    return {
        definition.variable.name.value: value_from_ast(
            definition.default_value,
            type_from_ast(schema.graphql_schema, definition.type),  # type: ignore[arg-type]
        )
        for definition in operation.variable_definitions or ()
        if definition.default_value
    }


# --- Files ---------------------------------------------------------------------------------------------------


def documents_in(path: Path) -> dict[str, str]:
    """The documents of a file, by name: the whole text of a .graphql file, or each document of a .json manifest.

    A manifest is `{hash: text}`, as GraphQL Code Generator writes it, or Apollo's with `operations`.
    Raises `NotRegisteredError`.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise NotRegisteredError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})."
        ) from None
    if path.suffix != ".json":
        return {str(path): text}
    try:
        documents = dict(_manifest_documents(json.loads(text)))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise NotRegisteredError(
            f"{path}: is not a manifest, which is a JSON object of hashes and documents."
        ) from None
    for key, document in documents.items():
        if _hash(document) != key.removeprefix("sha256:"):
            raise NotRegisteredError(f"{path}: {key} is not the SHA-256 hash of its document.")
    return {f"{path} {key}": document for key, document in documents.items()}


def _manifest_documents(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Hash and text of each document. Raises TypeError, AttributeError or KeyError if it is not a manifest."""
    if isinstance(manifest.get("operations"), list):
        manifest = {each["id"]: each["body"] for each in manifest["operations"]}
    for key, document in manifest.items():
        if not isinstance(document, str):
            raise TypeError
        yield key, document
