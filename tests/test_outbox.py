"""Mail is kept in the database, sent after the answer, tried again, and shown to administrators when it is not sent."""

import re
import socketserver
import threading
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import ModelLogEntry

from cms.accounts.permission_log import PERMISSIONS_CHANGED
from pages.approval.workflow import group_of
from pages.content.choices import Role
from pages.content.mail import send_mail
from pages.editing import outbox
from pages.editing.outbox import deliver
from pages.models import OutgoingMail
from pages.redaction.redact import redact
from tests.approval_book import Book, Screen

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
RESET = "account_reset_password"


class NeverInARequest(BaseEmailBackend):
    def send_messages(self, messages):
        raise AssertionError("A mail server was asked within a request.")


class Refusing(BaseEmailBackend):
    def send_messages(self, messages):
        raise SMTPRecipientsRefused({})


@pytest.fixture(autouse=True)
def kept(settings):
    settings.EMAIL_BACKEND = "pages.editing.outbox.Outbox"
    settings.MAIL_TRANSPORT = LOCMEM


@pytest.fixture
def editor(db):
    return User.objects.create_user("editor", "editor@example.org", "a long password")


def write(**parts):
    values = {"subject": "News", "body": "A secret link", "to": ["e@example.org"], **parts}
    message = EmailMultiAlternatives(**values)
    message.attach_alternative("<p>A secret link</p>", "text/html")
    message.send()


def test_what_is_sent_is_what_was_written_and_no_copy_stays(db):
    write(headers={"Auto-Submitted": "auto-generated"}, cc=["c@example.org"])
    [row] = OutgoingMail.objects.all()
    assert (row.to, mail.outbox) == ("e@example.org, c@example.org", [])
    assert b"secret" not in bytes(row.sealed)
    assert deliver(timezone.now()) == (1, 0)
    [sent] = mail.outbox
    assert (sent.subject, sent.body, sent.to, sent.cc) == (
        "News",
        "A secret link",
        ["e@example.org"],
        ["c@example.org"],
    )
    assert (sent.extra_headers, sent.alternatives[0].content) == (
        {"Auto-Submitted": "auto-generated"},
        "<p>A secret link</p>",
    )
    assert not OutgoingMail.objects.exists()
    assert deliver(timezone.now()) == (0, 0)


def test_what_is_undone_is_not_told_of(home, editor):
    with transaction.atomic():
        send_mail([editor], "Published", "Look.", home)
        transaction.set_rollback(True)
    deliver(timezone.now())
    assert (OutgoingMail.objects.count(), mail.outbox) == (0, [])


def test_a_reset_does_the_same_work_for_an_address_that_nobody_has(editor, client, settings):
    """The same queries, and no mail server within the request."""
    settings.MAIL_TRANSPORT = f"{__name__}.NeverInARequest"
    queries = {}
    client.post(reverse(RESET), {"email": "warm@example.org"})
    OutgoingMail.objects.all().delete()
    for email in ("editor@example.org", "nobody@example.org"):
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            answer = client.post(reverse(RESET), {"email": email})
        assert (answer.status_code, answer.url) == (302, reverse("account_reset_password_done"))
        queries[email] = [query["sql"].split(" WHERE")[0].split(" VALUES")[0] for query in asked.captured_queries]
    assert queries["editor@example.org"] == queries["nobody@example.org"] != []
    known, unknown = OutgoingMail.objects.order_by("pk")
    assert (known.to, unknown.to) == ("editor@example.org", "")
    assert abs(len(known.sealed) - len(unknown.sealed)) < 100
    settings.MAIL_TRANSPORT = LOCMEM
    assert deliver(timezone.now()) == (1, 0)
    [sent] = mail.outbox
    assert sent.to == ["editor@example.org"]
    assert f"{settings.CMS_URL}/admin/password_reset/" in sent.body
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_links_in_mail_begin_with_the_address_of_the_cms(editor, client, settings, host):
    settings.CMS_URL = "https://cms.example.org:8443"
    settings.ALLOWED_HOSTS = ["*"]
    client.post(reverse(RESET), {"email": editor.email}, headers={"host": host})
    deliver(timezone.now())
    [sent] = mail.outbox
    links = [word for word in sent.body.split() if "://" in word]
    assert len(links) == 1
    assert links[0].startswith("https://cms.example.org:8443/admin/password_reset/")
    assert host not in sent.body


def test_what_is_not_taken_is_sent_again_with_growing_pauses_and_given_up_after_a_day(db, settings, caplog):
    settings.MAIL_TRANSPORT = f"{__name__}.Refusing"
    with time_machine.travel(timezone.now(), tick=False) as clock:
        begun = timezone.now()
        write()
        pauses = []
        while (row := OutgoingMail.objects.get()).given_up_at is None:
            clock.move_to(row.next_try_at)
            at = timezone.now()
            assert deliver(at - timedelta(seconds=1)) == (0, 0)
            assert deliver(at) == (0, 1)
            pauses.append((OutgoingMail.objects.get().next_try_at - at).total_seconds() / 60)
        row = OutgoingMail.objects.get()
        assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert timedelta(days=1) <= row.given_up_at - begun <= timedelta(days=1, hours=1)
        assert (outbox.parts(row), row.error, row.to) == ({"about": []}, "SMTPRecipientsRefused", "e@example.org")
        assert deliver(timezone.now() + timedelta(days=2)) == (0, 0)
        deliver(timezone.now() + timedelta(days=31))
        assert not OutgoingMail.objects.exists()
    assert "secret" not in caplog.text


def test_one_mail_that_fails_keeps_no_other_from_being_sent(db):
    write()
    write(to=["f@example.org"])
    OutgoingMail.objects.filter(to="e@example.org").update(sealed=b"not a message")
    assert deliver(timezone.now()) == (1, 1)
    assert [message.to for message in mail.outbox] == [["f@example.org"]]


def test_two_that_send_at_once_send_nothing_twice(db, monkeypatch):
    write()
    again = []

    def open_and_come_again(row):
        again.append(deliver(timezone.now()))
        return outbox_open(row)

    outbox_open = outbox._open
    monkeypatch.setattr(outbox, "_open", open_and_come_again)
    assert (deliver(timezone.now()), again, len(mail.outbox)) == ((1, 0), [(0, 0)], 1)


def test_what_waits_behind_a_slow_server_is_sent_once(db, monkeypatch):
    """The time for which a message is claimed begins when its turn comes, not when the first one's did."""
    write()
    write(to=["f@example.org"])
    others = []
    outbox_open = outbox._open
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def slowly(row):
            if row.to == "e@example.org":
                clock.shift(timedelta(minutes=9))
            else:
                clock.shift(timedelta(minutes=2))
                others.append(deliver(timezone.now()))
            return outbox_open(row)

        monkeypatch.setattr(outbox, "_open", slowly)
        assert (deliver(timezone.now()), others) == ((2, 0), [(0, 0)])
    assert [message.to for message in mail.outbox] == [["e@example.org"], ["f@example.org"]]


def test_every_link_in_mail_about_a_page_begins_with_an_address_of_our_own(home, settings):
    """Of each message that submitting, sending back and approving brings. The address in Wagtail's Site record, which
    has no port, is not used."""
    settings.CMS_URL = settings.WAGTAILADMIN_BASE_URL = "https://cms.example.org:8443"
    book = Book(home)
    Screen(book, "moderator", "story").press("send back")
    Screen(book, "editor", "story").press("submit")
    Screen(book, "moderator", "story").press("approve")
    deliver(timezone.now())
    assert book.now("story").live
    assert len(mail.outbox) >= 3
    links = [word for message in mail.outbox for word in re.findall(r"[a-z]+://[^\s<>\"]+", message.body)]
    assert [link for link in links if not link.startswith(f"{settings.CMS_URL}/")] == []
    assert f"{settings.CMS_URL}/admin/pages/{book.things['story']}/edit/" in links
    assert book.now("story").full_url in links


def test_a_text_that_is_redacted_goes_from_mail_that_waits_and_into_no_log(home):
    write(body="About Jane Doe")
    write(to=["f@example.org"])
    Redirect.objects.create(old_path="/jane-doe", redirect_page=home)
    ModelLogEntry.objects.all().delete()
    redact("Jane Doe")
    assert deliver(timezone.now()) == (1, 0)
    assert [message.to for message in mail.outbox] == [["f@example.org"]]
    assert Redirect.objects.get().old_path != "/jane-doe"
    assert not ModelLogEntry.objects.filter(action=PERMISSIONS_CHANGED).exists()


def test_the_scheduler_sends_what_waits(home):
    write()
    call_command("publish_scheduled")
    assert (len(mail.outbox), OutgoingMail.objects.count()) == (1, 0)


def test_a_thread_sends_after_the_answer_that_wrote_mail(db, monkeypatch):
    monkeypatch.setattr(outbox, "_written", threading.local())
    done = threading.Event()
    monkeypatch.setattr(outbox, "_deliver_in_a_thread", done.set)
    outbox.after_the_answer(None)
    assert not done.is_set()
    write()
    outbox.after_the_answer(None)
    assert done.wait(10)
    done.clear()
    outbox.after_the_answer(None)
    assert not done.is_set()


class _MailServer(socketserver.StreamRequestHandler):
    """Says no to the first message, and takes the next."""

    taken: list[str] = []
    refusals = 1

    def handle(self):
        self.reply("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "RCPT" and type(self).refusals:
                type(self).refusals -= 1
                self.reply("451 later")
            elif verb == "DATA":
                self.reply("354 go on")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    text += self.rfile.readline()
                self.taken.append(text.decode())
                self.reply("250 taken")
            elif verb == "QUIT":
                self.reply("221 bye")
                return
            else:
                self.reply("250 ok")

    def reply(self, line):
        self.wfile.write(f"{line}\r\n".encode())


def test_a_mail_server_that_refuses_first_and_takes_it_later(db, settings):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.MAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        write()
        at = timezone.now()
        assert deliver(at) == (0, 1)
        assert OutgoingMail.objects.get().error == "SMTPRecipientsRefused"
        assert deliver(at + timedelta(minutes=2)) == (1, 0)
        server.shutdown()
    [message] = _MailServer.taken
    assert "Subject: News" in message
    assert "A secret link" in message
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize(("superuser", "status"), [(True, 200), (False, 302)])
def test_administrators_see_what_was_not_sent_and_never_what_it_said(home, client, settings, superuser, status):
    settings.MAIL_TRANSPORT = f"{__name__}.Refusing"
    write()
    deliver(timezone.now())
    person = User.objects.create_user("person", is_superuser=superuser)
    if not superuser:
        person.groups.add(group_of(Role.EDITOR))
    client.force_login(person)
    answer = client.get(reverse("mail_not_sent"))
    assert answer.status_code == status
    shown = answer.content.decode()
    assert ("e@example.org" in shown, "SMTPRecipientsRefused" in shown) == (superuser, superuser)
    assert "secret" not in shown
    assert ("Mail not sent" in client.get(reverse("wagtailadmin_home")).content.decode()) is superuser
