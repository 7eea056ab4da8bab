"""Rich text as readers get it: safe HTML with absolute links, and the same as plain text.

Editors' rich text stores links as `<a linktype="page" id="3">`. Here a link to something public becomes an
address, and a link to anything else becomes the words it stood on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

import nh3
from django.conf import settings

FEATURES = ["h3", "h4", "bold", "italic", "ol", "ul", "link", "document-link"]
ALLOWED_TAGS = {"a", "b", "br", "em", "h2", "h3", "h4", "i", "li", "ol", "p", "strong", "ul"}
BLOCKS = {"h2", "h3", "h4", "li", "ol", "p", "ul"}
_SAME_LOOK = {"strong": "b", "em": "i"}
_LOOKING_ALIKE = re.compile(rf"(?<=<)(/?)({'|'.join(_SAME_LOOK)})(?=>)")
_PARAGRAPH = re.compile(r".*?</(?:p|ul|ol|h[234])>|.+", re.DOTALL)
_SCHEME = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*\blinktype=", re.IGNORECASE)


@dataclass(frozen=True)
class LinkTargets:
    """Addresses of the pages and documents that rich text may link to now, by primary key. Others are absent."""

    pages: Mapping[int, str] = field(default_factory=dict)
    documents: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RichTextValue:
    html: str
    text: str


class _Walker(HTMLParser):
    """Goes through the stored HTML once and hears of every link, tag and text."""

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


class _Comparing(_Walker):
    """Writes each link by what is stored of it, whether it leads to something public or not."""

    def _address(self, attrs: dict[str, str | None]) -> str:
        return " ".join(f"{name}={attrs.get(name)}" for name in ("linktype", "id", "href"))


def paragraphs(source: str) -> list[str]:
    """Stored rich text, a paragraph, heading or list at a time, written so that equal ones read and link alike. To be
    compared, and not shown."""
    walker = _Comparing(None)
    walker.feed(source)
    walker.close()
    html = _LOOKING_ALIKE.sub(lambda found: found[1] + _SAME_LOOK[found[2]], "".join(walker.html))
    return [part.strip() for part in _PARAGRAPH.findall(html) if part.strip()]


def absolute(address: str) -> str | None:
    """A link as somebody typed it: a path is one on the public website, and nothing else may lack a scheme."""
    address = address.strip()
    if address.startswith("//"):
        return None
    if address.startswith("/"):
        return (settings.WEBSITE_URL or settings.CMS_URL) + address
    return address if _SCHEME.match(address) else None


def has_text(source: str) -> bool:
    """Whether a reader would see anything. An editor's empty box is stored as an empty paragraph."""
    return bool(unescape(re.sub(r"<[^>]*>", "", source)).strip())


def linked_ids(sources: Iterable[str]) -> tuple[set[int], set[int]]:
    """Primary keys of the pages and of the documents that these rich texts link to."""
    walker = _Walker(None)
    for source in sources:
        if _LINK.search(source):
            walker.feed(source)
    return walker.page_ids, walker.document_ids


def typed_addresses(source: str) -> set[str]:
    """The absolute addresses that somebody typed into this rich text."""
    walker = _Walker(None)
    walker.feed(source)
    return walker.typed


def render(source: str, targets: LinkTargets) -> RichTextValue:
    """Stored rich text as safe HTML and plain text. Only http, https, mailto and tel links survive."""
    walker = _Walker(targets)
    walker.feed(source)
    walker.close()
    html = nh3.clean(
        "".join(walker.html),
        tags=ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in "".join(walker.text).split("\n"))
    return RichTextValue(html=html, text="\n".join(line for line in lines if line))


def plain_text(source: str) -> str:
    """Stored rich text as plain text, a line a paragraph."""
    return render(source, LinkTargets()).text if source else ""
