"""Whoever unpublishes, moves or deletes holds the rows first, and does all of it or nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, PageLogEntry

from documents.models import PublishedFile
from pages import models
from pages.approval import row_locks, scheduling
from pages.approval.workflow import group_of
from pages.content.choices import Role
from pages.content.references import hold_files_of
from pages.editing import outbox
from pages.models import ContentPage, ContentVersion, PublicChange, Takedown
from pages.models.approvals import Approval
from pages.takedown.withdrawal import take_down, withdraw
from pages.visibility import ledger
from tests import factories
from tests.approval_book import Book, Screen
from tests.hidden_content import administrator
from tests.test_changes_at_once import at_once, committed, put_back  # noqa: F401 - fixtures

on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time.")


@pytest.fixture
def moderator(home):
    user = User.objects.create_user("moderator")
    user.groups.add(group_of(Role.MODERATOR))
    return user


def stored(model=ContentPage):
    return list(model.objects.order_by("pk").values_list("pk", "path", "url_path", "numchild", "live"))


ACTS = {
    "unpublished": lambda page, elsewhere: page.unpublish(),
    "moved": lambda page, elsewhere: page.move(elsewhere, pos="last-child"),
    "deleted": lambda page, elsewhere: page.delete(),
}


# --- All or nothing ---


@pytest.mark.parametrize("act", ACTS)
def test_what_the_ledger_does_not_learn_is_not_done(act, home, monkeypatch):
    elsewhere = factories.page(models.StandardPage, home, slug="elsewhere")
    page = factories.page(models.StandardPage, home, slug="page")
    before = stored(), Approval.objects.filter(voided_at=None).count(), PageLogEntry.objects.count()

    def fail(*args, **kwargs):
        raise RuntimeError("no ledger")

    monkeypatch.setattr(ledger, "update", fail)
    monkeypatch.setattr(ledger, "end", fail)
    with pytest.raises(RuntimeError, match="no ledger"):
        ACTS[act](page, elsewhere)
    assert (stored(), Approval.objects.filter(voided_at=None).count(), PageLogEntry.objects.count()) == before


def test_what_was_read_before_somebody_else_moved_it_is_done_where_it_is_now(home, moderator):
    elsewhere = factories.page(models.StandardPage, home, slug="elsewhere")
    old = {slug: factories.page(models.StandardPage, home, slug=slug) for slug in ("gone", "unpublished", "deleted")}
    for page in old.values():
        models.StandardPage.objects.get(pk=page.pk).move(Page.objects.get(pk=elsewhere.pk), pos="last-child")
    withdraw(old["gone"], moderator, "gone")
    old["unpublished"].unpublish()
    old["deleted"].delete()
    last = PublicChange.objects.exclude(kind="updated").order_by("-version").values_list("record__path", "kind")[:3]
    assert list(last) == [
        ("/elsewhere/deleted/", "deleted"),
        ("/elsewhere/unpublished/", "withdrawn"),
        ("/elsewhere/gone/", "withdrawn"),
    ]


def test_what_went_meanwhile_is_not_taken_down(home, moderator):
    page = factories.page(models.StandardPage, home, slug="page")
    models.StandardPage.objects.get(pk=page.pk).unpublish()
    with pytest.raises(ValidationError, match="There is no public page or file"):
        take_down(page, moderator, "It names somebody.")
    assert not Takedown.objects.exists()


# --- Expiry ---


def expired(home, slug, **fields):
    page = factories.page(models.StandardPage, home, slug=slug, **fields)
    ContentPage.objects.filter(pk=page.pk).update(expire_at=timezone.now() - timedelta(minutes=1))
    return page


def test_what_got_a_later_expiry_meanwhile_stays(home, monkeypatch):
    page, at = expired(home, "page"), timezone.now()
    hold = models.StandardPage.hold

    def postponed(cls, pk):
        """Somebody was quicker, while we waited for the row."""
        ContentPage.objects.filter(pk=page.pk).update(expire_at=at + timedelta(days=1))
        return hold(pk)

    monkeypatch.setattr(ContentPage, "hold", classmethod(postponed))
    before = Approval.objects.filter(voided_at=None).count()
    assert scheduling.expire_what_is_over(at) == 0
    page.refresh_from_db()
    assert (page.live, page.expired, Approval.objects.filter(voided_at=None).count()) == (True, False, before)


def test_one_that_cannot_go_keeps_no_other_and_no_mail_from_it(home, monkeypatch, caplog):
    bad, good = (expired(home, slug) for slug in ("bad", "good"))
    update = ledger.update

    def fails_once(page, *args, **kwargs):
        if page.pk == bad.pk:
            raise RuntimeError("no ledger")
        return update(page, *args, **kwargs)

    monkeypatch.setattr(ledger, "update", fails_once)
    assert scheduling.expire_what_is_over(timezone.now()) == 1
    assert list(ContentPage.objects.filter(pk__in=[bad.pk, good.pk]).values_list("slug", "live").order_by("pk")) == [
        ("bad", True),
        ("good", False),
    ]
    assert "could not be unpublished" in caplog.text


def test_mail_goes_out_whatever_fails(home, monkeypatch):
    delivered = []

    def fail(*args):
        raise RuntimeError("no ledger")

    monkeypatch.setattr(ledger, "note_time", fail)
    monkeypatch.setattr(outbox, "deliver", lambda *args: delivered.append(args))
    with pytest.raises(RuntimeError, match="no ledger"):
        call_command("publish_scheduled")
    assert len(delivered) == 1


# --- Two at once ---


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ACTS)
def test_who_waits_for_the_row_keeps_nobody_else_waiting(act, committed):  # noqa: F811
    """The ledger comes last: whoever waits for a page has not got it, or the two would wait for each other."""
    elsewhere = factories.page(models.StandardPage, committed, slug="elsewhere")
    page = factories.page(models.StandardPage, committed, slug="page")
    below = factories.page(models.StandardPage, page, slug="below")
    free = []

    def take_the_ledger():
        with transaction.atomic():
            free.append(len(ContentVersion.objects.select_for_update(nowait=True)))

    at_once(
        lambda: ContentPage.hold(below.pk),
        lambda: ACTS[act](models.StandardPage.objects.get(pk=page.pk), elsewhere),
        take_the_ledger,
    )
    assert free == [1]


TAKE_AWAY = {
    "withdrawn": lambda page: withdraw(page, User.objects.get(username="administrator"), "gone"),
    "taken down": lambda page: take_down(page, User.objects.get(username="administrator"), "It names somebody."),
    "held as its type": lambda page: type(page).hold(page.pk),
    "expired": lambda page: scheduling.expire_what_is_over(timezone.now()),
}


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", TAKE_AWAY)
def test_who_takes_a_page_away_waits_in_the_queue_of_those_who_save_it(act, committed):  # noqa: F811
    """They hold the row of all pages first, and write that of the type last: whoever had the latter, and waited for the
    former, would let a takedown fail."""
    administrator()
    page = (
        expired(committed, "page") if act == "expired" else factories.page(models.StandardPage, committed, slug="page")
    )
    free = []

    def take_the_row_of_the_type():
        with transaction.atomic():
            rows = models.StandardPage.objects.select_for_update(nowait=True, of=("self",))
            free.append(rows.filter(pk=page.pk).count() and rows.get(pk=page.pk).pk)

    def do():
        with transaction.atomic():
            TAKE_AWAY[act](models.StandardPage.objects.get(pk=page.pk))

    at_once(lambda: ContentPage.hold(page.pk), do, take_the_row_of_the_type)
    assert free == [page.pk]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_pages_that_are_approved_at_once_do_not_get_one_address(committed):  # noqa: F811
    book = Book(committed)
    screens = []
    for who in ("moderator", "other moderator"):
        book.renew("story")
        story = book.now("story")
        Screen(book, "moderator", "story").press("approve")
        version = story.get_latest_revision_as_object()
        version.slug, version.summary = "same", who
        version.save_revision(user=book.people["editor"])
        models.NewsPage.objects.get(pk=story.pk).get_workflow().start(book.now("story"), book.people["editor"])
        screens.append(Screen(book, who, "story"))
    at_once(*(lambda screen=screen: screen.press("approve") for screen in screens))
    assert list(models.NewsPage.objects.filter(slug="same").values_list("live", flat=True)) == [True]


HOLDS = {
    "a page": lambda page, document, venue: ContentPage.hold(page.pk),
    "a branch": lambda page, document, venue: row_locks.hold(page),
    "a file": lambda page, document, venue: document.save(),
    "files of a version": lambda page, document, venue: hold_files_of(page),
    "shared text": lambda page, document, venue: models.Venue.hold(venue.pk),
}


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", HOLDS)
def test_who_holds_a_row_keeps_nobody_from_writing_what_refers_to_it(what, committed):  # noqa: F811
    """Or a log entry, a comment or a redirect, written by somebody who holds something else, could wait in a circle."""
    document = factories.document()
    venue = factories.venue()
    page = factories.page(models.StandardPage, committed, slug="page", body=[("document", document)])
    meeting = factories.page(models.MeetingPage, factories.page(models.MeetingIndexPage, committed))
    page.published_files.all().delete()

    def refer():
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                Redirect.objects.create(old_path="/old", redirect_page=page)
                PublishedFile.objects.create(page=page, document=document, file_key="k", first_public_at=timezone.now())
                models.MeetingPage.objects.filter(pk=meeting.pk).update(venue=venue)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        HOLDS[what](page, document, venue)
        other.submit(refer).result()
    assert (Redirect.objects.get().redirect_page_id, PublishedFile.objects.get().document_id) == (page.pk, document.pk)


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", ["approved first", "deleted first"])
def test_a_draft_is_deleted_while_it_is_approved(order, committed):  # noqa: F811
    book = Book(committed)
    page = book.now("story")
    screen, answers = Screen(book, "moderator", "story"), {}
    page.owner = book.people["editor"]
    page.save(update_fields=["owner"])

    def delete():
        answers["delete"] = book.clients["editor"].post(f"/admin/pages/{page.pk}/delete/").status_code

    steps = [lambda: screen.press("approve"), delete]
    at_once(*(steps if order == "approved first" else reversed(steps)))
    kinds = list(PublicChange.objects.filter(record=page.uuid).values_list("kind", flat=True))
    live = ContentPage.objects.filter(pk=page.pk).values_list("live", flat=True).first()
    if order == "approved first":
        assert (live, kinds) == (True, ["published"])
        book.check()
    else:
        assert (live, kinds, answers) == (None, [], {"delete": 302})
