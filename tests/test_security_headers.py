"""What browsers may do with each answer, at every address and for every kind of answer."""

import ast
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
import time_machine
import wagtail
from django.conf import settings as project
from django.contrib.auth.models import User
from django.urls import reverse
from wagtail.admin import widgets
from wagtail.admin.widgets import AdminPageChooser

from cms.http import security_headers
from tests import factories
from tests.public_routes import EXAMPLES, names

pytestmark = pytest.mark.one_database

ROOT, WAGTAIL = Path(project.BASE_DIR), Path(wagtail.__file__).parent
PERMISSIONS = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
    "microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=(), clipboard-write=(self), "
    "fullscreen=(self), publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
PAGE = (
    "default-src 'none'; style-src 'self' http://testserver; img-src 'self' http://testserver; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
FEED_PAGE = PAGE.replace("base-uri", "script-src 'self' http://testserver; base-uri")
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
GRAPHIQL = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
ADMIN = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# Pages for people; all else is for programs, or not there.
POLICIES = {
    "front_page": PAGE,
    "graphiql": GRAPHIQL,
    "feeds": FEED_PAGE,
    "feed_page": FEED_PAGE,
    "documentation": PAGE,
    "wagtail_serve": PAGE,
    # Django's own page that says that nothing is there
    "screenshot": PAGE,
    "staff_calendar": PAGE,
    "security_txt": PAGE,
    "document": PAGE,
    "rendition": PAGE,
    "stored_file": PAGE,
}


def carried(answer):
    """The headers of an answer that say what browsers may do with it."""
    wanted = ("Content-Security-Policy", "Permissions-Policy", "X-Content-Type-Options", "Referrer-Policy",
              "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "X-Frame-Options")  # fmt: skip
    return {name: answer.headers.get(name) for name in wanted}


def headers(policy, resource="same-origin", frame="SAMEORIGIN"):
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": PERMISSIONS,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": resource,
        "X-Frame-Options": frame,
    }


def test_every_public_route_is_looked_at():
    assert names() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_public_route(client, home, name):
    answer = client.get(EXAMPLES[name])
    policy = POLICIES.get(name, NOTHING)
    assert carried(answer) == headers(policy, "same-origin" if name in POLICIES else "cross-origin")


def test_files_keep_their_own_policy(client, home):
    document = factories.document()
    factories.page(factories.models.StandardPage, home, body=[("document", document)])
    answer = client.get(document.url)
    assert answer.status_code == 200
    assert carried(answer) == headers(FILE, "cross-origin")


def test_refusals_and_faults(client, home, monkeypatch):
    client.raise_request_exception = False
    refused = client.post("/feeds/")
    assert (refused.status_code, carried(refused)) == (405, headers(FEED_PAGE, frame=None))
    strange = client.get("/", headers={"host": "elsewhere.example"})
    assert strange.status_code == 400
    assert carried(strange) == headers(PAGE, frame=carried(strange)["X-Frame-Options"])
    monkeypatch.setattr("cms.http.front_page.cache", None)
    broken = client.get("/healthz")
    assert (broken.status_code, carried(broken)) == (500, headers(PAGE))
    nowhere = client.get("/no.such.address")
    assert (nowhere.status_code, carried(nowhere)) == (404, headers(PAGE))


def test_redirects(client, home, settings):
    settings.SECURE_SSL_REDIRECT = True
    to_https = client.get("/")
    assert to_https.status_code == 301
    assert carried(to_https) == headers(PAGE, frame=None)


@pytest.mark.parametrize(
    "name", ["account_login", "account_reset_password", "account_reset_password_done", "account_inactive"]
)
def test_pages_for_signing_in(client, home, name):
    answer = client.get(reverse(name))
    assert (answer.status_code, answer["Cache-Control"].count("no-store")) == (200, 1)
    assert carried(answer) == headers(ADMIN, frame=answer["X-Frame-Options"])


def test_what_holds_a_token_is_kept_by_nobody(client, home):
    for address in ("/admin/password_reset/1-abc-def/", "/admin/password_reset/1-set-password/"):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_the_admin(client, home):
    client.force_login(User.objects.create_superuser("root", password="x"))
    for address in ("/admin/", reverse("wagtailadmin_pages:edit", args=[home.pk]), "/admin/nowhere/"):
        answer = client.get(address)
        assert carried(answer) == headers(ADMIN)
        assert "no-store" in answer["Cache-Control"]


def test_previews_on_the_website_and_single_sign_on_are_let_through(settings):
    settings.WEBSITE_PREVIEW_URL = "https://www.example.org/preview?x=1"
    settings.OIDC_SERVER_URL = "https://id.example.org"
    assert security_headers.of_admin("/admin/") == ADMIN.replace(
        "frame-src 'self'", "frame-src 'self' https://www.example.org"
    )
    assert "; form-action *;" in security_headers.of_admin("/admin/login/")


@pytest.mark.parametrize(
    ("endpoint", "region", "origin"),
    [
        ("https://storage.example.org:9000", "", "https://storage.example.org:9000"),
        ("", "eu-west-2", "https://csp-files.s3.amazonaws.com"),
    ],
)
def test_pictures_that_the_storage_sends_are_shown(endpoint, region, origin, db, client, settings):
    picture = factories.image()
    client.force_login(User.objects.create_superuser("root", password="x"))
    address = picture.get_rendition("max-165x165").url
    keys = {"access_key": "a", "secret_key": "b", "region_name": region or None, "endpoint_url": endpoint or None}
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "csp-files", **keys}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    settings.FILE_DELIVERY = "signed-redirect"
    assert client.get(address)["Location"].startswith(f"{origin}/")
    assert security_headers.of_admin("/admin/") == ADMIN.replace("data: blob:", f"data: blob: {origin}")
    assert security_headers.of_pages() == PAGE.replace("; base-uri", f" {origin}; base-uri")


# --- No script in a page -------------------------------------------------------------------------------------


def test_the_scripts_that_wagtail_writes_into_pages_are_known():
    """Those of `cms/admin/widgets.py`, and those of parts that are not used here."""
    script = re.compile(r"<script(?![^>]*(?:\bsrc=|json))[^>]*>")
    found = {
        str(path.relative_to(WAGTAIL))
        for pattern in ("*.html", "*.py")
        for path in WAGTAIL.rglob(pattern)
        if "tests" not in path.parts and "test" not in path.parts and script.search(path.read_text())
    }
    assert found == {
        "admin/widgets/chooser.py",
        "admin/templates/wagtailadmin/panels/inline_panel.html",
        "admin/templates/wagtailadmin/widgets/date_input.html",
        "admin/templates/wagtailadmin/widgets/datetime_input.html",
        "admin/templates/wagtailadmin/widgets/time_input.html",
        "admin/templates/wagtailadmin/panels/multiple_chooser_panel.html",  # no model uses it
        "admin/rich_text/converters/db_html.py",  # a comment
        "contrib/search_promotions/templates/wagtailsearchpromotions/add.html",  # not installed
        "contrib/search_promotions/templates/wagtailsearchpromotions/edit.html",
    }
    ours = [
        path.read_text() for folder in ("cms", "pages", "documents", "feeds") for path in (ROOT / folder).rglob("*.py")
    ]
    assert not any("MultipleChooserPanel" in text for text in ours)
    assert "wagtail.contrib.search_promotions" not in project.INSTALLED_APPS


def test_a_chooser_is_started_from_attributes(home):
    html = AdminPageChooser().render("page", None, {"id": 'id"<page>'})
    assert "<script" not in html
    name, arguments = re.search(r'data-widget="(\w+)" data-arguments="([^"]*)"></span>$', html).groups()
    assert name == "PageChooser"
    called = json.loads(unescape(arguments))
    assert called[0] == 'id"<page>'
    assert called[1]["modelNames"] == ["wagtailcore.page"]


@pytest.mark.parametrize("kind", ["Date", "DateTime", "Time"])
def test_a_date_is_started_from_attributes(kind):
    html = getattr(widgets, f"Admin{kind}Input")().render("when", None, {"id": "id_when"})
    assert "<script" not in html
    name, arguments = re.search(r'data-widget="(\w+)" data-arguments="([^"]*)"></span>$', html.strip()).groups()
    called = json.loads(unescape(arguments))
    assert (name, called[0]) == (f"init{kind}Chooser", "id_when")
    assert called[1].keys() >= {"format" if kind == "Date" else "formatTime"}


def test_no_page_of_ours_holds_a_script_or_a_style():
    held = re.compile(r"<script(?![^>]*(?:\bsrc=|json))|<style|\sstyle=|\son[a-z]+=\"|javascript:")
    templates = [path for folder in ("cms", "pages", "documents", "feeds") for path in (ROOT / folder).rglob("*.html")]
    assert len(templates) > 50
    assert [str(path) for path in templates if held.search(path.read_text())] == []


def test_policies_are_written_in_two_places():
    named = {
        str(path.relative_to(ROOT))
        for folder in ("cms", "pages", "documents", "feeds")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "default-src" in node.value
    }
    assert named == {"cms/http/security_headers.py", "documents/serving/delivery.py"}


# --- /.well-known/security.txt -------------------------------------------------------------------------------


def test_whom_to_tell_of_a_weakness(client, db, settings):
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = ["mailto:security@example.org", "https://example.org/report"]
    settings.SECURITY_EXPIRES = datetime(2027, 6, 30, 12, tzinfo=UTC)
    with time_machine.travel("2027-06-30T11:59:59+00:00", tick=False) as clock:
        answer = client.get("/.well-known/security.txt")
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert answer.content.decode() == (
            "Contact: mailto:security@example.org\n"
            "Contact: https://example.org/report\n"
            "Expires: 2027-06-30T12:00:00+00:00\n"
            "Preferred-Languages: en\n"
            "Canonical: http://testserver/.well-known/security.txt\n"
        )
        clock.shift(1)
        assert client.get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize(
    ("contact", "expires", "told"),
    [
        ("security@example.org", "2027-06-30T12:00:00Z", "SECURITY_CONTACT: must be addresses such as"),
        ("http://example.org/", "2027-06-30T12:00:00Z", "SECURITY_CONTACT: must be addresses such as"),
        ("mailto:a@example.org\nExpires: x", "2027-06-30T12:00:00Z", "SECURITY_CONTACT: must be addresses such as"),
        ("mailto:a@example.org", "next year", "SECURITY_EXPIRES: "),
        ("mailto:a@example.org", "2027-06-30T12:00:00", "SECURITY_EXPIRES: must say its time zone"),
        ("mailto:a@example.org", "", "SECURITY_EXPIRES: and SECURITY_CONTACT go together"),
        ("", "2027-06-30T12:00:00Z", "SECURITY_EXPIRES: and SECURITY_CONTACT go together"),
    ],
)
def test_a_contact_that_cannot_be_used_stops_the_start(contact, expires, told):
    values = {"SECURITY_CONTACT": contact, "SECURITY_EXPIRES": expires}
    started = subprocess.run(
        [sys.executable, "-c", "import cms.settings"],
        env={**os.environ, **{name: value for name, value in values.items() if value}},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert f"Environment variable {told}" in started.stderr


@pytest.mark.parametrize(
    "name", ["document", "rendition", "stored_file", "meeting_calendar", "wagtail_serve", "screenshot"]
)
def test_a_cache_does_not_keep_the_answer_that_there_is_nothing(home, client, name):
    """A cache with a lifetime of its own would give it after a publication."""
    answer = client.get(EXAMPLES[name])
    assert (answer.status_code, answer.headers.get("Cache-Control")) == (404, "no-cache")


def test_a_cache_does_not_keep_the_answer_that_there_is_no_feed(home, client):
    answer = client.get("/feeds/nothing.atom")
    assert (answer.status_code, answer.headers.get("Cache-Control")) == (404, "no-cache")
