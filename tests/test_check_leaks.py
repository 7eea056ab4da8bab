"""`check_leaks` finds nothing on a sound site where `plant_canaries` hid its words, and finds every leak made on purpose."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from graphql import build_schema, graphql_sync
from taggit.models import Tag, TaggedItem
from wagtail.models import Collection, Page, PageLogEntry, PageViewRestriction, Revision

from cms.graphql.schema.query import schema
from cms.leakcheck.canaries import CANARY, CONTROL, FORMER, PARENTS, hidden_paths, slug
from cms.leakcheck.check import Answer, LeakCheck, NoEndpointError, UnreachableError
from cms.leakcheck.queries import TOKENS_IN_A_QUERY, _tokens
from cms.management.commands.check_leaks import over_http, site_address
from documents.models import Document, Image, PublishedFile, Rendition
from feeds.build.items import update_entries
from feeds.models import FeedItem
from pages import models
from pages.approval.workflow import publish_by_command, set_up_moderation
from pages.models.snippets import ModeratedSnippet
from pages.visibility.rule import Answer as Visible
from pages.visibility.rule import answer
from tests import factories
from tests.loopback import answering, over_client

BASE = "http://testserver"


def run(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def small_site():
    """Something public of every kind, so that there is a place for every canary."""
    set_up_moderation()
    home = factories.home()
    news = factories.page(models.NewsIndexPage, home, slug="news")
    meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
    factories.page(models.DeathReviewIndexPage, home)
    for kind in ("plans", "insights", "annual-reviews"):
        factories.page(models.PublicationIndexPage, home, publication_kind=kind)
    period = factories.page(models.PriorityPeriodPage, home)
    factories.page(models.PriorityPage, period)
    factories.page(models.NewsPage, news, image=factories.image())
    factories.page(models.MeetingPage, meetings, papers=[models.Paper(document=factories.document())])


@pytest.fixture(scope="module")
def canaries(django_db_setup, django_db_blocker):
    """A small site with the canaries, made once for the module; what a test changes is rolled back.

    Gives the number of rows before the canaries came.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        small_site()
        before = counts()
        run("plant_canaries")
        yield before
        transaction.set_rollback(True)
    cache.clear()


@pytest.fixture
def planted(canaries, db):
    return canaries


def check(fetch, **options):
    return LeakCheck(fetch, BASE, **options).run()


def places(report):
    return {finding.place for finding in report.findings}


# --- Planting ---


def counts():
    """Rows of all that the command can have added. What the logs say stays, as it does for editors."""
    kinds = [Page, models.ContentPage, Revision, Document, Image, Rendition, PublishedFile, Collection, models.Topic]
    kinds += [Tag, TaggedItem, models.ContentPage.topics.through, *ModeratedSnippet.__subclasses__()]
    kinds += [
        models.Paper,
        models.AgendaItem,
        models.Recommendation,
        models.PageDocument,
        PageViewRestriction,
    ]
    return {kind.__name__: kind._base_manager.count() for kind in kinds}


def test_planting_twice_changes_nothing_and_removing_restores(planted):
    once = counts()
    assert all(once[name] > planted[name] for name in planted)
    assert "Nothing was changed" in run("plant_canaries")
    assert counts() == once
    run("plant_canaries", remove=True)
    assert counts() == planted
    assert Page.find_problems() == ([], [], [], [], [])


def test_one_page_is_public_and_nothing_else(planted):
    states = {page.slug: answer(page) for page in models.ContentPage.objects.all()}
    ours = {slug: state for slug, state in states.items() if slug.startswith("zq")}
    assert ours.pop(CONTROL) == Visible.PUBLIC
    assert Visible.PUBLIC not in ours.values()
    never = {slug for slug, state in ours.items() if slug.startswith(CANARY) and state == Visible.HIDDEN}
    assert never == {slug for slug in ours if not slug.startswith(FORMER)}
    paths = {f"/{page.url_path.split('/', 2)[2]}" for page in models.ContentPage.objects.all()}
    assert set(hidden_paths()) - paths == {f"/{CANARY}-edit/"}
    control = models.StandardPage.objects.get(slug=CONTROL)
    assert control.has_unpublished_changes
    assert CANARY in control.get_latest_revision_as_object().title
    published = PageLogEntry.objects.filter(action="pages.published_by_command", page=control.pk)
    assert [entry.data["command"] for entry in published] == ["plant_canaries"]


def test_every_text_of_every_draft_has_the_word(planted):
    for snippet in ModeratedSnippet.__subclasses__():
        assert any(CANARY in str(obj) and not obj.live for obj in snippet.objects.all())
    documents = Document.objects.filter(title__startswith=CANARY)
    assert all(CANARY in document.file.read().decode() and CANARY in document.filename for document in documents)
    notice = models.DeathReviewNoticePage.objects.get()
    assert not notice.live
    assert CANARY in notice.pseudonym
    assert CANARY in notice.recommendations.get().text


def test_it_refuses_without_a_public_home_page(planted):
    models.PartnershipPage.objects.get().unpublish()
    with pytest.raises(CommandError, match="no public home page"):
        run("plant_canaries")


def test_it_refuses_to_complete_and_to_delete_what_is_not_its_own(planted):
    control = models.StandardPage.objects.get(slug=CONTROL)
    factories.draft(models.StandardPage, control, title="Mine")
    with pytest.raises(CommandError, match="'Mine' is below a canary page"):
        run("plant_canaries", remove=True)
    control.unpublish()
    with pytest.raises(CommandError, match="--remove"):
        run("plant_canaries")


# --- A sound site, and leaks on purpose ---


def test_a_sound_site_passes_over_http_without_a_database(planted, client):
    said = answering(over_client(client), lambda url: run("check_leaks", url))
    assert said.endswith("addresses, no leak.\n")


def test_leaks_are_found_in_every_channel(planted, client, monkeypatch):
    """What is kept of the rule lets some pages through, a resolver asks no rule, a public page shows a draft's file, and entries of
    feeds were written with what they must not say.
    """
    control = models.StandardPage.objects.get(slug=CONTROL)
    control.body = [
        ("document", Document.objects.get(title=f"{CANARY} draft")),
        ("page_link", {"page": models.StandardPage.objects.get(slug=slug("standard", "draft")), "text": ""}),
    ]
    publish_by_command(control, "tests")
    factories.page(models.NewsPage, models.NewsIndexPage.objects.get())
    to_come = timezone.now() + timedelta(days=30)  # a meeting of the past may be in an archive only
    factories.page(models.MeetingPage, models.MeetingIndexPage.objects.get(), starts_at=to_come)
    update_entries(timezone.now())
    assert FeedItem.objects.update(summary=CANARY) > 1
    lets_through = [slug(kind, state) for kind in PARENTS for state in ("draft", "restricted")]
    models.PageVisibility.objects.bulk_create(
        models.PageVisibility(
            page_id=page.pk,
            until=timezone.now() + timedelta(days=1),
            withdrawal_kind="",
            page_type_id=page.content_type_id,
            first_published_at=timezone.now(),
            uuid=page.uuid,
        )
        for page in models.ContentPage.objects.filter(slug__in=lets_through)
    )
    topics = schema.graphql_schema.query_type.fields["topics"]
    monkeypatch.setattr(topics, "resolve", lambda root, info: models.Topic.objects.all())
    monkeypatch.setattr("cms.management.commands.check_leaks.over_http", lambda base: over_client(client))
    monkeypatch.setattr("cms.management.commands.check_leaks.LONGEST_TABLE", 10_000)
    out = StringIO()
    with pytest.raises(CommandError, match="The table lists what is public"):
        call_command("check_leaks", BASE, stdout=out)
    rows = [[part.strip() for part in line.split(" | ")] for line in out.getvalue().splitlines()]
    assert rows[0] == ["address or GraphQL path", "where", "excerpt"]
    graphql = {
        "topics.name",
        "navigation.title",
        "meetings(first: 10).nodes.title",
        "news(first: 10).nodes.topics.name",
        f'page(urlPath: "/{CONTROL}/").body.page.title',
        f'page(urlPath: "/{CONTROL}/").body.document.url',
        f'page(urlPath: "/{CANARY}-standard-draft/").summary',
    }
    addresses = {"/", "/news/", f"/{CONTROL}/", f"/{CANARY}-standard-draft/", "/feeds/news.rss", "/feeds/meetings.atom"}
    assert {*graphql, *addresses} - {row[0] for row in rows} == set()
    assert [f"/{CANARY}-standard-restricted/", "answer 200"] in [row[:2] for row in rows]
    assert any(row[0].startswith("/documents/") and row[1] == "body" for row in rows)


# --- The walk itself, on schemas that this project does not have yet ---


class FakeSite:
    """GraphQL over a schema in words and a tree of values, and other paths from a table."""

    def __init__(self, sdl, root, paths=None):
        self.schema, self.root, self.paths, self.queries = build_schema(sdl), root, paths or {}, []

    def __call__(self, path, body):
        if body is None:
            return self.paths.get(path, Answer(404, {"Content-Type": "text/plain"}, b"nothing"))
        query = json.loads(body)["query"]
        self.queries.append(query)
        result = graphql_sync(self.schema, query, self.root)
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(result.formatted).encode())


LETTERS = """
    type Query { letter: Letter, letters(first: Int, after: String): Letters!, find(query: String!): [Letter!]!
                 sized(size: Size!): String, any: [Any!]! }
    enum Size { SMALL LARGE }
    type Letters { nodes: [Letter!]!, pageInfo: PageInfo! }
    type PageInfo { hasNextPage: Boolean!, endCursor: String }
    interface Sheet { title: String }
    type Letter implements Sheet { title: String, body: String, reply: Letter }
    type Note implements Sheet { title: String, body: [Int!] }
    union Any = Letter | Note
"""


def letter(depth, secret):
    return {"__typename": "Letter", "title": "t", "body": "b", "reply": letter(depth - 1, secret)} if depth else secret


@pytest.mark.parametrize(
    ("root", "place"),
    [
        ({"letter": letter(3, {"title": CANARY.upper()})}, "letter.reply.reply.reply.title"),
        ({"any": [{"__typename": "Note", "body": [1]}, {"__typename": "Letter", "body": CANARY}]}, "any.body"),
        ({"sized": lambda info, size: CANARY if size == "LARGE" else ""}, "sized(size: LARGE)"),
        ({"find": lambda info, query: [{"body": f"it is {query}"}]}, f'find(query: "{CANARY}").body'),
        (
            {
                "letters": lambda info, first, after=None: {
                    "nodes": [{"title": f"{CANARY} 2" if after else "1"}],
                    "pageInfo": {"hasNextPage": not after, "endCursor": "c1"},
                }
            },
            'letters(first: 10, after: "c1").nodes.title',
        ),
    ],
)
def test_the_walk_reaches(root, place):
    nothing = {"letters": {"nodes": [], "pageInfo": {"hasNextPage": False}}, "find": [], "any": []}
    assert places(check(FakeSite(LETTERS, {**nothing, **root}))) == {place}


def test_a_resolver_that_fails_and_a_page_that_fails_are_findings():
    def fails(info):
        raise RuntimeError("broken")

    site = FakeSite("type Query { a: String!, b: String! }", {"a": fails, "b": "b"}, {"/": Answer(500, {}, b"")})
    found = [(finding.place, finding.where, finding.excerpt) for finding in check(site).findings]
    assert found == [
        ("a", "not covered", "broken"),
        ("/", "answer 500", "The site failed here, which may hide a leak."),
    ]


def test_addresses_on_the_website_are_asked_of_the_cms_alone():
    sdl = (
        "type Query { site: Site, feeds: [Feed!]!, a: String } type Site { rootUrl: String } type Feed { url: String }"
    )
    root = {
        "site": {"rootUrl": "https://www.example.org/safety/"},
        "feeds": [{"url": "https://cms.example.org/feeds/all.rss"}],
        "a": "https://www.example.org/safety/news/ and https://www.example.org/other/",
    }
    asked = []
    site = FakeSite(sdl, root)
    check(lambda path, body: asked.append(path) or site(path, body))
    assert {"/news/", "/feeds/all.rss"} <= set(asked)
    assert not [path for path in asked if "example" in path or "other" in path or "safety" in path]


def test_a_field_that_cannot_be_called_is_a_finding():
    site = FakeSite("type Query { a: String, b(sort: Int!): String }", {})
    assert [(f.place, f.where) for f in check(site).findings] == [("Query.b(sort)", "not covered")]


def test_queries_stay_small_and_a_refused_one_is_asked_by_halves():
    names = [f"field{number}" for number in range(900)]
    fields = " ".join(f"{name}: String" for name in names)
    site = FakeSite(f"type Query {{ {fields} big: Big }} type Big {{ {fields} }}", {"big": {"field899": CANARY}})

    def strict(path, body):
        query = json.loads(body)["query"] if body else ""
        if "field7 " in query and _tokens(query) > 30:
            return Answer(200, {}, b'{"errors": [{"message": "too much"}]}')
        return site(path, body)

    places_found = {(finding.place, finding.where) for finding in check(strict).findings}
    assert places_found == {("big.field899", "value"), ("big", "not covered")}
    assert max(_tokens(query) for query in site.queries[1:]) <= TOKENS_IN_A_QUERY


def html(text, **headers):
    return Answer(200, {"Content-Type": "text/html", **headers}, text.encode())


def test_addresses_are_followed_on_the_site_alone_and_searched_whole():
    paths = {
        "/": html('<a href="/a/?x=1&amp;y=2#part">a</a> <img src=b.png> <a href="https://elsewhere.org/c/">c</a>'),
        "/a/?x=1&y=2": html("See http://testserver/d/.", **{"X-Note": f"x {CANARY}"}),
        "/b.png": Answer(200, {"Content-Type": "image/png"}, b"\xff\x00" + CANARY.encode()),
        "/d/": Answer(302, {"Location": "/e%20f/"}, b""),
        "/e%20f/": html(json.dumps("R\xe9sum\xe9 &amp; CO")),
        "/robots.txt": Answer(
            200, {"Content-Type": "text/plain"}, b"Disallow: /g/\nSitemap: http://testserver/h.xml\n"
        ),
        "/g/": html("", Location=f"https://elsewhere.org/{CANARY}/"),
        "/h.xml": Answer(200, {"Content-Type": "application/xml"}, b"<loc>http://testserver/i-%7Aqcanary/</loc>"),
    }
    asked = []
    site = FakeSite("type Query { a: String }", {}, paths)
    report = check(lambda path, body: asked.append(path) or site(path, body), words=("Résumé & co",))
    found = {(finding.place, finding.where) for finding in report.findings}
    assert found == {
        ("/a/?x=1&y=2", "header X-Note"),
        ("/b.png", "body"),
        ("/g/", "header Location"),
        ("/h.xml", "body"),
        ("/i-%7Aqcanary/", "address"),
    } | ({("/e%20f/", "body")} if "é" in paths["/e%20f/"].text else set())
    assert not [path for path in asked if "elsewhere" in path]
    assert report.addresses == len(set(asked)) - 1


def test_answers_that_tell_of_hidden_pages():
    hidden = f"/{CANARY}-standard-restricted/"
    paths = {
        hidden: Answer(302, {"Location": f"/login/?next={hidden}"}, b""),
        f"/{FORMER}-news-gone/": Answer(410, {}, b""),
        "/news" + f"/{FORMER}-news-gone/": Answer(410, {}, b""),
        "/admin/api/main/pages/": Answer(200, {}, b"{}"),
        "/documents/1/": Answer(404, {}, b"There is no documents/1/ here"),
    }
    found = {(f.place, f.where) for f in check(FakeSite("type Query { a: String }", {}, paths)).findings}
    assert (hidden, "answer 302") in found
    assert ("/admin/api/main/pages/", "answer 200") in found
    assert {place for place, _ in found} == {hidden, "/admin/api/main/pages/", f"/login/?next={hidden}"}


def test_it_ends_at_the_limit_and_says_so():
    report = check(FakeSite("type Query { a: String }", {}), limit=10)
    assert report.queries + report.addresses == 10
    (finding,) = report.findings
    assert (finding.place, finding.where) == ("the rest", "not covered")
    assert "raise --max-requests" in finding.excerpt


def test_a_site_that_stops_answering_ends_the_check():
    site = FakeSite("type Query { a: String }", {})

    def dying(path, body):
        if body is None:
            raise UnreachableError("connection refused")
        return site(path, body)

    with pytest.raises(UnreachableError, match="refused"):
        check(dying)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Answer(404, {}, b"<html>"), "answers 404 and gives no schema"),
        (Answer(200, {}, b'{"errors": []}'), "gives no schema"),
        (Answer(200, {}, b'{"data": {"__schema": 1}}'), "gives no schema"),
        (Answer(301, {"Location": "https://b.example/graphql/"}, b""), "redirects to https://b.example/graphql/"),
    ],
)
def test_what_is_no_endpoint(found, message):
    with pytest.raises(NoEndpointError, match=message):
        check(lambda path, body: found)


# --- The command ---


def test_it_proves_nothing_without_the_control(monkeypatch):
    site = FakeSite("type Query { a: String }", {})
    monkeypatch.setattr("cms.management.commands.check_leaks.over_http", lambda base: site)
    with pytest.raises(CommandError, match=r"proves nothing: run `manage\.py plant_canaries`"):
        run("check_leaks", BASE)
    assert "no leak" in run("check_leaks", BASE, without_control=True)


def test_a_site_that_does_not_answer():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(CommandError, match=r"does not answer .*: start it or correct the address"):
        run("check_leaks", url)


@pytest.mark.parametrize(
    "url", ["", "testserver", "ftp://testserver", "http://", "http://a/b", "http://a?b", "http://u:p@a", "http://a:x"]
)
def test_addresses_that_it_does_not_take(url):
    with pytest.raises(CommandError, match="give the address of the CMS with no path"):
        site_address(url)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_requests": 0}, "--max-requests: give a number from 1"),
        ({"canary": ["abc"]}, "--canary: give a word of 4 to 200"),
        ({"canary": ["x" * 201]}, "--canary: give a word of 4 to 200"),
    ],
)
def test_options_that_it_does_not_take(options, message):
    with pytest.raises(CommandError, match=message):
        run("check_leaks", BASE, **options)


def test_over_http_it_follows_no_redirect_and_keeps_no_cookie():
    asked = []

    def fetch(path, body):
        asked.append((path, body))
        return Answer(302, {"Location": "/other/", "Set-Cookie": "a=b"}, b"moved")

    def work(url):
        ask = over_http(url)
        return [ask("/x/?y=1", None), ask("/graphql/", b"{}")]

    for found in answering(fetch, work):
        assert (found.status, found.header("Location"), found.body) == (302, "/other/", b"moved")
    assert asked == [("/x/?y=1", None), ("/graphql/", b"{}")]
