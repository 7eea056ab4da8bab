"""What readers are told of earlier changes after an emergency takedown, and of changes that no reader saw."""

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from wagtail.models import PageViewRestriction

from feeds.read.meetings import event_of
from pages import models
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.admin_forms import decide, edit_url, posted
from tests.factories import london

NAME = "Jane Doe"
PLACE = "12 Larch Close"
HISTORY = """query($path: String!) { page(urlPath: $path) { title
  ... on NewsPage { changeHistory { note } }
  ... on DeathReviewNoticePage { changeHistory { note } }
  ... on MeetingPage { changeHistory { note } changeLog { field before after reason } } } }"""
CHANGES = "{ changes { nodes { kind note } } }"


@pytest.fixture
def people(home):
    found = {}
    for name, group in (("editor", "Editors"), ("moderator", "Moderators"), ("colleague", "Moderators")):
        found[name] = User.objects.create_user(name, password="x")
        found[name].groups.add(Group.objects.get(name=group))
    lead = found["lead"] = User.objects.create_user("lead", password="x")
    lead.groups.add(Group.objects.get(name="Safeguarding leads"))
    return found


@pytest.fixture(scope="module")
def recorded_meeting(record, recorded_tree):
    return record(meeting_at_a_refuge, upon=recorded_tree)


def meeting_at_a_refuge():
    venues = factories.venue(name="Refuge", address=PLACE), factories.venue(name="Guildhall", address="Market Square")
    fields = {"title": "Forum", "venue": venues[0], "starts_at": london(2027, 3, 24, 10)}
    return factories.page(models.MeetingPage, models.MeetingIndexPage.objects.get(), **fields), venues


@pytest.fixture
def meeting_and_venues(tree, recorded_meeting):
    """A meeting at the first venue."""
    made = recorded_meeting.again()
    tree[models.MeetingIndexPage].refresh_from_db()
    return made


@pytest.fixture
def meeting(meeting_and_venues):
    return meeting_and_venues[0]


@pytest.fixture
def venues(meeting_and_venues):
    return meeting_and_venues[1]


def changed(page, **fields):
    """The page with another version published."""
    page = type(page).objects.get(pk=page.pk)
    for name, value in fields.items():
        setattr(page, name, value)
    return factories.publish(page)


def submitted(page, editor, **fields):
    page = type(page).objects.get(pk=page.pk)
    for name, value in fields.items():
        setattr(page, name, value)
    page.save_revision(user=editor)
    page = type(page).objects.get(pk=page.pk)
    page.get_workflow().start(page, editor)
    return page


def path_of(page):
    return "/" + page.url_path.split("/", 2)[2]


def told(client, page):
    """All that readers are told of a page: its HTML and all feeds."""
    client.logout()
    feeds = ("/feeds/all.json", "/feeds/news.json", "/feeds/meetings.json", "/feeds/meetings.ics")
    return unescape("".join(client.get(address).content.decode() for address in (path_of(page), *feeds)))


@pytest.mark.parametrize("model", [models.NewsPage, models.DeathReviewNoticePage])
def test_a_change_note_that_was_taken_down_does_not_come_back(tree, people, client, ask, model):
    parent = {models.NewsPage: models.NewsIndexPage, models.DeathReviewNoticePage: models.DeathReviewIndexPage}[model]
    page = factories.page(model, tree[parent], title="Statement")
    page = changed(page, update_kind="major", change_note=f"We no longer say that {NAME} was there.")
    assert NAME in told(client, page)
    take_down(page, people["lead"], "The note names a child.")
    page = changed(page, summary="A clean version.", update_kind="minor", change_note="")
    assert NAME not in told(client, page)
    assert ask(HISTORY, path=path_of(page))["page"]["changeHistory"] == []
    assert models.ChangeNote.with_taken_down.get(page=page).taken_down is True
    page = changed(page, update_kind="major", change_note="A later update.")
    assert ask(HISTORY, path=path_of(page))["page"]["changeHistory"] == [{"note": "A later update."}]


def test_the_list_of_changes_does_not_repeat_a_note_that_was_taken_down(tree, people, client, ask):
    page = factories.page(models.NewsPage, tree[models.NewsIndexPage], title="Statement")
    page = changed(page, update_kind="major", change_note=f"About {NAME}.")
    assert NAME in str(ask(CHANGES))
    take_down(page, people["lead"], "The note names a child.")
    changed(page, summary="A clean version.", update_kind="minor", change_note="")
    assert NAME not in str(ask(CHANGES))


def test_a_change_log_that_was_taken_down_does_not_come_back_and_the_sequence_does_not_fall(
    meeting, people, client, ask
):
    notice = f"<p>Moved because of the arrest of {NAME}.</p>"
    meeting = changed(meeting, starts_at=meeting.starts_at + timedelta(days=1), status_notice=notice)
    assert NAME in told(client, meeting)
    sequence = event_of(meeting.uuid, meeting.last_published_at).sequence
    take_down(meeting, people["moderator"], "The reason names a child.")
    meeting = changed(meeting, status_notice="<p>It takes place a day later.</p>")
    assert NAME not in told(client, meeting)
    assert ask(HISTORY, path=path_of(meeting))["page"]["changeLog"] == []
    assert event_of(meeting.uuid, meeting.last_published_at).sequence == sequence == 1


@pytest.mark.parametrize("venue_is_public", [True, False])
def test_the_next_version_does_not_tell_the_place_that_was_taken_down(
    meeting, venues, people, client, ask, venue_is_public
):
    take_down(meeting, people["moderator"], "The address of the refuge must not be known.")
    if not venue_is_public:
        venues[0].unpublish()
    meeting = submitted(meeting, people["editor"], venue=venues[1], status_notice="<p>At the Guildhall.</p>")
    client.force_login(people["colleague"])
    assert PLACE not in client.get(f"/admin/pages/{meeting.pk}/view_draft/").content.decode()
    decide(client, meeting, "approve")
    assert models.MeetingPage.objects.get(pk=meeting.pk).live
    found = ask(HISTORY, path=path_of(meeting))["page"]
    assert found == {"title": "Forum", "changeHistory": [], "changeLog": []}
    assert PLACE not in told(client, meeting)
    assert not models.MeetingChange.with_taken_down.exists()


def test_after_a_takedown_the_published_notice_need_not_be_repeated(meeting, people):
    later = meeting.starts_at + timedelta(days=1)
    meeting = changed(meeting, starts_at=later, status_notice=f"<p>{NAME} was arrested.</p>")
    meeting.status_notice = "<p>It takes place a day later.</p>"
    assert list(meeting.publishing_problems()) == ["status_notice"]
    take_down(models.MeetingPage.objects.get(pk=meeting.pk), people["moderator"], "The notice names a child.")
    meeting = models.MeetingPage.objects.get(pk=meeting.pk)
    meeting.status_notice = "<p>It takes place a day later.</p>"
    assert meeting.publishing_problems() == {}


@pytest.mark.parametrize("hidden", ["above", "itself"])
def test_changes_that_no_reader_saw_are_not_told_later(meeting, tree, venues, client, ask, hidden):
    page = tree[models.MeetingIndexPage] if hidden == "above" else meeting
    restriction = PageViewRestriction.objects.create(page=page, restriction_type="login")
    secret = factories.page(models.MeetingPage, tree[models.MeetingIndexPage], venue=venues[0], title="Secret")
    if hidden == "itself":
        PageViewRestriction.objects.create(page=secret, restriction_type="login")
    for each in (meeting, secret):
        changed(
            each,
            venue=venues[1],
            status_notice="<p>At the Guildhall.</p>",
            update_kind="major",
            change_note="No longer at the refuge in Larch Close.",
        )
    restriction.delete()
    PageViewRestriction.objects.all().delete()
    for each in (meeting, secret):
        found = ask(HISTORY, path=path_of(each))["page"]
        assert (found["changeHistory"], found["changeLog"]) == ([], [])
        assert "Larch Close" not in told(client, each)
    assert models.MeetingChange.with_taken_down.count() == models.ChangeNote.with_taken_down.count() == 0


def test_a_version_that_no_reader_saw_is_not_known_when_it_was_unpublished(meeting, tree, venues, ask):
    index = tree[models.MeetingIndexPage]
    restriction = PageViewRestriction.objects.create(page=index, restriction_type="login")
    meeting = changed(meeting, starts_at=london(2027, 4, 1, 10), status_notice="<p>Later.</p>")
    meeting.unpublish()
    restriction.delete()
    meeting = models.MeetingPage.objects.get(pk=meeting.pk)
    assert meeting.known_version() is None
    changed(meeting, venue=venues[1])
    assert ask(HISTORY, path=path_of(meeting))["page"]["changeLog"] == []


def test_a_meeting_that_was_unpublished_still_tells_what_changed(meeting, venues, ask):
    meeting.unpublish()
    meeting = changed(meeting, venue=venues[1], status_notice="<p>At the Guildhall.</p>")
    [row] = ask(HISTORY, path=path_of(meeting))["page"]["changeLog"]
    assert (row["field"], row["before"], row["reason"]) == ("venue", f"Refuge, {PLACE}, CB1 1JF", "At the Guildhall.")


def test_the_approver_sees_the_earlier_changes_that_come_back_and_those_that_are_added(meeting, venues, people, client):
    later = meeting.starts_at + timedelta(days=1)
    note = {"update_kind": "major", "change_note": "A day later."}
    meeting = changed(meeting, starts_at=later, status_notice="<p>Snow.</p>", **note)
    withdraw(meeting, people["moderator"], "gone")
    notice = "<p>Snow.</p><p>At the Guildhall.</p>"
    meeting = submitted(meeting, people["editor"], venue=venues[1], status_notice=notice, update_kind="minor")
    client.force_login(people["colleague"])
    html = unescape(client.get(edit_url(meeting)).content.decode())
    section = html[html.index('id="changes-told"') : html.index("</section>", html.index('id="changes-told"'))]
    assert "A day later." in section
    refuge = f"Refuge, {PLACE}, CB1 1JF"
    assert (
        f"The meeting planned for Wednesday 24 March 2027, 10am, {refuge} has been moved to Thursday 25 March 2027, "
        f"10am, {refuge}: Snow."
    ) in section
    assert f"New: The meeting planned for Thursday 25 March 2027, 10am, {refuge} has been moved to " in section
    take_down(models.MeetingPage.objects.get(pk=meeting.pk), people["moderator"], "It names a child.")
    submitted(meeting, people["editor"], venue=venues[1], status_notice="<p>At the Guildhall.</p>")
    client.force_login(people["colleague"])
    assert 'id="changes-told"' not in client.get(edit_url(meeting)).content.decode()


def test_a_note_that_was_told_is_not_offered_again(home, people, client):
    page = factories.page(models.StandardPage, home)
    page = changed(page, update_kind="major", change_note="Once.")
    models.StandardPage.objects.get(pk=page.pk).unpublish()
    client.force_login(people["editor"])
    form = posted(client.get(edit_url(page)).content)
    assert (form["update_kind"], form["change_note"]) == ("minor", "")
    client.post(edit_url(page), {**form, "body-count": "0", "summary": "Another."})
    latest = models.StandardPage.objects.get(pk=page.pk).get_latest_revision_as_object()
    assert (latest.summary, latest.update_kind, latest.change_note) == ("Another.", "minor", "")
    page = submitted(page, people["editor"], update_kind="major", change_note="Twice.")
    form = posted(client.get(edit_url(page)).content)
    assert (form["update_kind"], form["change_note"]) == ("major", "Twice.")
