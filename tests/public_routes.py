"""Every route outside the admin, with an address of each; a route that is added has to be added here."""

from uuid import UUID

from cms.urls import urlpatterns
from feeds.urls import urlpatterns as of_feeds

NOBODY = UUID("00000000-0000-4000-8000-000000000000")
KEY = "A" * 22
# Name of the route → an address. None of them needs anything but the home page.
EXAMPLES = {
    "front_page": "/",
    "graphql": "/graphql/?query={__typename}",
    "graphiql": "/graphiql/",
    "all_feeds": "/feeds.opml",
    "feeds": "/feeds/",
    "feed": "/feeds/news.atom",
    "calendar_with_cancelled": "/feeds/meetings-with-cancelled.ics",
    "usual_feed_address": "/rss.xml",
    "feed_page": "/feeds/news/",
    "meeting_calendar": f"/meetings/{NOBODY}.ics",
    "staff_calendar": f"/deadlines/{KEY}.AAAA.ics",
    "documentation": "/docs/",
    "screenshot": "/docs/screenshots/nothing.png",
    "sitemap": "/sitemap.xml",
    "robots": "/robots.txt",
    "security_txt": "/.well-known/security.txt",
    "health": "/healthz",
    "document": f"/documents/{KEY}/report.pdf",
    "rendition": f"/images/{KEY}/small.png",
    "stored_file": "/unserved/report.pdf",
    "wagtail_serve": "/nowhere/",
}


def names():
    """The names of all routes outside the admin."""
    return {route.name for route in [*urlpatterns, *of_feeds] if getattr(route, "name", None)}
