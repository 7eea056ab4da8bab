"""Single sign-on over OpenID Connect, with a provider on loopback: which accounts it opens, and which it never does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import Group, User
from django.core import mail
from django.urls import reverse

from tests import identity_provider
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).parent.parent
START = "/admin/login/oidc/sso/login/"
CALLBACK = "/admin/login/oidc/sso/login/callback/"
MODERATOR = {"sub": "subject-1", "email": "moderator@example.org", "email_verified": True, "name": "M. Oderator"}


@pytest.fixture
def provider(settings):
    with identity_provider.running() as found:
        app = {
            "provider_id": "sso",
            "name": "Example Council",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": found.url, "oauth_pkce_enabled": True, "verified_email": []},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        yield found


@pytest.fixture
def moderator(home):
    user = User.objects.create_user("moderator", "Moderator@example.org", "correct horse battery")
    user.groups.add(Group.objects.get(name="Moderators"))
    return user


def come_by(client, provider, **claims):
    sent = client.post(f"{START}?process=login")
    assert sent.status_code == 302
    return client.get(CALLBACK, provider.authorise(sent["Location"], **claims))


def nothing_happened(client, users):
    assert client.get("/admin/").status_code == 302
    assert list(User.objects.values_list("username", flat=True)) == users
    assert not SocialAccount.objects.exists()


def test_the_sign_in_page_offers_it_only_when_it_is_set_up(client, home, provider, settings):
    assert "Sign in with Example Council" in client.get("/admin/login/").content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    assert "Sign in with Example" not in client.get("/admin/login/").content.decode()
    assert client.post(START).status_code == 404


def test_it_opens_the_account_that_has_the_verified_address(client, provider, moderator):
    entered = come_by(client, provider, **MODERATOR)
    assert (entered.status_code, entered["Location"]) == (302, "/admin/")
    assert client.get("/admin/").context["user"] == moderator
    link = SocialAccount.objects.get()
    assert (link.user, link.provider, link.uid) == (moderator, "sso", "subject-1")
    assert not SocialToken.objects.exists()
    assert provider.refused == []
    # From then on the password is gone, and the person is known whatever their address.
    moderator.refresh_from_db()
    assert moderator.has_usable_password() is False
    assert [message.to for message in mail.outbox] == [["moderator@example.org"]]
    client.post("/admin/logout/")
    again = come_by(client, provider, **{**MODERATOR, "email": "new-name@example.org"})
    assert again["Location"] == "/admin/"
    assert client.get("/admin/").context["user"] == moderator
    assert User.objects.count() == SocialAccount.objects.count() == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.org"},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": None},
        {"email": ""},
        {"email": "moderator@example.org.evil.example"},
    ],
    ids=str,
)
def test_it_makes_no_account_and_opens_none_without_a_verified_address(client, provider, moderator, claims):
    refused = come_by(client, provider, **{**MODERATOR, **claims})
    assert refused.status_code == 200
    assert "There is no account for you here" in refused.content.decode()
    nothing_happened(client, ["moderator"])
    moderator.refresh_from_db()
    assert moderator.has_usable_password()


def test_addresses_of_a_trusted_domain_count_as_verified(client, provider, moderator, settings):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["verified_email"] = ["example.org"]
    unverified = {**MODERATOR, "email_verified": None}
    elsewhere = come_by(client, provider, **{**unverified, "email": "moderator@example.net"})
    assert "There is no account for you here" in elsewhere.content.decode()
    nothing_happened(client, ["moderator"])
    assert come_by(client, provider, **unverified)["Location"] == "/admin/"


def test_two_accounts_with_one_address_are_not_guessed_between(client, provider, moderator):
    User.objects.create_user("second", "moderator@example.org")
    refused = come_by(client, provider, **MODERATOR)
    assert "There is no account for you here" in refused.content.decode()
    nothing_happened(client, ["moderator", "second"])


def test_a_deactivated_account_stays_shut(client, provider, moderator):
    come_by(client, provider, **MODERATOR)
    client.post("/admin/logout/")
    User.objects.update(is_active=False)
    refused = come_by(client, provider, **MODERATOR)
    assert refused["Location"] == "/admin/login/inactive/"
    assert client.get("/admin/").status_code == 302
    SocialAccount.objects.all().delete()
    assert "There is no account for you here" in come_by(client, provider, **MODERATOR).content.decode()


def test_nobody_connects_an_identity_from_inside(client, provider, moderator):
    client.force_login(moderator)
    sent = client.post(f"{START}?process=connect")
    back = client.get(CALLBACK, provider.authorise(sent["Location"], **{**MODERATOR, "sub": "somebody else"}))
    assert back["Location"] == "/admin/login/"
    assert not SocialAccount.objects.exists()


def test_an_answer_that_was_not_asked_for_is_refused(client, provider, moderator):
    sent = client.post(f"{START}?process=login")
    brought = provider.authorise(sent["Location"], **MODERATOR)
    for changed in ({**brought, "state": "another"}, {"code": brought["code"]}, {"state": brought["state"]}):
        refused = client.get(CALLBACK, changed)
        assert "Signing in did not work" in refused.content.decode()
        nothing_happened(client, ["moderator"])


def test_a_code_that_the_provider_refuses_signs_nobody_in(client, provider, moderator):
    sent = client.post(f"{START}?process=login")
    brought = provider.authorise(sent["Location"], **MODERATOR)
    refused = client.get(CALLBACK, {**brought, "code": "stolen"})
    assert "Signing in did not work" in refused.content.decode()
    assert provider.refused == ["stolen"]
    nothing_happened(client, ["moderator"])


def test_a_link_starts_nothing(client, provider, home):
    asked = client.get(f"{START}?process=login")
    assert asked.status_code == 200
    assert "Continue" in asked.content.decode()


@pytest.mark.parametrize(("counts", "status"), [(True, 200), (False, 302)])
def test_whether_it_counts_as_second_factor_is_a_setting(client, provider, moderator, settings, counts, status):
    settings.REQUIRE_MFA, settings.OIDC_COUNTS_AS_MFA = True, counts
    come_by(client, provider, **MODERATOR)
    assert client.get("/admin/").status_code == status


def test_a_second_factor_of_the_account_is_asked_for_all_the_same(client, provider, moderator):
    totp.TOTP.activate(moderator, totp.generate_totp_secret())
    assert come_by(client, provider, **MODERATOR)["Location"] == reverse("mfa_authenticate")
    assert client.get("/admin/").status_code == 302


def start(**variables):
    """What the project says to these environment variables: its settings, or why it does not start."""
    code = (
        "import json; from cms import settings as s; print(json.dumps([s.REQUIRE_MFA, s.ALLAUTH_TRUSTED_PROXY_COUNT, "
        "s.SESSION_COOKIE_AGE, s.SESSION_COOKIE_SECURE, s.SOCIALACCOUNT_PROVIDERS['openid_connect']['APPS']]))"
    )
    env = {"PATH": os.environ["PATH"], "DATA_DIR": os.environ["DATA_DIR"], "SECRET_KEY": "x" * 60, **variables}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


ALL_THREE = {
    "OIDC_SERVER_URL": "https://login.example.org/tenant/",
    "OIDC_CLIENT_ID": "id",
    "OIDC_CLIENT_SECRET": "secret",
}


def test_what_the_environment_decides():
    assert start() == [False, 0, 3600, False, []]
    public = start(CMS_URL="https://cms.example.org", TRUSTED_PROXY="true", SESSION_IDLE_MINUTES="15", **ALL_THREE)
    [app] = public.pop()
    assert public == [True, 1, 900, True]
    assert app == {
        "provider_id": "sso",
        "name": "your organisation's account",
        "client_id": "id",
        "secret": "secret",
        "settings": {
            "server_url": "https://login.example.org/tenant",
            "oauth_pkce_enabled": True,
            "verified_email": [],
        },
    }
    assert start(CMS_URL="https://cms.example.org", REQUIRE_MFA="false")[0] is False


@pytest.mark.parametrize("missing", ALL_THREE)
def test_all_three_or_none(missing):
    said = start(**{name: value for name, value in ALL_THREE.items() if name != missing})
    assert f"Environment variable {missing}: is needed for single sign-on" in said
    assert said.count("Environment variable") == 1


def test_the_provider_is_spoken_to_in_secret():
    said = start(**{**ALL_THREE, "OIDC_SERVER_URL": "http://login.example.org"})
    assert "Environment variable OIDC_SERVER_URL: must begin with https://" in said
    assert isinstance(start(**{**ALL_THREE, "OIDC_SERVER_URL": "http://localhost:9000"}), list)
