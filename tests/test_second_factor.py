"""Second factors: who must have one, how it is asked for, and how a lost one is reset."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from wagtail.models import GroupPagePermission, ModelLogEntry

from cms.accounts.second_factor import WHY, needs_second_factor
from cms.accounts.sign_in import MFAAdapter
from documents.models import Document
from pages import models
from tests import factories
from tests.test_accounts import (  # noqa: F401 - fixtures
    LOGIN,
    PASSWORD,
    SECOND_FACTOR,
    code_for,
    link_in,
    mfa_required,
    person,
    sign_in,
    signed_in,
    with_totp,
)

pytestmark = pytest.mark.one_database


def test_a_code_of_the_app_is_asked_for_and_works_once(client, person):
    secret = with_totp(person("moderator", "Moderators"))
    asked = sign_in(client, "moderator")
    assert asked["Location"] == reverse("mfa_authenticate")
    assert not signed_in(client)
    assert client.get("/admin/").status_code == 302
    wrong = client.post(asked["Location"], {"code": "000000" if code_for(secret) != "000000" else "111111"})
    assert wrong.context["form"].errors["code"] == ["Incorrect code."]
    assert not signed_in(client)
    code = code_for(secret)
    assert client.post(asked["Location"], {"code": code})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    other = Client()
    sign_in(other, "moderator")
    assert other.post(asked["Location"], {"code": code}).context["form"].errors["code"] == ["Incorrect code."]
    assert not signed_in(other)


def test_codes_are_throttled(client, person):
    secret = with_totp(person("moderator", "Moderators"))
    sign_in(client, "moderator")
    url = reverse("mfa_authenticate")
    for _ in range(5):
        client.post(url, {"code": "abcdef"})
    refused = client.post(url, {"code": code_for(secret)})
    assert refused.context["form"].errors["code"] == ["Too many failed login attempts. Try again later."]
    assert not signed_in(client)


def test_a_recovery_code_works_once(client, person):
    user = person("moderator", "Moderators")
    with_totp(user)
    code = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()[0]
    url = reverse("mfa_authenticate")
    sign_in(client, "moderator")
    assert client.post(url, {"code": code})["Location"] == "/admin/"
    other = Client()
    sign_in(other, "moderator")
    assert other.post(url, {"code": code}).context["form"].errors["code"] == ["Incorrect code."]
    assert not signed_in(other)


def test_a_new_password_does_not_replace_the_second_factor(client, person):
    with_totp(person("moderator", "Moderators"))
    client.post("/admin/password_reset/", {"email": "moderator@example.org"})
    action = client.get(link_in(mail.outbox[0]), follow=True).redirect_chain[-1][0]
    client.post(action, {"password1": "a new long password", "password2": "a new long password"})
    assert not signed_in(client)
    assert sign_in(client, "moderator", "a new long password")["Location"] == reverse("mfa_authenticate")


def test_secrets_are_not_stored_readable(person, settings):
    user = person("moderator", "Moderators")
    secret = with_totp(user)
    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert secret not in stored
    assert MFAAdapter().decrypt(stored) == secret
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(ValidationError, match="Ask an administrator to reset it"):
        MFAAdapter().decrypt(stored)


def test_after_a_change_of_the_secret_key_no_code_works_and_nothing_breaks(client, person, settings):
    secret = with_totp(person("moderator", "Moderators"))
    settings.SECRET_KEY = "another" * 10
    sign_in(client, "moderator")
    refused = client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert "Ask an administrator" in refused.context["form"].errors["code"][0]
    assert not signed_in(client)


# --- Who must have one ---


def test_who_needs_a_second_factor(home, person):
    found = {
        group: needs_second_factor(person(group.lower().replace(" ", "-"), group))
        for group in ("Editors", "Moderators", "Safeguarding leads")
    }
    assert found == {"Editors": False, "Moderators": True, "Safeguarding leads": True}
    assert needs_second_factor(User.objects.create_superuser("root")) is True
    some = person("some")
    group = Group.objects.create(name="Publishers of one page")
    some.groups.add(group)
    assert needs_second_factor(some) is False
    GroupPagePermission.objects.create(
        group=group,
        page=home,
        permission=GroupPagePermission.objects.filter(permission__codename="publish_page").first().permission,
    )
    assert needs_second_factor(User.objects.get(username="some")) is True
    Group.objects.get(name="Moderators").permissions.clear()  # approving goes by the group, whatever else it may do
    GroupPagePermission.objects.filter(group__name="Moderators").delete()
    assert needs_second_factor(User.objects.get(username="moderators")) is True


def test_somebody_who_may_publish_sets_one_up_before_anything_else(client, person, mfa_required):
    user = person("moderator", "Moderators")
    entered = sign_in(client, "moderator")
    assert entered["Location"] == "/admin/"
    led = client.get("/admin/", follow=True)
    assert [path for path, _ in led.redirect_chain] == [SECOND_FACTOR]
    assert WHY in led.content.decode()

    asked = client.get(reverse("mfa_activate_totp"))
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    confirmed = client.post(asked["Location"], {"password": PASSWORD})
    form = client.get(confirmed["Location"])
    secret = form.context["form"].secret
    wrong = client.post(confirmed["Location"], {"code": "abc"})
    assert wrong.context["form"].errors["code"] == ["Incorrect code."]
    assert client.get("/admin/").status_code == 302
    assert not Authenticator.objects.exists()
    done = client.post(confirmed["Location"], {"code": code_for(secret)})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    shown = client.get(done["Location"]).content.decode()
    assert len(codes) == 10
    assert [code for code in codes if code not in shown] == []
    assert client.get("/admin/").status_code == 200
    entered = sign_in(Client(), "moderator")
    assert entered["Location"] == reverse("mfa_authenticate")


def test_every_admin_address_is_shut_until_then(client, person, mfa_required, home):
    person("moderator", "Moderators")
    sign_in(client, "moderator")
    page = factories.page(models.StandardPage, home, title="Before", slug="page")
    pages = [
        "/admin/",
        "/admin/pages/",
        "/admin/account/",
        "/admin/takedowns/",
        "/admin/documents/",
        f"/admin/pages/{page.pk}/edit/",
        f"/admin/pages/{page.pk}/view_draft/",
        f"/admin/pages/{page.pk}/history/",
        f"/admin/api/main/pages/{page.pk}/",
        "/admin/reports/site-history/",
    ]
    for path in pages:
        led = client.get(path)
        assert (led.status_code, led["Location"]) == (302, SECOND_FACTOR), path
        by_script = client.get(path, headers={"X-Requested-With": "XMLHttpRequest"})
        assert (by_script.status_code, by_script.content.decode()) == (403, WHY), path
        assert client.post(path, {"title": "After"}).status_code == 403, path
    unpublish = reverse("wagtailadmin_pages:unpublish", args=[page.pk])
    assert client.post(unpublish).status_code == 403
    page.refresh_from_db()
    assert (page.title, page.live, page.revisions.count()) == ("Before", True, 1)


def test_the_screens_that_stay_open_are_those_for_signing_in(client, person, mfa_required):
    person("moderator", "Moderators")
    sign_in(client, "moderator")
    for path in (SECOND_FACTOR, LOGIN, "/admin/logout/", "/admin/password_reset/", "/admin/account/password/"):
        assert client.get(path).status_code == 200, path
    assert client.post("/admin/logout/")["Location"] == LOGIN
    assert not signed_in(client)


def test_files_that_are_not_public_are_shut_too(client, person, mfa_required, settings):
    user = person("moderator", "Moderators")
    document = factories.document(content=b"not public")
    sign_in(client, "moderator")
    for url in (document.url, f"/{settings.MEDIA_URL.strip('/')}/{document.file.name}"):
        assert client.get(url).status_code == 404, url
    with_totp(user)
    for url in (document.url, f"/{settings.MEDIA_URL.strip('/')}/{document.file.name}"):
        assert b"".join(client.get(url).streaming_content) == b"not public", url
    assert Document.objects.count() == 1


def test_editors_go_on_without_one_and_nobody_is_asked_when_it_is_off(client, person, settings):
    person("editor", "Editors")
    person("moderator", "Moderators")
    settings.REQUIRE_MFA = True
    sign_in(client, "editor")
    assert client.get("/admin/").status_code == 200
    settings.REQUIRE_MFA = False
    client.post("/admin/logout/")
    sign_in(client, "moderator")
    assert client.get("/admin/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(client, person, mfa_required):
    RecoveryCodes.activate(person("moderator", "Moderators"))
    sign_in(client, "moderator")
    assert client.get("/admin/")["Location"] == SECOND_FACTOR


def test_taking_the_last_one_away_shuts_the_admin_again(client, person, mfa_required):
    user = person("moderator", "Moderators")
    secret = with_totp(user)
    sign_in(client, "moderator")
    client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert client.get("/admin/").status_code == 200
    url = reverse("mfa_deactivate_totp")
    asked = client.post(url)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert Authenticator.objects.filter(user=user).count() == 2
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.post(url)["Location"] == SECOND_FACTOR
    assert not Authenticator.objects.exists()
    assert client.get("/admin/")["Location"] == SECOND_FACTOR


def test_passkeys_are_offered(client, person):
    person("moderator", "Moderators")
    sign_in(client, "moderator")
    asked = client.get(reverse("mfa_add_webauthn"))
    form = client.post(asked["Location"], {"password": PASSWORD}, follow=True)
    assert form.templates[0].name == "mfa/webauthn/add_form.html"
    options = form.context["js_data"]["creation_options"]["publicKey"]
    assert options["rp"] == {"id": "testserver", "name": "testserver"}
    assert form.context["form"]["passwordless"].initial is True
    client.post("/admin/logout/")
    options = client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"}).json()
    assert options["request_options"]["publicKey"]["userVerification"] == "required"


@pytest.mark.parametrize("credential", ["", "[]", '"x"', "7", "{}", '{"id": "x"}', '{"response": {"userHandle": "!"}}'])
def test_a_passkey_that_no_browser_sends_is_refused(client, person, credential):
    user = person("moderator", "Moderators")
    url = reverse("mfa_login_webauthn")
    client.get(url, headers={"Accept": "application/json"})
    assert client.post(url, {"credential": credential})["Location"] == LOGIN
    assert not signed_in(client)
    with_totp(user)
    sign_in(client, "moderator")
    client.get(reverse("mfa_authenticate"))
    assert client.post(reverse("mfa_authenticate"), {"credential": credential}).status_code == 200
    assert not signed_in(client)
    Authenticator.objects.all().delete()
    sign_in(client, "moderator")
    asked = client.get(reverse("mfa_add_webauthn"))
    client.post(asked["Location"], {"password": PASSWORD}, follow=True)
    refused = client.post(reverse("mfa_add_webauthn"), {"name": "Key", "credential": credential})
    assert refused.status_code == 200
    assert refused.context["form"].errors
    assert not Authenticator.objects.exists()


def test_a_lost_second_factor_is_reset_by_a_command(client, person):
    user = person("moderator", "Moderators")
    secret = with_totp(user)
    sign_in(client, "moderator")
    client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    other = person("other", "Moderators")
    with_totp(other)
    with pytest.raises(CommandError, match="no account with the user name nobody"):
        call_command("reset_second_factor", "nobody")
    assert Authenticator.objects.count() == 4
    call_command("reset_second_factor", "moderator", stdout=StringIO())
    assert set(Authenticator.objects.values_list("user__username", flat=True)) == {"other"}
    assert client.get("/admin/").status_code == 302
    assert ModelLogEntry.objects.get(action="cms.second_factor_reset").object_id == str(user.pk)
    assert sign_in(client, "moderator")["Location"] == "/admin/"
    with pytest.raises(CommandError, match="moderator has no second factor"):
        call_command("reset_second_factor", "moderator")
