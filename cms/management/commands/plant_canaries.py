"""Adds hidden canary content to a site's database, so that `check_leaks` can check over HTTP that none is public."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction
from taggit.models import Tag
from wagtail.actions.delete_page import DeletePageAction
from wagtail.models import Collection

from cms.leakcheck.canaries import CANARY, CONTROL
from cms.leakcheck.canary_content import FILES, Canaries, identities, identity, words_for
from documents.models import Document, Image
from pages.content import addresses
from pages.models import ContentPage, PartnershipPage, StandardPage, Topic
from pages.models.snippets import ModeratedSnippet
from pages.visibility.rule import public

NOTHING_NEW = "Everything is already there. Nothing was changed."


class Command(BaseCommand):
    help = (
        "Adds hidden pages, files and snippets that carry a canary word, and one public page that links to them, for"
        " `check_leaks`. It can be run again. --remove deletes them, but the logs and the ledger keep their entries."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help="Delete everything that this command has added.")

    @transaction.atomic
    def handle(self, *args: object, **options: Any) -> None:
        if options["remove"]:
            self.stdout.write(f"{remove()} pages, files and snippets removed.")
            return
        home = public(PartnershipPage.objects.all()).first()
        if home is None:
            raise CommandError(
                "There is no public home page: publish a partnership page, or run `manage.py load_demo`."
            )
        if public(StandardPage.objects.filter(uuid=identity(CONTROL))).exists():
            self.stdout.write(NOTHING_NEW)
            return
        if any(True for _ in planted()):
            raise CommandError("Some canaries exist, but not the public page: run this with --remove, and then again.")
        control = Canaries(home).plant()
        self.stdout.write(
            f'{sum(1 for _ in planted())} pages, files and snippets added, with the word "{CANARY}". '
            f"Public: {addresses.url(control)}\n"
            "Run `manage.py check_leaks` with the address of the site next, and then this command with --remove."
        )


def planted() -> Iterator[models.Model]:
    """Everything that this command has added, in the order in which it can be deleted."""
    yield from ContentPage.objects.filter(uuid__in=identities()).order_by("-path")
    for model in (Document, Image):
        yield from model.objects.filter(title__in=FILES)
    yield from Collection.objects.filter(name=CANARY)
    for snippet in ModeratedSnippet.__subclasses__():
        name = next(
            field for field in snippet._meta.concrete_fields if type(field) is models.CharField and field.editable
        )
        yield from snippet._default_manager.filter(**{name.name: words_for(name, snippet.__name__)})
    yield from Topic.objects.filter(slug=CANARY)
    yield from Tag.objects.filter(name=CANARY)


def remove() -> int:
    """Delete everything that this command has added. Returns the number of objects.

    Raises CommandError if other content is below it or uses it.
    """
    found = list(planted())
    for obj in found:
        if isinstance(obj, ContentPage):
            if (other := obj.get_descendants().exclude(contentpage__uuid__in=identities()).first()) is not None:
                raise CommandError(f"The page {other.title!r} is below a canary page: move it first.")
            DeletePageAction(obj.specific).execute(skip_permission_checks=True)
            continue
        try:
            obj.delete()
        except models.ProtectedError as error:
            users = ", ".join(sorted({str(user) for user in error.protected_objects}))
            raise CommandError(f"{obj} is used by {users}: remove it there first.") from error
    return len(found)
