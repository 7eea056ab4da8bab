"""Decides who needs a second factor, and keeps them out of the admin until they have one.

A password alone must not be enough to publish, to read about a death review, or to create accounts.
"""

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from cms.accounts.sessions import end_sessions
from pages.approval.workflow import may_publish

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes are only an addition to these
# Permissions with which people can give themselves the permission to publish.
OVER_OTHERS = [
    *(f"auth.{action}_{what}" for what in ("user", "group") for action in ("add", "change")),
    *(f"wagtailcore.{action}_{what}" for what in ("workflow", "task", "site") for action in ("add", "change")),
]
SECOND_FACTOR_RESET = "cms.second_factor_reset"
WHY = "You can publish or handle restricted content, so your account needs a second factor. Set one up to go on."
# The views that people without their second factor can use: signing in and out, passwords, and setting it up.
OPEN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "openid_connect_login",
    "openid_connect_callback",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "mfa_index",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_login_webauthn",
    "mfa_reauthenticate_webauthn",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "wagtailadmin_javascript_catalog",
    "wagtailadmin_sprite",
}


def needs_second_factor(user: User | AnonymousUser) -> bool:
    """Whether the permissions of the account require a second factor."""
    return may_publish(user) or any(user.has_perm(permission) for permission in OVER_OTHERS)


def lacks_second_factor(request: HttpRequest, user: User | AnonymousUser) -> bool:
    """Whether the user is signed in, needs a second factor and has none."""
    return (
        settings.REQUIRE_MFA
        and user.is_authenticated
        and needs_second_factor(user)
        and not is_mfa_enabled(user, SECOND_FACTORS)
        and not (settings.OIDC_COUNTS_AS_MFA and _used_single_sign_on(request, user))
    )


def end_other_sessions(
    sender: type[Authenticator], request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: object
) -> None:
    """Receiver of `authenticator_added`: sign out anybody who used the password before there was a second factor."""
    if authenticator.type in SECOND_FACTORS:
        end_sessions(user, but=request.session.session_key)


def _used_single_sign_on(request: HttpRequest, user: User | AnonymousUser) -> bool:
    return any(record["method"] == "socialaccount" for record in get_authentication_records(request, user))


class SecondFactorMiddleware:
    """In the admin, redirects people without their second factor to its set-up; elsewhere it treats them as anonymous.

    Outside the admin the session is read only if the view uses `request.user`.
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
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if match is not None and match.view_name in OPEN:
            return None
        user = request.user
        if not request.path.startswith(reverse("wagtailadmin_home")):
            request.user = SimpleLazyObject(  # type: ignore[assignment]
                lambda: AnonymousUser() if lacks_second_factor(request, user) else user
            )
            return None
        if not lacks_second_factor(request, user):
            return None
        if request.method not in ("GET", "HEAD") or request.headers.get("X-Requested-With") == "XMLHttpRequest":
            return HttpResponseForbidden(WHY, content_type="text/plain; charset=utf-8")
        messages.warning(request, WHY)
        return redirect("mfa_index")
