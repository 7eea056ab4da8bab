"""The addresses of the feeds, below /feeds/."""

from django.urls import path

from feeds import views, web_pages

# A name may contain slashes, as in topics/burglary.
urlpatterns = [
    path("", web_pages.index, name="feeds"),
    path("<path:name>-with-cancelled.ics", views.calendar_with_cancelled, name="calendar_with_cancelled"),
    path("<path:name>.<slug:kind>", views.feed, name="feed"),
    path("<path:name>/", web_pages.one, name="feed_page"),
]
