"""The addresses of the feeds, below /feeds/."""

from django.urls import path

from feeds import views

urlpatterns = [path("<slug:name>.<slug:kind>", views.feed, name="feed")]
