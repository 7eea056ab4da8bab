"""The transactional outbox: mail is stored in the database, in the transaction that causes it, and sent afterwards.

So no response waits for a mail server, and its duration does not reveal whether mail was sent; a rolled-back change
sends no mail; and failed mail is retried. Before each try it is checked whether the recipient is still active and may
still be told of what the mail is about. Settings name `Outbox` as the mail backend, so it gets all mail of Django,
Wagtail and allauth. `publish_scheduled` sends it, and so does a thread after each response that stored some.
"""

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPResponseException
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.signals import request_finished
from django.db import connections
from django.db.models import F
from django.utils import timezone

from pages.content.mail import Subject, current_subjects, may_be_sent
from pages.models import OutgoingMail

GIVEN_UP_AFTER = timedelta(days=1)
SHOWN_FOR = timedelta(days=30)  # for mail that was given up
LONGEST_PAUSE = 60  # minutes
CLAIMED_FOR = timedelta(minutes=10)  # longer than a mail server takes; after a crash the mail is retried
PARTS = ("subject", "body", "from_email", "to", "cc", "bcc", "reply_to", "extra_headers", "content_subtype")

logger = logging.getLogger(__name__)
_written = threading.local()


class Outbox(BaseEmailBackend):
    """A Django mail backend that stores messages instead of sending them. It does not support attachments."""

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        return put(email_messages)


def put(messages: Iterable[EmailMessage]) -> int:
    """Store messages, and return how many. Raises NotImplementedError for one with attachments."""
    now = timezone.now()
    rows = [
        OutgoingMail(to=", ".join(message.recipients()), sealed=_seal(message), written_at=now, next_try_at=now)
        for message in messages
    ]
    OutgoingMail.objects.bulk_create(rows)
    _written.some = True
    return len(rows)


def deliver(as_of: datetime) -> tuple[int, int]:
    """Send the mail that is due. Returns the numbers of messages sent and failed.

    A message that its recipients may not get any more is deleted (`may_be_sent`).

    No transaction is open while a message is sent. Mail servers may be slow, so each message is claimed just before it
    is sent.
    """
    sent = failed = 0
    OutgoingMail.objects.filter(given_up_at__lt=as_of - SHOWN_FOR).delete()
    for row in OutgoingMail.objects.filter(next_try_at__lte=as_of, given_up_at=None).order_by("pk"):
        unclaimed = OutgoingMail.objects.filter(pk=row.pk, next_try_at=row.next_try_at, given_up_at=None)
        if not unclaimed.update(next_try_at=timezone.now() + CLAIMED_FOR, tries=F("tries") + 1):
            continue  # another process sends it
        try:
            wanted = bool(row.to) and may_be_sent(row.to.split(", "), subjects(row) or ())
            if wanted:
                _open(row).send()
        except Exception as error:  # one bad server answer or address must not stop the other mail
            failed += 1
            _retry_later(row, error, timezone.now())
        else:
            sent += wanted
            OutgoingMail.objects.filter(pk=row.pk).delete()
    return sent, failed


def _retry_later(row: OutgoingMail, error: Exception, as_of: datetime) -> None:
    kind = type(error).__name__
    if isinstance(error, SMTPResponseException):
        kind += f" {error.smtp_code}"
    logger.warning("Mail %s could not be sent: %s. Is EMAIL_URL right, and the mail server up?", row.pk, kind)
    changes: dict[str, Any] = {"error": kind[:100]}
    if as_of - row.written_at >= GIVEN_UP_AFTER:
        changes |= {"given_up_at": as_of, "sealed": _without_message(row)}
    else:
        changes["next_try_at"] = as_of + timedelta(minutes=min(2**row.tries, LONGEST_PAUSE))
    OutgoingMail.objects.filter(pk=row.pk).update(**changes)


# --- After the response ---


def after_the_answer(sender: object, **kwargs: object) -> None:
    """Receiver of `request_finished`: send the mail that the request stored, in a thread."""
    if getattr(_written, "some", False):
        _written.some = False
        threading.Thread(target=_deliver_in_a_thread, name="outbox", daemon=True).start()


def _deliver_in_a_thread() -> None:
    try:
        deliver(timezone.now())
    finally:
        connections.close_all()


def connect() -> None:
    request_finished.connect(after_the_answer, dispatch_uid="pages.outbox")


# --- Stored messages ---


def _cipher() -> Fernet:
    key = hashlib.sha256(b"outgoing mail:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _seal(message: EmailMessage) -> bytes:
    if message.attachments:
        raise NotImplementedError("The outbox cannot store mail with attachments.")
    parts = {name: getattr(message, name) for name in PARTS}
    parts["alternatives"] = [
        [alternative.content, alternative.mimetype] for alternative in getattr(message, "alternatives", ())
    ]
    parts["about"] = current_subjects()
    return _cipher().encrypt(json.dumps(parts).encode())


def _without_message(row: OutgoingMail) -> bytes:
    """What is kept of a message that was given up: what it was about."""
    about = subjects(row)
    return b"" if about is None else _cipher().encrypt(json.dumps({"about": about}).encode())


def subjects(row: OutgoingMail) -> list[Subject] | None:
    """What a message is about. None if that is unknown, because SECRET_KEY has changed since it was stored."""
    about = parts(row).get("about")
    return None if about is None else [(label, key) for label, key in about]


def _unsealed(row: OutgoingMail) -> dict[str, Any]:
    parts: dict[str, Any] = json.loads(_cipher().decrypt(bytes(row.sealed)))
    return parts


def parts(row: OutgoingMail) -> dict[str, Any]:
    """The decrypted parts of a message; empty if SECRET_KEY has changed since it was stored."""
    try:
        return _unsealed(row)
    except InvalidToken:
        return {}


def _open(row: OutgoingMail) -> EmailMultiAlternatives:
    """The message, ready to send. Raises InvalidToken if SECRET_KEY has changed since it was stored."""
    parts = _unsealed(row)
    subtype, alternatives = parts.pop("content_subtype"), parts.pop("alternatives")
    headers = parts.pop("extra_headers")
    parts.pop("about", None)
    message = EmailMultiAlternatives(**parts, headers=headers, connection=get_connection(settings.MAIL_TRANSPORT))
    message.content_subtype = subtype
    for content, mimetype in alternatives:
        message.attach_alternative(content, mimetype)
    return message
