"""What the CMS answers at the path of a page: a redirect to the website, a small HTML page, or that it went.

cms/urls.py routes every path that is left to `page_at_path`; cms/previews.py shows drafts through `draft_html`.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
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
from pages.models import (
    ContentPage,
)
from pages.reading.draft_loader import PreviewLoader
from pages.reading.loader import Loader
from pages.reading.page_html import Link, article_html, link_to, rendered
from pages.visibility.at_path import Redirection, Withdrawn, at_path
from pages.visibility.rule import public, public_alerts

CHILDREN_AT_ONCE = 50


@require_safe
def page_at_path(request: HttpRequest, path: str) -> HttpResponse:
    """The answer for a hidden page is the answer for a page that does not exist."""
    as_of = timezone.now()
    found = at_path(path, as_of)
    if isinstance(found, ContentPage):
        return _page(request, found, as_of)
    if isinstance(found, Redirection):
        to = HttpResponsePermanentRedirect if found.permanent else HttpResponseRedirect
        return _sent(to(found.target))
    if isinstance(found, Withdrawn):
        return _withdrawn(found, as_of)
    return _not_found(as_of)


def _page(request: HttpRequest, page: ContentPage, as_of: datetime) -> HttpResponse:
    if settings.WEBSITE_URL:
        return _sent(HttpResponseRedirect(addresses.url(page)))
    page = page.specific
    try:
        html = _page_html(page, as_of, number=request.GET.get("page", "1"))
    except Http404:
        return _not_found(as_of)
    response = _sent(HttpResponse(html), page.show_safe_exit)
    if page.noindex:
        response["X-Robots-Tag"] = "noindex"
    return response


def draft_html(page: ContentPage, as_of: datetime, viewer: Any) -> str:
    """A draft as it would look, for somebody who may edit it; `page` need not be saved."""
    return _page_html(page, as_of, viewer=viewer)


def _withdrawn(page: Withdrawn, as_of: datetime) -> HttpResponse:
    alternative = link_to(page.alternative) if page.alternative else None
    if page.kind == WithdrawalKind.REDIRECT and alternative:
        return _sent(HttpResponsePermanentRedirect(alternative.url))
    context = {"removed": page, "alternative": alternative, "safe_exit": page.show_safe_exit}
    return _sent(HttpResponse(_render("removed", _site(as_of), context), status=410), page.show_safe_exit)


def _not_found(as_of: datetime) -> HttpResponse:
    return _sent(HttpResponse(_render("not_found", _site(as_of), {}), status=404))


def _sent(response: HttpResponse, safe_exit: bool = False) -> HttpResponse:
    """Browsers ask again each time, so that a page that is taken down is down at once.

    What has a safe exit is not kept at all: the next person at the computer may be the one who is feared.
    """
    response["Cache-Control"] = "no-store" if safe_exit else "no-cache"
    return response


# --- The page ---


def _page_html(page: ContentPage, as_of: datetime, *, number: str = "1", viewer: Any = None) -> str:
    """Raises `Http404` when the list below the page has no part of this number."""
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


def article(page: ContentPage, as_of: datetime, *, viewer: Any = None) -> str:
    """What a page says below its title; also on the front page, for the home page of the site."""
    loader = Loader(as_of) if viewer is None else PreviewLoader(page, as_of, viewer)
    loader.prepare([page])
    return article_html(page, loader, at=as_of, **_beside_the_article(page))


def _render(template: str, site: Link | None, context: dict[str, Any]) -> str:
    """Without the request, so that nothing on the way can look at a session or set a cookie."""
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
    """The public pages above this one, home page first. Above a public page they are all public."""
    paths = [page.path[: Page.steplen * level] for level in range(1, page.depth or 1)]
    return [link_to(above) for above in public(ContentPage.objects.filter(path__in=paths), as_of).order_by("path")]


def _children(page: ContentPage, as_of: datetime, number: str) -> Any:
    """One part of the list of public pages below this one, as a Django paginator's page."""
    try:
        part = Paginator(public(page.listed_pages(), as_of), CHILDREN_AT_ONCE).page(number)
    except InvalidPage as problem:
        raise Http404 from problem
    part.object_list = [_child(child) for child in part.object_list]
    return part


def _child(page: ContentPage) -> dict[str, str]:
    return {"title": page.title, "url": addresses.url(page), "summary": page.summary, "note": page.note_in_lists()}


def _beside_the_article(page: ContentPage) -> dict[str, Any]:
    """What the template of a page type can offer beside the article: a feed to follow, and an event for calendars."""
    more: dict[str, Any] = {}
    if page.offers_feed:
        feed = own_feed(page.offers_feed)
        more["follow"] = Link(f"Follow {feed.title.lower()}", web_page(feed))
    # Also of a meeting that is off: the calendar that has it then shows that it is cancelled.
    if page.is_in_calendar:
        more["calendar"] = settings.CMS_URL + reverse("meeting_calendar", args=[page.uuid])
    return more
