"""Which feeds there are, in which formats, and at which addresses; everything that lists feeds asks here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Length, Substr
from django.urls import reverse

from pages import addresses
from pages.choices import FeedFormat
from pages.models import (
    ContentPage,
    DeathReviewIndexPage,
    MeetingIndexPage,
    NewsIndexPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    PublicationIndexPage,
    PublicRecord,
    Topic,
)
from pages.visibility import public, public_topics

MEDIA_TYPES = {
    FeedFormat.RSS: "application/rss+xml",
    FeedFormat.ATOM: "application/atom+xml",
    FeedFormat.JSON: "application/feed+json",
    FeedFormat.ICALENDAR: "text/calendar",
}
NEWS_FORMATS = (FeedFormat.RSS, FeedFormat.ATOM, FeedFormat.JSON)
DEATH_REVIEWS = "death-reviews"


@dataclass(frozen=True)
class Listing:
    """A feed that residents can follow.

    `name` is the part of its addresses below /feeds/, before the format; `key` is what entries name it by
    (`FeedPlace`), which stays when a topic or a priority gets another address. `topic` is the slug of its topic.
    """

    key: str
    name: str
    title: str
    description: str
    page: ContentPage | None = None  # the page that lists the same things
    home: ContentPage | None = None  # the home page, for the partnership's own feeds
    formats: tuple[FeedFormat, ...] = NEWS_FORMATS
    topic: str | None = None

    @property
    def is_about_something(self) -> bool:
        """Whether it is about one topic or one priority."""
        return ":" in self.key

    @property
    def is_opt_in(self) -> bool:
        """Whether it is for people who chose it knowingly: no page offers it by itself."""
        return self.key == DEATH_REVIEWS

    def url(self, kind: str) -> str:
        """The absolute address in one format. Feeds come from the CMS, with a website or without."""
        return settings.CMS_URL + reverse("feed", args=[self.name, kind])


# key: title, description, the type of the page that lists the same things, formats
_OWN: dict[str, tuple[str, str, type[ContentPage], tuple[FeedFormat, ...]]] = {
    "all": (
        "All updates",
        "News, meetings, plans, reviews and priorities in one feed.",
        PartnershipPage,
        NEWS_FORMATS,
    ),
    "news": ("News", "What the partnership does, and wants residents to know.", NewsIndexPage, NEWS_FORMATS),
    "meetings": (
        "Meetings",
        "When the partnership meets, with agendas and papers.",
        MeetingIndexPage,
        (*NEWS_FORMATS, FeedFormat.ICALENDAR),
    ),
    "publications": (
        "Publications",
        "Plans, assessments, data and annual reviews.",
        PublicationIndexPage,
        NEWS_FORMATS,
    ),
    "priorities": (
        "Priorities",
        "What the partnership concentrates on, and what it does.",
        PartnershipPage,
        NEWS_FORMATS,
    ),
    DEATH_REVIEWS: (
        "Death reviews",
        "Notices of Domestic Abuse Related Death Reviews. They are about deaths, and may be hard to read.",
        DeathReviewIndexPage,
        NEWS_FORMATS,
    ),
}


def topic_key(topic: int) -> str:
    return f"topic:{topic}"


def priority_key(page: ContentPage) -> str:
    return f"priority:{page.uuid}"


def listings(at: datetime) -> list[Listing]:
    """All feeds that there are at the instant: the partnership's own, then one for each topic and each priority.

    Priorities come by their period, the latest first, and within it in the order of the page tree.
    """
    pages = _pages(at)
    own = [_own(key, pages) for key in _OWN]
    topics = [_of_topic(topic) for topic in public_topics(at).order_by("name")]
    above = Substr(OuterRef("path"), 1, Length(OuterRef("path")) - PriorityPage.steplen)
    period = PriorityPeriodPage.objects.filter(path=above).values("starts_on")
    priorities = public(PriorityPage.objects.all(), at).order_by(Subquery(period).desc(nulls_last=True), "path")
    return [*own, *topics, *(_of_priority(page) for page in priorities)]


def offered_everywhere() -> list[Listing]:
    """The feeds that every page of the CMS offers by itself, without the pages that belong to them."""
    return [each for key in _OWN if not (each := _own(key, {})).is_opt_in]


def own_feed(key: str) -> Listing:
    """One of the partnership's own feeds, without the pages that belong to it."""
    return _own(key, {})


def listing(name: str, at: datetime) -> Listing | None:
    """The feed of this name, or None; in one query."""
    if name in _OWN:
        return _own(name, _pages(at, _OWN[name][2]))
    kind, slug = _subject(name)
    if kind == "topics":
        topic = public_topics(at).filter(slug=slug).first()
        return _of_topic(topic) if topic else None
    if kind == "priorities":
        found = public(PriorityPage.objects.filter(_ends_with(slug, "url_path")), at).order_by("-first_published_at")
        page = found.first()
        return _of_priority(page) if page else None
    return None


def was_there(name: str) -> bool:
    """Whether there was a feed of this name: that of a priority which was public once.

    Of a page that was deleted it is not known what it was.
    """
    kind, slug = _subject(name)
    what = Q(page__isnull=True) | Q(page__prioritypage__isnull=False)
    return kind == "priorities" and PublicRecord.objects.filter(what, _ends_with(slug, "addresses__path")).exists()


def _subject(name: str) -> tuple[str, str]:
    """As in ("topics", "burglary"), or nothing: readers type names, and PostgreSQL refuses some letters."""
    found = re.fullmatch(r"(topics|priorities)/([\w-]+)", name)
    return (found[1], found[2]) if found else ("", "")


def _ends_with(slug: str, field: str) -> Q:
    """Paths that end in "/period/slug/" for "period-slug", wherever the one ends and the other begins."""
    cuts = [index for index, letter in enumerate(slug) if letter == "-"][:20]
    ends = Q(pk__in=[])
    for cut in cuts:
        ends |= Q(**{f"{field}__endswith": f"/{slug[:cut]}/{slug[cut + 1 :]}/"})
    return ends


def _pages(at: datetime, *models: type[ContentPage]) -> dict[type[ContentPage], ContentPage]:
    """The home page and the page of each type that stands for a list, in one query."""
    wanted = {PartnershipPage, *(models or [row[2] for row in _OWN.values()])}
    names = {model._meta.model_name: model for model in wanted}
    found = public(ContentPage.objects.filter(content_type__model__in=names), at).select_related("content_type")
    return {names[page.content_type.model]: page for page in found.order_by("-path")}


def _own(key: str, pages: dict[type[ContentPage], ContentPage]) -> Listing:
    title, description, model, formats = _OWN[key]
    return Listing(key, key, title, description, pages.get(model), pages.get(PartnershipPage), formats)


def _of_topic(topic: Topic) -> Listing:
    title, description = topic.name, f"Everything new about {topic.name.lower()}."
    return Listing(topic_key(topic.pk), f"topics/{topic.slug}", title, description, topic=topic.slug)


def _of_priority(page: PriorityPage) -> Listing:
    period, slug = addresses.url_path(page).strip("/").split("/")[-2:]
    description = f"News about the priority “{page.title}”, and what is done about it."
    return Listing(priority_key(page), f"priorities/{period}-{slug}", page.title, description, page)


def web_page(found: Listing) -> str:
    """The address of the page on which people find the feed."""
    return settings.CMS_URL + reverse("feed_page", args=[found.name])


def feed_addresses(found: Iterable[Listing]) -> set[str]:
    """The addresses of these feeds in all their formats."""
    return {each.url(kind) for each in found for kind in each.formats}
