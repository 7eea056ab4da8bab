from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cms.graphql.schema.compatibility import schema_changes
from cms.graphql.schema.query import schema

PRINTED = Path(settings.BASE_DIR) / "cms/graphql/schema.graphql"


class Command(BaseCommand):
    help = (
        "Prints the public GraphQL schema to cms/graphql/schema.graphql, so that every change of it is reviewed. "
        "Refuses a change that breaks clients, unless the removed part was deprecated before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only check that the file is up to date.")
        parser.add_argument("--breaking", action="store_true", help="Allow changes that break clients.")

    def handle(self, *args: object, **options: Any) -> None:
        text = str(schema) + "\n"
        printed = PRINTED.read_text() if PRINTED.exists() else text
        if options["check"]:
            if not PRINTED.exists() or printed != text:
                told = schema_changes(printed, text).summary()
                raise CommandError(
                    f"{PRINTED.name} is out of date. Run: manage.py print_schema, and review the change. {told}"
                )
            return
        changes = schema_changes(printed, text)
        if changes.breaking and not options["breaking"]:
            raise CommandError(
                f"Nothing was printed. {changes.summary()} Keep the removed part for a time, marked as deprecated, or "
                "print the schema with --breaking if no client uses it."
            )
        PRINTED.write_text(text)
        self.stdout.write(f"Printed to {PRINTED}. {changes.summary()}")
