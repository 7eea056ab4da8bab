"""What a reader finds at a path of the site: a page, what became of one, where to go instead, or nothing.

GraphQL (`page`, `redirect`) and the CMS's own pages (pages/web/views.py) ask here and so give the same answer. A
path at which nothing was ever public finds nothing, whether or not there is a draft, and costs the same queries.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, Site

from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.content.rich_text import absolute
from pages.models import ContentPage, PublicAddress, PublicRecord
from pages.visibility.rule import public, public_or_withdrawn

NEUTRAL_LINE = "This page is not available at the moment."


@dataclass(frozen=True)
class Withdrawn:
    """A page that was public here and is not now, reduced to what may be said of it."""

    uuid: uuid.UUID
    path: str
    kind: WithdrawalKind
    title: str | None = None
    explanation: str | None = None
    at: datetime | None = None
    alternative: ContentPage | None = None
    show_safe_exit: bool = False


@dataclass(frozen=True)
class Redirection:
    """Another address to go to; permanent ones may be remembered. `page` is what is there, when a page of ours is."""

    target: str
    permanent: bool
    page: Page | None = None


def at_path(path: str, as_of: datetime) -> ContentPage | Withdrawn | Redirection | None:
    """A public page comes first, then an editor's explanation, an editor's redirect, and what the ledger remembers."""
    path = with_slashes(path)
    return page_at(path, as_of) or _editors_redirect(path, as_of) or _remembered(path, as_of)


def with_slashes(path: str) -> str:
    return f"/{path.strip('/')}/" if path.strip("/") else "/"


def page_at(path: str, as_of: datetime) -> ContentPage | Withdrawn | None:
    here = ContentPage.objects.filter(url_path=addresses.tree_path(path))
    page = public_or_withdrawn(here, as_of).order_by("withdrawal_kind").first()
    return _explained(page, as_of) if page and page.withdrawal_kind else page


def _explained(page: ContentPage, as_of: datetime) -> Withdrawn:
    alternative = public(ContentPage.objects.filter(pk=page.withdrawal_alternative_id), as_of).first()
    kind = WithdrawalKind(page.withdrawal_kind)
    if kind == WithdrawalKind.REDIRECT and alternative is None:
        kind = WithdrawalKind.GONE  # what it led to has gone too
    told = kind == WithdrawalKind.WITHDRAWN
    return Withdrawn(
        uuid=page.uuid,
        path=addresses.url_path(page),
        kind=kind,
        title=page.title if told else None,
        explanation=page.withdrawal_explanation or None if told else None,
        at=page.withdrawn_at,
        alternative=None if kind == WithdrawalKind.GONE else alternative,
        show_safe_exit=page.show_safe_exit,
    )


def _editors_redirect(path: str, as_of: datetime) -> Redirection | None:
    redirect = redirect_at(path, as_of)
    target = target_of(redirect, path) if redirect else None
    return Redirection(target, redirect.is_permanent, redirect.redirect_page) if redirect and target else None


def redirect_at(path: str, as_of: datetime) -> Redirect | None:
    """The one redirect that counts of those that moderators entered, with the `tree_path` of a public page.

    The page is looked up together with the redirect: a hidden one costs no more than no redirect at all.
    """
    here = Q(site__isnull=True) | Q(site=Site.objects.filter(is_default_site=True).values("pk")[:1])
    found = Redirect.objects.filter(here, old_path=Redirect.normalise_path(path)).annotate(
        tree_path=Subquery(
            public(ContentPage.objects.filter(pk=OuterRef("redirect_page")), as_of).values("url_path")[:1]
        )
    )
    return found.select_related("redirect_page").order_by(F("site").asc(nulls_last=True)).first()


def target_of(redirect: Any, path: str) -> str | None:
    """Where a redirect leads, unless that is a page that is not public, another site, or where it begins.

    It has the `tree_path` from `redirect_at`.
    """
    if redirect.redirect_page_id:
        target = addresses.website(addresses.site_path(redirect.tree_path)) if redirect.tree_path else None
    else:
        target = absolute(redirect.redirect_link)
    if target is None or not addresses.is_our_own(target):  # whatever way it came into the table
        return None
    return None if target.rstrip("/") == addresses.website(path).rstrip("/") else target


def _remembered(path: str, as_of: datetime) -> Withdrawn | Redirection | None:
    """What became of the page that was public here last."""
    address = PublicAddress.objects.filter(path=path).select_related("record").order_by("-since", "-pk").first()
    if address is None:
        return None
    record = address.record
    itself = ContentPage.objects.filter(pk=record.page_id)
    if moved := public_or_withdrawn(itself, as_of).first():
        return Redirection(addresses.url(moved), permanent=True, page=moved)
    return _gone(record, path)


def _gone(record: PublicRecord, path: str) -> Withdrawn:
    """A page that went without an explanation, or with the neutral line of an emergency takedown."""
    takedown = record.takedowns.filter(ended_at__isnull=True).first()
    return Withdrawn(
        uuid=record.uuid,
        path=path,
        kind=WithdrawalKind.GONE,
        explanation=NEUTRAL_LINE if takedown else None,
        at=takedown.at if takedown else record.ended_at,
        show_safe_exit=record.show_safe_exit,
    )
