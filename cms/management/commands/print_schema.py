from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cms.graphql.schema import schema

PRINTED = Path(settings.BASE_DIR) / "cms/graphql/schema.graphql"


class Command(BaseCommand):
    help = "Prints the public GraphQL schema to cms/graphql/schema.graphql, so that every change of it is reviewed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only say whether the file is up to date.")

    def handle(self, *args, **options) -> None:
        text = str(schema) + "\n"
        if not options["check"]:
            PRINTED.write_text(text)
            self.stdout.write(f"Printed to {PRINTED}.")
        elif not PRINTED.exists() or PRINTED.read_text() != text:
            raise CommandError(f"{PRINTED.name} is out of date. Run: manage.py print_schema, and review the change.")
