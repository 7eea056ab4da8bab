"""What is due when: exact dates and standings of each deadline, and papers that come late."""

from datetime import date, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from documents.models import PublishedFile
from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.confidential.permissions import editable_by
from pages.content.working_days import agenda_due_on, is_working_day
from pages.editing import deadlines
from pages.editing.deadlines import Standing, deadlines_of
from pages.models import ContentPage
from tests import factories
from tests.admin_forms import posted
from tests.factories import london
from tests.test_query_counts import queries


@pytest.fixture
def meetings(home):
    return factories.page(models.MeetingIndexPage, home)


def found(rule, at=None):
    """What a rule finds: (title, date, standing) of each row."""
    rows = rule(ContentPage.objects.all(), at or timezone.now())
    return [(row.page.title, row.due_on, row.standing) for row in rows]


# --- Working days and agendas ---


@pytest.mark.parametrize(
    ("policy", "due"),
    [
        ("week_before", date(2026, 2, 20)),
        ("five_clear_working_days", date(2026, 2, 16)),
        ("five_clear_days", date(2026, 2, 18)),
    ],
)
def test_story_e2_the_agenda_of_24_february_2026_is_due_by_each_policy(meetings, ask, settings, policy, due):
    settings.AGENDA_POLICY = policy
    factories.page(models.MeetingPage, meetings, starts_at=london(2026, 2, 24, 10))
    assert agenda_due_on(date(2026, 2, 24)) == due
    assert ask("{ meetings { nodes { agendaDueOn } } }") == {"meetings": {"nodes": [{"agendaDueOn": due.isoformat()}]}}
    [row] = deadlines.agendas_due(ContentPage.objects.all(), london(2026, 2, 11))
    assert (row.what, row.due_on) == ("Publish the agenda", due)


@pytest.mark.parametrize(
    ("meeting", "week_before", "five_working", "five_calendar"),
    [
        # Good Friday 3 April, Easter Monday 6 April 2026.
        (date(2026, 4, 7), date(2026, 4, 2), date(2026, 3, 26), date(2026, 4, 1)),
        (date(2026, 4, 14), date(2026, 4, 10), date(2026, 4, 2), date(2026, 4, 8)),
        # Christmas Day is a Friday in 2026, Boxing Day is kept on Monday 28 December, New Year's Day is a Friday.
        (date(2026, 12, 29), date(2026, 12, 24), date(2026, 12, 17), date(2026, 12, 23)),
        (date(2027, 1, 5), date(2026, 12, 31), date(2026, 12, 23), date(2026, 12, 30)),
        # A Sunday still has a week before it.
        (date(2026, 3, 1), date(2026, 2, 20), date(2026, 2, 20), date(2026, 2, 23)),
    ],
)
def test_agendas_around_bank_holidays(meeting, week_before, five_working, five_calendar):
    assert agenda_due_on(meeting, "week_before") == week_before
    assert agenda_due_on(meeting, "five_clear_working_days") == five_working
    assert agenda_due_on(meeting, "five_clear_days") == five_calendar


def test_bank_holidays_are_those_of_england():
    assert not is_working_day(date(2026, 12, 28))
    assert is_working_day(date(2026, 3, 17))  # Saint Patrick's Day
    assert is_working_day(date(2026, 11, 30))  # Saint Andrew's Day
    assert not is_working_day(date(2026, 8, 31))  # summer bank holiday, not that of Scotland
    assert is_working_day(date(2026, 8, 3))


@pytest.mark.parametrize(
    ("policy", "binding", "standing", "source"),
    [
        ("week_before", [], Standing.POLICY, "The partnership"),
        ("week_before", ["agenda"], Standing.POLICY, "The partnership"),
        ("five_clear_days", [], Standing.TO_BE_VERIFIED, "Local Government Act 1972, section 100B"),
        ("five_clear_working_days", ["agenda"], Standing.BINDS, "Local Government Act 1972, section 100B"),
    ],
)
def test_whether_the_agenda_binds_follows_the_policy(meetings, settings, policy, binding, standing, source):
    settings.AGENDA_POLICY, settings.BINDING_DEADLINES = policy, binding
    factories.draft(models.MeetingPage, meetings)
    [row] = deadlines.agendas_due(ContentPage.objects.all(), london(2026, 2, 11))
    assert (row.standing, row.source) == (standing, source)


@time_machine.travel(london(2026, 2, 11, 9), tick=False)
def test_agendas_are_due_until_readers_can_see_them(meetings):
    bare = factories.page(models.MeetingPage, meetings, title="Bare", slug="a")
    factories.draft(
        models.MeetingPage,
        meetings,
        title="Draft",
        slug="b",
        agenda_items=[models.AgendaItem(number="1", title="Item")],
    )
    factories.page(
        models.MeetingPage,
        meetings,
        title="Items",
        slug="c",
        agenda_items=[models.AgendaItem(number="1", title="Item")],
    )
    paper = models.Paper(kind="agenda", document=factories.document())
    factories.page(models.MeetingPage, meetings, title="File", slug="d", papers=[paper])
    report = models.Paper(kind="report", document=factories.document())
    factories.page(models.MeetingPage, meetings, title="Report only", slug="e", papers=[report])
    for status in ("cancelled", "postponed"):
        factories.page(
            models.MeetingPage, meetings, title=status, status=status, status_notice="<p>Why.</p>", slug=status
        )
    factories.page(models.MeetingPage, meetings, title="Over", slug="f", starts_at=london(2026, 2, 11, 8))
    factories.draft(models.MeetingPage, meetings, title="No date", slug="g", starts_at=None)
    due = (date(2026, 2, 20), Standing.POLICY)
    assert sorted(found(deadlines.agendas_due)) == [("Bare", *due), ("Draft", *due), ("Report only", *due)]
    ContentPage.objects.filter(pk=bare.pk).update(withdrawal_kind="gone")
    assert ("Bare", *due) not in found(deadlines.agendas_due)


# --- Late papers ---


def late(meetings, *, published, reason="", kind="report", go_live=None):
    """Publish a meeting on 24 February 2026 without papers in January, and a paper on a later day."""
    with time_machine.travel(london(2026, 1, 12, 9), tick=False):
        meeting = factories.page(models.MeetingPage, meetings, starts_at=london(2026, 2, 24, 10))
    with time_machine.travel(published, tick=False):
        meeting.papers = [models.Paper(kind=kind, title="Figures", document=factories.document(), late_reason=reason)]
        meeting.go_live_at = go_live
        return meeting, factories.publish(meeting)


REFUSAL = (
    "The agenda was due by Friday 20 February 2026. Fill in “Why it is late”, for readers, for each paper that is "
    "published after that: “Figures”."
)


@pytest.mark.parametrize("published", [london(2026, 2, 21, 0, 0), london(2026, 2, 23, 9), london(2026, 2, 25, 9)])
def test_a_late_paper_needs_a_public_reason(meetings, ask, published):
    with pytest.raises(ValidationError) as refused:
        late(meetings, published=published)
    assert refused.value.message_dict == {"papers": [REFUSAL]}
    assert not PublishedFile.objects.exists()
    assert ask("{ meetings { nodes { papers { title } } } }") == {"meetings": {"nodes": [{"papers": []}]}}


def test_readers_get_the_reason(meetings, ask):
    late(meetings, published=london(2026, 2, 23, 9), reason="The figures came on Monday.")
    assert ask("{ meetings { nodes { papers { title lateReason } } } }") == {
        "meetings": {"nodes": [{"papers": [{"title": "Figures", "lateReason": "The figures came on Monday."}]}]}
    }


@pytest.mark.parametrize(
    ("published", "kind"),
    [
        (london(2026, 2, 20, 23, 59), "report"),  # the last minute of the day on which it is due
        (london(2026, 3, 2, 9), "draft-minutes"),
        (london(2026, 3, 2, 9), "minutes"),
    ],
)
def test_papers_in_time_and_minutes_need_none(meetings, ask, published, kind):
    late(meetings, published=published, kind=kind)
    assert ask("{ meetings { nodes { papers { title } } } }") == {
        "meetings": {"nodes": [{"papers": [{"title": "Figures"}]}]}
    }


def test_the_edit_screen_refuses_a_late_paper_and_names_the_field(meetings, client):
    with time_machine.travel(london(2026, 1, 12, 9), tick=False):
        meeting = factories.page(models.MeetingPage, meetings, starts_at=london(2026, 2, 24, 10))
    with time_machine.travel(london(2026, 2, 21, 9), tick=False):
        meeting.papers = [models.Paper(title="Figures", document=factories.document())]
        meeting.save_revision()
        client.force_login(person("Editors"))
        edit = reverse("wagtailadmin_pages:edit", args=[meeting.pk])
        html = client.get(edit).content.decode()
        assert "Why it is late" in html
        data = posted(html.encode())
        refused = client.post(edit, {**data, "action-submit": "1"})
        assert refused.context["form"].non_field_errors() == [REFUSAL]
        meeting.refresh_from_db()
        assert (meeting.workflow_in_progress, meeting.revisions.count()) == (False, 2)
        data["papers-0-late_reason"] = "The figures came today."
        assert client.post(edit, {**data, "action-submit": "1"}).status_code == 302
        meeting.refresh_from_db()
        assert (meeting.workflow_in_progress, meeting.revisions.count()) == (True, 3)


def test_a_paper_that_was_public_in_time_is_never_late(meetings):
    meeting, _ = late(meetings, published=london(2026, 2, 20, 9))
    with time_machine.travel(london(2026, 2, 23, 9), tick=False):
        meeting.summary = "Another summary."
        assert factories.publish(meeting).summary == "Another summary."
        meeting.papers.add(models.Paper(kind="supplement", title="More", document=factories.document()))
        assert "“More”" in str(meeting.publishing_problems()["papers"])
        assert "“Figures”" not in str(meeting.publishing_problems()["papers"])


def test_a_publication_that_is_scheduled_for_too_late_is_refused_when_it_is_submitted(meetings):
    with time_machine.travel(london(2026, 2, 10, 9), tick=False):
        meeting = factories.draft(
            models.MeetingPage,
            meetings,
            go_live_at=london(2026, 2, 23, 9),
            papers=[models.Paper(title="Figures", document=factories.document())],
        )
        assert meeting.publishing_problems() == {"papers": REFUSAL}
        meeting.go_live_at = london(2026, 2, 20, 9)
        assert meeting.publishing_problems() == {}


def test_a_meeting_entered_for_the_record_has_no_late_papers(meetings):
    with time_machine.travel(london(2026, 6, 1, 9), tick=False):
        papers = [models.Paper(document=factories.document())]
        meeting = factories.page(models.MeetingPage, meetings, papers=papers)
        assert meeting.live is True


# --- Minutes ---


@time_machine.travel(london(2026, 3, 1, 9), tick=False)
def test_minutes_are_due_four_weeks_after_a_meeting(meetings, settings):
    held = {"starts_at": london(2026, 2, 24, 10)}
    factories.page(models.MeetingPage, meetings, title="Without", slug="a", **held)
    for kind in ("minutes", "draft-minutes"):
        papers = [models.Paper(kind=kind, document=factories.document())]
        factories.page(models.MeetingPage, meetings, title=kind, slug=kind, papers=papers, **held)
    for status in ("cancelled", "postponed"):
        factories.page(
            models.MeetingPage, meetings, title=status, status=status, status_notice="<p>Why.</p>", slug=status, **held
        )
    factories.draft(models.MeetingPage, meetings, title="Never public", slug="b", **held)
    factories.page(models.MeetingPage, meetings, title="To come", slug="c", starts_at=london(2026, 3, 2, 10))
    factories.page(models.MeetingPage, meetings, title="Long ago", slug="d", starts_at=london(2020, 2, 28, 10))
    factories.page(models.MeetingPage, meetings, title="Old", slug="e", starts_at=london(2020, 3, 2, 10))
    assert sorted(found(deadlines.minutes_missing)) == [
        ("Old", date(2020, 3, 30), Standing.POLICY),
        ("Without", date(2026, 3, 24), Standing.POLICY),
    ]
    settings.MINUTES_DUE_DAYS = 10
    assert ("Without", date(2026, 3, 6), Standing.POLICY) in found(deadlines.minutes_missing)


# --- Reviews, plan, public meeting ---


def test_public_pages_are_due_on_the_day_that_was_chosen(home):
    due = date(2026, 8, 11)
    factories.page(models.StandardPage, home, title="Due", next_review_due_on=due)
    factories.page(models.StandardPage, home, title="Not due")
    factories.draft(models.StandardPage, home, title="Draft", next_review_due_on=due)
    assert found(deadlines.pages_due_for_review) == [("Due", due, Standing.POLICY)]


@pytest.mark.parametrize(
    ("plan", "period", "due"),
    [
        ("2023-09", "2025", date(2025, 1, 1)),
        ("2024-12-31", "2025", date(2025, 1, 1)),
        ("2025", "2025", None),
        ("2025", "2025-04", None),  # it may be of May 2025
        ("2025-03", "2025-04", date(2025, 4, 1)),
    ],
)
def test_a_plan_may_not_be_older_than_the_priorities(home, plan, period, due):
    index = factories.page(models.PublicationIndexPage, home, publication_kind="plans")
    factories.page(models.CommunitySafetyPlanPage, index, title="Plan", effective_from=plan)
    factories.page(models.PriorityPeriodPage, home, title="Period", starts_on=period, ends_on="2027")
    rows = [("Plan", due, Standing.TO_BE_VERIFIED)] if due else []
    assert found(deadlines.plan_older_than_priorities, london(2026, 2, 11)) == rows


def test_priorities_without_a_plan(home, settings):
    assert found(deadlines.plan_older_than_priorities, london(2026, 2, 11)) == []
    factories.page(models.PriorityPeriodPage, home, title="Period", starts_on="2025", ends_on="2027")
    settings.BINDING_DEADLINES = ["plan"]
    rows = deadlines.plan_older_than_priorities(ContentPage.objects.all(), london(2026, 2, 11))
    assert [(row.page.title, row.what, row.due_on, row.standing) for row in rows] == [
        ("Period", "Publish a community safety plan for these priorities", date(2025, 1, 1), Standing.BINDS)
    ]


def test_a_public_meeting_is_due_a_year_after_the_last(meetings, home):
    at = london(2026, 3, 1, 9)
    for starts_at, fields in [
        (london(2025, 2, 24, 10), {}),
        (london(2025, 6, 2, 10), {"open_to_public": "closed", "closed_reason": "Cases."}),
        (london(2025, 7, 2, 10), {"status": "cancelled", "status_notice": "<p>Why.</p>"}),
    ]:
        factories.page(models.MeetingPage, meetings, starts_at=starts_at, **fields)
    factories.draft(models.MeetingPage, meetings, starts_at=london(2025, 8, 2, 10))

    def rows():
        return [
            (row.page.pk, row.what, row.due_on, row.standing)
            for row in deadlines.no_public_meeting(ContentPage.objects.all(), at)
        ]

    last = "Hold a public meeting: the last was on 24 February 2025"
    assert rows() == [(home.pk, last, date(2026, 2, 24), Standing.TO_BE_VERIFIED)]
    # Too late to count.
    factories.page(models.MeetingPage, meetings, starts_at=london(2026, 3, 2, 10))
    assert [row[2] for row in rows()] == [date(2026, 2, 24)]
    part = {"open_to_public": "part", "closed_reason": "Cases."}
    factories.page(models.MeetingPage, meetings, starts_at=london(2025, 9, 1, 23, 30), **part)
    assert rows() == []  # the meeting of 2 March 2026 is in time
    models.MeetingPage.objects.filter(starts_at=london(2026, 3, 2, 10)).update(starts_at=london(2026, 9, 2, 10))
    last = "Hold a public meeting: the last was on 1 September 2025"
    assert rows() == [(home.pk, last, date(2026, 9, 1), Standing.TO_BE_VERIFIED)]


def test_a_new_site_has_a_year_for_its_first_public_meeting(home, settings):
    ContentPage.objects.filter(pk=home.pk).update(first_published_at=london(2026, 1, 5, 9))
    settings.BINDING_DEADLINES = ["public_meeting"]
    rows = deadlines.no_public_meeting(ContentPage.objects.all(), london(2026, 2, 11))
    assert [(row.what, row.due_on, row.standing) for row in rows] == [
        ("Hold a public meeting", date(2027, 1, 5), Standing.BINDS)
    ]


# --- Death reviews, and who may see what ---


@pytest.fixture
def notices(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    return index


def recommendation(number, due_on, **fields):
    return models.Recommendation(number=number, text="Act", level="local", due_on=due_on, **fields)


def test_action_plans_and_promised_times(notices):
    notice = factories.page(
        models.DeathReviewNoticePage,
        notices,
        minimum_online_until=date(2027, 1, 5),
        recommendations=[
            recommendation("1", date(2026, 5, 1)),
            recommendation("2", date(2026, 4, 1), status="in-progress"),
            recommendation("3", date(2026, 3, 1), status="done"),
            recommendation("4", date(2026, 3, 1), status="stopped"),
            recommendation("5", None),
        ],
    )
    factories.draft(models.DeathReviewNoticePage, notices, minimum_online_until=date(2027, 1, 5))
    rows = deadlines.action_plan_updates(ContentPage.objects.all(), timezone.now())
    assert sorted((row.page.pk, row.what, row.due_on, row.standing) for row in rows) == [
        (notice.pk, "Update the status of recommendation 1", date(2026, 5, 1), Standing.POLICY),
        (notice.pk, "Update the status of recommendation 2", date(2026, 4, 1), Standing.POLICY),
    ]
    title = f"Death review {notice.reference}"
    assert found(deadlines.minimum_time_online_ends) == [(title, date(2027, 1, 5), Standing.POLICY)]


def person(*groups, name="somebody"):
    user = User.objects.create_user(name, password="x")
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def test_the_lists_agree_with_the_edit_screens(home, notices, meetings):
    """`editable_by` is Wagtail's and the death reviews' rule in SQL: they agree for each group and each page."""
    owner = person("Editors", name="owner")
    factories.page(models.StandardPage, home, owner=owner)
    factories.draft(models.DeathReviewNoticePage, notices)
    factories.page(models.MeetingPage, meetings)
    away = person("Moderators", name="away")
    away.is_active = False
    away.save()
    people = [person(group, name=group) for group in ("Editors", "Moderators", "Safeguarding leads")]
    people += [person(name="nobody"), User.objects.create_superuser("root", password="x"), owner, away]
    for each in people:
        user = User.objects.get(pk=each.pk)
        allowed = {
            page.pk for page in ContentPage.objects.specific() if page.specific.permissions_for_user(user).can_edit()
        }
        assert set(editable_by(user).values_list("pk", flat=True)) == allowed, user.username
    assert editable_by(people[1]).count() == 6
    assert editable_by(people[0]).count() == 4


def test_nobody_hears_of_what_they_may_not_edit(home, notices):
    factories.page(
        models.DeathReviewNoticePage,
        notices,
        next_review_due_on=date(2026, 8, 1),
        recommendations=[recommendation("1", date(2026, 5, 1))],
    )
    factories.page(models.StandardPage, home, title="Plain", next_review_due_on=date(2026, 9, 1))
    at = london(2026, 2, 11, 9)
    models.DeathReviewNoticePage.objects.update(minimum_online_until=date(2027, 1, 5))

    def rules(user):
        return [row.rule for row in deadlines_of(user, at)]

    ContentPage.objects.filter(pk=home.pk).update(first_published_at=london(2026, 1, 5, 9))
    assert rules(person("Editors", name="editor")) == ["review", "public_meeting"]
    everything = ["action_plan", "review", "review", "public_meeting", "time_online"]
    assert rules(person("Moderators", name="moderator")) == everything
    assert rules(person("Safeguarding leads", name="lead")) == ["action_plan", "review", "time_online"]
    assert rules(person(name="nobody")) == []


def test_as_many_queries_for_twenty_rows_as_for_two(home, notices, meetings):
    user = User.objects.create_superuser("root", password="x")
    at = timezone.now()

    def fill(rows, start):
        for number in range(start, start + rows):
            factories.page(models.MeetingPage, meetings, slug=f"a{number}", starts_at=at + timedelta(days=number + 1))
            factories.page(models.MeetingPage, meetings, slug=f"b{number}", starts_at=at - timedelta(days=number + 1))
            factories.page(models.StandardPage, home, next_review_due_on=date(2027, 1, 1))
            factories.page(models.PriorityPeriodPage, home, next_review_due_on=date(2027, 1, 1))
            factories.page(
                models.DeathReviewNoticePage,
                notices,
                minimum_online_until=date(2027, 1, 5),
                recommendations=[recommendation("1", date(2026, 5, 1))],
            )

    fill(2, 0)
    few = queries(lambda: deadlines_of(user, at))
    assert len(deadlines_of(user, at)) == 2 * 6 + 1
    fill(18, 2)
    many = queries(lambda: deadlines_of(user, at))
    assert len(deadlines_of(user, at)) == 20 * 6 + 1
    assert len(many) == len(few)
