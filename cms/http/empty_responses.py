"""Removes Content-Length from responses that have no body by definition (RFC 9110, section 8.6).

Django's CommonMiddleware sets it to the length of the body, which is 0. On a 304 it would have to be the length of the
response that the client has, and a 204 must not have the header.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def without_length(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. It comes before CommonMiddleware, so that it sees the response after that has set the header."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code in (204, 304):
            response.headers.pop("Content-Length", None)
        return response

    return middleware
