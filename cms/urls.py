"""Every address of the site, in one list."""

from allauth.account import views as account
from allauth.socialaccount import views as single_sign_on
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path
from wagtail.admin import urls as wagtailadmin_urls

from cms.graphql.http.view import graphql
from cms.http import front_page
from documents.serving import views as files
from feeds import views as feed_views
from pages.confidential.lists_and_counts import offered_tags
from pages.confidential.permissions import PageTypesReport
from pages.content.choices import FeedFormat
from pages.editing import staff_calendar
from pages.web import search_engines
from pages.web import views as page_views

# The views of allauth that people sign in with. Its views to register, to change an e-mail address and to connect an
# identity are left out. The first three replace Wagtail's own at the same paths, so that there is one way to sign in.
signing_in = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("password_reset/", account.password_reset, name="account_reset_password"),
    path("password_reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password_reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password_reset/complete/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    path("login/again/", account.reauthenticate, name="account_reauthenticate"),
    path("login/cancelled/", single_sign_on.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/error/", single_sign_on.login_error, name="socialaccount_login_error"),
    path("login/", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/new/", account.password_set, name="account_set_password"),
    path("account/second-factor/", include("allauth.mfa.urls")),
]

# Where people and programs look for feeds first.
USUAL_FEED_ADDRESSES = {
    FeedFormat.RSS: ("feed", "feed/", "rss", "rss.xml", "feed.xml", "index.xml"),
    FeedFormat.ATOM: ("atom.xml",),
    FeedFormat.JSON: ("feed.json",),
    FeedFormat.ICALENDAR: ("calendar.ics",),
}


def not_offered(request: HttpRequest, **kwargs: object) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("", front_page.front_page, name="front_page"),
    path("admin/", include(signing_in)),
    # These replace Wagtail's views at the same addresses.
    path("admin/reports/page-types-usage/", PageTypesReport.as_view()),
    path("admin/reports/page-types-usage/results/", PageTypesReport.as_view(results_only=True)),
    path("admin/tag-autocomplete/", offered_tags),
    path("admin/tag-autocomplete/<slug:app_name>/<slug:model_name>/", offered_tags),
    # People act on pages in the screens only: those check more, and copy a page without the history of its original.
    # The admin's own scripts do not use this part of the admin's API.
    path("admin/api/main/pages/<int:pk>/action/<str:name>/", not_offered),
    # No screen leads to sizes of one's own, and only documents/inspection/pictures.py opens a picture.
    path("admin/images/<int:image_id>/generate_url/", not_offered),
    path("admin/images/<int:image_id>/generate_url/output/", not_offered),
    path("admin/images/<int:image_id>/preview/<str:filter_spec>/", not_offered),
    path("admin/", include(wagtailadmin_urls)),
    path("graphql/", graphql, name="graphql"),
    path("graphiql/", front_page.graphiql, name="graphiql"),
    path("feeds.opml", feed_views.all_feeds, name="all_feeds"),
    path("feeds/", include("feeds.urls")),
    *(
        path(address, feed_views.usual_address, {"kind": kind}, name="usual_feed_address")
        for kind, addresses in USUAL_FEED_ADDRESSES.items()
        for address in addresses
    ),
    # Addresses of pages can begin in the same way, but they end with a slash.
    path("meetings/<uuid:uuid>.ics", feed_views.meeting, name="meeting_calendar"),
    re_path(r"^deadlines/(?P<token>[\w\-]{22}\.[\w\-]+)\.ics$", staff_calendar.staff_calendar, name="staff_calendar"),
    path("docs/", front_page.documentation, name="documentation"),
    path("docs/screenshots/<slug:name>.png", front_page.screenshot, name="screenshot"),
    re_path(r"^docs/(?P<name>[\w-]+(?:/[\w-]+)*)/$", front_page.documentation, name="documentation"),
    path("sitemap.xml", search_engines.sitemap, name="sitemap"),
    path("robots.txt", search_engines.robots, name="robots"),
    path(".well-known/security.txt", front_page.security_txt, name="security_txt"),
    path("healthz", front_page.health, name="health"),
    re_path(r"^documents/(?P<key>[\w\-]{22})/(?P<filename>[^/\x00]+)$", files.document, name="document"),
    re_path(r"^images/(?P<key>[\w\-]{22})/(?P<name>[\w\-.]+)$", files.rendition, name="rendition"),
    path(f"{settings.MEDIA_URL.strip('/')}/<path:name>", files.stored_file, name="stored_file"),
    # Last: any other path may be that of a page. Wagtail looks the route up by this name.
    re_path(r"^((?:[\w\-]+/)*)$", page_views.page_at_path, name="wagtail_serve"),
]
