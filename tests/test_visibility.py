"""The one rule for what is public, as SQL and as Python, and that nothing hidden is in any answer."""

import json
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone
from graphql import GraphQLObjectType, get_named_type

from cms.graphql.schema.query import schema
from documents.models import RENDITIONS, Document, Image
from pages import models
from pages.content.choices import WithdrawalKind
from pages.visibility.rule import Answer, answer, public, withdrawn
from tests import factories
from tests.hidden_content import (
    EXPECTED,
    MARK,
    STATES,
    STATUS,
    begin,
    finish,
    indexes,
    need_login,
    take_to,
)
from tests.whole_schema import everything, everything_at


@pytest.mark.parametrize("state", [state for state in EXPECTED if "deleted" not in state])
def test_sql_and_python_agree_on_every_state(home, state):
    own = state.removeprefix("child of ")
    page = parent = begin(own, models.StandardPage, home)
    if state != own:
        page = factories.page(models.StandardPage, parent)
    finish(own, parent)
    assert answer(page) == EXPECTED[state]
    for other in models.ContentPage.objects.all():
        itself = models.ContentPage.objects.filter(pk=other.pk)
        found = withdrawn(itself).first()
        if public(itself).exists():
            in_sql = Answer.PUBLIC
        elif found and found.withdrawal_kind != WithdrawalKind.GONE:
            in_sql = Answer.WITHDRAWN
        else:
            in_sql = Answer.GONE if models.PublicRecord.objects.filter(page=other.pk).exists() else Answer.HIDDEN
        assert in_sql == answer(other), other
    assert answer(home) == Answer.PUBLIC


def test_a_page_expires_at_its_second_whether_or_not_the_scheduler_ran(home):
    end = timezone.now() + timedelta(hours=1)
    page = factories.page(models.StandardPage, home, expire_at=end)
    assert answer(page, end - timedelta(microseconds=1)) == Answer.PUBLIC
    assert answer(page, end) == Answer.GONE
    assert public(models.StandardPage.objects.all(), end - timedelta(microseconds=1)).count() == 1
    assert public(models.StandardPage.objects.all(), end).count() == 0
    assert page.live is True


def test_a_restriction_on_the_root_of_the_tree_hides_everything(home):
    need_login(home.get_parent())
    assert answer(home) == Answer.GONE
    assert not public(models.ContentPage.objects.all()).exists()


# --- Markers: what is hidden is in no answer -----------------------------------------------------------------


def everything_public(client) -> dict[str, bytes]:
    """Channel → bytes, for every root field with everything below it, pages, feeds, sitemap and the front page."""
    paths = ("/news/", "/hub/", "/meetings/", "/public-period/", "/death-reviews/", "/old/")
    found = {f"graphql {name}": json.dumps(told).encode() for name, told in everything_at(paths).items()}
    for path in paths:
        answer = client.get(path)
        found[f"html {path}"] = answer.content + str(answer.headers).encode()
    for feed in ("news", "meetings"):
        for kind in ("rss", "atom"):
            found[f"{feed}.{kind}"] = client.get(f"/feeds/{feed}.{kind}").content
    for name in ("", "sitemap.xml", "robots.txt", "docs/"):
        found[f"/{name}"] = client.get(f"/{name}").content
    return found


def not_found() -> tuple:
    answer = everything("search")["Query_search"]
    return tuple(answer[f"SearchResultConnection_{name}"] for name in ("totalCount", "nodes", "edges"))


def carriers(client, told: Iterable[str] = ()) -> set[str]:
    """The channels in which the marker is, outside of what readers may be told."""
    found = set()
    for name, content in everything_public(client).items():
        for words in told:
            content = content.replace(words.encode(), b"")  # noqa: PLW2901
        if MARK.encode() in content:
            found.add(name)
    return found


def at_their_own_paths(client, paths) -> dict[str, list]:
    """Path → what GraphQL and the CMS answer there, without the path itself, which the reader knows."""
    found = {}
    for path in paths:
        page = json.dumps(everything("page", path)).replace(path, "")
        response = client.get(path)
        found[path] = [page, response.status_code, response.content.decode().replace(path, "")]
    return found


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_a_hidden_page_is_in_any_channel(home, worlds, client, state):
    pages, to_finish = worlds.write(state)
    paths = {name: f"/{page.url_path.removeprefix(home.url_path)}" for name, page in pages.items()}
    picture = Image.objects.get(title__startswith=MARK)
    files = [Document.objects.get(title__startswith=MARK).url]
    files += [rendition.url for rendition in picture.get_renditions(*RENDITIONS.values()).values()]
    for page in to_finish:
        take_to(state.removeprefix("child of "), page)
    # Followers of a feed are told what was withdrawn: title and address, as at the address itself.
    told = [*paths.values(), *(f"Withdrawn: {page.title}" for page in pages.values())] if state == "withdrawn" else []
    assert carriers(client, told) == set()
    # Not even the number of results tells of it: the words are in no page that is public.
    assert not_found() == (0, [], [])
    expected = EXPECTED[state]
    for name, (page, status, html) in zip(paths, at_their_own_paths(client, paths.values()).values(), strict=True):
        assert status == STATUS[expected], name
        if expected == Answer.WITHDRAWN:
            kept = json.loads(page)["Query_page"]
            assert kept.pop("WithdrawnPage_title") == kept.pop("WithdrawnPage_heading") == pages[name].title
            assert MARK not in json.dumps(kept)
        else:
            assert (name, MARK in page, MARK in html) == (name, False, False)
        resolved = everything("resolve", paths[name])["Query_resolve"]
        assert resolved["Resolution_status"] == STATUS[expected], name
        by_id = [everything(root, key=str(pages[name].uuid)) for root in ("node", "nodes")]
        told = json.dumps([resolved, by_id]).replace(paths[name], "").replace(f'heading": "{pages[name].title}"', "")
        told = told.replace(f'WithdrawnPage_title": "{pages[name].title}"', "")
        assert (name, MARK in told) == (name, False)
        assert (by_id == [{"Query_node": None}, {"Query_nodes": []}]) == (expected != Answer.WITHDRAWN), name
    for url in files:
        answer_ = client.get(url)
        assert answer_.status_code == STATUS[expected], url
        assert MARK.encode() not in answer_.content


def test_the_same_pages_are_in_the_channels_when_they_are_public(home, worlds, client):
    """The control: the test above would pass if the queries asked for nothing."""
    pages, _ = worlds.write("live", live=True)
    found = carriers(client)
    lists = {"plans", "insights", "annualReviews", "deathReviews", "news", "meetings", "navigation", "topics", "search"}
    assert {f"graphql {name}" for name in lists} <= found
    assert {
        "graphql page /hub/",
        "graphql redirect /old/",
        "html /hub/",
        "html /news/",
        "html /old/",
        "news.rss",
        "news.atom",
        "meetings.rss",
        "/sitemap.xml",
    } <= found
    for name, page in pages.items():
        path = f"/{page.url_path.removeprefix(home.url_path)}"
        assert MARK in json.dumps(everything("page", path)), name
        assert MARK.encode() in client.get(path).content, name
    document = Document.objects.get(title__startswith=MARK)
    assert b"".join(client.get(document.url).streaming_content) == f"{MARK} content".encode()


def test_the_walk_of_the_schema_finds_something_behind_every_field(home, worlds, client):
    """Every field that leads to an object leads to one here, or the matrix above proves nothing about it."""
    pages, _ = worlds.write("live", live=True)
    paths = [f"/{page.url_path.removeprefix(home.url_path)}" for page in models.ContentPage.objects.all()]
    answers = everything_at([*paths, "/gone/"])
    for name in ("node", "nodes"):
        answers |= {f"{name} {key}": everything(name, key=str(page.uuid)) for key, page in pages.items()}
    found = {f"Query_{name.split()[0]}" for name, answer in answers.items() if answer not in (None, [], {})}

    def look(value):
        if isinstance(value, list):
            for item in value:
                look(item)
        elif isinstance(value, dict):
            for alias, item in value.items():
                if item not in (None, [], {}):
                    found.add(alias)
                look(item)

    look(answers)
    types = schema.graphql_schema.type_map
    of_pages = set(types["PageInterface"].fields)
    targets = {"PageInterface", "Document", "Image", "Rendition", "Paper"}
    targets |= {model.__name__ for model in apps.get_app_config("pages").get_models()} & set(types)
    fields = {
        f"{kind.name}_{name}"
        for kind in types.values()
        if isinstance(kind, GraphQLObjectType) and kind.name[:2] != "__" and kind.name != "WithdrawnPage"
        for name, field in kind.fields.items()
        if get_named_type(field.type).name in targets and name not in of_pages
    }
    assert len(fields) > 30
    assert sorted(fields - found) == []


def test_a_draft_of_a_live_page_changes_nothing_public(home, client):
    indexes(home)
    pages = {
        "news": factories.page(models.NewsPage, models.NewsIndexPage.objects.get(), title="Plain news"),
        "meeting": factories.page(models.MeetingPage, models.MeetingIndexPage.objects.get()),
    }
    before = everything_public(client)
    for page in pages.values():
        page.title = f"{MARK} title"
        page.slug = f"{MARK}-slug"
        page.summary = f"{MARK} summary"
        page.save_revision()
    assert everything_public(client) == before


def test_the_schema_knows_no_draft_no_schedule_and_no_free_sort_order():
    fields = {
        name.lower()
        for kind in schema.graphql_schema.type_map.values()
        if hasattr(kind, "fields") and kind.name[:2] != "__"
        for name in kind.fields
    }
    for word in ("draft", "golive", "expire", "unpublished", "revision", "workflow", "locked"):
        assert {name for name in fields if word in name} == set(), word
    arguments = {
        (name, arg)
        for name, field in schema.graphql_schema.query_type.fields.items()
        for arg in field.args
        if arg in ("order", "orderBy", "sort", "limit", "offset")
    }
    assert arguments == set()
