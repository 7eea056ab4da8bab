"""`changes`: what became public, was updated, moved or went, in the order in which it happened.

The cursor has the content version (pages/visibility/ledger.py), so nothing appears behind one that was given out. A
client that
adds a page at PUBLISHED, UPDATED and MOVED, and drops it at WITHDRAWN and DELETED, has the set of public pages. A page
is UPDATED, too, when something that it shows of others is another (pages/visibility/dependents.py; docs/graphql.md
says what a copy
keeps). What is said of a page is what may be said now: of one that went its id, and nothing else. An address can name
somebody, too.
"""

from typing import Any

import graphene

from cms.graphql.context import context_of
from cms.graphql.types.connections import (
    BadArgumentError,
    Connection,
    Order,
    connection_args,
    connection_type,
    paginate,
)
from cms.graphql.types.interfaces import PageInterface
from pages.content import addresses
from pages.content.choices import ChangeKind
from pages.graphql.public_fields import enum, local_time
from pages.models import PublicChange

# The version alone would order them. With the time, a cursor from before a restore is told from that of a later change
# that has got the same number.
IN_ORDER = Order("changes", ("version", "at"))
GOING_ON = "give since or after, not both: they mean the same."
FROM_ELSEWHERE = (
    "this list does not have that change any more, as the content was restored from a backup: start again without a "
    "cursor."
)


class Change(graphene.ObjectType):
    """Something that happened to a page that readers could see."""

    kind = graphene.Field(enum(ChangeKind), required=True, description="What happened.")
    at = graphene.DateTime(required=True, description="When.")
    major = graphene.Boolean(
        required=True, description="Whether readers should be told: true when a page appears and on a major update."
    )
    note = graphene.String(description="What changed, in the editor's words; on major updates, while it is public.")
    page_id = graphene.ID(required=True, description="The page's uuid.")
    url_path = graphene.String(description="Its path as it is now, while it is public.")
    page = graphene.Field(PageInterface, description="The page as it is now, while it is public.")

    @staticmethod
    def resolve_at(change: PublicChange, info: Any) -> Any:
        return local_time(change.at)

    @staticmethod
    def resolve_note(change: PublicChange, info: Any) -> str | None:
        shown = change.note is not None and context_of(info).loader.changed_page(change) is not None
        return change.note.note if shown else None  # type: ignore[union-attr]

    @staticmethod
    def resolve_page_id(change: PublicChange, info: Any) -> str:
        return str(change.record_id)

    @staticmethod
    def resolve_url_path(change: PublicChange, info: Any) -> str | None:
        page = context_of(info).loader.changed_page(change)
        return addresses.url_path(page) if page else None

    @staticmethod
    def resolve_page(change: PublicChange, info: Any) -> Any:
        return context_of(info).loader.changed_page(change)


ChangeConnection = connection_type(Change)

ARGUMENTS = connection_args(
    since=graphene.String(
        description="The last `endCursor` that this list gave you, to go on from there; the same as `after`."
    )
)


def changes(info: Any, since: str | None, args: dict[str, Any]) -> Connection:
    """The requested part of the list. Raises BadArgument."""
    if since is not None and args.get("after") is not None:
        raise BadArgumentError("since", GOING_ON)
    rows = PublicChange.objects.select_related("record", "note")
    name = "after" if since is None else "since"
    args = args if since is None else {**args, "after": since}
    for named, cursor in ((name, args.get("after")), ("before", args.get("before"))):
        if cursor is not None:
            version, as_of = IN_ORDER.values(rows, named, cursor)
            if not PublicChange.objects.filter(version=version, at=as_of).exists():
                raise BadArgumentError(named, FROM_ELSEWHERE)
    connection = paginate(rows, IN_ORDER, args)
    context_of(info).loader.together(connection.items)
    connection.cursor_when_empty = args.get("after")  # nothing new: the client asks again from the same place
    return connection
