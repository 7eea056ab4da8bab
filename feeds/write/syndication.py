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
CONTENT = "http://purl.org/rss/1.0/modules/content/"
MEDIA = "http://search.yahoo.com/mrss/"  # Media RSS
GENERATOR = "Community Safety CMS"
# feedgen's own function changes the locale of the whole process while it formats a date.
feedgen.entry.formatRFC2822 = feedgen.feed.formatRFC2822 = format_datetime


class _Written(FeedEntry):
    """An entry, with what feedgen has no words for or leaves out."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.carried = entry

    def atom_entry(self, extensions: bool = True) -> Any:
        """feedgen writes only the address of a link, which makes a file a second address of the entry."""
        element = super().atom_entry(extensions)
        entry = self.carried
        element.find("link").attrib.update({"rel": "alternate", "type": "text/html"})
        for file in (*entry.enclosures, *([entry.image] if entry.image else [])):
            link = etree.SubElement(element, "link", rel="enclosure", href=file.url, type=file.media_type)
            # A length of 0 would be a file with nothing in it.
            for name, value in (("length", str(file.length or "")), ("title", file.title)):
                if value:
                    link.set(name, value)
        return element

    def rss_entry(self, extensions: bool = True) -> Any:
        """RSS has no date of a correction, and room for one file only, which feedgen would take to be the last."""
        element = super().rss_entry(extensions)
        entry = self.carried
        if not entry.summary:  # feedgen has put the content in its place
            element.find("description").tag = f"{{{CONTENT}}}encoded"
        etree.SubElement(element, f"{{{ATOM}}}updated").text = entry.updated.isoformat()
        for file in entry.enclosures[:1]:
            etree.SubElement(element, "enclosure", url=file.url, length=str(file.length), type=file.media_type)
        if entry.image:
            image = etree.SubElement(
                element, f"{{{MEDIA}}}content", url=entry.image.url, type=entry.image.media_type, medium="image"
            )
            if entry.image.title:
                etree.SubElement(image, f"{{{MEDIA}}}description", type="plain").text = entry.image.title
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
        return {"atom": ATOM, "fh": HISTORY, "at": TOMBSTONES, "media": MEDIA}

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
        # Also an empty one: without any, some feed readers take the content for it.
        _add(generator, entry).summary(entry.summary)
    return generator.atom_str()


def rss(feed: Feed, url: str, links: Links = ()) -> bytes:
    """RSS 2.0 with `content:encoded`. No author: RSS wants an e-mail address there."""
    generator = _generator(feed, url, "application/rss+xml", links)
    generator.description(feed.description)
    for entry in feed.entries:
        # A description is HTML, a summary is not.
        _add(generator, entry).summary(escape(entry.summary, quote=False))
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
    written = _Written(entry)
    written.id(entry.id)  # also the guid of RSS, as no permalink
    written.title(entry.title)
    written.link(href=entry.url)
    written.published(entry.published)
    written.updated(entry.updated)
    # Without a type, feed readers would show the mark-up.
    written.content(entry.content, type="html")
    for category in entry.categories:
        written.category(term=category)
    # feedgen puts each new entry first.
    return generator.add_entry(written, order="append")
