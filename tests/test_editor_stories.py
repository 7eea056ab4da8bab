"""The editor's stories, told over HTTP: what an editor sends in the admin, and what readers see afterwards."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse
from wagtail.models import Revision
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from documents.models import PublishedFile
from pages import models
from pages.editing.meeting_changes import call_off, may_call_off
from pages.models.approvals import Approval
from tests import factories
from tests.admin_forms import decide, posted, posted_document

EDIT = "wagtailadmin_pages:edit"
NEXT = "{ partnership { nextMeeting { title } } }"


@pytest.fixture
def people(home):
    """An editor and two moderators, by name."""
    found = {}
    for name, group in (("editor", "Editors"), ("moderator", "Moderators"), ("colleague", "Moderators")):
        found[name] = User.objects.create_user(name, email=f"{name}@example.org", password="x")
        found[name].groups.add(Group.objects.get(name=group))
    return found


@pytest.fixture
def send(client, people):
    """Post the edit screen of a page as the editor, with changes, and return the page that answers."""

    def post(page, action="", **changes):
        client.force_login(people["editor"])
        url = reverse(EDIT, args=[page.pk])
        form = posted(client.get(url).content, **changes)
        return client.post(url, {**form, **({action: "on"} if action else {})}, follow=True)

    return post


@pytest.fixture
def approve(client, people):
    def post(page):
        client.force_login(people["moderator"])
        return decide(client, page, "approve")

    return post


@pytest.fixture(scope="module")
def recorded_meeting(record):
    return record(meeting_in_february)


def meeting_in_february():
    index = factories.page(models.MeetingIndexPage, models.PartnershipPage.objects.get())
    with time_machine.travel(factories.london(2026, 2, 11, 9)):
        return factories.page(
            models.MeetingPage,
            index,
            title="Meeting in February",
            agenda_items=[models.AgendaItem(number="1", title="Welcome")],
            papers=[models.Paper(document=factories.document())],
            questions_deadline=factories.london(2026, 2, 20, 12),
        )


@pytest.fixture
def meeting(home, recorded_meeting):
    return recorded_meeting.again()


MEETING = """query ($path: String!) { page(urlPath: $path) { ... on MeetingPage {
  url status startsAt statusNotice { text } changeLog { field before after reason } } } }"""


def test_story_e1_duplicating_a_meeting_gives_a_clean_next_one(meeting, people, client):
    meeting.status, meeting.status_notice = "cancelled", "<p>The hall is closed.</p>"
    meeting.attendance_mode, meeting.joining_url = "hybrid", "https://example.org/join"
    factories.publish(meeting)
    meeting.status_notice += "<p>An old draft.</p>"
    meeting.save_revision()
    client.force_login(people["editor"])
    form = {"new_title": "Meeting in May", "new_slug": "may", "new_parent_page": meeting.get_parent().pk}
    client.post(reverse("wagtailadmin_pages:copy", args=[meeting.pk]), form)
    copy = models.MeetingPage.objects.exclude(pk=meeting.pk).get()
    assert (copy.live, copy.title, copy.venue, copy.starts_at) == (False, "Meeting in May", meeting.venue, None)
    draft = copy.get_latest_revision_as_object()
    assert draft.uuid == copy.uuid != meeting.uuid
    assert (draft.starts_at, draft.status, draft.status_notice, draft.joining_url) == (None, "provisional", "", "")
    assert (list(draft.agenda_items.all()), list(draft.papers.all())) == ([], [])
    assert (draft.questions_deadline, draft.first_published_at, draft.public_updated_at) == (None, None, None)
    assert "An old draft" not in str(list(copy.revisions.values_list("content", flat=True)))


def test_story_e3_cancelling_takes_a_notice(meeting, send, approve, ask):
    response = send(meeting, "action-submit", status="cancelled")
    assert "Say what changed and why" in response.content.decode()
    meeting.refresh_from_db()
    assert (meeting.workflow_in_progress, meeting.status) == (False, "provisional")

    notice = '{"blocks":[{"key":"a","text":"The hall is closed.","type":"unstyled","depth":0,"inlineStyleRanges":[],\
"entityRanges":[],"data":{}}],"entityMap":{}}'
    before = ask("{ meetings { nodes { url } } }")["meetings"]["nodes"][0]["url"]
    send(meeting, "action-submit", status="cancelled", status_notice=notice)
    approve(meeting)
    meeting.refresh_from_db()
    assert (meeting.live, meeting.status) == (True, "cancelled")
    path = "/" + before.split("/", 3)[3]
    found = ask(MEETING, path=path)["page"]
    assert (found["url"], found["status"]) == (before, "CANCELLED")
    assert found["statusNotice"] == {"text": "The hall is closed."}
    assert found["changeLog"] == [
        {"field": "status", "before": "Provisional", "after": "Cancelled", "reason": "The hall is closed."}
    ]


def test_unpublishing_a_meeting_first_does_not_get_round_the_notice(meeting, people, ask):
    meeting.unpublish(user=people["moderator"])
    with time_machine.travel(factories.london(2026, 2, 12, 9), tick=False):
        moved = meeting.get_latest_revision_as_object()
        moved.starts_at += timedelta(days=7)
        assert list(moved.publishing_problems()) == ["status_notice"]
        with pytest.raises(ValidationError, match="Say what changed and why"):
            factories.publish(moved)
        assert ask("{ meetings { totalCount } }") == {"meetings": {"totalCount": 0}}
        moved = models.MeetingPage.objects.get(pk=meeting.pk).get_latest_revision_as_object()
        moved.starts_at += timedelta(days=7)
        moved.status_notice = "<p>The hall is closed.</p>"
        factories.publish(moved)
    [change] = moved.change_log.all()
    assert (change.field, change.reason) == ("starts", "The hall is closed.")


def test_nor_when_the_last_version_came_out_on_a_schedule(meeting, people):
    with time_machine.travel(factories.london(2026, 2, 12, 9), tick=False) as clock:
        later = meeting.get_latest_revision_as_object()
        later.starts_at += timedelta(days=1)
        later.status_notice = "<p>One day later.</p>"
        later.go_live_at = factories.london(2026, 2, 12, 10)
        factories.approve(later).publish()
        clock.shift(timedelta(hours=2))
        call_command("publish_scheduled")
        models.MeetingPage.objects.get(pk=meeting.pk).unpublish(user=people["moderator"])
        again = models.MeetingPage.objects.get(pk=meeting.pk).get_latest_revision_as_object()
        assert again.known_version().starts_at == later.starts_at
        again.status_notice = ""
        assert list(again.publishing_problems()) == ["status_notice"]


def test_a_meeting_is_not_announced_at_a_place_that_is_not_public(meeting, people):
    """Readers would be told to come and not where. One that they know of keeps nothing from them."""
    hidden = factories.venue(name="New hall", live=False)
    draft = factories.draft(models.MeetingPage, meeting.get_parent(), venue=hidden)
    refusal = "“New hall” is not published: publish the venue first, or choose another."
    assert draft.publishing_problems() == {"venue": refusal}
    with pytest.raises(ValidationError, match=refusal):
        factories.publish(draft)
    assert models.MeetingPage.objects.get(pk=draft.pk).live is False
    with time_machine.travel(factories.london(2026, 2, 12, 9), tick=False):
        moved = models.MeetingPage.objects.get(pk=meeting.pk)
        moved.venue, moved.status_notice = hidden, "<p>Elsewhere.</p>"
        with pytest.raises(ValidationError, match=refusal):
            factories.publish(moved)
        known = models.MeetingPage.objects.get(pk=meeting.pk)
        assert (known.venue, known.change_log.count()) == (meeting.venue, 0)
        # It will not be there when the version is due.
        ends = factories.venue(name="Tent", expire_at=factories.london(2026, 2, 13, 9))
        moved = models.MeetingPage.objects.get(pk=meeting.pk)
        moved.venue, moved.status_notice = ends, "<p>Elsewhere.</p>"
        assert moved.publishing_problems() == {}
        moved.go_live_at = factories.london(2026, 2, 13, 9)
        assert list(moved.publishing_problems()) == ["venue"]
        # What readers know already can be called off all the same.
        models.Venue.objects.get(pk=meeting.venue_id).unpublish()
        call_off(meeting, people["moderator"], "cancelled", "The hall is flooded.")
    assert models.MeetingPage.objects.get(pk=meeting.pk).status == "cancelled"


def test_the_times_of_a_meeting_are_whole_minutes(meeting):
    meeting.starts_at = meeting.starts_at.replace(second=31, microsecond=7)
    meeting.full_clean()
    assert meeting.starts_at == models.MeetingPage.objects.get(pk=meeting.pk).starts_at


@time_machine.travel(factories.london(2026, 2, 20, 9), tick=False)
def test_a_moderator_calls_a_meeting_off_alone_and_touches_nothing_else(meeting, people, client, ask):
    draft = models.MeetingPage.objects.get(pk=meeting.pk)
    draft.title = "A draft title"
    draft.save_revision(user=people["editor"])
    url = reverse("call_off_meeting", args=[meeting.pk])
    client.force_login(people["editor"])
    assert client.post(url, {"status": "cancelled", "notice": "No."}).status_code == 302
    client.force_login(people["moderator"])
    refused = client.post(url, {"status": "cancelled", "notice": " "}).content.decode()
    assert "Say what changed and why" in refused
    assert "held" not in refused
    assert client.post(url, {"status": "held", "notice": "Nobody may do this."}).status_code == 200
    meeting.refresh_from_db()
    assert (meeting.status, meeting.change_log.count(), Approval.objects.filter(role="fast-lane").count()) == (
        "provisional",
        0,
        0,
    )
    client.post(url, {"status": "cancelled", "notice": "The hall is closed.\n\n<b>Sorry</b>."})
    meeting = models.MeetingPage.objects.get(pk=meeting.pk)
    assert (meeting.status, meeting.title, meeting.has_unpublished_changes) == (
        "cancelled",
        "Meeting in February",
        True,
    )
    assert meeting.status_notice == "<p>The hall is closed.</p><p>&lt;b&gt;Sorry&lt;/b&gt;.</p>"
    assert meeting.agenda_items.count() == 1
    [change] = meeting.change_log.all()
    assert (change.field, change.after, change.reason) == ("status", "Cancelled", "The hall is closed.\n<b>Sorry</b>.")
    waiting = meeting.get_latest_revision_as_object()
    assert (waiting.title, waiting.status, waiting.status_notice) == (
        "A draft title",
        "cancelled",
        meeting.status_notice,
    )
    assert Approval.objects.get(role="fast-lane").by == people["moderator"]


@time_machine.travel(factories.london(2026, 2, 20, 9), tick=False)
def test_the_fast_lane_leaves_what_waits_for_approval_waiting(meeting, send, approve, people, client):
    send(meeting, "action-submit", title="Better title")
    client.force_login(people["moderator"])
    client.post(reverse("call_off_meeting", args=[meeting.pk]), {"status": "postponed", "notice": "Snow."})
    meeting.refresh_from_db()
    assert (meeting.status, meeting.title, meeting.workflow_in_progress) == ("postponed", "Meeting in February", True)
    approve(meeting)
    meeting = models.MeetingPage.objects.get(pk=meeting.pk)
    assert (meeting.status, meeting.title) == ("postponed", "Better title")


def test_moving_a_meeting_online_takes_a_notice_too(meeting):
    draft = models.MeetingPage.objects.get(pk=meeting.pk)
    draft.attendance_mode, draft.joining_url = "hybrid", "https://example.org/join"
    assert draft.publishing_problems() == {}  # another way to come, and the one that readers know
    draft.attendance_mode = "online"
    assert draft.publishing_problems() == {
        "status_notice": "Say what changed and why: the date, the time or the place differs from what was published."
    }
    draft.status_notice = "<p>The hall is flooded.</p>"
    factories.publish(draft)
    entries = [(entry.field, entry.after, entry.reason) for entry in draft.change_log.all()]
    assert entries == [("attendance", "Online", "The hall is flooded.")]


@pytest.mark.parametrize("change", [{"starts_at": factories.london(2026, 2, 25, 10)}, {"venue": None}])
def test_moving_a_meeting_takes_a_notice_and_is_logged(meeting, change):
    if "venue" in change:
        change = {"venue": factories.venue(name="Town hall", room="Room 2", address="Cambridge", postcode="CB1 1AA")}
    draft = models.MeetingPage.objects.get(pk=meeting.pk)
    for name, value in change.items():
        setattr(draft, name, value)
    assert set(draft.publishing_problems()) == {"status_notice"}
    draft.status_notice = "<p>Moved.</p>"
    assert draft.publishing_problems() == {}
    factories.publish(draft)
    [entry] = draft.change_log.all()
    assert (entry.field, entry.reason) == (("venue" if "venue" in change else "starts"), "Moved.")
    wanted = "Room 2, Town hall, Cambridge, CB1 1AA" if "venue" in change else "Wednesday 25 February 2026, 10am"
    assert entry.after == wanted


def test_a_public_notice_is_added_to_and_not_rewritten(meeting):
    meeting.status, meeting.status_notice = "postponed", "<p>Snow.</p>"
    factories.publish(meeting)
    rewritten = (
        "<p>Snow. Or not.</p>",
        '<p><a href="https://other.example/">Snow.</a></p>',
        "<p>News.</p><p>Snow.</p>",
    )
    for text in ("", "<p>Rain.</p>", "<p>No snow.</p>", *rewritten):
        meeting.status_notice = text
        assert set(meeting.publishing_problems()) == {"status_notice"}
    meeting.status_notice = '<p data-block-key="k">Snow.</p><p>A date follows.</p>'
    assert meeting.publishing_problems() == {}
    meeting.status = "cancelled"
    factories.publish(meeting)
    assert [entry.reason for entry in meeting.change_log.all()] == ["Snow.", "A date follows."]


def test_story_e4_an_action_added_to_a_priority_is_counted(home, send, approve, ask):
    period = factories.page(models.PriorityPeriodPage, home, starts_on="2025", ends_on="2027", slug="period")
    priority = factories.page(
        models.PriorityPage,
        period,
        number=2,
        title="A neighbourhood approach",
        slug="two",
        actions=[models.Action(text="Respond by ward.", horizon="strategy-life")],
    )

    def count():
        query = '{ page(urlPath: "/period/two/") { ... on PriorityPage { actions { horizon } } } }'
        return [action["horizon"] for action in ask(query)["page"]["actions"]].count("STRATEGY_LIFE")

    assert count() == 1
    [old] = priority.actions.all()
    rows = [
        {"id": old.pk, "text": old.text, "horizon": old.horizon, "status": old.status, "ORDER": "1"},
        {"id": "", "text": "Listen to residents.", "horizon": "strategy-life", "status": old.status, "ORDER": "2"},
    ]
    rows = [{**row, "lead_agency": "", "due_on": ""} for row in rows]
    send(priority, "action-submit", **nested_form_data({"actions": inline_formset(rows, initial=1)}))
    assert count() == 1
    approve(priority)
    assert count() == 2


def test_story_e5_a_major_update_needs_a_note_and_a_minor_one_leaves_the_date(home, send, approve, ask):
    with time_machine.travel(factories.london(2026, 2, 11, 9)):
        page = factories.page(models.StandardPage, home, slug="advice")

    def updated():
        return ask('{ page(urlPath: "/advice/") { title publicUpdatedAt changeHistory { note } } }')["page"]

    first = updated()
    refused = send(page, "action-submit", update_kind="major", change_note=" ", title="Other", **{"body-count": "0"})
    assert "Say in one sentence what changed: this is a major update." in refused.content.decode()
    page.refresh_from_db()
    assert (page.workflow_in_progress, updated()) == (False, first)
    send(page, "action-submit", update_kind="minor", title="Mended", **{"body-count": "0"})
    approve(page)
    assert updated() == {**first, "title": "Mended"}
    send(page, "action-submit", update_kind="major", change_note="New number.", title="Major", **{"body-count": "0"})
    approve(page)
    after = updated()
    assert (after["title"], after["changeHistory"]) == ("Major", [{"note": "New number."}])
    assert after["publicUpdatedAt"] > first["publicUpdatedAt"]


def test_story_e7_a_month_stays_a_month(home, send, approve, ask):
    index = factories.page(models.PublicationIndexPage, home, publication_kind="plans", slug="plans")
    plan = factories.page(models.CommunitySafetyPlanPage, index, effective_from="2022", slug="plan")
    send(plan, "action-submit", effective_from="September 2023", **{"body-count": "0"})
    approve(plan)
    query = '{ page(urlPath: "/plans/plan/") { ... on CommunitySafetyPlanPage { effectiveFrom { value precision } } } }'
    assert ask(query)["page"]["effectiveFrom"] == {"value": "2023-09", "precision": "MONTH"}


def test_story_e8_a_voided_approval_stops_the_scheduled_publication(
    home, send, approve, people, client, ask, django_capture_on_commit_callbacks
):
    now = factories.london(2026, 3, 2, 9)
    with time_machine.travel(now, tick=False) as clock:
        document = factories.document()
        page = factories.page(models.StandardPage, home, title="Advice", slug="advice")
        page.title, page.body = "New advice", [("document", document)]
        page.go_live_at = now + timedelta(hours=2)
        page.save_revision(user=people["editor"])
        page.get_workflow().start(page, people["editor"])
        approve(page)
        scheduled = Revision.objects.get(pk=page.latest_revision_id)
        assert scheduled.approved_go_live_at == now + timedelta(hours=2)
        # Meanwhile an editor describes the file in other words: that is not what the moderator approved.
        client.force_login(people["editor"])
        url = reverse("wagtaildocs:edit", args=[document.pk])
        client.post(url, posted_document(document, title="Other words"))
        document.refresh_from_db()
        assert document.title == "Other words"
        mail.outbox.clear()
        clock.shift(timedelta(hours=2, seconds=1))
        with django_capture_on_commit_callbacks(execute=True):
            call_command("publish_scheduled")
        assert ask('{ page(urlPath: "/advice/") { title } }') == {"page": {"title": "Advice"}}
        assert PublishedFile.objects.count() == 0
        scheduled.refresh_from_db()
        assert scheduled.approved_go_live_at is None
        assert sorted(message.to[0] for message in mail.outbox) == ["editor@example.org", "moderator@example.org"]
        assert {message.subject for message in mail.outbox} == {"Not published: Advice"}


def test_story_e8_an_edit_takes_the_schedule_off_at_once(home, approve, people, django_capture_on_commit_callbacks):
    now = factories.london(2026, 3, 2, 9)
    with time_machine.travel(now, tick=False) as clock:
        page = factories.draft(models.StandardPage, home, title="Advice")
        page.go_live_at = now + timedelta(hours=2)
        page.save_revision(user=people["editor"])
        page.get_workflow().start(page, people["editor"])
        approve(page)
        mail.outbox.clear()
        page = models.StandardPage.objects.get(pk=page.pk).get_latest_revision_as_object()
        page.title = "Other advice"
        with django_capture_on_commit_callbacks(execute=True):
            page.save_revision(user=people["colleague"])
        assert sorted(message.to[0] for message in mail.outbox) == ["editor@example.org", "moderator@example.org"]
        assert not Revision.objects.filter(approved_go_live_at__isnull=False).exists()
        clock.shift(timedelta(hours=3))
        call_command("publish_scheduled")
        page.refresh_from_db()
        assert page.live is False


def test_one_version_that_cannot_be_published_keeps_no_other_back(home, approve, people):
    now = factories.london(2026, 3, 2, 9)
    with time_machine.travel(now, tick=False) as clock:
        pages = []
        for number in range(3):
            page = factories.draft(models.StandardPage, home, slug=f"page-{number}")
            page.go_live_at = now + timedelta(minutes=number + 1)
            factories.approve(page).publish()
            pages.append(page)
        Approval.objects.filter(revision__object_id=pages[0].pk).update(voided_at=now)
        clock.shift(timedelta(hours=1))
        call_command("publish_scheduled")
        assert [models.StandardPage.objects.get(pk=page.pk).live for page in pages] == [False, True, True]


def test_story_e9_a_draft_of_a_live_page_changes_nothing_public(home, send, client):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    page = factories.page(models.NewsPage, index, title="Advice", slug="advice")
    channels = ("/news/advice/", "/feeds/news.atom", "/feeds/all.json", "/feeds/", "/sitemap.xml", "/")
    query = {
        "query": '{ page(urlPath: "/news/advice/") { title summary url publicUpdatedAt } navigation { title } '
        'search(query: "advice") { nodes { page { title } } } none: search(query: "zzdraft") { totalCount } '
        "changes(first: 100) { nodes { kind at } } }"
    }

    def public():
        client.logout()
        answer = client.post("/graphql/", query, content_type="application/json").content
        return [answer, *(client.get(path).content for path in channels)]

    before = public()
    send(page, title="Zzdraft", summary="Zzdraft.", slug="zzdraft", **{"body-count": "0"})
    page.refresh_from_db()
    assert page.latest_revision.content["title"] == "Zzdraft"
    assert public() == before


def test_story_e10_the_next_meeting_moves_on_by_itself(meeting, ask):
    with time_machine.travel(factories.london(2026, 2, 11, 9)):
        factories.page(
            models.MeetingPage,
            meeting.get_parent(),
            title="Meeting in May",
            starts_at=factories.london(2026, 5, 19, 10),
        )
    for second, title in ((59 * 60 + 59, "Meeting in February"), (60 * 60 + 1, "Meeting in May")):
        with time_machine.travel(factories.london(2026, 2, 24, 9) + timedelta(seconds=second), tick=False):
            assert ask(NEXT)["partnership"]["nextMeeting"] == {"title": title}


def test_words_that_a_draft_adds_to_a_notice_stay_after_those_of_the_fast_lane(meeting, people, client):
    draft = models.MeetingPage.objects.get(pk=meeting.pk)
    draft.status_notice = "<p>Draft words.</p>"
    draft.save_revision(user=people["editor"])
    client.force_login(people["moderator"])
    with time_machine.travel(factories.london(2026, 2, 20, 9), tick=False):
        client.force_login(people["moderator"])
        client.post(reverse("call_off_meeting", args=[meeting.pk]), {"status": "cancelled", "notice": "Illness."})
    waiting = models.MeetingPage.objects.get(pk=meeting.pk).get_latest_revision_as_object()
    assert waiting.status_notice == "<p>Illness.</p><p>Draft words.</p>"
    assert waiting.publishing_problems() == {}


def test_the_fast_lane_is_for_meetings_to_come_and_approves_no_file(meeting, people, client):
    with time_machine.travel(factories.london(2026, 2, 24, 11), tick=False):
        assert may_call_off(people["moderator"], meeting) is False
    with time_machine.travel(factories.london(2026, 2, 20, 9), tick=False):
        document = meeting.papers.get().document
        document.title = "Other words"
        document.save()
        with pytest.raises(ValidationError, match="A file of this meeting was changed"):
            call_off(meeting, people["moderator"], "cancelled", "Illness.")
        client.force_login(people["moderator"])
        url = reverse("call_off_meeting", args=[meeting.pk])
        answer = client.post(url, {"status": "cancelled", "notice": "Illness."}).content.decode()
        assert "<p>A file of this meeting was changed after it was approved: submit the page instead.</p>" in answer
    meeting.refresh_from_db()
    assert (meeting.status, meeting.change_log.count()) == ("provisional", 0)
