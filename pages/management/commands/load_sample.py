"""Adds made-up news and meetings to a site, for benchmarks and front-end developers."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone
from django.utils.text import slugify
from modelsearch.signal_handlers import post_save_signal_handler
from tqdm import tqdm
from wagtail.models import Page, ReferenceIndex
from wagtail.search.backends import get_search_backends
from wagtail.signal_handlers import disable_reference_index_auto_update

from documents.choices import DocumentAccessibility, DocumentKind
from documents.models import Document, Image
from pages.approval.workflow import publish_by_command
from pages.content.choices import (
    ActionHorizon,
    AgendaItemAccess,
    AttendanceMode,
    MeetingStatus,
    OpenToPublic,
    PaperKind,
)
from pages.demo import sample_content as sample
from pages.models import (
    Action,
    AgendaItem,
    MeetingIndexPage,
    MeetingPage,
    NewsIndexPage,
    NewsPage,
    Paper,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    Topic,
    Venue,
)
from pages.models.meetings import NEEDS_NOTICE
from pages.search.index import indexed_together

MAX_PAGES = 100_000
PAGES_IN_A_TRANSACTION = 50
PAST_DAYS, FUTURE_DAYS = 4 * 365, 180


class Command(BaseCommand):
    help = (
        'Adds made-up news and meetings, titled "Sample: …". The same seed gives the same content on the same'
        " day, and running it again adds only what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--news", type=int, default=1000, help="How many news pages (%(default)s).")
        parser.add_argument("--meetings", type=int, default=200, help="How many meetings (%(default)s).")
        parser.add_argument("--seed", type=int, default=1, help="Another number gives other content (%(default)s).")

    def handle(self, *args: str, **options: Any) -> None:
        news, meetings, seed = options["news"], options["meetings"], options["seed"]
        for name in ("news", "meetings"):
            if not 0 <= options[name] <= MAX_PAGES:
                raise CommandError(f"--{name}: give a number from 0 to {MAX_PAGES}, not {options[name]}.")
        self.stdout.write(f"Seed {seed}")
        content = SampleContent(seed)
        with indexed_by_hand(MeetingPage, NewsPage):
            made = content.add("meeting", meetings, content.meetings_index, content.meeting)
            made += content.add("news", news, content.news_index, content.news)
        self.stdout.write(f"{made} pages added, {news + meetings - made} were there already.")


@contextmanager
def indexed_by_hand(*page_types: type[Page]) -> Iterator[None]:
    """Turn off the indexing of these page types on save. The block calls `index_pages` instead.

    A page is saved three times until it is published, and each update of the search index on SQLite reads all its
    entries, so the time would grow with the square of the number of pages.
    """
    for page_type in page_types:
        post_save.disconnect(post_save_signal_handler, sender=page_type)
    try:
        with disable_reference_index_auto_update():
            yield
    finally:
        for page_type in page_types:
            post_save.connect(post_save_signal_handler, sender=page_type)


def index_pages(page_type: type[Page], keys: Iterable[int]) -> None:
    """Add published pages to the search index and the reference index, as Wagtail does on save."""
    found = list(page_type.objects.filter(pk__in=keys))
    for backend in get_search_backends(with_auto_update=True):
        backend.add_bulk(page_type, found)
    for page in found:
        ReferenceIndex.create_or_update_for_object(page)


class SampleContent:
    """Creates the objects that all sample pages share, and the pages."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = timezone.localtime()
        home = PartnershipPage.objects.first()
        news_index, meetings_index = NewsIndexPage.objects.first(), MeetingIndexPage.objects.first()
        if home is None or news_index is None or meetings_index is None:
            raise CommandError("There is no home page with news and meetings yet: run `manage.py load_demo` first.")
        self.news_index, self.meetings_index = news_index, meetings_index
        with transaction.atomic():
            self.topics = [_topic(name) for name in sample.TOPICS]
            self.venues = [_venue(*venue) for venue in sample.VENUES]
            self.images = [_image(name, number) for number, name in enumerate(sample.PICTURES)]
            self.papers = {title: _document(f"{title}.pdf", sample.pdf(sample.LABEL + title)) for title in sample.PDFS}
            self.files = [
                *self.papers.values(),
                _document("Figures.csv", sample.csv_file()),
                _document("Notes.txt", sample.text_file()),
            ]
            self.priorities = list(PriorityPage.objects.order_by("path")) or self._priorities(home)
        # Pages to link to: first the fixed ones, then each sample page.
        self.links = [meetings_index.pk, *(priority.pk for priority in self.priorities)]

    def add(self, kind: str, count: int, parent: Page, make: Callable[[Random, int], NewsPage | MeetingPage]) -> int:
        """Create and publish the first `count` pages of a kind as far as they are missing, and return their number."""
        existing = dict(parent.get_children().values_list("slug", "pk"))
        made = 0
        with tqdm(total=count, desc=f"{kind:8}", unit="page", disable=None) as progress:
            for first in range(1, count + 1, PAGES_IN_A_TRANSACTION):
                numbers = range(first, min(first + PAGES_IN_A_TRANSACTION, count + 1))
                with transaction.atomic(), indexed_together():
                    new = []
                    for number in numbers:
                        slug = f"sample-{kind}-{self.seed}-{number}"
                        if slug not in existing:
                            page = make(sample.random_for(self.seed, kind, number), number)
                            page.slug, page.live, page.locale = slug, False, parent.locale
                            parent.add_child(instance=page)
                            publish_by_command(page, command="load_sample")
                            existing[slug] = page.pk
                            new.append(page)
                        self.links.append(existing[slug])
                    if new:
                        index_pages(type(new[0]), [page.pk for page in new])
                made += len(new)
                progress.update(len(numbers))
        return made

    def news(self, rng: Random, number: int) -> NewsPage:
        targets = sample.Targets(
            pages=self.links,
            documents=[document.pk for document in self.files],
            images=[image.pk for image in self.images],
        )
        page = NewsPage(
            uuid=sample.random_uuid(rng),
            title=f"{sample.LABEL}{sample.news_headline(rng)}",
            summary=sample.summary(rng),
            first_published_at=self._day(rng, -PAST_DAYS, -1, minute=rng.randrange(0, 60)),
            image=rng.choice(self.images) if rng.random() < 0.6 or number == 1 else None,
            priority=rng.choice(self.priorities) if rng.random() < 0.5 else None,
            # The first has an image and a block of every type, so that front ends can try everything on one page.
            body=json.dumps(sample.body(rng, targets, every_type=number == 1)),
        )
        page.topics = rng.sample(self.topics, rng.randint(1, 3))
        return page

    def meeting(self, rng: Random, number: int) -> MeetingPage:
        """A meeting of the past four years or the next half year, with its agenda and papers."""
        starts_at = self._day(rng, -PAST_DAYS, FUTURE_DAYS, minute=rng.choice([0, 30]))
        past = starts_at < self.now
        status = rng.choice(
            [MeetingStatus.HELD] * 8 + [MeetingStatus.CANCELLED, MeetingStatus.POSTPONED]
            if past
            else [other for other in MeetingStatus if other != MeetingStatus.HELD]
        )
        openness = rng.choice([OpenToPublic.OPEN] * 3 + [OpenToPublic.PART, OpenToPublic.CLOSED])
        mode = rng.choice([AttendanceMode.IN_PERSON] * 3 + [AttendanceMode.ONLINE, AttendanceMode.HYBRID])
        day = f"{starts_at.day} {starts_at:%B %Y}"
        page = MeetingPage(
            uuid=sample.random_uuid(rng),
            title=f"{sample.LABEL}{rng.choice(sample.MEETING_OF)}, {day}",
            summary=sample.summary(rng),
            # Announced some weeks before, and at the latest yesterday.
            first_published_at=min(starts_at - timedelta(days=rng.randint(14, 90)), self.now - timedelta(days=1)),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=rng.choice([60, 90, 120])) if rng.random() < 0.5 else None,
            status=status,
            status_notice=f"<p>{sample.sentences(rng, 1, 1)}</p>" if status in NEEDS_NOTICE else "",
            open_to_public=openness,
            closed_reason="" if openness == OpenToPublic.OPEN else "It deals with individual cases.",
            attendance_mode=mode,
            joining_url="" if mode == AttendanceMode.IN_PERSON else f"https://meet.example.org/{number}",
            venue=None if mode == AttendanceMode.ONLINE else rng.choice(self.venues),
        )
        if rng.random() < 0.5:
            page.how_to_ask_a_question = "<p>Write to us before the deadline, or ask at the meeting.</p>"
            page.questions_deadline = starts_at - timedelta(days=rng.randint(1, 5))
        page.topics = rng.sample(self.topics, rng.randint(0, 2))
        page.agenda_items = self._agenda(rng, openness)
        page.papers = self._papers(rng, page.agenda_items.all(), held=status == MeetingStatus.HELD)
        if not past and page.agenda_due_on and page.agenda_due_on < timezone.localdate(self.now):
            for paper in page.papers.all():
                paper.late_reason = "It was waiting for figures."
        return page

    def _agenda(self, rng: Random, openness: str) -> list[AgendaItem]:
        count = rng.randint(4, 8)
        items = [
            AgendaItem(number=str(position + 1), title=sample.agenda_title(rng, position, count), sort_order=position)
            for position in range(count)
        ]
        if openness == OpenToPublic.PART:
            items[-2].access = AgendaItemAccess.EXEMPT
            items[-2].exempt_reason = "It names people who are not public figures."
        return items

    def _papers(self, rng: Random, items: list[AgendaItem], held: bool) -> list[Paper]:
        papers = [Paper(kind=PaperKind.AGENDA, document=self.papers["Agenda"])]
        public = [item for item in items if item.access == AgendaItemAccess.PUBLIC]
        for item in rng.sample(public, rng.randint(0, 2)):
            papers.append(
                Paper(
                    kind=rng.choice([PaperKind.REPORT, PaperKind.SUPPLEMENT]),
                    title=f"{sample.LABEL}{item.title}",
                    document=self.papers["Report"],
                    agenda_item_number=item.number,
                )
            )
        if held and rng.random() < 0.7:
            kind = rng.choice([PaperKind.MINUTES, PaperKind.DRAFT_MINUTES])
            papers.append(Paper(kind=kind, document=self.papers["Minutes"]))
        for position, paper in enumerate(papers):
            paper.sort_order = position
        return papers

    def _day(self, rng: Random, first: int, last: int, minute: int) -> datetime:
        """A time in office hours between two days, given as offsets from today."""
        day = self.now.date() + timedelta(days=rng.randint(first, last))
        return timezone.make_aware(datetime.combine(day, time(rng.randint(9, 17), minute)))

    def _priorities(self, home: PartnershipPage) -> list[PriorityPage]:
        """A sample period with priorities, for a site that has none."""
        year = self.now.year
        rng = sample.random_for(0, "priorities", 0)
        period = PriorityPeriodPage(
            title=f"{sample.LABEL}{year} to {year + 2}",
            slug="sample-period",
            summary=sample.summary(rng),
            last_reviewed_on=self.now.date(),
            starts_on=str(year),
            ends_on=str(year + 2),
            live=False,
        )
        home.add_child(instance=period)
        publish_by_command(period, command="load_sample")
        priorities = []
        for number, title in enumerate(sample.PRIORITIES, 1):
            priority = PriorityPage(
                title=f"{sample.LABEL}{title}",
                summary=sample.summary(rng),
                last_reviewed_on=self.now.date(),
                number=number,
                rationale=f"<p>{sample.sentences(rng, 2, 3)}</p>",
                live=False,
            )
            priority.actions = [
                Action(text=sample.sentence(rng), horizon=ActionHorizon.IN_YEAR, sort_order=position)
                for position in range(3)
            ]
            period.add_child(instance=priority)
            publish_by_command(priority, command="load_sample")
            priorities.append(priority)
        return priorities


def _topic(name: str) -> Topic:
    return Topic.objects.get_or_create(slug=slugify(f"sample {name}"), defaults={"name": f"{sample.LABEL}{name}"})[0]


def _venue(building: str, *details: str) -> Venue:
    name = f"{sample.LABEL}{building}"
    if (existing := Venue.objects.filter(name=name).first()) is not None:
        return existing
    room, address, postcode, step_free, hearing_loop, accessible_toilet = details
    venue = Venue(
        name=name,
        room=room,
        address=address,
        postcode=postcode,
        step_free=step_free,
        hearing_loop=hearing_loop,
        accessible_toilet=accessible_toilet,
        live=False,
    )
    venue.save()
    publish_by_command(venue, command="load_sample")
    return venue


def _image(name: str, number: int) -> Image:
    title = f"{sample.LABEL}{name}"
    if (existing := Image.objects.filter(title=title).first()) is not None:
        return existing
    image = Image(
        title=title,
        file=ContentFile(sample.png(number), name=f"{slugify(title)}.png"),
        description=f"{name}, a made-up picture",
    )
    image.full_clean()
    image.save()
    return image


def _document(filename: str, content: bytes) -> Document:
    stem, _, suffix = filename.partition(".")
    title = f"{sample.LABEL}{stem}"
    if (existing := Document.objects.filter(title=title).first()) is not None:
        return existing
    kinds = {"Agenda": DocumentKind.AGENDA, "Minutes": DocumentKind.MINUTES, "Report": DocumentKind.REPORT}
    document = Document(
        title=title,
        file=ContentFile(content, name=f"{slugify(title)}.{suffix}"),
        kind=kinds.get(stem, DocumentKind.DATASET if suffix == "csv" else DocumentKind.OTHER),
        accessible=DocumentAccessibility.YES,
    )
    document.full_clean()
    document.save()
    return document
