"""What a request of a reader can do: ask. It carries no identity, and changes nothing."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

# Here people are signed in. Files are among them because colleagues open those of drafts (documents/serving/views.py).
SIGNED_IN = ("/admin/", "/documents/", "/images/", settings.MEDIA_URL)
READING = ("GET", "HEAD", "OPTIONS")


class ReadersMiddleware:
    """First of all: drops the cookies of requests to public addresses, so that nothing behind it reads one, or answers
    a broken one with another; and allows nothing but reading there, save for the queries of GraphQL.

    A public file is the same for colleagues and readers, so its answer, which caches may give to everybody, sets no
    cookie either.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Wagtail's previews go through here once more, with the address of the page and the cookies of the admin.
        is_preview = getattr(request, "is_dummy", False)
        if not is_preview and not request.path_info.startswith(SIGNED_IN):
            request.META.pop("HTTP_COOKIE", None)
            if request.method not in READING and request.path_info != "/graphql/":
                return HttpResponseNotAllowed(READING[:2])
        response = self.get_response(request)
        if response.get("Cache-Control", "").startswith("public"):
            response.cookies.clear()
            if response.get("Vary") == "Cookie":
                del response["Vary"]
        return response
