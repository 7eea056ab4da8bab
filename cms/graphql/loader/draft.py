"""Loads what a draft shows, with the draft in place of what is in the database."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Model
from modelcluster.fields import ParentalKey

from cms.graphql.loader.public import Loader
from documents.access.public_files import for_staff
from documents.models import Document, Image
from pages.content import addresses
from pages.models import ContentPage, Paper, PriorityPeriodPage, Topic
from pages.reading.draft_previews import Shown, draft_files
from pages.visibility import current
from pages.visibility.rule import public

EMPTY = "Cannot return null for non-nullable field"  # how graphql-core begins what it says of a value that is missing


class DraftLoader(Loader):
    """Gives the draft, and the rows that were typed with it, in place of what is in the database.

    Other pages and files are there when they are public; with a token, the draft's own files too, at addresses that
    work with the token, as far as its person may see them in the admin.
    """

    def __init__(self, draft: ContentPage, at: datetime, shown: Shown | None = None) -> None:
        super().__init__(at)
        self.draft, self.shown = draft, shown
        self.remember([draft])

    def page_at(self, path: str) -> Any:
        return self.draft if path == addresses.url_path(self.draft) else super().page_at(path)

    def rows(self, model: Any, keys: list[Any], page: str = "page") -> list[Any]:
        relation = model._meta.get_field(page)
        if self.draft.pk not in keys or not isinstance(self.draft, relation.related_model):
            return super().rows(model, keys, page)
        others = super().rows(model, [key for key in keys if key != self.draft.pk], page)
        return [*self._typed(relation), *others]

    def _typed(self, relation: Any) -> Iterable[Model]:
        """The rows of the draft. Those that were never saved get a key, by which what belongs to each is found."""
        if self.draft.pk is None and not isinstance(relation, ParentalKey):
            return []  # such rows are written by the system, when the page is published
        rows = list(getattr(self.draft, relation.remote_field.get_accessor_name()).all())
        for number, row in enumerate(rows, start=1):
            row.pk = row.pk or -number
            setattr(row, relation.attname, self.draft.pk)
        return rows

    def ancestors(self, page: ContentPage) -> list[ContentPage]:
        """None at all when one of them is not public, as long as the draft could not be public either."""
        above = super().ancestors(page)
        return [] if page is self.draft and len(above) < page.depth - 2 else above

    def topics(self, page: ContentPage) -> list[Topic]:
        if page is self.draft:
            return sorted(page.topics.all(), key=lambda topic: topic.name)
        return super().topics(page)

    @cached_property
    def periods(self) -> tuple[list[Any], Any, list[Any]]:
        if not isinstance(self.draft, PriorityPeriodPage) or self.draft.starts_on is None:
            return super().periods
        stored = public(PriorityPeriodPage.objects.filter(starts_on__isnull=False), self.at)
        return current.by_standing([self.draft, *stored.exclude(pk=self.draft.pk)], self.at)

    def _papers(self, meetings: list[int]) -> dict[int, list[Paper]]:
        """A file that is public elsewhere is public as a paper of the draft from its publication on."""
        found = super()._papers(meetings)
        for paper in found.get(self.draft.pk, []):
            paper.__dict__["published_at"] = paper.__dict__["published_at"] or self.at
        return found

    @cached_property
    def _own_files(self) -> tuple[set[int], set[int]]:
        return draft_files(self.shown) if self.shown else (set(), set())

    def _documents(self, keys: set[int], on: type[Model]) -> dict[int, Document]:
        found = super()._documents(keys, on)
        return found | self._not_public(Document, (keys & self._own_files[0]) - found.keys())

    def _images(self, keys: set[int], on: type[Model]) -> dict[int, Image]:
        found = super()._images(keys, on)
        return found | self._not_public(Image, (keys & self._own_files[1]) - found.keys())

    def _not_public(self, model: Any, keys: set[int]) -> dict[int, Any]:
        if not keys or self.shown is None:
            return {}
        files = self.together(for_staff(self.shown.user, model.objects.filter(pk__in=keys)))
        for file in files:
            file.preview_token = self.shown.token
        return {file.pk: file for file in files}
