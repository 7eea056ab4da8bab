"""Serialises a feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from typing import Any

from feeds.entry import Enclosure, Entry, Feed


def json_feed(feed: Feed, url: str, archive_url: str, hub: str) -> bytes:
    """The document in UTF-8. `url` is the address of the feed, in its archives as well.

    `archive_url` is the address of the next older archive, or empty. `hub` is that of the WebSub hub, or empty.
    """
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.url,
        "feed_url": url,
        "description": feed.description,
        "authors": [{"name": feed.author}],
        "language": feed.language,
        **({"icon": feed.logo, "favicon": feed.icon} if feed.icon else {}),
        "items": [_item(entry) for entry in feed.entries],
    }
    if archive_url:
        document["next_url"] = archive_url
    if hub:
        document["hubs"] = [{"type": "WebSub", "url": hub}]
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.content,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "language": entry.language,
    }
    if entry.image:
        item["image"] = entry.image.url
    if entry.categories:
        item["tags"] = list(entry.categories)
    if entry.enclosures:
        item["attachments"] = [_attachment(file) for file in entry.enclosures]
    return item


def _attachment(enclosure: Enclosure) -> dict[str, Any]:
    attachment: dict[str, Any] = {"url": enclosure.url, "mime_type": enclosure.media_type}
    if enclosure.title:
        attachment["title"] = enclosure.title
    if enclosure.length:
        attachment["size_in_bytes"] = enclosure.length
    return attachment
