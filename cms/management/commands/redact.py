import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from cms.publication import forget_everything
from pages.redaction import redact


class Command(BaseCommand):
    help = (
        "Reads one text from standard input and takes it out of everything that the CMS keeps, for good: pages, "
        "drafts, revisions, comments, logs, the search index and file names. Logs that it ran, not what it removed. "
        "The contents of files and backups are not looked at."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Needed: what is redacted cannot be brought back.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("What is redacted cannot be brought back. Add --yes when you mean it.")
        text = sys.stdin.read().strip()
        try:
            with transaction.atomic():
                forget_everything()  # the addresses that may have the text in them
                changed = redact(text, lambda tables: tqdm(tables, unit="table", disable=not sys.stderr.isatty()))
                forget_everything()
        except ValueError as error:
            raise CommandError(str(error)) from error
        for name, rows in sorted(changed.items()):
            self.stdout.write(f"{rows:6} {name}")
        self.stdout.write(f"{changed.total()} rows redacted.")
