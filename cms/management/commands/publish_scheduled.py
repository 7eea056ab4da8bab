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
        "Publishes the approved versions whose time has come, takes away what expired, and sends the mail that waits. "
        "Run it every minute. "
        "A version that may not be published any more is taken off its schedule, and the people concerned are told."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.publish(options["verbosity"])
        finally:  # whatever failed, the mail goes out
            outbox.deliver(timezone.now())

    def publish(self, verbosity: int) -> None:
        as_of = timezone.now()
        published, refused = publish_what_is_due(as_of)  # first, so that a page is not gone between two versions
        expired = expire_what_is_over(as_of)
        delete_expired(as_of)
        update_entries(as_of)
        send_pings(as_of)
        update_after_commit()
        for line in refused:
            self.stderr.write(f"Not published: {line}")
        if verbosity > 1 or expired or published:
            self.stdout.write(f"{published} published, {expired} expired, {len(refused)} not published.")
