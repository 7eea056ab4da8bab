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

from feeds.entry import Enclosure, Entry, Feed

Links = Iterable[tuple[str, str]]
ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"  # RFC 5005
DC = "http://purl.org/dc/elements/1.1/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
MEDIA = "http://search.yahoo.com/mrss/"  # Media RSS
ICON_PIXELS = 144  # the most that RSS allows
GENERATOR = "Community Safety CMS"
# feedgen's own function changes the locale of the whole process to format a date.
feedgen.entry.formatRFC2822 = feedgen.feed.formatRFC2822 = format_datetime


class _FeedgenEntry(FeedEntry):
    """A feedgen entry with the elements that feedgen does not write."""

    def __init__(self, entry: Entry, author: str) -> None:
        super().__init__()
        self.original, self.author_name = entry, author

    def atom_entry(self, extensions: bool = True) -> etree._Element:
        """Add the types and relations of links. Without them, a file would be a second address of the entry."""
        element = super().atom_entry(extensions)
        entry = self.original
        element.find("link").attrib.update({"rel": "alternate", "type": "text/html"})
        for file in entry.enclosures:
            link = etree.SubElement(element, "link", rel="enclosure", href=file.url, type=file.media_type)
            # Without an unknown length: 0 would mean an empty file.
            for name, value in (("length", str(file.length or "")), ("title", file.title)):
                if value:
                    link.set(name, value)
        # Also if they are empty: readers would keep what they have. A space, because validators warn of empty elements.
        for name in ("summary", "content"):
            if element.find(name) is None:
                etree.SubElement(element, name, {"type": "html"} if name == "content" else {}).text = " "
        _add_image(element, entry.image)
        return element

    def rss_entry(self, extensions: bool = True) -> etree._Element:
        """Add the texts in the order that validators ask for, also if they are empty, and what feedgen leaves out.

        That is the publisher, the date of the last correction, for which RSS has no element, the picture, and the first
        file: RSS allows one, for which feedgen would take the last.
        """
        element = super().rss_entry(extensions)
        entry = self.original
        for child in element.findall("description") + element.findall(f"{{{CONTENT}}}encoded"):
            element.remove(child)
        # A description is HTML, but a summary is plain text.
        etree.SubElement(element, "description").text = escape(entry.summary, quote=False)
        etree.SubElement(element, f"{{{CONTENT}}}encoded").text = entry.content
        etree.SubElement(element, f"{{{DC}}}creator").text = self.author_name
        etree.SubElement(element, f"{{{ATOM}}}updated").text = entry.updated.isoformat()
        for file in entry.enclosures[:1]:
            etree.SubElement(element, "enclosure", url=file.url, length=str(file.length), type=file.media_type)
        _add_image(element, entry.image)
        return element


def _add_image(element: etree._Element, image: Enclosure | None) -> None:
    """Add the picture of an entry as Media RSS: as a file of the entry, programs would offer it to download."""
    if image is None:
        return
    media = etree.SubElement(element, f"{{{MEDIA}}}content", url=image.url, type=image.media_type, medium="image")
    if image.title:
        etree.SubElement(media, f"{{{MEDIA}}}description", type="plain").text = image.title


class _DocumentLinks(BaseExtension):
    """Adds the links of a document to its hub and archives, which feedgen writes only in Atom."""

    links: tuple[tuple[str, str], ...] = ()
    is_archive = False

    def extend_ns(self) -> dict[str, str]:
        return {"atom": ATOM, "fh": HISTORY, "dc": DC, "media": MEDIA}

    def extend_atom(self, root: etree._Element) -> etree._Element:
        for rel, href in self.links:
            etree.SubElement(root, "link", rel=rel, href=href)
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
    if feed.icon:
        generator.icon(feed.icon)
        generator.logo(feed.logo)
    for entry in feed.entries:
        _add(generator, entry, feed.author).summary(entry.summary or None)
    return _tidy(generator.atom_str())


def rss(feed: Feed, url: str, links: Links = ()) -> bytes:
    """The feed in RSS 2.0 with `content:encoded`.

    The publisher is `dc:creator`, because RSS requires the e-mail address of an author.
    """
    generator = _generator(feed, url, "application/rss+xml", links)
    generator.description(feed.description)
    if feed.icon:
        generator.image(feed.icon, feed.title, feed.url, *(str(ICON_PIXELS),) * 2)
    for entry in feed.entries:
        _add(generator, entry, feed.author)
    return _tidy(generator.rss_str())


def _tidy(document: bytes) -> bytes:
    """Without the namespaces that it does not use: validators warn of a prefix for Atom in Atom itself."""
    root = etree.fromstring(document)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _generator(feed: Feed, url: str, media_type: str, links: Links) -> FeedGenerator:
    generator = FeedGenerator()
    generator.register_extension("document_links", _DocumentLinks)
    generator.document_links.links = tuple(links)
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


def _add(generator: FeedGenerator, entry: Entry, author: str) -> FeedEntry:
    feed_entry = _FeedgenEntry(entry, author)
    feed_entry.id(entry.id)  # also the guid in RSS, with isPermaLink="false"
    feed_entry.title(entry.title)
    feed_entry.link(href=entry.url)
    feed_entry.published(entry.published)
    feed_entry.updated(entry.updated)
    # Without the type, feed readers would show the markup.
    if entry.content:
        feed_entry.content(entry.content, type="html")
    for category in entry.categories:
        feed_entry.category(term=category)
    # By default feedgen inserts new entries at the beginning.
    return generator.add_entry(feed_entry, order="append")
