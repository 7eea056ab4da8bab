"""Ends sessions: after a time without work in the admin, or at once for one person."""

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

RENEWED_AT = "renewed_at"
RENEWED_EVERY = 60  # seconds; most requests then write no session
# The requests that an open editor sends by itself every few seconds, even if nobody is there.
NOT_WORK = {"wagtailadmin_editing_sessions:ping", "wagtailadmin_editing_sessions:release"}


class IdleTimeMiddleware:
    """Renews the session when somebody works in the admin. It ends SESSION_COOKIE_AGE later, or up to a minute earlier.

    Django's SESSION_SAVE_EVERY_REQUEST would set the cookie at public addresses, too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> None:
        match = request.resolver_match
        if not request.path.startswith(reverse("wagtailadmin_home")) or (match and match.view_name in NOT_WORK):
            return
        if request.user.is_authenticated and time.time() - request.session.get(RENEWED_AT, 0) >= RENEWED_EVERY:
            request.session[RENEWED_AT] = int(time.time())


def end_sessions(user: User, but: str | None = None) -> int:
    """End all sessions of a user, except the session with the key `but`. Returns how many.

    Expired sessions are neither counted nor deleted.
    """
    ended = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=but or "").iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
            ended += 1
    return ended
