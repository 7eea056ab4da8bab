from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cms.publication.effects import update_after_commit
from feeds.build.items import update_entries
from feeds.websub import send_pings
from pages.approval.scheduling import expire_what_is_over, publish_what_is_due
from pages.editing import outbox
from pages.reading.draft_previews import delete_expired


class Command(BaseCommand):
    help = (
        "Publishes approved versions that are due, unpublishes what has expired, and sends mail from the outbox. Run "
        "it every minute. A version that may no longer be published is removed from the schedule, and the people "
        "concerned get an e-mail."
    )

    def handle(self, *args: object, **options: Any) -> None:
        try:
            self.publish(options["verbosity"])
        finally:  # send the mail even if something failed
            outbox.deliver(timezone.now())

    def publish(self, verbosity: int) -> None:
        as_of = timezone.now()
        published, refused = publish_what_is_due(
            as_of
        )  # first, so that a page does not expire before its next version is published
        expired = expire_what_is_over(as_of)
        delete_expired(as_of)
        update_entries(as_of)
        send_pings()
        update_after_commit()
        for line in refused:
            self.stderr.write(f"Not published: {line}")
        if verbosity > 1 or expired or published:
            self.stdout.write(f"{published} published, {expired} expired, {len(refused)} not published.")
