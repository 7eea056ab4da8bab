"""A colleague leaves: one action ends the access and hands the unfinished work over, or nothing happens at all."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, Page, PageLogEntry, WorkflowState

from cms.accounts import leavers
from pages import models
from pages.approval.workflow import set_up_death_reviews
from tests import factories
from tests.admin_forms import decide


def account(name, *groups, superuser=False):
    user = User.objects.create_user(name, f"{name}@example.org", "a long password", is_superuser=superuser)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


@pytest.fixture
def admin(home, client):
    user = account("admin", superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def leaver(home):
    user = account("leaver", "Editors")
    totp.TOTP.activate(user, totp.generate_totp_secret())
    SocialAccount.objects.create(user=user, provider="sso", uid="1")
    return user


@pytest.fixture
def work(home, leaver):
    """A draft, a changed page, a submitted page and snippet, a locked page; and what is nobody's to hand over."""
    found = {
        "draft": factories.draft(models.StandardPage, home, title="Draft", owner=leaver),
        "changed": factories.page(models.StandardPage, home, title="Changed", owner=leaver),
        "finished": factories.page(models.StandardPage, home, title="Finished", owner=leaver),
        "submitted": factories.draft(models.StandardPage, home, title="Submitted"),
        "locked": factories.page(models.StandardPage, home, title="Locked"),
        "agency": factories.agency(name="Submitted agency"),
    }
    found["changed"].save_revision(user=leaver)
    for name in ("submitted", "agency"):
        found[name].save_revision(user=leaver)
        found[name].get_workflow().start(found[name], leaver)
    closed = factories.draft(models.StandardPage, home, title="Cancelled")
    closed.save_revision(user=leaver)
    closed.get_workflow().start(closed, leaver).cancel(user=leaver)
    found["closed"] = closed
    Page.objects.filter(pk=found["locked"].pk).update(locked=True, locked_by=leaver, locked_at=timezone.now())
    return found


def state():
    """Everything that letting somebody go may change."""
    return (
        list(User.objects.order_by("pk").values_list("username", "is_active", "password")),
        list(Page.objects.order_by("pk").values_list("title", "owner__username", "locked", "locked_by__username")),
        list(WorkflowState.objects.order_by("pk").values_list("requested_by__username", "status")),
        Authenticator.objects.count(),
        SocialAccount.objects.count(),
        Session.objects.count(),
        ModelLogEntry.objects.filter(action__startswith="cms.").count(),
        PageLogEntry.objects.filter(action__startswith="cms.").count(),
    )


def test_one_action_ends_the_access_and_hands_the_work_over(client, admin, leaver, work):
    colleague = account("colleague", "Editors")
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(leaver)
        assert browser.get("/admin/").status_code == 200
    other = Client()
    other.force_login(colleague)

    url = reverse("deactivate_user", args=[leaver.pk])
    assert url in client.get(reverse("wagtailusers_users:edit", args=[leaver.pk])).content.decode()
    assert url in client.get(reverse("wagtailusers_users:index")).content.decode()
    before = state()
    asked = client.get(url)
    assert asked.status_code == 200
    assert sorted(map(str, asked.context["work"].to_hand_over)) == [
        "Cancelled",
        "Changed",
        "Draft",
        "Submitted",
        "Submitted agency",
    ]
    assert state() == before  # looking changes nothing

    done = client.post(url, {"colleague": colleague.pk}, follow=True)
    assert done.redirect_chain == [(reverse("wagtailusers_users:index"), 302)]
    assert "leaver is signed out everywhere and can no longer sign in." in done.content.decode()
    leaver.refresh_from_db()
    assert (leaver.is_active, leaver.has_usable_password()) == (False, False)
    assert not Authenticator.objects.exists()
    assert not SocialAccount.objects.exists()
    assert [browser.get("/admin/").status_code for browser in (*browsers, other)] == [302, 302, 200]
    assert [Session.objects.filter(pk=browser.session.session_key).exists() for browser in browsers] == [False, False]

    owners = dict(Page.objects.filter(depth__gt=2).values_list("title", "owner__username"))
    assert owners == {
        "Draft": "colleague",
        "Changed": "colleague",
        "Finished": "leaver",
        "Submitted": None,
        "Locked": None,
        "Cancelled": None,
    }
    open_now = {str(found.content_object): found.requested_by.username for found in WorkflowState.objects.active()}
    assert open_now == {"Submitted": "colleague", "Submitted agency": "colleague"}
    assert WorkflowState.objects.get(status="cancelled").requested_by == leaver
    locked = Page.objects.get(pk=work["locked"].pk)
    assert (locked.locked, locked.locked_by, locked.locked_at) == (False, None, None)

    handed = PageLogEntry.objects.filter(action=leavers.HANDED_OVER)
    assert sorted(entry.page.title for entry in handed) == ["Cancelled", "Changed", "Draft", "Submitted"]
    assert {(entry.user, entry.message) for entry in handed} == {
        (admin, "Handed over from leaver to colleague, because leaver has left")
    }
    assert ModelLogEntry.objects.get(action=leavers.HANDED_OVER).object_id == str(work["agency"].pk)
    assert PageLogEntry.objects.get(action=leavers.UNLOCKED).page_id == locked.pk
    left = ModelLogEntry.objects.get(action=leavers.LEFT)
    assert (left.object_id, left.user) == (str(leaver.pk), admin)
    assert left.data == {"sessions": 2, "from": "leaver", "to": "colleague"}


def test_the_submitted_work_can_still_be_approved(client, admin, leaver, work):
    leavers.deactivate_user(leaver, admin, account("colleague", "Editors"))
    client.force_login(account("moderator", "Moderators"))
    page = models.StandardPage.objects.get(title="Submitted")
    decide(client, page, "approve")
    page.refresh_from_db()
    assert page.live is True


def test_without_unfinished_work_nobody_need_take_over(client, admin, leaver):
    client.post(reverse("deactivate_user", args=[leaver.pk]))
    leaver.refresh_from_db()
    assert leaver.is_active is False


def test_unfinished_work_needs_somebody(client, admin, leaver, work):
    before = state()
    refused = client.post(reverse("deactivate_user", args=[leaver.pk]))
    assert refused.context["form"].errors == {"colleague": ["Choose who takes over the unfinished work."]}
    assert state() == before


@pytest.mark.parametrize("who", ["leaver", "gone", "nobody"])
def test_only_another_active_account_takes_over(client, admin, leaver, work, who):
    gone = account("gone", "Editors")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    key = {"leaver": leaver.pk, "gone": gone.pk, "nobody": 0}[who]
    before = state()
    refused = client.post(reverse("deactivate_user", args=[leaver.pk]), {"colleague": key})
    assert list(refused.context["form"].errors) == ["colleague"]
    assert state() == before


def test_a_colleague_who_may_not_edit_something_cannot_take_over(client, admin, home):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    lead = account("lead", "Safeguarding leads")
    notice = factories.draft(models.DeathReviewNoticePage, index, owner=lead)
    editor, other_lead = account("editor", "Editors"), account("other-lead", "Safeguarding leads")
    before = state()
    url = reverse("deactivate_user", args=[lead.pk])
    refused = client.post(url, {"colleague": editor.pk})
    assert refused.context["form"].errors == {
        "colleague": [f"editor may not edit {notice.title}. Choose somebody who may."]
    }
    assert state() == before
    client.post(url, {"colleague": other_lead.pk})
    assert Page.objects.get(pk=notice.pk).owner == other_lead


def test_who_may_let_whom_go(client, home, leaver):
    manager, root = account("manager", "Editors"), account("root", superuser=True)
    manager.user_permissions.add(Permission.objects.get(codename="change_user"))
    editor = account("editor", "Editors")
    gone = account("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    before = state()
    for user, target in ((editor, leaver), (manager, root), (manager, manager), (root, root), (manager, gone)):
        client.force_login(user)
        before = state()
        for answer in (
            client.get(reverse("deactivate_user", args=[target.pk])),
            client.post(reverse("deactivate_user", args=[target.pk])),
        ):
            assert (answer.status_code, answer["Location"]) == (302, "/admin/"), (user, target)
        assert state() == before
        assert leavers.may_deactivate_user(user, User.objects.get(pk=target.pk)) is False
    client.force_login(manager)
    client.post(reverse("deactivate_user", args=[leaver.pk]))
    leaver.refresh_from_db()
    assert leaver.is_active is False


def test_everything_or_nothing(client, admin, leaver, work, monkeypatch):
    colleague = account("colleague", "Editors")
    before = state()

    def fail(user):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("cms.accounts.leavers.end_sessions", fail)
    with pytest.raises(RuntimeError):
        client.post(reverse("deactivate_user", args=[leaver.pk]), {"colleague": colleague.pk})
    assert state() == before


def test_drafts_on_pages_of_others_and_of_snippets_are_handed_over_too(client, admin, leaver, home):
    owner, colleague = account("owner", "Editors"), account("colleague", "Editors")
    page = factories.page(models.StandardPage, home, title="The owner's", owner=owner)
    page.save_revision(user=owner)
    page.title = "The leaver's words"
    page.save_revision(user=leaver)
    agency = factories.agency(name="Never submitted", live=False)
    agency.save_revision(user=leaver)
    factories.page(models.StandardPage, home, title="Published since", owner=owner)
    url = reverse("deactivate_user", args=[leaver.pk])
    shown = client.get(url).content.decode()
    assert ("The owner&#x27;s" in shown, "Never submitted" in shown, "Published since" in shown) == (True, True, False)
    refused = client.post(url, {"colleague": ""})
    assert refused.context["form"].errors == {"colleague": ["Choose who takes over the unfinished work."]}
    client.post(url, {"colleague": colleague.pk})
    leaver.refresh_from_db()
    assert leaver.is_active is False
    assert Page.objects.get(pk=page.pk).owner == owner  # it was never the leaver's
    assert PageLogEntry.objects.get(action=leavers.HANDED_OVER).object_id == page.pk
    assert ModelLogEntry.objects.get(action=leavers.HANDED_OVER).object_id == str(agency.pk)


@pytest.fixture
def reviews(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    return index


def account_manager():
    """May end the access of others, and may not handle death reviews."""
    user = account("manager")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["access_admin", "change_user"]))
    return user


def reader_of_death_reviews(name):
    """May find notices, and has no right to edit any page."""
    user = account(name)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["access_admin", "handle_death_reviews"]))
    return user


def said(response):
    return response.content.decode() if response.status_code == 200 else ""


@pytest.mark.parametrize("left_with", ["draft", "version", "submission"])
@pytest.mark.parametrize("role", ["a former lead", "a lead"])
def test_no_answer_tells_of_a_notice_that_the_colleague_cannot_take_over(client, reviews, role, left_with):
    lead, owner = account("lead", "Safeguarding leads"), account("owner", "Safeguarding leads")
    notice = factories.draft(models.DeathReviewNoticePage, reviews, owner=lead if left_with == "draft" else owner)
    notice.save_revision(user=owner if left_with == "submission" else lead)
    if left_with == "submission":
        notice.get_workflow().start(notice, lead)
    if role == "a former lead":
        lead.groups.set(Group.objects.filter(name="Editors"))
        colleague = account("colleague", "Editors")
    else:
        colleague = reader_of_death_reviews("colleague")
    manager, url = account_manager(), reverse("deactivate_user", args=[lead.pk])
    client.force_login(manager)
    assert notice.reference not in said(client.get(url))
    done = client.post(url, {"colleague": colleague.pk})
    assert (notice.reference in said(done), done.status_code) == (False, 302)
    assert Page.objects.get(pk=notice.pk).owner == (lead if left_with == "draft" else owner)
    assert [state.requested_by for state in WorkflowState.objects.all()] == [lead] * (left_with == "submission")
    assert not PageLogEntry.objects.filter(action=leavers.HANDED_OVER).exists()
    assert not User.objects.get(pk=lead.pk).is_active


def test_nobody_is_asked_for_because_of_a_hidden_notice(client, reviews):
    former = account("former", "Editors")
    notice = factories.draft(models.DeathReviewNoticePage, reviews, owner=former)
    client.force_login(account_manager())
    assert client.post(reverse("deactivate_user", args=[former.pk]), {"colleague": ""}).status_code == 302
    assert (User.objects.get(pk=former.pk).is_active, Page.objects.get(pk=notice.pk).owner) == (False, former)


def test_a_hidden_notice_goes_to_a_colleague_who_may_edit_it(client, reviews):
    lead, colleague = account("lead", "Safeguarding leads"), account("other-lead", "Safeguarding leads")
    notice = factories.draft(models.DeathReviewNoticePage, reviews, owner=lead)
    notice.save_revision(user=lead)
    notice.get_workflow().start(notice, lead)
    client.force_login(account_manager())
    assert client.post(reverse("deactivate_user", args=[lead.pk]), {"colleague": colleague.pk}).status_code == 302
    assert Page.objects.get(pk=notice.pk).owner == colleague
    assert WorkflowState.objects.get().requested_by == colleague


def test_a_refusal_names_only_what_the_manager_may_see(client, reviews, home):
    former = account("former", "Editors")
    notice = factories.draft(models.DeathReviewNoticePage, reviews, owner=former)
    factories.draft(models.StandardPage, home, title="A draft", owner=former)
    client.force_login(account_manager())
    before = state()
    url = reverse("deactivate_user", args=[former.pk])
    refused = client.post(url, {"colleague": account("nobody").pk})
    assert refused.context["form"].errors == {"colleague": ["nobody may not edit A draft. Choose somebody who may."]}
    assert notice.reference not in refused.content.decode()
    assert state()[1:] == before[1:]
