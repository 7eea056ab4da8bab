"""Signing in as people do it: password, second factor, resets, throttling, idle sessions, and what stays neutral."""

import re
import time
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from wagtail.models import Page

from pages import models
from pages.approval.workflow import set_up_death_reviews
from tests import factories

pytestmark = pytest.mark.one_database

PASSWORD = "correct horse battery"
LOGIN = "/admin/login/"
SECOND_FACTOR = "/admin/account/second-factor/"


@pytest.fixture
def person(home):
    """Makes an account: person("name", "Moderators")."""

    def make(name, *groups, **fields):
        user = User.objects.create_user(name, fields.pop("email", f"{name}@example.org"), PASSWORD, **fields)
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return make


@pytest.fixture
def mfa_required(settings):
    settings.REQUIRE_MFA = True


def sign_in(client, name, password=PASSWORD, **more):
    return client.post(LOGIN, {"login": name, "password": password, **more})


def signed_in(client):
    return "_auth_user_id" in client.session


def code_for(secret, at=None):
    return totp.format_hotp_value(totp.hotp_value(secret, int(at or time.time()) // 30))


def with_totp(user):
    """Give the account an authenticator app and recovery codes. Returns the app's secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


# --- One way in ---


def test_the_admin_leads_to_the_one_sign_in_page(home, client, person):
    person("editor", "Editors")
    asked = client.get("/admin/pages/")
    assert (asked.status_code, asked["Location"]) == (302, "/admin/login/?next=/admin/pages/")
    page = client.get(asked["Location"])
    assert page.status_code == 200
    assert page.templates[0].name == "account/login.html"
    assert reverse("wagtailadmin_login") == reverse("account_login") == LOGIN
    entered = sign_in(client, "editor", next="/admin/pages/")
    assert (entered.status_code, entered["Location"]) == (302, "/admin/pages/")
    assert client.get("/admin/pages/").status_code == 200
    left = client.post("/admin/logout/")
    assert (left.status_code, left["Location"]) == (302, LOGIN)
    assert client.get("/admin/").status_code == 302


def test_signing_in_leads_to_no_other_site(client, person):
    person("editor", "Editors")
    entered = sign_in(client, "editor", next="https://evil.example.net/")
    assert entered["Location"] == "/admin/"


def test_a_link_signs_nobody_out(client, person):
    person("editor", "Editors")
    sign_in(client, "editor")
    assert client.get("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/signup/",
        "/admin/login/signup/",
        "/admin/login/code/",
        "/admin/account/email/",
        "/admin/login/3rdparty/",
        "/admin/password_reset/confirm/MQ/set-password/",
    ],
)
def test_nobody_registers_or_takes_another_way(client, person, path):
    person("editor", "Editors")
    sign_in(client, "editor")
    assert client.get(path).status_code == 404
    assert client.post(path, {"email": "new@example.org", "username": "new"}).status_code == 404
    assert list(User.objects.values_list("username", flat=True)) == ["editor"]


def test_people_do_not_change_their_own_address(client, person):
    user = person("editor", "Editors", first_name="A", last_name="B")
    sign_in(client, "editor")
    page = client.get("/admin/account/").content.decode()
    assert "name_email-first_name" in page
    assert "name_email-email" not in page
    client.post("/admin/account/", {"name_email-first_name": "A", "name_email-email": "moderator@example.org"})
    user.refresh_from_db()
    assert user.email == "editor@example.org"


def test_somebody_without_access_to_the_admin_is_told_so_and_not_sent_in_circles(client, person):
    person("stranger")
    entered = client.post(LOGIN, {"login": "stranger", "password": PASSWORD}, follow=True)
    assert entered.status_code == 200
    assert [path for path, _ in entered.redirect_chain] == ["/admin/", "/admin/login/?next=/admin/"]
    assert "You do not have permission to access the admin." in entered.content.decode()


def test_the_demo_accounts_sign_in_with_the_printed_password(home, client):
    out = StringIO()
    call_command("make_demo_accounts", stdout=out)
    password = re.search(r": (\S+)$", out.getvalue().strip()).group(1)
    for name in ("admin", "editor", "moderator", "safeguarding"):
        entered = sign_in(client, name, password)
        assert (entered.status_code, entered["Location"]) == (302, "/admin/"), name
        assert client.get("/admin/").status_code == 200
        client.post("/admin/logout/")


# --- Who is not told what ---


def error_text(response):
    return re.search(r'role="alert".*?<p>(.*?)</p>', response.content.decode(), re.DOTALL).group(1)


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, person):
    person("editor", "Editors")
    wrong, unknown = sign_in(client, "editor", "wrong"), sign_in(client, "nobody-here", "wrong")
    assert (wrong.status_code, unknown.status_code) == (200, 200)
    assert error_text(wrong) == error_text(unknown) == "The username and/or password you specified are not correct."
    blank = re.compile(r'value="[^"]*"')
    assert blank.sub("", wrong.content.decode()) == blank.sub("", unknown.content.decode())
    assert not signed_in(client)


@pytest.mark.parametrize("name", ["editor", "nobody-here"])
def test_after_five_wrong_passwords_an_account_is_closed_for_five_minutes(client, person, name):
    person("editor", "Editors")
    with time_machine.travel(factories.london(2026, 2, 11, 10), tick=False) as clock:
        for attempt in range(5):
            assert "not correct" in error_text(sign_in(client, name, "wrong")), attempt
        for password in ("wrong", PASSWORD):
            refused = sign_in(client, name, password)
            assert error_text(refused) == "Too many failed login attempts. Try again later."
            assert not signed_in(client)
        clock.shift(timedelta(minutes=5, seconds=1))
        assert signed_in(client) is False
        sign_in(client, "editor")
        assert signed_in(client) is True


def test_one_address_is_throttled_across_accounts(client, person):
    person("editor", "Editors")
    answers = [sign_in(client, f"name-{number}", "wrong") for number in range(11)]
    assert "not correct" in error_text(answers[9])
    assert "Too many" in error_text(answers[10])
    assert "Too many" in error_text(sign_in(client, "editor"))
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    sign_in(elsewhere, "editor")
    assert (signed_in(client), signed_in(elsewhere)) == (False, True)


@pytest.mark.parametrize(("trusted", "refused"), [(0, True), (1, False)])
def test_the_client_behind_a_proxy_counts_only_when_the_proxy_is_trusted(person, settings, trusted, refused):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    person("editor", "Editors")
    for number in range(11):
        sign_in(Client(headers={"X-Forwarded-For": f"198.51.100.{number}"}), f"name-{number}", "wrong")
    # What the client itself puts in front of the proxy's word never counts.
    client = Client(headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    sign_in(client, "editor")
    assert signed_in(client) is not refused


# --- Passwords ---


def link_in(message):
    return re.search(r"http://testserver(/\S+)", message.body).group(1)


def test_a_forgotten_password_is_reset_once_by_mail(client, person):
    user = person("editor", "Editors", email="Editor@Example.org")
    asked = client.post("/admin/password_reset/", {"email": "editor@example.org"})
    assert asked["Location"] == "/admin/password_reset/done/"
    [message] = mail.outbox
    assert message.to == ["editor@example.org"]
    assert message.subject == "Reset your password for the Community Safety CMS"
    assert "user name editor" in message.body
    link = link_in(message)
    form = client.get(link, follow=True)
    action = form.redirect_chain[-1][0]
    weak = client.post(action, {"password1": "short", "password2": "short"})
    assert weak.context["form"].errors["password1"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    done = client.post(action, {"password1": "a new long password", "password2": "a new long password"})
    assert done["Location"] == "/admin/password_reset/complete/"
    assert not signed_in(client)
    user.refresh_from_db()
    assert user.check_password("a new long password")
    again = Client().get(link, follow=True)
    assert "This link no longer works" in again.content.decode()
    assert [message.subject for message in mail.outbox][1:] == ["Password Reset"]


def test_a_reset_answers_alike_for_addresses_that_nobody_has(client, person):
    person("editor", "Editors")
    person("left", "Editors", is_active=False)
    answers = [
        client.post("/admin/password_reset/", {"email": email}, follow=True)
        for email in ("editor@example.org", "nobody@example.org", "left@example.org")
    ]
    assert {(answer.status_code, answer.redirect_chain[0][0]) for answer in answers} == {
        (200, "/admin/password_reset/done/")
    }
    assert len({answer.content for answer in answers}) == 1
    assert [message.to for message in mail.outbox] == [["editor@example.org"]]


def test_the_link_does_not_come_from_the_host_header(client, person):
    person("editor", "Editors")
    client.post("/admin/password_reset/", {"email": "editor@example.org"}, headers={"host": "localhost"})
    assert "http://testserver/admin/password_reset/" in mail.outbox[0].body


def test_an_old_link_does_nothing(client, person):
    user = person("editor", "Editors")
    with time_machine.travel(factories.london(2026, 2, 11, 10), tick=False) as clock:
        client.post("/admin/password_reset/", {"email": "editor@example.org"})
        clock.shift(timedelta(minutes=61))
        shown = client.get(link_in(mail.outbox[0]), follow=True)
    assert "This link no longer works" in shown.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_changed_password_ends_the_other_sessions_and_is_told_by_mail(client, person):
    person("editor", "Editors")
    other = Client()
    sign_in(other, "editor")
    sign_in(client, "editor")
    url = reverse("account_change_password")
    refused = client.post(
        url, {"oldpassword": "wrong", "password1": "a new long password", "password2": "a new long password"}
    )
    assert list(refused.context["form"].errors) == ["oldpassword"]
    assert other.get("/admin/").status_code == 200
    client.post(url, {"oldpassword": PASSWORD, "password1": "a new long password", "password2": "a new long password"})
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert [message.to for message in mail.outbox] == [["editor@example.org"]]


# --- Sessions ---


def test_a_session_ends_after_an_hour_without_work(client, person):
    person("editor", "Editors")
    with time_machine.travel(factories.london(2026, 2, 11, 10), tick=False) as clock:
        sign_in(client, "editor")
        for _ in range(3):
            clock.shift(timedelta(minutes=58))
            assert client.get("/admin/").status_code == 200
        clock.shift(timedelta(minutes=61))
        assert client.get("/admin/").status_code == 302


def test_an_open_editor_that_asks_by_itself_is_no_work(client, person, home):
    person("editor", "Editors")
    page = factories.page(models.StandardPage, home)
    with time_machine.travel(factories.london(2026, 2, 11, 10), tick=False) as clock:
        sign_in(client, "editor")
        edit = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk]))
        ping = edit.context["editing_sessions"].ping_url
        for _ in range(2):
            clock.shift(timedelta(minutes=29))
            assert client.post(ping, headers={"X-Requested-With": "XMLHttpRequest"}).status_code == 200
        clock.shift(timedelta(minutes=3))
        assert client.get("/admin/").status_code == 302


def test_what_the_cookie_says(client, person, settings):
    settings.SESSION_COOKIE_SECURE = True
    person("editor", "Editors")
    cookie = sign_in(client, "editor").cookies["sessionid"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["max-age"], cookie["expires"]) == ("", "")  # it ends with the browser, too


def test_public_addresses_neither_read_nor_set_a_cookie_of_somebody_signed_in(client, person, home, mfa_required):
    person("moderator", "Moderators")
    factories.page(models.NewsIndexPage, home)
    factories.page(models.StandardPage, home, slug="page")
    sign_in(client, "moderator")
    with time_machine.travel(time.time() + 600):
        before = Session.objects.get().expire_date
        for path in (
            "/",
            "/page/",
            "/feeds/news.rss",
            "/sitemap.xml",
            "/robots.txt",
            "/docs/",
            "/healthz",
            "/nothing/",
        ):
            answer = client.get(path)
            assert not answer.cookies, path
            assert "Cookie" not in answer.get("Vary", ""), path
        answer = client.post("/graphql/", {"query": "{ __typename }"}, content_type="application/json")
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")
    assert Session.objects.get().expire_date == before


def test_an_account_that_is_deactivated_in_any_way_is_out_at_once(client, person):
    user = person("editor", "Editors")
    sign_in(client, "editor")
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302
    again = sign_in(client, "editor")
    assert again["Location"] == "/admin/login/inactive/"
    assert client.get("/admin/").status_code == 302
    assert "This account is closed" in client.get(again["Location"]).content.decode()


def test_a_death_review_notice_is_no_exception(client, person, home, mfa_required):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    person("lead", "Safeguarding leads")
    sign_in(client, "lead")
    assert client.get(reverse("wagtailadmin_pages:edit", args=[notice.pk]))["Location"] == SECOND_FACTOR
    assert Page.objects.get(pk=notice.pk).live is False


def test_a_session_of_the_password_alone_ends_when_the_owner_sets_up_a_second_factor(client, person, mfa_required):
    """django-allauth tells after the commit, which a test does not reach: so this sends what it sends."""
    owner, stranger = person("moderator", "Moderators"), Client()
    for each in (stranger, client):
        sign_in(each, "moderator")
    with_totp(owner)
    told = {"sender": Authenticator, "request": SimpleNamespace(session=client.session), "user": owner}
    authenticator_added.send(**told, authenticator=Authenticator.objects.get(user=owner, type="recovery_codes"))
    assert stranger.get("/admin/").status_code == 200
    authenticator_added.send(**told, authenticator=Authenticator.objects.get(user=owner, type="totp"))
    assert client.get("/admin/").status_code == 200
    assert stranger.get("/admin/").url.startswith("/admin/login/")
