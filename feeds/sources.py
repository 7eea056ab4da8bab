"""Which feeds there are and what each holds: feeds/views.py serves them, and lists of them read `FEEDS`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, QuerySet
from django.urls import reverse
from wagtail.models import ModelLogEntry, Page, PageLogEntry

from documents.models import Document
from feeds.entry import Enclosure, Entry, Feed
from feeds.event import OFF, where
from pages import addresses
from pages.choices import MeetingStatus, PaperKind
from pages.models import (
    ContentPage,
    MeetingIndexPage,
    MeetingPage,
    NewsIndexPage,
    NewsPage,
    PartnershipPage,
    PublicRecord,
    Venue,
)
from pages.models.snippets import ModeratedSnippet
from pages.page_html import File, Targets, article_html, papers, targets_of
from pages.plain_words import local, when
from pages.redaction import REDACTED
from pages.references import child_relations, raw_blocks
from pages.visibility import public
from pages.withdrawal import TAKEN_DOWN, WITHDRAWN
from pages.workflow import PUBLISHED_BY_COMMAND

NEWEST = 30
MEDIA_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml"}
# Before the first page was published. Feeds with nothing in them need a date that does not change.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Actions of Wagtail's logs, and our own, after which readers may see something else.
PUBLISHING = [
    "wagtail.publish",
    "wagtail.unpublish",
    "wagtail.move",
    "wagtail.reorder",
    "wagtail.delete",
    "wagtail.view_restriction.create",
    "wagtail.view_restriction.edit",
    "wagtail.view_restriction.delete",
    PUBLISHED_BY_COMMAND,
    WITHDRAWN,
    TAKEN_DOWN,
    REDACTED,
]

AnyPage = TypeVar("AnyPage", bound=ContentPage)


@dataclass(frozen=True)
class Source:
    """A feed that readers can follow."""

    title: str
    description: str
    index: type[ContentPage]
    entries: Callable[[datetime], list[Entry]]
    formats: tuple[str, ...] = ("rss", "atom")


def feed_url(name: str, kind: str) -> str:
    """The absolute address of a feed in one format. Feeds come from the CMS, with a website or without."""
    return settings.CMS_URL + reverse("feed", args=[name, kind])


def feed(name: str, at: datetime) -> Feed:
    """A feed as it is at the instant."""
    source = FEEDS[name]
    entries = source.entries(at)
    home = public(PartnershipPage.objects.all(), at).first()
    index = public(source.index.objects.all(), at).first() or home
    dates = [entry.updated for entry in entries]
    if index and index.public_updated_at and index.public_updated_at <= at:
        dates.append(index.public_updated_at)
    return Feed(
        # A feed is the partnership's own, whatever becomes of the page that lists the same things.
        uuid=uuid5(home.uuid, f"feed:{name}") if home else uuid5(NAMESPACE_URL, feed_url(name, "atom")),
        url=addresses.url(index) if index else addresses.website(""),
        title=f"{home.title}: {source.title.lower()}" if home else source.title,
        description=source.description,
        author=home.title if home else source.title,
        updated=local(max(dates, default=LONG_AGO)),
        entries=tuple(entries),
    )


def changed_at(at: datetime) -> datetime | None:
    """When an answer may last have changed.

    What changes pages that are or were public leaves an entry in Wagtail's logs or a date in the ledger; taking
    something down does too, and moves no date of what is left. Work on drafts is nobody's business and does not
    count. An expiry happens by itself. A second is kept back, because HTTP dates have no fractions: another change
    in the same second would otherwise go unnoticed for ever.
    """
    known = PublicRecord.objects.values("page")
    of_drafts = [ContentType.objects.get_for_model(model) for model in ModeratedSnippet.__subclasses__()]
    models = ModelLogEntry.objects.filter(action__in=[*PUBLISHING, "wagtail.edit"])
    moments = [
        PageLogEntry.objects.filter(action__in=PUBLISHING, page__in=known).aggregate(last=Max("timestamp"))["last"],
        PublicRecord.objects.aggregate(last=Max("ended_at"))["last"],
        models.exclude(action="wagtail.edit", content_type__in=of_drafts).aggregate(last=Max("timestamp"))["last"],
        Page.objects.filter(expire_at__lte=at, pk__in=known).aggregate(last=Max("expire_at"))["last"],
        Venue.objects.filter(expire_at__lte=at).aggregate(last=Max("expire_at"))["last"],
    ]
    latest = max((moment for moment in moments if moment), default=None)
    return min(latest, at - timedelta(seconds=1)) if latest else None


# --- Entries ---


def _newest(pages: QuerySet[AnyPage], at: datetime, *more: str) -> tuple[list[AnyPage], Targets]:
    """The newest public pages with their rows, and what they may show. Nothing is dated in the future."""
    found = public(pages, at).filter(first_published_at__lte=at).exclude(public_updated_at__gt=at)
    found = found.order_by("-first_published_at", "-uuid")
    rows = found.prefetch_related("topics", *child_relations(pages.model), *more)[:NEWEST]
    newest = list(rows)
    return newest, targets_of(newest, at)


def _entry(page: ContentPage, targets: Targets, title: str, summary: str, files: list[File]) -> Entry:
    published = page.first_published_at
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=title,
        summary=summary,
        html=article_html(page, targets),
        published=local(published),
        updated=local(page.public_updated_at or published),
        categories=tuple(topic.name for topic in page.topics.all()),
        enclosures=tuple(Enclosure(file.url, file.size or 0, file.media_type) for file in files),
    )


def news(at: datetime) -> list[Entry]:
    pages, targets = _newest(NewsPage.objects.all(), at)
    return [_news_entry(page, targets) for page in pages]


def _news_entry(page: NewsPage, targets: Targets) -> Entry:
    return _entry(page, targets, page.title, page.summary, _files_in_body(page, targets))


def _files_in_body(page: NewsPage, targets: Targets) -> list[File]:
    keys = [raw["value"] for raw in raw_blocks(page.body) if raw["type"] == "document"]
    return [file for key in keys if (file := targets.get(Document, key))]


def meetings(at: datetime) -> list[Entry]:
    """Meetings in the order in which they were announced: feed readers show what is new at the top."""
    pages, targets = _newest(MeetingPage.objects.all(), at, "change_log")
    return [_meeting_entry(page, targets) for page in pages]


def _meeting_entry(page: MeetingPage, targets: Targets) -> Entry:
    return _entry(page, targets, meeting_title(page), meeting_summary(page, targets), _papers(page, targets))


def meeting_title(meeting: MeetingPage) -> str:
    """As in "Cancelled: Partnership meeting", since many people read no more than the title."""
    changed = meeting.status in {*OFF, MeetingStatus.RESCHEDULED}
    return f"{meeting.get_status_display()}: {meeting.title}" if changed else meeting.title


def meeting_summary(meeting: MeetingPage, targets: Targets) -> str:
    """When and where, from the fields, then what the editor wrote unless that says the day again."""
    if meeting.starts_at is None:
        return meeting.summary
    start = when(meeting.starts_at, meeting.ends_at)
    facts = ", ".join(part for part in (start, where(meeting, targets)) if part)
    if meeting.status in OFF:
        facts = f"This meeting was planned for {facts}"
    said_again = start.partition(",")[0] in meeting.summary
    return f"{facts}." if said_again else f"{facts}. {meeting.summary}"


def _papers(meeting: MeetingPage, targets: Targets) -> list[File]:
    """The agenda first: RSS carries one file."""
    found = sorted(papers(meeting, targets), key=lambda paper: paper.kind != PaperKind.AGENDA)
    return [paper.file for paper in found]


FEEDS: dict[str, Source] = {
    "news": Source("News", "What the partnership does, and wants residents to know.", NewsIndexPage, news),
    "meetings": Source("Meetings", "When the partnership meets, with agendas and papers.", MeetingIndexPage, meetings),
}

# --- One page, for previews ---

# The page types that have entries: the feed, and what makes an entry of a page.
ENTRIES: dict[type[ContentPage], tuple[str, Callable[[Any, Targets], Entry]]] = {
    NewsPage: ("news", _news_entry),
    MeetingPage: ("meetings", _meeting_entry),
}


def entry_of(page: ContentPage, targets: Targets) -> Entry:
    """The entry of one page, which has a date of publication."""
    return ENTRIES[type(page)][1](page, targets)


def is_among_the_newest(page: ContentPage, at: datetime) -> bool:
    """Whether a feed still has room for the page: it holds the newest by the date of their first publication."""
    newer = type(page).objects.filter(first_published_at__gt=page.first_published_at, first_published_at__lte=at)
    return public(newer.exclude(pk=page.pk), at).count() < NEWEST
