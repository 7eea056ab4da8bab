import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from pages.models import DeathReviewNoticePage
from pages.models.death_reviews import name_hash


class Command(BaseCommand):
    help = (
        "Notes names that must never appear in a death-review notice: it reads them, one a line, from standard input, "
        "and keeps only their keyed hashes. Nothing looks for them yet, so a notice with such a name can be published: "
        "whoever approves it has to check. It is no screen of the admin, because forms keep what was typed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", help="The notice's reference, as in DR-7KQ2.")

    @transaction.atomic
    def handle(self, *args, **options) -> None:
        notices = DeathReviewNoticePage.objects.select_for_update()
        notice = notices.filter(reference=options["reference"]).first()
        if notice is None:
            raise CommandError(f"There is no notice with the reference {options['reference']}.")
        names = {name_hash(line) for line in sys.stdin if line.strip()}
        kept = sorted({*notice.name_blocklist, *names})
        DeathReviewNoticePage.objects.filter(pk=notice.pk).update(name_blocklist=kept)
        count = "1 name is" if len(kept) == 1 else f"{len(kept)} names are"
        self.stdout.write(
            f"{count} noted for {notice.reference}. This is not enforced: nothing looks for them in the notice."
        )
