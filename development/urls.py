"""The addresses of the project, and those of django-debug-toolbar."""

from debug_toolbar.toolbar import debug_toolbar_urls

from cms.urls import urlpatterns as addresses

urlpatterns = [*debug_toolbar_urls(), *addresses]
