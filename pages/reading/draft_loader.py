"""Loads what a draft shows, with the draft in place of the stored page."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import ForeignKey, Model
from modelcluster.fields import ParentalKey

from documents.access.public_files import AnyFile, for_staff, may_be_public, shown_on
from documents.models import Document, Image
from pages.content import addresses
from pages.models import ContentPage, Paper, PriorityPeriodPage, Topic
from pages.reading.at_path import Withdrawn
from pages.reading.draft_previews import Shown, draft_files
from pages.reading.loader import Loader
from pages.visibility import current
from pages.visibility.rule import public


class DraftLoader(Loader):
    """Returns the draft and its child objects in place of the stored page.

    Other pages and files are loaded if they are public. With a preview token, the draft's own files are loaded too, as
    far as the user of the token may see them in the admin, at addresses that contain the token.
    """

    def __init__(self, draft: ContentPage, as_of: datetime, shown: Shown | None = None) -> None:
        super().__init__(as_of)
        self.draft, self.shown = draft, shown
        self._held[draft.pk] = draft
        self.remember([draft])

    def page_at(self, path: str) -> ContentPage | Withdrawn | None:
        return self.draft if path == addresses.url_path(self.draft) else super().page_at(path)

    def _rows_in_memory(self, page: ContentPage, relation: ForeignKey[Any, Any]) -> list[Any]:
        """The child objects. Those of the draft that were never saved get negative primary keys, to be told apart."""
        if page.pk is None and not isinstance(relation, ParentalKey):
            return []  # the CMS writes these rows when the page is published
        rows = super()._rows_in_memory(page, relation)
        for number, row in enumerate(rows, start=1):
            row.pk = row.pk or -number
            setattr(row, relation.attname, page.pk)
        return rows

    def ancestors(self, page: ContentPage) -> list[ContentPage]:
        """The public pages above the page. Empty for a draft below a page that is not public."""
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
        stored = public(PriorityPeriodPage.objects.filter(starts_on__isnull=False), self.as_of)
        return current.by_standing([self.draft, *stored.exclude(pk=self.draft.pk)], self.as_of)

    def _papers(self, meetings: list[int]) -> dict[int, list[Paper]]:
        """The papers by meeting. Those of the draft that are not public yet are public since `as_of`."""
        found = super()._papers(meetings)
        for paper in found.get(self.draft.pk, []):
            self._public_since.setdefault((paper.page_id, paper.document_id), self.as_of)
        return found

    @cached_property
    def _own_files(self) -> dict[type[Model], set[int]]:
        if self.shown is None:
            return {Document: set(), Image: set()}
        return dict(zip((Document, Image), draft_files(self.shown), strict=True))

    def _files(self, model: type[Document] | type[Image], keys: set[int], on: type[Model]) -> Iterable[Any]:
        found = list(super()._files(model, keys, on))
        own = (keys & self._own_files[model]) - {file.pk for file in found}
        return [*found, *self._not_public(model, own)]

    def _not_public(self, model: type[AnyFile], keys: set[int]) -> list[AnyFile]:
        if not keys or self.shown is None:
            return []
        files = list(for_staff(self.shown.user, model.objects.filter(pk__in=keys)))
        for file in files:
            file.preview_token = self.shown.token
        return files


class PreviewLoader(DraftLoader):
    """The loader for previews in the admin. It shows files as if the draft were published at the instant, as far as the
    viewer may see them in the admin."""

    def __init__(self, draft: ContentPage, as_of: datetime, viewer: User | AnonymousUser) -> None:
        super().__init__(draft, as_of)
        self.viewer = viewer

    def _files(self, model: type[Document] | type[Image], keys: set[int], on: type[Model]) -> Iterable[Any]:
        return shown_on(on, for_staff(self.viewer, may_be_public(model.objects.filter(pk__in=keys))))
