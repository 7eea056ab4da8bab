"""Builds the feed entries of a page, and decides which feeds have them.

A page gets an entry when it is first published. A major update corrects that entry, which keeps its id. Page types
provide the content of the entry (`ContentPage.feed_summary` and others) and further events: a meeting also gets an
entry for its agenda, for its minutes and for each announced change.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid5

from django.db.models import Model
from django.template.loader import render_to_string

from feeds.catalogue import own_feed, priority_key, topic_key
from feeds.entry import Enclosure, Entry
from pages.content import addresses
from pages.content.feed_stories import NEWS_FOR, PageEvent
from pages.content.plain_words import local
from pages.models import ContentPage, DeathReviewNoticePage, MeetingPage, SupportService
from pages.models.base import page_types
from pages.reading.loader import Loader
from pages.reading.page_html import File, Picture, PublicPaper, article_html, documents, file_of, papers, related


@dataclass(frozen=True)
class _PublicContent:
    """Implements `ShownToReaders` with a loader."""

    loader: Loader

    def related(self, obj: Model, name: str) -> Any:
        return related(obj, name, self.loader)

    def document(self, page: ContentPage, key: int) -> File | None:
        document = self.loader.document_in(page, key)
        return file_of(document, self.loader) if document else None

    def documents(self, page: ContentPage) -> list[File]:
        return [*documents(page, self.loader, data_files=False), *documents(page, self.loader, data_files=True)]

    def papers(self, meeting: MeetingPage) -> list[PublicPaper]:
        return papers(meeting, self.loader)

    def support_services(self, notice: DeathReviewNoticePage) -> list[SupportService]:
        return self.loader.support_services(notice)


def entry_page_types() -> list[type[ContentPage]]:
    """The page types whose pages have entries."""
    return [model for model in page_types() if model.feed_key is not None]


def places(page: ContentPage) -> list[str]:
    """The keys of the feeds that have the page. A page in an opt-in feed is in no other feed."""
    own = own_feed(page.feed_key or "")
    if own.is_opt_in:
        return [own.key]
    topics = [topic_key(topic.pk) for topic in page.topics.all()]
    priorities = [priority_key(priority) for priority in page.priorities_told_of()]
    return list(dict.fromkeys([own.key, "all", *topics, *priorities]))  # the general feed can be its own


def entry_of(page: ContentPage, loader: Loader) -> Entry:
    """The entry of the page itself. The page needs a date of publication, but may be a draft, for previews."""
    published = page.first_published_at
    note = next(iter(page.change_notes.all()), None) if page.pk else None
    shown = _PublicContent(loader)
    summary, html = page.feed_summary(shown), str(article_html(page, loader))
    if warning := page.content_warning:
        care = {"warning": warning, "services": page.support_services_shown(shown)}
        summary, html = f"Content warning: {warning} {summary}", render_to_string("feeds/with_care.html", care) + html
    updated = page.public_updated_at or published
    recorded_for = page.recorded_for() if published else None
    dated = min(recorded_for or published, published)
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=page.feed_title(),
        summary=summary,
        html=html,
        published=local(dated),
        updated=local(dated if updated == published else updated),
        categories=tuple(topic.name for topic in page.topics.all()),
        enclosures=tuple(_enclosure(file) for file in page.feed_files(shown)),
        image=_image(page, loader),
        change_note=note.note if note and note.at == updated else "",
        for_the_record=published - dated > NEWS_FOR,
    )


def entries_of(page: ContentPage, loader: Loader) -> list[Entry]:
    """All entries of a public page. The first is that of the page itself."""
    own = entry_of(page, loader)
    entries, times = [own], {own.updated}
    for event in page.feed_events(_PublicContent(loader)):
        entry = _entry_of_event(event, own)
        # Those of one publication have the same date. No two entries of a feed should have the same date of change.
        while entry.updated in times:
            updated = entry.updated - timedelta(microseconds=1)
            entry = replace(entry, published=min(entry.published, updated), updated=updated)
        times.add(entry.updated)
        entries.append(entry)
    return entries


def _entry_of_event(event: PageEvent, own: Entry) -> Entry:
    return Entry(
        uuid=uuid5(own.uuid, event.name),
        url=own.url,
        title=event.title,
        summary=event.summary,
        html=render_to_string("feeds/happening.html", {"summary": event.summary, "files": event.files}),
        published=local(event.at),
        updated=local(event.updated or event.at),
        categories=own.categories,
        enclosures=tuple(_enclosure(file) for file in event.files),
        change_note=event.note,
    )


def withdrawn_entry(page: ContentPage) -> Entry:
    """The entry of a page that was withdrawn with an explanation."""
    assert page.withdrawn_at is not None  # noqa: S101 - for the type checker
    explanation = page.withdrawal_explanation
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=f"Withdrawn: {page.title}",
        summary=explanation,
        html=render_to_string("feeds/withdrawn.html", {"explanation": explanation}),
        published=local(page.first_published_at),
        updated=local(page.withdrawn_at),
    )


# --- Files and pictures ---


def _enclosure(file: File) -> Enclosure:
    return Enclosure(file.url, file.size or 0, file.media_type, file.title)


def _image(page: ContentPage, loader: Loader) -> Enclosure | None:
    picture: Picture | None = related(page, "image", loader) if hasattr(page, "image_id") else None
    return Enclosure(picture.url, 0, "image/webp", picture.alt) if picture else None
