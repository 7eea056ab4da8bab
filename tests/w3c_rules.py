"""The rules of the W3C feed validator, levels A and AA, beside those of tests/valid_feeds.py.

The validator is no package that can be installed today. Each rule has the name of its message there
(https://validator.w3.org/feed/docs/).
"""

import re
from collections import Counter
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from io import BytesIO

from lxml import etree

from tests.valid_feeds import ATOM, CONTENT, MEDIA

DC = "{http://purl.org/dc/elements/1.1/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
# The namespaces that the validator knows, with the prefixes that it reserves for them.
NAMESPACES = {"": "", "atom": ATOM, "content": CONTENT.removesuffix("encoded"), "dc": DC, "fh": HISTORY, "media": MEDIA}
RELATIONS = {"alternate", "current", "enclosure", "hub", "next-archive", "prev-archive", "related", "self", "via"}
TAGS = {
    *("a", "abbr", "address", "article", "aside", "b", "blockquote", "br", "caption", "cite", "code", "dd", "details"),
    *(
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "mark",
    ),
    *(
        "ol",
        "p",
        "pre",
        "q",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
    ),
    *("thead", "tr", "u", "ul"),
}


def warnings_of(data: bytes, address: str, now: datetime) -> list[str]:
    """What the validator says of an RSS or Atom document at this address."""
    root = etree.fromstring(data)
    found = _of_namespaces(data, root)
    found += _of_atom(root, address) if root.tag == f"{ATOM}feed" else _of_rss(root, address)
    dates = [each.text for each in root.iter("pubDate", "lastBuildDate")]
    moments = [parsedate_to_datetime(text) for text in dates]
    moments += [datetime.fromisoformat(each.text) for each in root.iter(f"{ATOM}updated", f"{ATOM}published")]
    found += [f"ImplausibleDate {moment}" for moment in moments if moment.year <= 1990 or moment > now]
    return found


def _of_namespaces(data: bytes, root: etree._Element) -> list[str]:
    used = {each.tag.partition("}")[0] + "}" for each in root.iter() if isinstance(each.tag, str)}
    found = []
    for _, (prefix, uri) in etree.iterparse(BytesIO(data), events=["start-ns"]):
        if prefix in ("atom", "xhtml") and root.tag.startswith(ATOM):
            found.append(f"AvoidNamespacePrefix {prefix}")
        if prefix and NAMESPACES.get(prefix) != f"{{{uri}}}":
            found.append(f"UnknownNamespace or ReservedPrefix {prefix} {uri}")
        if f"{{{uri}}}" not in used:
            found.append(f"unused namespace {uri}")  # no rule of the validator, but of nobody's use
    return found


def _of_atom(feed: etree._Element, address: str) -> list[str]:
    found = []
    children = [each.tag for each in feed]
    entries = feed.findall(f"{ATOM}entry")
    if entries and children[-len(entries) :] != [f"{ATOM}entry"] * len(entries):
        found.append("MisplacedMetadata")
    links = [(each.get("type"), each.get("rel"), each.get("hreflang")) for each in feed.findall(f"{ATOM}link")]
    found += [f"DuplicateAtomLink {key}" for key, number in Counter(links).items() if number > 1]
    found += _of_links(feed, address)
    updated = Counter(each.findtext(f"{ATOM}updated") for each in entries)
    found += [f"DuplicateUpdated {text}" for text, number in updated.items() if number > 1]
    for name in ("icon", "logo"):
        if feed.find(f"{ATOM}{name}") is None:
            found.append(f"no {name}")  # no rule of the validator, but what its users look for
    for where in (feed, *entries):
        for name in ("title", "subtitle", "summary", "content"):
            for each in where.findall(f"{ATOM}{name}"):
                found += _of_text(each, name)
    for entry in entries:
        if entry.find(f"{ATOM}summary") is None and entry.find(f"{ATOM}content") is None:
            found.append("MissingTextualContent")
        found += [
            f"MissingRecommendedAttribute length {each.get('href')}"
            for each in entry.findall(f"{ATOM}link")
            if each.get("rel") == "enclosure" and not each.get("length")
        ]
    return found


def _of_links(where: etree._Element, address: str) -> list[str]:
    found = []
    for link in where.findall(f"{ATOM}link"):
        if link.get("rel") not in RELATIONS:
            found.append(f"UnregisteredAtomLinkRel {link.get('rel')}")
        if link.get("rel") == "self" and link.get("href") != address:
            found.append(f"SelfDoesntMatchLocation {link.get('href')}")
        if "title" in link.attrib and not link.get("title"):
            found.append("AttrNotBlank title")
    return found


def _of_text(element: etree._Element, name: str) -> list[str]:
    text = element.text or ""
    if not text:
        return [f"NotBlank {name}"]
    if element.get("type") == "html":
        return _of_html(text)
    return _plain(text, f"ContainsUndeclaredHTML {name}")


def _plain(text: str, message: str) -> list[str]:
    has_tags = any(tag.lower() in TAGS for tag in re.findall(r"</(\w+)>", text))
    return [f"{message}: {text}"] if has_tags or re.search(r"&(#\d+|#x[0-9a-f]+|amp|lt|gt|quot|nbsp);", text) else []


def _of_rss(root: etree._Element, address: str) -> list[str]:
    [channel] = root
    found = _of_links(channel, address)
    items = channel.findall("item")
    if items and [each.tag for each in channel][-len(items) :] != ["item"] * len(items):
        found.append("MisplacedItem")
    if not any(link.get("rel") == "self" for link in channel.findall(f"{ATOM}link")):
        found.append("MissingAtomSelfLink")
    image = channel.find("image")
    if image is None:
        found.append("no image")
    else:
        for name in ("title", "link"):
            if image.findtext(name) != channel.findtext(name):
                found.append(f"Image{name.capitalize()}DoesntMatch")
        if not re.search(r"\.(jpe?g|gif|png)$", image.findtext("url") or ""):
            found.append("ImageUrlFormat")
        found += [f"InvalidWidth {each}" for each in (image.findtext("width") or "88",) if not 0 < int(each) <= 144]
    for item in items:
        found += _of_item(item)
    return found


def _of_item(item: etree._Element) -> list[str]:
    found = []
    names = [each.tag for each in item]
    if CONTENT in names and ("description" not in names or names.index(CONTENT) < names.index("description")):
        found.append("NeedDescriptionBeforeContent")
    if f"{DC}creator" not in names:
        found.append("no dc:creator")  # no rule of the validator: RSS itself has no name of an author
    if not (item.findtext("title") or "").strip():
        found.append("NotBlank title")
    found += [f"NotBlank {each.tag}" for each in item.findall("category") if not each.text]
    found += _plain(item.findtext("title") or "", "ContainsHTML title")
    for text in (item.findtext("description"), item.findtext(CONTENT)):
        found += _of_html(text or "")
    if len(item.findall("enclosure")) > 1:
        found.append("DuplicateEnclosure")
    return found


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.found.append(f"NotHtml or SecurityRisk {tag}")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"SecurityRiskAttr {name}")
            if name in ("href", "src") and not re.match(r"\w+:", value or ""):
                self.found.append(f"ContainsRelRef {value}")


def _of_html(text: str) -> list[str]:
    parser = _Html()
    parser.feed(text)
    return parser.found
