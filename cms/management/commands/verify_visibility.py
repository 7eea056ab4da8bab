"""Compares what is kept about the visibility of pages with the rule."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from pages.models import PageVisibility
from pages.visibility import facts

logger = logging.getLogger(__name__)
NAMED = 20  # pages that a message names


class Command(BaseCommand):
    help = (
        "Compares the rows that say which pages are public with the rule itself. Exits with 1 if they differ, and "
        "hides pages that are shown although they must not be. Run it once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="also work out all rows anew if any differs")

    def handle(self, *args: Any, repair: bool, **options: Any) -> None:
        now = timezone.now()
        shown, hidden = facts.differences(now)
        outdated = facts.outdated() - shown - hidden
        if not shown and not hidden and not outdated:
            count = PageVisibility.objects.filter(until__gt=now, withdrawal_kind="").count()
            self.stdout.write(f"{count} pages are public, and the rows agree with the rule.")
            return
        facts.hide(shown)
        found = [
            *_sentence("Shown although hidden, and hidden now", shown),
            *_sentence("Hidden although public", hidden),
            *_sentence("Right now, but with a wrong date or place in lists", outdated),
        ]
        problem = " ".join(["The rows do not agree with the rule.", *found])
        logger.critical("%s", problem)
        if repair:
            facts.renew_all()
            raise CommandError(f"{problem} All rows were worked out anew.")
        raise CommandError(f"{problem} Run: python manage.py verify_visibility --repair")


def _sentence(about: str, pages: set[int]) -> list[str]:
    if not pages:
        return []
    names = ", ".join(f"page {key}" for key in sorted(pages)[:NAMED])
    return [f"{about}: {names}{f' and {len(pages) - NAMED} more' if len(pages) > NAMED else ''}."]
