"""Keeps requests to public addresses anonymous and read-only."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

# Under these addresses people are signed in. Colleagues open the files of drafts here (documents/serving/views.py).
SIGNED_IN = ("/admin/", "/documents/", "/images/", settings.MEDIA_URL)
READING = ("GET", "HEAD", "OPTIONS")


class ReadersMiddleware:
    """Removes the cookies of requests to public addresses, and refuses methods that change something (405).

    Without cookies, no later middleware or view can read a session, or replace a broken cookie with a new one. GraphQL
    alone takes POST. Responses that shared caches may store set no cookie: a public file is the same for colleagues and
    readers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Wagtail sends the request of a preview through here again, with the page's address and the admin's cookies.
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
