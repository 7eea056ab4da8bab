"""The first screen of the admin: what awaits my review, my submissions, deadlines; and nothing that I may not see."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import WorkflowState

from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.models import ContentPage
from tests import factories
from tests.admin_forms import decide
from tests.factories import london

NOW = london(2026, 2, 11, 9)


@pytest.fixture(autouse=True)
def _frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def people(home):
    found = {}
    for group, name in (("Editors", "Ed"), ("Moderators", "Mo"), ("Safeguarding leads", "Lee")):
        user = User.objects.create_user(name.lower(), first_name=name, last_name="Smith", password="x")
        user.groups.add(Group.objects.get(name=group))
        found[group] = user
    return found


@pytest.fixture(scope="module")
def recorded_index(record):
    return record(index_of_notices, at=NOW)


def index_of_notices():
    index = factories.page(models.DeathReviewIndexPage, models.PartnershipPage.objects.get())
    set_up_death_reviews(index)
    return index


@pytest.fixture
def notices(home, recorded_index):
    return recorded_index.again()


def sections(client):
    """The rows of each part of the home as lists of the words in their cells; a part without rows as its sentence."""
    html = client.get(reverse("wagtailadmin_home")).content.decode()
    found = {}
    for name in ("waiting", "sent-in", "deadlines"):
        part = re.search(rf'<section[^>]*id="{name}-section".*?</section>', html, re.S)
        assert part, name
        body = re.search(r"<tbody>(.*?)</tbody>", part[0], re.S)
        rows = (
            re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
            if body
            else re.findall(r"<p\b[^>]*>(.*?)</p>", part[0], re.S)[:1]
        )
        cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.S) or [row] for row in rows]
        found[name] = [[_words(cell) for cell in row] for row in cells]
    return found


def _words(html):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def submit(page, user):
    page.save_revision(user=user)
    page.get_workflow().start(page, user)
    page.refresh_from_db()
    return page


def act(client, page, user, action, comment=""):
    client.force_login(user)
    decide(client, page, action, comment=comment, next="/admin/")
    page.refresh_from_db()


def test_useful_sentences_when_there_is_nothing(home, people, client):
    client.force_login(people["Editors"])
    assert sections(client) == {
        "waiting": [["Nothing is awaiting your review."]],
        "sent-in": [
            [
                "You have no current submissions. What you submit for moderation is listed here until two weeks after it "
                "is approved."
            ]
        ],
        "deadlines": [["No page that you can edit has a deadline that is overdue or due in the next 60 days."]],
    }


def test_what_an_editor_sends_in_waits_for_a_moderator(home, people, client):
    page = submit(factories.draft(models.StandardPage, home, title="About <us>"), people["Editors"])
    client.force_login(people["Moderators"])
    assert sections(client)["waiting"] == [
        ["About <us>", "Moderators approval, since 11 February 2026. Last edited by Ed Smith."]
    ]
    html = client.get("/admin/").content.decode()
    assert f'<a href="/admin/pages/{page.pk}/edit/">About &lt;us&gt;</a>' in html
    assert html.count("Awaiting your review</span>") == 1  # without Wagtail's own panel of this name
    client.force_login(people["Editors"])
    assert sections(client)["waiting"] == [["Nothing is awaiting your review."]]
    assert sections(client)["sent-in"] == [["About <us>", "Awaiting Moderators approval, since 11 February 2026."]]
    assert "in a workflow" not in client.get("/admin/").content.decode()


def test_what_waits_for_a_page_that_is_live_links_to_what_changed(home, people, client):
    page = factories.page(models.StandardPage, home, title="About")
    page.title = "About us"
    submit(page, people["Editors"])
    submit(factories.draft(models.StandardPage, home, title="New"), people["Editors"])
    client.force_login(people["Moderators"])
    html = client.get("/admin/").content.decode()
    changes = f"/admin/pages/{page.pk}/revisions/compare/live...{page.latest_revision_id}/"
    assert re.findall(r'href="([^"]*/compare/[^"]*)"', html) == [changes]
    assert "About us" in client.get(changes).content.decode()


def test_a_rejection_comes_back_with_its_reason(home, people, client):
    page = submit(factories.draft(models.StandardPage, home, title="About"), people["Editors"])
    act(client, page, people["Moderators"], "reject", "Say <who> leads it.")
    assert sections(client)["waiting"] == [["Nothing is awaiting your review."]]
    client.force_login(people["Editors"])
    assert sections(client)["sent-in"] == [
        ["About", "Sent back by Mo Smith on 11 February 2026. “Say <who> leads it.”"]
    ]
    assert "Say &lt;who&gt; leads it." in client.get("/admin/").content.decode()


def test_an_approval_is_shown_for_two_weeks(home, people, client):
    page = submit(factories.draft(models.StandardPage, home, title="About"), people["Editors"])
    act(client, page, people["Moderators"], "approve")
    assert page.live is True
    client.force_login(people["Editors"])
    assert sections(client)["sent-in"] == [["About", "Approved by Mo Smith on 11 February 2026."]]
    with time_machine.travel(NOW + timedelta(days=14, seconds=1), tick=False):
        client.force_login(people["Editors"])
        assert "You have no current submissions" in sections(client)["sent-in"][0][0]


def test_a_page_is_listed_once_as_it_stands_now(home, people, client):
    page = submit(factories.draft(models.StandardPage, home, title="About"), people["Editors"])
    act(client, page, people["Moderators"], "approve")
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        submit(page, people["Editors"])
        client.force_login(people["Editors"])
        assert sections(client)["sent-in"] == [["About", "Awaiting Moderators approval, since 12 February 2026."]]


def test_what_was_cancelled_is_not_listed(home, people, client):
    page = submit(factories.draft(models.StandardPage, home), people["Editors"])
    page.current_workflow_state.cancel(user=people["Editors"])
    client.force_login(people["Editors"])
    assert "You have no current submissions" in sections(client)["sent-in"][0][0]


def test_snippets_wait_too(home, people, client):
    agency = factories.agency(name="Fire Service")
    agency.save_revision(user=people["Editors"])
    agency.get_workflow().start(agency, people["Editors"])
    client.force_login(people["Moderators"])
    assert sections(client)["waiting"][0][0] == "Fire Service"
    assert (
        f'<a href="/admin/snippets/pages/agency/edit/{agency.pk}/">Fire Service</a>'
        in client.get("/admin/").content.decode()
    )


def test_a_takedown_waits_for_a_second_person(home, people, client):
    models.Takedown.objects.create(address="/about/", reason="A name", at=NOW, by=people["Safeguarding leads"])
    taken = ["/about/", "Taken offline by Lee Smith on 11 February 2026. A second person has to confirm it."]
    client.force_login(people["Moderators"])
    assert sections(client)["waiting"] == [taken]
    for group in ("Safeguarding leads", "Editors"):
        client.force_login(people[group])
        assert sections(client)["waiting"] == [["Nothing is awaiting your review."]]


def test_deadlines_are_sorted_and_say_what_is_overdue_and_whether_it_binds(home, people, client, settings):
    settings.AGENDA_POLICY = "five_clear_days"
    meetings = factories.page(models.MeetingIndexPage, home)
    factories.page(models.MeetingPage, meetings, title="Meeting", slug="m")
    factories.page(models.StandardPage, home, title="Old", next_review_due_on=date(2026, 2, 12))
    ContentPage.objects.filter(title="Old").update(next_review_due_on=date(2026, 2, 10))
    factories.page(models.StandardPage, home, title="Today", next_review_due_on=date(2026, 2, 12))
    ContentPage.objects.filter(title="Today").update(next_review_due_on=date(2026, 2, 11))
    factories.page(models.StandardPage, home, title="Last day", next_review_due_on=date(2026, 4, 12))
    factories.page(models.StandardPage, home, title="Later", next_review_due_on=date(2026, 4, 13))
    client.force_login(people["Editors"])
    check, policy = "Check that the page is still right", "Policy Date on the page"
    law = "May be required by law: to be verified by a lawyer Local Government Act 1972, section 100B"
    assert sections(client)["deadlines"] == [
        ["10 February 2026 Overdue", check, "Old", policy],
        ["11 February 2026", check, "Today", policy],
        ["18 February 2026", "Publish the agenda", "Meeting (provisional)", law],
        ["12 April 2026", check, "Last day", policy],
    ]
    assert '<a href="/admin/calendar-address/">' in client.get("/admin/").content.decode()


def test_a_long_list_says_how_many_more_there_are(home, people, client):
    for number in range(32):
        factories.page(models.StandardPage, home, slug=f"p{number}", next_review_due_on=date(2026, 3, 1))
    client.force_login(people["Editors"])
    assert len(sections(client)["deadlines"]) == 30
    assert ">And 2 more.</p>" in client.get("/admin/").content.decode()


@pytest.mark.parametrize("sees", ["Moderators", "Safeguarding leads"])
def test_a_notice_is_shown_by_reference_and_only_to_those_who_handle_them(home, people, notices, client, sees):
    """An approver without the right sees nothing of it, although the workflow would let them approve."""
    notice = factories.page(
        models.DeathReviewNoticePage,
        notices,
        pseudonym="Robin",
        next_review_due_on=date(2026, 3, 1),
        recommendations=[models.Recommendation(number="4", text="Act", level="local", due_on=date(2026, 3, 2))],
    )
    submit(notice, people["Editors"])
    if sees == "Safeguarding leads":
        act(client, notice, people["Moderators"], "approve")
    title = f"Death review {notice.reference}"
    client.force_login(people[sees])
    shown = sections(client)
    assert [row[0] for row in shown["waiting"]] == [title]
    assert [row[1:3] for row in shown["deadlines"]] == [
        ["Check that the page is still right", title],
        ["Update the status of recommendation 4", title],
    ]
    html = client.get("/admin/").content.decode()
    assert "Robin" not in html
    people["Editors"].groups.add(
        *Group.objects.filter(groupapprovaltask__isnull=False).exclude(name__in=["Moderators", "Safeguarding leads"])
    )
    task = notice.current_workflow_task_state.task.specific
    task.groups.add(Group.objects.get(name="Editors"))
    client.force_login(people["Editors"])
    assert WorkflowState.objects.get().requested_by == people["Editors"]
    html = client.get("/admin/").content.decode()
    assert notice.reference not in html
    shown = sections(client)
    assert shown["waiting"] == [["Nothing is awaiting your review."]]
    assert "You have no current submissions" in shown["sent-in"][0][0]
    assert shown["deadlines"] == [
        ["No page that you can edit has a deadline that is overdue or due in the next 60 days."]
    ]


def test_recent_edits_forget_a_notice_with_the_right_to_handle_it(home, people, notices, client):
    notice = factories.draft(models.DeathReviewNoticePage, notices)
    notice.save_revision(user=people["Editors"], log_action=True)
    page = factories.draft(models.StandardPage, home, title="About")
    page.save_revision(user=people["Editors"], log_action=True)
    client.force_login(people["Editors"])
    html = client.get("/admin/").content.decode()
    assert "Your most recent edits" in html
    assert "About" in html
    assert notice.reference not in html
    people["Editors"].groups.add(Group.objects.get(name="Safeguarding leads"))
    assert notice.reference in client.get("/admin/").content.decode()


def test_as_many_queries_for_five_of_each_kind_as_for_two(home, people, notices, client):
    meetings = factories.page(models.MeetingIndexPage, home)

    def fill(rows, start):
        for number in range(start, start + rows):
            submit(factories.draft(models.StandardPage, home), people["Moderators"])
            submit(factories.draft(models.DeathReviewNoticePage, notices), people["Moderators"])
            back = submit(factories.draft(models.StandardPage, home), people["Moderators"])
            back.current_workflow_task_state.reject(user=people["Safeguarding leads"], comment="No.")
            agency = factories.agency()
            agency.save_revision(user=people["Editors"])
            agency.get_workflow().start(agency, people["Moderators"])
            factories.page(models.MeetingPage, meetings, slug=f"m{number}")
            factories.page(models.StandardPage, home, next_review_due_on=date(2026, 3, 1))

    def count():
        cache.clear()
        client.get("/admin/")
        with CaptureQueriesContext(connection) as captured:
            shown = sections(client)
        return len(captured.captured_queries), [len(rows) for rows in shown.values()]

    client.force_login(people["Moderators"])
    fill(2, 0)
    few, lengths = count()
    assert lengths == [6, 8, 4]
    fill(3, 2)
    many, lengths = count()
    assert lengths == [15, 20, 10]
    assert many == few
