"""Lists, links and addresses in pages as HTML: nothing hidden shows, and what was withdrawn says so."""
# ruff: noqa: F811 - tests take the fixtures that are imported

import re

import time_machine
from django.test import RequestFactory

from documents.models import PublishedFile
from pages import models
from pages.web.views import CHILDREN_AT_ONCE, page_at_path
from tests import factories
from tests.factories import london
from tests.test_page_views import (  # noqa: F401 - fixtures
    SECRET,
    _clock,
    article_of,
    at_path,
    hidden_pages,
    main_of,
    news_index,
    paragraph,
    withdraw,
)


def test_lists_show_public_pages_alone_newest_first(client, news_index):
    for day in (1, 3, 2):
        with time_machine.travel(london(2026, 2, day, 9), tick=False):
            factories.page(models.NewsPage, news_index, title=f"News of {day} February", slug=f"n{day}")
    hidden_pages(news_index)
    main = main_of(client.get("/news/"))
    assert re.findall(r">(News of[^<]*)</a>\n<span class=\"note\">([^<]*)<", main) == [
        ("News of 3 February", "3 February 2026"),
        ("News of 2 February", "2 February 2026"),
        ("News of 1 February", "1 February 2026"),
    ]
    assert SECRET not in main


def test_long_lists_come_in_parts_and_other_parts_do_not_exist(client, home, settings):
    for number in range(CHILDREN_AT_ONCE + 1):
        factories.page(models.StandardPage, home, slug=f"p{number}")
    first, second = at_path(), page_at_path(RequestFactory().get("/", {"page": "2"}), "")
    assert main_of(first).count("<li>\n<a href=") == CHILDREN_AT_ONCE
    assert '<a rel="next" href="?page=2">Next page</a>' in main_of(first)
    assert main_of(second).count("<li>\n<a href=") == 1
    assert '<a rel="prev" href="?page=1">Previous page</a>' in main_of(second)
    missing = client.get("/missing/")
    for part in ("0", "3", "-1", "x", "1.5", "9" * 30, ""):
        response = client.get("/p1/", {"page": part})
        assert (response.status_code, response.content) == (404, missing.content)


# --- What is not public ---


def test_a_hidden_page_answers_like_one_that_does_not_exist(client, news_index):
    pages = hidden_pages(news_index)
    below_a_draft = factories.page(
        models.StandardPage,
        factories.draft(models.StandardPage, news_index.get_parent().specific, slug="draft-parent"),
        slug="child",
        title=SECRET,
    )
    missing = client.get("/news/there-is-no-such-page/")
    assert missing.status_code == 404
    assert missing["Content-Type"] == "text/html; charset=utf-8"
    never_public = [name for name in pages if pages[name].first_published_at is None]
    assert never_public == ["draft", "scheduled"]
    paths = [f"/news/{name}/" for name in never_public]
    for path in [*paths, "/draft-parent/", f"/draft-parent/{below_a_draft.slug}/"]:
        response = client.get(path)
        assert (response.status_code, path) == (404, path)
        assert response.content == missing.content
        assert response.headers == missing.headers
        assert not response.cookies
    assert SECRET not in missing.content.decode()
    for name in pages.keys() - set(never_public):
        response = client.get(f"/news/{name}/")
        assert (response.status_code, name) == (410, name)
        assert SECRET not in response.content.decode()


def test_links_to_what_is_not_public_become_plain_words(client, news_index):
    pages = hidden_pages(news_index)
    period = factories.page(models.PriorityPeriodPage, news_index.get_parent().specific)
    priority = factories.page(models.PriorityPage, period, title=SECRET, number=1)
    priority.unpublish()
    body = [paragraph(*((f"words {name}", page) for name, page in pages.items()))]
    body += [("page_link", {"page": page, "text": ""}) for page in pages.values()]
    body += [("page_link", {"page": pages["draft"], "text": "My words"})]
    factories.page(models.NewsPage, news_index, slug="links", priority=priority, body=body)
    response = client.get("/news/links/")
    words = " ".join(f"words {name}" for name in pages)
    assert article_of(response).splitlines()[1:] == [f"<p>{words} </p>", "<p>My words</p>"]
    assert SECRET not in response.content.decode()
    for page in pages.values():
        assert f"/{page.slug}/" not in response.content.decode()


def test_a_file_shows_only_while_the_published_version_uses_it(client, news_index):
    document, picture = factories.document(SECRET), factories.image(description=SECRET)
    body = [("document", document), ("image", {"image": picture, "caption": ""})]
    page = factories.page(models.NewsPage, news_index, slug="files", body=body)
    assert SECRET in client.get("/news/files/").content.decode()
    PublishedFile.objects.filter(page=page).delete()
    assert SECRET not in client.get("/news/files/").content.decode()


def test_a_document_leads_to_the_web_page_with_the_same_content(client, news_index):
    same = factories.page(models.NewsPage, news_index, title="The same", slug="same")
    hidden = hidden_pages(news_index)["draft"]
    body = [
        ("document", factories.document("One", html_equivalent=same)),
        ("document", factories.document("Two", html_equivalent=hidden)),
    ]
    factories.page(models.NewsPage, news_index, slug="files", body=body)
    html = client.get("/news/files/").content.decode()
    assert html.count("as a web page") == 1
    assert ', or <a href="http://testserver/news/same/">read “The same” as a web page</a>' in html
    assert SECRET not in html


# --- Withdrawn ---


def test_a_withdrawn_page_is_gone_and_says_why(client, news_index):
    page = factories.page(
        models.NewsPage, news_index, title="Old news", slug="old", body=[("paragraph", f"<p>{SECRET}</p>")]
    )
    other = factories.page(models.NewsPage, news_index, title="New news", slug="new")
    withdraw(
        page,
        withdrawal_kind="withdrawn",
        withdrawal_explanation="It was <wrong>.",
        withdrawal_alternative=other,
    )
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert main_of(response).splitlines() == [
        "<h1>Old news</h1>",
        '<div class="notice" role="note">',
        "<p><strong>This page was withdrawn on 1 March 2026.</strong></p>",
        "<p>It was &lt;wrong&gt;.</p>",
        "</div>",
        '<p>Read instead: <a href="http://testserver/news/new/">New news</a></p>',
    ]
    assert SECRET not in response.content.decode()
    assert response["Cache-Control"] == "no-cache"


def test_a_page_that_is_gone_tells_nothing_of_itself(client, news_index):
    page = factories.page(models.NewsPage, news_index, title=SECRET, slug="old", summary=SECRET)
    withdraw(page, withdrawal_kind="gone", withdrawal_explanation=SECRET)
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert main_of(response).splitlines() == [
        "<h1>This page has been removed</h1>",
        "<p>It is no longer published.</p>",
    ]
    assert SECRET not in response.content.decode()


def test_a_redirected_page_leads_to_a_public_page_or_is_gone(client, news_index):
    other = factories.page(models.NewsPage, news_index, title=SECRET, slug="new")
    page = factories.page(models.NewsPage, news_index, title=SECRET, slug="old")
    withdraw(page, withdrawal_kind="redirect", withdrawal_alternative=other)
    response = client.get("/news/old/")
    assert (response.status_code, response["Location"]) == (301, "http://testserver/news/new/")
    other.unpublish()
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert SECRET not in response.content.decode()
    assert "/news/new/" not in response.content.decode()


def test_what_lies_below_a_withdrawn_page_is_gone_without_a_word(client, home):
    parent = factories.page(models.StandardPage, home, slug="parent")
    factories.page(models.StandardPage, parent, slug="child")
    withdraw(parent, withdrawal_kind="withdrawn", withdrawal_explanation="Why.")
    assert client.get("/parent/").status_code == 410
    child = client.get("/parent/child/")
    assert (child.status_code, client.get("/parent/none/").status_code) == (410, 404)
    assert "It is no longer published." in child.content.decode()
