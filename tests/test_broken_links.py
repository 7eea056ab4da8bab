"""The report of links that lead readers nowhere: page, where, target and why, and nothing about other sites."""

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import PageViewRestriction

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.editing.broken_links import broken_links
from pages.models import ContentPage
from tests import factories

REPORT = "/admin/reports/broken-links/"
UNPUBLISHED = "The page is not published."
HIDDEN = "The page is private or has expired, or a page above it is not public."
NO_FILE = "Readers cannot open the file: no approved page shows this version, it is private, or it was taken down."
NO_PAGE = "The CMS has no page at this address. If the website has its own page there, ignore this line."


@pytest.fixture
def editor(home):
    user = User.objects.create_user("editor", password="x")
    user.groups.add(Group.objects.get(name="Editors"))
    return user


def rows(user):
    return [(link.page, link.where, link.target, link.why) for link in broken_links(user, timezone.now())]


def linking(home, *targets, title="Linking"):
    """A public page with one paragraph for each target: a page, or an address."""
    body = [
        (
            "paragraph",
            f'<p><a linktype="page" id="{target.pk}">words</a></p>'
            if isinstance(target, ContentPage)
            else f'<p><a href="{target}">words</a></p>',
        )
        for target in targets
    ]
    return factories.page(models.StandardPage, home, title=title, body=body)


def test_links_to_pages_in_each_state(home, editor):
    public = factories.page(models.StandardPage, home, title="Public")
    draft = factories.draft(models.StandardPage, home, title="Draft")
    withdrawn = factories.page(models.StandardPage, home, title="Withdrawn")
    private = factories.page(models.StandardPage, home, title="Private")
    expired = factories.page(models.StandardPage, home, title="Expired")
    below = factories.page(models.StandardPage, draft, title="Below a draft")
    deleted = factories.page(models.StandardPage, home, title="Deleted")
    linking(home, public, draft, withdrawn, private, expired, below, deleted)
    assert rows(editor) == [
        ("Linking", "Body, block 2", "Draft", UNPUBLISHED),
        ("Linking", "Body, block 6", "Below a draft", HIDDEN),
    ]
    key = deleted.pk
    deleted.delete()
    ContentPage.objects.filter(pk=withdrawn.pk).update(withdrawal_kind="withdrawn")
    PageViewRestriction.objects.create(page=private, restriction_type="login")
    ContentPage.objects.filter(pk=expired.pk).update(expire_at=timezone.now())
    assert rows(editor) == [
        ("Linking", "Body, block 2", "Draft", UNPUBLISHED),
        ("Linking", "Body, block 3", "Withdrawn", "The page was withdrawn."),
        ("Linking", "Body, block 4", "Private", HIDDEN),
        ("Linking", "Body, block 5", "Expired", HIDDEN),
        ("Linking", "Body, block 6", "Below a draft", HIDDEN),
        ("Linking", "Body, block 7", f"Page {key}", "The page was deleted."),
    ]


def test_every_place_where_a_link_can_stand(home, editor):
    draft = factories.draft(models.StandardPage, home, title="Draft")
    text = f'<p><a linktype="page" id="{draft.pk}">words</a></p>'
    factories.page(
        models.StandardPage,
        home,
        title="Blocks",
        body=[
            ("heading", {"text": "Heading", "level": "2"}),
            ("callout", {"tone": "information", "rich_text": text}),
            ("page_link", {"page": draft, "text": ""}),
        ],
    )
    news = factories.page(models.NewsIndexPage, home)
    period = factories.page(models.PriorityPeriodPage, home)
    priority = factories.draft(models.PriorityPage, period, title="Priority", number=1)
    factories.page(models.NewsPage, news, title="Field", priority=priority)
    meetings = factories.page(models.MeetingIndexPage, home)
    factories.page(models.MeetingPage, meetings, title="Text", how_to_ask_a_question=text)
    reviews = factories.page(models.PublicationIndexPage, home, publication_kind="annual-reviews")
    factories.page(
        models.AnnualReviewPage, reviews, title="Row", outcomes=[models.Outcome(priority=priority, text="Less")]
    )
    factories.page(
        models.BusinessAsUsualPage,
        home,
        title="Typed in a row",
        work_topics=[
            models.WorkTopic(title="One", url="http://testserver/nowhere/"),
            models.WorkTopic(title="Two", url="https://elsewhere.example/nowhere/"),
        ],
    )
    assert rows(editor) == [
        ("Blocks", "Body, block 2", "Draft", UNPUBLISHED),
        ("Blocks", "Body, block 3", "Draft", UNPUBLISHED),
        ("Field", "Related priority", "Priority", UNPUBLISHED),
        ("Row", "Outcome, priority", "Priority", UNPUBLISHED),
        ("Text", "How to ask a question", "Draft", UNPUBLISHED),
        ("Typed in a row", "Work topic, link", "http://testserver/nowhere/", NO_PAGE),
    ]


def test_links_to_documents(home, editor):
    document, exchanged = factories.document("Shown"), factories.document("Exchanged")
    gone = factories.document("Gone")
    body = [
        ("document", document),
        ("paragraph", f'<p><a linktype="document" id="{exchanged.pk}">words</a></p>'),
        ("document", gone),
    ]
    factories.page(models.StandardPage, home, title="Linking", body=body)
    assert rows(editor) == []
    exchanged.file_key = "another"
    exchanged.save()
    key = gone.pk
    gone.delete()
    assert rows(editor) == [
        ("Linking", "Body, block 2", "Exchanged", NO_FILE),
        ("Linking", "Body, block 3", f"Document {key}", "The document was deleted."),
    ]


def test_addresses_that_somebody_typed(home, editor):
    there = factories.page(models.StandardPage, home, slug="there")
    moved = factories.page(models.StandardPage, home, slug="old")
    moved.slug = "new"
    factories.publish(moved)
    gone = factories.page(models.StandardPage, home, slug="gone")
    gone.unpublish()
    document, private = factories.document(), factories.document()
    factories.page(models.StandardPage, home, slug="files", body=[("document", document)])
    Redirect.objects.create(old_path="/short", redirect_page=there)
    Redirect.objects.create(old_path="/away", redirect_link="https://elsewhere.example/")
    linking(
        home,
        "/there/",
        "/there?a=1#b",
        "http://testserver/there/",
        "/old/",
        "/short/",
        "/away/",
        "/",
        "/feeds/news.rss",
        "/graphql/",
        f"/documents/{document.file_key}/table.csv",
        "https://elsewhere.example/nowhere/",
        "mailto:team@example.org",
        "/gone/",  # from here on broken
        "/never/",
        "http://testserver/never/was/",
        f"http://testserver/documents/{private.file_key}/table.csv",
    )
    assert rows(editor) == [
        ("Linking", "Body, block 6", "http://testserver/away/", NO_PAGE),  # redirects lead to no other site
        ("Linking", "Body, block 13", "http://testserver/gone/", "The page at this address was withdrawn or removed."),
        ("Linking", "Body, block 14", "http://testserver/never/", NO_PAGE),
        ("Linking", "Body, block 15", "http://testserver/never/was/", NO_PAGE),
        (
            "Linking",
            "Body, block 16",
            f"http://testserver/documents/{private.file_key}/table.csv",
            "There is no public file at this address.",
        ),
    ]
    moved.refresh_from_db()
    ContentPage.objects.filter(pk=moved.pk).update(withdrawal_kind="gone")
    assert ("Linking", "Body, block 4", "http://testserver/old/", "It redirects to a page that is not public.") in rows(
        editor
    )


def test_a_website_with_a_path_of_its_own(home, editor, settings):
    settings.WEBSITE_URL = "https://council.example/safety"
    factories.page(models.StandardPage, home, slug="there")
    linking(
        home,
        "https://council.example/safety/there/",
        "https://council.example/bins/",
        "https://council.example/safety-first/",
        "https://council.example/safety/feeds/news.rss",
        "https://COUNCIL.example/safety/never/",
        "http://testserver/there/",
        "https://council.example/safety",
    )
    assert [row[1:] for row in rows(editor)] == [
        ("Body, block 4", "https://council.example/safety/feeds/news.rss", NO_PAGE),
        ("Body, block 5", "https://COUNCIL.example/safety/never/", NO_PAGE),
    ]


def test_only_the_public_version_of_public_pages_is_looked_at(home, editor):
    draft = factories.draft(models.StandardPage, home)
    page = linking(home, draft, title="Mended")
    page.body = []
    page.save_revision()
    assert [row[0] for row in rows(editor)] == ["Mended"]  # the mended version is a draft
    factories.publish(page)
    assert rows(editor) == []
    factories.draft(models.StandardPage, home, body=[("page_link", {"page": draft, "text": ""})])
    assert rows(editor) == []


def test_nobody_hears_of_a_page_that_they_may_not_edit(home, editor, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    other = factories.page(
        models.DeathReviewNoticePage,
        index,
        executive_summary=f'<p>Text <a linktype="page" id="{notice.pk}">words</a></p>',
    )
    linking(home, notice)
    reference = f"Death review {notice.reference}"
    assert rows(editor) == [("Linking", "Body, block 1", "A page that you cannot edit", UNPUBLISHED)]
    client.force_login(editor)
    for address in (REPORT, f"{REPORT}?export=csv"):
        content = client.get(address).getvalue() if "export" in address else client.get(address).content
        assert notice.reference.encode() not in content
        assert other.reference.encode() not in content
    editor.groups.add(Group.objects.get(name="Safeguarding leads"))
    assert rows(User.objects.get(pk=editor.pk)) == [
        (f"Death review {other.reference}", "Executive summary", reference, UNPUBLISHED),
        ("Linking", "Body, block 1", reference, UNPUBLISHED),
    ]


def test_the_report_over_http(home, editor, client):
    client.force_login(editor)
    assert "There are no broken links." in client.get(REPORT).content.decode()
    page = linking(home, factories.draft(models.StandardPage, home, title="=A1 <b>"), title="Linking <us>")
    html = client.get(REPORT).content.decode()
    assert "Links to other websites are not checked." in html
    assert f'href="/admin/pages/{page.pk}/edit/"' in html
    for text in ("Linking &lt;us&gt;", "Body, block 1", "=A1 &lt;b&gt;", UNPUBLISHED):
        assert text in html
    assert "/admin/reports/broken-links/" in client.get("/admin/").content.decode()  # in the menu of reports
    part = client.get(f"{REPORT}results/").content.decode()
    assert "Linking &lt;us&gt;" in part
    assert "<html" not in part
    export = client.get(f"{REPORT}?export=csv")
    assert export["Content-Disposition"] == 'attachment; filename="broken-links.csv"'
    assert list(csv.reader(StringIO(export.getvalue().decode()))) == [
        ["Page", "Where", "Leads to", "What is wrong"],
        ["Linking <us>", "Body, block 1", "'=A1 <b>", UNPUBLISHED],
    ]


def test_who_edits_no_pages_has_no_report(home, client):
    user = User.objects.create_user("nobody", password="x")
    group = Group.objects.create(name="Admin only")
    group.permissions.add(*Group.objects.get(name="Editors").permissions.filter(codename="access_admin"))
    user.groups.add(group)
    client.force_login(user)
    response = client.get(REPORT)
    assert (response.status_code, response.url) == (302, "/admin/")
    assert "/admin/reports/broken-links/" not in client.get("/admin/").content.decode()


def test_as_many_queries_for_twenty_rows_as_for_two(home, editor, client):
    def fill(rows):
        for _ in range(rows):
            draft = factories.draft(models.StandardPage, home)
            document = factories.document()
            page = factories.page(
                models.StandardPage,
                home,
                body=[
                    ("page_link", {"page": draft, "text": ""}),
                    ("paragraph", f'<p><a linktype="document" id="{document.pk}">x</a></p>'),
                    ("paragraph", '<p><a href="/documents/1234567890123456789012/x.pdf">x</a></p>'),
                ],
            )
            page.published_files.all().delete()

    def count():
        cache.clear()
        client.get(REPORT)
        with CaptureQueriesContext(connection) as captured:
            length = client.get(REPORT).context["paginator"].count
        return len(captured.captured_queries), length

    client.force_login(editor)
    fill(2)
    few, length = count()
    assert length == 6
    fill(18)
    many, length = count()
    assert length == 60
    assert many == few
