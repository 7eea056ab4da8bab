"""A passkey from beginning to end, in Chromium with a virtual authenticator (WebAuthn's automation, W3C WebAuthn § 11)."""

import pytest
from allauth.mfa.models import Authenticator

from tests.browser.conftest import PASSWORD

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def moderator(home, people, settings):
    settings.REQUIRE_MFA = True
    return people["moderator"]


def type_password(page):
    page.fill("[name=login]", "moderator")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


def sign_out(page, url):
    page.goto(f"{url}/admin/logout/")
    page.click("main button")
    page.wait_for_url("**/admin/login/")


def test_a_passkey_is_added_and_opens_the_admin_with_and_without_the_password(visit, moderator):
    visit(use_a_passkey, visit.url)
    kinds = sorted(Authenticator.objects.filter(user=moderator).values_list("type", flat=True))
    assert kinds == ["recovery_codes", "webauthn"]


def use_a_passkey(page, url):
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    page.goto(f"{url}/admin/")
    type_password(page)
    page.wait_for_url("**/admin/account/second-factor/")
    page.click("text=Add a passkey")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/webauthn/add/")
    assert page.is_checked("[name=passwordless]")
    page.fill("[name=name]", "Work laptop")
    page.click("text=Add the passkey")
    page.wait_for_url("**/recovery-codes/")
    page.goto(f"{url}/admin/account/second-factor/webauthn/")
    assert "Work laptop" in page.inner_text("main")
    page.goto(f"{url}/admin/")
    assert page.url == f"{url}/admin/"

    sign_out(page, url)
    type_password(page)
    page.wait_for_url("**/authenticate/")
    page.click("#mfa_webauthn_authenticate")
    page.wait_for_url(f"{url}/admin/")

    sign_out(page, url)
    page.click("text=Sign in with a passkey")
    page.wait_for_url(f"{url}/admin/")

    sign_out(page, url)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("#passkey-problem", state="visible")
    page.goto(f"{url}/admin/")
    assert page.url == f"{url}/admin/login/?next=/admin/"


def test_without_a_script_nothing_is_offered_that_does_not_work(visit, moderator):
    visit.anonymously(java_script_enabled=False)
    visit(do_without_a_script)
    assert not Authenticator.objects.exists()


def do_without_a_script(plain):
    plain.goto("/admin/login/")
    assert plain.is_visible("text=Sign in with a passkey") is False
    type_password(plain)
    plain.wait_for_url("**/admin/account/second-factor/")
    plain.click("text=Set up an authenticator app")
    plain.fill("[name=password]", PASSWORD)
    plain.press("[name=password]", "Enter")
    plain.wait_for_selector("img.qr", state="visible")
