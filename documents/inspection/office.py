"""Reads the words that people see in an office document, in a process of its own.

Word, Excel, PowerPoint (Office Open XML, ECMA-376) and OpenDocument (ODF 1.3) are zip files of XML. What their programs
do not show is left out: hidden slides, sheets, rows, columns, shapes and text, comments, speaker notes, and tracked
deletions. Text that is only hard to see (white on white) is read.
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
# The folder or file of the archive that holds the content of the format.
FOLDERS = {
    "docx": "word/",
    "pptx": "ppt/",
    "xlsx": "xl/",
    "odp": "content.xml",
    "ods": "content.xml",
    "odt": "content.xml",
}


def read(file: IO[bytes], extension: str) -> dict[str, Any]:
    """The words of the document. If the time or memory runs out, the words read so far.

    Raises UnreadableFileError and any error of zipfile, zlib and the XML parser.
    """
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
    _parsed(archive, "word/styles.xml", styles)
    for name in _parts_named(archive, "word/document", "word/footnotes.xml", "word/endnotes.xml"):
        yield _parsed(archive, name, Written(styles.hidden())).close()


def _of_powerpoint(archive: zipfile.ZipFile) -> Iterator[str]:
    slides = _parts_listed(archive, "ppt/presentation.xml", "sldId") or _parts_named(archive, "ppt/slides/slide")
    for name in slides:
        yield _parsed(archive, name, Drawn()).close()


def _of_excel(archive: zipfile.ZipFile) -> Iterator[str]:
    sheets = _parts_listed(archive, "xl/workbook.xml", "sheet")
    sheets = _parts_named(archive, "xl/worksheets/sheet") if sheets is None else sheets
    strings = _parsed(archive, "xl/sharedStrings.xml", SharedStrings()).strings
    for name in sheets:
        yield _parsed(archive, name, Sheet(strings)).close()


def _of_open_document(archive: zipfile.ZipFile) -> Iterator[str]:
    styles = OpenDocument()
    _parsed(archive, "styles.xml", styles)
    yield _parsed(archive, "content.xml", OpenDocument(styles)).close()


def _parts_named(archive: zipfile.ZipFile, *beginnings: str) -> list[str]:
    """The parts whose names begin so, in numerical order (slide 9, slide 10)."""
    found = [name for name in archive.namelist() if name.endswith(".xml")]
    return [name for beginning in beginnings for name in sorted(found, key=_number) if name.startswith(beginning)][
        :MAX_PARTS
    ]


def _number(name: str) -> tuple[int, str]:
    return int("".join(letter for letter in name if letter in "0123456789")[:9] or 0), name


class _RelationIds(Words):
    """The relationship ids of the slides of a presentation, or of the visible sheets of a workbook."""

    def __init__(self, element: str) -> None:
        super().__init__()
        self.element, self.relations = element, list[str]()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        if local(tag) == self.element and attributes.get("state", "visible") == "visible":
            self.relations += [value for name, value in attributes.items() if name.endswith("}id")]


class _Relations(Words):
    """The targets of relationships, by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        found = without_namespaces(attributes)
        self.targets[found.get("Id", "")] = found.get("Target", "")


def _parts_listed(archive: zipfile.ZipFile, part: str, element: str) -> list[str] | None:
    """The parts that the given part lists, in its order. None if the archive lacks that part."""
    if part not in archive.NameToInfo:
        return None
    folder, _, name = part.rpartition("/")
    targets = _parsed(archive, f"{folder}/_rels/{name}.rels", _Relations()).targets
    found = [targets.get(relation, "") for relation in _parsed(archive, part, _RelationIds(element)).relations]
    paths = [normpath(join("/" + folder, target)).lstrip("/") for target in found if target]
    return [path for path in paths if path in archive.NameToInfo][:MAX_PARTS]


def _parsed(archive: zipfile.ZipFile, part: str, target: Target) -> Target:
    """Parse a part, or its first `MAX_XML` bytes, into the target. A missing part leaves the target empty."""
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
