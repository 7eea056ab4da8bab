"""The loader that GraphQL, HTML pages, feeds and previews share: what it finds, and with how many queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.reading.draft_loader import PreviewLoader
from pages.reading.loader import Loader
from pages.reading.page_html import article_html
from tests import factories


@pytest.fixture
def news(home):
    """A news page that names a page, a document and two pictures."""
    target = factories.page(models.StandardPage, home, slug="target")
    document = factories.document()
    document.html_equivalent = target
    document.save()
    return factories.page(
        models.NewsPage,
        factories.page(models.NewsIndexPage, home, slug="news"),
        image=factories.image(),
        body=[
            ("paragraph", f'<p><a linktype="page" id="{target.pk}">Target</a></p>'),
            ("page_link", {"page": target, "text": ""}),
            ("image", {"image": factories.image(), "caption": ""}),
            ("document", document),
        ],
    )


def queries_of(run) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        run()
    return [query["sql"].split('FROM "')[1].split('"')[0] for query in captured.captured_queries]


def test_a_page_that_is_prepared_costs_a_query_for_each_model(news):
    loader = Loader(timezone.now())
    assert queries_of(lambda: loader.prepare([news])) == [
        "pages_pagedocument",  # the rows of the page
        "documents_document",
        "documents_image",
        "pages_contentpage",
    ]
    # The size of both pictures. Everything else was loaded.
    assert queries_of(lambda: article_html(news, loader)) == ["documents_rendition"]


def test_a_page_shows_the_same_whether_it_was_prepared_or_not(news):
    prepared, asked = Loader(timezone.now()), Loader(timezone.now())
    prepared.prepare([news])
    assert article_html(news, prepared) == article_html(news, asked)


def test_what_a_link_of_a_text_leads_to_is_not_asked_for_its_type(news):
    loader = Loader(timezone.now())
    tables = queries_of(lambda: loader.rich_text(news, news.body.raw_data[0]["value"]))
    assert tables == ["pages_contentpage", "documents_document", "documents_image"]
    target = models.StandardPage.objects.get()
    assert loader.base_page_in(news, target.pk).title == target.title
    assert type(loader.page_in(news, target.pk)) is models.StandardPage


def test_a_foreign_key_that_is_none_of_readers_business_is_refused(news):
    for name in ("owner", "locked_by", "latest_revision"):
        with pytest.raises(LookupError, match="not a model that readers may see"):
            Loader(timezone.now()).related(news, name)


def test_a_file_of_death_reviews_is_found_for_a_notice_alone(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    index.refresh_from_db()
    document = factories.document()
    other = factories.page(models.StandardPage, home, body=[("document", document)])
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        review_documents=[models.ReviewDocument(kind="overview-report", state="published", document=document)],
    )
    document.refresh_from_db()
    document.collection = index.files
    document.save()
    [row] = notice.review_documents.all()
    for pages in ([], [notice], [other], [notice, other]):
        loader = Loader(timezone.now())
        loader.prepare(pages)
        assert loader.related(row, "document") == document
        assert loader.document_in(other, document.pk) is None


def test_what_one_loader_found_is_not_handed_on_to_another(news):
    target = models.StandardPage.objects.get()
    assert Loader(timezone.now()).page_in(news, target.pk) == target
    target.unpublish()
    assert Loader(timezone.now()).page_in(news, target.pk) is None


def test_a_preview_shows_files_that_are_not_public_yet_to_those_who_may_see_them(home, admin_user, django_user_model):
    document = factories.document()
    draft = factories.draft(models.StandardPage, home, body=[("document", document)])
    nobody = django_user_model.objects.create_user("nobody")
    for loader, expected in (
        (Loader(timezone.now()), None),
        (PreviewLoader(draft, timezone.now(), nobody), None),
        (PreviewLoader(draft, timezone.now(), admin_user), document),
    ):
        loader.prepare([draft])
        assert loader.document_in(draft, document.pk) == expected
