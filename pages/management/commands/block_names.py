import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from pages.models import DeathReviewNoticePage
from pages.models.death_reviews import name_hash


class Command(BaseCommand):
    help = (
        "Records names that must never appear in a death-review notice. Reads them from standard input, one on each "
        "line, and stores only their keyed hashes. The CMS does not check notices for them yet, so the people who "
        "approve a notice must. This is a command because forms of the admin keep what was typed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", help="The notice's reference, as in DR-7KQ2.")

    @transaction.atomic
    def handle(self, *args: str, **options: Any) -> None:
        notices = DeathReviewNoticePage.objects.select_for_update()
        notice = notices.filter(reference=options["reference"]).first()
        if notice is None:
            raise CommandError(f"There is no notice with the reference {options['reference']}.")
        names = {name_hash(line) for line in sys.stdin if line.strip()}
        hashes = sorted({*notice.name_blocklist, *names})
        DeathReviewNoticePage.objects.filter(pk=notice.pk).update(name_blocklist=hashes)
        count = "1 name is" if len(hashes) == 1 else f"{len(hashes)} names are"
        self.stdout.write(f"{count} recorded for {notice.reference}. The CMS does not check the notice for them.")
