"""E-mail to people who work with the CMS. Of a death review it says the reference and nothing else."""

import logging
from collections.abc import Iterable
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from wagtail.admin.admin_url_finder import AdminURLFinder

logger = logging.getLogger(__name__)


def tell(people: Iterable[Any], subject: str, text: str, about: Any) -> None:
    """Send a message to each person who has an address, after the commit, with a link to what it is about."""
    path = AdminURLFinder().get_edit_url(about)
    body = f"{text}\n\n{settings.CMS_URL}{path}\n" if path else f"{text}\n"
    addresses = sorted({person.email for person in people if person.is_active and person.email})
    transaction.on_commit(lambda: _send(subject, body, addresses))


def _send(subject: str, body: str, addresses: list[str]) -> None:
    """A mail server that is down must not undo what the mail tells of."""
    for address in addresses:
        try:
            EmailMessage(
                " ".join(subject.split())[:200], body, to=[address], headers={"Auto-Submitted": "auto-generated"}
            ).send()
        except (SMTPException, OSError):
            logger.exception("A message could not be sent: is EMAIL_URL right, and the mail server up?")
