"""When an approval ends, those whose text it covered are authors again, and approve nothing of it."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Revision

from documents.models import Document
from pages import models
from pages.approval.scheduling import expire_what_is_over, publish_what_is_due
from pages.models.approvals import Approval, approvals_of, makers_of_dates, makers_of_text
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.admin_forms import edit_url, posted
from tests.approval_book import BUTTONS, MENDED, Screen, by_the_moderator, presses, tomorrow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

WRITTEN = '<p data-block-key="a1234">All of this is by lead</p>'


@pytest.fixture(scope="module")
def submitted_again(by_a_moderator):
    return by_a_moderator.after(presses("moderator", "story", "submit"))


@pytest.fixture(scope="module")
def approved_for_a_date(recorded_book):
    return recorded_book.after(lambda book: by_the_moderator(book, go_live_at=tomorrow()))


@pytest.fixture(scope="module")
def notice_by_the_lead(recorded_book):
    return recorded_book.after(lambda book: notice_by(book, "lead"))


@pytest.fixture(scope="module")
def snippet_by_the_moderator(recorded_book):
    """A published contact, whose text is all by the moderator."""

    def work(book):
        url = edit_url(factories.snippet(models.Contact, team="x", live=False))
        press(book, url, "moderator", "submit", team="By the moderator")
        press(book, url, "other moderator", "approve")

    return recorded_book.after(work)


def press(book, url, who, button, form_id="w-editor-form", **changes):
    """Press a button on the screen of a snippet."""
    form = posted(book.clients[who].get(url).content, form_id=form_id)
    return book.clients[who].post(url, {**form, **BUTTONS[button], **changes})


def copied(book, thing, who):
    original = book.things[thing]
    book.copy(who, thing)
    assert book.things[thing] != original


def unscheduled(book, thing, who):
    assert book.now(thing).scheduled_revision is not None
    book.unschedule(who, thing)
    assert book.now(thing).scheduled_revision is None


def refused(book, thing, who):
    """Press Approve, and check that it does nothing."""
    before = list(Approval.objects.values_list("pk", "voided_at"))
    waiting = book.now(thing).current_workflow_task_state
    Screen(book, who, thing).press("approve")
    page = book.now(thing)
    assert list(Approval.objects.values_list("pk", "voided_at")) == before
    assert (page.live, page.scheduled_revision, page.current_workflow_task_state) == (False, None, waiting)
    assert waiting is not None
    return True


def takes_away(book, way):
    story, colleague = book.now("story"), book.people["other moderator"]
    if way == "unpublished":
        url = reverse("wagtailadmin_pages:unpublish", args=[story.pk])
        assert book.clients["other moderator"].post(url).status_code == 302
    elif way.startswith("expired"):
        models.ContentPage.objects.filter(pk=story.pk).update(expire_at=timezone.now() - timedelta(minutes=1))
        if way == "expired":
            assert expire_what_is_over(timezone.now()) == 1
    elif way == "withdrawn":
        withdraw(story, colleague, "withdrawn", "It was wrong.")
    else:
        take_down(story, colleague, "It names somebody.")


# --- What was taken away ---


@pytest.mark.parametrize("way", ["unpublished", "expired", "expired just now", "withdrawn", "taken down"])
@pytest.mark.parametrize("changes", [{}, MENDED])
def test_a_version_that_waited_when_the_page_was_taken_away_is_not_approved_by_its_author(
    submitted_again, mended, way, changes
):
    book = (mended if changes else submitted_again).written()
    moderator, editor = book.people["moderator"].pk, book.people["editor"].pk
    assert makers_of_text(book.now("story").latest_revision) == ({editor} if changes else set())
    takes_away(book, way)
    assert moderator in makers_of_text(book.now("story").latest_revision)
    Screen(book, "moderator", "story").press("approve")
    story = book.now("story")
    assert Client().get(f"/news/{story.slug}/").status_code == 410
    assert not Approval.objects.filter(by=moderator).exists()


def test_shared_text_that_waited_when_it_was_unpublished_is_not_approved_by_its_author(snippet_by_the_moderator):
    book, contact = snippet_by_the_moderator.written(), models.Contact.objects.get()
    url = edit_url(contact)
    press(book, url, "moderator", "submit")
    book.clients["other moderator"].post(reverse(contact.snippet_viewset.get_url_name("unpublish"), args=[contact.pk]))
    for who, comes_back in (("moderator", False), ("other moderator", True)):
        press(book, url, who, "approve")
        assert models.Contact.objects.get(pk=contact.pk).live is comes_back


def test_what_was_approved_for_a_date_is_published_although_the_page_expires_before(by_a_moderator):
    """The moderator approved a colleague's change of the moderator's text, while readers saw that text."""
    book = by_a_moderator.written()
    Screen(book, "editor", "story").press("submit", **MENDED, go_live_at=tomorrow())
    Screen(book, "moderator", "story").press("approve")
    takes_away(book, "expired")
    story = book.now("story")
    assert (story.live, story.expired, story.latest_revision.content["expire_at"]) == (False, True, None)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert publish_what_is_due(timezone.now()) == (1, [])
    assert (book.now("story").live, book.now("story").summary) == (True, "By the moderator.")


def test_purged_versions_do_not_take_their_authors_with_them(mended_and_public):
    book = mended_and_public.written()
    call_command("purge_revisions")
    assert book.now("story").revisions.count() == 1
    take_down(book.now("story"), book.people["lead"], "It names somebody.")
    Screen(book, "editor", "story").press("submit")
    assert makers_of_text(book.now("story").latest_revision) == {book.people[who].pk for who in ("editor", "moderator")}
    assert refused(book, "story", "moderator")


def test_versions_from_before_the_record_give_the_same_authors(by_a_moderator):
    book = by_a_moderator.written()
    Screen(book, "other moderator", "story").press("submit", summary="By the other moderator")
    story, (first, second, third) = (
        book.now("story"),
        (book.people[w].pk for w in ("editor", "moderator", "other moderator")),
    )
    for number, one in enumerate(story.revisions.order_by("pk")):
        old = {"makers": [first, second] if number < 2 else [third], "text_by": []} if number else {}
        content = {name: value for name, value in one.content.items() if name not in ("makers", "dates_by")}
        Revision.objects.filter(pk=one.pk).update(content={**content, **old})
    assert makers_of_text(book.now("story").latest_revision) == {third}
    takes_away(book, "unpublished")
    assert makers_of_text(book.now("story").latest_revision) == {first, second, third}


# --- Copies ---


def test_a_copy_of_a_page_is_not_approved_by_the_author_of_an_earlier_version(mended_and_public):
    book = mended_and_public.written()
    copied(book, "story", "editor")  # while readers see the original
    Screen(book, "editor", "story").press("submit")
    assert refused(book, "story", "moderator")
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").live is True


def test_a_copy_of_shared_text_is_not_approved_by_the_author_of_an_earlier_version(snippet_by_the_moderator):
    book, contact = snippet_by_the_moderator.written(), models.Contact.objects.get()
    url, name = edit_url(contact), models.Contact.snippet_viewset.get_url_name
    press(book, url, "editor", "submit", team="By the moderator.")
    press(book, url, "other moderator", "approve")
    book.clients["other moderator"].post(reverse(name("unpublish"), args=[contact.pk]))
    press(book, reverse(name("copy"), args=[contact.pk]), "editor", "submit")
    copy = models.Contact.objects.latest("pk")
    assert (copy.pk != contact.pk, copy.live) == (True, False)
    for who, is_published in (("moderator", False), ("other moderator", True)):
        press(book, edit_url(copy), who, "approve")
        assert models.Contact.objects.get(pk=copy.pk).live is is_published


def notice_by(book, author):
    """A notice whose text is all by one person, who submits it. Somebody else made the draft."""
    document = factories.document(collection=book.reviews.files)
    row = models.ReviewDocument(kind="overview-report", state="published", document=document, sort_order=0)
    help_ = models.NoticeSupportService(service=factories.support_service(), sort_order=0)
    page = factories.draft(
        models.DeathReviewNoticePage, book.reviews, review_documents=[row], notice_support_services=[help_]
    )
    page.save_revision(user=book.people["editor"])
    book.things["notice"] = page.pk
    block = {"key": "a1234", "text": "All of this is by lead", "type": "unstyled", "depth": 0}
    block |= {"inlineStyleRanges": [], "entityRanges": [], "data": {}}
    text = json.dumps({"blocks": [block], "entityMap": {}})
    Screen(book, author, "notice").press("submit", summary=f"By {author}", executive_summary=text)


def test_a_copy_of_a_notice_that_was_taken_down_is_not_approved_by_the_lead_who_wrote_it(notice_by_the_lead):
    book = notice_by_the_lead.written()
    for who in ("moderator", "other lead"):
        Screen(book, who, "notice").press("approve")
    Screen(book, "other lead", "notice").press("submit", summary="By lead.")
    for who in ("moderator", "lead"):
        Screen(book, who, "notice").press("approve")
    assert (book.now("notice").live, book.now("notice").summary) == (True, "By lead.")
    take_down(book.now("notice"), book.people["moderator"], "It names somebody.")
    copied(book, "notice", "other moderator")
    Screen(book, "other moderator", "notice").press("submit", publication_decision="full")
    Screen(book, "moderator", "notice").press("approve")
    assert book.now("notice").get_latest_revision_as_object().executive_summary == WRITTEN
    for who in ("lead", "other lead"):
        assert refused(book, "notice", who)


def test_a_copy_of_a_notice_is_not_approved_by_who_set_its_dates(book):
    Screen(book, "lead", "notice").press("take back")
    Screen(book, "moderator", "notice").press("save", go_live_at=tomorrow())
    copied(book, "notice", "other moderator")
    Screen(book, "other moderator", "notice").press("submit", publication_decision="full")
    copy = book.now("notice").latest_revision
    authors = ("lead", "moderator", "other moderator")  # the lead set its review dates
    assert makers_of_dates(copy) == {book.people[who].pk for who in authors}
    assert refused(book, "notice", "moderator")


# --- Approvals for a date that ended before it ---


def test_a_notice_whose_date_was_taken_off_is_not_approved_by_the_lead_who_wrote_it(notice_by_the_lead):
    book = notice_by_the_lead.written()
    Screen(book, "lead", "notice").press("take back")
    Screen(book, "other moderator", "notice").press("submit", go_live_at=tomorrow())
    for who in ("moderator", "other lead"):
        Screen(book, who, "notice").press("approve")
    unscheduled(book, "notice", "moderator")
    Screen(book, "other lead", "notice").press("submit", summary="By lead.")
    assert not Approval.objects.filter(revision__object_id=str(book.things["notice"]), voided_at=None).exists()
    Screen(book, "moderator", "notice").press("approve")
    for who in ("lead", "other lead"):
        assert refused(book, "notice", who)


def test_a_page_whose_date_was_taken_off_is_not_approved_by_its_author_after_an_edit(approved_for_a_date):
    book = approved_for_a_date.written()
    unscheduled(book, "story", "other moderator")
    Screen(book, "editor", "story").press("submit", summary="By the moderator.", go_live_at="")
    assert refused(book, "story", "moderator")
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").live is True


def test_a_page_whose_file_was_described_before_its_date_is_not_approved_by_its_author(approved_for_a_date):
    book = approved_for_a_date.written()
    book.change_file("editor", book.files("story")[-1], title="Another title")
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        done, messages = publish_what_is_due(timezone.now())
    assert (done, len(messages), book.now("story").live) == (0, 1, False)
    Screen(book, "moderator", "story").press("submit", go_live_at="")
    assert refused(book, "story", "moderator")


def test_authors_of_what_readers_see_approve_the_next_version_although_a_later_one_was_stopped(by_a_moderator):
    """Only what was added since is somebody's: not all that was ever written."""
    book = by_a_moderator.written()
    Screen(book, "editor", "story").press("submit", summary="By the editor", go_live_at=tomorrow())
    Screen(book, "other moderator", "story").press("approve")
    unscheduled(book, "story", "other moderator")
    Screen(book, "other editor", "story").press("submit", summary="By the editor.", go_live_at="")
    authors = {book.people[who].pk for who in ("editor", "other editor")}
    assert makers_of_text(book.now("story").latest_revision) == authors
    Screen(book, "moderator", "story").press("approve")
    assert book.now("story").summary == "By the editor."


def test_a_page_is_not_published_without_a_file_that_was_taken_down_after_its_approval(book):
    Screen(book, "editor", "story").press("take back")
    Screen(book, "editor", "story").press("submit", go_live_at=tomorrow())
    Screen(book, "moderator", "story").press("approve")
    file = next(file for file in book.files("story") if isinstance(file, Document))
    factories.page(models.StandardPage, models.PartnershipPage.objects.get(), body=[("document", file)])
    take_down(file, book.people["lead"], "It names somebody.")
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        done, messages = publish_what_is_due(timezone.now())
    assert (done, len(messages), book.now("story").live, book.now("story").scheduled_revision) == (0, 1, False, None)


def test_a_page_is_not_approved_on_a_screen_from_before_its_file_was_taken_down(book):
    screen = Screen(book, "moderator", "story")
    file = next(file for file in book.files("story") if isinstance(file, Document))
    factories.page(models.StandardPage, models.PartnershipPage.objects.get(), body=[("document", file)])
    take_down(file, book.people["lead"], "It names somebody.")
    answer = book.clients["moderator"].get(screen.press("approve").url)
    assert "was put where readers do not find it" in answer.content.decode()
    assert (book.now("story").live, Approval.objects.filter(by=book.people["moderator"]).count()) == (False, 0)


def test_a_name_that_is_taken_at_the_date_ends_the_schedule_and_is_said_by_mail(book, mailoutbox):
    agency = factories.agency(name="Old")
    url = edit_url(agency)
    press(book, url, "editor", "submit", name="New", go_live_at=tomorrow())
    press(book, url, "moderator", "approve")
    factories.agency(name="New")
    mailoutbox.clear()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert publish_what_is_due(timezone.now()) == (0, ["Old: Something else has the same name or address now."])
        assert publish_what_is_due(timezone.now()) == (0, [])
    agency.refresh_from_db()
    assert (agency.name, agency.scheduled_revision) == ("Old", None)
    assert {mail.subject for mail in mailoutbox} == {"Not published: Old"}


# --- Approvals of a version that did not become public ---


def on_index(book, who, button, **changes):
    """Press a button on the screen of the index of death reviews, which two people approve, but one role is enough."""
    return press(book, edit_url(book.reviews), who, button, form_id="page-edit-form", **changes)


def standing(page):
    """Who gave the approvals that count, in the order in which they did."""
    return list(approvals_of(page).exclude(by=None).order_by("pk").values_list("by__username", flat=True))


def start_again(book, way):
    """A workflow of two steps ends after the first of them, and begins again with the same text."""
    if way == "sent back":
        on_index(book, "lead", "send back")
    elif way == "taken back":
        on_index(book, "moderator", "take back")
    elif way == "restarted":
        on_index(book, "lead", "send back")
        on_index(book, "moderator", "restart")
    else:
        on_index(book, "lead", "save", next_review_due_on="2030-01-01")


@pytest.mark.parametrize("way", ["sent back", "taken back", "restarted", "date changed"])
def test_the_author_does_not_give_the_first_approval_when_it_is_needed_again(book, way):
    on_index(book, "moderator", "submit", summary="By the moderator")
    on_index(book, "other moderator", "approve")
    assert standing(book.reviews) == ["other_moderator"]
    start_again(book, way)
    assert standing(book.reviews) == []
    if way in ("sent back", "taken back"):
        on_index(book, "moderator", "submit")
    on_index(book, "moderator", "approve")
    assert standing(book.reviews) == []
    for who in ("other moderator", "other lead"):
        on_index(book, who, "approve")
    assert standing(book.reviews) == ["other_moderator", "other_lead"]
    book.reviews.refresh_from_db()
    assert book.reviews.summary == "By the moderator"


@pytest.mark.parametrize("saves", [False, True])
def test_the_author_does_not_give_the_second_approval(book, saves):
    on_index(book, "lead", "submit", summary="By the lead")
    on_index(book, "moderator", "approve")
    if saves:
        on_index(book, "lead", "save")
    on_index(book, "lead", "approve")
    assert standing(book.reviews) == ["moderator"]
    on_index(book, "other lead", "approve")
    assert standing(book.reviews) == ["moderator", "other_lead"]
    book.reviews.refresh_from_db()
    assert book.reviews.summary == "By the lead"


@pytest.mark.parametrize("way", ["edited", "unscheduled", "refused"])
def test_shared_text_that_expired_is_not_approved_by_its_author(book, way):
    """The approval of what expired ends with the date of the version that was based on it."""
    contact = factories.snippet(models.Contact, team="x", live=False)
    url, name = edit_url(contact), models.Contact.snippet_viewset.get_url_name
    press(book, url, "moderator", "submit", team="By the moderator")
    press(book, url, "other moderator", "approve")
    press(book, url, "editor", "submit", team="By the moderator.", go_live_at=tomorrow())
    press(book, url, "moderator", "approve")
    models.Contact.objects.filter(pk=contact.pk).update(expire_at=timezone.now() - timedelta(minutes=1))
    assert expire_what_is_over(timezone.now()) == 1
    assert standing(contact) == ["other_moderator", "moderator"]
    scheduled = models.Contact.objects.get(pk=contact.pk).scheduled_revision
    if way == "unscheduled":
        arguments = [contact.pk, scheduled.pk]
        book.clients["other moderator"].post(reverse(name("revisions_unschedule"), args=arguments))
    elif way == "refused":
        content = {**scheduled.content, "team": "Changed in the database"}
        Revision.objects.filter(pk=scheduled.pk).update(content=content)
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert publish_what_is_due(timezone.now())[0] == 0
    press(book, url, "editor", "submit", team="By the moderator", go_live_at="", expire_at="")
    assert standing(contact) == []
    for who, is_published in (("moderator", False), ("other moderator", True)):
        press(book, url, who, "approve")
        assert models.Contact.objects.get(pk=contact.pk).live is is_published


@pytest.mark.parametrize("way", ["unscheduled", "refused"])
def test_a_notice_that_was_stopped_at_its_date_is_not_approved_by_the_lead_who_wrote_it(book, way):
    notice_by(book, "lead")
    Screen(book, "lead", "notice").press("take back")
    Screen(book, "other moderator", "notice").press("submit", go_live_at=tomorrow())
    for who in ("moderator", "other lead"):
        Screen(book, who, "notice").press("approve")
    if way == "refused":
        service = book.now("notice").notice_support_services.first().service
        service.unpublish()
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert publish_what_is_due(timezone.now())[0] == 0
        factories.publish(service)
    else:
        unscheduled(book, "notice", "other moderator")
    assert standing(book.now("notice")) == []
    Screen(book, "other moderator", "notice").press("submit", go_live_at="")
    Screen(book, "moderator", "notice").press("approve")
    for who, is_published in (("lead", False), ("other lead", True)):
        Screen(book, who, "notice").press("approve")
        assert book.now("notice").live is is_published


def test_who_took_the_date_off_has_taken_the_approval_back(book):
    by_the_moderator(book, go_live_at=tomorrow())
    unscheduled(book, "story", "other moderator")
    assert standing(book.now("story")) == []
    Screen(book, "moderator", "story").press("submit", go_live_at="")
    assert refused(book, "story", "moderator")
    Screen(book, "other moderator", "story").press("approve")
    assert (book.now("story").live, book.now("story").summary) == (True, "By the moderator")


def test_a_version_that_is_approved_for_a_date_is_published_earlier_by_its_author(book):
    """It is approved as long as nobody takes the date off; one moderator decides when it is published."""
    contact = factories.snippet(models.Contact, team="x", live=False)
    url = edit_url(contact)
    press(book, url, "moderator", "submit", team="By the moderator", go_live_at=tomorrow())
    press(book, url, "other moderator", "approve")
    press(book, url, "moderator", "submit", go_live_at="")
    press(book, url, "moderator", "approve")
    assert models.Contact.objects.get(pk=contact.pk).live is True


def test_who_has_a_screen_from_before_the_publication_makes_nobody_an_author_again(book):
    Screen(book, "editor", "story").press("take back")
    Screen(book, "moderator", "story").press("submit", summary="By the moderator")
    screen = Screen(book, "other editor", "story")
    Screen(book, "editor", "story").press("save")
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").live is True
    opened = screen.form["loaded_revision_id"]
    screen.form["loaded_revision_id"] = str(book.now("story").latest_revision_id)  # told of what was saved meanwhile
    screen.press("save", summary="By the other editor", opened_revision=opened)
    assert makers_of_text(book.now("story").latest_revision) == {book.people["other editor"].pk}
