"""Lists of pages inside the answer for a page, a part of each at a time: pages below a page, news of a priority."""

from typing import Any

from django.db.models import QuerySet
from wagtail.models import Page

from cms.graphql.types.connections import NO_CURSOR, BadArgumentError, Connection, Order, paginate_each
from pages.models import ContentPage, NewsPage, PriorityPage, PublicRecord
from pages.reading.loader import Loader, with_parent_path
from pages.visibility.rule import public

NEWS_ORDER = Order("news", ("-first_published_at", "-uuid"))


class TreeOrder(Order):
    """The order that editors gave the pages below a page.

    A cursor names a page, and where that stands is looked up when the cursor is used. Its tree path changes when pages
    are moved, and would tell how many hidden pages stand beside it.
    """

    named = Order("tree", ("uuid",))

    def cursor(self, row: ContentPage) -> str:
        return self.named.cursor(row)

    def place(self, argument: str, cursor: str) -> str:
        """The tree path of the page that a cursor names, even if it is no longer public. Raises `BadArgumentError`."""
        [key] = self.named.values(ContentPage.objects.all(), argument, cursor)
        path = PublicRecord.objects.filter(pk=key).values_list("page__path", flat=True).first()
        if path is None:
            raise BadArgumentError(argument, "the page of this cursor was deleted: start again without a cursor.")
        return path

    def values(self, queryset: QuerySet, argument: str, cursor: str) -> list[Any]:
        return [cursor]  # `pages_below` has put the place in its stead


TREE_ORDER = TreeOrder("tree", ("path",))


def pages_below(loader: Loader, page: ContentPage, args: dict[str, Any]) -> Connection:
    """Raises `BadArgumentError`, also for a cursor of the list below another page."""
    cursors = {name: cursor for name in ("after", "before") if (cursor := args.get(name)) is not None}

    def load(members: list[Any]) -> dict[Any, Any]:
        places = {name: TREE_ORDER.place(name, cursor) for name, cursor in cursors.items()}
        above = {place[: -Page.steplen] for place in places.values()}
        parents = {member.path: member.pk for member in members if above <= {member.path}}
        found = _below(loader, list(parents), {**args, **places})
        return {parents[path]: connection for path, connection in found.items()}

    found = loader.for_all(page, ("children", *sorted(args.items())), load, ContentPage)
    if found is None:
        raise BadArgumentError(next(iter(cursors)), NO_CURSOR)
    return found


def _below(loader: Loader, paths: list[str], args: dict[str, Any]) -> dict[str, Connection]:
    """The same part of the list below each page, by tree path."""
    below = with_parent_path(public(ContentPage.objects.all(), loader.as_of))
    found = paginate_each(below, "parent_path", paths, TREE_ORDER, args)
    pages = loader.pages(row.pk for connection in found.values() for row in connection.items)
    for connection in found.values():
        connection.items = [pages[row.pk] for row in connection.items if row.pk in pages]
    return found


def news_of(loader: Loader, priority: PriorityPage, args: dict[str, Any]) -> Connection:
    """News about a priority, newest first."""

    def load(members: list[Any]) -> dict[Any, Any]:
        news = public(NewsPage.objects.all(), loader.as_of)
        found = paginate_each(news, "priority_id", [member.pk for member in members], NEWS_ORDER, args)
        loader.remember(item for connection in found.values() for item in connection.items)
        return found

    return loader.for_all(priority, ("news", *sorted(args.items())), load)
