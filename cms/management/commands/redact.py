import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from cms.publication.effects import purge_everything
from pages.redaction.redact import RedactionError, redact


class Command(BaseCommand):
    help = (
        "Reads one text from standard input and permanently removes it from pages, drafts, revisions, comments, logs, "
        "the search index and file names. Logs that it ran, but not what it removed. Does not change the contents of "
        "files, accounts or backups."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Required, because a redaction cannot be undone.")

    def handle(self, *args: object, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("A redaction cannot be undone. Add --yes to confirm it.")
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
