"""`PageInterface`: the fields of every page. Grapple finds it through the setting PAGE_INTERFACE."""

from datetime import datetime
from typing import Any

import graphene
from graphql import GraphQLResolveInfo
from grapple.registry import registry

from cms.graphql.context import context_of
from cms.graphql.types.connections import Connection, connection_args, connection_type, empty_connection
from cms.graphql.types.page_lists import children_of
from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.graphql.public_fields import enum, list_of, local_time, type_of
from pages.models import ChangeNote, ContentPage
from pages.reading.at_path import Withdrawn

GONE = "This page is not available"  # the heading of a page of which readers may know nothing else


class Node(graphene.Interface):
    """An object that the root fields `node` and `nodes` find by its id: a page."""

    id = graphene.ID(required=True, description="Its uuid, which never changes.")

    @classmethod
    def resolve_type(cls, page: ContentPage | Withdrawn, info: GraphQLResolveInfo) -> type[graphene.ObjectType]:
        return PageInterface.resolve_type(page, info)


class PageInterface(graphene.Interface):
    """A page of the site. Query the fields of its type with a fragment, such as `... on NewsPage`."""

    class Meta:
        interfaces = (Node,)

    id = graphene.ID(required=True, description="The page's uuid. It never changes; a copy gets a new one.")
    title = graphene.String(description="Its title. Null only on a withdrawn page of the kind GONE.")
    heading = graphene.String(
        required=True,
        description="Its title, or a neutral line on a page that is gone. Fragments on any types can use it together.",
    )
    url = graphene.String(required=True, description="Its absolute address on the public website.")
    url_path = graphene.String(required=True, description='Its path on that site, as in "/meetings/".')
    seo_title = graphene.String(description="The title for search engines.")
    search_description = graphene.String(description="The description for search engines.")
    summary = graphene.String(description="One or two sentences, up to 160 characters.")
    show_safe_exit = graphene.Boolean(required=True, description='Show an "exit this page" button.')
    noindex = graphene.Boolean(required=True, description="Ask search engines not to index it.")
    published_at = graphene.DateTime(description="When it was first published.")
    public_updated_at = graphene.DateTime(description="When its last major update was published.")
    updated_at = graphene.DateTime(description="When its last update was published, major or minor.")
    last_reviewed_on = graphene.Date(description="When its content was last reviewed.")
    next_review_due_on = graphene.Date(description="When its next review is due.")
    change_history = graphene.Field(
        list_of(type_of("pages.ChangeNote")), required=True, description="Major updates, newest first."
    )
    parent = graphene.Field(lambda: PageInterface, description="The page above it. Null on the home page.")
    ancestors = graphene.Field(
        list_of(lambda: PageInterface), required=True, description="The pages above it, home page first."
    )
    children = graphene.Field(
        lambda: PageConnection,
        required=True,
        args=connection_args(),
        description="The pages below it, in the order that editors gave them.",
    )

    @classmethod
    def resolve_type(cls, page: ContentPage | Withdrawn, info: GraphQLResolveInfo) -> type[graphene.ObjectType]:
        return WithdrawnPage if isinstance(page, Withdrawn) else registry.pages[type(page)]

    @staticmethod
    def resolve_id(page: ContentPage, info: GraphQLResolveInfo) -> str:
        return str(page.uuid)

    @staticmethod
    def resolve_heading(page: ContentPage, info: GraphQLResolveInfo) -> str:
        return page.title

    @staticmethod
    def resolve_url(page: ContentPage, info: GraphQLResolveInfo) -> str:
        return addresses.url(page)

    @staticmethod
    def resolve_url_path(page: ContentPage, info: GraphQLResolveInfo) -> str:
        return addresses.url_path(page)

    @staticmethod
    def resolve_seo_title(page: ContentPage, info: GraphQLResolveInfo) -> str:
        return page.seo_title or page.title

    @staticmethod
    def resolve_search_description(page: ContentPage, info: GraphQLResolveInfo) -> str | None:
        return page.search_description or page.summary or None

    @staticmethod
    def resolve_summary(page: ContentPage, info: GraphQLResolveInfo) -> str | None:
        return page.summary or None

    @staticmethod
    def resolve_published_at(page: ContentPage, info: GraphQLResolveInfo) -> datetime | None:
        return local_time(page.first_published_at)

    @staticmethod
    def resolve_public_updated_at(page: ContentPage, info: GraphQLResolveInfo) -> datetime | None:
        return local_time(page.public_updated_at)

    @staticmethod
    def resolve_updated_at(page: ContentPage, info: GraphQLResolveInfo) -> datetime | None:
        return local_time(page.last_published_at)

    @staticmethod
    def resolve_change_history(page: ContentPage, info: GraphQLResolveInfo) -> list[ChangeNote]:
        return context_of(info).loader.children(page, "change_notes")

    @staticmethod
    def resolve_parent(page: ContentPage, info: GraphQLResolveInfo) -> ContentPage | None:
        ancestors = context_of(info).loader.ancestors(page)
        return ancestors[-1] if ancestors else None

    @staticmethod
    def resolve_ancestors(page: ContentPage, info: GraphQLResolveInfo) -> list[ContentPage]:
        return context_of(info).loader.ancestors(page)

    @staticmethod
    def resolve_children(page: ContentPage, info: GraphQLResolveInfo, **args: Any) -> Connection:
        return children_of(context_of(info).loader, page, args)


PageConnection: Any = connection_type(PageInterface)


class Withdrawal(graphene.ObjectType):
    """Why and when a page was withdrawn."""

    kind = graphene.Field(enum(WithdrawalKind), required=True, description="The kind of withdrawal.")
    explanation = graphene.String(description="Why, in the partnership's words.")
    withdrawn_at = graphene.DateTime(description="When the page was withdrawn.")
    alternative_url = graphene.String(description="The absolute address of a page to read instead.")
    alternative_url_path = graphene.String(description="The path of that page on the site.")


def withdrawal_of(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> Withdrawal:
    context_of(info).loader.will_tell_of(withdrawn.alternative)
    return Withdrawal(
        kind=withdrawn.kind.value,
        explanation=withdrawn.explanation,
        withdrawn_at=local_time(withdrawn.at),
        alternative_url=addresses.url(withdrawn.alternative) if withdrawn.alternative else None,
        alternative_url_path=addresses.url_path(withdrawn.alternative) if withdrawn.alternative else None,
    )


class WithdrawnPage(graphene.ObjectType):
    """A page that was public and has been withdrawn. It has none of its former content."""

    class Meta:
        interfaces = (Node, PageInterface)

    withdrawal = graphene.Field(Withdrawal, required=True, description="Why and when it was withdrawn.")

    @staticmethod
    def resolve_withdrawal(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> Withdrawal:
        return withdrawal_of(withdrawn, info)

    @staticmethod
    def resolve_id(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> str:
        return str(withdrawn.uuid)

    @staticmethod
    def resolve_title(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> str | None:
        return withdrawn.title

    @staticmethod
    def resolve_heading(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> str:
        return withdrawn.title or GONE

    @staticmethod
    def resolve_url(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> str:
        return addresses.website(withdrawn.path)

    @staticmethod
    def resolve_url_path(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> str:
        return withdrawn.path

    @staticmethod
    def resolve_noindex(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> bool:
        return True

    @staticmethod
    def resolve_change_history(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> list[Any]:
        return []

    @staticmethod
    def resolve_parent(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> None:
        return None

    @staticmethod
    def resolve_ancestors(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> list[Any]:
        return []

    @staticmethod
    def resolve_children(withdrawn: Withdrawn, info: GraphQLResolveInfo, **args: Any) -> Connection:
        return empty_connection(args)

    @staticmethod
    def _null(withdrawn: Withdrawn, info: GraphQLResolveInfo) -> None:
        return None

    resolve_seo_title = resolve_search_description = resolve_summary = _null
    resolve_published_at = resolve_public_updated_at = resolve_updated_at = _null
    resolve_last_reviewed_on = resolve_next_review_due_on = _null
