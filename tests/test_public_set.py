"""Whatever people do in whatever order, every channel shows exactly what is public: a state machine.

The machine keeps a small picture of its own of what was published, where, and until when. After every step it asks
every channel for the words of every page and file and compares.
"""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from wagtail.models import PageViewRestriction

from documents.models import Document
from pages import models
from pages.withdrawal import take_down, withdraw
from tests import factories
from tests.hidden_content import administrator

START = factories.london(2026, 3, 1, 10)
WORD = re.compile(rb"zz[a-z]+\d+zz")
EVERYTHING = """{
  navigation { title url }
  news(first: 100) { nodes { title body { ... on PageLinkBlock { page { title } text }
    ... on ParagraphBlock { richText { html } } ... on DocumentBlock { document { title url } } } } totalCount }
  partnership { children(first: 100) { nodes { title url summary
    ... on StandardPage { body { ... on DocumentBlock { document { title url } } }
      children(first: 100) { nodes { title url summary
        ... on StandardPage { body { ... on DocumentBlock { document { title url } } } } } } } } } }
}"""


@dataclass
class Node:
    """A page as the machine knows it: what was published of it, and what stands in the way."""

    pk: int
    parent: "Node | None"
    news: bool = False
    published: "Version | None" = None
    draft: "Version | None" = None
    scheduled: "tuple[datetime, Version] | None" = None
    expires: datetime | None = None
    restricted: bool = False
    withdrawn: str = ""
    deleted: bool = False
    slug: str = ""


@dataclass(frozen=True)
class Version:
    """The words of one version, and its document with the word that the file held when it was approved."""

    word: str
    document: int | None = None
    file: str = ""


@dataclass
class File:
    pk: int
    word: str
    down: bool = False
    addresses: dict[str, str] = field(default_factory=dict)  # word of the file → address


class Site(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        self.at = START
        self.count = 0
        self.client = Client()
        self.home = models.PartnershipPage.objects.get()
        self.news_index = models.NewsIndexPage.objects.get()
        self.nodes: list[Node] = []
        self.files: list[File] = []

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)

    # --- What the machine knows ---

    def word(self, kind: str) -> str:
        self.count += 1
        return f"zz{kind}{self.count}zz"

    def is_public(self, node: Node | None) -> bool:
        if node is None:
            return True
        return (
            node.published is not None
            and not node.deleted
            and not node.restricted
            and not node.withdrawn
            and (node.expires is None or node.expires > self.at)
            and self.is_public(node.parent)
        )

    def path(self, node: Node) -> str:
        above = "/news/" if node.news else self.path(node.parent) if node.parent else "/"
        return f"{above}{node.slug}/"

    def expected_words(self) -> set[str]:
        """Words of pages and of the names of files; words in files are asked for at their addresses."""
        words = set()
        for node in self.nodes:
            if self.is_public(node) and node.published:
                words.add(node.published.word)
                if (shown := self.shown_file(node.published)) is not None:
                    words.add(f"zztitle{shown.pk}zz")
        return words

    def shown_file(self, version: Version) -> File | None:
        """The file of a version, unless it was taken down or exchanged since it was approved."""
        file = next((each for each in self.files if each.pk == version.document), None)
        return file if file and not file.down and file.word == version.file else None

    def public_files(self) -> list[File]:
        versions = [node.published for node in self.nodes if node.published and self.is_public(node)]
        return [file for file in self.files if any(self.shown_file(version) is file for version in versions)]

    # --- What people do ---

    @initialize()
    def a_site_with_something_on_it(self) -> None:
        """A page with one below it and a piece of news, all public, each with a file."""
        self.upload()
        self.upload()
        parent = self.made(None, False, self.files[0])
        self.made(parent, False, self.files[1])
        self.made(None, True, self.files[0])

    def made(self, parent: Node | None, news: bool, file: File) -> Node:
        node = self.new_page(parent, news, Version(self.word("page"), file.pk, file.word))
        factories.approve(self.page(node)).publish()
        self.published(node, node.draft)
        return node

    def pick(self, data, nodes):
        return data.draw(st.sampled_from(nodes))

    def alive(self):
        return [node for node in self.nodes if not node.deleted]

    def page(self, node: Node):
        return models.ContentPage.objects.get(pk=node.pk).specific

    @precondition(lambda self: len(self.files) < 4)
    @rule()
    def upload(self) -> None:
        word = self.word("file")
        document = factories.document("x", word.encode(), "data.csv")
        Document.objects.filter(pk=document.pk).update(title=f"zztitle{document.pk}zz")
        file = File(document.pk, word)
        file.addresses[word] = document.url
        self.files.append(file)

    @precondition(lambda self: len(self.alive()) < 6)
    @rule(data=st.data(), news=st.booleans(), below=st.booleans())
    def create(self, data, news, below) -> None:
        parents = [node for node in self.alive() if not node.news and node.parent is None]
        parent = self.pick(data, parents) if below and not news and parents else None
        self.new_page(parent, news, self.version(data))

    def new_page(self, parent: Node | None, news: bool, version: Version) -> Node:
        slug = f"p{self.count}"
        above = self.news_index if news else self.page(parent) if parent else self.home
        page = factories.draft(
            models.NewsPage if news else models.StandardPage,
            above,
            slug=slug,
            show_in_menus=True,
            **self.content(version),
        )
        node = Node(page.pk, parent, news=news, draft=version, slug=slug)
        self.nodes.append(node)
        return node

    def version(self, data) -> Version:
        file = data.draw(st.sampled_from([None, *self.files]))
        return Version(self.word("page"), file.pk if file else None, file.word if file else "")

    def content(self, version: Version) -> dict:
        links = "".join(f'<p><a linktype="page" id="{node.pk}">words</a></p>' for node in self.nodes)
        body = [("paragraph", f"<p>{version.word}</p>{links}")]
        body += [("page_link", {"page": models.ContentPage.objects.get(pk=node.pk)}) for node in self.alive()[:3]]
        if version.document:
            body.append(("document", Document.objects.get(pk=version.document)))
        return {"title": version.word, "summary": version.word, "body": body}

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def edit(self, data) -> None:
        self.edited(data, self.pick(data, self.alive()))

    def edited(self, data, node: Node) -> None:
        node.draft = self.version(data)
        page = self.page(node).get_latest_revision_as_object()
        for name, value in self.content(node.draft).items():
            setattr(page, name, value)
        page.save_revision()

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), until=st.none() | st.integers(1, 12))
    def edit_and_publish(self, data, until) -> None:
        node = self.pick(data, self.alive())
        self.edited(data, node)
        self.publish_now(node, until)

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), until=st.none() | st.integers(1, 12))
    def publish(self, data, until) -> None:
        self.publish_now(self.pick(data, self.alive()), until)

    def publish_now(self, node: Node, until: int | None) -> None:
        node.expires = self.at + timedelta(hours=until) if until else None
        self.approve(node, None, node.expires)
        self.published(node, node.draft)
        node.scheduled = None

    def approve(self, node: Node, go_live_at: datetime | None, expire_at: datetime | None) -> None:
        page = self.page(node)
        page = page.get_latest_revision_as_object() if page.latest_revision_id else page
        page.go_live_at, page.expire_at = go_live_at, expire_at
        factories.approve(page).publish()

    def as_it_is(self, version: Version) -> Version:
        """The version with the file that is there when it is submitted, which may be newer than the draft."""
        file = next((each for each in self.files if each.pk == version.document), None)
        return replace(version, file=file.word) if file else version

    def published(self, node: Node, version: Version) -> None:
        node.published, node.draft = self.as_it_is(version), version
        node.withdrawn = ""

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), hours=st.integers(1, 12))
    def schedule(self, data, hours) -> None:
        node = self.pick(data, self.alive())
        node.scheduled = (self.at + timedelta(hours=hours), self.as_it_is(node.draft))
        self.approve(node, node.scheduled[0], None)

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def unpublish(self, data) -> None:
        node = self.pick(data, self.alive())
        page = self.page(node)
        if page.live:
            page.unpublish()
            node.published = node.scheduled = None

    @precondition(lambda self: [node for node in self.alive() if not node.restricted])
    @rule(data=st.data())
    def restrict(self, data) -> None:
        node = self.pick(data, [node for node in self.alive() if not node.restricted])
        PageViewRestriction.objects.create(page_id=node.pk, restriction_type=PageViewRestriction.LOGIN)
        node.restricted = True

    @precondition(lambda self: [node for node in self.alive() if node.restricted])
    @rule(data=st.data())
    def lift_restriction(self, data) -> None:
        node = self.pick(data, [node for node in self.alive() if node.restricted])
        PageViewRestriction.objects.get(page_id=node.pk).delete()
        node.restricted = False

    @precondition(lambda self: [node for node in self.alive() if self.is_public(node)])
    @rule(data=st.data(), kind=st.sampled_from(["withdrawn", "gone"]))
    def withdraw(self, data, kind) -> None:
        node = self.pick(data, [node for node in self.alive() if self.is_public(node)])
        withdraw(self.page(node), administrator(), kind, "Out of date.")
        node.withdrawn, node.scheduled = kind, None

    @precondition(lambda self: [node for node in self.alive() if self.is_public(node)])
    @rule(data=st.data())
    def take_down(self, data) -> None:
        node = self.pick(data, [node for node in self.alive() if self.is_public(node)])
        take_down(self.page(node), administrator(), "It names somebody.")
        node.published = node.scheduled = None

    @precondition(lambda self: self.public_files())
    @rule(data=st.data())
    def take_file_down(self, data) -> None:
        file = self.pick(data, self.public_files())
        take_down(Document.objects.get(pk=file.pk), administrator(), "It names somebody.")
        file.down = True

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def replace_file(self, data) -> None:
        file = self.pick(data, self.files)
        document = Document.objects.get(pk=file.pk)
        file.word = self.word("file")
        document.file = ContentFile(file.word.encode(), "data.csv")
        document.save()
        file.addresses[file.word] = document.url

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def move(self, data) -> None:
        movable = [
            node for node in self.alive() if not node.news and not any(other.parent is node for other in self.alive())
        ]
        if not movable:
            return
        node = self.pick(data, movable)
        targets = [other for other in self.alive() if not other.news and other.parent is None and other is not node]
        node.parent = self.pick(data, [None, *targets])
        page, target = self.page(node), self.page(node.parent) if node.parent else self.home
        target.refresh_from_db()
        page.move(target, pos="last-child")

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def delete(self, data) -> None:
        node = self.pick(data, self.alive())
        self.page(node).delete()
        for other in self.nodes:
            if other is node or other.parent is node:
                other.deleted = True

    @rule(hours=st.integers(1, 15), scheduler=st.booleans())
    def time_passes(self, hours, scheduler) -> None:
        self.at += timedelta(hours=hours, minutes=1)  # never the very instant of a schedule
        self.time.move_to(self.at)
        if scheduler:
            self.scheduler_runs()

    def scheduler_runs(self) -> None:
        call_command("publish_scheduled")
        for node in self.alive():
            if node.expires and node.expires <= self.at and node.published:
                node.published = node.scheduled = None
            if node.scheduled and node.scheduled[0] <= self.at:
                node.published, node.draft = node.scheduled[1], node.draft
                node.withdrawn, node.expires, node.scheduled = "", None, None

    # --- What readers see ---

    @invariant()
    def every_channel_shows_exactly_the_public_set(self) -> None:
        expected = self.expected_words()
        answer = self.client.post("/graphql/", {"query": EVERYTHING}, content_type="application/json").content
        assert b'"errors"' not in answer
        assert self.words(answer) == expected
        data = json.loads(answer)["data"]
        public = {node.pk: node for node in self.nodes if self.is_public(node)}
        news = {node.published.word for node in public.values() if node.news}
        assert {node["title"] for node in data["news"]["nodes"]} == news
        assert data["news"]["totalCount"] == len(news)
        for name in ("rss", "atom"):
            words = self.words(self.client.get(f"/feeds/news.{name}").content)
            assert news <= words <= expected
        sitemap = self.client.get("/sitemap.xml").content.decode()
        listed = {f"http://testserver{self.path(node)}" for node in public.values()}
        assert set(re.findall(r"<loc>(.*?)</loc>", sitemap)) == {
            "http://testserver/",
            "http://testserver/news/",
            *listed,
        }
        for node in self.nodes:
            self.its_own_address(node, expected)
        self.files_are_had_only_through_public_pages(public)

    def its_own_address(self, node: Node, expected: set[str]) -> None:
        response = self.client.get(self.path(node))
        words = self.words(response.content)
        if self.is_public(node):
            assert (response.status_code, node.published.word in words) == (200, True)
            assert words <= expected
        elif node.withdrawn == "withdrawn" and self.only_withdrawn(node):
            assert (response.status_code, words) == (410, {node.published.word})
        elif not node.deleted:
            assert response.status_code in ((410,) if self.was_here(node) else (404, 410)), self.path(node)
            assert words == set()

    def only_withdrawn(self, node: Node) -> bool:
        return self.is_public(replace(node, withdrawn=""))

    def was_here(self, node: Node) -> bool:
        return models.PublicAddress.objects.filter(record=self.page(node).uuid, path=self.path(node)).exists()

    def files_are_had_only_through_public_pages(self, public: dict[int, Node]) -> None:
        shown = {
            file.word
            for node in public.values()
            if node.published and (file := self.shown_file(node.published)) is not None
        }
        for file in self.files:
            for word, address in file.addresses.items():
                response = self.client.get(address)
                content = b"".join(response.streaming_content) if response.streaming else response.content
                assert (response.status_code == 200) == (word in shown), (word, response.status_code)
                assert self.words(content) == ({word} if word in shown else set())

    @staticmethod
    def words(content: bytes) -> set[str]:
        return {found.decode() for found in WORD.findall(content)}


@pytest.mark.usefixtures("client")
def test_every_channel_shows_exactly_the_public_set(home):
    factories.page(models.NewsIndexPage, home, slug="news")
    run_state_machine_as_test(
        Site,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
