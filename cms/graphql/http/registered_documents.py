"""Documents that front ends register when they are built, and then ask for by the SHA-256 hash of their text.

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
from cms.graphql.limits.cost import within_limit
from cms.graphql.schema.query import schema
from cms.models import RegisteredDocument

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class NotRegisteredError(Exception):
    """A document that cannot be registered, or a file with none. The message names it and says why."""


def text_of(document_id: str) -> str:
    """The registered document with this id, as in "sha256:…". Raises `RequestRefusedError`."""
    found = _ID.fullmatch(document_id)
    key = found[1] if found else ""
    text = RegisteredDocument.objects.filter(pk=key).values_list("text", flat=True).first()
    if text is None or _hash(text) != key:  # a redaction may have been at it
        raise RequestRefusedError.because(
            "documentId: no document is registered under this id, which is sha256: and the hash of its text.",
            Code.DOCUMENT_NOT_FOUND,
        )
    return text


def register(documents: dict[str, str]) -> dict[str, bool]:
    """Register the documents, given by name, all or none. Returns for each hash whether it is new.

    Raises `NotRegisteredError` with a line for each that is not a valid query within the limits.
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
    """Why a document cannot be registered, or nothing."""
    if len(text) > settings.GRAPHQL_MAX_BODY:
        return f"it is longer than {settings.GRAPHQL_MAX_BODY} characters."
    try:
        tree = limits.document(text)
        operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
        if any(operation.operation != OperationType.QUERY for operation in operations):
            return "this API can only be read: register queries."
        fragments = {each.name.value: each for each in tree.definitions if isinstance(each, FragmentDefinitionNode)}
        for operation in operations:
            within_limit(schema.graphql_schema, operation, fragments, _defaults(operation))
    except RequestRefusedError as refused:
        return " ".join(error.message for error in refused.errors)
    return ""


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The variables as they are when a client gives none. What it gives later is counted then."""
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
    """The documents of a file, by name: of a .graphql file the whole text, of a .json file each of its manifest.

    A manifest is `{hash: text}` as GraphQL Code Generator writes it, or Apollo's with `operations`.
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
        found = dict(_of_manifest(json.loads(text)))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise NotRegisteredError(f"{path}: is no manifest, which is a JSON object of hashes and documents.") from None
    for key, document in found.items():
        if _hash(document) != key.removeprefix("sha256:"):
            raise NotRegisteredError(f"{path}: {key} is not the SHA-256 hash of its document.")
    return {f"{path} {key}": document for key, document in found.items()}


def _of_manifest(manifest: Any) -> Iterator[tuple[str, str]]:
    if isinstance(manifest.get("operations"), list):
        manifest = {each["id"]: each["body"] for each in manifest["operations"]}
    for key, document in manifest.items():
        if not isinstance(document, str):
            raise TypeError
        yield key, document
