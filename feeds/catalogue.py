"""Lists the feeds with their formats and addresses. Everything that lists feeds uses this module."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat, Length, Substr
from django.urls import reverse

from feeds.models import FeedItem, FeedName
from feeds.shown import gone, shown
from pages.content import addresses
from pages.content.choices import FeedFormat
from pages.content.feed_stories import ENTRY_FORMATS, PageFeed
from pages.models import (
    ContentPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    PublicAddress,
    PublicRecord,
    Topic,
)
from pages.models.base import page_types
from pages.visibility.rule import public

MEDIA_TYPES = {
    FeedFormat.RSS: "application/rss+xml",
    FeedFormat.ATOM: "application/atom+xml",
    FeedFormat.JSON: "application/feed+json",
    FeedFormat.ICALENDAR: "text/calendar",
}


@dataclass(frozen=True)
class FeedDefinition:
    """A feed that residents can follow.

    `name` is the part of its addresses between /feeds/ and the format. `key` identifies it in the stored entries
    (`FeedPlace`), and stays the same when a topic or a priority gets another address. `topic` is the slug of its topic.
    """

    key: str
    name: str
    title: str
    description: str
    page: ContentPage | None = None  # the page that lists the same content
    home: ContentPage | None = None  # the home page, which names the publisher of every feed
    formats: tuple[FeedFormat, ...] = ENTRY_FORMATS
    topic: str | None = None
    period: str = ""  # the title of the period, if it is about a priority
    is_opt_in: bool = False  # not advertised on other pages: readers have to choose it

    @property
    def priority(self) -> str | None:
        """The id of its priority, for the feed of a priority."""
        return self.key.removeprefix(_PRIORITY) if self.key.startswith(_PRIORITY) else None

    @property
    def is_about_something(self) -> bool:
        """Whether it is about one topic or one priority."""
        return ":" in self.key

    @property
    def full_title(self) -> str:
        """The title in a feed reader, with the name of the publisher, as in "The Partnership: news".

        The names of topics and priorities stay as they are: they may begin with a proper name, or be CCTV.
        """
        title = self.title if self.is_about_something else f"{self.title[:1].lower()}{self.title[1:]}"
        return f"{self.home.title}: {title}" if self.home else self.title

    @property
    def about(self) -> str:
        """The absolute address of the web page that the feed is about."""
        page = self.page or self.home
        return addresses.url(page) if page else addresses.website("")

    @property
    def calendar_with_cancelled(self) -> str:
        """The absolute address of its calendar for programs that hide cancelled events, or empty if it has none."""
        has_calendar = FeedFormat.ICALENDAR in self.formats
        return settings.CMS_URL + reverse("calendar_with_cancelled", args=[self.name]) if has_calendar else ""

    def addresses(self) -> list[str]:
        """All absolute addresses at which it is served."""
        return [address for address in (*map(self.url, self.formats), self.calendar_with_cancelled) if address]

    def url(self, kind: str) -> str:
        """The absolute address in one format. The CMS serves the feeds, also if there is a separate website."""
        return settings.CMS_URL + reverse("feed", args=[self.name, kind])


@cache
def _declared_feeds() -> dict[str, tuple[PageFeed, type[ContentPage]]]:
    """The partnership's own feeds by key, each with the page type that lists the same content."""
    declared = [(feed, model) for model in page_types() for feed in model.declared_feeds]
    return {feed.key: (feed, model) for feed, model in sorted(declared, key=lambda pair: pair[0].position)}


_TOPIC, _PRIORITY = "topic:", "priority:"


def topic_key(topic: int) -> str:
    return f"{_TOPIC}{topic}"


def priority_key(page: ContentPage) -> str:
    return f"{_PRIORITY}{page.uuid}"


def listings(as_of: datetime, include_removed: bool = False) -> list[FeedDefinition]:
    """All feeds at the instant: the partnership's own, then one for each topic and each priority.

    Topics are found through the stored entries, so these have to be current (`up_to_date_state`).

    `include_removed` adds the topics with only removed entries: followers request such feeds, but no list has them.
    Priorities are in the order of their periods, the latest first, then in the order of the page tree.
    """
    pages = _pages(as_of)
    home = pages.get(PartnershipPage)
    own = [_own_definition(key, pages) for key in _declared_feeds()]
    topics = [
        _topic_definition(topic.topic_id, topic.name, topic.slug, home)
        for topic in _topic_names(as_of, include_removed).order_by("name")
    ]
    above = Substr(OuterRef("path"), 1, Length(OuterRef("path")) - PriorityPage.steplen)
    periods = PriorityPeriodPage.objects.filter(path=above)
    in_periods = PriorityPage.objects.annotate(period_title=Subquery(periods.values("title")))
    latest_first = Subquery(periods.values("starts_on")).desc(nulls_last=True)
    priorities = public(in_periods, as_of).order_by(latest_first, "path")
    return [*own, *topics, *(_priority_definition(page, home) for page in priorities)]


def topics_with_entries(as_of: datetime) -> QuerySet[Topic]:
    """The topics with a public page in their feed.

    Topics that only death reviews have are left out, because feeds of topics do not list death reviews.
    """
    return Topic.objects.filter(
        Exists(_in_feed_of("pk", shown(as_of), places__left_at=None).filter(page__withdrawal_kind=""))
    )


def _topic_names(as_of: datetime, include_removed: bool = False) -> QuerySet[FeedName]:
    """The names of the topics with a public page in their feed. `include_removed` adds those without a public page
    whose followers are still told what became of it: under the name that the topic had then, because a new one may be
    about a draft."""
    named = FeedName.objects.exclude(name="")
    if include_removed:
        present, removed = _in_feed_of("topic", shown(as_of), places__left_at=None), _in_feed_of("topic", gone(as_of))
        return named.filter(Q(Exists(present)) | Q(Exists(removed)))
    return named.filter(topic__in=topics_with_entries(as_of))


def _in_feed_of(topic: str, items: QuerySet[FeedItem], **place: object) -> QuerySet[FeedItem]:
    """Those of the entries that have a place in the feed of a topic. `topic` is the field of the outer query with its
    key, and `place` are conditions for the place."""
    return items.filter(places__feed=Concat(Value(_TOPIC), Cast(OuterRef(topic), CharField())), **place)


def offered_everywhere() -> list[FeedDefinition]:
    """The feeds that every page of the CMS advertises. Their `page` and `home` are None."""
    return [each for key in _declared_feeds() if not (each := _own_definition(key, {})).is_opt_in]


def own_feed(key: str) -> FeedDefinition:
    """One of the partnership's own feeds. Its `page` and `home` are None."""
    return _own_definition(key, {})


def listing(name: str, as_of: datetime) -> FeedDefinition | None:
    """The feed with exactly this name, or None. Takes one query."""
    if name in _declared_feeds():
        return _own_definition(name, _pages(as_of, _declared_feeds()[name][1]))
    kind, slug = _subject(name)
    if kind == "topics":
        return _find_topic_feed(slug, as_of)
    if kind == "priorities":
        return _find_priority_feed(name, slug, as_of)
    return None


def _find_topic_feed(slug: str, as_of: datetime) -> FeedDefinition | None:
    found = _topic_names(as_of, include_removed=True).filter(slug=slug)
    # The query for the home page also gets the topic, which saves a query.
    homes = PartnershipPage.objects.annotate(
        topic=Subquery(found.values("topic")[:1]),
        topic_name=Subquery(FeedName.objects.filter(slug=slug).values("name")),
    )
    home = public(homes, as_of).order_by("path").first()
    topic, name = (home.topic, home.topic_name) if home else found.values_list("topic", "name").first() or (None, "")
    return _topic_definition(topic, name, slug, home) if topic else None


def _find_priority_feed(name: str, slug: str, as_of: datetime) -> FeedDefinition | None:
    is_home, is_priority = Q(partnershippage__isnull=False), Q(prioritypage__isnull=False)
    rows = public(ContentPage.objects.filter(is_home | is_priority & _ends_with(slug, "url_path")), as_of)
    pages = list(rows.annotate(is_home=F("partnershippage")).order_by("path"))
    home = next((page for page in pages if page.is_home), None)
    found = [each for page in pages if not page.is_home and (each := _priority_definition(page, home)).name == name]
    return max(found, key=lambda each: each.page.first_published_at) if found else None  # type: ignore[union-attr]


def listing_by_former_name(name: str, as_of: datetime) -> FeedDefinition | None:
    """The feed that had this name before its topic, its priority or the priority's period got another address."""
    kind, slug = _subject(name)
    if kind == "topics":
        topic = FeedName.objects.filter(slug=slug).values("topic")
        present = FeedName.objects.exclude(name="").filter(topic__in=topic).values_list("slug", flat=True).first()
        return _find_topic_feed(present, as_of) if present else None
    if kind == "priorities":
        rows = PublicAddress.objects.filter(_ends_with(slug, "path"), record__page__prioritypage__isnull=False)
        uuids = [
            uuid for uuid, path in rows.order_by("-since", "-pk").values_list("record", "path") if _name(path) == name
        ]
        pages = {page.uuid: page for page in public(PriorityPage.objects.filter(uuid__in=uuids), as_of)}
        return next((_priority_definition(pages[uuid]) for uuid in uuids if uuid in pages), None)
    return None


def was_priority_feed(name: str) -> bool:
    """Whether a priority with a feed of this name was public once.

    Any deleted page with such an address counts, because its type is not known any more.
    """
    kind, slug = _subject(name)
    may_be_priority = Q(page__isnull=True) | Q(page__prioritypage__isnull=False)
    paths = PublicRecord.objects.filter(may_be_priority, _ends_with(slug, "addresses__path")).values_list(
        "addresses__path", flat=True
    )
    return kind == "priorities" and any(_name(path) == name for path in paths)


def _subject(name: str) -> tuple[str, str]:
    """Kind and slug, as in ("topics", "burglary"), or two empty strings.

    Other names are refused, because clients send any characters and PostgreSQL refuses some.
    """
    found = re.fullmatch(r"(topics|priorities)/([\w-]+)", name)
    return (found[1], found[2]) if found else ("", "")


def _ends_with(slug: str, field: str) -> Q:
    """A condition for paths that end in "/period/slug/", for each way to split "period-slug" at a hyphen."""
    cuts = [index for index, letter in enumerate(slug) if letter == "-"][:20]
    ends = Q(pk__in=[])
    for cut in cuts:
        ends |= Q(**{f"{field}__endswith": f"/{slug[:cut]}/{slug[cut + 1 :]}/"})
    return ends


def _pages(as_of: datetime, *models: type[ContentPage]) -> dict[type[ContentPage], ContentPage]:
    """The home page and the page of each listing type, by type, in one query."""
    wanted = {PartnershipPage, *(models or [model for _feed, model in _declared_feeds().values()])}
    names = {model._meta.model_name: model for model in wanted}
    found = public(ContentPage.objects.filter(content_type__model__in=names), as_of).select_related("content_type")
    return {names[page.content_type.model]: page for page in found.order_by("-path")}


def _own_definition(key: str, pages: dict[type[ContentPage], ContentPage]) -> FeedDefinition:
    feed, model = _declared_feeds()[key]
    return FeedDefinition(
        key,
        key,
        feed.title,
        feed.description,
        pages.get(model),
        pages.get(PartnershipPage),
        feed.formats,
        is_opt_in=feed.is_opt_in,
    )


def _topic_definition(pk: int, name: str, slug: str, home: ContentPage | None) -> FeedDefinition:
    description = f"Everything new on the topic “{name}”."
    return FeedDefinition(topic_key(pk), f"topics/{slug}", name, description, home=home, topic=slug)


def _priority_definition(page: ContentPage, home: ContentPage | None = None) -> FeedDefinition:
    description = f"News about the priority “{page.title}”, and what is done about it."
    return FeedDefinition(
        priority_key(page),
        _name(addresses.url_path(page)),
        page.title,
        description,
        page,
        home,
        period=getattr(page, "period_title", None) or "",
    )


def _name(path: str) -> str:
    """The name of the feed of a priority, from the path of its page."""
    return "priorities/" + "-".join(path.strip("/").split("/")[-2:])


def web_page(found: FeedDefinition) -> str:
    """The absolute address of the web page about the feed."""
    return settings.CMS_URL + reverse("feed_page", args=[found.name])


def addresses_to_forget() -> set[str]:
    """Every address at which a cache may have a feed, including former names and removed feeds."""
    topics = {*Topic.objects.values_list("slug", flat=True), *FeedName.objects.values_list("slug", flat=True)}
    paths = PublicAddress.objects.filter(record__page__prioritypage__isnull=False).values_list("path", flat=True)
    about = [FeedDefinition("", name, "", "") for name in (*(f"topics/{slug}" for slug in topics), *map(_name, paths))]
    return {address for each in (*map(own_feed, _declared_feeds()), *about) for address in each.addresses()}
