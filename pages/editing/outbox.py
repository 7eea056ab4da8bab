"""Mail is written into the database, in the transaction that it tells of, and sent afterwards.

So no answer waits for a mail server, or tells by the time it takes whether a mail was sent; what is undone is not told
of; and what a server does not take is sent again. All mail of Django, Wagtail and allauth comes here: settings name
`Outbox` as the backend. It is sent by `publish_scheduled`, and by a thread of the server after each answer that wrote
some.
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
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.signals import request_finished
from django.db import connections
from django.db.models import F
from django.utils import timezone

from pages.models import OutgoingMail

GIVEN_UP_AFTER = timedelta(days=1)
SHOWN_FOR = timedelta(days=30)  # what was given up
LONGEST_PAUSE = 60  # minutes
CLAIMED_FOR = timedelta(minutes=10)  # longer than a mail server takes; after a crash it is sent again
PARTS = ("subject", "body", "from_email", "to", "cc", "bcc", "reply_to", "extra_headers", "content_subtype")

logger = logging.getLogger(__name__)
_written = threading.local()


class Outbox(BaseEmailBackend):
    """Django's mail backend that keeps each message until it is sent. Files cannot be attached."""

    def send_messages(self, email_messages: Iterable[Any]) -> int:
        return put(email_messages)


def put(messages: Iterable[Any]) -> int:
    now = timezone.now()
    rows = [
        OutgoingMail(to=", ".join(message.recipients()), sealed=_seal(message), written_at=now, next_try_at=now)
        for message in messages
    ]
    OutgoingMail.objects.bulk_create(rows)
    _written.some = True
    return len(rows)


def deliver(as_of: datetime) -> tuple[int, int]:
    """Send what is due; how many messages were sent, and how many were not. No transaction is open meanwhile.

    A mail server may be slow, so the time for which a message is claimed begins when its turn comes.
    """
    sent = failed = 0
    OutgoingMail.objects.filter(given_up_at__lt=as_of - SHOWN_FOR).delete()
    for row in OutgoingMail.objects.filter(next_try_at__lte=as_of, given_up_at=None).order_by("pk"):
        free = OutgoingMail.objects.filter(pk=row.pk, next_try_at=row.next_try_at, given_up_at=None)
        if not free.update(next_try_at=timezone.now() + CLAIMED_FOR, tries=F("tries") + 1):
            continue  # somebody else sends it
        try:
            if row.to:
                _open(row).send()
        except Exception as error:  # whatever a mail server or an address does wrong: the others still get theirs
            failed += 1
            _try_again(row, error, timezone.now())
        else:
            sent += bool(row.to)
            OutgoingMail.objects.filter(pk=row.pk).delete()
    return sent, failed


def _try_again(row: OutgoingMail, error: Exception, as_of: datetime) -> None:
    kind = type(error).__name__
    if isinstance(error, SMTPResponseException):
        kind += f" {error.smtp_code}"
    logger.warning("Mail %s could not be sent: %s. Is EMAIL_URL right, and the mail server up?", row.pk, kind)
    changes: dict[str, Any] = {"error": kind[:100]}
    if as_of - row.written_at >= GIVEN_UP_AFTER:
        changes |= {"given_up_at": as_of, "sealed": b""}
    else:
        changes["next_try_at"] = as_of + timedelta(minutes=min(2**row.tries, LONGEST_PAUSE))
    OutgoingMail.objects.filter(pk=row.pk).update(**changes)


# --- After the answer ---


def after_the_answer(sender: Any, **kwargs: Any) -> None:
    """Signal `request_finished`: the answer is on its way."""
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


# --- A message as it is kept ---


def _cipher() -> Fernet:
    key = hashlib.sha256(b"outgoing mail:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _seal(message: Any) -> bytes:
    if message.attachments:
        raise NotImplementedError("Mail with files attached cannot be kept in the outbox.")
    parts = {name: getattr(message, name) for name in PARTS}
    parts["alternatives"] = [[one.content, one.mimetype] for one in getattr(message, "alternatives", ())]
    return _cipher().encrypt(json.dumps(parts).encode())


def _unsealed(row: OutgoingMail) -> dict[str, Any]:
    parts: dict[str, Any] = json.loads(_cipher().decrypt(bytes(row.sealed)))
    return parts


def parts(row: OutgoingMail) -> dict[str, Any]:
    """What a message says; nothing where SECRET_KEY was changed meanwhile, so that nobody can read it any more."""
    try:
        return _unsealed(row)
    except InvalidToken:
        return {}


def _open(row: OutgoingMail) -> EmailMultiAlternatives:
    """Raises InvalidToken when SECRET_KEY was changed meanwhile."""
    parts = _unsealed(row)
    subtype, alternatives = parts.pop("content_subtype"), parts.pop("alternatives")
    headers = parts.pop("extra_headers")
    message = EmailMultiAlternatives(**parts, headers=headers, connection=get_connection(settings.MAIL_TRANSPORT))
    message.content_subtype = subtype
    for content, mimetype in alternatives:
        message.attach_alternative(content, mimetype)
    return message
