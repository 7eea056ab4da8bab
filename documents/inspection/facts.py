"""Reads the facts of an uploaded file that nobody should have to type, and refuses one that cannot be read.

What it raises, a `ValidationError` that names the file and says what to do, is shown beside the field of a form.
"""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import PurePath
from typing import IO, Any, NamedTuple

from django.core.exceptions import ValidationError

from documents.inspection.own_process import ReadersBusyError, ask
from documents.inspection.reader import FileTooLargeError, UnreadableFileError
from documents.inspection.text import PLAIN, plain_text

CHUNK = 1024 * 1024
OFFICE = {"docx", "odp", "ods", "odt", "pptx", "xlsx"}
UNREADABLE = (
    "“%(name)s” could not be read: it is damaged, protected, or not of the format that its name says. Save it again "
    "without protection and upload that."
)
TOO_MUCH = "“%(name)s” takes too much time or memory to read. Divide it, or make its pictures smaller, and upload that."
BUSY = "“%(name)s” was not read, because the server is reading other files. Try again in a minute."
KEPT = 8  # files whose facts are remembered: a form asks, and then the row that it saves


class Reading(NamedTuple):
    """What is in a document: the number of pages of a PDF, and words for the search."""

    pages: int | None
    words: str


class Picture(NamedTuple):
    """The facts of a picture that can be shown, the right way up."""

    format: str
    frames: int
    width: int
    height: int


class Size(NamedTuple):
    """One size to draw of a picture: the part of it (left, top, right, bottom), the pixels, and the format."""

    crop: Sequence[float]
    size: Sequence[int]
    format: str


_found: OrderedDict[tuple[str, str], Any] = OrderedDict()


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the file's bytes, in hex; the file is left at its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def read_document(file: Any, name: str) -> Reading:
    """Leaves the file at its start. A format that has no reader has no pages and no words."""
    extension = PurePath(name).suffix.lower().removeprefix(".")
    if extension in PLAIN:
        file.seek(0)
        words = plain_text(file)
        file.seek(0)
        if words is None:
            raise ValidationError(UNREADABLE, "unreadable", {"name": PurePath(name).name})
        return Reading(None, words)
    if extension == "pdf":
        return Reading(**_asked("documents.inspection.pdf", file, name))
    if extension in OFFICE:
        return Reading(**_asked("documents.inspection.office", file, name, extension))
    return Reading(None, "")


def inspect_picture(file: Any, name: str) -> Picture:
    return Picture(**_asked("documents.inspection.pictures", file, name, "look"))


def draw(file: Any, name: str, sizes: list[Size]) -> list[bytes]:
    """The files of these sizes, in their order."""
    try:
        drawn = ask("documents.inspection.pictures", file, "draw", [size._asdict() for size in sizes])
    except (UnreadableFileError, FileTooLargeError, ReadersBusyError) as error:
        raise _refusal(error, name) from error
    return [base64.b64decode(content) for content in drawn]


def _asked(reader: str, file: Any, name: str, *question: str) -> Any:
    """The answer, which depends on the bytes alone and so is remembered for a moment."""
    key = (sha256_of(file), " ".join((reader, *question)))
    found = _found.get(key)
    if found is None:
        try:
            found = ask(reader, file, *question)
        except (UnreadableFileError, FileTooLargeError, ReadersBusyError) as error:
            raise _refusal(error, name) from error
        _found[key] = found
        while len(_found) > KEPT:
            _found.popitem(last=False)
    return found


def _refusal(error: Exception, name: str) -> ValidationError:
    named = {"name": PurePath(name).name}
    if isinstance(error, ReadersBusyError):
        return ValidationError(BUSY, "busy", named)
    return ValidationError(TOO_MUCH if isinstance(error, FileTooLargeError) else UNREADABLE, "unreadable", named)
