"""When sessions end: after a time without work in the admin, or at once for a person who has to go."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

RENEWED_AT = "renewed_at"
RENEWED_EVERY = 60  # seconds; saves a write for most requests
# What an open editor asks for by itself, every few seconds: nobody need be sitting there.
NOT_WORK = {"wagtailadmin_editing_sessions:ping", "wagtailadmin_editing_sessions:release"}


class IdleTimeMiddleware:
    """Renews the session at work in the admin. It ends SESSION_COOKIE_AGE after that (at most a minute less).

    Django could save it at every request, but then public addresses would read and set the cookie, too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if not request.path.startswith(reverse("wagtailadmin_home")) or (match and match.view_name in NOT_WORK):
            return
        if request.user.is_authenticated and time.time() - request.session.get(RENEWED_AT, 0) >= RENEWED_EVERY:
            request.session[RENEWED_AT] = int(time.time())


def end_sessions(user: User, but: str | None = None) -> int:
    """Sign somebody out everywhere, now, but for the session with the key `but`.

    Returns the number of sessions. Sessions that are over are left to expire.
    """
    ended = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=but or "").iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
            ended += 1
    return ended
