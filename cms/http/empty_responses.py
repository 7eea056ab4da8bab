"""Takes the length off answers that have no body by nature (RFC 9110, section 8.6).

Django's CommonMiddleware gives every answer the length of its body. On a 304 that would be the length of what the
client has, and on a 204 nothing may stand there.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def without_length(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware; it stands before CommonMiddleware, so that it sees the answer after that."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code in (204, 304):
            response.headers.pop("Content-Length", None)
        return response

    return answer
