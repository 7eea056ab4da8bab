"""The one neutral form of what feeds carry; feeds/build/items.py fills it and every channel only writes it down.

An entry keeps its identity for ever: a `urn:uuid:` name (RFC 9562) made from the page's immutable uuid. It
survives a new title, a new address and a new host, none of which a feed reader may take for a new entry.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import quote
from uuid import UUID

from django.utils.encoding import iri_to_uri

LANGUAGE = "en-GB"
# What XML 1.0 allows in a document (section 2.2, Char), less the control characters U+007F to U+009F.
_NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")


def clean(text: str) -> str:
    """Text without what would break a feed: control characters, lone surrogates, U+FFFE and U+FFFF."""
    return _NOT_ALLOWED.sub("", text)


def clean_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def clean_title(text: str) -> str:
    """The same where there has to be something."""
    return clean_line(text) or "Untitled"


def clean_address(address: str) -> str:
    """An absolute address as a URI (RFC 3986), of certain letters of ASCII: RSS takes nothing else."""
    scheme, mark, rest = clean_line(address).partition("://")
    host, slash, path = rest.partition("/")
    encoded = quote(path, safe="/?#%:@!$&'()*+,;=~")  # no square brackets, which only a host may have
    return f"{iri_to_uri(scheme + mark + host)}{slash}{_NOT_ENCODED.sub('%25', encoded)}"


@dataclass(frozen=True)
class Enclosure:
    """A file that comes with an entry. `length` is in bytes, 0 when it is not known."""

    url: str
    length: int
    media_type: str
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_line(self.title))


@dataclass(frozen=True)
class Entry:
    """One thing that a feed tells of: a page, or something that happened to one.

    `change_note` says in a sentence what the last correction was about; the content opens with it.
    """

    uuid: UUID
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image: Enclosure | None = None
    change_note: str = ""
    language: str = LANGUAGE

    def __post_init__(self) -> None:
        # Here once for all channels. Atom and RSS need a title.
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_title(self.title))
        for name in ("summary", "change_note"):
            object.__setattr__(self, name, clean_line(getattr(self, name)))
        object.__setattr__(self, "html", clean(self.html))
        object.__setattr__(self, "categories", tuple(line for each in self.categories if (line := clean_line(each))))

    @property
    def id(self) -> str:
        return self.uuid.urn

    @property
    def content(self) -> str:
        """The HTML that readers see."""
        if not self.change_note:
            return self.html
        return f"<p><strong>Updated {_day(self.updated)}:</strong> {escape(self.change_note)}</p>\n{self.html}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


@dataclass(frozen=True)
class Gone:
    """An entry that is not there any more (RFC 6721)."""

    uuid: UUID
    at: datetime

    @property
    def id(self) -> str:
        return self.uuid.urn


@dataclass(frozen=True)
class Feed:
    """A list of entries, newest first. `updated` comes from the data, never from the clock.

    A feed that does not fit into one document has archives (RFC 5005, section 4), numbered from the oldest; `archive`
    is the number of this one, None for the feed itself, and `older` and `newer` those beside it.
    """

    uuid: UUID
    url: str
    title: str
    description: str
    author: str
    updated: datetime
    entries: tuple[Entry, ...]
    gone: tuple[Gone, ...] = ()
    archive: int | None = None
    older: int | None = None
    newer: int | None = None
    language: str = LANGUAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_title(self.title))
        # RSS needs a description, Atom the name of an author.
        for name in ("description", "author"):
            object.__setattr__(self, name, clean_line(getattr(self, name)) or self.title)

    @property
    def id(self) -> str:
        return self.uuid.urn
