"""Sends e-mail reminders of the pages that are due for review."""

import logging

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from pages.content.mail import mail_about
from pages.content.plain_words import local
from pages.editing.reminders import message, reminders
from pages.models import ReviewReminder

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Sends each person one e-mail that lists the pages due for review: those overdue and those due within 14 "
        "days. Run again on the same day, it sends only what was not sent. Exits with 1 if a mail could not be sent."
    )

    def handle(self, *args: str, **options: object) -> None:
        as_of = timezone.now()
        today = local(as_of).date()
        ReviewReminder.objects.filter(sent_on__lt=today).delete()
        planned, failed = reminders(as_of), []
        for person, due in planned.by_recipient.items():
            try:
                with mail_about(*(deadline.page for deadline in due)):
                    message(person, due, as_of).send()
            except Exception:
                # One bad server answer or address must not stop the other mail.
                logger.exception("A reminder could not be sent.")
                failed.append(person.get_username())
                continue
            ReviewReminder.objects.bulk_create(
                [ReviewReminder(page=deadline.page, user=person, sent_on=today) for deadline in due],
                ignore_conflicts=True,  # the command may run twice at the same time
            )
        sent = len(planned.by_recipient) - len(failed)
        self.stdout.write(f"{sent} {'person was' if sent == 1 else 'people were'} reminded.")
        if planned.without_recipient:
            keys = ", ".join(str(page.pk) for page in planned.without_recipient)
            self.stderr.write(
                f"Nobody can be reminded of {len(planned.without_recipient)} page(s): their owners and moderators have "
                f"no open account with an e-mail address. Page numbers: {keys}"
            )
        if failed:
            raise CommandError(f"No mail could be sent to: {', '.join(failed)}. Check EMAIL_URL, then run this again.")
