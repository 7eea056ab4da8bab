"""Serialises a feed as RSS 2.0 or Atom 1.0 with feedgen. feeds/views.py serves the bytes.

Where feedgen is wrong, this module corrects it. A comment gives the reason for each correction.
"""

from collections.abc import Iterable
from email.utils import format_datetime
from html import escape

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
# feedgen's own function changes the locale of the whole process to format a date.
feedgen.entry.formatRFC2822 = feedgen.feed.formatRFC2822 = format_datetime


class _FeedgenEntry(FeedEntry):
    """A feedgen entry with the elements that feedgen does not write."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.original = entry

    def atom_entry(self, extensions: bool = True) -> etree._Element:
        """Add the types and relations of links. Without them, a file would be a second address of the entry."""
        element = super().atom_entry(extensions)
        entry = self.original
        element.find("link").attrib.update({"rel": "alternate", "type": "text/html"})
        for file in (*entry.enclosures, *([entry.image] if entry.image else [])):
            link = etree.SubElement(element, "link", rel="enclosure", href=file.url, type=file.media_type)
            # Without an unknown length: 0 would mean an empty file.
            for name, value in (("length", str(file.length or "")), ("title", file.title)):
                if value:
                    link.set(name, value)
        return element

    def rss_entry(self, extensions: bool = True) -> etree._Element:
        """Add the date of the last correction, the first file and the image.

        RSS has no element for such a date, and allows one file, for which feedgen would take the last.
        """
        element = super().rss_entry(extensions)
        entry = self.original
        if not entry.summary:  # feedgen used the content as the description
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


class _DocumentLinks(BaseExtension):
    """Adds the links of a document to its hub and archives, and the tombstones of removed entries.

    feedgen writes such links only in Atom, and has no elements for archives and tombstones.
    """

    links: tuple[tuple[str, str], ...] = ()
    is_archive = False
    gone: tuple[Gone, ...] = ()

    def extend_ns(self) -> dict[str, str]:
        return {"atom": ATOM, "fh": HISTORY, "at": TOMBSTONES, "media": MEDIA}

    def extend_atom(self, root: etree._Element) -> etree._Element:
        for rel, href in self.links:
            etree.SubElement(root, "link", rel=rel, href=href)
        for gone in self.gone:
            etree.SubElement(root, f"{{{TOMBSTONES}}}deleted-entry", ref=gone.id, when=gone.at.isoformat())
        if self.is_archive:
            etree.SubElement(root, f"{{{HISTORY}}}archive")
        return root

    def extend_rss(self, root: etree._Element) -> etree._Element:
        [channel] = root
        for rel, href in self.links:
            etree.SubElement(channel, f"{{{ATOM}}}link", rel=rel, href=href)
        if self.is_archive:
            etree.SubElement(channel, f"{{{HISTORY}}}archive")
        return root


def atom(feed: Feed, url: str, links: Links = ()) -> bytes:
    """The feed in Atom 1.0 (RFC 4287). `url` is the address of the document. `links` are further (rel, address)."""
    generator = _generator(feed, url, "application/atom+xml", links)
    generator.id(feed.id)
    generator.subtitle(feed.description)
    generator.author(name=feed.author)
    for entry in feed.entries:
        # Also if it is empty: without a summary, some feed readers show the content in its place.
        _add(generator, entry).summary(entry.summary)
    return generator.atom_str()


def rss(feed: Feed, url: str, links: Links = ()) -> bytes:
    """The feed in RSS 2.0 with `content:encoded`. It has no author, because RSS requires an e-mail address there."""
    generator = _generator(feed, url, "application/rss+xml", links)
    generator.description(feed.description)
    for entry in feed.entries:
        # A description is HTML, but a summary is plain text.
        _add(generator, entry).summary(escape(entry.summary, quote=False))
    return generator.rss_str()


def _generator(feed: Feed, url: str, media_type: str, links: Links) -> FeedGenerator:
    generator = FeedGenerator()
    generator.register_extension("document_links", _DocumentLinks)
    generator.document_links.links, generator.document_links.gone = tuple(links), feed.gone
    generator.document_links.is_archive = feed.archive is not None
    generator.title(feed.title)
    generator.language(feed.language)
    # Sets lastBuildDate as well. The default is the current time, which changes the bytes each time.
    generator.updated(feed.updated)
    # The default is feedgen's version, which changes the bytes with every upgrade.
    generator.generator(GENERATOR)
    generator.link(href=url, rel="self", type=media_type)
    # Last, because RSS gets the last link, and only this one is the address of a web page.
    generator.link(href=feed.url, rel="alternate", type="text/html")
    return generator


def _add(generator: FeedGenerator, entry: Entry) -> FeedEntry:
    feed_entry = _FeedgenEntry(entry)
    feed_entry.id(entry.id)  # also the guid in RSS, with isPermaLink="false"
    feed_entry.title(entry.title)
    feed_entry.link(href=entry.url)
    feed_entry.published(entry.published)
    feed_entry.updated(entry.updated)
    # Without the type, feed readers would show the markup.
    feed_entry.content(entry.content, type="html")
    for category in entry.categories:
        feed_entry.category(term=category)
    # By default feedgen inserts new entries at the beginning.
    return generator.add_entry(feed_entry, order="append")
