"""The feed entries that all formats share: feeds/build builds them, and feeds/write serialises them.

The id of an entry never changes. It is a `urn:uuid:` name (RFC 9562) made from the page's immutable uuid, so a new
title, address or host does not make feed readers show the entry again.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import quote
from uuid import UUID

from django.utils.encoding import iri_to_uri

LANGUAGE = "en-GB"
REMOVED = "No longer published"  # the title of an entry that was removed
# The characters that XML 1.0 allows (section 2.2, Char), without the control characters U+007F to U+009F.
_NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")


def clean(text: str) -> str:
    """The text without characters that break a feed: control characters, lone surrogates, U+FFFE and U+FFFF."""
    return _NOT_ALLOWED.sub("", text)


def clean_line(text: str) -> str:
    """The cleaned text on one line."""
    return " ".join(clean(text).split())


def clean_title(text: str) -> str:
    """The cleaned text on one line, or "Untitled" if it is empty."""
    return clean_line(text) or "Untitled"


def clean_address(address: str) -> str:
    """An absolute address as a URI (RFC 3986) in ASCII, as RSS requires."""
    scheme, mark, rest = clean_line(address).partition("://")
    host, slash, path = rest.partition("/")
    encoded = quote(path, safe="/?#%:@!$&'()*+,;=~")  # without square brackets, which only a host may contain
    return f"{iri_to_uri(scheme + mark + host)}{slash}{_NOT_ENCODED.sub('%25', encoded)}"


@dataclass(frozen=True)
class Enclosure:
    """A file of an entry. `length` is in bytes, or 0 if it is not known."""

    url: str
    length: int
    media_type: str
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_line(self.title))


@dataclass(frozen=True)
class Entry:
    """One entry of a feed: a page, or an event such as the agenda of a meeting.

    `change_note` says in a sentence what the last correction was. The content begins with it. An entry `for_the_record`
    was no news when it was written. A `removed` one has no text: it takes the place of a copy that readers keep.
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
    for_the_record: bool = False
    removed: bool = False

    def __post_init__(self) -> None:
        # Cleaned here for all formats. Atom and RSS need a title.
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_title(self.title))
        for name in ("summary", "change_note"):
            object.__setattr__(self, name, clean_line(getattr(self, name)))
        object.__setattr__(self, "html", clean(self.html))
        object.__setattr__(self, "categories", tuple(line for name in self.categories if (line := clean_line(name))))

    @property
    def id(self) -> str:
        return self.uuid.urn

    @property
    def content(self) -> str:
        """The HTML content, with the change note."""
        if not self.change_note:
            return self.html
        return f"<p><strong>Updated {_day(self.updated)}:</strong> {escape(self.change_note)}</p>\n{self.html}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def removed(uuid: UUID, url: str, published: datetime, at: datetime) -> Entry:
    """What takes the place of an entry that was removed `at`: nothing of it but its id and its first date.

    `url` leads to where the entry was, because the address of its page may tell what was removed.
    """
    return Entry(uuid, url, REMOVED, "", "", published, at, removed=True)


@dataclass(frozen=True)
class Feed:
    """A list of entries, newest first. `updated` comes from the data, never from the clock.

    A feed that does not fit into one document has archives (RFC 5005, section 4), numbered from the oldest. `archive`
    is the number of this document, or None for the feed itself. `older` and `newer` are the numbers of its neighbours.
    `icon` and `logo` are the addresses of a small and of a large square picture.
    """

    uuid: UUID
    url: str
    title: str
    description: str
    author: str
    updated: datetime
    entries: tuple[Entry, ...]
    icon: str = ""
    logo: str = ""
    archive: int | None = None
    older: int | None = None
    newer: int | None = None
    language: str = LANGUAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", clean_address(self.url))
        object.__setattr__(self, "title", clean_title(self.title))
        # RSS needs a description, and Atom the name of an author.
        for name in ("description", "author"):
            object.__setattr__(self, name, clean_line(getattr(self, name)) or self.title)

    @property
    def id(self) -> str:
        return self.uuid.urn
