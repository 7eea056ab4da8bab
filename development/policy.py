"""Lets django-debug-toolbar run on the public pages, whose Content-Security-Policy forbids scripts."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

NEEDED = ("script-src", "connect-src")


def allow_toolbar(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that adds the directives of the toolbar to the policy of each HTML page, unless they are there."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = response.get("Content-Security-Policy")
        if policy and response.get("Content-Type", "").startswith("text/html"):
            added = [f"{name} 'self'" for name in NEEDED if name not in policy]
            response["Content-Security-Policy"] = "; ".join([policy, *added])
        return response

    return middleware
