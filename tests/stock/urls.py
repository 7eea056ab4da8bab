"""The addresses of a Wagtail site with wagtail-grapple; uploads are served as a web server serves MEDIA_URL."""

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse
from django.urls import include, path
from grapple import urls as grapple_urls
from wagtail import urls as wagtail_urls
from wagtail.documents import urls as document_urls


def uploaded(request, name):
    """Stands for the web server or the bucket."""
    return FileResponse(default_storage.open(name))


urlpatterns = [
    path("api/", include(grapple_urls)),
    path("documents/", include(document_urls)),
    path(f"{settings.MEDIA_URL.strip('/')}/<path:name>", uploaded),
    path("", include(wagtail_urls)),
]
