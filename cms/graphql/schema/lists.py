"""The filters of the lists of pages, and the root fields `pages`, `node` and `nodes`."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, time
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils import timezone
from graphql import GraphQLResolveInfo

from cms.graphql.context import context_of, warn
from cms.graphql.schema.search import PAGE_TYPES
from cms.graphql.types.connections import (
    MAX_PAGE_SIZE,
    AnyModel,
    BadArgumentError,
    Connection,
    Order,
    Rows,
    by_slug_or_id,
    is_storable,
    paginate,
    paginate_rows,
)
from cms.graphql.types.page_lists import public_of_type
from pages.content import addresses
from pages.models import ContentPage, MeetingPage
from pages.reading.at_path import Withdrawn, explained, with_slashes
from pages.visibility.rule import public

MAX_TEXT_LENGTH = 2000
# Pages keep their place in this order, so that a list that is read page by page misses nothing.
PAGES_ORDER = Order("pages", ("-first_published_at", "-uuid"))
AnyPage = TypeVar("AnyPage", bound=ContentPage)


# --- Arguments -----------------------------------------------------------------------------------------------


def checked_text(name: str, value: str) -> str:
    """The value of a text argument. Raises `BadArgumentError` if it is too long or a database would refuse it."""
    if len(value) > MAX_TEXT_LENGTH or not is_storable(value):
        raise BadArgumentError(name, f"give a text of at most {MAX_TEXT_LENGTH} characters, without NUL.")
    return value


def instant(name: str, value: datetime) -> datetime:
    """The value of an argument that takes a time, or a date: that is the beginning of the day in London.

    Raises `BadArgumentError`.
    """
    if not 1900 <= value.year <= 2200:
        raise BadArgumentError(name, "give a year from 1900 to 2200.")
    if value.tzinfo is not None:
        return value
    if value.time() != time.min:
        raise BadArgumentError(name, "give a date, or a time with its offset, as in 2026-02-24T10:00:00+00:00.")
    return timezone.make_aware(value)


def between(
    queryset: QuerySet[AnyPage], field: str, name: str, after: datetime | None, before: datetime | None
) -> QuerySet[AnyPage]:
    """The pages whose time is after and before these, which the arguments `<name>After` and `<name>Before` give."""
    if after is not None:
        queryset = queryset.filter(**{f"{field}__gt": instant(f"{name}After", after)})
    if before is not None:
        queryset = queryset.filter(**{f"{field}__lt": instant(f"{name}Before", before)})
    return queryset


def chosen(values: Iterable[Enum | str] | None) -> list[str]:
    """The values of an argument that takes a list of an enumeration. An empty list chooses nothing: all count."""
    return sorted({each.value if isinstance(each, Enum) else each for each in values or ()})


def named(queryset: QuerySet[AnyModel], name: str, value: str) -> QuerySet[AnyModel]:
    """The public objects that an argument names with a slug or an id."""
    return by_slug_or_id(queryset, checked_text(name, value))


def warn_if_unknown(info: GraphQLResolveInfo, connection: Connection | Collection[Any], **found: Any) -> None:
    """Tell the client which arguments name nothing public. `found` has the objects that each names.

    Whatever is hidden is told in the same words as what does not exist. It is looked up only for an empty list.
    """
    if connection.items if isinstance(connection, Connection) else connection:
        return
    for name, objects in found.items():
        if objects is not None and not objects.exists():
            warn(info, name, "nothing public has this slug or id.")


# --- Lists of a type -------------------------------------------------------------------------------------------


def page_connection(
    info: GraphQLResolveInfo, pages: QuerySet[AnyPage], order: Order, args: dict[str, Any]
) -> Connection:
    """The requested part of a list of public pages. Raises `BadArgumentError`."""
    return _remembered(info, paginate(pages, order, args))


def whole_list(
    info: GraphQLResolveInfo, build: Callable[..., QuerySet[Any]], model: type[ContentPage], order: Order,
    args: dict[str, Any],
) -> Connection:  # fmt: skip
    """The requested part of all public pages that `build` finds for the model and the time of the request."""
    rows = Rows(model, build, (model,), {"as_of": context_of(info).as_of})
    return _remembered(info, paginate_rows(rows, order, args))


def _remembered(info: GraphQLResolveInfo, connection: Connection) -> Connection:
    connection.items = context_of(info).loader.remember(connection.items)
    return connection


def sortable(model: type[AnyPage], /, *, as_of: datetime) -> QuerySet[AnyPage]:
    """The public pages of a type that have all values by which its list is sorted."""
    columns = (column.lstrip("-") for column in model.list_order)
    is_sortable = {f"{column}__isnull": False for column in columns if model._meta.get_field(column).null}
    return public_of_type(model, as_of=as_of).filter(**is_sortable)


def upcoming(model: type[MeetingPage], /, *, as_of: datetime) -> QuerySet[MeetingPage]:
    return public_of_type(model, as_of=as_of).filter(starts_at__gt=as_of)


def past(model: type[MeetingPage], /, *, as_of: datetime) -> QuerySet[MeetingPage]:
    return public_of_type(model, as_of=as_of).filter(starts_at__lte=as_of)


# --- Pages ---------------------------------------------------------------------------------------------------


def all_pages(
    info: GraphQLResolveInfo,
    args: dict[str, Any],
    types: Iterable[Enum | str] | None = None,
    under: str | None = None,
    updated_after: datetime | None = None,
) -> Connection:
    """The requested part of all public pages, newest first. Raises `BadArgumentError`."""
    as_of, loader = context_of(info).as_of, context_of(info).loader
    pages, above = ContentPage.objects.all(), None
    if names := chosen(types):
        content_types = ContentType.objects.get_for_models(*(PAGE_TYPES[name] for name in names)).values()
        pages = pages.filter(content_type__in=[content_type.pk for content_type in content_types])
    if under is not None:
        above = public(_at_path_or_with_id(checked_text("under", under)), as_of)
        path = above.values_list("path", flat=True).first()
        pages = pages.filter(path__startswith=path).exclude(path=path) if path else pages.none()
    pages = between(pages, "last_published_at", "updated", updated_after, None)
    connection = paginate(public(pages, as_of), PAGES_ORDER, args)
    found = loader.pages(row.pk for row in connection.items)
    connection.items = [found[row.pk] for row in connection.items if row.pk in found]
    warn_if_unknown(info, connection, under=above)
    return connection


def _at_path_or_with_id(value: str) -> QuerySet[ContentPage]:
    key = _uuid(value)
    if key is not None:
        return ContentPage.objects.filter(uuid=key)
    return ContentPage.objects.filter(url_path=addresses.tree_path(with_slashes(value)))


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


# --- By id ---------------------------------------------------------------------------------------------------


def by_ids(info: GraphQLResolveInfo, ids: list[str]) -> list[ContentPage | Withdrawn]:
    """The pages with these ids that are public, or withdrawn with an explanation, in the order of the ids.

    Whatever else has such an id is left out, as if it did not exist, and with the same number of queries.
    Raises `BadArgumentError` for more than 100 ids.
    """
    if len(ids) > MAX_PAGE_SIZE:
        raise BadArgumentError("ids", f"give at most {MAX_PAGE_SIZE}.")
    loader = context_of(info).loader
    uuids = dict.fromkeys(key for value in ids if (key := _uuid(value)) is not None)
    keys = public(ContentPage.objects.filter(uuid__in=uuids), loader.as_of).values_list("pk", flat=True)
    found: dict[UUID, ContentPage | Withdrawn] = {page.uuid: page for page in loader.pages(keys).values()}
    for page, withdrawn in explained(ContentPage.objects.filter(uuid__in=uuids.keys() - found), loader.as_of).values():
        loader.will_tell_of(page)
        found[page.uuid] = withdrawn
    return [found[key] for key in uuids if key in found]
