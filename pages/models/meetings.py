"""Meetings of the partnership: date, place, agenda, papers, and all changes since the announcement."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import graphene
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Orderable, PageLogEntry, Revision
from wagtail.search import index

from documents.choices import DocumentAccessibility
from documents.models import Document, PublicFileRecord
from pages.content import meeting_news
from pages.content.choices import AgendaItemAccess, AttendanceMode, FeedFormat, MeetingStatus, OpenToPublic, PaperKind
from pages.content.feed_stories import ENTRY_FORMATS, PageEvent, PageFeed, ShownToReaders
from pages.content.plain_words import day, local, place, when
from pages.content.rich_text import FEATURES, paragraphs, plain_text
from pages.content.working_days import agenda_due_on, local_day
from pages.graphql import public_fields as public
from pages.graphql.loading import loader_of
from pages.models.base import PUBLISHED, ContentPage, NotTakenDownManager, tabs
from pages.models.public_records import PublicRecord, Takedown
from pages.models.snippets import Venue

# The meeting does not take place at the announced time.
OFF = {MeetingStatus.CANCELLED, MeetingStatus.POSTPONED}
NEEDS_NOTICE = {*OFF, MeetingStatus.RESCHEDULED}
# The minutes of a meeting that was entered after it was held are news for this time after it.
MINUTES_ARE_NEWS_FOR = timedelta(days=365)
# The statuses that lists show.
LISTED_STATUSES = {*NEEDS_NOTICE, MeetingStatus.PROVISIONAL}


class MeetingIndexPage(ContentPage):
    """Tells residents that meetings are open to them, where the papers appear and how to raise an issue."""

    introduction = RichTextField(features=FEATURES, blank=True)

    parent_page_types = ["pages.PartnershipPage"]
    subpage_types = ["pages.MeetingPage"]
    max_count = 1

    feed_key = None
    declared_feeds = (
        PageFeed(
            "meetings",
            "Meetings",
            "When the partnership meets, with agendas and papers.",
            30,
            formats=(*ENTRY_FORMATS, FeedFormat.ICALENDAR),
        ),
    )
    offers_feed = "meetings"

    edit_handler = tabs([FieldPanel("introduction")])
    graphql_fields = [public.rich_text("introduction", description="How to follow and take part.")]

    class Meta:
        verbose_name = "meeting index"

    def listed_pages(self) -> "models.QuerySet[MeetingPage]":
        return MeetingPage.objects.child_of(self).order_by(*MeetingPage.list_order)


class MeetingPage(ContentPage):
    """Lets residents come to a meeting, read its papers before, and its minutes after."""

    starts_at = models.DateTimeField("starts", null=True, help_text="Local time (Europe/London).")
    ends_at = models.DateTimeField("ends", null=True, blank=True, help_text="Leave empty when no end was announced.")
    status = models.CharField(max_length=20, choices=MeetingStatus.choices, default=MeetingStatus.PROVISIONAL)
    status_notice = RichTextField(
        features=["bold", "italic", "link"],
        blank=True,
        help_text="Needed when the meeting is cancelled, postponed or moved. Add to a published notice, "
        "do not rewrite it.",
    )
    open_to_public = models.CharField(max_length=10, choices=OpenToPublic.choices, default=OpenToPublic.OPEN)
    closed_reason = models.CharField("why it is closed", max_length=300, blank=True)
    attendance_mode = models.CharField(max_length=20, choices=AttendanceMode.choices, default=AttendanceMode.IN_PERSON)
    joining_url = models.URLField("joining link", blank=True)
    venue = models.ForeignKey(Venue, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    how_to_ask_a_question = RichTextField(features=FEATURES, blank=True)
    questions_deadline = models.DateTimeField("deadline for questions", null=True, blank=True)

    review_date_needed = False
    feed_key = "meetings"
    offers_feed = "meetings"
    makes_events = True
    has_fast_lane = True
    list_order = ("-starts_at", "-uuid")
    refused_while_hidden = ("venue",)
    canary_kind = "meeting"
    # A copy is the next meeting: it keeps what all meetings share (place, access, how to ask a question).
    exclude_fields_in_copy = [
        *ContentPage.exclude_fields_in_copy,
        "starts_at",
        "ends_at",
        "status",
        "status_notice",
        "joining_url",
        "questions_deadline",
        "agenda_items",
        "papers",
        "summary",
        "last_reviewed_on",
        "next_review_due_on",
    ]
    parent_page_types = ["pages.MeetingIndexPage"]
    subpage_types: list[str] = []

    edit_handler = tabs(
        [
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("starts_at"), FieldPanel("ends_at")]),
                    FieldPanel("status"),
                    FieldPanel("status_notice"),
                ],
                heading="When",
            ),
            MultiFieldPanel(
                [
                    FieldPanel("attendance_mode"),
                    FieldPanel("venue"),
                    FieldPanel("joining_url"),
                    FieldRowPanel([FieldPanel("open_to_public"), FieldPanel("closed_reason")]),
                ],
                heading="Where, and who may come",
            ),
            InlinePanel("agenda_items", heading="Agenda", label="Agenda item"),
            InlinePanel(
                "papers",
                heading="Papers",
                label="Paper",
                help_text="Give the number of the agenda item that a paper belongs to, or leave it empty for "
                "the agenda itself and the minutes. An exempt item has no public paper.",
            ),
            MultiFieldPanel(
                [FieldPanel("how_to_ask_a_question"), FieldPanel("questions_deadline")],
                heading="Questions from the public",
            ),
        ]
    )
    search_fields = [
        *ContentPage.search_fields,
        index.FilterField("starts_at"),
        index.RelatedFields("agenda_items", [index.SearchField("title")]),
    ]
    graphql_fields = [
        public.date_time("starts_at", required=True, description="When it starts."),
        public.date_time("ends_at", description="When it ends, if that was announced."),
        public.choice("status", MeetingStatus, description="Whether it takes place as announced."),
        public.rich_text("status_notice", description="What changed, and why."),
        public.choice("open_to_public", OpenToPublic, description="Whether residents may come."),
        public.text("closed_reason", description="Why it is closed to the public, or partly closed."),
        public.choice("attendance_mode", AttendanceMode, description="In person, online or both."),
        public.text("joining_url", description="The link to join online."),
        public.related("venue", "pages.Venue", description="Where it is held."),
        public.children("agenda_items", "pages.AgendaItem", description="What is on the agenda."),
        public.public_field(
            "papers",
            public.list_of(public.type_of("pages.Paper")),
            lambda meeting, info: loader_of(info).papers(meeting),
            required=True,
            description="All papers that are public now.",
        ),
        public.rich_text("how_to_ask_a_question", description="How residents can ask a question."),
        public.date_time("questions_deadline", description="Until when questions can be sent."),
        public.children("change_log", "pages.MeetingChange", description="Changes since it was announced."),
        public.date("agenda_due_on", description="The day on which the agenda is due, by the partnership's policy."),
        public.public_field(
            "agenda_published_at",
            graphene.DateTime,
            lambda meeting, info: public.local_time(loader_of(info).agenda_published_at(meeting)),
            description="When the agenda became public.",
        ),
        public.public_field(
            "calendar_url",
            graphene.String,
            lambda meeting, info: settings.CMS_URL + reverse("meeting_calendar", args=[meeting.uuid]),
            required=True,
            description="The absolute address of the meeting as an iCalendar file.",
        ),
        public.topics(),
    ]

    class Meta:
        verbose_name = "meeting"

    @property
    def is_off(self) -> bool:
        """Whether the meeting is cancelled or postponed, so that nobody should come, join or send questions."""
        return self.status in OFF

    @property
    def is_in_calendar(self) -> bool:
        return self.starts_at is not None

    def note_in_lists(self) -> str:
        if self.starts_at is None:
            return ""
        status = f"{self.get_status_display()}: " if self.status in LISTED_STATUSES else ""
        return status + when(self.starts_at, self.ends_at)

    @property
    def agenda_due_on(self) -> date | None:
        """The day on which the agenda is due by the partnership's policy."""
        return agenda_due_on(local_day(self.starts_at)) if self.starts_at else None

    def get_admin_display_title(self) -> str:
        return f"{super().get_admin_display_title()} ({self.get_status_display().lower()})"

    def full_clean(self, exclude: Iterable[str] | None = None, **kwargs: bool) -> None:
        """Makes the slug from the date, as in /meetings/24-february-2026/, unless an editor chose another slug.

        Cuts times to whole minutes, as in the form. A meeting with seconds would otherwise count as moved when somebody
        saves the form.
        """
        for name in ("starts_at", "ends_at", "questions_deadline"):
            if (moment := getattr(self, name)) is not None:
                setattr(self, name, moment.replace(second=0, microsecond=0))
        made_from_title = self.slug in ("", slugify(self.title))  # type: ignore[has-type]
        if self.starts_at and not self.first_published_at and made_from_title:
            start = local_day(self.starts_at)
            self.slug = self._get_autogenerated_slug(f"{start.day}-{start:%B-%Y}".lower())
        super().full_clean(exclude=exclude, **kwargs)

    def clean(self) -> None:
        super().clean()
        if self.starts_at is None:
            return
        # In UTC, because 1:30am occurs twice when summer time ends, and Python compares local times by the clock.
        starts = self.starts_at.astimezone(UTC)
        if self.ends_at and self.ends_at.astimezone(UTC) <= starts:
            raise ValidationError({"ends_at": "The end must be after the start."})
        if self.questions_deadline and self.questions_deadline.astimezone(UTC) > starts:
            raise ValidationError({"questions_deadline": "The deadline must not be after the start of the meeting."})

    def save_revision(self, *args: object, **kwargs: object) -> Revision:
        """Also marks documents that are papers of an exempt item in any version (`Document.once_exempt`)."""
        if papers := self.exempt_documents():
            Document.objects.filter(pk__in=papers, once_exempt=False).update(once_exempt=True)
        return super().save_revision(*args, **kwargs)

    def exempt_documents(self) -> set[int]:
        """Primary keys of the documents of exempt items. A version that has any cannot be published."""
        exempt = {same_number(item.number) for item in self.agenda_items.all() if item.is_exempt}
        return {paper.document_id for paper in self.papers.all() if same_number(paper.agenda_item_number) in exempt}

    def publishing_problems(self) -> dict[str, Any]:
        problems = super().publishing_problems()
        items = sorted(self.agenda_items.all(), key=lambda item: item.access == AgendaItemAccess.EXEMPT)
        # Exempt items come last, so of two items with the same number the exempt one counts.
        access = {same_number(item.number): item.access for item in items}
        if len(access) < len(items):
            problems["agenda_items"] = "Two items of the agenda have the same number."
        # A file that only death-review notices may show already has a problem here. Its title must not appear.
        if "papers" not in problems and (problem := self._papers_problem(access)):
            problems["papers"] = problem
        if problem := self._notice_problem():
            problems["status_notice"] = problem
        return problems | self._attendance_problems()

    def _papers_problem(self, access: dict[str, str]) -> str:
        """What is wrong with the papers, or an empty string. `access` is number of the agenda item → its access."""
        papers, problem = list(self.papers.all()), ""
        # Without the titles of documents, which may be in a collection that this editor may not see.
        names = {
            id(paper): f"“{paper.title}”" if paper.title else f"Paper {position}"
            for position, paper in enumerate(papers, 1)
        }
        if late := self._late_papers_without_reason(papers, timezone.now()) if papers else []:
            return (
                f"The agenda was due by {self.agenda_due_on:%A %-d %B %Y}. Fill in “Why it is late”, for readers, for "
                f"each paper that is published after that: {', '.join(names[id(paper)] for paper in late)}."
            )
        for paper in papers:
            number, name = paper.agenda_item_number, names[id(paper)]
            if number and same_number(number) not in access:
                problem = f"{name} is for item {number}, which is not on the agenda."
            elif number and access[same_number(number)] == AgendaItemAccess.EXEMPT:
                problem = f"Item {number} is exempt, so it cannot have a public paper: remove {name} from it."
        return problem

    def _attendance_problems(self) -> dict[str, str]:
        """What readers who want to take part would miss: field name → what to do."""
        problems = {}
        if self.attendance_mode != AttendanceMode.ONLINE and not self.venue_id:
            problems["venue"] = "Choose a venue, or make it an online meeting."
        elif self._announces_hidden_venue():
            problems["venue"] = f"“{self.venue}” is not published: publish the venue first, or choose another."
        if self.attendance_mode != AttendanceMode.IN_PERSON and not self.joining_url:
            problems["joining_url"] = "People who take part online need the link."
        if self.open_to_public != OpenToPublic.OPEN and not self.closed_reason.strip():
            problems["closed_reason"] = "Say why the public may not attend, or not all of it."
        return problems

    def known_version(self) -> ContentPage | None:
        """The meeting as readers know it: the public version, or the last public one if it was unpublished.

        None if no reader saw that version, because a page above was hidden, or if it was taken down in an emergency:
        neither the change log nor the notice may then repeat what it said.
        """
        if self.pk is None or Takedown.objects.filter(record=self.uuid, ended_at=None).exists():
            return None
        known: ContentPage | None = self.published_version()
        if known is not None:
            return known if self._was_public_since(known.last_published_at) else None
        published = PageLogEntry.objects.filter(page=self.pk, action__in=PUBLISHED).exclude(revision=None)
        last = published.select_related("revision").order_by("-timestamp", "-pk").first()
        return last.revision.as_object() if last and self._was_public_since(last.timestamp) else None

    def _was_public_since(self, instant: datetime) -> bool:
        """Whether the meeting was public at some time after the instant, by the ledger."""
        still_or_later = models.Q(ended_at=None) | models.Q(ended_at__gte=instant)
        return PublicRecord.objects.filter(still_or_later, pk=self.uuid).exists()

    @classmethod
    def canary_values(cls, as_of: datetime) -> dict[str, Any]:
        return {"starts_at": as_of + timedelta(days=30), "attendance_mode": AttendanceMode.ONLINE}

    def where(self, venue: Venue | None) -> str:
        """The place, as in "Conference Room 2, …, CB1 1JF and online", or an empty string.

        `venue` is the venue of the meeting if readers may see it, else None.
        """
        places = []
        if self.attendance_mode != AttendanceMode.ONLINE and venue:
            places.append(place(venue))
        if self.attendance_mode != AttendanceMode.IN_PERSON:
            places.append("online")
        return " and ".join(places)

    def feed_title(self) -> str:
        """The title with its status, as in "Cancelled: Partnership meeting": many people read only the title."""
        return f"{self.get_status_display()}: {self.title}" if self.status in NEEDS_NOTICE else self.title

    def feed_summary(self, shown: ShownToReaders) -> str:
        """Date and place from the fields, why it is off or moved, then the summary unless it repeats the date."""
        if self.starts_at is None:
            return self.summary
        facts = [self._when_and_where(shown)]
        if self.status in NEEDS_NOTICE:
            facts.append(plain_text(self.status_notice))
        if when(self.starts_at, self.ends_at).partition(",")[0] not in self.summary:
            facts.append(self.summary)
        return " ".join(part for part in facts if part)

    def feed_files(self, shown: ShownToReaders) -> list[Any]:
        """The public papers, the agenda first."""
        papers = sorted(shown.papers(self), key=lambda paper: paper.kind != PaperKind.AGENDA)
        return [paper.file for paper in papers]

    def recorded_for(self) -> datetime | None:
        """When the meeting began, if it was published after that."""
        starts_at, published_at = self.starts_at, self.first_published_at
        return starts_at if starts_at and published_at and starts_at < published_at else None

    def feed_events(self, shown: ShownToReaders) -> Iterator[PageEvent]:
        """Each publication of papers after the announcement, and each change that is news.

        Of a meeting that was entered afterwards, only the minutes are news, for a year.
        """
        papers = [paper for paper in shown.papers(self) if paper.published_at]
        entered_afterwards = self.recorded_for() is not None
        if entered_afterwards:
            papers = [paper for paper in papers if paper.published_at - self.starts_at < MINUTES_ARE_NEWS_FOR]
        for kind in (PaperKind.DRAFT_MINUTES, PaperKind.MINUTES):
            yield from self._minutes_event(kind, papers, shown)
        if entered_afterwards:
            return
        yield from self._agenda_event(papers, shown)
        yield from self._events_of_other_papers(papers, shown)
        for told in self.changes_told(shown.related(self, "venue")):
            if told.verb:
                name = f"change:{told.at.astimezone(UTC).isoformat()}"
                yield PageEvent(name, told.at, f"Meeting {told.verb}: {self.title}", told.text)

    def _agenda_event(self, papers: list[Any], shown: ShownToReaders) -> Iterator[PageEvent]:
        """The publication of the agenda, with the papers that came with it, and whether it replaces another."""
        times = [paper.published_at for paper in papers if paper.kind == PaperKind.AGENDA]
        replaced = [row for row in self.change_log.all() if row.field == "agenda"]
        if not times or (min(times) == self.first_published_at and not replaced):
            return
        with_it = [paper for paper in papers if _is_other(paper) and paper.published_at == min(times)]
        own = [paper for paper in papers if paper.kind == PaperKind.AGENDA] + with_it
        facts = " ".join(part for part in (self._when_and_where(shown), meeting_news.reasons(own)) if part)
        files = tuple(paper.file for paper in own)
        if not replaced:
            yield PageEvent(PaperKind.AGENDA.value, min(times), f"Agenda published: {self.title}", facts, files)
            return
        at = replaced[0].at if min(times) == self.first_published_at else min(times)
        note = f"This agenda replaces the one of {replaced[-1].before}."
        title = f"Agenda replaced: {self.title}"
        yield PageEvent(PaperKind.AGENDA.value, at, title, facts, files, updated=replaced[-1].at, note=note)

    def _minutes_event(self, kind: PaperKind, papers: list[Any], shown: ShownToReaders) -> Iterator[PageEvent]:
        """The publication of the minutes of a kind, unless they were published with the announcement."""
        own = [paper for paper in papers if paper.kind == kind]
        published_at = min((paper.published_at for paper in own), default=self.first_published_at)
        if published_at != self.first_published_at:
            title, files = f"{kind.label} published: {self.title}", tuple(paper.file for paper in own)
            yield PageEvent(kind.value, published_at, title, self._when_and_where(shown), files)

    def _events_of_other_papers(self, papers: list[Any], shown: ShownToReaders) -> Iterator[PageEvent]:
        """Reports and supplements that came after the announcement, without the agenda: an entry for each time."""
        told = {self.first_published_at, *(paper.published_at for paper in papers if paper.kind == PaperKind.AGENDA)}
        by_time: dict[datetime, list[Any]] = {}
        for paper in papers:
            if _is_other(paper) and paper.published_at not in told:
                by_time.setdefault(paper.published_at, []).append(paper)
        for published_at, new in by_time.items():
            yield PageEvent(
                f"papers:{published_at.astimezone(UTC).isoformat()}",
                published_at,
                f"{meeting_news.papers_title(new)}: {self.title}",
                meeting_news.papers_summary(new, self._when_and_where(shown)),
                tuple(paper.file for paper in new),
            )

    def changes_told(self, venue: Venue | None, added: Iterable["MeetingChange"] = ()) -> list[meeting_news.ToldChange]:
        """The change log in sentences, the oldest first. `venue` is the venue of the meeting if readers may see it.

        `added` are rows that the publication of this version adds.
        """
        now = meeting_news.KnownFacts(
            starts=_time_in_words(self.starts_at),
            ends=_time_in_words(self.ends_at),
            venue=place(venue) if venue else "",
            attendance=self.get_attendance_mode_display(),
            status=self.get_status_display(),
        )
        return meeting_news.changes_told([*self.change_log.all(), *added], now)

    def _when_and_where(self, shown: ShownToReaders) -> str:
        if self.starts_at is None:
            return ""
        public_place = self.where(shown.related(self, "venue"))
        facts = ", ".join(part for part in (when(self.starts_at, self.ends_at), public_place) if part)
        return f"This meeting was planned for {facts}." if self.is_off else f"{facts}."

    def searchable_rows(self) -> Iterator[models.Model]:
        """Without papers, whose words belong to their files, and without exempt items."""
        for row in super().searchable_rows():
            if not isinstance(row, Paper) and not (isinstance(row, AgendaItem) and row.is_exempt):
                yield row

    def searchable_words_of_documents(self) -> dict[int, str]:
        words_by_document: dict[int, str] = {}
        for paper in self.papers.all():
            words = [words_by_document.get(paper.document_id, ""), paper.title, *public.searchable_words(paper)]
            words_by_document[paper.document_id] = "\n".join(word for word in words if word)
        return words_by_document

    def rows_added_by_publication(self, before: ContentPage | None, as_of: datetime) -> dict[str, list[Any]]:
        return {"change_log": self.changes_since(before, as_of)} if isinstance(before, MeetingPage) else {}

    def changes_since(self, before: "MeetingPage", as_of: datetime) -> list["MeetingChange"]:
        """Unsaved rows for the change log: what differs from the version that readers know, at the instant `as_of`.

        The reason is the text that was added to the notice. An agenda that takes the place of another is a change as
        well, with the days on which the two were published: not with their titles, which a takedown may concern.
        """
        reason = plain_text(self.status_notice).removeprefix(plain_text(before.status_notice)).strip()
        return [
            MeetingChange(page=self, at=as_of, field=name, before=old, after=new, reason=reason)
            for name, old, new in (
                ("starts", _time_in_words(before.starts_at), _time_in_words(self.starts_at)),
                ("ends", _time_in_words(before.ends_at), _time_in_words(self.ends_at)),
                ("status", before.get_status_display(), self.get_status_display()),
                ("venue", before._public_place(as_of), self._public_place(as_of)),
                ("attendance", before.get_attendance_mode_display(), self.get_attendance_mode_display()),
            )
            if old != new
        ] + self._agenda_replaced(before, as_of)

    def _agenda_replaced(self, before: "MeetingPage", as_of: datetime) -> list["MeetingChange"]:
        """The row for the change log if this version has an agenda, and none of the files of an agenda that was public.

        `before` is read from its revision: its rows in the database are those of this version by now.
        """
        content = before.live_revision.content if before.live_revision else {}
        keys = content.get("file_facts", {}).get("documents", {})
        agendas = {str(row["document"]) for row in content.get("papers", []) if row["kind"] == PaperKind.AGENDA}
        old = {keys[document][0] for document in agendas & keys.keys()}
        new = {paper.document.file_key for paper in self.papers.all() if paper.kind == PaperKind.AGENDA}
        seen = PublicFileRecord.objects.filter(file_key__in=old).order_by("first_public_at").first()
        if seen is None or not new or old & new:
            return []
        days = [day(local(moment)) for moment in (seen.first_public_at, as_of)]
        return [MeetingChange(page=self, at=as_of, field="agenda", before=days[0], after=days[1])]

    def _public_place(self, as_of: datetime) -> str:
        """The venue, or an empty string while it is not public: the change log is permanent."""
        venue = Venue.objects.shown_at(as_of).filter(pk=self.venue_id).first()
        return place(venue)[:300] if venue else ""

    def _notice_problem(self) -> str:
        """What is wrong with the notice, or an empty string.

        It must explain each change of a published meeting. Published paragraphs must not change.
        """
        known = self.known_version()
        old_paragraphs = paragraphs(known.status_notice) if known else []
        new_paragraphs = paragraphs(self.status_notice)
        if new_paragraphs[: len(old_paragraphs)] != old_paragraphs:
            return "Add a paragraph below the published notice. Do not change or remove what it says."
        changed = known is not None and (
            (known.starts_at, known.venue_id) != (self.starts_at, self.venue_id)
            # One way to take part is no longer offered.
            or self.attendance_mode not in (known.attendance_mode, AttendanceMode.HYBRID)
        )
        if changed and new_paragraphs == old_paragraphs:
            return "Say what changed and why: the date, the time or the place differs from what was published."
        is_new_status = known is None or known.status != self.status
        if self.status in NEEDS_NOTICE and (
            not new_paragraphs or (is_new_status and known is not None and new_paragraphs == old_paragraphs)
        ):
            return "Say what changed and why: the meeting is cancelled, postponed or moved."
        return ""

    def _announces_hidden_venue(self) -> bool:
        """Whether this version names a new venue that readers cannot see, now or when it is scheduled for.

        A venue that readers know already may be unpublished, so that the meeting can still be cancelled and its minutes
        published.
        """
        known = self.known_version()
        if self.venue_id is None or (known is not None and known.venue_id == self.venue_id):
            return False
        now = timezone.now()
        published_at = max(now, self.go_live_at or now)
        return not Venue.objects.shown_at(published_at).filter(pk=self.venue_id).exists()

    def _late_papers_without_reason(self, papers: list["Paper"], now: datetime) -> list["Paper"]:
        """Papers that would be published here after the due day of the agenda, and have no `late_reason`.

        Minutes are exempt, as they follow the meeting. So are meetings that were not public before they started: they
        are entered for the record, and it is not known when their papers were published.
        """
        published_at = max(now, self.go_live_at or now)
        due_on, starts_at = self.agenda_due_on, self.starts_at
        if not (due_on and starts_at) or local_day(published_at) <= due_on:
            return []
        unexplained = [
            paper
            for paper in papers
            if paper.kind not in (PaperKind.DRAFT_MINUTES, PaperKind.MINUTES) and not paper.late_reason.strip()
        ]
        if not unexplained:
            return []
        if (
            starts_at <= published_at
            and not PublicRecord.objects.filter(pk=self.uuid, first_public_at__lt=starts_at).exists()
        ):
            return []
        known = set(self.published_files.values_list("document", flat=True)) if self.pk else set()
        return [paper for paper in unexplained if paper.document_id not in known]


def _is_other(paper: Any) -> bool:
    """Whether it is neither the agenda nor minutes."""
    return paper.kind not in (PaperKind.AGENDA, PaperKind.DRAFT_MINUTES, PaperKind.MINUTES)


def _time_in_words(moment: datetime | None) -> str:
    return when(moment) if moment else ""


def same_number(number: str) -> str:
    """The number of an agenda item, normalised for comparison: "3A " is "3a"."""
    return number.strip().casefold()


class AgendaItem(Orderable):
    """One item of a meeting's agenda."""

    page = ParentalKey(MeetingPage, on_delete=models.CASCADE, related_name="agenda_items")
    number = models.CharField(max_length=10, help_text="As on the agenda: 1, 2, 3a …")
    title = models.CharField(max_length=300)
    access = models.CharField(max_length=10, choices=AgendaItemAccess.choices, default=AgendaItemAccess.PUBLIC)
    exempt_reason = models.CharField("why it is exempt", max_length=300, blank=True)

    panels = [
        FieldRowPanel([FieldPanel("number"), FieldPanel("access")]),
        FieldPanel("title"),
        FieldPanel("exempt_reason"),
    ]
    graphql_fields = [
        public.identity_on_page("agenda item", "Stays the same while its number does."),
        public.text("number", required=True, description="Its number on the agenda."),
        public.text("title", required=True, description="What it is about."),
        public.choice("access", AgendaItemAccess, description="Whether the public may hear it."),
        public.text("exempt_reason", description="Why it is exempt."),
        public.public_field(
            "papers",
            public.list_of(public.type_of("pages.Paper")),
            lambda item, info: loader_of(info).papers_of(item),
            required=True,
            description="The papers for this item that are public now.",
        ),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "agenda item"

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @property
    def identity_on_page(self) -> str:
        return same_number(self.number)

    @property
    def is_exempt(self) -> bool:
        return self.access == AgendaItemAccess.EXEMPT

    def clean(self) -> None:
        super().clean()
        if self.is_exempt and not self.exempt_reason.strip():
            raise ValidationError({"exempt_reason": "Give the reason that the law requires."})


def _document_field(name: str) -> public.Resolver:
    """The resolver of a field of a paper that returns an attribute of its document."""
    return lambda paper, info: getattr(paper.document, name)


# (name, type, required, description)
DOCUMENT_FIELDS = [
    ("url", graphene.String, True, "The address of the file while it is public."),
    ("file_type", graphene.String, True, 'Its format, as in "pdf".'),
    ("file_size", graphene.Int, False, "Its size in bytes."),
    ("language", graphene.String, True, 'Its language, as in "en".'),
    ("accessible", public.enum(DocumentAccessibility), True, "Whether it works with a screen reader."),
]


class Paper(Orderable):
    """A document that belongs to a meeting: its agenda, a report, or the minutes."""

    page = ParentalKey(MeetingPage, on_delete=models.CASCADE, related_name="papers")
    kind = models.CharField(max_length=20, choices=PaperKind.choices, default=PaperKind.REPORT)
    title = models.CharField(max_length=300, blank=True, help_text="Leave empty to use the title of the document.")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")
    agenda_item_number = models.CharField("for agenda item", max_length=10, blank=True)
    late_reason = models.CharField(
        "why it is late",
        max_length=300,
        blank=True,
        help_text="For readers. Needed for a paper that is published after the day on which the agenda is due.",
    )

    panels = [
        FieldRowPanel([FieldPanel("kind"), FieldPanel("agenda_item_number")]),
        FieldPanel("title"),
        FieldPanel("document"),
        FieldPanel("late_reason"),
    ]

    graphql_fields = [
        public.identity_on_page("paper", "Stays the same for its document and agenda item, whatever its title."),
        public.choice("kind", PaperKind, description="What kind of paper it is."),
        public.public_field(
            "title",
            graphene.String,
            lambda paper, info: paper.title or paper.document.title,
            required=True,
            description="Its title.",
        ),
        *[
            public.public_field(
                name,
                of_type,
                _document_field("address" if name == "url" else name),
                required=required,
                description=description,
            )
            for name, of_type, required, description in DOCUMENT_FIELDS
        ],
        public.public_field(
            "published_at",
            graphene.DateTime,
            lambda paper, info: public.local_time(loader_of(info).paper_published_at(paper)),
            description="When it became public with this meeting.",
        ),
        public.text("late_reason", description="Why it was late."),
    ]

    class Meta(Orderable.Meta):
        verbose_name = "paper"

    def __str__(self) -> str:
        return self.title or self.document.title

    @property
    def identity_on_page(self) -> str:
        return f"{self.document.public_id} {self.kind} {same_number(self.agenda_item_number)}"


class MeetingChange(models.Model):
    """One change of a meeting after it was announced. The system writes it; nobody edits it."""

    page = models.ForeignKey(MeetingPage, on_delete=models.CASCADE, related_name="change_log")
    at = models.DateTimeField()
    field = models.CharField(max_length=40)
    before = models.CharField(max_length=300, blank=True)
    after = models.CharField(max_length=300, blank=True)
    reason = models.TextField(blank=True)
    taken_down = models.BooleanField(default=False, help_text="Whether its page was taken down in an emergency since.")

    objects = NotTakenDownManager()
    with_taken_down = models.Manager()

    graphql_fields = [
        public.date_time("at", required=True, description="When the change was published."),
        public.text(
            "field", required=True, description="What changed: starts, ends, status, venue, attendance or agenda."
        ),
        public.text("before", description="What it was."),
        public.text("after", description="What it became."),
        public.text("reason", description="The notice that was given with it."),
    ]

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.field}: {self.before} → {self.after}"
