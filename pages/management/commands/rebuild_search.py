"""Writes anew what the public search looks through."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from pages.search.index import rebuild


class Command(BaseCommand):
    help = (
        "Reads the words of all documents and of all published pages again, and enters them in the search index. For "
        "use after an upgrade that says so, or another choice of WAGTAILSEARCH_BACKENDS. Running it again does no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        documents, pages, unread = rebuild(lambda rows, count, unit: tqdm(rows, total=count, unit=unit, disable=None))
        self.stdout.write(f"The words of {documents} documents and {pages} published pages were read.")
        for line in unread:
            self.stderr.write(f"Document {line}")
