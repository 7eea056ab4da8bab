"""Rules at the instant, the depth or the person at which they turn."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User

from cms.accounts.second_factor import needs_second_factor
from pages import models
from pages.content.choices import ApprovalRole
from pages.models import ContentPage
from pages.models.approvals import NotApprovedError, approve
from pages.visibility.rule import Answer, answer, public
from tests import factories
from tests.factories import london

NOW = london(2026, 3, 2, 9)
MOMENT = timedelta(microseconds=1)


def test_one_person_in_both_groups_gives_one_of_two_approvals(home):
    """A moderator who is a safeguarding lead as well needs a colleague."""
    both, lead = (User.objects.create_user(name) for name in ("both", "lead"))
    both.groups.set(Group.objects.filter(name__in=["Moderators", "Safeguarding leads"]))
    lead.groups.set(Group.objects.filter(name="Safeguarding leads"))
    index = factories.page(models.DeathReviewIndexPage, home)
    revision = factories.draft(models.DeathReviewNoticePage, index).save_revision()
    approve(revision, ApprovalRole.MODERATOR, both)
    approve(revision, ApprovalRole.SAFEGUARDING_LEAD, both)
    with pytest.raises(NotApprovedError):
        revision.publish()
    assert models.DeathReviewNoticePage.objects.get().live is False
    approve(revision, ApprovalRole.SAFEGUARDING_LEAD, lead)
    revision.publish()
    assert models.DeathReviewNoticePage.objects.get().live is True


def test_a_page_that_is_moved_to_level_11_is_hidden(home):
    """Pages at level 10 are public. A move validates nothing, so the rule itself looks at the level."""
    page = factories.page(models.StandardPage, home)
    levels = {2: home}
    for level in range(3, 11):
        levels[level] = factories.page(models.StandardPage, levels[level - 1])
    found = {}
    for level in (10, 11):
        page = ContentPage.objects.get(pk=page.pk)
        page.move(ContentPage.objects.get(pk=levels[level - 1].pk), "last-child")
        page = ContentPage.objects.get(pk=page.pk)
        found[page.depth] = (public(ContentPage.objects.filter(pk=page.pk)).exists(), answer(page) == Answer.PUBLIC)
    assert found == {10: (True, True), 11: (False, False)}


@pytest.mark.parametrize(
    ("permission", "needs"),
    [
        ("auth.add_user", True),
        ("auth.change_user", True),
        ("auth.add_group", True),
        ("auth.change_group", True),
        ("wagtailcore.add_workflow", True),
        ("wagtailcore.change_workflow", True),
        ("wagtailcore.add_task", True),
        ("wagtailcore.change_task", True),
        ("wagtailcore.add_site", True),
        ("wagtailcore.change_site", True),
        ("auth.view_user", False),
        ("wagtailadmin.access_admin", False),
    ],
)
def test_who_manages_accounts_groups_or_workflows_needs_a_second_factor(db, permission, needs):
    user = User.objects.create_user("manager")
    app, codename = permission.split(".")
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    assert needs_second_factor(user) is needs


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (NOW - MOMENT, []),
        (NOW, ["Flood in town."]),
        (NOW + timedelta(hours=1) - MOMENT, ["Flood in town."]),
        (NOW + timedelta(hours=1), []),
    ],
)
def test_an_alert_shows_from_its_first_instant_until_its_last(ask, home, at, shown):
    until = NOW + timedelta(hours=1)
    with time_machine.travel(NOW - timedelta(days=1)):
        factories.snippet(models.Alert, message="Flood in town.", active_from=NOW, active_until=until)
    with time_machine.travel(at, tick=False):
        assert [alert["message"] for alert in ask("{ alerts { message } }")["alerts"]] == shown


@pytest.mark.parametrize(
    ("later", "titles"),
    [
        (timedelta(0), ["Meeting in March"]),
        (MOMENT, ["Agenda published: Meeting in March", "Meeting in March"]),
    ],
)
def test_an_agenda_after_its_announcement_is_news_however_soon_it_comes(client, home, later, titles):
    with time_machine.travel(NOW, tick=False) as clock:
        index = factories.page(models.MeetingIndexPage, home)
        meeting = factories.page(models.MeetingPage, index, title="Meeting in March", starts_at=london(2026, 3, 24, 10))
        clock.move_to(NOW + later)
        meeting.papers = [models.Paper(kind="agenda", document=factories.document("Agenda"))]
        factories.publish(meeting)
        found = [entry["title"] for entry in client.get("/feeds/meetings.json").json()["items"]]
    assert found == titles
