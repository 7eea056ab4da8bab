"""Resolves a path of the site for a reader: to a public page, a withdrawn or removed page, a redirect, or nothing.

GraphQL (`page`, `redirect`) and the HTML pages (pages/web/views.py) both use it. A path at which nothing was ever
public resolves to None, whether or not there is a draft, and with the same number of queries.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, Site

from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.content.rich_text import absolute
from pages.models import ContentPage, PublicAddress, PublicRecord
from pages.visibility.rule import public, public_or_withdrawn, withdrawn

NEUTRAL_LINE = "This page is not available at the moment."


@dataclass(frozen=True)
class Withdrawn:
    """A page that was public at the path and is not now, reduced to what readers may know."""

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
    """A redirect. `page` is the page at the target, if the target is a page of this site."""

    target: str
    permanent: bool
    page: Page | None = None


def at_path(path: str, as_of: datetime) -> ContentPage | Withdrawn | Redirection | None:
    """What is at the path: a public or withdrawn page, else an entered redirect, else what the ledger recorded."""
    path = with_slashes(path)
    return page_at(path, as_of) or _entered_redirect(path, as_of) or _from_ledger(path, as_of)


def with_slashes(path: str) -> str:
    """The path with a slash at either end."""
    return f"/{path.strip('/')}/" if path.strip("/") else "/"


def page_at(path: str, as_of: datetime) -> ContentPage | Withdrawn | None:
    """The page at the path that is public, or would be if it were not withdrawn."""
    here = ContentPage.objects.filter(url_path=addresses.tree_path(path))
    page = public_or_withdrawn(here, as_of).order_by("withdrawal_kind").first()
    if page is None or not page.withdrawal_kind:
        return page
    return _withdrawn(page, public(ContentPage.objects.filter(pk=page.withdrawal_alternative_id), as_of).first())


def explained(pages: QuerySet[ContentPage], as_of: datetime) -> dict[int, tuple[ContentPage, Withdrawn]]:
    """Of these pages, those that are withdrawn with an explanation for readers, by primary key. At most two queries."""
    rows = list(withdrawn(pages.filter(withdrawal_kind=WithdrawalKind.WITHDRAWN), as_of))
    named = {row.withdrawal_alternative_id for row in rows} - {None}
    alternatives = public(ContentPage.objects.filter(pk__in=named), as_of).in_bulk() if named else {}
    return {row.pk: (row, _withdrawn(row, alternatives.get(row.withdrawal_alternative_id or 0))) for row in rows}


def former_paths(pages: Mapping[uuid.UUID, ContentPage]) -> dict[uuid.UUID, list[PublicAddress]]:
    """The addresses that lead to these public pages because they were there before, the latest first. Two queries.

    An address at which another page was public since does not lead there any more.
    """
    rows = list(PublicAddress.objects.filter(record__in=pages).order_by("-since", "-pk"))
    last_here = PublicAddress.objects.filter(path__in={row.path for row in rows}).order_by("since", "pk")
    owner = dict(last_here.values_list("path", "record"))
    found: dict[uuid.UUID, list[PublicAddress]] = {key: [] for key in pages}
    for row in rows:
        if owner[row.path] == row.record_id and row.path != addresses.url_path(pages[row.record_id]):
            found[row.record_id].append(row)
    return found


def _withdrawn(page: ContentPage, alternative: ContentPage | None) -> Withdrawn:
    """What readers may know of a withdrawn page. `alternative` is the page to read instead, if that is public."""
    kind = WithdrawalKind(page.withdrawal_kind)
    if kind == WithdrawalKind.REDIRECT and alternative is None:
        kind = WithdrawalKind.GONE  # the target is not public any more
    is_explained = kind == WithdrawalKind.WITHDRAWN
    return Withdrawn(
        uuid=page.uuid,
        path=addresses.url_path(page),
        kind=kind,
        title=page.title if is_explained else None,
        explanation=page.withdrawal_explanation or None if is_explained else None,
        at=page.withdrawn_at,
        alternative=None if kind == WithdrawalKind.GONE else alternative,
        show_safe_exit=page.show_safe_exit,
    )


def _entered_redirect(path: str, as_of: datetime) -> Redirection | None:
    redirect = redirect_at(path, as_of)
    target = target_of(redirect, path) if redirect else None
    return Redirection(target, redirect.is_permanent, redirect.redirect_page) if redirect and target else None


def redirect_at(path: str, as_of: datetime) -> Redirect | None:
    """The redirect that moderators entered for the path, or None. One for the site comes before one for all sites.

    It is annotated with `tree_path`, the `url_path` of its page if that is public. One query for both, so that the time
    does not reveal whether a redirect leads to a hidden page.
    """
    here = Q(site__isnull=True) | Q(site=Site.objects.filter(is_default_site=True).values("pk")[:1])
    found = Redirect.objects.filter(here, old_path=Redirect.normalise_path(path)).annotate(
        tree_path=Subquery(
            public(ContentPage.objects.filter(pk=OuterRef("redirect_page")), as_of).values("url_path")[:1]
        )
    )
    return found.select_related("redirect_page").order_by(F("site").asc(nulls_last=True)).first()


def target_of(redirect: Redirect, path: str) -> str | None:
    """The absolute address to which a redirect from `redirect_at` leads.

    None if that is a page that is not public, another site, or the path itself.
    """
    if redirect.redirect_page_id:
        target = addresses.website(addresses.site_path(redirect.tree_path)) if redirect.tree_path else None
    else:
        target = absolute(redirect.redirect_link)
    if target is None or not addresses.is_our_own(target):  # even if it was written to the table directly
        return None
    return None if target.rstrip("/") == addresses.website(path).rstrip("/") else target


def _from_ledger(path: str, as_of: datetime) -> Withdrawn | Redirection | None:
    """What became of the page that was last public at the path."""
    address = PublicAddress.objects.filter(path=path).select_related("record").order_by("-since", "-pk").first()
    if address is None:
        return None
    record = address.record
    page = ContentPage.objects.filter(pk=record.page_id)
    if moved := public_or_withdrawn(page, as_of).first():
        return Redirection(addresses.url(moved), permanent=True, page=moved)
    return _gone(record, path)


def _gone(record: PublicRecord, path: str) -> Withdrawn:
    """A page that was removed without an explanation, or by an emergency takedown, which has a neutral one."""
    takedown = record.takedowns.filter(ended_at__isnull=True).first()
    return Withdrawn(
        uuid=record.uuid,
        path=path,
        kind=WithdrawalKind.GONE,
        explanation=NEUTRAL_LINE if takedown else None,
        at=takedown.at if takedown else record.ended_at,
        show_safe_exit=record.show_safe_exit,
    )
