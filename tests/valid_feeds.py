"""Whether a document is what its specification says, as the validators of feeds see it; each answers with the faults."""

import json
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
from lxml import etree

SCHEMAS = Path(__file__).parent / "schemas"
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
MEDIA = "{http://search.yahoo.com/mrss/}"
_ATOM_GRAMMAR = etree.RelaxNG(etree.parse(SCHEMAS / "atom.rng"))
_JSON_FEED = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "json_feed.json").read_text()))


# --- Atom ---


def faults_of_atom(data: bytes) -> list[str]:
    """RFC 4287: the grammar of its appendix B, then what its text adds."""
    feed = etree.fromstring(data)
    if not _ATOM_GRAMMAR.validate(feed):
        return [str(each.message) for each in _ATOM_GRAMMAR.error_log]
    faults = []
    entries = feed.findall(f"{ATOM}entry")
    if feed.find(f"{ATOM}author") is None and any(entry.find(f"{ATOM}author") is None for entry in entries):
        faults.append("an entry has no author, and neither has the feed")  # 4.1.1
    links = [(link.get("rel"), link.get("href")) for link in feed.findall(f"{ATOM}link")]
    if [rel for rel, _ in links].count("self") != 1:
        faults.append("not one link to the document itself")  # 4.1.1
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    if len(set(ids)) < len(ids):
        faults.append("one identity twice")  # 4.1.1
    for where in (feed, *entries):
        alternates = [
            (link.get("type"), link.get("hreflang"))
            for link in where.findall(f"{ATOM}link")
            if link.get("rel", "alternate") == "alternate"
        ]
        if len(set(alternates)) < len(alternates):
            faults.append("two alternates of one kind")  # 4.1.1, 4.1.2
        if where is not feed and not alternates and where.find(f"{ATOM}content") is None:
            faults.append("an entry with neither an address nor content")  # 4.1.2
    return faults


def _is_uri(text: str) -> bool:
    """RFC 3986: a scheme, and none but the letters that it allows."""
    return bool(re.fullmatch(r"[a-z][a-z0-9+.-]*:([\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", text, re.ASCII))


# --- RSS ---

_CHANNEL = {
    "title", "link", "description", "language", "copyright", "managingEditor", "webMaster", "pubDate", "lastBuildDate",
    "category", "generator", "docs", "cloud", "ttl", "image", "rating", "textInput", "skipHours", "skipDays", "item",
}  # fmt: skip
_ITEM = {
    "title", "link", "description", "author", "category", "comments", "enclosure", "guid", "pubDate", "source",
}  # fmt: skip


def faults_of_rss(data: bytes) -> list[str]:
    """RSS 2.0.11 and the best practices of the RSS Advisory Board, as the W3C's validator checks them."""
    root = etree.fromstring(data)
    if root.tag != "rss" or root.get("version") != "2.0" or [child.tag for child in root] != ["channel"]:
        return ["not RSS 2.0 with one channel"]
    [channel] = root
    faults = [f"the channel has no {name}" for name in ("title", "link", "description") if not channel.findtext(name)]
    faults += _names(channel, _CHANNEL, several={"category", "item"})
    own = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if len(own) != 1 or not _is_web(own[0].get("href", "")) or own[0].get("type") != "application/rss+xml":
        faults.append("not one atom:link to the document itself")
    if not _is_web(channel.findtext("link") or ""):
        faults.append("the link of the channel is no address")
    faults += [f"not a date of RFC 822: {each.text}" for each in channel.iter("pubDate", "lastBuildDate") if _odd(each)]
    guids = [item.findtext("guid") for item in channel.findall("item")]
    if len(set(guids)) < len(guids):
        faults.append("one guid twice")
    return [*faults, *(fault for item in channel.findall("item") for fault in _faults_of_item(item))]


def _faults_of_item(item: etree._Element) -> list[str]:
    faults = _names(item, _ITEM, several={"category"})
    if not (item.findtext("title") or item.findtext("description")):
        faults.append("an item with neither a title nor a description")
    if not _is_web(item.findtext("link") or ""):
        faults.append("the link of an item is no address")
    guid = item.find("guid")
    if guid is None or not guid.text:
        faults.append("an item without a guid")
    elif guid.get("isPermaLink") != "false" and not _is_web(guid.text):
        faults.append("a guid that is no address, but said to be one")
    for file in item.findall("enclosure"):
        if set(file.attrib) != {"url", "length", "type"} or not _is_web(file.get("url")):
            faults.append("an enclosure without url, length and type")
        elif not file.get("length").isdecimal() or not re.fullmatch(r"[^/ ]+/[^/ ]+", file.get("type")):
            faults.append("an enclosure of an odd length or type")
    if len(item.findall(CONTENT)) > 1:
        faults.append("two contents")
    return faults


def _names(element: etree._Element, known: set[str], several: set[str]) -> list[str]:
    names = [child.tag for child in element if isinstance(child.tag, str) and not child.tag.startswith("{")]
    unknown = [f"{name} does not belong into {element.tag}" for name in sorted(set(names) - known)]
    twice = [f"{name} twice" for name in sorted(set(names) - several) if names.count(name) > 1]
    return unknown + twice


def _odd(date: etree._Element) -> bool:
    """RFC 822, section 5, with the four digits of years that RSS wants."""
    shape = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})"
    text = date.text or ""
    return not re.fullmatch(shape, text) or f"{parsedate_to_datetime(text):%a}" != text[:3]


def _is_web(text: str) -> bool:
    return _is_uri(text) and urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).netloc)


# --- JSON Feed and OPML ---


def faults_of_json_feed(data: bytes) -> list[str]:
    """JSON Feed 1.1 by its schema, then what a schema cannot say."""
    feed = json.loads(data)
    faults = [f"{error.json_path}: {error.message[:100]}" for error in _JSON_FEED.iter_errors(feed)]
    if faults:
        return faults
    ids = [item["id"] for item in feed["items"]]
    if len(set(ids)) < len(ids):
        faults.append("one identity twice")
    if feed.get("next_url") in (feed.get("feed_url"), feed.get("home_page_url")) and "next_url" in feed:
        faults.append("the next page is the feed itself")
    return faults


def faults_of_opml(data: bytes) -> list[str]:
    """OPML 2.0 as a list of subscriptions."""
    root = etree.fromstring(data)
    if root.tag != "opml" or root.get("version") != "2.0" or [child.tag for child in root] != ["head", "body"]:
        return ["not OPML 2.0 with a head and a body"]
    faults = [] if root.findtext("head/title") else ["no title"]
    outlines = list(root.iter("outline"))
    if not outlines:
        faults.append("nothing in it")
    for each in outlines:
        if each.get("type") != "rss" or not each.get("text") or not _is_web(each.get("xmlUrl", "")):
            faults.append("an outline that is no subscription")
    return faults
