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
from pages.content.choices import MeetingStatus, WithdrawalKind
from pages.content.plain_words import day, local, when
from pages.models import (
    ContentPage,
    DeathReviewIndexPage,
    DeathReviewNoticePage,
    MeetingIndexPage,
    MeetingPage,
    NewsIndexPage,
    NewsPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
)
from pages.reading.page_html import Link, article_html, rendered, targets_of
from pages.visibility import current
from pages.visibility.at_path import Redirection, Withdrawn, at_path
from pages.visibility.rule import public, public_alerts

CHILDREN_AT_ONCE = 50
# What stands below a page, and in which order. Below all others: any page, in the order of the admin.
CHILDREN: dict[type[ContentPage], tuple[type[ContentPage], tuple[str, ...]]] = {
    NewsIndexPage: (NewsPage, ("-first_published_at", "-uuid")),
    MeetingIndexPage: (MeetingPage, ("-starts_at", "-uuid")),
    PriorityPeriodPage: (PriorityPage, ("number", "uuid")),
    DeathReviewIndexPage: (DeathReviewNoticePage, ("-first_published_at", "-uuid")),
}
# The feed that pages of a type lead to.
FOLLOWED_BY = {NewsIndexPage: "news", MeetingIndexPage: "meetings", MeetingPage: "meetings"}
NOTABLE = {
    MeetingStatus.CANCELLED,
    MeetingStatus.POSTPONED,
    MeetingStatus.RESCHEDULED,
    MeetingStatus.PROVISIONAL,
}


@require_safe
def page_at_path(request: HttpRequest, path: str) -> HttpResponse:
    """The answer for a hidden page is the answer for a page that does not exist."""
    at = timezone.now()
    found = at_path(path, at)
    if isinstance(found, ContentPage):
        return _page(request, found, at)
    if isinstance(found, Redirection):
        to = HttpResponsePermanentRedirect if found.permanent else HttpResponseRedirect
        return _sent(to(found.target))
    if isinstance(found, Withdrawn):
        return _withdrawn(found, at)
    return _not_found(at)


def _page(request: HttpRequest, page: ContentPage, at: datetime) -> HttpResponse:
    if settings.WEBSITE_URL:
        return _sent(HttpResponseRedirect(addresses.url(page)))
    page = page.specific
    try:
        html = _page_html(page, at, number=request.GET.get("page", "1"))
    except Http404:
        return _not_found(at)
    response = _sent(HttpResponse(html), page.show_safe_exit)
    if page.noindex:
        response["X-Robots-Tag"] = "noindex"
    return response


def draft_html(page: ContentPage, at: datetime, viewer: Any) -> str:
    """A draft as it would look, for somebody who may edit it; `page` need not be saved."""
    return _page_html(page, at, viewer=viewer)


def _withdrawn(page: Withdrawn, at: datetime) -> HttpResponse:
    alternative = _link(page.alternative) if page.alternative else None
    if page.kind == WithdrawalKind.REDIRECT and alternative:
        return _sent(HttpResponsePermanentRedirect(alternative.url))
    context = {"removed": page, "alternative": alternative, "safe_exit": page.show_safe_exit}
    return _sent(HttpResponse(_render("removed", _site(at), context), status=410), page.show_safe_exit)


def _not_found(at: datetime) -> HttpResponse:
    return _sent(HttpResponse(_render("not_found", _site(at), {}), status=404))


def _sent(response: HttpResponse, safe_exit: bool = False) -> HttpResponse:
    """Browsers ask again each time, so that a page that is taken down is down at once.

    What has a safe exit is not kept at all: the next person at the computer may be the one who is feared.
    """
    response["Cache-Control"] = "no-store" if safe_exit else "no-cache"
    return response


# --- The page ---


def _page_html(page: ContentPage, at: datetime, *, number: str = "1", viewer: Any = None) -> str:
    """Raises `Http404` when the list below the page has no part of this number."""
    ancestors = _ancestors(page, at)
    context = {
        "page": page,
        "url": addresses.url(page),
        "ancestors": ancestors,
        "alerts": list(public_alerts(at)),
        "article": article(page, at, viewer=viewer),
        "children": _children(page, at, number),
        "topics": list(page.topics.all()),
        "changes": list(page.change_notes.all()) if page.pk else [],
        "safe_exit": page.show_safe_exit,
        "noindex": page.noindex,
    }
    return _render("page", ancestors[0] if ancestors else _link(page), context)


def article(page: ContentPage, at: datetime, *, viewer: Any = None) -> str:
    """What a page says below its title; also on the front page, for the home page of the site."""
    return article_html(page, targets_of([page], at, viewer=viewer), **_of_type(page, at))


def _render(template: str, site: Link | None, context: dict[str, Any]) -> str:
    """Without the request, so that nothing on the way can look at a session or set a cookie."""
    feeds = [
        {"title": f"{each.title} ({kind.label})", "url": each.url(kind), "media_type": MEDIA_TYPES[kind]}
        for each in offered_everywhere()
        for kind in each.formats
    ]
    return rendered(template, {"site": site, "feeds": feeds, **context})


def _link(page: ContentPage) -> Link:
    return Link(page.title, addresses.url(page))


def _site(at: datetime) -> Link | None:
    home = public(ContentPage.objects.filter(url_path=addresses.tree_path("")), at).first()
    return _link(home) if home else None


def _ancestors(page: ContentPage, at: datetime) -> list[Link]:
    """The public pages above this one, home page first. Above a public page they are all public."""
    paths = [page.path[: Page.steplen * level] for level in range(1, page.depth or 1)]
    return [_link(above) for above in public(ContentPage.objects.filter(path__in=paths), at).order_by("path")]


def _children(page: ContentPage, at: datetime, number: str) -> Any:
    """One part of the list of public pages below this one, as a Django paginator's page."""
    model, order = CHILDREN.get(type(page), (ContentPage, ("path",)))
    below = public(model.objects.child_of(page), at).order_by(*order)
    try:
        part = Paginator(below, CHILDREN_AT_ONCE).page(number)
    except InvalidPage as problem:
        raise Http404 from problem
    part.object_list = [_child(child) for child in part.object_list]
    return part


def _child(page: ContentPage) -> dict[str, str]:
    return {"title": page.title, "url": addresses.url(page), "summary": page.summary, "note": _note(page)}


def _note(page: ContentPage) -> str:
    """What a list says of a page beside its title and summary."""
    if isinstance(page, MeetingPage) and page.starts_at:
        status = f"{page.get_status_display()}: " if page.status in NOTABLE else ""
        return status + when(page.starts_at, page.ends_at)
    if isinstance(page, NewsPage) and page.first_published_at:
        return day(local(page.first_published_at))
    return ""


def _of_type(page: ContentPage, at: datetime) -> dict[str, Any]:
    """What the template of a page type needs beside the page itself."""
    if isinstance(page, PartnershipPage):
        period = current.periods(at)[1]
        priorities = public(PriorityPage.objects.child_of(period), at).order_by("number", "uuid") if period else []
        plan, meeting = current.current_plan(at), current.next_meeting(at)
        return {
            "period": _link(period) if period else None,
            "priorities": [_link(priority) for priority in priorities],
            "plan": _link(plan) if plan else None,
            "meeting": _child(meeting) if meeting else None,
        }
    more: dict[str, Any] = {}
    if name := FOLLOWED_BY.get(type(page)):
        feed = own_feed(name)
        more["follow"] = Link(f"Follow {feed.title.lower()}", web_page(feed))
    # Also of a meeting that is off: the calendar that has it then shows that it is cancelled.
    if isinstance(page, MeetingPage) and page.starts_at:
        more["calendar"] = settings.CMS_URL + reverse("meeting_calendar", args=[page.uuid])
    return more
