"""Mail that waits is sent to those alone who may still be told of what it is about, and its report tells no more."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from wagtail.admin.views.pages.edit import EditView
from wagtail.models import Comment, PageSubscription

from cms.accounts.leavers import deactivate_user
from pages.content.mail import send_mail
from pages.editing.outbox import deliver
from pages.models import OutgoingMail
from tests.approval_book import Book, Screen


class Refusing(BaseEmailBackend):
    def send_messages(self, messages):
        raise SMTPRecipientsRefused({})


@pytest.fixture
def book(home, settings):
    settings.EMAIL_BACKEND = "pages.editing.outbox.Outbox"
    settings.MAIL_TRANSPORT = "django.core.mail.backends.locmem.EmailBackend"
    book = Book(home)
    for person in book.people.values():
        User.objects.filter(pk=person.pk).update(email=f"{person.username}@example.org")
        person.refresh_from_db()
    OutgoingMail.objects.all().delete()
    return book


def of_an_approval(book):
    Screen(book, "moderator", "notice").press("approve")


def of_our_own(book):
    send_mail([book.people["lead"], book.people["other lead"]], "Not published", "Look.", book.now("notice"))


def of_a_comment(book):
    view = EditView()
    view.page, view.request = book.now("notice"), RequestFactory().get("/")
    view.request.user = book.people["moderator"]
    for lead in ("lead", "other lead"):
        PageSubscription.objects.create(page=view.page, user=book.people[lead], comment_notifications=True)
    comment = Comment(pk=1, page=view.page, user=book.people["moderator"], text="Jane", contentpath="title")
    changes = {"new_comments": [comment], "resolved_comments": [], "deleted_comments": [], "new_replies": []}
    view.subscription = PageSubscription(page=view.page, user=book.people["moderator"])
    view.send_commenting_notifications(changes)


def leaves(lead, book):
    deactivate_user(lead, book.people["boss"], book.people["lead"])


def loses_the_right(lead, book):
    lead.groups.set([Group.objects.get(name="Editors")])


def is_deactivated_on_the_form(lead, book):
    User.objects.filter(pk=lead.pk).update(is_active=False)


def gets_another_address(lead, book):
    User.objects.filter(pk=lead.pk).update(email="new@example.org")


def nothing(lead, book):
    pass


@pytest.mark.parametrize("kind", [of_an_approval, of_our_own, of_a_comment])
@pytest.mark.parametrize(
    "happens", [leaves, loses_the_right, is_deactivated_on_the_form, gets_another_address, nothing]
)
def test_mail_about_a_notice_is_sent_to_those_who_may_still_know_of_it(book, kind, happens):
    book.people["boss"] = User.objects.create_superuser("boss")
    kind(book)
    assert {row.to for row in OutgoingMail.objects.all()} == {"lead@example.org", "other_lead@example.org"}
    happens(book.people["other lead"], book)
    deliver(timezone.now() + timedelta(hours=1))
    told = {"lead@example.org"} | ({"other_lead@example.org"} if happens is nothing else set())
    assert {address for message in mail.outbox for address in message.to} == told
    assert not OutgoingMail.objects.exists()


def test_mail_about_nothing_is_not_sent_to_leavers(book):
    """Such as a link to reset a password. An address that is nobody's account gets its mail."""
    left, stays = book.people["other lead"], book.people["lead"]
    for person in ("someone@example.org", left.email, stays.email):
        EmailMessage("A link", "Look.", to=[person]).send()
    User.objects.filter(pk=left.pk).update(is_active=False)
    assert deliver(timezone.now()) == (2, 0)
    assert [message.to for message in mail.outbox] == [["someone@example.org"], [stays.email]]
    assert not OutgoingMail.objects.exists()


def test_mail_to_a_leaver_is_deleted_and_mail_to_nobody_and_to_others_is_not(book):
    boss, left, shared = (User.objects.create_superuser(name) for name in ("boss", "left", "shared"))
    for address in ("", "left@example.org", "shared@example.org"):
        OutgoingMail.objects.create(to=address, sealed=b"", written_at=timezone.now(), next_try_at=timezone.now())
    User.objects.filter(pk=left.pk).update(email="Left@example.org")
    User.objects.filter(username__in=["shared", "editor"]).update(email="shared@example.org")
    User.objects.create_user("without_an_address")
    deactivate_user(left, boss, boss)
    deactivate_user(shared, boss, boss)
    deactivate_user(User.objects.get(username="without_an_address"), boss, boss)
    assert sorted(row.to for row in OutgoingMail.objects.all()) == ["", "shared@example.org"]


@pytest.mark.parametrize("given_up", [False, True])
def test_the_report_lists_mail_about_notices_to_those_alone_who_may_know_of_them(book, client, settings, given_up):
    settings.MAIL_TRANSPORT = f"{__name__}.Refusing"
    of_an_approval(book)
    EmailMessage("A link", "Look.", to=["someone@example.org"]).send()
    send_mail([book.people["editor"]], "Not published", "Look.", book.now("story"))
    deliver(timezone.now() + timedelta(minutes=1))
    if given_up:
        OutgoingMail.objects.update(written_at=timezone.now() - timedelta(days=2), next_try_at=timezone.now())
        deliver(timezone.now())
        assert not OutgoingMail.objects.filter(given_up_at=None).exists()
    manager = User.objects.create_user("manager")
    manager.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "access_admin"]))
    client.force_login(manager)
    for more in ({}, {"export": "csv"}):
        answer = client.get(reverse("mail_not_sent"), more)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        found = [name in text for name in ("someone@example.org", "editor@example.org", "lead@example.org")]
        assert found == [True, True, False]
    manager.user_permissions.add(Permission.objects.get(codename="handle_death_reviews"))
    assert "other_lead@example.org" in client.get(reverse("mail_not_sent")).content.decode()
