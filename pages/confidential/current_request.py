"""Who asks: the person of the request that is being answered, for the forms, widgets, lists and counts of the admin,
which Wagtail does not give the request."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

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


def current_user() -> Any:
    """The user of the request that is being answered; None in commands."""
    request = _request.get()
    return request and request.user


def current_screen() -> ResolverMatch | None:
    """The screen in whose window the request was made, as the browser says, if it does."""
    request = _request.get()
    if request is None or not request.headers.get("Referer"):
        return None
    try:
        return resolve(urlsplit(request.headers["Referer"]).path)
    except (Resolver404, ValueError):
        return None


def current_admin_user() -> Any:
    """The same; None also where the request is not one of the admin's."""
    request = _request.get()
    return request.user if request and request.path.startswith("/admin/") else None
