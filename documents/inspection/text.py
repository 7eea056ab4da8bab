"""Decodes, cleans and shortens the text of a file for the search. The readers of other formats use it as well."""

import unicodedata
from typing import IO

MAX_LETTERS = 200_000  # about a hundred pages
PLAIN = {"csv", "json", "txt"}
# The first bytes of other formats: PDF, zip, old office documents, pictures, programs.
NOT_PLAIN = (
    b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"MZ\x90", b"\x7fELF",
)  # fmt: skip


def plain_text(file: IO[bytes]) -> str | None:
    """The text of a plain-text file, at most `MAX_LETTERS`. None if the file has another format."""
    content = file.read(MAX_LETTERS * 4)
    return None if content.startswith(NOT_PLAIN) else cleaned(_decoded(content))


def cleaned(text: str) -> str:
    """The text without characters that databases refuse, with ligatures split (PDFs have many) and no empty lines."""
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode()).replace("\x00", " ")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:MAX_LETTERS]


def _decoded(content: bytes) -> str:
    """Decode as UTF-16 if it has a byte order mark, else as UTF-8, else as Windows-1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "ignore")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_off = error.start > len(content) - 4  # in the middle of the last character
        return content.decode("utf-8-sig" if cut_off else "cp1252", "ignore")
