"""The root fields `resolve` and `redirect`: what a website answers at a path."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from cms.graphql.context import context_of
from cms.graphql.types.interfaces import PageInterface, Withdrawal, withdrawal_of
from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.models import ContentPage
from pages.reading.at_path import Redirection, Withdrawn, at_path


class Redirect(graphene.ObjectType):
    """Where an old path leads."""

    target = graphene.String(required=True, description="The absolute address to go to.")
    url_path = graphene.String(description="Its path on the site, as in `urlPath` of a page.")
    permanent = graphene.Boolean(required=True, description="Whether clients may store it.")

    @staticmethod
    def resolve_url_path(redirect: "Redirect", info: GraphQLResolveInfo) -> str | None:
        return addresses.path_of(redirect.target)


class Resolution(graphene.ObjectType):
    """What a website answers at a path."""

    status = graphene.Int(required=True, description="The HTTP status: 200, 301, 302, 404 or 410.")
    page = graphene.Field(
        PageInterface, description="The page to show. With 410, a WithdrawnPage. Null with the other statuses."
    )
    redirect = graphene.Field(Redirect, description="Where to go, with 301 and 302.")
    withdrawal = graphene.Field(Withdrawal, description="Why the page is gone, with 410.")


def redirect_at(info: GraphQLResolveInfo, path: str) -> Redirect | None:
    return _redirect_to(info, at_path(path, context_of(info).as_of))


def resolution_of(info: GraphQLResolveInfo, path: str) -> Resolution:
    """The answer for a path, the same as that of the CMS itself (pages/web/views.py)."""
    found = at_path(path, context_of(info).as_of)
    if redirect := _redirect_to(info, found):
        return Resolution(status=301 if redirect.permanent else 302, redirect=redirect)
    page: Any = context_of(info).loader.page_found(found)
    if isinstance(page, Withdrawn):
        return Resolution(status=410, page=page, withdrawal=withdrawal_of(page, info))
    return Resolution(status=200 if page else 404, page=page)


def _redirect_to(info: GraphQLResolveInfo, found: ContentPage | Withdrawn | Redirection | None) -> Redirect | None:
    loader = context_of(info).loader
    if isinstance(found, Redirection):
        loader.will_tell_of(found.page)
        return Redirect(target=found.target, permanent=found.permanent)
    if isinstance(found, Withdrawn) and found.kind == WithdrawalKind.REDIRECT and found.alternative:
        loader.will_tell_of(found.alternative)
        return Redirect(target=addresses.url(found.alternative), permanent=True)
    return None
