"""Reads the words that people see in an office document, in a process of its own.

Word, Excel, PowerPoint (Office Open XML, ECMA-376) and OpenDocument (ODF 1.3) are zip files of XML. Left out is what
their programs do not show: hidden slides, sheets, rows, columns, shapes and text, comments, notes for the speaker, and
what was deleted while changes were tracked. What is merely hard to see (white on white) is read.
"""

import zipfile
from collections.abc import Iterator
from contextlib import suppress
from posixpath import join, normpath
from typing import IO, Any, TypeVar

from defusedxml.ElementTree import DefusedXMLParser

from documents.inspection.office_words import (
    Drawn,
    OpenDocument,
    SharedStrings,
    Sheet,
    StylesOfWord,
    Words,
    Written,
    local,
    without_namespaces,
)
from documents.inspection.reader import ReadingTimeoutError, UnreadableFileError, answer
from documents.inspection.text import MAX_LETTERS, cleaned

MAX_PARTS = 300
MAX_XML = 30_000_000  # bytes of one part, unpacked
CHUNK = 64 * 1024
Target = TypeVar("Target", bound=Words)
# The folder of the zip file in which the format has its parts.
FOLDERS = {
    "docx": "word/",
    "pptx": "ppt/",
    "xlsx": "xl/",
    "odp": "content.xml",
    "ods": "content.xml",
    "odt": "content.xml",
}


def read(file: IO[bytes], extension: str) -> dict[str, Any]:
    """Raises whatever zip files, zlib and XML raise. Words for which the time does not suffice are left out."""
    pieces: list[str] = []
    with zipfile.ZipFile(file) as archive:
        if not any(name.startswith(FOLDERS[extension]) for name in archive.namelist()):
            raise UnreadableFileError
        parts = {"docx": _of_word, "pptx": _of_powerpoint, "xlsx": _of_excel}.get(extension, _of_open_document)
        with suppress(ReadingTimeoutError, MemoryError):
            for words in parts(archive):
                pieces.append(words)
                if sum(map(len, pieces)) > MAX_LETTERS:
                    break
    return {"pages": None, "words": cleaned("\n".join(pieces))}


def _of_word(archive: zipfile.ZipFile) -> Iterator[str]:
    styles = StylesOfWord()
    _through(archive, "word/styles.xml", styles)
    for name in _named(archive, "word/document", "word/footnotes.xml", "word/endnotes.xml"):
        yield _through(archive, name, Written(styles.hidden())).close()


def _of_powerpoint(archive: zipfile.ZipFile) -> Iterator[str]:
    slides = _listed(archive, "ppt/presentation.xml", "sldId") or _named(archive, "ppt/slides/slide")
    for name in slides:
        yield _through(archive, name, Drawn()).close()


def _of_excel(archive: zipfile.ZipFile) -> Iterator[str]:
    sheets = _listed(archive, "xl/workbook.xml", "sheet")
    sheets = _named(archive, "xl/worksheets/sheet") if sheets is None else sheets
    strings = _through(archive, "xl/sharedStrings.xml", SharedStrings()).strings
    for name in sheets:
        yield _through(archive, name, Sheet(strings)).close()


def _of_open_document(archive: zipfile.ZipFile) -> Iterator[str]:
    styles = OpenDocument()
    _through(archive, "styles.xml", styles)
    yield _through(archive, "content.xml", OpenDocument(styles)).close()


def _named(archive: zipfile.ZipFile, *beginnings: str) -> list[str]:
    """The parts with such names, slide 10 after slide 9."""
    found = [name for name in archive.namelist() if name.endswith(".xml")]
    return [name for beginning in beginnings for name in sorted(found, key=_number) if name.startswith(beginning)][
        :MAX_PARTS
    ]


def _number(name: str) -> tuple[int, str]:
    return int("".join(letter for letter in name if letter in "0123456789")[:9] or 0), name


class _List(Words):
    """The relations that a presentation lists as slides, or a workbook as sheets that are not hidden."""

    def __init__(self, element: str) -> None:
        super().__init__()
        self.element, self.relations = element, list[str]()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        if local(tag) == self.element and attributes.get("state", "visible") == "visible":
            self.relations += [value for name, value in attributes.items() if name.endswith("}id")]


class _Relations(Words):
    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        found = without_namespaces(attributes)
        self.targets[found.get("Id", "")] = found.get("Target", "")


def _listed(archive: zipfile.ZipFile, part: str, element: str) -> list[str] | None:
    """The parts that are listed there, in their order; None when there is no list."""
    if part not in archive.NameToInfo:
        return None
    folder, _, name = part.rpartition("/")
    targets = _through(archive, f"{folder}/_rels/{name}.rels", _Relations()).targets
    found = [targets.get(relation, "") for relation in _through(archive, part, _List(element)).relations]
    paths = [normpath(join("/" + folder, target)).lstrip("/") for target in found if target]
    return [path for path in paths if path in archive.NameToInfo][:MAX_PARTS]


def _through(archive: zipfile.ZipFile, part: str, target: Target) -> Target:
    """Let the target hear all of a part, or its first `MAX_XML` bytes. A part that is missing has nothing to say."""
    if part not in archive.NameToInfo:
        return target
    parser, left = DefusedXMLParser(target=target), MAX_XML
    with archive.open(part) as stream:
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            parser.feed(chunk)
            left -= len(chunk)
    if left > 0:
        parser.close()
    return target


if __name__ == "__main__":
    answer(read)
