"""Normalises words for the search, parses queries and highlights matches.

Matching ignores case, accents and English endings ("thefts" matches "theft"). Published text and queries are normalised
in the same way here, so every database finds the same.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from threading import Lock

import snowballstemmer
from anyascii import anyascii

LONGEST_WORD = 40
HIGHLIGHT_LETTERS = 280
# Too common in English texts to tell them apart. "s" and "t" are what is left after an apostrophe.
STOP_WORDS = {
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "in", "is", "it", "its", "of", "on",
    "or", "s", "t", "that", "the", "their", "this", "to", "was", "were", "will", "with",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r'"([^"]*)"')
_stemmer, _stemmer_lock = snowballstemmer.stemmer("english"), Lock()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a folded word, as in "shoplift" for "shoplifting" (Snowball's English stemmer)."""
    with _stemmer_lock:  # the stemmer is not thread-safe
        return str(_stemmer.stemWord(word[:LONGEST_WORD]))


class _Folded:
    """A table for `str.translate`: each letter in lower case without its accent, if that is one letter."""

    @staticmethod
    @lru_cache(maxsize=5_000)
    def __getitem__(code: int) -> str:
        letter = chr(code)
        if unicodedata.name(letter, "").startswith("LATIN ") and len(plain := anyascii(letter)) == 1:
            return plain.lower()
        small = letter.lower()
        return small if len(small) == 1 else letter


def fold(text: str) -> str:
    """A text in NFC in lower case without accents. Each letter stays one letter, so positions do not change."""
    return text.lower() if text.isascii() else text.translate(_Folded())


def composed(text: str) -> str:
    """The text in Unicode normalisation form NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def stems(text: str) -> Iterator[str]:
    """The stems of the words of a text in order, without stop words."""
    for found in _WORD.finditer(fold(composed(text))):
        if found[0] not in STOP_WORDS:
            yield stem(found[0])


# --- Queries -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """A parsed query: words that must all occur, and phrases whose words must occur in sequence."""

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, query: str) -> "Wanted":
        """Parse a query. Text in quotation marks is a phrase; there is no other syntax."""
        query = re.sub("[“”„]", '"', query)
        quoted = [tuple(stems(phrase)) for phrase in _QUOTED.findall(query)]
        single = [*stems(_QUOTED.sub(" ", query)), *(phrase[0] for phrase in quoted if len(phrase) == 1)]
        return cls(tuple(dict.fromkeys(single)), tuple(dict.fromkeys(phrase for phrase in quoted if len(phrase) > 1)))

    def __bool__(self) -> bool:
        return bool(self.words or self.phrases)

    @cached_property
    def all_stems(self) -> frozenset[str]:
        return frozenset(self.words).union(*self.phrases)

    @cached_property
    def _candidates(self) -> re.Pattern[str]:
        """Matches the words that may have one of the stems: endings change at most the last two letters of a stem."""
        starts = sorted({re.escape(each[: max(1, len(each) - 2)]) for each in self.all_stems})
        return re.compile(rf"(?<![^\W_])(?:{'|'.join(starts)})[^\W_]*")

    def found_in(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """The matches in a folded text: start, end, stem."""
        for candidate in self._candidates.finditer(folded):
            if candidate[0] not in STOP_WORDS and (found := stem(candidate[0])) in self.all_stems:
                yield candidate.start(), candidate.end(), found


def digest(*parts: object) -> str:
    """A short hash of the arguments of a list. Cursors carry it, so that no other list accepts them."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


# --- Highlighting -------------------------------------------------------------------------------

MAX_MATCHES = 2_000  # matches in one text


def highlight(texts: Iterable[str], wanted: Wanted, letters: int = 1_000_000) -> str:
    """The part of the texts with the most different words of the query, as HTML with `<mark>`; about 300 characters.

    Everything but the marks is escaped. Empty if no text has any of the words. Of equal parts, the first is used.
    `letters` is the number of characters that are read of each text.
    """
    best, most = "", 0
    for text in (composed(_truncated(text, letters)) for text in texts):
        matches = _matches(text, wanted)
        count, window = _best_window(matches)
        if count > most:
            best, most = _with_marks(text, matches, window), count
    return best


def _truncated(text: str, letters: int) -> str:
    """The first `letters` characters of a text, without a word that is cut off."""
    return text if len(text) <= letters else text[:letters].rpartition(" ")[0]


def _matches(text: str, wanted: Wanted) -> list[tuple[int, int, str]]:
    matches = []
    for match in wanted.found_in(fold(text)):
        matches.append(match)
        if len(matches) == MAX_MATCHES:
            break
    return matches


def _best_window(matches: list[tuple[int, int, str]]) -> tuple[int, int]:
    """The number of different words in the best part, and the index in `matches` at which it begins."""
    most, best = 0, 0
    for first, (start, _, _) in enumerate(matches):
        near = set()
        for _, end, word in matches[first : first + 40]:
            if end - start > HIGHLIGHT_LETTERS:
                break
            near.add(word)
        if len(near) > most:
            most, best = len(near), first
    return most, best


def _with_marks(text: str, matches: list[tuple[int, int, str]], first: int) -> str:
    start = matches[first][0]
    begin = 0 if len(text) <= HIGHLIGHT_LETTERS else max(0, start - HIGHLIGHT_LETTERS // 5)
    begin = max(0, min(begin, len(text) - HIGHLIGHT_LETTERS))
    if begin > 0:  # move on to the start of a word
        begin = min(start, begin + len(text[begin:start]) - len(text[begin:start].partition(" ")[2]))
    end = min(len(text), begin + HIGHLIGHT_LETTERS)
    if end < len(text):
        end = max(text.rfind(" ", begin, end), matches[first][1])
    pieces, position = ["… " if begin else ""], begin
    for start, stop, _ in matches[first:]:
        if stop > end:
            break
        pieces += [escape(text[position:start]), "<mark>", escape(text[start:stop]), "</mark>"]
        position = stop
    pieces += [escape(text[position:end]), " …" if end < len(text) else ""]
    return " ".join("".join(pieces).split())
