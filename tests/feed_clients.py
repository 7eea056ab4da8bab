"""Programs that read feeds, each asked for the same facts: feedparser, `reader` and, with Node, feedsmith."""

import json
import os
from calendar import timegm
from datetime import UTC, datetime
from typing import Any, NamedTuple

import feedparser
from reader import Reader, make_reader

from tests.loopback import server_for, while_answering
from tests.test_node_clients import NODE, TESTS, run

# The feedparser that comes with `reader` needs a package that does not; this makes it take the one installed.
os.environ["READER_NO_VENDORED_FEEDPARSER"] = "1"


class Seen(NamedTuple):
    """An entry as a program shows it; files are (address, media type, bytes), with None where it was told none."""

    id: str
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime
    categories: list[str]
    files: list[tuple[str, str, int | None]]
    image: str | None


IMAGE = "image/webp"  # no paper of a meeting is one


def seen(files: list[tuple[str, str, int | None]], image: str | None = None, **facts: Any) -> Seen:
    """Atom carries the image as one more file."""
    pictures = [href for href, media_type, _ in files if media_type == IMAGE]
    return Seen(
        **facts,
        files=[file for file in files if file[1] != IMAGE],
        image=image or next(iter(pictures), None),
    )


def by_feedparser(data: bytes) -> list[Seen]:
    """RSS and Atom; the HTML as it came, and not what feedparser leaves of it."""
    found = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
    assert found.bozo == 0, found.get("bozo_exception")
    return [
        seen(
            id=entry.id,
            url=entry.link,
            title=entry.title,
            summary=entry.get("summary", ""),
            html=entry.content[0].value,
            published=_instant(entry.published_parsed),
            updated=_instant(entry.updated_parsed),
            categories=[tag.term for tag in entry.get("tags", [])],
            files=[(each.href, each.type, int(each.length) if "length" in each else None) for each in entry.enclosures],
            image=next((each["url"] for each in entry.get("media_content", [])), None),
        )
        for entry in found.entries
    ]


def _instant(parsed: Any) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


def by_feedsmith(*paths: Any) -> list[list[Seen]]:
    """All three formats, one document in each file."""
    found = json.loads(run(TESTS / "node", NODE, "feeds.js", *(str(path) for path in paths)))
    return [
        [
            seen(
                **{name: each[name] for name in ("id", "url", "title", "summary", "html", "categories")},
                published=datetime.fromisoformat(each["published"]),
                updated=datetime.fromisoformat(each["updated"]),
                files=[tuple(file) for file in each["files"]],
                image=each["image"],
            )
            for each in feed["entries"]
        ]
        for feed in found
    ]


class FollowsWithReader:
    """`reader`, which keeps what it saw in a file and asks over HTTP with the validators that it was given."""

    def __init__(self, respond: Any, path: Any) -> None:
        self.respond, self.path = respond, path
        self.server = server_for(self._remembering)
        self.statuses: list[int] = []  # of the answers so far

    def close(self) -> None:
        self.server.server_close()

    def _remembering(self, method: str, path: str, headers: Any, body: bytes) -> Any:
        found = self.respond(method, path, headers, body)
        self.statuses.append(found.status)
        return found

    def poll(self, *addresses: str) -> dict[str, list[Any]]:
        """Ask for these feeds, and read what is unread: that, by feed."""

        def work(site: str) -> dict[str, list[Any]]:
            with make_reader(str(self.path)) as following:
                return {address: self._unread(following, f"{site}{address}") for address in addresses}

        return while_answering(self.server, work)

    @staticmethod
    def _unread(following: Reader, url: str) -> list[Any]:
        following.add_feed(url, exist_ok=True)
        following.update_feed(url)
        unread = list(following.get_entries(feed=url, read=False))
        for entry in unread:
            following.mark_entry_as_read(entry)
        return unread


def by_reader(entries: list[Any]) -> list[Seen]:
    """`reader` keeps no categories, and of pictures those that are files of an entry."""
    return [
        seen(
            id=entry.id,
            url=entry.link,
            title=entry.title,
            summary=entry.summary or "",
            html=entry.content[0].value,
            published=entry.published,
            updated=entry.updated,
            categories=[],
            files=[(each.href, each.type, each.length) for each in entry.enclosures],
        )
        for entry in entries
    ]
