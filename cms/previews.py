"""What Wagtail's preview shows of a draft: one mode for each channel that will carry the page.

Page types find the channels through a setting (pages/models/preview_channels.py); Wagtail's views ask who may see the
draft first. Each takes the way that its channel takes, with the draft in place of the published page and with the
rights of the person who looks: what they may not see in the admin shows as if it were not there. The page need not be
saved or complete, and is changed in memory.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
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
from feeds.read.sources import AT_ONCE, is_told
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

# About as much as search engines show; they measure in pixels, and each in its own way.
TITLE_LETTERS, DESCRIPTION_LETTERS = 60, 160
WEBSITE = "website"
PAGE = ""  # the mode that Wagtail shows first, and wherever nobody can choose


def _shown_by_a_template(
    name: str,
    label: str,
    context: Callable[[Any, datetime, Any], dict[str, Any]],
    carries: Callable[[type[ContentPage]], bool] = lambda model: True,
) -> PreviewChannel:
    def respond(page: ContentPage, user: Any, as_of: datetime) -> HttpResponse:
        told = effect_on_followers(page)
        as_published(page, as_of)
        more = {"label": label, "told": told, **context(page, as_of, user)}
        return _as_readers_get_it(render_to_string(f"cms/previews/{name}.html", more))

    return PreviewChannel(name, label, carries, respond)


def _as_readers_get_it(html: str) -> HttpResponse:
    """With the headers of the public page, not of the screens of the admin, one of whose addresses answers with it."""
    headers = {
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
        "Content-Security-Policy": of_pages(),
    }
    return HttpResponse(html, headers=headers)


def _page(page: ContentPage, user: Any, as_of: datetime) -> HttpResponse:
    return _as_readers_get_it(draft_html(page, as_of, user))


def _is_on_the_website(model: type[ContentPage]) -> bool:
    return bool(settings.WEBSITE_PREVIEW_URL) and not model.is_sensitive


def _on_the_website(page: ContentPage, user: Any, as_of: datetime) -> HttpResponse:
    """Sends the browser to the website, with a token for this draft and this person."""
    token = begin(page, user)
    as_published(page, as_of)
    query = urlencode({"urlPath": addresses.url_path(page), "token": token})
    joint = "&" if "?" in settings.WEBSITE_PREVIEW_URL else "?"
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return HttpResponseRedirect(f"{settings.WEBSITE_PREVIEW_URL}{joint}{query}", headers=headers)


# --- Feed readers ---


def effect_on_followers(page: ContentPage) -> str:
    """What publishing this version means for people who follow the feed."""
    if page.public_updated_at is None:
        return "Publishing this page makes a new entry."
    if page.update_kind == UpdateKind.MAJOR:
        return (
            "A major update makes no second entry: this one gets a new date of update, and many feed readers show it "
            "again."
        )
    return "A minor update makes no new entry. The text of the entry changes quietly, and its dates stay."


def _feed(page: ContentPage, as_of: datetime, user: Any) -> dict[str, Any]:
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
        "too_old": not is_told(feed.key, page, as_of),
        "newest": AT_ONCE,
    }


# --- Calendars ---


def _calendar(page: MeetingPage, as_of: datetime, user: Any) -> dict[str, Any]:
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
    """At most so many letters, cut after a whole word where there is one."""
    text = " ".join(text.split())
    if len(text) <= letters:
        return text
    start = text[: letters - 1]
    whole_words = start if text[letters - 1] == " " else start.rpartition(" ")[0]
    return (whole_words or start).rstrip() + "…"


def _search(page: ContentPage, as_of: datetime, user: Any) -> dict[str, Any]:
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


def _social(page: ContentPage, as_of: datetime, user: Any) -> dict[str, Any]:
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


def _social_picture(page: ContentPage, user: Any) -> Picture | None:
    """The size for social cards. Wagtail keeps it once it is made; it is public only when the picture is."""
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


def _graphql(page: ContentPage, as_of: datetime, user: Any) -> dict[str, Any]:
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
    PreviewChannel(WEBSITE, "Website", _is_on_the_website, _on_the_website),
    _shown_by_a_template("feed", "Feed reader", _feed, lambda model: model.feed_key is not None),
    _shown_by_a_template("calendar", "Calendar", _calendar, lambda model: model.makes_events),
    _shown_by_a_template("search", "Search result", _search),
    _shown_by_a_template("social", "Social card", _social),
    _shown_by_a_template("graphql", "GraphQL", _graphql),
)
