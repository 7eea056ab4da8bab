"""What the CMS answers at the paths of pages: exact HTML for what is public, and no sign of the rest."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.apps import apps
from django.template.loader import get_template
from django.test import RequestFactory
from django.utils import timezone
from wagtail.models import PageViewRestriction

from pages import models
from pages.models import ContentPage
from pages.web.views import page_at_path
from tests import factories
from tests.factories import london

SECRET = "MARKER-OF-SOMETHING-SECRET"


@pytest.fixture(autouse=True)
def _clock():
    """1 December 2026, 9am, unless a test goes elsewhere."""
    with time_machine.travel(london(2026, 12, 1, 9), tick=False):
        yield


@pytest.fixture
def news_index(home):
    return factories.page(models.NewsIndexPage, home, title="News", slug="news")


@pytest.fixture
def meeting_index(home):
    return factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")


def main_of(response) -> str:
    """The part of the page between the navigation and the end, without indentation."""
    html = response.content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    return "\n".join(line.strip() for line in main.splitlines()[1:] if line.strip())


def article_of(response) -> str:
    return re.search(r"<article>\n(.*?)\n</article>", main_of(response), re.DOTALL)[1]


def at_path(path: str = ""):
    """The view itself: cms/urls.py has a page of its own at "/"."""
    return page_at_path(RequestFactory().get(f"/{path}"), path)


def paragraph(*targets: tuple[str, ContentPage]) -> tuple[str, str]:
    links = "".join(f'<a linktype="page" id="{page.pk}">{text}</a> ' for text, page in targets)
    return ("paragraph", f"<p>{links}</p>")


def withdraw(page: ContentPage, **fields) -> None:
    ContentPage.objects.filter(pk=page.pk).update(withdrawn_at=london(2026, 3, 1, 9), **fields)


def hidden_pages(index) -> dict[str, ContentPage]:
    """One page of each kind that readers must not learn of, all with the marker in every text."""
    text = {"summary": SECRET, "body": [("paragraph", f"<p>{SECRET}</p>")]}

    def made(slug, **fields):
        return factories.page(models.NewsPage, index, title=f"{SECRET} {slug}", slug=slug, **text, **fields)

    pages = {
        "draft": factories.draft(models.NewsPage, index, title=f"{SECRET} draft", slug="draft", **text),
        "expired": made("expired"),
        "scheduled": factories.draft(models.NewsPage, index, title=f"{SECRET} scheduled", slug="scheduled", **text),
        "private": made("private"),
        "unpublished": made("unpublished"),
        "withdrawn": made("withdrawn"),
    }
    now = timezone.now()
    # As between two runs of publish_scheduled: the page is still live, but its time is over.
    ContentPage.objects.filter(pk=pages["expired"].pk).update(expire_at=now - timedelta(seconds=1))
    pages["scheduled"].go_live_at = now + timedelta(days=1)
    factories.approve(pages["scheduled"]).publish()
    PageViewRestriction.objects.create(
        page=pages["private"], restriction_type=PageViewRestriction.PASSWORD, password="x"
    )
    pages["unpublished"].unpublish()
    withdraw(pages["withdrawn"], withdrawal_kind="gone")
    return pages


# --- What a page shows ---


def test_every_page_type_has_a_template_named_after_it():
    types = [model for model in apps.get_models() if issubclass(model, ContentPage) and model is not ContentPage]
    assert len(types) == 15
    for model in types:
        get_template(f"pages/{model._meta.model_name}.html")


def test_a_page_is_complete_html_with_its_feeds_and_no_script(client, news_index):
    factories.page(models.NewsPage, news_index, title="A new bench", slug="bench", summary="One more & seat.")
    response = client.get("/news/bench/")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    head, _, body = response.content.decode().partition("</head>")
    lines = [line.strip() for line in head.splitlines()]
    assert lines == [
        "<!doctype html>",
        '<html lang="en-GB">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>A new bench - Testing Partnership</title>",
        '<meta name="description" content="One more &amp; seat.">',
        '<link rel="canonical" href="http://testserver/news/bench/">',
        '<link rel="stylesheet" href="/static/pages/page.css">',
        *(
            f'<link rel="alternate" type="{media_type}" title="{title} ({label})" '
            f'href="http://testserver/feeds/{title.lower().removesuffix(" updates")}.{kind}">'
            for title in ("All updates", "News", "Meetings", "Publications", "Priorities")
            for kind, label, media_type in (
                ("rss", "RSS 2.0", "application/rss+xml"),
                ("atom", "Atom 1.0", "application/atom+xml"),
                ("json", "JSON Feed 1.1", "application/feed+json"),
                ("ics", "iCalendar", "text/calendar"),
            )
            if kind != "ics" or title == "Meetings"
        ),
    ]
    assert "<script" not in head + body
    assert 'href="#main"' in body
    assert '<li><a href="http://testserver/">Testing Partnership</a></li>' in body
    assert '<li><a href="http://testserver/news/">News</a></li>' in body


def test_every_block_becomes_plain_semantic_html(client, news_index):
    target = factories.page(models.NewsPage, news_index, title="Target", slug="target")
    picture = factories.image(description='A "market" square')
    paper = factories.document("A paper", b"a,b\n1,2\n", "paper.csv", language="cy", accessible="no")
    body = [
        ("heading", {"text": "A <b> heading", "level": "3"}),
        paragraph(("in text", target)),
        (
            "paragraph",
            '<p>Fish &amp; chips <a href="https://example.org/?a=1&amp;b=2">out</a></p><script>x</script>',
        ),
        ("image", {"image": picture, "caption": "The market"}),
        ("document", paper),
        ("page_link", {"page": target, "text": ""}),
        (
            "table",
            {
                "data": [["Year", "Thefts"], ["2024", "10"], ["2025", None]],
                "first_row_is_table_header": True,
                "first_col_is_header": True,
                "table_caption": "Thefts <by> year",
            },
        ),
        ("callout", {"tone": "warning", "rich_text": "<p>Take care.</p>"}),
        ("callout", {"tone": "information", "rich_text": "<p>Good to know.</p>"}),
    ]
    factories.page(models.NewsPage, news_index, slug="blocks", body=body)
    lines = article_of(client.get("/news/blocks/")).splitlines()[1:]  # without the date
    assert lines == [
        "<h3>A &lt;b&gt; heading</h3>",
        '<p><a href="http://testserver/news/target/">in text</a> </p>',
        '<p>Fish &amp; chips <a href="https://example.org/?a=1&amp;b=2">out</a></p>x',
        "<figure>",
        f'<img src="http://testserver/images/{picture.file_key}/content.webp" width="{picture.width}" '
        f'height="48" alt="A &quot;market&quot; square">',
        "<figcaption>The market</figcaption>",
        "</figure>",
        f'<p><a href="http://testserver/documents/{paper.file_key}/paper.csv">A paper (CSV, 8\xa0bytes, '
        "language: cy, may not work with a screen reader)</a>",
        "</p>",
        '<p><a href="http://testserver/news/target/">Target</a></p>',
        '<div class="table" tabindex="0" role="region" aria-label="Thefts &lt;by&gt; year">',
        "<table>",
        "<caption>Thefts &lt;by&gt; year</caption>",
        '<thead><tr><th scope="col">Year</th><th scope="col">Thefts</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row">2024</th><td>10</td></tr>',
        '<tr><th scope="row">2025</th><td></td></tr>',
        "</tbody>",
        "</table>",
        "</div>",
        '<div class="callout" role="note">',
        "<p><strong>Warning</strong></p>",
        "<p>Take care.</p>",
        "</div>",
        '<div class="callout" role="note">',
        "<p>Good to know.</p>",
        "</div>",
    ]


def test_titles_are_escaped(client, news_index):
    factories.page(models.NewsPage, news_index, title="<script>alert(1)</script>", slug="x")
    html = client.get("/news/x/").content.decode()
    assert "<script" not in html
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in html


def test_other_pages_have_no_exit_and_may_be_found(client, news_index):
    html = client.get("/news/").content.decode()
    assert "bbc.co.uk" not in html
    assert "noindex" not in html


def test_the_foot_of_a_page_says_when_it_was_reviewed_and_what_changed(client, home):
    page = factories.page(models.StandardPage, home, slug="about", last_reviewed_on=date(2026, 2, 11))
    models.ChangeNote.objects.create(page=page, at=london(2026, 6, 30, 23, 30), note="New opening hours.")
    page.topics = [factories.topic(name="Cycling")]
    factories.publish(page)
    assert main_of(client.get("/about/")).splitlines()[-8:] == [
        "<footer>",
        "<p>Topics: Cycling</p>",
        '<p>Last reviewed: <time datetime="2026-02-11">11 February 2026</time></p>',
        "<h2>Updates</h2>",
        "<ul>",
        "<li>30 June 2026: New opening hours.</li>",
        "</ul>",
        "</footer>",
    ]


def test_an_alert_shows_while_it_is_active(client, home):
    now = timezone.now()
    factories.snippet(models.Alert, message="Flood in town.", severity="warning", active_until=now + timedelta(hours=1))
    factories.snippet(models.Alert, message=SECRET, active_until=now - timedelta(hours=1))
    factories.page(models.StandardPage, home, slug="about")
    html = client.get("/about/").content.decode()
    assert "<p><strong>Warning:</strong> Flood in town." in html
    assert SECRET not in html


def test_pages_lead_to_what_can_be_followed(client, news_index, meeting_index):
    factories.page(models.StandardPage, news_index.get_parent(), slug="about")
    for name in ("news", "meetings"):
        html = client.get(f"/{name}/").content.decode()
        assert html.count('/feeds/"') == 1
        assert article_of(client.get(f"/{name}/")) == (
            f'<p class="row"><a href="http://testserver/feeds/{name}/">Follow {name}</a></p>'
        )
    html = client.get("/about/").content.decode()
    assert re.findall(r'<(\w+)[^>]*><a href="(/feeds/[^"]*)">([^<]*)<', html) == [
        ("footer", "/feeds/", "Follow what is published")
    ]
    assert (
        '<footer class="foot"><a href="/feeds/">Follow what is published</a></footer>'
        in client.get("/none/").content.decode()
    )
