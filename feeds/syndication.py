"""Writes a feed as RSS 2.0 or Atom 1.0; feeds/views.py serves the bytes.

feedgen does the writing. What it gets wrong is put right here, each with its reason.
"""

from collections.abc import Iterable
from email.utils import format_datetime
from html import escape
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds.entry import Entry, Feed, Gone

Links = Iterable[tuple[str, str]]
ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"  # RFC 5005
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
GENERATOR = "Community Safety CMS"
# feedgen's own function changes the locale of the whole process while it formats a date.
feedgen.entry.formatRFC2822 = feedgen.feed.formatRFC2822 = format_datetime


class _AtomEntry(FeedEntry):
    def atom_entry(self, extensions: bool = True) -> Any:
        """feedgen writes only the address of a link, which makes a file a second address of the entry."""
        element = super().atom_entry(extensions)
        for link, attributes in zip(element.findall("link"), self.link() or [], strict=True):
            for name in ("rel", "type", "length"):
                if attributes.get(name):
                    link.set(name, attributes[name])
        return element


class _Standing(BaseExtension):
    """Where a document stands among others: its hub, the archives beside it, and what went from it.

    feedgen writes such links in Atom only, and knows no archive and no tombstone. It gives elements of Atom no
    namespace but the document's own.
    """

    links: tuple[tuple[str, str], ...] = ()
    is_archive = False
    gone: tuple[Gone, ...] = ()

    def extend_ns(self) -> dict[str, str]:
        return {"atom": ATOM, "fh": HISTORY, "at": TOMBSTONES}

    def extend_atom(self, root: Any) -> Any:
        for rel, href in self.links:
            etree.SubElement(root, "link", rel=rel, href=href)
        for gone in self.gone:
            etree.SubElement(root, f"{{{TOMBSTONES}}}deleted-entry", ref=gone.id, when=gone.at.isoformat())
        if self.is_archive:
            etree.SubElement(root, f"{{{HISTORY}}}archive")
        return root

    def extend_rss(self, root: Any) -> Any:
        [channel] = root
        for rel, href in self.links:
            etree.SubElement(channel, f"{{{ATOM}}}link", rel=rel, href=href)
        if self.is_archive:
            etree.SubElement(channel, f"{{{HISTORY}}}archive")
        return root


def atom(feed: Feed, url: str, links: Links = ()) -> bytes:
    """RFC 4287. `url` is the address of the document itself, `links` are (rel, address) of those that belong to it."""
    generator = _generator(feed, url, "application/atom+xml", links)
    generator.id(feed.id)
    generator.subtitle(feed.description)
    generator.author(name=feed.author)
    for entry in feed.entries:
        written = _add(generator, entry)
        written.summary(entry.summary)
        for category in entry.categories:
            written.category(term=category)
        for enclosure in entry.enclosures:
            written.enclosure(enclosure.url, enclosure.length, enclosure.media_type)
    return generator.atom_str()


def rss(feed: Feed, url: str, links: Links = ()) -> bytes:
    """RSS 2.0 with `content:encoded`. No author: RSS wants an e-mail address there."""
    generator = _generator(feed, url, "application/rss+xml", links)
    generator.description(feed.description)
    for entry in feed.entries:
        written = _add(generator, entry)
        # A description is HTML, a summary is not.
        written.summary(escape(entry.summary, quote=False))
        for category in entry.categories:
            written.category(term=category)
        # RSS has room for one file; feedgen would keep the last.
        for enclosure in entry.enclosures[:1]:
            written.enclosure(enclosure.url, enclosure.length, enclosure.media_type)
    return generator.rss_str()


def _generator(feed: Feed, url: str, media_type: str, links: Links) -> FeedGenerator:
    generator = FeedGenerator()
    generator.register_extension("standing", _Standing)
    generator.standing.links, generator.standing.gone = tuple(links), feed.gone
    generator.standing.is_archive = feed.archive is not None
    generator.title(feed.title)
    generator.language(feed.language)
    # Otherwise the moment of writing, and other bytes each time. Sets lastBuildDate too.
    generator.updated(feed.updated)
    # Otherwise feedgen's version, which changes the bytes with every upgrade.
    generator.generator(GENERATOR)
    generator.link(href=url, rel="self", type=media_type)
    # Last: RSS gets the last link, and only this one is an address for people.
    generator.link(href=feed.url, rel="alternate", type="text/html")
    return generator


def _add(generator: FeedGenerator, entry: Entry) -> FeedEntry:
    written = _AtomEntry()
    written.id(entry.id)  # also the guid of RSS, as no permalink
    written.title(entry.title)
    written.link(href=entry.url, rel="alternate", type="text/html")
    written.published(entry.published)
    written.updated(entry.updated)
    # Without a type, feed readers would show the mark-up.
    written.content(entry.content, type="html")
    # feedgen puts each new entry first.
    return generator.add_entry(written, order="append")
