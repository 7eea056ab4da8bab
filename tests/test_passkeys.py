"""A passkey from beginning to end, in Chromium with a virtual authenticator (WebAuthn's automation, W3C WebAuthn § 11)."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
def moderator(home, settings):
    settings.REQUIRE_MFA = True
    user = User.objects.create_user("moderator", "moderator@example.org", PASSWORD)
    user.groups.add(Group.objects.get(name="Moderators"))
    return user


def type_password(page):
    page.fill("[name=login]", "moderator")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


def sign_out(page, url):
    page.goto(f"{url}/admin/logout/")
    page.click("main button")
    page.wait_for_url("**/admin/login/")


class Handler(WSGIRequestHandler):
    timeout = 0.5  # seconds; browsers open connections that they may never use

    def log_message(self, *args):
        pass


def in_browser(work):
    """Run work(page, url) with a browser in another thread, while this one, which has the database, answers it."""

    def run():
        with playwright.sync_playwright() as browsers:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = browsers.chromium.launch(executable_path=CHROMIUM, args=arguments)
            work(browser.new_page(), f"http://localhost:{server.server_port}")
            browser.close()

    with WSGIServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as pool:
        server.set_app(StaticFilesHandler(get_wsgi_application()))
        server.timeout = 0.05
        future = pool.submit(run)
        while not future.done():
            server.handle_request()
    return future.result()


def test_a_passkey_is_added_and_opens_the_admin_with_and_without_the_password(moderator):
    in_browser(use_a_passkey)
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


def test_without_a_script_nothing_is_offered_that_does_not_work(moderator):
    in_browser(do_without_a_script)
    assert not Authenticator.objects.exists()


def do_without_a_script(page, url):
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{url}/admin/login/")
    assert plain.is_visible("text=Sign in with a passkey") is False
    type_password(plain)
    plain.wait_for_url("**/admin/account/second-factor/")
    plain.click("text=Set up an authenticator app")
    plain.fill("[name=password]", PASSWORD)
    plain.press("[name=password]", "Enter")
    plain.wait_for_selector("img.qr", state="visible")
