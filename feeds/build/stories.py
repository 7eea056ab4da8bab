"""What the feeds tell of a page: which entries it makes, and in which feeds they are.

A page makes an entry when it is first published; a major update corrects that entry, which keeps its identity. Page
types say what an entry tells (`ContentPage.feed_summary` and others), and what makes entries beside it: a meeting also
makes one when its agenda comes out, when its minutes do, and for each change that readers were told of.
"""

from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from django.template.loader import render_to_string

from feeds.catalogue import own_feed, priority_key, topic_key
from feeds.entry import Enclosure, Entry
from pages.content import addresses
from pages.content.feed_stories import PageEvent
from pages.content.plain_words import local
from pages.models import ContentPage
from pages.models.base import page_types
from pages.reading.loader import Loader
from pages.reading.page_html import File, Picture, PublicPaper, article_html, documents, file_of, papers, related


@dataclass(frozen=True)
class _Shown:
    """`ShownToReaders` through a loader."""

    loader: Loader

    def related(self, obj: Any, name: str) -> Any:
        return related(obj, name, self.loader)

    def document(self, page: ContentPage, key: int) -> File | None:
        document = self.loader.document_in(page, key)
        return file_of(document, self.loader) if document else None

    def documents(self, page: ContentPage) -> list[File]:
        return [*documents(page, self.loader, data_files=False), *documents(page, self.loader, data_files=True)]

    def papers(self, meeting: Any) -> list[PublicPaper]:
        return papers(meeting, self.loader)

    def support_services(self, notice: Any) -> list[Any]:
        return self.loader.support_services(notice)


def story_types() -> list[type[ContentPage]]:
    """The page types whose pages make entries."""
    return [model for model in page_types() if model.feed_key is not None]


def places(page: ContentPage) -> list[str]:
    """The keys of the feeds that tell of the page. What an opt-in feed tells is in no other."""
    own = own_feed(page.feed_key or "")
    if own.is_opt_in:
        return [own.key]
    topics = [topic_key(topic.pk) for topic in page.topics.all()]
    priorities = [priority_key(priority) for priority in page.priorities_told_of()]
    return list(dict.fromkeys([own.key, "all", *topics, *priorities]))  # the general feed can be its own


def entry_of(page: ContentPage, loader: Loader) -> Entry:
    """The entry of the page itself, which has a date of publication; it need not be public, for previews."""
    published = page.first_published_at
    note = next(iter(page.change_notes.all()), None) if page.pk else None
    shown = _Shown(loader)
    summary, html = page.feed_summary(shown), str(article_html(page, loader))
    if warning := page.content_warning:
        care = {"warning": warning, "services": page.support_services_shown(shown)}
        summary, html = f"Content warning: {warning} {summary}", render_to_string("feeds/with_care.html", care) + html
    updated = page.public_updated_at or published
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=page.feed_title(),
        summary=summary,
        html=html,
        published=local(published),
        updated=local(updated),
        categories=tuple(topic.name for topic in page.topics.all()),
        enclosures=tuple(_enclosure(file) for file in page.feed_files(shown)),
        image=_image(page, loader),
        change_note=note.note if note and note.at == updated else "",
    )


def entries_of(page: ContentPage, loader: Loader) -> list[Entry]:
    """All entries of a public page, its own first."""
    own = entry_of(page, loader)
    return [own, *(_entry_of_event(event, own) for event in page.feed_events(_Shown(loader)))]


def _entry_of_event(event: PageEvent, own: Entry) -> Entry:
    return Entry(
        uuid=uuid5(own.uuid, event.name),
        url=own.url,
        title=event.title,
        summary=event.summary,
        html=render_to_string("feeds/happening.html", {"summary": event.summary, "files": event.files}),
        published=local(event.at),
        updated=local(event.at),
        categories=own.categories,
        enclosures=tuple(_enclosure(file) for file in event.files),
    )


def withdrawn_entry(page: ContentPage) -> Entry:
    """What is left of the entry of a page that was withdrawn with an explanation."""
    assert page.withdrawn_at is not None  # noqa: S101 - for the type checker
    why = page.withdrawal_explanation
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=f"Withdrawn: {page.title}",
        summary=why,
        html=render_to_string("feeds/withdrawn.html", {"explanation": why}),
        published=local(page.first_published_at),
        updated=local(page.withdrawn_at),
    )


# --- Files and pictures ---


def _enclosure(file: File) -> Enclosure:
    return Enclosure(file.url, file.size or 0, file.media_type, file.title)


def _image(page: ContentPage, loader: Loader) -> Enclosure | None:
    picture: Picture | None = related(page, "image", loader) if hasattr(page, "image_id") else None
    return Enclosure(picture.url, 0, "image/webp", picture.alt) if picture else None
