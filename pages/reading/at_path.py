"""Resolves a path of the site for a reader: to a public page, a withdrawn or removed page, a redirect, or nothing.

GraphQL (`page`, `redirect`) and the HTML pages (pages/web/views.py) both use it. A path at which nothing was ever
public resolves to None, whether or not there is a draft, and with the same number of queries.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, Site

from documents.access.public_files import public_documents, public_images
from documents.models import Document, Image, PublicFileRecord
from pages.compiled_queries import compiled
from pages.confidential.permissions import hidden_rows
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
    page = next(iter(_pages_here(tree_path=addresses.tree_path(path), as_of=as_of)), None)
    if page is None or not page.withdrawal_kind:
        return page
    return _withdrawn(page, public(ContentPage.objects.filter(pk=page.withdrawal_alternative_id), as_of).first())


@compiled
def _pages_here(*, tree_path: str, as_of: datetime) -> QuerySet[ContentPage]:
    return public_or_withdrawn(ContentPage.objects.filter(url_path=tree_path), as_of).order_by("withdrawal_kind")[:1]


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
    redirect = first_redirect(redirects_at(path, as_of), path, as_of)
    target = target_of(redirect, path, as_of) if redirect else None
    if redirect is None or target is None:
        return None
    page = redirect.redirect_page or page_at(_path_on_site(target), as_of)
    return Redirection(target, redirect.is_permanent, page if isinstance(page, Page) else None)


def redirects_at(path: str, as_of: datetime) -> list[Redirect]:
    """The redirects that moderators entered for the path. `first_redirect` says which readers follow.

    One to a death review comes first: colleagues who may not know of it can enter another for the same path, which
    must not disable it. Then one for the site comes before one for all sites.

    They are annotated with `tree_path`, the `url_path` of the page if that is public. One query for both, so that the
    time does not reveal whether a redirect leads to a hidden page.
    """
    here = Q(site__isnull=True) | Q(site=Site.objects.filter(is_default_site=True).values("pk")[:1])
    found = Redirect.objects.filter(here, old_path=Redirect.normalise_path(path)).annotate(
        tree_path=Subquery(
            public(ContentPage.objects.filter(pk=OuterRef("redirect_page")), as_of).values("url_path")[:1]
        ),
        comes_later=Case(When(hidden_rows(Redirect), then=0), default=1),
    )
    return list(found.select_related("redirect_page").order_by("comes_later", F("site").asc(nulls_last=True), "pk"))


def first_redirect(redirects: list[Redirect], path: str, as_of: datetime) -> Redirect | None:
    """The first of `redirects_at`. Those to death reviews count only while they lead somewhere."""
    return next((each for each in redirects if each.comes_later or target_of(each, path, as_of)), None)


def target_of(redirect: Redirect, path: str, as_of: datetime) -> str | None:
    """The absolute address to which a redirect from `redirects_at` leads.

    None if that is a page or a file that is not public, another site, or the path itself.
    """
    if redirect.redirect_page_id:
        target = addresses.website(addresses.site_path(redirect.tree_path)) if redirect.tree_path else None
    else:
        target = absolute(redirect.redirect_link)
    if target is None or not addresses.is_our_own(target):  # even if it was written to the table directly
        return None
    if not redirect.redirect_page_id and _is_hidden(_path_on_site(target), as_of):
        return None
    return None if target.rstrip("/") == addresses.website(path).rstrip("/") else target


def _path_on_site(address: str) -> str:
    """The path, from "/", of an address of this CMS or of the public website."""
    return unquote(urlsplit(addresses.path_of(address) or "").path)


def _is_hidden(path: str, as_of: datetime) -> bool:
    """Whether a page or file is or was at this path that readers do not find there now. What is no page and no file of
    the CMS, the website itself shows.
    """
    kind, _, rest = path.strip("/").partition("/")
    key = rest.partition("/")[0]
    for name, model, public_files in (("documents", Document, public_documents), ("images", Image, public_images)):
        files: Any = model._default_manager.filter(file_key=key)
        if kind == name and files.exists():
            return not public_files(files, as_of).exists()
    if PublicFileRecord.objects.filter(file_key=key).exists():  # it was deleted since
        return True
    path = with_slashes(path)
    if isinstance(page_at(path, as_of), ContentPage):
        return False
    was_here = PublicAddress.objects.filter(path=path).exists()
    is_here = ContentPage.objects.filter(url_path=addresses.tree_path(path)).exists()
    return is_here or (was_here and not isinstance(_from_ledger(path, as_of), Redirection))


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
