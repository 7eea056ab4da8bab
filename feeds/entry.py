"""The one neutral form of what feeds carry; feeds/sources.py fills it and every channel only writes it down.

An entry keeps its identity for ever: a `urn:uuid:` name (RFC 9562) made from the page's immutable uuid. It
survives a new title, a new address and a new host, none of which a feed reader may take for a new entry.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

LANGUAGE = "en-GB"
# What XML 1.0 allows in a document (section 2.2, Char), less the control characters U+007F to U+009F.
_NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Text without what would break a feed: control characters, lone surrogates, U+FFFE and U+FFFF."""
    return _NOT_ALLOWED.sub("", text)


def clean_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


@dataclass(frozen=True)
class Enclosure:
    """A file that comes with an entry. `length` is in bytes, 0 when it is not known."""

    url: str
    length: int
    media_type: str


@dataclass(frozen=True)
class Entry:
    """One page in a feed."""

    uuid: UUID
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    language: str = LANGUAGE

    def __post_init__(self) -> None:
        # Here once for all channels. Atom and RSS need a title.
        object.__setattr__(self, "title", clean_line(self.title) or "Untitled")
        object.__setattr__(self, "summary", clean_line(self.summary))
        object.__setattr__(self, "html", clean(self.html))
        object.__setattr__(self, "categories", tuple(line for each in self.categories if (line := clean_line(each))))

    @property
    def id(self) -> str:
        return self.uuid.urn


@dataclass(frozen=True)
class Feed:
    """A list of entries, newest first. `updated` comes from the data, never from the clock."""

    uuid: UUID
    url: str
    title: str
    description: str
    author: str
    updated: datetime
    entries: tuple[Entry, ...]
    language: str = LANGUAGE

    def __post_init__(self) -> None:
        for name in ("title", "description", "author"):
            object.__setattr__(self, name, clean_line(getattr(self, name)))

    @property
    def id(self) -> str:
        return self.uuid.urn
