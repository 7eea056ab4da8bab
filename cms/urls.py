"""Every public address, in one list."""

from django.conf import settings
from django.urls import include, path, re_path
from wagtail.admin import urls as wagtailadmin_urls

from cms import front_page
from cms.graphql.view import graphql
from documents import views as files
from pages import page_views, search_engines, staff_calendar

urlpatterns = [
    path("", front_page.front_page, name="front_page"),
    path("admin/", include(wagtailadmin_urls)),
    path("graphql/", graphql, name="graphql"),
    path("graphiql/", front_page.graphiql, name="graphiql"),
    path("feeds/", include("feeds.urls")),
    re_path(r"^deadlines/(?P<token>[\w\-]{22}\.[\w\-]+)\.ics$", staff_calendar.staff_calendar, name="staff_calendar"),
    path("docs/", front_page.documentation, name="documentation"),
    path("docs/<slug:name>/", front_page.documentation, name="documentation"),
    path("sitemap.xml", search_engines.sitemap, name="sitemap"),
    path("robots.txt", search_engines.robots, name="robots"),
    path("healthz", front_page.health, name="health"),
    re_path(r"^documents/(?P<key>[\w\-]{22})/(?P<filename>[^/\x00]+)$", files.document, name="document"),
    re_path(r"^images/(?P<key>[\w\-]{22})/(?P<name>[\w\-.]+)$", files.rendition, name="rendition"),
    path(f"{settings.MEDIA_URL.strip('/')}/<path:name>", files.stored_file, name="stored_file"),
    # Last: whatever is left may be the path of a page. Wagtail knows the route by this name.
    re_path(r"^((?:[\w\-]+/)*)$", page_views.page_at_path, name="wagtail_serve"),
]
