"""The current request and its user, for forms, widgets, lists and counts to which Wagtail does not pass the request."""

from collections.abc import Callable
from contextvars import ContextVar
from urllib.parse import urlsplit

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve

_request: ContextVar[HttpRequest | None] = ContextVar("the request that is being answered", default=None)


class CurrentRequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)


def current_user() -> User | AnonymousUser | None:
    """The user of the current request; None in commands."""
    request = _request.get()
    return request.user if request else None


def current_screen() -> ResolverMatch | None:
    """The screen that sent the current request, according to its Referer header; None if unknown."""
    request = _request.get()
    if request is None or not request.headers.get("Referer"):
        return None
    try:
        return resolve(urlsplit(request.headers["Referer"]).path)
    except (Resolver404, ValueError):
        return None


def current_admin_user() -> User | AnonymousUser | None:
    """The user of the current request if it is for the admin, else None."""
    request = _request.get()
    return request.user if request and request.path.startswith("/admin/") else None
