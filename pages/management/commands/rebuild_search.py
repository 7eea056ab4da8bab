"""Rebuilds the index of the public search."""

from django.core.management.base import BaseCommand
from tqdm import tqdm

from pages.search.index import rebuild


class Command(BaseCommand):
    help = (
        "Extracts the text of all documents and of all published pages again, and indexes it for the search. Use it "
        "after an upgrade that says so, or after a change of WAGTAILSEARCH_BACKENDS. Safe to run again."
    )

    def handle(self, *args: str, **options: object) -> None:
        documents, pages, unread = rebuild(lambda rows, count, unit: tqdm(rows, total=count, unit=unit, disable=None))
        self.stdout.write(f"The words of {documents} documents and {pages} published pages were read.")
        for line in unread:
            self.stderr.write(f"Document {line}")
