"""Renders stored rich text for readers, as safe HTML with absolute links and as plain text.

Wagtail stores links as `<a linktype="page" id="3">`. A link to a public page or document gets its address; any other is
replaced by its text.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

import nh3
from django.conf import settings

FEATURES = ["h3", "h4", "bold", "italic", "ol", "ul", "link", "document-link"]
ALLOWED_TAGS = {"a", "b", "br", "em", "h2", "h3", "h4", "i", "li", "ol", "p", "strong", "ul"}
BLOCKS = {"h2", "h3", "h4", "li", "ol", "p", "ul"}
_EQUIVALENTS = {"strong": "b", "em": "i"}
_EQUIVALENT_TAG = re.compile(rf"(?<=<)(/?)({'|'.join(_EQUIVALENTS)})(?=>)")
_PARAGRAPH = re.compile(r".*?</(?:p|ul|ol|h[234])>|.+", re.DOTALL)
_SCHEME = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*\blinktype=", re.IGNORECASE)
# Rich text as the editor of the admin stores it: paragraphs, headings and lists; in them bold, italic, links and line
# breaks, not inside each other. A parser changes nothing in it but the links and the keys of the editor.
_WORDS = r"(?:[^<>&\x00-\x08\x0b-\x1f\x7f\xa0\ud800-\udfff]|&(?:amp|lt|gt);)*+"
_PLAIN_ADDRESS = r"(?:https?:/)?/[\w.~:/?#=%+,\-]*"
_TO = r'linktype="(?:page|document)" id="[0-9]{1,18}"|id="[0-9]{1,18}" linktype="(?:page|document)"'
_INLINE = "|".join(
    [
        *(rf"<{tag}>{_WORDS}</{tag}>" for tag in ("b", "i", "strong", "em")),
        rf'<a (?:{_TO}|href="{_PLAIN_ADDRESS}")>{_WORDS}</a>',
        r"<br ?/?>",
    ]
)
_LINE = rf"{_WORDS}(?:(?:{_INLINE}){_WORDS})*+"
_KEY = r' data-block-key="[a-zA-Z0-9]*"'
_ITEMS = rf"(?:<li(?:{_KEY})?>{_LINE}</li>)++"
_LINES = [*(rf"<{tag}(?:{_KEY})?>{_LINE}</{tag}>" for tag in ("p", "h2", "h3", "h4"))]
_SIMPLE = re.compile(rf"(?:{'|'.join([*_LINES, rf'<ul>{_ITEMS}</ul>', rf'<ol>{_ITEMS}</ol>'])})*+", re.ASCII)
_SIMPLE_LINK = re.compile(r"<a ([^>]*)>([^<]*)</a>")
_SIMPLE_REFERENCE = re.compile(r'<a (?:id="([0-9]+)" )?linktype="(page|document)"(?: id="([0-9]+)")?>')
_ADDRESS = re.compile(_PLAIN_ADDRESS, re.ASCII)
_KEY_OF_TAG = re.compile(rf"{_KEY}(?=>)")  # words have no ">"
_BLOCK_TAG = re.compile(r"</?(?:p|h[234]|li|ul|ol)>|<br>")
_INLINE_TAG = re.compile(r"</?(?:b|i|strong|em|a)(?: [^>]*)?>")


@dataclass(frozen=True)
class LinkTargets:
    """Addresses of the public pages and documents that rich text may link to, by primary key."""

    pages: Mapping[int, str] = field(default_factory=dict)
    documents: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RichTextValue:
    html: str
    text: str


class _Parser(HTMLParser):
    """Parses stored HTML once, and collects links, HTML and text."""

    def __init__(self, targets: LinkTargets | None) -> None:
        super().__init__(convert_charrefs=True)
        self.targets = targets
        self.page_ids: set[int] = set()
        self.document_ids: set[int] = set()
        self.typed: set[str] = set()
        self.html: list[str] = []
        self.text: list[str] = []
        self.open_links: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            address = self._address(dict(attrs))
            self.open_links.append(bool(address))
            if address:
                self.html.append(f'<a href="{escape(address)}">')
        elif tag in ALLOWED_TAGS:
            self.html.append(f"<{tag}>")
        if tag in BLOCKS or tag == "br":
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            if self.open_links and self.open_links.pop():
                self.html.append("</a>")
        elif tag in ALLOWED_TAGS and tag != "br":
            self.html.append(f"</{tag}>")
        if tag in BLOCKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        self.html.append(escape(data, quote=False))
        self.text.append(data)

    def _address(self, attrs: dict[str, str | None]) -> str | None:
        kind = attrs.get("linktype")
        if kind is None:
            address = absolute(attrs.get("href") or "")
            self.typed |= {address} if address else set()
            return address
        key = attrs.get("id") or ""
        if kind not in ("page", "document") or not key.isdecimal():
            return None
        ids, found = (
            (self.page_ids, self.targets and self.targets.pages)
            if kind == "page"
            else (self.document_ids, self.targets and self.targets.documents)
        )
        ids.add(int(key))
        return found.get(int(key)) if found else None


class _ComparisonParser(_Parser):
    """Keeps each link with its stored attributes, public or not."""

    def _address(self, attrs: dict[str, str | None]) -> str:
        return " ".join(f"{name}={attrs.get(name)}" for name in ("linktype", "id", "href"))


def paragraphs(source: str) -> list[str]:
    """Stored rich text split into paragraphs, headings and lists, normalised for comparison; not for display.

    Paragraphs are equal if they have the same text, formatting and links.
    """
    parser = _ComparisonParser(None)
    parser.feed(source)
    parser.close()
    html = _EQUIVALENT_TAG.sub(lambda found: found[1] + _EQUIVALENTS[found[2]], "".join(parser.html))
    return [part.strip() for part in _PARAGRAPH.findall(html) if part.strip()]


def absolute(address: str) -> str | None:
    """The absolute form of a typed link. A path is relative to the public website. None if the scheme is missing or not
    allowed."""
    address = address.strip()
    if address.startswith("//"):
        return None
    if address.startswith("/"):
        return (settings.WEBSITE_URL or settings.CMS_URL) + address
    return address if _SCHEME.match(address) else None


def has_text(source: str) -> bool:
    """Whether there is any text. An empty rich text field is stored as an empty paragraph."""
    return bool(unescape(re.sub(r"<[^>]*>", "", source)).strip())


def linked_ids(sources: Iterable[str]) -> tuple[set[int], set[int]]:
    """Primary keys of the pages, and of the documents, that these rich texts link to."""
    parser = _Parser(None)
    for source in sources:
        if not _LINK.search(source):
            continue
        if _SIMPLE.fullmatch(source):
            for before, kind, after in _SIMPLE_REFERENCE.findall(source):
                (parser.page_ids if kind == "page" else parser.document_ids).add(int(before or after))
        else:
            parser.feed(source)
    return parser.page_ids, parser.document_ids


def typed_addresses(source: str) -> set[str]:
    """The absolute addresses of the links that were typed into this rich text."""
    parser = _Parser(None)
    parser.feed(source)
    return parser.typed


def render(source: str, targets: LinkTargets) -> RichTextValue:
    """Stored rich text as safe HTML and plain text. Links other than http, https, mailto and tel are removed."""
    if _SIMPLE.fullmatch(source):
        with suppress(ValueError):
            return _without_parsing(source, targets)
    return _parsed(source, targets)


def _without_parsing(source: str, targets: LinkTargets) -> RichTextValue:
    """The same for `_SIMPLE` rich text, several times faster. tests/test_values.py compares the two.

    Raises ValueError if the address of a link is not as simple.
    """
    html = _KEY_OF_TAG.sub("", source).replace("<br/>", "<br>").replace("<br />", "<br>")
    text = _lines(unescape(_INLINE_TAG.sub("", _BLOCK_TAG.sub("\n", html))))
    return RichTextValue(html=_SIMPLE_LINK.sub(lambda link: _simple_link(link[1], link[2], targets), html), text=text)


def _simple_link(attributes: str, words: str, targets: LinkTargets) -> str:
    """The link, or its words if readers may not see its target."""
    pairs = dict(pair.split("=", 1) for pair in attributes.replace('"', "").split(" "))
    if "href" in pairs:
        address = absolute(pairs["href"])
    else:
        found = targets.pages if pairs["linktype"] == "page" else targets.documents
        address = found.get(int(pairs["id"]))
    if not address:
        return words
    if not _ADDRESS.fullmatch(address):
        raise ValueError(address)
    return f'<a href="{address}">{words}</a>'


def _parsed(source: str, targets: LinkTargets) -> RichTextValue:
    parser = _Parser(targets)
    parser.feed(source)
    parser.close()
    html = nh3.clean(
        "".join(parser.html),
        tags=ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return RichTextValue(html=html, text=_lines("".join(parser.text)))


def _lines(text: str) -> str:
    """The lines that are not empty, with single spaces."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def plain_text(source: str) -> str:
    """Stored rich text as plain text, one line for each paragraph."""
    return render(source, LinkTargets()).text if source else ""
