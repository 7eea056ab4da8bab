"""Serves `sitemap.xml` and `robots.txt`."""

from xml.etree import ElementTree as ET

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from pages.content import addresses
from pages.models import ContentPage
from pages.models.base import page_types
from pages.visibility.rule import public

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MAX_URLS = 50_000  # in one sitemap (sitemaps.org protocol); the partnership has some hundreds
CACHE_CONTROL = "public, max-age=300"
DISALLOWED = ["/admin/", "/graphql/", "/graphiql/", "/docs/"]


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The public pages, with the time of their last major update, without those marked `noindex`."""
    as_of = timezone.now()
    listed = ContentPage.objects.all()
    for model in page_types():
        listed = listed.exclude(pk__in=model.noindex_pages().values("pk"))
    rows = public(listed, as_of).order_by("path").values_list("url_path", "public_updated_at")
    urls = ET.Element("urlset", xmlns=NAMESPACE)
    for tree_path, updated_at in rows[:MAX_URLS]:
        url = ET.SubElement(urls, "url")
        ET.SubElement(url, "loc").text = addresses.website(addresses.site_path(tree_path))
        if updated_at:
            ET.SubElement(url, "lastmod").text = timezone.localtime(updated_at).isoformat()
    body = ET.tostring(urls, encoding="utf-8", xml_declaration=True)
    return HttpResponse(body, content_type="application/xml; charset=utf-8", headers={"Cache-Control": CACHE_CONTROL})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Keeps crawlers away from the admin, the API and the documentation, and names the sitemap."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in DISALLOWED),
        "",
        f"Sitemap: {settings.CMS_URL}/sitemap.xml",
        "",
    ]
    return HttpResponse(
        "\n".join(lines), content_type="text/plain; charset=utf-8", headers={"Cache-Control": CACHE_CONTROL}
    )
