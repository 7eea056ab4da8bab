"""E-mail to people who work with the CMS. About a death review it contains only the reference."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.models import RevisionMixin

from pages.content.death_reviews import may_be_told


def send_mail(people: Iterable[User], subject: str, text: str, about: RevisionMixin) -> None:
    """Send each active person who may know of the object `about` a message that ends with a link to its edit screen.

    The outbox sends it after the transaction commits (pages/editing/outbox.py).
    """
    path = AdminURLFinder().get_edit_url(about)
    body = f"{text}\n\n{settings.CMS_URL}{path}\n" if path else f"{text}\n"
    recipients = {person.email for person in people if person.is_active and person.email and may_be_told(person, about)}
    for address in sorted(recipients):
        EmailMessage(
            " ".join(subject.split())[:200], body, to=[address], headers={"Auto-Submitted": "auto-generated"}
        ).send()
