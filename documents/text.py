"""Reads the words out of an uploaded file, for the search (pages/search_index.py). A file that cannot be read has none.

What is read is bounded in size, pages and time. The time is looked at between two pages of a PDF.
"""

import logging
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from django.core.files.base import File
from pypdf import PdfReader
from pypdf.errors import PyPdfError

logger = logging.getLogger(__name__)

MAX_LETTERS = 200_000  # about a hundred pages
MAX_PAGES = 300
MAX_SECONDS = 10.0
MAX_PDF_PAGE = 2_000_000  # bytes of drawing on one page of a PDF; what has more is a drawing
MAX_XML = 30_000_000  # bytes of one part of an office document, unpacked
CHUNK = 64 * 1024
PLAIN = {"csv", "json", "txt"}
# Where the formats that are zip files of XML keep their text.
PARTS = {
    "docx": ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml"),
    "odp": ("content.xml",),
    "ods": ("content.xml",),
    "odt": ("content.xml",),
    "pptx": ("ppt/slides/slide",),
    "xlsx": ("xl/sharedStrings.xml", "xl/worksheets/sheet"),
}
# Elements at which a word ends, and those whose text readers of the file do not see, by their local names.
ENDS = {"p", "h", "br", "tab", "line-break", "s", "si", "is", "table-cell"}
UNSEEN = {"annotation", "delText", "f", "instrText", "rPh", "tracked-changes", "v"}
BROKEN = (
    PyPdfError, DefusedXmlException, zipfile.BadZipFile, NotImplementedError, RecursionError, ArithmeticError,
    AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, MemoryError,
)  # fmt: skip


def text_of(file: File, extension: str) -> str:
    """The words of a file of this format, at most `MAX_LETTERS`; "" where there are none or nobody can tell.

    Leaves the file at its start.
    """
    pieces, length = [], 0
    try:
        file.seek(0)
        for piece in _pieces(file, extension):
            pieces.append(piece)
            length += len(piece) + 1
            if length > MAX_LETTERS:
                break
    except BROKEN as error:  # a file can be wrong in any way, and its upload goes on
        logger.warning("Not all of a %s file could be read for the search: %s", extension, type(error).__name__)
    finally:
        with suppress(OSError):  # it is missing
            file.seek(0)
    return _clean("\n".join(pieces))[:MAX_LETTERS]


def _pieces(file: File, extension: str) -> Iterator[str]:
    if extension in PLAIN:
        yield _decoded(file.read(MAX_LETTERS * 4))
    elif extension == "pdf":
        yield from _of_pdf(file)
    elif extension in PARTS:
        yield from _of_office(file, PARTS[extension])


def _clean(text: str) -> str:
    """Without what a database refuses, with ligatures taken apart (PDF has many), a line a paragraph."""
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode()).replace("\x00", " ")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _decoded(content: bytes) -> str:
    """Text as UTF-8, as UTF-16 where it says so, and else as Windows writes it."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "ignore")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_off = error.start > len(content) - 4  # in the middle of the last letter
        return content.decode("utf-8-sig" if cut_off else "cp1252", "ignore")


def _of_pdf(file: File) -> Iterator[str]:
    until = time.monotonic() + MAX_SECONDS
    for page in PdfReader(file).pages[:MAX_PAGES]:
        if time.monotonic() > until:
            logger.warning("A PDF took too long to read for the search: the rest of it is left out.")
            return
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) <= MAX_PDF_PAGE:
            yield page.extract_text()


def _of_office(file: File, parts: tuple[str, ...]) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        names = [name for part in parts for name in sorted(archive.namelist(), key=_number) if name.startswith(part)]
        for name in names[:MAX_PAGES]:
            with archive.open(name) as stream:
                yield _of_xml(stream)


def _number(name: str) -> tuple[int, str]:
    """Slide 10 comes after slide 9."""
    return int("".join(letter for letter in name if letter.isdecimal()) or 0), name


class _Seen:
    """Hears of each element and text of an XML file, in their order, and keeps what can be read."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.unseen = 0  # how many elements deep inside of one that is not seen

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.unseen or tag.rpartition("}")[2] in UNSEEN:
            self.unseen += 1

    def end(self, tag: str) -> None:
        if self.unseen:
            self.unseen -= 1
        elif (name := tag.rpartition("}")[2]) in ENDS:
            self.words.append("\n" if name in ("p", "h") else " ")

    def data(self, text: str) -> None:
        if not self.unseen:
            self.words.append(text)

    def close(self) -> str:
        return "".join(self.words)


def _of_xml(stream: IO[bytes]) -> str:
    """The text of the first `MAX_XML` bytes, or up to where they are broken."""
    seen, left = _Seen(), MAX_XML
    parser = DefusedXMLParser(target=seen)
    with suppress(ParseError):
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            parser.feed(chunk)
            left -= len(chunk)
    return seen.close()
