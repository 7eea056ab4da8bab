"""The modes of Wagtail's preview of a draft: one for each channel that will carry the page.

Page types find the modes through the setting PREVIEW_CHANNELS (pages/models/preview_channels.py). Wagtail's views check
first who may see the draft. Each mode uses the code of its channel, with the draft in place of the published page and
the permissions of the person who looks: what they may not see in the admin is left out. The page may be unsaved or
incomplete, and is changed in memory only.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from wagtail.images.models import SourceImageIOError

from cms.graphql.schema.drafts import draft_answer
from cms.http.security_headers import of_pages
from cms.publication.as_published import as_published
from documents.access.public_files import for_staff, may_be_public, shown_on
from documents.models import RENDITIONS, Image
from feeds.build.stories import entry_of
from feeds.catalogue import own_feed
from feeds.event import event
from feeds.read.sources import AT_ONCE, is_in_first_document
from pages.content import addresses
from pages.content.choices import UpdateKind
from pages.content.plain_words import clock, day, day_and_weekday
from pages.models import ContentPage, MeetingPage, PartnershipPage
from pages.models.preview_channels import PreviewChannel
from pages.reading.draft_loader import PreviewLoader
from pages.reading.draft_previews import begin
from pages.reading.loader import Loader
from pages.reading.page_html import Picture
from pages.visibility.rule import public
from pages.web.views import draft_html

# About as much as search engines show. They measure in pixels, so these are estimates.
TITLE_LETTERS, DESCRIPTION_LETTERS = 60, 160
WEBSITE = "website"
PAGE = ""  # Wagtail's name for the default mode

Viewer = User | AnonymousUser


def _template_channel(
    name: str,
    label: str,
    context: Callable[[Any, datetime, Viewer], dict[str, Any]],
    carries: Callable[[type[ContentPage]], bool] = lambda model: True,
) -> PreviewChannel:
    """A channel that renders `cms/previews/<name>.html` with the given context."""

    def respond(page: ContentPage, user: Viewer, as_of: datetime) -> HttpResponse:
        effect = effect_on_followers(page)
        as_published(page, as_of)
        values = {"label": label, "effect": effect, **context(page, as_of, user)}
        return _response(render_to_string(f"cms/previews/{name}.html", values))

    return PreviewChannel(name, label, carries, respond)


def _response(html: str) -> HttpResponse:
    """A response with the Content-Security-Policy of a public page, although its address is in the admin."""
    headers = {
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
        "Content-Security-Policy": of_pages(),
    }
    return HttpResponse(html, headers=headers)


def _page(page: ContentPage, user: Viewer, as_of: datetime) -> HttpResponse:
    return _response(draft_html(page, as_of, user))


def _has_website_preview(model: type[ContentPage]) -> bool:
    return bool(settings.WEBSITE_PREVIEW_URL) and not model.is_sensitive


def _website(page: ContentPage, user: Viewer, as_of: datetime) -> HttpResponse:
    """Redirect the browser to the website, with a token for this draft and this person."""
    token = begin(page, user)
    as_published(page, as_of)
    query = urlencode({"urlPath": addresses.url_path(page), "token": token})
    separator = "&" if "?" in settings.WEBSITE_PREVIEW_URL else "?"
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return HttpResponseRedirect(f"{settings.WEBSITE_PREVIEW_URL}{separator}{query}", headers=headers)


# --- Feed readers ---


def effect_on_followers(page: ContentPage) -> str:
    """What publishing this version means for people who follow the feed."""
    if page.public_updated_at is None:
        return "Publishing this page adds a new entry to the feed."
    if page.update_kind == UpdateKind.MAJOR:
        return (
            "A major update adds no second entry. The entry gets a new date of update, and many feed readers show it "
            "again."
        )
    return "A minor update adds no new entry. The text of the entry changes, and its dates stay the same."


def _feed(page: ContentPage, as_of: datetime, user: Viewer) -> dict[str, Any]:
    loader = PreviewLoader(page, as_of, user)
    loader.prepare([page])
    entry, feed = entry_of(page, loader), own_feed(page.feed_key or "")
    return {
        "entry": entry,
        "content": mark_safe(entry.content),  # noqa: S308 - as safe as in the feed
        "feed": feed,
        "formats": [kind.label for kind in feed.formats],
        "published": f"{day(entry.published)}, {clock(entry.published)}",
        "updated": f"{day(entry.updated)}, {clock(entry.updated)}" if entry.updated != entry.published else "",
        "too_old": not is_in_first_document(feed.key, entry, as_of),
        "newest": AT_ONCE,
    }


# --- Calendars ---


def _calendar(page: MeetingPage, as_of: datetime, user: Viewer) -> dict[str, Any]:
    found = event(page, Loader(as_of).related(page, "venue"), sequence=0, revised=as_of)  # neither is shown
    if found is None:
        return {"event": None}
    end = found.ends and (clock if found.ends.date() == found.starts.date() else _day_and_clock)(found.ends)
    statuses = {"CANCELLED": "Cancelled", "TENTATIVE": "Tentative", "CONFIRMED": "Confirmed"}
    return {
        "event": found,
        "day": day_and_weekday(found.starts),
        "start": clock(found.starts),
        "end": end,
        "status": statuses[found.status],
    }


def _day_and_clock(moment: datetime) -> str:
    return f"{day_and_weekday(moment)}, {clock(moment)}"


# --- Search engines and social networks ---


def cut(text: str, letters: int) -> str:
    """The text, shortened to at most so many characters. It ends after a whole word if it has more than one."""
    text = " ".join(text.split())
    if len(text) <= letters:
        return text
    start = text[: letters - 1]
    whole_words = start if text[letters - 1] == " " else start.rpartition(" ")[0]
    return (whole_words or start).rstrip() + "…"


def _search(page: ContentPage, as_of: datetime, user: Viewer) -> dict[str, Any]:
    title, description = page.seo_title or page.title, page.search_description or page.summary
    return {
        "title": cut(title, TITLE_LETTERS),
        "title_is_cut": len(title) > TITLE_LETTERS,
        "description": cut(description, DESCRIPTION_LETTERS),
        "description_is_cut": len(description) > DESCRIPTION_LETTERS,
        "title_letters": TITLE_LETTERS,
        "description_letters": DESCRIPTION_LETTERS,
        "address": addresses.url(page),
        "noindex": page.noindex,
    }


def _social(page: ContentPage, as_of: datetime, user: Viewer) -> dict[str, Any]:
    return {
        "title": page.title,
        "summary": page.summary,
        "picture": _social_picture(page, user),
        "may_have_a_picture": hasattr(page, "image_id"),
        "site": _site_name(page, as_of),
        "address": addresses.url(page),
    }


def _site_name(page: ContentPage, as_of: datetime) -> str:
    home = page if page.is_home_page else public(PartnershipPage.objects.all(), as_of).first()
    return home.title if home else settings.WAGTAIL_SITE_NAME


def _social_picture(page: ContentPage, user: Viewer) -> Picture | None:
    """The rendition for social cards. Wagtail stores it when it is first made; it is public only if the picture is."""
    key = getattr(page, "image_id", None)
    if key is None:
        return None
    image = shown_on(type(page), for_staff(user, may_be_public(Image.objects.filter(pk=key)))).first()
    if image is None:
        return None
    try:
        rendition = image.get_rendition(RENDITIONS["SOCIAL"])
    except SourceImageIOError:
        return None
    return Picture(rendition.full_url, rendition.width, rendition.height, image.alt)


# --- GraphQL ---


def _graphql(page: ContentPage, as_of: datetime, user: Viewer) -> dict[str, Any]:
    answer = draft_answer(page, as_of)
    return {
        "query": answer.query,
        "answer": json.dumps({"data": answer.data}, indent=2, ensure_ascii=False),
        "left_out": answer.left_out,
        "never_saved": page.pk is None,
        "below_a_hidden_page": page.depth > 2 and not answer.data["page"]["ancestors"],
    }


CHANNELS = (
    PreviewChannel(PAGE, "Page", lambda model: True, _page),
    PreviewChannel(WEBSITE, "Website", _has_website_preview, _website),
    _template_channel("feed", "Feed reader", _feed, lambda model: model.feed_key is not None),
    _template_channel("calendar", "Calendar", _calendar, lambda model: model.makes_events),
    _template_channel("search", "Search result", _search),
    _template_channel("social", "Social card", _social),
    _template_channel("graphql", "GraphQL", _graphql),
)
