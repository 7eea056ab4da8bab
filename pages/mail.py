"""E-mail to people who work with the CMS. Of a death review it says the reference and nothing else."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from wagtail.admin.admin_url_finder import AdminURLFinder


def tell(people: Iterable[Any], subject: str, text: str, about: Any) -> None:
    """Write a message to each person who has an address, with a link to what it is about. It is sent after the
    commit (pages/outbox.py)."""
    path = AdminURLFinder().get_edit_url(about)
    body = f"{text}\n\n{settings.CMS_URL}{path}\n" if path else f"{text}\n"
    for address in sorted({person.email for person in people if person.is_active and person.email}):
        EmailMessage(
            " ".join(subject.split())[:200], body, to=[address], headers={"Auto-Submitted": "auto-generated"}
        ).send()
