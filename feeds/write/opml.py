"""Serialises the list of feeds as OPML 2.0 (http://opml.org/spec2.opml), which feed readers import."""

from lxml import etree

from feeds.catalogue import FeedDefinition
from feeds.entry import clean_address, clean_line, clean_title
from pages.content.choices import FeedFormat


def opml(title: str, listings: list[FeedDefinition]) -> bytes:
    """The feeds in the given order, each with its Atom address. Opt-in feeds are left out."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = clean_title(title)
    body = etree.SubElement(root, "body")
    for each in listings:
        if not each.is_opt_in:
            etree.SubElement(
                body,
                "outline",
                type="rss",  # OPML's type for feeds of all formats
                # With the name of the publisher, because feed readers list it among other feeds.
                text=clean_title(each.full_title),
                title=clean_title(each.full_title),
                description=clean_line(each.description),
                xmlUrl=each.url(FeedFormat.ATOM),
                htmlUrl=clean_address(each.about),
            )
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
