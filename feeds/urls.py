"""The addresses of the feeds, below /feeds/."""

from django.urls import path

from feeds import views

# A name may have parts, as in topics/burglary.
urlpatterns = [path("<path:name>.<slug:kind>", views.feed, name="feed")]
