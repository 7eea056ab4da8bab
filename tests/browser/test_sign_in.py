"""Signing in for the first time where a second factor is required, in Chromium, as somebody with an app does it."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from django.core.cache import cache
from playwright.sync_api import Page, expect

from tests.browser.chromium import shot
from tests.browser.conftest import PASSWORD


@pytest.fixture
def moderator(home, people, settings):
    settings.REQUIRE_MFA = True
    settings.MFA_TOTP_TOLERANCE = 1  # the half minute of a code may end before the browser has sent it
    return people["moderator"]


def code_of(secret: str) -> str:
    """What the app shows now."""
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))


def type_password(page: Page) -> None:
    page.locator("[name=login]").fill("moderator")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def set_up_the_app(page: Page) -> None:
    page.goto("/admin/")
    shot(page, "sign-in")
    type_password(page)
    expect(page.get_by_text("your account needs a second factor")).to_be_visible()
    shot(page, "second-factor")
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_alt_text("QR code with the key below")).to_be_visible()
    page.locator("[name=code]").fill(code_of(page.locator("dd code").inner_text()))
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/recovery-codes/")
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Awaiting your review")).to_be_visible()


def sign_in_again(page: Page, secret: str) -> None:
    page.goto("/admin/pages/")
    type_password(page)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    page.locator("[name=code]").first.fill("000000")
    shot(page, "code")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_contain_text("Incorrect code")
    page.locator("[name=code]").first.fill(code_of(secret))
    expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)  # there is none
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/pages/")


def test_a_moderator_sets_up_an_authenticator_app_and_signs_in_with_it(visit, moderator, home):
    visit(set_up_the_app)
    app = Authenticator.objects.get(user=moderator, type=Authenticator.Type.TOTP)
    cache.clear()  # a code counts once, and half a minute did not go by since the last
    visit.anonymously()
    visit(sign_in_again, decrypt(app.data["secret"]))
