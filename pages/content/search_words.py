"""How the search compares words: what counts as the same word, what a query asks for, and which words are marked.

Case and accents do not matter, nor do English endings ("thefts", "theft"). The same is done to what is published and
to what is asked, so every database finds the same.
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
# In English texts everywhere, so they tell nothing apart. "s" and "t" are what an apostrophe leaves.
STOP_WORDS = {
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "in", "is", "it", "its", "of", "on",
    "or", "s", "t", "that", "the", "their", "this", "to", "was", "were", "will", "with",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r'"([^"]*)"')
_stemmer, _one_at_a_time = snowballstemmer.stemmer("english"), Lock()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """What is left of a folded word without its English ending, as in "shoplift" for "shoplifting"."""
    with _one_at_a_time:  # the stemmer keeps the word that it is at
        return str(_stemmer.stemWord(word[:LONGEST_WORD]))


class _Folded:
    """For `str.translate`: a letter in lower case without its accent, as long as that is one letter."""

    @staticmethod
    @lru_cache(maxsize=5_000)
    def __getitem__(code: int) -> str:
        letter = chr(code)
        if unicodedata.name(letter, "").startswith("LATIN ") and len(plain := anyascii(letter)) == 1:
            return plain.lower()
        small = letter.lower()
        return small if len(small) == 1 else letter


def fold(text: str) -> str:
    """A composed text (NFC) in lower case without accents, letter for letter: places in it stay the same."""
    return text.lower() if text.isascii() else text.translate(_Folded())


def composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def stems(text: str) -> Iterator[str]:
    """The words of a text that are searched, in their order."""
    for found in _WORD.finditer(fold(composed(text))):
        if found[0] not in STOP_WORDS:
            yield stem(found[0])


# --- What is asked -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What a query asks for: words that must all be there, and phrases whose words must follow each other."""

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, query: str) -> "Wanted":
        """Text in quotes is a phrase. Nothing else in a query has a meaning of its own."""
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
        """Finds the words that may have one of the stems: an ending changes two letters of the stem at most."""
        starts = sorted({re.escape(each[: max(1, len(each) - 2)]) for each in self.all_stems})
        return re.compile(rf"(?<![^\W_])(?:{'|'.join(starts)})[^\W_]*")

    def found_in(self, folded: str) -> Iterator[tuple[int, int, str]]:
        """Where a folded text has one of the words: start, end, stem."""
        for candidate in self._candidates.finditer(folded):
            if candidate[0] not in STOP_WORDS and (found := stem(candidate[0])) in self.all_stems:
                yield candidate.start(), candidate.end(), found


def digest(*parts: object) -> str:
    """A short name for what a list was asked for, so that no other list takes its cursors."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


# --- What is shown of a result -------------------------------------------------------------------------------

MOST_PLACES = 2_000  # of the words in one text that are looked at


def highlight(texts: Iterable[str], wanted: Wanted, letters: int = 1_000_000) -> str:
    """The part of the texts that has most of the wanted words, at most about 300 letters, as HTML with `<mark>`.

    All but the marks is escaped. "" when no text has any of the words. Of equal parts the first is taken. `letters` is
    how far each text is read.
    """
    best, most = "", 0
    for text in (composed(_beginning(text, letters)) for text in texts):
        places = _places(text, wanted)
        count, window = _densest(places)
        if count > most:
            best, most = _marked(text, places, window), count
    return best


def _beginning(text: str, letters: int) -> str:
    """So many letters of a text, without the word that is cut off there."""
    return text if len(text) <= letters else text[:letters].rpartition(" ")[0]


def _places(text: str, wanted: Wanted) -> list[tuple[int, int, str]]:
    places = []
    for place in wanted.found_in(fold(text)):
        places.append(place)
        if len(places) == MOST_PLACES:
            break
    return places


def _densest(places: list[tuple[int, int, str]]) -> tuple[int, int]:
    """How many different words the best part has, and where in the list that part begins."""
    most, best = 0, 0
    for first, (start, _, _) in enumerate(places):
        near = set()
        for _, end, word in places[first : first + 40]:
            if end - start > HIGHLIGHT_LETTERS:
                break
            near.add(word)
        if len(near) > most:
            most, best = len(near), first
    return most, best


def _marked(text: str, places: list[tuple[int, int, str]], first: int) -> str:
    start = places[first][0]
    begin = 0 if len(text) <= HIGHLIGHT_LETTERS else max(0, start - HIGHLIGHT_LETTERS // 5)
    begin = max(0, min(begin, len(text) - HIGHLIGHT_LETTERS))
    if begin > 0:  # at the start of a word
        begin = min(start, begin + len(text[begin:start]) - len(text[begin:start].partition(" ")[2]))
    end = min(len(text), begin + HIGHLIGHT_LETTERS)
    if end < len(text):
        end = max(text.rfind(" ", begin, end), places[first][1])
    pieces, as_of = ["… " if begin else ""], begin
    for start, stop, _ in places[first:]:
        if stop > end:
            break
        pieces += [escape(text[as_of:start]), "<mark>", escape(text[start:stop]), "</mark>"]
        as_of = stop
    pieces += [escape(text[as_of:end]), " …" if end < len(text) else ""]
    return " ".join("".join(pieces).split())
