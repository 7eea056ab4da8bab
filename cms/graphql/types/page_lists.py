"""Connections that belong to a page: its children, and the news about a priority."""

from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from wagtail.models import Page

from cms.graphql.types.connections import INVALID_CURSOR, BadArgumentError, Connection, Order, Rows, paginate_each
from pages.models import ContentPage, NewsPage, PriorityPage, PublicRecord
from pages.reading.loader import Loader, with_parent_path
from pages.visibility.rule import AnyPage, public

IN_ORDER_OF_PUBLICATION = ("-visibility__first_published_at", "-visibility__uuid")
NEWS_ORDER = Order("news", NewsPage.list_order, IN_ORDER_OF_PUBLICATION)


def public_of_type(model: type[AnyPage], /, *, as_of: datetime) -> QuerySet[AnyPage]:
    """The public pages of a type, so that an index has them in the order of their publication."""
    of_type = ContentType.objects.get_for_model(model)
    return public(model._default_manager.filter(visibility__page_type=of_type), as_of)


def public_children(*, as_of: datetime) -> QuerySet[ContentPage]:
    return with_parent_path(public(ContentPage.objects.all(), as_of))


class TreeOrder(Order):
    """The order that editors gave to the children of a page.

    A cursor contains the uuid of a page. Its tree path is looked up when the cursor is used: a path changes when pages
    are moved, and would reveal how many hidden siblings a page has.
    """

    by_uuid = Order("tree", ("uuid",))

    def cursor(self, row: object) -> str:
        return self.by_uuid.cursor(row)

    def path_of(self, argument: str, cursor: str) -> str:
        """The tree path of the page in a cursor, even if it is no longer public. Raises `BadArgumentError`."""
        [key] = self.by_uuid.values(ContentPage.objects.all(), argument, cursor)
        path = PublicRecord.objects.filter(pk=key).values_list("page__path", flat=True).first()
        if path is None:
            raise BadArgumentError(argument, "the page of this cursor was deleted: start again without a cursor.")
        return path

    def values(self, queryset: QuerySet[Any, Any], argument: str, cursor: str) -> list[Any]:
        return [cursor]  # `children_of` has replaced the cursor with a tree path


TREE_ORDER = TreeOrder("tree", ("path",))


def children_of(loader: Loader, page: ContentPage, args: dict[str, Any]) -> Connection:
    """The requested part of the public children of a page.

    Raises `BadArgumentError`, also for a cursor from the children of another page.
    """
    cursors = {name: cursor for name in ("after", "before") if (cursor := args.get(name)) is not None}

    def load(members: list[Any]) -> dict[Any, Any]:
        paths = {name: TREE_ORDER.path_of(name, cursor) for name, cursor in cursors.items()}
        parent_paths = {path[: -Page.steplen] for path in paths.values()}
        parents = {member.path: member.pk for member in members if parent_paths <= {member.path}}
        found = _children_by_path(loader, list(parents), {**args, **paths})
        return {parents[path]: connection for path, connection in found.items()}

    found = loader.for_all(page, ("children", *sorted(args.items())), load, ContentPage)
    if found is None:
        raise BadArgumentError(next(iter(cursors)), INVALID_CURSOR)
    return found


def _children_by_path(loader: Loader, paths: list[str], args: dict[str, Any]) -> dict[str, Connection]:
    """The same part of the children of each page, by the tree path of the page."""
    children = Rows(ContentPage, public_children, (), {"as_of": loader.as_of})
    found = paginate_each(children, "parent_path", paths, TREE_ORDER, args)
    pages = loader.pages(row.pk for connection in found.values() for row in connection.items)
    for connection in found.values():
        connection.items = [pages[row.pk] for row in connection.items if row.pk in pages]
    return found


def news_of(loader: Loader, priority: PriorityPage, args: dict[str, Any]) -> Connection:
    """The requested part of the public news about a priority, newest first. Raises `BadArgumentError`."""

    def load(members: list[Any]) -> dict[Any, Any]:
        news = Rows(NewsPage, public_of_type, (NewsPage,), {"as_of": loader.as_of})
        found = paginate_each(news, "priority_id", [member.pk for member in members], NEWS_ORDER, args)
        loader.remember(item for connection in found.values() for item in connection.items)
        return found

    return loader.for_all(priority, ("news", *sorted(args.items())), load)
