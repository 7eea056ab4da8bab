import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from cms.publication.effects import purge_everything
from pages.redaction.redact import RedactionError, redact


class Command(BaseCommand):
    help = (
        "Reads one text from standard input and takes it out of everything that the CMS keeps, for good: pages, "
        "drafts, revisions, comments, logs, the search index and file names. Logs that it ran, not what it removed. "
        "The contents of files, accounts and backups are not looked at."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Needed: what is redacted cannot be brought back.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("What is redacted cannot be brought back. Add --yes when you mean it.")
        try:
            changed = redact(
                sys.stdin.read().strip(),
                lambda tables: tqdm(tables, unit="table", disable=not sys.stderr.isatty()),
                purge_everything,
            )
        except (ValueError, RedactionError) as error:
            raise CommandError(str(error)) from None
        for name, rows in sorted(changed.items()):
            self.stdout.write(f"{rows:6} {name}")
        self.stdout.write(f"{changed.total()} rows redacted.")
