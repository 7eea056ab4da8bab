"""What the public fields of models and blocks are resolved through: the loader of the request.

The loader knows the models, whose fields are declared here below them; so its methods are declared here too, and
pages/reading/loader.py has them.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from django.db.models import Model
from graphql import GraphQLResolveInfo

from pages.content.rich_text import RichTextValue


class FieldLoader(ABC):
    """Finds what an object leads to, as far as readers may see it, for all objects of a list at once."""

    @abstractmethod
    def rich_text(self, obj: Model, source: str) -> RichTextValue:
        """A rich text of the object, whose links lead to public pages and files alone."""

    @abstractmethod
    def page_in(self, obj: Model, key: int | None) -> Any:
        """The public page with this primary key that a block of the object names, or None."""

    @abstractmethod
    def base_page_in(self, obj: Model, key: int | None) -> Any:
        """The same, where its title and address are enough."""

    @abstractmethod
    def document_in(self, obj: Model, key: int | None) -> Any:
        """The public document with this primary key that a block of the object names, or None."""

    @abstractmethod
    def image_in(self, obj: Model, key: int | None) -> Any:
        """The public picture with this primary key that a block of the object names, or None."""

    @abstractmethod
    def related(self, obj: Model, source: str) -> Any:
        """The public page, snippet or file that a foreign key of the object names, or None."""

    @abstractmethod
    def children(self, obj: Model, source: str) -> list[Any]:
        """The rows under an object, in the order of their model."""

    @abstractmethod
    def topics(self, page: Any) -> list[Any]:
        """The topics that a page is filed under, by name."""

    @abstractmethod
    def page_documents(self, page: Any, datasets: bool) -> list[Any]:
        """The public documents of a publication: its data files, or all the others."""

    @abstractmethod
    def papers(self, meeting: Any) -> list[Any]:
        """The papers of a meeting whose document is public."""

    @abstractmethod
    def papers_of(self, item: Any) -> list[Any]:
        """Those of them that belong to an agenda item."""

    @abstractmethod
    def paper_published_at(self, paper: Any) -> datetime | None:
        """Since when a paper that this loader gave out is public with its meeting."""

    @abstractmethod
    def agenda_published_at(self, meeting: Any) -> datetime | None:
        """Since when an agenda of the meeting is public."""

    @abstractmethod
    def support_services(self, notice: Any) -> list[Any]:
        """The services that a death-review notice names."""


def loader_of(info: GraphQLResolveInfo) -> FieldLoader:
    """The loader of the request that a resolver answers."""
    loader: FieldLoader = info.context.loader
    return loader
