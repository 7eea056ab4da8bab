from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cms.graphql.http.registered_documents import NotRegisteredError, documents_in, register


class Command(BaseCommand):
    help = (
        "Registers GraphQL documents, so that clients can request them by id. Prints the ids. Keeps earlier documents."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="+", type=Path, help=".graphql files, or .json manifests from a code generator"
        )

    def handle(self, *args: object, **options: Any) -> None:
        try:
            documents = {name: text for path in options["files"] for name, text in documents_in(path).items()}
            registered = register(documents)
        except NotRegisteredError as error:
            raise CommandError(f"Nothing was registered.\n{error}") from None
        for (name, _), (key, is_new) in zip(documents.items(), registered.items(), strict=True):
            self.stdout.write(f"sha256:{key}  {name}{'' if is_new else ' (already registered)'}")
        self.stdout.write(f"{sum(registered.values())} new, {len(registered)} in all.")
