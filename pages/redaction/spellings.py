"""Finds a text in a value in any spelling, and removes it. pages/redaction/redact.py applies it to all values.

The value is searched as a person reads it: HTML entities and percent-encoding are decoded, tags are left out, and
letters are transliterated to Latin letters without accents. Each piece of the decoded text keeps its position in the
value, so that only the text itself is replaced.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from anyascii import anyascii

MARK, ADDRESS_MARK = "[redacted]", "redacted"
SHORTEST = 3
RUN_TOGETHER = 6

INLINE = "a abbr b bdi bdo cite code del dfn em font i ins kbd mark q s samp small span strong sub sup time u var wbr"
BLOCK = (
    "address article aside blockquote body br caption col colgroup dd details div dl dt embed figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 head header hr html iframe img input label li main nav ol option p picture pre section "
    "select source summary table tbody td textarea tfoot th thead title tr ul video"
)
# Attributes whose values only Wagtail writes.
_SYSTEM_ATTRIBUTES = {"class", "embedtype", "format", "id", "linktype"}
_PIECES = re.compile(
    rf"""
      (?P<tag></?(?P<name>{"|".join(f"{INLINE} {BLOCK}".split())})(?=[\s/>])(?:"[^"]*"|'[^']*'|[^'"<>])*>)
    | (?P<entity>&(?:\#\d{{1,7}}|\#x[\da-f]{{1,6}}|[a-z][a-z\d]{{1,31}});)
    | (?P<percent>(?:%[\da-f]{{2}})+)
    | (?P<letter>[^\x00-\x7f])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s"'<>/=]+) \s*=\s* (?: "(?P<double>[^"]*)" | '(?P<single>[^']*)' | (?P<bare>[^\s"'>]+) )""",
    re.VERBOSE,
)
_ADDRESS = re.compile(r"(?:mailto:|tel:|[^\s<>/@]*[/@])[^\s<>]*", re.IGNORECASE)
_INLINE_NAMES = set(INLINE.split())


class Piece(NamedTuple):
    """The position of a piece in the value. A plain piece reads as it is written, a silent one as an empty text."""

    start: int
    end: int
    plain: bool = False
    silent: bool = False
    tag: bool = False


class Reading:
    """A value as a person reads it (`text`), and its pieces with their positions in that text (`starts`)."""

    def __init__(self, value: str) -> None:
        self.starts: list[int] = []
        self.pieces: list[Piece] = []
        texts: list[str] = []
        length = 0
        for text, piece in _pieces(value):
            texts.append(text)
            self.starts.append(length)
            self.pieces.append(piece)
            length += len(text)
        self.text = "".join(texts)

    def places(self, first: int, last: int) -> list[tuple[int, int]]:
        """The positions in the value of the text from `first` to `last`, as (start, end) ranges without tags.

        Silent characters (a combining accent, a soft hyphen) belong to the letter before them.
        """
        places: list[tuple[int, int]] = []
        for piece, begins in self._pieces_between(first, last):
            if piece.tag:
                continue
            start, end = piece.start, piece.end
            if piece.plain:
                start, end = start + max(first - begins, 0), min(end, start + last - begins)
            if places and places[-1][1] == start:
                places[-1] = (places[-1][0], end)
            else:
                places.append((start, end))
        return places

    def _pieces_between(self, first: int, last: int) -> Iterator[tuple[Piece, int]]:
        """The pieces of the text from `first` to `last` and the silent ones after it, each with its start in it."""
        number = bisect_right(self.starts, first) - 1
        for piece, begins in zip(self.pieces[number:], self.starts[number:], strict=True):
            if begins > last or (begins == last and (piece.tag or not piece.silent)):
                return
            yield piece, begins


def _pieces(value: str) -> Iterator[tuple[str, Piece]]:
    """The text as it reads, in order, each part with the piece of the value that it comes from."""
    position = 0
    for found in _PIECES.finditer(value):
        start, end = found.span()
        if start > position:
            yield value[position:start], Piece(position, start, plain=True)
        position = end
        if found["tag"]:
            yield "" if found["name"].lower() in _INLINE_NAMES else "\n", Piece(start, end, tag=True)
        elif found["percent"]:
            for letter, first, last in _percent_decoded(found["percent"]):
                text = _latin(letter)
                yield text, Piece(start + first, start + last, silent=not text)
        else:
            letters = unescape(found["entity"]) if found["entity"] else found["letter"]
            text = "".join(map(_latin, letters))
            yield text, Piece(start, end, silent=not text)
    if position < len(value):
        yield value[position:], Piece(position, len(value), plain=True)


class Edit(NamedTuple):
    start: int
    end: int
    new: str


class Spellings:
    """Finds a text in the following spellings, and no others:

    - other case; with or without accents; with other quotes, hyphens and spaces;
    - HTML entities, percent-encoding, tags between the words or within them;
    - the words joined as in addresses and file names: with one or more of `-`, `_`, `.` and `+`;
    - the words run together ("janedoe"), when the text has at least 6 letters and digits.

    Only whole words are found, with no letter or digit next to them. A text of at least 6 letters and digits is also
    found next to digits and next to a word that begins with a capital ("janedoe84", "MrsJaneDoe.pdf").
    Other orders of the words, initials and abbreviations are not found.

    `moved` maps old paths of pages to new ones. Links to the old paths are changed.
    """

    def __init__(self, text: str) -> None:
        """Raises ValueError if the text has fewer than 3 letters and digits."""
        self.text = "".join(map(_latin, text)).strip()
        runs = re.findall(r"[A-Za-z0-9]+|[^A-Za-z0-9]+", self.text)
        words = [run for run in runs if run.isalnum()]
        size = len("".join(words))
        if size < SHORTEST:
            raise ValueError(f"Give a text of at least {SHORTEST} letters or digits.")
        long = size >= RUN_TOGETHER
        while not runs[0].isalnum():
            runs.pop(0)
        while not runs[-1].isalnum():
            runs.pop()
        pattern = "".join(run if run.isalnum() else _gap(run, long) for run in runs)
        before, after = "(?<![A-Za-z0-9])", "(?![A-Za-z0-9])"
        if long:
            before = rf"(?:{before}|(?-i:(?<=[a-z0-9])(?=[A-Z]))|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9]))"
            after = rf"(?:{after}|(?-i:(?<=[a-z0-9])(?=[A-Z]))|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z]))"
        self.pattern = re.compile(f"{before}{pattern}{after}", re.IGNORECASE)
        self.moved: dict[str, str] = {}

    def without(self, value: str, address: bool = False) -> str:
        """The value without the text. If it is an `address` (a slug, a URL, a file name), it remains a valid one."""
        if self.moved and _looks_like_an_address(value):
            value = self._moved_address(value)
        new, position = [], 0
        for edit in sorted(self._edits(value, 0, address)):
            new += [value[position : edit.start], edit.new]
            position = edit.end
        return "".join([*new, value[position:]]) if new else value

    def _moved_address(self, value: str) -> str:
        """The new address of the page if the value is the old address of one, else the value."""
        try:
            parts = urlsplit(value)
        except ValueError:
            return value
        path = unquote(parts.path)
        new = self.moved.get(path if path.endswith("/") else f"{path}/")
        if new is None:
            return value
        return parts._replace(path=new if path.endswith("/") else new.rstrip("/")).geturl()

    def _edits(self, value: str, offset: int, address: bool) -> Iterator[Edit]:
        """The replacements, with positions counted from `offset`. No two overlap."""
        address = address or _looks_like_an_address(value)
        reading = Reading(value)
        for match in self.pattern.finditer(reading.text):
            joined = match[0].lower() != self.text.lower() and not re.search(r"\s", match[0])
            mark = ADDRESS_MARK if address or joined else MARK
            for start, end in reading.places(*match.span()):
                yield Edit(offset + start, offset + end, mark)
                mark = ""
        for piece in reading.pieces:
            if piece.tag:
                yield from self._edits_in_tag(value[piece.start : piece.end], offset + piece.start)

    def _edits_in_tag(self, tag: str, offset: int) -> Iterator[Edit]:
        """The replacements in the values of a tag's attributes. The names of the tag and its attributes stay."""
        for found in _ATTRIBUTE.finditer(tag):
            kind = found.lastgroup
            if kind and found["name"].lower() not in _SYSTEM_ATTRIBUTES:
                value = found[kind]
                new = self._moved_address(value) if self.moved and _looks_like_an_address(value) else value
                if new != value:
                    yield Edit(offset + found.start(kind), offset + found.end(kind), self.without(new, address=True))
                else:
                    yield from self._edits(value, offset + found.start(kind), address=False)


def _gap(between: str, run_together: bool) -> str:
    """A pattern for what may be between two words: the same characters, spaces, or the separators of addresses."""
    if between == "'":
        return "(?:'|[-_.+])?"
    sign = between.strip()
    itself = rf"\s*{re.escape(sign)}\s*|" if sign else ""
    return rf"(?:{itself}\s+|[-_.+]+)" + ("?" if run_together else "")


def _looks_like_an_address(value: str) -> bool:
    return bool(_ADDRESS.fullmatch(value))


@lru_cache(maxsize=4096)
def _latin(letter: str) -> str:
    return anyascii(letter)


def _percent_decoded(run: str) -> Iterator[tuple[str, int, int]]:
    """The letters of a run such as "%C3%A9", each with its start and end in the run. Decodes UTF-8, else Latin-1."""
    encoded = bytes.fromhex(run.replace("%", ""))
    try:
        letters, encoding = encoded.decode(), "utf-8"
    except UnicodeDecodeError:
        letters, encoding = encoded.decode("latin-1"), "latin-1"
    position = 0
    for letter in letters:
        end = position + 3 * len(letter.encode(encoding))
        yield letter, position, end
        position = end
