"""Programs that read feeds, each asked for the same facts: feedparser, `reader` and, with Node, feedsmith."""

import json
import mailbox
import os
import shutil
import sqlite3
import subprocess
from calendar import timegm
from datetime import UTC, datetime
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any, NamedTuple

import feedparser
import pytest
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
    """The picture is no file of the entry."""
    assert IMAGE not in {media_type for _, media_type, _ in files}
    return Seen(**facts, files=files, image=image)


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

    def kept(self, address: str) -> list[Any]:
        """The entries of a feed that it keeps, without asking."""
        with make_reader(str(self.path)) as following:
            return list(following.get_entries(feed=f"http://127.0.0.1:{self.server.server_port}{address}"))

    @staticmethod
    def _unread(following: Reader, url: str) -> list[Any]:
        following.add_feed(url, exist_ok=True)
        following.update_feed(url)
        unread = list(following.get_entries(feed=url, read=False))
        for entry in unread:
            following.mark_entry_as_read(entry)
        return unread


def by_reader(entries: list[Any]) -> list[Seen]:
    """`reader` keeps no categories, and no pictures."""
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


# --- Programs from Debian ---


def need(program: str) -> str:
    """The path of a program; ends a test that cannot run without it."""
    path = shutil.which(program)
    if path is None:
        package = {"r2e": "rss2email"}.get(program, program)
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed (on Debian: {package}).")
    return path


def run_at_home(home: Path, *command: str) -> str:
    """What a program printed whose home directory this is; fails with all it said when it did not end well."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "Europe/London"}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class FollowsWithNewsboat:
    """newsboat, which keeps what it saw in a database, and never shows what it read as new."""

    def __init__(self, respond: Any, home: Path) -> None:
        self.program, self.home, self.server = need("newsboat"), home, server_for(respond)

    def close(self) -> None:
        self.server.server_close()

    def poll(self, address: str) -> dict[str, tuple[str, str]]:
        """Ask for this feed: title and text of each entry that it keeps, by the entry's id."""
        kept = self.home / "cache.db"

        def work(site: str) -> None:
            (self.home / "urls").write_text(f"{site}{address}\n")
            (self.home / "config").write_text("")
            run_at_home(
                self.home, self.program, "-u", str(self.home / "urls"), "-C", str(self.home / "config"),
                "-c", str(kept), "-x", "reload",
            )  # fmt: skip

        while_answering(self.server, work)
        with sqlite3.connect(kept) as database:
            rows = database.execute("SELECT guid, title, content FROM rss_item WHERE deleted = 0").fetchall()
        return {guid: (title, content.strip()) for guid, title, content in rows}


class FollowsWithRss2email:
    """rss2email, which sends each entry that it has not seen as a mail: here into a folder."""

    def __init__(self, respond: Any, home: Path) -> None:
        self.program, self.home, self.server = need("r2e"), home, server_for(respond)
        (home / "mail").mkdir()
        self.mail = mailbox.Maildir(home / "mail" / "inbox")
        self.options = ("-c", str(home / "rss2email.cfg"), "-d", str(home / "rss2email.json"))
        (home / "rss2email.cfg").write_text(
            "[DEFAULT]\nfrom = feeds@example.org\nto = reader@example.org\nemail-protocol = maildir\n"
            f"maildir-path = {home}/mail\nmaildir-mailbox = inbox\nhtml-mail = True\n"
        )

    def close(self) -> None:
        self.server.server_close()

    def add(self, address: str) -> None:
        name, url = address.rpartition("/")[2].replace(".", "-"), f"http://127.0.0.1:{self.server.server_port}{address}"
        run_at_home(self.home, self.program, *self.options, "add", name, url)

    def poll(self) -> list[tuple[str, str, str]]:
        """Ask for all feeds: sender, subject and text of each new mail."""
        while_answering(self.server, lambda site: run_at_home(self.home, self.program, *self.options, "run"))
        new = [self.mail.pop(key) for key in sorted(self.mail.keys())]
        return [
            (
                str(make_header(decode_header(message["From"]))),
                str(make_header(decode_header(message["Subject"]))),
                message.get_payload(decode=True).decode(),
            )
            for message in new
        ]


def by_khal(home: Path, data: bytes) -> list[str]:
    """A line for each event, as khal lists them: day, start, end, title, status and place."""
    program = need("khal")
    (home / "calendar.ics").write_bytes(data)
    (home / "khal.conf").write_text(
        f"[calendars]\n[[meetings]]\npath = {home}/meetings\n[locale]\nlocal_timezone = Europe/London\n"
        "default_timezone = Europe/London\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    (home / "meetings").mkdir(exist_ok=True)
    config = ("-c", str(home / "khal.conf"))
    run_at_home(home, program, *config, "import", "--batch", "-a", "meetings", str(home / "calendar.ics"))
    form = "{start-date}|{start-time}|{end-time}|{title}|{status}|{location}"
    listed = run_at_home(home, program, *config, "list", "-df", "", "-f", form, "2026-01-01", "2026-12-31")
    return [line for line in listed.splitlines() if line]
