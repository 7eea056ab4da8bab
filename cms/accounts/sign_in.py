"""The classes with which this project changes django-allauth. The settings name them.

Nobody can register: administrators create the accounts, and single sign-on opens only accounts that exist.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from pages.editing import outbox


def active_accounts(email: str) -> list[User]:
    """The active accounts with this e-mail address, ignoring case.

    Python compares the addresses again: some databases treat different letters as equal, and the link to reset a
    password is sent to the address that was typed.
    """
    found = User.objects.filter(email__iexact=email, is_active=True)
    return [user for user in found if user.email.lower() == email.lower()]


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in the e-mail. It uses CMS_URL: a stranger can choose the Host header of the request."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.CMS_URL + path.replace("UID-KEY", quote(key))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if email:
            super().send_mail(template_prefix, email, context)
        else:
            outbox.put([self.render_mail(template_prefix, email, context)])


class ResetPasswordForm(AllauthResetPasswordForm):
    """E-mails a link to each active account with the address.

    If there is none, the response and the time that it takes are the same: an e-mail without a recipient is written to
    the outbox, and is never sent.
    """

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.users = active_accounts(email)
        return email

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        if not self.users:
            self.users = [User(pk=0)]
            self.cleaned_data["email"] = ""
        return str(super().save(request, **kwargs))


@contextmanager
def _refuse_malformed_credential() -> Iterator[None]:
    """Turn the exceptions that allauth and fido2 raise for malformed credentials into ValidationError."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValidationError("The passkey was not accepted. Try again.") from error


class AddPasskeyForm(AddWebAuthnForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        passwordless = self.fields["passwordless"]
        passwordless.label, passwordless.initial = "It can sign me in by itself, without my password", True
        passwordless.help_text = "Clear this only for a security key that asks for no PIN, fingerprint or face."

    def clean(self) -> dict[str, Any]:
        with _refuse_malformed_credential():
            return super().clean()


class _UsePasskey:
    def clean_credential(self) -> Authenticator:
        with _refuse_malformed_credential():
            return super().clean_credential()  # type: ignore[misc]


class PasskeyLoginForm(_UsePasskey, LoginWebAuthnForm):
    pass


class PasskeyForm(_UsePasskey, AuthenticateWebAuthnForm):
    pass


class ConfirmByPasskeyForm(_UsePasskey, ReauthenticateWebAuthnForm):
    pass


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on opens the one active account with an e-mail address that the identity provider has verified."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        for address in sociallogin.email_addresses:
            # Some providers send the text "false".
            if address.verified is True and len(users := active_accounts(address.email)) == 1:
                return users[0], address.email
        return None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse to connect another identity to an account that is signed in."""
        if sociallogin.state.get("process") == "connect":
            raise ImmediateHttpResponse(redirect("account_login"))


class MFAAdapter(DefaultMFAAdapter):
    """Encrypts the secrets of authenticator apps and recovery codes with a key derived from SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError if SECRET_KEY has changed. The second factor must then be set up again."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            raise ValidationError("This second factor no longer works. Ask an administrator to reset it.") from None

    def get_totp_issuer(self) -> str:
        return settings.WAGTAIL_SITE_NAME

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's name
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"


def _cipher() -> Fernet:
    key = hashlib.sha256(b"second factors:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
