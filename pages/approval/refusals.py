"""Shows users of the admin why an action was refused, instead of an error page."""

import logging
import re
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from wagtail.models import Site

from pages.confidential.permissions import hides_death_reviews
from pages.models.approvals import AlreadyDoneError, Approval, NotApprovedError

logger = logging.getLogger(__name__)
DUPLICATE = (
    "Nothing was saved, because somebody saved something with the same name or address at the same moment. Go back, "
    "check what was saved, and save again."
)
NOTICE_TITLE = re.compile(r"“?Death review DR-\w{4}”?")
STILL_USED = "It was not deleted, because something uses it. Remove it there first, or keep it."


def is_duplicate(exception: Exception) -> bool:
    """Whether a value was to be saved that somebody else has taken. Any other IntegrityError is a bug."""
    return isinstance(exception, IntegrityError) and "unique" in str(exception).lower()


def _message(exception: Exception) -> str | None:
    match exception:
        case NotApprovedError():
            return str(exception)
        case ValidationError():
            return " ".join(exception.messages)
        case ProtectedError() if any(isinstance(each, Approval) for each in exception.protected_objects):
            return (
                "The account was not deleted, because it approved content that is public now. End its access instead."
            )
        case ProtectedError() | RestrictedError():  # does not name what uses it: not everybody may see that
            return STILL_USED
        case IntegrityError() if is_duplicate(exception):  # saved by another request after this form was validated
            return DUPLICATE
    return None


class RefusalMiddleware:
    """Turns exceptions that refuse an action into a message and a redirect, or into JSON for scripts.

    The code that raises them runs in a transaction, so nothing is saved in part. The edit screens of pages and
    snippets are one transaction (pages/approval/edit_screens.py): if a decision is refused, the changes that were
    submitted with it are not saved either.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # The transaction may have put the path of a home page into Wagtail's cache before it was rolled back.
        Site.clear_site_root_paths_cache()
        in_the_admin = request.resolver_match is not None and request.path.startswith("/admin/")
        text = _message(exception)
        if text and hides_death_reviews():
            text = NOTICE_TITLE.sub("something that you may not see", text)
        if not in_the_admin or text is None:
            return None
        if text == DUPLICATE:
            logger.warning("A request to %s was refused: another request had saved the same value.", request.path)
        if request.headers.get("x-requested-with") == "XMLHttpRequest":
            return JsonResponse({"success": False, "error_code": "not_approved", "error_message": text}, status=403)
        add_message = messages.info if isinstance(exception, AlreadyDoneError) else messages.error
        add_message(request, text)
        back = request.headers.get("referer", "")
        safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if safe else "wagtailadmin_home")
