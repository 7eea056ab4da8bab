"""E-mail to people who work with the CMS. Of a death review it says the reference and nothing else."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from wagtail.admin.admin_url_finder import AdminURLFinder

from pages.content.death_reviews import may_be_told


def send_mail(people: Iterable[Any], subject: str, text: str, about: Any) -> None:
    """Write a message to each person who has an address and may know of what it is about, with a link to that. It is
    sent after the commit (pages/editing/outbox.py)."""
    path = AdminURLFinder().get_edit_url(about)
    body = f"{text}\n\n{settings.CMS_URL}{path}\n" if path else f"{text}\n"
    told = {person.email for person in people if person.is_active and person.email and may_be_told(person, about)}
    for address in sorted(told):
        EmailMessage(
            " ".join(subject.split())[:200], body, to=[address], headers={"Auto-Submitted": "auto-generated"}
        ).send()
