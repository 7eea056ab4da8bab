"""sitemap.xml and robots.txt: public pages, less those that ask to be left out."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from django.utils import timezone

from pages import models
from tests import factories

NAMESPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def sitemap(client) -> dict[str, str | None]:
    response = client.get("/sitemap.xml")
    assert response["Content-Type"] == "application/xml; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=300"
    assert not response.cookies
    urls = ET.fromstring(response.content).findall(  # noqa: S314 - our own
        "s:url", NAMESPACE
    )
    return {url.findtext("s:loc", "", NAMESPACE): url.findtext("s:lastmod", None, NAMESPACE) for url in urls}


def test_the_sitemap_lists_public_pages_with_their_last_major_update(home, client, settings):
    page = factories.page(models.StandardPage, home, slug="page")
    factories.draft(models.StandardPage, home, slug="draft")
    expired = factories.page(models.StandardPage, home, slug="expired")
    models.StandardPage.objects.filter(pk=expired.pk).update(expire_at=timezone.now() - timedelta(seconds=1))
    moment = factories.london(2026, 7, 1, 9)
    models.ContentPage.objects.update(public_updated_at=moment)
    assert sitemap(client) == {
        "http://testserver/": "2026-07-01T09:00:00+01:00",
        "http://testserver/page/": "2026-07-01T09:00:00+01:00",
    }
    settings.WEBSITE_URL = "https://www.example.org"
    page.unpublish()
    assert list(sitemap(client)) == ["https://www.example.org/"]


def test_a_notice_is_listed_only_by_choice(home, client, ask):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        review_documents=[
            models.ReviewDocument(kind="overview-report", state="published", document=factories.document())
        ],
    )
    path = f"/reviews/{notice.slug}/"
    query = f'{{ page(urlPath: "{path}") {{ noindex }} }}'
    document = notice.review_documents.get().document

    def seen():
        response = client.get(path)
        return (
            f"http://testserver{path}" in sitemap(client),
            ask(query)["page"]["noindex"],
            response.headers.get("X-Robots-Tag"),
            '<meta name="robots" content="noindex">' in response.content.decode(),
        )

    assert seen() == (False, True, "noindex", True)
    notice.listed_by_search_engines = True
    factories.publish(notice)
    assert seen() == (True, False, None, False)
    # Its files stay out of search engines and caches either way.
    response = client.get(document.url)
    assert (response["X-Robots-Tag"], response["Cache-Control"]) == ("noindex", "no-store")
    assert ask('{ page(urlPath: "/reviews/") { noindex } }') == {"page": {"noindex": False}}


def test_robots_are_kept_from_the_machinery_and_shown_the_sitemap(client, db):
    response = client.get("/robots.txt")
    assert response.content.decode().splitlines() == [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /graphql/",
        "Disallow: /graphiql/",
        "Disallow: /docs/",
        "",
        "Sitemap: http://testserver/sitemap.xml",
    ]
    assert response["Content-Type"] == "text/plain; charset=utf-8"
