"""Tells somebody in the admin why what they tried was refused, in place of an error page."""

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
AT_ONCE = (
    "Nothing was saved: somebody saved something with the same name or address at the same moment. Go back, look "
    "at what there is now, and save again."
)
NAME_OF_A_NOTICE = re.compile(r"“?Death review DR-\w{4}”?")
STILL_USED = "It was not deleted, because something uses it. Take it off there, or leave it as it is."


def _in_words(exception: Exception) -> str | None:
    match exception:
        case NotApprovedError():
            return str(exception)
        case ValidationError():
            return " ".join(exception.messages)
        case ProtectedError() if any(isinstance(each, Approval) for each in exception.protected_objects):
            return "It was not deleted: somebody approved with this account what readers see. End its access instead."
        case ProtectedError() | RestrictedError():  # what uses it may not be for everybody to know
            return STILL_USED
        # The form was looked at before somebody else's was saved. What else breaks a rule of the database is a fault.
        case IntegrityError() if "unique" in str(exception).lower():
            return AT_ONCE
    return None


class RefusalMiddleware:
    """What refuses does it in a transaction, so nothing is half done. A screen of a page or of shared text is one
    transaction (pages/approval/edit_screens.py): what was typed there with a refused decision is not kept either."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # What was rolled back may have left the path of a home page that nobody knows in Wagtail's cache.
        Site.clear_site_root_paths_cache()
        in_the_admin = request.resolver_match is not None and request.path.startswith("/admin/")
        text = _in_words(exception)
        if text and hides_death_reviews():  # somebody may be at work on what has to do with a notice
            text = NAME_OF_A_NOTICE.sub("something that you may not see", text)
        if not in_the_admin or text is None:
            return None
        if text == AT_ONCE:
            logger.warning("The database refused what was sent to %s, because a colleague was quicker.", request.path)
        if request.headers.get("x-requested-with") == "XMLHttpRequest":
            return JsonResponse({"success": False, "error_code": "not_approved", "error_message": text}, status=403)
        tell = messages.info if isinstance(exception, AlreadyDoneError) else messages.error
        tell(request, text)
        back = request.headers.get("referer", "")
        safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if safe else "wagtailadmin_home")
