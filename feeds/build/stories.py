"""What the feeds tell of a page: which entries it makes, and in which feeds they are.

A page makes an entry when it is first published; a major update corrects that entry, which keeps its identity. A
meeting also makes one when its agenda comes out, when its minutes do, and for each change that readers were told of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid5

from django.template.loader import render_to_string

from documents.models import Document, Image
from feeds.catalogue import DEATH_REVIEWS, priority_key, topic_key
from feeds.entry import Enclosure, Entry
from feeds.event import where
from pages.content import addresses
from pages.content.choices import AttendanceMode, MeetingStatus, PaperKind
from pages.content.plain_words import change, local, when
from pages.content.references import raw_blocks
from pages.models import (
    AnnualReviewPage,
    CommunitySafetyPlanPage,
    ContentPage,
    DeathReviewNoticePage,
    InsightPage,
    MeetingPage,
    NewsPage,
    PriorityPage,
    SupportService,
)
from pages.models.meetings import NEEDS_NOTICE, OFF, MeetingChange
from pages.reading.page_html import File, Picture, PublicPaper, Targets, article_html, documents, papers

# The page types that make entries, and the feed of their own that each has.
FEED_OF: dict[type[ContentPage], str] = {
    NewsPage: "news",
    MeetingPage: "meetings",
    CommunitySafetyPlanPage: "publications",
    InsightPage: "publications",
    AnnualReviewPage: "publications",
    PriorityPage: "priorities",
    DeathReviewNoticePage: DEATH_REVIEWS,
}

# Before the summary of a death review too: some feed readers show nothing else.
WARNING = "this is about a death, and about domestic abuse."
# The fields of a meeting's change log that readers are told of.
_TOLD = {"starts", "venue", "attendance", "status"}
_OFF = {status.label for status in OFF}
_WITH_THE_ANNOUNCEMENT = timedelta(minutes=5)


def places(page: ContentPage) -> list[str]:
    """The keys of the feeds that tell of the page. A death review is in its own feed and in no other."""
    own = FEED_OF[type(page)]
    if own == DEATH_REVIEWS:
        return [own]
    found = [own, "all", *(topic_key(topic.pk) for topic in page.topics.all())]
    if isinstance(page, PriorityPage):
        found.append(priority_key(page))
    if isinstance(page, NewsPage) and page.priority:
        found.append(priority_key(page.priority))
    return found


def entry_of(page: ContentPage, targets: Targets) -> Entry:
    """The entry of the page itself, which has a date of publication; it need not be public, for previews."""
    published = page.first_published_at
    note = next(iter(page.change_notes.all()), None) if page.pk else None
    title, summary, files = page.title, page.summary, _files(page, targets)
    html = str(article_html(page, targets))
    if isinstance(page, MeetingPage):
        title, summary = meeting_title(page), meeting_summary(page, targets)
    if isinstance(page, DeathReviewNoticePage):
        summary, html = f"Content warning: {WARNING} {summary}", _with_care(page, targets) + html
    updated = page.public_updated_at or published
    return Entry(
        uuid=page.uuid,
        url=addresses.url(page),
        title=title,
        summary=summary,
        html=html,
        published=local(published),
        updated=local(updated),
        categories=tuple(topic.name for topic in page.topics.all()),
        enclosures=tuple(_enclosure(file) for file in files),
        image=_image(page, targets),
        change_note=note.note if note and note.at == updated else "",
    )


def entries_of(page: ContentPage, targets: Targets) -> list[Entry]:
    """All entries of a public page, its own first."""
    own = entry_of(page, targets)
    return [own, *_of_meeting(page, targets, own)] if isinstance(page, MeetingPage) else [own]


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


def _files(page: ContentPage, targets: Targets) -> list[File]:
    if isinstance(page, MeetingPage):
        return [paper.file for paper in _papers(page, targets)]
    if isinstance(page, NewsPage):
        keys = [raw["value"] for raw in raw_blocks(page.body) if raw["type"] == "document"]
        return [file for key in keys if (file := targets.get(Document, key))]
    if isinstance(page, CommunitySafetyPlanPage | InsightPage | AnnualReviewPage):
        return [*documents(page, targets, data_files=False), *documents(page, targets, data_files=True)]
    return []  # the files of a death review are for those who open the notice


def _papers(meeting: MeetingPage, targets: Targets) -> list[PublicPaper]:
    """The agenda first: RSS carries one file."""
    return sorted(papers(meeting, targets), key=lambda paper: paper.kind != PaperKind.AGENDA)


def _enclosure(file: File) -> Enclosure:
    return Enclosure(file.url, file.size or 0, file.media_type, file.title)


def _image(page: ContentPage, targets: Targets) -> Enclosure | None:
    picture: Picture | None = targets.get(Image, getattr(page, "image_id", None))
    return Enclosure(picture.url, 0, "image/webp", picture.alt) if picture else None


# --- Death reviews ---


def _with_care(notice: DeathReviewNoticePage, targets: Targets) -> str:
    """What stands before anything else: that it may be hard to read, and who helps."""
    rows = notice.notice_support_services.all()
    services: list[SupportService] = [found for row in rows if (found := targets.related(row, "service"))]
    return render_to_string("feeds/with_care.html", {"warning": WARNING, "services": services})


# --- Meetings ---


@dataclass(frozen=True)
class _Happening:
    """Something that happened to a meeting: its name for ever, when, and what to say."""

    name: str
    at: datetime
    title: str
    summary: str
    files: tuple[File, ...] = ()


def _of_meeting(meeting: MeetingPage, targets: Targets, own: Entry) -> list[Entry]:
    happened = [
        *_came_out(meeting, targets, PaperKind.AGENDA),
        *_came_out(meeting, targets, PaperKind.DRAFT_MINUTES),
        *_came_out(meeting, targets, PaperKind.MINUTES),
        *_changes(meeting, targets),
    ]
    return [
        Entry(
            uuid=uuid5(meeting.uuid, each.name),
            url=own.url,
            title=each.title,
            summary=each.summary,
            html=render_to_string("feeds/happening.html", {"summary": each.summary, "files": each.files}),
            published=local(each.at),
            updated=local(each.at),
            categories=own.categories,
            enclosures=tuple(_enclosure(file) for file in each.files),
        )
        for each in happened
    ]


def _came_out(meeting: MeetingPage, targets: Targets, kind: PaperKind) -> Iterable[_Happening]:
    """The agenda, or the minutes, became public. That a draft was approved is news of its own."""
    found = [paper for paper in papers(meeting, targets) if paper.kind == kind and paper.published_at]
    # What came out with the announcement is in the entry of the meeting.
    if found and (at := min(paper.published_at for paper in found if paper.published_at)):
        if at - meeting.first_published_at < _WITH_THE_ANNOUNCEMENT:
            return
        title = f"{kind.label} published: {meeting.title}"
        yield _Happening(kind.value, at, title, _when_and_where(meeting, targets), tuple(paper.file for paper in found))


def _changes(meeting: MeetingPage, targets: Targets) -> Iterable[_Happening]:
    """One for each time that the date, the place or the status changed, as the change log tells it."""
    together: dict[datetime, list[MeetingChange]] = {}
    for row in meeting.change_log.all():
        if row.field in _TOLD:
            together.setdefault(row.at, []).append(row)
    for at, rows in together.items():
        if (word := _word(rows)) is None:
            continue
        reason = next((row.reason for row in rows if row.reason), "")
        name = f"change:{at.astimezone(UTC).isoformat()}"
        yield _Happening(name, at, f"Meeting {word}: {meeting.title}", " ".join([*map(change, rows), reason]).strip())


def _word(rows: list[MeetingChange]) -> str | None:
    """What happened, from the fields that changed and what they became; None for what is no news."""
    after = {row.field: row.after for row in rows}
    was_off = any(row.before in _OFF for row in rows if row.field == "status")
    online = any(AttendanceMode.ONLINE.label in (row.before, row.after) for row in rows if row.field == "attendance")
    status = after.get("status", "")
    if status in _OFF:
        return status.lower()
    if "starts" in after or "venue" in after or online or status == MeetingStatus.RESCHEDULED.label:
        return "moved"
    # After it has taken place, it is too late to come.
    return "goes ahead" if was_off and status != MeetingStatus.HELD.label else None


def meeting_title(meeting: MeetingPage) -> str:
    """As in "Cancelled: Partnership meeting", since many people read no more than the title."""
    changed = meeting.status in NEEDS_NOTICE
    return f"{meeting.get_status_display()}: {meeting.title}" if changed else meeting.title


def meeting_summary(meeting: MeetingPage, targets: Targets) -> str:
    """When and where, from the fields, then what the editor wrote unless that says the day again."""
    if meeting.starts_at is None:
        return meeting.summary
    facts = _when_and_where(meeting, targets)
    said_again = when(meeting.starts_at, meeting.ends_at).partition(",")[0] in meeting.summary
    return facts if said_again else f"{facts} {meeting.summary}"


def _when_and_where(meeting: MeetingPage, targets: Targets) -> str:
    if meeting.starts_at is None:
        return ""
    facts = ", ".join(part for part in (when(meeting.starts_at, meeting.ends_at), where(meeting, targets)) if part)
    return f"This meeting was planned for {facts}." if meeting.is_off else f"{facts}."
