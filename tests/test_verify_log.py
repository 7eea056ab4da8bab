"""`verify_log` finds what is public without an approval, also where somebody changed the database by hand."""

import pytest
from django.core.management import CommandError, call_command

from pages import models
from pages.models.approvals import Approval
from tests import factories


def verify(capsys):
    """What the command says, and whether it failed."""
    try:
        call_command("verify_log")
    except CommandError as error:
        return [*capsys.readouterr().out.splitlines(), str(error)]
    return capsys.readouterr().out.splitlines()


def test_all_is_approved(home, capsys):
    page = factories.page(models.StandardPage, home, update_kind="minor")
    page.update_kind, page.change_note, page.title = "major", "It is better.", "Better"
    factories.publish(page)
    factories.draft(models.StandardPage, home)
    factories.agency()
    assert verify(capsys) == ["3 published, all of them approved."]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("approval voided", "an approval of the version that is public is missing."),
        ("version forgotten", "there is no record of the version that is public."),
        ("text changed", "it was changed, or something that it refers to was deleted, after it was published."),
        ("version changed", "an approval of the version that is public is missing."),
    ],
)
def test_what_nobody_approved_is_reported(home, capsys, how, why):
    page = factories.page(models.StandardPage, home, title="Advice")
    agency = factories.agency(name="The agency")
    for thing in (page, agency):
        things = type(thing).objects.filter(pk=thing.pk)
        if how == "approval voided":
            Approval.objects.filter(revision=thing.live_revision_id).update(voided_at=thing.last_published_at)
        elif how == "version forgotten":
            things.update(live_revision=None)
        elif how == "text changed":
            things.update(**({"title": "Zz"} if thing is page else {"url": "https://zz.example/"}))
        else:
            content = {**thing.live_revision.content, "locked": False, "zz": "Zz"}
            type(thing.live_revision).objects.filter(pk=thing.live_revision_id).update(content=content)
    title = "Zz" if how == "text changed" else "Advice"
    assert verify(capsys) == [
        f"standard page {page.pk} “{title}”: {why}",
        f"agency {agency.pk} “The agency”: {why}",
        "3 published, 2 of them without the approvals they need.",
    ]


def test_a_notice_needs_both_approvals(home, capsys):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(models.DeathReviewNoticePage, index)
    Approval.objects.filter(revision=notice.live_revision_id).update(role="moderator")
    assert verify(capsys) == [
        f"death-review notice {notice.pk} “{notice}”: an approval of the version that is public is missing.",
        "4 published, 1 of them without the approvals they need.",
    ]


def test_a_date_that_the_policy_fills_in_is_no_change(home, capsys):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(models.DeathReviewNoticePage, index)
    assert notice.minimum_online_until is not None
    assert verify(capsys) == ["4 published, all of them approved."]
    models.DeathReviewNoticePage.objects.filter(pk=notice.pk).update(period_label="2019")
    assert verify(capsys)[-1] == "4 published, 1 of them without the approvals they need."
