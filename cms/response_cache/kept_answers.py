"""Answers in the memory of this process, as they are sent."""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

Header = tuple[str, str]
Key = tuple[str | bytes, ...]  # every part of a request on which its answer may depend
OVERHEAD = 1_500  # bytes of Python objects for each answer, roughly


@dataclass(slots=True)
class KeptAnswer:
    """An answer with status 200.

    `max_age` is that of its Cache-Control, or 0. `valid_until` is in seconds since 1970.
    """

    headers: list[Header]
    body: bytes
    etag: str
    last_modified: int | None
    max_age: int
    valid_until: float

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


class KeptAnswers:
    """The answers of one version, at most `limit` bytes of them. Those that were not asked for lately go first.

    When an answer of another version is kept, all earlier ones are forgotten.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        # One object, so that no thread reads the version before and the answers after another thread exchanges both.
        self._kept: tuple[int | None, OrderedDict[Key, KeptAnswer]] = (None, OrderedDict())
        self._lock = Lock()

    def get(self, key: Key, version: int, now: float) -> KeptAnswer | None:
        kept, answers = self._kept
        if version != kept:
            return None
        found = answers.get(key)
        if found is None or now >= found.valid_until:
            return None
        with suppress(KeyError):  # another thread may have removed it meanwhile
            answers.move_to_end(key)
        return found

    def keep(self, key: Key, version: int, answer: KeptAnswer) -> None:
        """Keep an answer that was made while the database had this version."""
        size = _size(key, answer)
        if size > self.limit // 10:  # it would push out too many others
            return
        with self._lock:
            if version != self._kept[0]:
                self._kept, self.size = (version, OrderedDict()), 0
            answers = self._kept[1]
            self._remove(key, answers)
            answers[key] = answer
            self.size += size
            while self.size > self.limit:
                self._remove(next(iter(answers)), answers)

    def _remove(self, key: Key, answers: OrderedDict[Key, KeptAnswer]) -> None:
        answer = answers.pop(key, None)
        if answer is not None:
            self.size -= _size(key, answer)

    def __len__(self) -> int:
        return len(self._kept[1])


def _size(key: Key, answer: KeptAnswer) -> int:
    return answer.size + sum(map(len, key))
