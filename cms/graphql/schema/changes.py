"""The root field `changes`: which pages became public, were updated, moved or went, in order of time.

A cursor contains the content version (pages/visibility/ledger.py), so no change is ever inserted before a cursor. A
client that adds a page at PUBLISHED, UPDATED and MOVED, and removes it at WITHDRAWN and DELETED, has all public pages.
A page is also UPDATED if content of other pages that it shows changes (pages/visibility/dependents.py). docs/graphql.md
says what a copy must store.

A change shows only what is public about its page now. If the page is no longer public, it shows only the id, because
even an address may contain a person's name. A page that is withdrawn with an explanation shows that, as everybody finds
it at its address.
"""

from datetime import datetime
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from cms.graphql.context import context_of
from cms.graphql.types.connections import (
    BadArgumentError,
    Connection,
    Order,
    connection_args,
    connection_type,
    paginate,
)
from cms.graphql.types.interfaces import PageInterface, Withdrawal, withdrawal_of
from pages.content import addresses
from pages.content.choices import ChangeKind
from pages.graphql.public_fields import enum, local_time
from pages.models import ContentPage, PublicAddress, PublicChange
from pages.reading.at_path import Withdrawn, explained, former_paths
from pages.reading.loader import Loader

# The version alone would be a total order. The time makes a cursor from before a restore from a backup differ from that
# of a later change with the same version.
CHANGES_ORDER = Order("changes", ("version", "at"))
SINCE_AND_AFTER = "give since or after, not both: they mean the same."
UNKNOWN_CHANGE = (
    "this list no longer has that change, because the content was restored from a backup: start again without a cursor."
)


class Change(graphene.ObjectType):
    """A change to a page that clients could notice."""

    kind = graphene.Field(enum(ChangeKind), required=True, description="The kind of change.")
    at = graphene.DateTime(required=True, description="When it happened.")
    major = graphene.Boolean(
        required=True, description="Whether to notify readers: true if the page became public or had a major update."
    )
    note = graphene.String(
        description="What changed, in the editor's words. Given for major updates, while the page is public."
    )
    page_id = graphene.ID(required=True, description="The page's uuid.")
    url_path = graphene.String(description="Its path as it is now, while it is public.")
    page = graphene.Field(PageInterface, description="The page as it is now, while it is public.")
    withdrawal = graphene.Field(
        Withdrawal, description="Why the page is withdrawn now, if there is an explanation for readers."
    )
    previous_url_path = graphene.String(
        description="Where the page was before. Given for moves, while the old path leads to the page, and for pages "
        "that are withdrawn with an explanation."
    )

    @staticmethod
    def resolve_at(change: PublicChange, info: GraphQLResolveInfo) -> datetime | None:
        return local_time(change.at)

    @staticmethod
    def resolve_note(change: PublicChange, info: GraphQLResolveInfo) -> str | None:
        if change.note is None or change.note.taken_down or context_of(info).loader.changed_page(change) is None:
            return None
        return change.note.note

    @staticmethod
    def resolve_page_id(change: PublicChange, info: GraphQLResolveInfo) -> str:
        return str(change.record_id)

    @staticmethod
    def resolve_url_path(change: PublicChange, info: GraphQLResolveInfo) -> str | None:
        page = context_of(info).loader.changed_page(change)
        return addresses.url_path(page) if page else None

    @staticmethod
    def resolve_page(change: PublicChange, info: GraphQLResolveInfo) -> ContentPage | None:
        return context_of(info).loader.changed_page(change)

    @staticmethod
    def resolve_withdrawal(change: PublicChange, info: GraphQLResolveInfo) -> Withdrawal | None:
        withdrawn = _explained(context_of(info).loader, change)
        return withdrawal_of(withdrawn, info) if withdrawn else None

    @staticmethod
    def resolve_previous_url_path(change: PublicChange, info: GraphQLResolveInfo) -> str | None:
        loader = context_of(info).loader
        if withdrawn := _explained(loader, change):
            return withdrawn.path
        if change.kind != ChangeKind.MOVED or loader.changed_page(change) is None:
            return None
        return next((row.path for row in _former(loader, change) if row.since < change.at), None)


def _explained(loader: Loader, change: PublicChange) -> Withdrawn | None:
    """The page of a change, if it is withdrawn with an explanation."""

    def load(members: list[Any]) -> dict[Any, Any]:
        keys = {key for member in members if (key := member.record.page_id)}
        found = explained(ContentPage.objects.filter(pk__in=keys), loader.as_of)
        for page, _ in found.values():
            loader.will_tell_of(page)
        return {member.pk: found[key][1] for member in members if (key := member.record.page_id) in found}

    withdrawn: Withdrawn | None = loader.for_all(change, "explained", load)
    return withdrawn


def _former(loader: Loader, change: PublicChange) -> list[PublicAddress]:
    """The addresses that lead to the public page of a change, the latest first."""

    def load(members: list[Any]) -> dict[Any, Any]:
        pages = {member.record_id: page for member in members if (page := loader.changed_page(member))}
        found = former_paths(pages)
        return {member.pk: found.get(member.record_id, []) for member in members}

    former: list[PublicAddress] = loader.for_all(change, "former paths", load)
    return former


ChangeConnection = connection_type(Change)

ARGUMENTS = connection_args(
    since=graphene.String(description="The last `endCursor` of this list, to continue from there. The same as `after`.")
)


def changes(info: GraphQLResolveInfo, since: str | None, args: dict[str, Any]) -> Connection:
    """The requested part of the list. Raises `BadArgumentError`."""
    if since is not None and args.get("after") is not None:
        raise BadArgumentError("since", SINCE_AND_AFTER)
    rows = PublicChange.objects.select_related("record", "note")
    after_name = "after" if since is None else "since"
    args = args if since is None else {**args, "after": since}
    for name, cursor in ((after_name, args.get("after")), ("before", args.get("before"))):
        if cursor is not None:
            version, changed_at = CHANGES_ORDER.values(rows, name, cursor)
            if not PublicChange.objects.filter(version=version, at=changed_at).exists():
                raise BadArgumentError(name, UNKNOWN_CHANGE)
    connection = paginate(rows, CHANGES_ORDER, args)
    context_of(info).loader.together(connection.items)
    connection.cursor_when_empty = args.get("after")  # without new changes, the client continues from the same cursor
    return connection
