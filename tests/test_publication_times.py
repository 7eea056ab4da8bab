"""A time of publication is in words before whoever approves, and one that has passed is submitted and approved by nobody."""

import html
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.urls import reverse

from pages import models
from pages.content.publication_times import in_words
from tests import factories
from tests.admin_forms import decide, posted
from tests.factories import london

pytestmark = pytest.mark.django_db
NOW = london(2026, 12, 1, 10)
LATER = london(2026, 12, 15, 9)
IN_WORDS = "When it is approved, it will be published on Tuesday 15 December 2026 at 9am."
PASSED = "Tuesday 1 December 2026 at 9am has passed. Leave this empty to publish as soon as it is approved, or give a later time."


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def people(home):
    found = {}
    for group in ("Editors", "Moderators"):
        found[group] = User.objects.create_user(group.lower())
        found[group].groups.add(Group.objects.get(name=group))
    return found


@pytest.fixture(params=["page", "snippet"])
def thing(request, home):
    """A draft of something that is published at a time."""
    if request.param == "page":
        return factories.draft(models.StandardPage, home, title="Advice", slug="advice")
    return factories.snippet(models.Contact, live=False, team="Community safety team", email="team@example.org")


def edit(thing):
    if isinstance(thing, models.ContentPage):
        return reverse("wagtailadmin_pages:edit", args=[thing.pk])
    return reverse(thing.snippet_viewset.get_url_name("edit"), args=[thing.pk])


def send(client, thing, **changes):
    form = "page-edit-form" if isinstance(thing, models.ContentPage) else "w-editor-form"
    screen = client.get(edit(thing)).content
    form = form if f'id="{form}"'.encode() in screen else "page-edit-form"
    return client.post(edit(thing), posted(screen, form, **{"body-count": "0", **changes}))


def submit(client, person, thing, **changes):
    client.force_login(person)
    return send(client, thing, **{"action-submit": "action-submit", **changes})


def test_an_embargo_typed_in_british_figures_is_kept_and_read_in_words_before_it_is_approved(thing, people, client):
    assert submit(client, people["Editors"], thing, go_live_at="15/12/2026 09:00").status_code == 302
    thing.refresh_from_db()
    assert thing.get_latest_revision_as_object().go_live_at == LATER
    client.force_login(people["Moderators"])
    assert IN_WORDS in client.get(edit(thing)).content.decode()
    decide(client, thing, "approve")
    thing.refresh_from_db()
    assert (thing.live, thing.scheduled_revision.approved_go_live_at) == (False, LATER)


def test_an_embargo_that_nobody_understands_is_refused_beside_its_box(thing, people, client):
    answer = submit(client, people["Editors"], thing, go_live_at="15th of Dec, nine")
    assert answer.context["form"].errors["go_live_at"] == [
        "Write a date and time as in 15/12/2026 09:00 or 15 December 2026 9am."
    ]
    assert 'value="15th of Dec, nine"' in answer.content.decode()
    thing.refresh_from_db()
    assert (thing.live, thing.latest_revision, thing.current_workflow_state) == (False, None, None)


def test_a_time_that_has_passed_is_not_submitted(thing, people, client):
    answer = submit(client, people["Editors"], thing, go_live_at="1/12/2026 9am")
    assert answer.context["form"].errors["go_live_at"] == [PASSED]
    thing.refresh_from_db()
    assert (thing.live, thing.current_workflow_state) == (False, None)


def test_a_time_that_passed_meanwhile_is_not_approved_and_is_sent_back(thing, people, client, now):
    submit(client, people["Editors"], thing, go_live_at="15/12/2026 09:00")
    thing.refresh_from_db()
    task = thing.current_workflow_task_state
    client.force_login(people["Moderators"])
    old_screen = client.get(edit(thing)).content
    now.move_to(LATER + timedelta(hours=1))
    client.force_login(people["Moderators"])  # the session ended meanwhile
    screen = client.get(edit(thing)).content.decode()
    passed = PASSED.replace("1 December", "15 December")
    assert f"It cannot be approved as it is: {passed} Ask its author to change it." in screen
    form = "page-edit-form" if isinstance(thing, models.ContentPage) else "w-editor-form"
    approve = {"body-count": "0", "action-workflow-action": "true", "workflow-action-name": "approve"}
    refused = client.post(edit(thing), posted(old_screen, form, **approve), follow=True)
    assert passed in html.unescape(refused.content.decode())
    decide(client, thing, "approve")
    thing.refresh_from_db()
    task.refresh_from_db()
    assert (thing.live, thing.scheduled_revision, task.status) == (False, None, "in_progress")
    decide(client, thing, "reject", comment="Another time, please.")
    task.refresh_from_db()
    assert task.status == "rejected"


def test_what_is_live_keeps_the_time_at_which_it_was_published(home, people, client, now):
    page = factories.draft(models.StandardPage, home, go_live_at=LATER)
    now.move_to(LATER + timedelta(hours=1))
    factories.publish(page)
    answer = submit(client, people["Editors"], page, summary="Another summary.")
    assert answer.status_code == 302, answer.context["form"].errors
    page.refresh_from_db()
    assert (page.live, page.go_live_at, page.workflow_in_progress) == (True, LATER, True)


def test_approving_says_in_words_what_was_decided(home, people, client):
    page = factories.draft(models.StandardPage, home, title="Advice", slug="advice")
    submit(client, people["Editors"], page, go_live_at="15 Dec 2026 9am")
    client.force_login(people["Moderators"])
    sent = {"action-workflow-action": "true", "workflow-action-name": "approve"}
    answer = send(client, page, **sent)
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert "It is approved. It will be published on Tuesday 15 December 2026 at 9am." in said


def test_a_date_that_is_typed_beside_an_approval_is_the_one_that_counts(thing, people, client):
    submit(client, people["Editors"], thing, go_live_at="15/12/2026 09:00")
    client.force_login(people["Moderators"])
    approve = {"action-workflow-action": "true", "workflow-action-name": "approve"}
    answer = send(client, thing, go_live_at="16 December 2026 9am", **approve)
    assert answer.status_code == 302, answer.context["form"].errors
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert "It is approved. It will be published on Wednesday 16 December 2026 at 9am." in said
    thing.refresh_from_db()
    assert (thing.live, thing.scheduled_revision.approved_go_live_at) == (False, LATER + timedelta(days=1))


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (london(2026, 7, 1, 17, 30), "Wednesday 1 July 2026 at 5.30pm"),
        (london(2026, 7, 1, 0, 5), "Wednesday 1 July 2026 at 12.05am"),
        (london(2026, 7, 1), "Wednesday 1 July 2026 at midnight, as the day begins"),
        (london(2026, 7, 1, 12), "Wednesday 1 July 2026 at midday"),
    ],
)
def test_times_in_words(at, words):
    assert in_words(at) == words
