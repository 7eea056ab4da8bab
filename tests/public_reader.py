"""The reader that tests/test_public_set.py sends to every channel, to compare it with the book (tests/public_book.py)."""

import json
import re
from typing import Any

from django.test import Client
from django.utils.dateparse import parse_datetime

from tests.public_book import Answer, Book, File, Node

SITE = "http://testserver"
WORD = re.compile(rb"zz[a-z]+\d+zz")
FEEDS = [(kind, form) for kind in ("news", "meetings") for form in ("rss", "atom")]
# Two queries, because one would cost more than the API allows.
LISTS = """{
  navigation { title url children { title url } }
  news(first: 100) { nodes { title image { alt } body { ...Block } } totalCount }
  meetings(first: 100) { nodes { title summary venue { name } papers { title url } howToAskAQuestion { html } }
    totalCount }
}"""
TREE = """{
  partnership { children(first: 15) { nodes { title url summary
    ... on StandardPage { body { ...Block } children(first: 12) { nodes { title url summary
      ... on StandardPage { body { ...Block } } } } } } } }
}"""
BLOCK = """fragment Block on StreamFieldInterface {
  ... on PageLinkBlock { page { title } text }
  ... on ParagraphBlock { richText { html } }
  ... on DocumentBlock { document { title url } }
  ... on ImageBlock { image { alt rendition(name: CONTENT) { url } } }
}"""
NAMES = 3  # under which a query may ask for the same
AT_PATHS = """fragment Page on PageInterface { __typename id title
  ... on WithdrawnPage { withdrawal { kind withdrawnAt alternativeUrl } } }
fragment Redirect on Redirect { target permanent }
fragment Resolution on Resolution { status page { ...Page } redirect { ...Redirect } withdrawal { kind } }"""


class Reader:
    """Asks for lists, files and changed addresses each time. Feeds and unchanged addresses take turns: they are slow."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.client = Client()
        self.told: dict[str, Any] = {}  # path → what the book said of it last
        self.turn = 0

    def looks_everywhere(self) -> None:
        self.turn += 1
        public = self.book.public_nodes()
        expected = {word for node in public for word in self.book.words_of(node)}
        self.lists_hold(public, expected)
        if self.turn % 3 == 0:
            self.search_finds(public)
        answers = self.answers()
        changed = {path: answer for path, answer in answers.items() if self.has_changed(path, answer)}
        self.graphql_answers(changed)
        for number, (path, answer) in enumerate(answers.items()):
            if path in changed or (number + self.turn) % 4 == 0:
                self.page_answers(path, answer, expected)
        self.files_answer()

    def finds_nothing(self) -> None:
        """No page and no file is public: what once was says that it is gone, and nothing else says anything."""
        for path, answer in self.answers().items():
            self.page_answers(path, answer, set())
        self.files_answer()

    def answers(self) -> dict[str, Answer]:
        return {path: self.book.answer(path) for path in [*self.book.paths, *self.book.redirects]}

    def files_answer(self) -> None:
        for file in self.book.files:
            for word, address in file.addresses.items():
                self.file_answers(file, word, address)

    def graphql(self, query: str) -> tuple[bytes, Any]:
        answer = self.client.post("/graphql/", {"query": query}, content_type="application/json").content
        assert b'"errors"' not in answer, answer
        return answer, json.loads(answer)["data"]

    def lists_hold(self, public: list[Node], expected: set[str]) -> None:
        answer, data = self.graphql(LISTS + BLOCK)
        answer += self.graphql(TREE + BLOCK)[0]
        assert self.words(answer) == expected, (self.words(answer) - expected, expected - self.words(answer))
        for kind in ("news", "meetings"):
            titles = {node.published.word for node in public if node.kind == kind}
            assert {node["title"] for node in data[kind]["nodes"]} == titles
            assert data[kind]["totalCount"] == len(titles)
        self.ids_find(public)
        kind, form = FEEDS[self.turn % len(FEEDS)]
        own = {word for node in public if node.kind == kind for word in self.book.words_of(node)}
        own |= self.book.titles_of_withdrawn(kind)
        shown = self.words(self.client.get(f"/feeds/{kind}.{form}").content)
        assert own <= shown <= expected | self.book.titles_of_withdrawn(kind), (own - shown, shown - expected)
        dated = self.client.get("/feeds/meetings.ics").content.replace(b"\r\n ", b"")
        assert {node.published.word for node in public if node.kind == "meetings"} <= self.words(dated) <= expected
        top = {node.published.word for node in public if node.kind == "standard" and not node.parent}
        assert {item["title"] for item in data["navigation"]} >= top
        listed = set(re.findall(r"<loc>(.*?)</loc>", self.client.get("/sitemap.xml").content.decode()))
        assert listed == {SITE + path for path in ("/", "/news/", "/meetings/", *map(self.book.path, public))}

    def ids_find(self, public: list[Node]) -> None:
        """The list of all pages, and every page by its id: those that are public or withdrawn with an explanation."""
        ids = [node.uuid for node in self.book.nodes]
        data = self.graphql(
            f"{{ pages(first: 100, types: [STANDARD_PAGE, NEWS_PAGE, MEETING_PAGE]) {{ nodes {{ id }} totalCount }}"
            f" nodes(ids: {json.dumps(ids)}) {{ id __typename }} }}"
        )[1]
        expected = {node.uuid for node in public}
        assert {page["id"] for page in data["pages"]["nodes"]} == expected
        assert data["pages"]["totalCount"] == len(expected)
        explained = {
            node.uuid
            for node in self.book.alive()
            if node.withdrawn == "withdrawn" and node.published and self.book.is_but_for_its_withdrawal(node)
        }
        found = {page["id"]: page["__typename"] == "WithdrawnPage" for page in data["nodes"]}
        assert found == dict.fromkeys(expected, False) | dict.fromkeys(explained, True)

    def search_finds(self, public: list[Node]) -> None:
        """Pages by the words of the published version, and by the titles and contents of their documents."""
        pages: dict[str, set[str]] = {word: set() for node in self.book.alive() for word in self.words_typed(node)}
        pages |= {word: set() for file in self.book.files for word in (file.label, *file.addresses)}
        for node in public:
            pages[node.published.word].add(node.uuid)
            for file, word in self.book.shown(node):
                if not file.picture:
                    pages[file.label].add(node.uuid)
                    pages[word].add(node.uuid)
        data: dict[str, Any] = {}
        words = list(pages)
        for start in range(0, len(words), NAMES):
            some = words[start : start + NAMES]
            asked = " ".join(f'{word}: search(query: "{word}") {{ ...Found }}' for word in some)
            data |= self.graphql(
                f"{{ {asked} }} fragment Found on SearchResultConnection {{ totalCount nodes {{ id }} }}"
            )[1]
        found = {word: {node["id"] for node in answer["nodes"]} for word, answer in data.items()}
        assert found == pages
        assert {word: answer["totalCount"] for word, answer in data.items()} == {
            word: len(uuids) for word, uuids in pages.items()
        }

    @staticmethod
    def words_typed(node: Node) -> set[str]:
        versions = (node.draft, node.published, *(node.scheduled or ())[1:])
        return {version.word for version in versions if version}

    def page_answers(self, path: str, answer: Answer, expected: set[str]) -> None:
        response = self.client.get(path)
        words = self.words(response.content)
        assert response.status_code == answer.status, path
        if answer.status == 200:
            assert self.book.words_of(answer.node) <= words <= expected, path
        else:
            assert words == ({answer.node.published.word} if answer.kind == "withdrawn" else set()), path
            assert response.get("Location", "") == (SITE + answer.target if answer.target else ""), path

    def has_changed(self, path: str, answer: Answer) -> bool:
        """Whether the path was not yet asked for since its answer changed."""
        told = (answer, answer.node and (answer.node.published, answer.node.ended))
        before, self.told[path] = self.told.get(path), told
        return told != before

    def graphql_answers(self, answers: dict[str, Answer]) -> None:
        left = list(answers.items())
        while left:
            self.some_graphql_answers(dict(left[:NAMES]))
            del left[:NAMES]

    def some_graphql_answers(self, answers: dict[str, Answer]) -> None:
        asked = "".join(
            f'p{number}: page(urlPath: "{path}") {{ ...Page }} r{number}: redirect(path: "{path}") {{ ...Redirect }} '
            f's{number}: resolve(path: "{path}") {{ ...Resolution }}'
            for number, path in enumerate(answers)
        )
        data = self.graphql(f"{{ {asked} }} {AT_PATHS}")[1]
        for number, (path, answer) in enumerate(answers.items()):
            leads = {"target": SITE + answer.target, "permanent": answer.status == 301} if answer.target else None
            assert data[f"r{number}"] == leads, path
            self.page_is(data[f"p{number}"], answer, path)
            self.resolution_is(data[f"s{number}"], data[f"p{number}"], leads, answer, path)

    @staticmethod
    def resolution_is(found: Any, page: Any, leads: Any, answer: Answer, path: str) -> None:
        assert found["status"] == answer.status, path
        assert found["redirect"] == leads, path
        assert found["page"] == (None if leads else page), path
        gone = answer.status == 410
        assert found["withdrawal"] == ({"kind": (answer.kind or "gone").upper()} if gone else None), path

    def page_is(self, page: Any, answer: Answer, path: str) -> None:
        assert (page is None) == (answer.node is None), path
        if answer.node is None:
            return
        told = answer.status == 200 or answer.kind == "withdrawn"
        assert page["id"] == answer.node.uuid, path
        assert page["title"] == (answer.node.published.word if told else None), path
        assert ("withdrawal" in page) == bool(answer.kind), path
        if answer.kind:
            withdrawal = page["withdrawal"]
            assert withdrawal["kind"] == answer.kind.upper(), path
            assert withdrawal["alternativeUrl"] == (SITE + answer.target if answer.target else None), path
            at = withdrawal["withdrawnAt"] and parse_datetime(withdrawal["withdrawnAt"])
            # What expired is dated when somebody or the scheduler came upon it, which may be never.
            assert at == answer.node.ended or answer.node.ended is None, path

    def file_answers(self, file: File, word: str, address: str) -> None:
        response = self.client.get(address)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        assert response.status_code == self.book.file_status(word), (file, word)
        if response.status_code != 200:
            assert self.words(content) == set()
        elif file.picture:
            assert content[8:12] == b"WEBP"
        else:
            assert content == word.encode()

    @staticmethod
    def words(content: bytes) -> set[str]:
        return {found.decode() for found in WORD.findall(content)}
