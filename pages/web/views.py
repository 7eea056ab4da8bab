"""Serves the path of a page: as a redirect to the website, as an HTML page, or as 404 or 410.

cms/urls.py routes all other paths to `page_at_path`; cms/previews.py shows drafts with `draft_html`.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.paginator import InvalidPage, Paginator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from wagtail.models import Page

from feeds.catalogue import MEDIA_TYPES, offered_everywhere, own_feed, web_page
from pages.content import addresses
from pages.content.choices import WithdrawalKind
from pages.models import ContentPage
from pages.reading.at_path import Redirection, Withdrawn, at_path
from pages.reading.draft_loader import PreviewLoader
from pages.reading.loader import Loader
from pages.reading.page_html import Link, article_html, link_to, rendered
from pages.visibility.rule import public, public_alerts

CHILDREN_AT_ONCE = 50


@require_safe
def page_at_path(request: HttpRequest, path: str) -> HttpResponse:
    """The response for a path. That for a hidden page equals that for a page that does not exist."""
    as_of = timezone.now()
    found = at_path(path, as_of)
    if isinstance(found, ContentPage):
        return _page(request, found, as_of)
    if isinstance(found, Redirection):
        redirect = HttpResponsePermanentRedirect if found.permanent else HttpResponseRedirect
        return _with_cache_control(redirect(found.target))
    if isinstance(found, Withdrawn):
        return _withdrawn(found, as_of)
    return _not_found(as_of)


def _page(request: HttpRequest, page: ContentPage, as_of: datetime) -> HttpResponse:
    if settings.WEBSITE_URL:
        return _with_cache_control(HttpResponseRedirect(addresses.url(page)))
    page = page.specific
    try:
        html = _page_html(page, as_of, number=request.GET.get("page", "1"))
    except Http404:
        return _not_found(as_of)
    response = _with_cache_control(HttpResponse(html), page.show_safe_exit)
    if page.noindex:
        response["X-Robots-Tag"] = "noindex"
    return response


def draft_html(page: ContentPage, as_of: datetime, viewer: User | AnonymousUser) -> str:
    """The preview of a draft, for a viewer who may edit it. `page` need not be saved."""
    return _page_html(page, as_of, viewer=viewer)


def _withdrawn(page: Withdrawn, as_of: datetime) -> HttpResponse:
    alternative = link_to(page.alternative) if page.alternative else None
    if page.kind == WithdrawalKind.REDIRECT and alternative:
        return _with_cache_control(HttpResponsePermanentRedirect(alternative.url))
    context = {"removed": page, "alternative": alternative, "safe_exit": page.show_safe_exit}
    return _with_cache_control(HttpResponse(_render("removed", _site(as_of), context), status=410), page.show_safe_exit)


def _not_found(as_of: datetime) -> HttpResponse:
    return _with_cache_control(HttpResponse(_render("not_found", _site(as_of), {}), status=404))


def _with_cache_control(response: HttpResponse, safe_exit: bool = False) -> HttpResponse:
    """Make browsers revalidate on each visit, so that a takedown takes effect at once.

    A page with a safe exit is not stored at all: the next person at the computer may be the one whom the reader fears.
    """
    response["Cache-Control"] = "no-store" if safe_exit else "no-cache"
    return response


# --- The page ---


def _page_html(
    page: ContentPage, as_of: datetime, *, number: str = "1", viewer: User | AnonymousUser | None = None
) -> str:
    """The page as HTML, with part `number` of the list of its children. Raises `Http404` if there is no such part."""
    ancestors = _ancestors(page, as_of)
    context = {
        "page": page,
        "url": addresses.url(page),
        "ancestors": ancestors,
        "alerts": list(public_alerts(as_of)),
        "article": article(page, as_of, viewer=viewer),
        "children": _children(page, as_of, number),
        "topics": list(page.topics.all()),
        "changes": list(page.change_notes.all()) if page.pk else [],
        "safe_exit": page.show_safe_exit,
        "noindex": page.noindex,
    }
    return _render("page", ancestors[0] if ancestors else link_to(page), context)


def article(page: ContentPage, as_of: datetime, *, viewer: User | AnonymousUser | None = None) -> str:
    """The content of a page below its title; cms also shows that of the home page on the front page."""
    loader = Loader(as_of) if viewer is None else PreviewLoader(page, as_of, viewer)
    loader.prepare([page])
    return article_html(page, loader, at=as_of, **_feed_and_calendar(page))


def _render(template: str, site: Link | None, context: dict[str, Any]) -> str:
    """Render without the request, so that no context processor or tag can read the session or set a cookie."""
    feeds = [
        {"title": f"{each.title} ({kind.label})", "url": each.url(kind), "media_type": MEDIA_TYPES[kind]}
        for each in offered_everywhere()
        for kind in each.formats
    ]
    return rendered(f"pages/{template}.html", {"site": site, "feeds": feeds, **context})


def _site(as_of: datetime) -> Link | None:
    home = public(ContentPage.objects.filter(url_path=addresses.tree_path("")), as_of).first()
    return link_to(home) if home else None


def _ancestors(page: ContentPage, as_of: datetime) -> list[Link]:
    """Links to the public ancestors of the page, home page first."""
    paths = [page.path[: Page.steplen * level] for level in range(1, page.depth or 1)]
    return [link_to(above) for above in public(ContentPage.objects.filter(path__in=paths), as_of).order_by("path")]


def _children(page: ContentPage, as_of: datetime, number: str) -> Any:
    """One part of the list of public pages below this one, as a page of a Django paginator."""
    try:
        part = Paginator(public(page.listed_pages(), as_of), CHILDREN_AT_ONCE).page(number)
    except InvalidPage as error:
        raise Http404 from error
    part.object_list = [_child(child) for child in part.object_list]
    return part


def _child(page: ContentPage) -> dict[str, str]:
    return {"title": page.title, "url": addresses.url(page), "summary": page.summary, "note": page.note_in_lists()}


def _feed_and_calendar(page: ContentPage) -> dict[str, Any]:
    """Template context: the link to the page's feed, and the address of the meeting as an iCalendar file."""
    context: dict[str, Any] = {}
    if page.offers_feed:
        feed = own_feed(page.offers_feed)
        context["follow"] = Link(f"Follow {feed.title.lower()}", web_page(feed))
    # Also for a cancelled meeting: calendars that have the event then show it as cancelled.
    if page.is_in_calendar:
        context["calendar"] = settings.CMS_URL + reverse("meeting_calendar", args=[page.uuid])
    return context
