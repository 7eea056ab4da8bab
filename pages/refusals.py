"""Tells somebody in the admin why what they tried was refused, in place of an error page."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from wagtail.models import Site

from pages.models.approvals import AlreadyDone, NotApproved


class RefusalMiddleware:
    """What was refused left its transaction, so nothing is half done: on the edit screens that is the whole request
    (pages/edit_screens.py), and what was typed with it is not saved either."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # What was rolled back may have left the path of a home page that nobody knows in Wagtail's cache.
        Site.clear_site_root_paths_cache()
        in_the_admin = request.resolver_match is not None and request.path.startswith("/admin/")
        if not in_the_admin or not isinstance(exception, NotApproved | ValidationError):
            return None
        text = " ".join(exception.messages) if isinstance(exception, ValidationError) else str(exception)
        if request.headers.get("x-requested-with") == "XMLHttpRequest":
            return JsonResponse({"success": False, "error_code": "not_approved", "error_message": text}, status=403)
        tell = messages.info if isinstance(exception, AlreadyDone) else messages.error
        tell(request, text)
        back = request.headers.get("referer", "")
        safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
        return redirect(back if safe else "wagtailadmin_home")
