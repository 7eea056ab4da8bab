"""Reads the number of pages of a PDF and the words on them, in a process of its own."""

from contextlib import suppress
from typing import IO, Any

from pypdf import PdfReader

from documents.inspection.reader import ReadingTimeoutError, UnreadableFileError, answer
from documents.inspection.text import MAX_LETTERS, cleaned

MAX_PAGES = 300
MAX_DRAWING = 2_000_000  # bytes of the content stream of a page; a page with more is a drawing


def read(file: IO[bytes]) -> dict[str, Any]:
    """The number of pages and the words. Pages that cannot be read are left out, and so are those after the time limit.

    Raises UnreadableFileError and any error of pypdf, also for a PDF that needs a password.
    """
    if b"%PDF-" not in file.read(1024):
        raise UnreadableFileError
    file.seek(0)
    pages = PdfReader(file).pages
    count = len(pages)
    if not count:
        raise UnreadableFileError
    words: list[str] = []
    with suppress(ReadingTimeoutError, MemoryError):
        for number in range(min(count, MAX_PAGES)):
            with suppress(Exception):  # a damaged page can raise any error
                page = pages[number]
                contents = page.get_contents()
                if contents is not None and len(contents.get_data()) <= MAX_DRAWING:
                    words.append(page.extract_text())
            if sum(map(len, words)) > MAX_LETTERS:
                break
    return {"pages": count, "words": cleaned("\n".join(words))}


if __name__ == "__main__":
    answer(read)
