"""Reads the facts of an uploaded file, so that nobody has to type them, and refuses a file that cannot be read.

Its functions raise `ValidationError` with the name of the file and what to do. Forms show that beside the field.
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
CACHE_SIZE = 8  # files whose facts are cached: the form asks for them, and then the row that it saves


class Reading(NamedTuple):
    """What is in a document: the number of pages of a PDF, and words for the search."""

    pages: int | None
    words: str


class Picture(NamedTuple):
    """The facts of a picture that can be shown. Width and height are in pixels, after its orientation is applied."""

    format: str
    frames: int
    width: int
    height: int


class Size(NamedTuple):
    """One size to draw of a picture: the crop (left, top, right, bottom), the size in pixels, and the format."""

    crop: Sequence[float]
    size: Sequence[int]
    format: str


_cache: OrderedDict[tuple[str, str], Any] = OrderedDict()


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the file's bytes, in hex. The file position is reset to the start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def read_document(file: IO[bytes], name: str) -> Reading:
    """The pages and words of the file, whose position is reset to the start. Other formats have neither.

    Raises ValidationError.
    """
    extension = PurePath(name).suffix.lower().removeprefix(".")
    if extension in PLAIN:
        file.seek(0)
        words = plain_text(file)
        file.seek(0)
        if words is None:
            raise ValidationError(UNREADABLE, "unreadable", {"name": PurePath(name).name})
        return Reading(None, words)
    if extension == "pdf":
        return Reading(**_read("documents.inspection.pdf", file, name))
    if extension in OFFICE:
        return Reading(**_read("documents.inspection.office", file, name, extension))
    return Reading(None, "")


def inspect_picture(file: IO[bytes], name: str) -> Picture:
    """Raises ValidationError for a picture that cannot be shown."""
    return Picture(**_read("documents.inspection.pictures", file, name, "look"))


def draw(file: IO[bytes], name: str, sizes: list[Size]) -> list[bytes]:
    """The content of the drawn files, in the order of the sizes. Raises ValidationError."""
    try:
        drawn = ask("documents.inspection.pictures", file, "draw", [size._asdict() for size in sizes])
    except (UnreadableFileError, FileTooLargeError, ReadersBusyError) as error:
        raise _refusal(error, name) from error
    return [base64.b64decode(content) for content in drawn]


def _read(reader: str, file: IO[bytes], name: str, *question: str) -> Any:
    """The reader's answer, cached because it depends only on the bytes."""
    key = (sha256_of(file), " ".join((reader, *question)))
    found = _cache.get(key)
    if found is None:
        try:
            found = ask(reader, file, *question)
        except (UnreadableFileError, FileTooLargeError, ReadersBusyError) as error:
            raise _refusal(error, name) from error
        _cache[key] = found
        while len(_cache) > CACHE_SIZE:
            _cache.popitem(last=False)
    return found


def _refusal(error: Exception, name: str) -> ValidationError:
    params = {"name": PurePath(name).name}
    if isinstance(error, ReadersBusyError):
        return ValidationError(BUSY, "busy", params)
    return ValidationError(TOO_MUCH if isinstance(error, FileTooLargeError) else UNREADABLE, "unreadable", params)
