"""Pages as HTML over HTTP: redirects to the website, methods, cookies, queries, and previews."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from documents.models import PublishedFile
from pages import models
from tests import factories
from tests.factories import london
from tests.test_page_views import SECRET, _clock, hidden_pages, meeting_index, news_index, paragraph, withdraw  # noqa: F401 - fixtures


def test_with_a_website_pages_redirect_to_it_and_the_rest_stays(client, news_index, settings):
    factories.page(models.NewsPage, news_index, slug="new")
    old = factories.page(models.NewsPage, news_index, slug="old")
    hidden_pages(news_index)
    settings.WEBSITE_URL = "https://www.example.org"
    response = client.get("/news/new/?page=2")
    assert (response.status_code, response["Location"]) == (302, "https://www.example.org/news/new/")
    assert response.content == b""
    assert client.get("/news/draft/").content == client.get("/news/none/").content
    assert client.get("/news/withdrawn/").status_code == 410
    withdraw(old, withdrawal_kind="redirect", withdrawal_alternative=news_index)
    assert client.get("/news/old/")["Location"] == "https://www.example.org/news/"


def test_only_reading_is_allowed(client, news_index):
    page, head = client.get("/news/"), client.head("/news/")
    assert head.content == b""
    assert head.status_code == 200
    assert head["Content-Type"] == page["Content-Type"]
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)("/news/").status_code == 405


def test_no_session_is_read_for_a_page(client, news_index):
    client.cookies["sessionid"] = "not-a-session"
    cache_of_visitor = client.get("/news/")
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/news/")
    assert not [query for query in captured.captured_queries if "session" in query["sql"]]
    assert response.content == cache_of_visitor.content
    assert not response.cookies
    assert not response.has_header("Vary")


def count_queries(client, path: str) -> int:
    client.get(path)  # once before, for Wagtail's cached site root
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured.captured_queries)


def fill(news_index, meeting_index, rows: int) -> None:
    """A news page, a meeting and an index, each with this many blocks, links, files, rows and children."""
    home = news_index.get_parent().specific
    others = [factories.page(models.NewsPage, news_index) for _ in range(rows)]
    body = []
    for other in others:
        body += [
            paragraph(("a", other)),
            ("page_link", {"page": other, "text": ""}),
            ("image", {"image": factories.image(), "caption": ""}),
            ("document", factories.document(html_equivalent=other)),
        ]
    factories.page(models.NewsPage, news_index, slug=f"news-{rows}", body=body)
    factories.page(
        models.MeetingPage,
        meeting_index,
        slug=f"meeting-{rows}",
        agenda_items=[models.AgendaItem(number=str(n), title="Item") for n in range(rows)],
        papers=[models.Paper(document=factories.document(), agenda_item_number=str(n)) for n in range(rows)],
    )
    period = factories.page(models.PriorityPeriodPage, home, slug=f"period-{rows}")
    actions = [models.Action(text="Act.", horizon="in-year", lead_agency=factories.agency()) for _ in range(rows)]
    factories.page(models.PriorityPage, period, slug="one", actions=actions)
    parent = factories.page(models.StandardPage, home, slug=f"parent-{rows}")
    for _ in range(rows):
        factories.page(models.StandardPage, parent)


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(client, news_index, meeting_index):
    for rows in (2, 6):
        fill(news_index, meeting_index, rows)
    for path in ("/news/news-{}/", "/meetings/meeting-{}/", "/period-{}/one/", "/parent-{}/"):
        few, many = (count_queries(client, path.format(rows)) for rows in (2, 6))
        assert few == many, path
        assert many < 25, path


# --- Previews ---


def preview(page):
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("viewer")
    return page.serve_preview(request, page.default_preview_mode)


def test_a_preview_shows_the_draft_with_its_files_and_no_other_draft(news_index):
    page = factories.page(models.NewsPage, news_index, slug="p", title="Published")
    other = hidden_pages(news_index)["draft"]
    document, picture = factories.document("New paper"), factories.image(description="New picture")
    page.title = "Draft of it"
    page.image = picture
    page.body = [paragraph(("to the other", other)), ("document", document)]
    page.save_revision()
    draft = page.get_latest_revision_as_object()
    response = preview(draft)
    assert response.status_code == 200
    html = response.content.decode()
    assert "<h1>Draft of it</h1>" in html
    assert "New paper (CSV" in html
    assert 'alt="New picture"' in html
    assert "<p>to the other </p>" in html
    assert SECRET not in html
    assert not PublishedFile.objects.filter(page=page).exists()


def test_a_page_that_was_never_saved_can_be_previewed(meeting_index):
    meeting = models.MeetingPage(
        title="Not saved",
        starts_at=london(2026, 2, 24, 10),
        agenda_items=[models.AgendaItem(number="1", title="In memory")],
        papers=[models.Paper(document=factories.document("Held in memory"), agenda_item_number="1")],
    )
    meeting.depth = meeting_index.depth + 1
    meeting.path = meeting._get_path(meeting_index.path, meeting.depth, 1)
    meeting.set_url_path(meeting_index)
    html = preview(meeting).content.decode()
    assert "<h1>Not saved</h1>" in html
    assert "<li>1. In memory" in html
    assert "Report: <a href=" in html
    assert ">Held in memory (CSV, 8\xa0bytes)</a>" in html
    assert '<li><a href="http://testserver/meetings/">Meetings</a></li>' in html


def test_the_admin_previews_a_new_page(client, meeting_index):
    client.force_login(User.objects.create_superuser("root"))
    url = f"/admin/pages/add/pages/meetingpage/{meeting_index.pk}/preview/"
    form = {
        "title": "Typed just now",
        "slug": "typed",
        "summary": "S",
        "starts_at": "2026-02-24 10:00",
        "venue": factories.venue().pk,
        "status": "provisional",
        "status_notice": "null",
        "open_to_public": "open",
        "attendance_mode": "in-person",
        "how_to_ask_a_question": "null",
        "update_kind": "minor",
        "papers-TOTAL_FORMS": "0",
        "papers-INITIAL_FORMS": "0",
        "agenda_items-TOTAL_FORMS": "1",
        "agenda_items-INITIAL_FORMS": "0",
        "agenda_items-0-number": "1",
        "agenda_items-0-title": "Typed item",
        "agenda_items-0-access": "public",
        "agenda_items-0-ORDER": "1",
    }
    answer = client.post(url, form)
    assert answer.json() == {"is_valid": True, "is_available": True}
    html = client.get(url).content.decode()
    assert "<h1>Typed just now</h1>" in html
    assert "<li>1. Typed item" in html
    assert "Tuesday 24 February 2026, 10am" in html
