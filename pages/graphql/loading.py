"""The interface of the request's loader, through which the public fields of models and blocks are resolved.

The loader imports the models, and the models import this package. So the interface is declared here, and
pages/reading/loader.py implements it.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from django.db.models import Model
from graphql import GraphQLResolveInfo
from wagtail.models import Orderable, Page

from pages.content.rich_text import RichTextValue


class FieldLoader(ABC):
    """Loads what an object refers to, if readers may see it, for all objects of a list at once."""

    @abstractmethod
    def rich_text(self, obj: Model, source: str) -> RichTextValue:
        """A rich text of the object, with links to public pages and files only."""

    @abstractmethod
    def page_in(self, obj: Model, key: int | None) -> Any:
        """The public page with this primary key, which a block of the object names, or None."""

    @abstractmethod
    def base_page_in(self, obj: Model, key: int | None) -> Any:
        """The same page as a `ContentPage`, for callers that need only its title and address."""

    @abstractmethod
    def document_in(self, obj: Model, key: int | None) -> Any:
        """The public document with this primary key, which a block of the object names, or None."""

    @abstractmethod
    def image_in(self, obj: Model, key: int | None) -> Any:
        """The public picture with this primary key, which a block of the object names, or None."""

    @abstractmethod
    def related(self, obj: Model, source: str) -> Any:
        """The public page, snippet or file that a foreign key of the object names, or None."""

    @abstractmethod
    def children(self, obj: Model, source: str) -> list[Any]:
        """The rows under an object, in the order of their model."""

    @abstractmethod
    def topics(self, page: Page) -> list[Any]:
        """The topics of a page, ordered by name."""

    @abstractmethod
    def page_documents(self, page: Page, datasets: bool) -> list[Any]:
        """The public documents of a publication: its data files, or all other documents."""

    @abstractmethod
    def papers(self, meeting: Page) -> list[Any]:
        """The papers of a meeting whose document is public."""

    @abstractmethod
    def papers_of(self, item: Orderable) -> list[Any]:
        """The papers of an agenda item whose document is public."""

    @abstractmethod
    def paper_published_at(self, paper: Orderable) -> datetime | None:
        """When a paper that this loader returned became public with its meeting."""

    @abstractmethod
    def agenda_published_at(self, meeting: Page) -> datetime | None:
        """When an agenda of the meeting became public."""

    @abstractmethod
    def support_services(self, notice: Page) -> list[Any]:
        """The public support services of a death-review notice."""


def loader_of(info: GraphQLResolveInfo) -> FieldLoader:
    """The loader of the GraphQL request."""
    loader: FieldLoader = info.context.loader
    return loader
