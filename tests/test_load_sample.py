"""`load_sample` makes the same sample pages for a seed, properly published, and only those still missing."""

import io
import json
import re
from typing import Any

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import transaction
from pypdf import PdfReader
from wagtail.models import Page, PageLogEntry, ReferenceIndex

from documents.models import ALL_SIZES, Document, Image, PublishedFile, Rendition
from pages.approval.workflow import publish_by_command
from pages.demo import sample_content
from pages.models import (
    AgendaItem,
    ContentPage,
    MeetingPage,
    NewsPage,
    Paper,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    Topic,
    Venue,
)
from tests.factories import london
from tests.test_load_demo import every_row, run

MEETING_FIELDS = ["starts_at", "ends_at", "status", "status_notice", "open_to_public", "closed_reason"]
MEETING_FIELDS += ["attendance_mode", "joining_url", "how_to_ask_a_question", "questions_deadline"]
NEWS, MEETINGS = 8, 4
NOON = london(2026, 2, 11, 12)
BLOCK_TYPES = {"heading", "paragraph", "image", "document", "page_link", "table", "callout"}


@pytest.fixture(scope="module")
def loaded(recorded_demo, django_db_blocker):
    """The demo content and a small sample, made once for the module; what a test changes is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        with time_machine.travel(NOON, tick=False):
            recorded_demo.write()
            out = _small()
        yield out
        transaction.set_rollback(True)
    cache.clear()


@pytest.fixture
def small(loaded, db):
    """What the command said of the small sample, at noon on 11 February 2026."""
    with time_machine.travel(NOON, tick=False):
        yield loaded


def _small(**options: Any) -> str:
    return run("load_sample", **{"news": NEWS, "meetings": MEETINGS, "seed": 1, **options})


def _sample(model: type[ContentPage]):
    return model.objects.filter(slug__startswith="sample-").order_by("pk")


def _delete_sample() -> None:
    for page in [*_sample(NewsPage), *_sample(MeetingPage)]:
        page.delete()


def _shared(page: ContentPage) -> list[Any]:
    return [page.slug, page.title, page.uuid, page.summary, page.first_published_at]


def _content() -> list[Any]:
    """What the sample pages say, with the keys of pages, files and rows put as names."""
    pages = {str(page.pk): page.url_path for page in Page.objects.all()}
    files = {str(file.pk): file.title for file in Document.objects.all()}
    images = {image.pk: image.title for image in Image.objects.all()}

    def named(match: re.Match) -> str:
        return {"page": pages, "document": files}[match[1]][match[2]]

    found: list[Any] = []
    for page in _sample(NewsPage):
        blocks = list(page.body.raw_data)
        for block in blocks:
            if block["type"] == "page_link":
                block["value"]["page"] = pages[str(block["value"]["page"])]
            elif block["type"] == "document":
                block["value"] = files[str(block["value"])]
            elif block["type"] == "image":
                block["value"]["image"] = images[block["value"]["image"]]
        body = re.sub(r'linktype=\\"(page|document)\\" id=\\"(\d+)\\"', named, json.dumps(blocks))
        topics = sorted(topic.slug for topic in page.topics.all())
        found.append([*_shared(page), body, str(page.image), str(page.priority), topics])
    for page in _sample(MeetingPage):
        papers = page.papers.values_list("kind", "title", "document__title", "agenda_item_number")
        facts = [getattr(page, name) for name in MEETING_FIELDS]
        items = page.agenda_items.values_list("number", "title", "access")
        found.append([*_shared(page), *facts, str(page.venue), list(items), list(papers)])
    return found


def test_a_small_sample(small):
    assert small.splitlines() == ["Seed 1", "12 pages added, 0 were there already."]
    assert [page.slug for page in _sample(NewsPage)] == [f"sample-news-1-{n}" for n in range(1, NEWS + 1)]
    assert [page.slug for page in _sample(MeetingPage)] == [f"sample-meeting-1-{n}" for n in range(1, MEETINGS + 1)]
    assert all(page.title.startswith("Sample: ") for page in [*_sample(NewsPage), *_sample(MeetingPage)])
    assert {block["type"] for block in NewsPage.objects.get(slug="sample-news-1-1").body.raw_data} == BLOCK_TYPES
    assert Topic.objects.count() == len(sample_content.TOPICS) == 6
    assert (Document.objects.count(), Image.objects.count(), Venue.objects.count()) == (5, 5, 4 + 1)
    assert PriorityPage.objects.count() == 4
    assert Page.find_problems() == ([], [], [], [], [])


def test_dates_lie_in_the_past_four_years_and_the_next_half_year(small):
    first, last = london(2022, 2, 12), london(2026, 2, 11)
    published = [page.first_published_at for page in _sample(NewsPage)]
    assert all(first <= moment < last for moment in published)
    assert {moment.year for moment in published} == {2023, 2024, 2025}
    assert [page.public_updated_at for page in _sample(NewsPage)] == published
    starts = [page.starts_at for page in _sample(MeetingPage)]
    assert all(first <= moment < london(2026, 8, 12) for moment in starts)
    for page in _sample(MeetingPage):
        assert page.first_published_at < min(page.starts_at, london(2026, 2, 11, 12))


def test_every_page_is_published_with_a_revision_log_entries_and_its_files(small):
    for page in [*_sample(NewsPage), *_sample(MeetingPage)]:
        assert (page.live, page.has_unpublished_changes, page.revisions.count()) == (True, False, 1)
        entries = PageLogEntry.objects.filter(page=page.pk).order_by("pk")
        assert [(entry.action, entry.data) for entry in entries] == [
            ("wagtail.create", {}),
            ("wagtail.publish", {}),
            ("pages.published_by_command", {"command": "load_sample"}),
        ]
        page.full_clean()
    for page in _sample(MeetingPage):
        shown = set(PublishedFile.objects.filter(page=page.pk).values_list("document_id", flat=True))
        assert shown == set(page.papers.values_list("document_id", flat=True))
    assert AgendaItem.objects.count() >= MEETINGS * 4
    assert Paper.objects.count() >= MEETINGS
    for image in Image.objects.filter(published_in__isnull=False).distinct():
        assert Rendition.objects.filter(image=image).count() == len(ALL_SIZES) == 7


def test_the_seed_decides_the_content(small):
    first = _content()
    _delete_sample()
    assert _content() == []
    _small()
    assert _content() == first
    _small(seed=2, meetings=0)
    titles = list(_sample(NewsPage).values_list("title", flat=True))
    assert len(titles) == 2 * NEWS
    assert titles[:NEWS] != titles[NEWS:]


def test_exact_content_of_seed_1(small):
    news = NewsPage.objects.get(slug="sample-news-1-1")
    assert str(news.uuid) == "00f4e448-ebd5-4c30-be4a-dc8617a14e4b"
    assert news.title == "Sample: Results of cycle parking in Eastfield"
    assert news.summary == "Sample: Residents wrote to us about drop-in sessions by the river in spring."
    assert news.first_published_at == london(2025, 10, 10, 9, 46)
    assert [topic.slug for topic in news.topics.all()] == ["sample-cycle-crime", "sample-domestic-abuse"]
    assert (str(news.image), news.priority) == ("Sample: Blue shapes", None)
    kinds = ["paragraph", "heading", "table", "image", "page_link", "callout", "document", "paragraph"]
    assert [block["type"] for block in news.body.raw_data] == kinds

    meeting = MeetingPage.objects.get(slug="sample-meeting-1-1")
    assert str(meeting.uuid) == "2a108023-baa6-4ca9-a5f6-ad5cc1dcd28a"
    assert meeting.title == "Sample: Working group meeting, 26 January 2026"
    assert (meeting.starts_at, meeting.status) == (london(2026, 1, 26, 15), "held")
    assert meeting.first_published_at == london(2025, 11, 24, 15)
    assert str(meeting.venue) == "Room 1, Sample: North Hall"
    assert [str(item) for item in meeting.agenda_items.all()] == [
        "1. Welcome",
        "2. Minutes of the last meeting",
        "3. Plans for cycle parking",
        "4. Money for drop-in sessions",
        "5. Money for signs in shop windows",
        "6. Money for property marking",
        "7. Any other business",
    ]
    assert list(meeting.papers.values_list("kind", "document__title", "agenda_item_number")) == [
        ("agenda", "Sample: Agenda", ""),
        ("supplement", "Sample: Report", "3"),
        ("supplement", "Sample: Report", "7"),
        ("minutes", "Sample: Minutes", ""),
    ]


def test_running_again_adds_nothing(small):
    before = every_row()
    assert _small().splitlines() == ["Seed 1", "0 pages added, 12 were there already."]
    assert every_row() == before


def test_a_larger_number_adds_the_rest(small):
    _small(news=5)
    first = list(_sample(NewsPage).values())
    assert _small(news=NEWS + 3).splitlines()[1] == "3 pages added, 12 were there already."
    assert list(_sample(NewsPage).values())[:NEWS] == first


def _references() -> set[tuple[Any, ...]]:
    """What the reference index knows of the links on sample pages."""
    pages = ContentType.objects.get_for_model(Page)
    keys = [str(page.pk) for page in [*_sample(NewsPage), *_sample(MeetingPage)]]
    rows = ReferenceIndex.objects.filter(base_content_type=pages, object_id__in=keys)
    return set(rows.values_list("object_id", "to_content_type", "to_object_id", "model_path", "content_path"))


def test_the_indexes_are_as_wagtail_writes_them(small):
    written = _references()
    call_command("rebuild_references_index", verbosity=0)
    assert _references() == written
    assert len(written) == 46
    page = NewsPage.objects.get(slug="sample-news-1-1")
    assert page.pk in {found.pk for found in NewsPage.objects.search(page.title)}


def test_later_saves_are_indexed_by_wagtail_again(small, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    page = NewsPage.objects.get(slug="sample-news-1-2")
    page.title = "Sample: Hedgehogs"
    page.image = Image.objects.get(title="Sample: Blue shapes")
    publish_by_command(page, "a test")
    assert [found.pk for found in NewsPage.objects.search("hedgehogs")] == [page.pk]
    assert ReferenceIndex.objects.filter(object_id=page.pk, model_path="image").count() == 1


def test_a_site_without_priorities_gets_a_sample_period(small):
    _delete_sample()
    for period in PriorityPeriodPage.objects.all():
        period.delete()
    _small(news=5, meetings=0)
    _small()
    period = PriorityPeriodPage.objects.get()
    assert (period.title, str(period.starts_on), str(period.ends_on)) == (
        "Sample: 2026 to 2028",
        "2026",
        "2028",
    )
    priorities = PriorityPage.objects.child_of(period)
    assert [priority.title for priority in priorities] == [
        "Sample: Safer streets in the evening",
        "Sample: Fewer thefts from shops",
    ]
    used = set(_sample(NewsPage).values_list("priority_id", flat=True)) - {None}
    assert used == {priority.pk for priority in priorities}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"news": -1}, "--news: give a number from 0 to 100000, not -1."),
        ({"meetings": 100_001}, "--meetings: give a number from 0 to 100000, not 100001."),
    ],
)
def test_bounds(small, options, message):
    before = every_row()
    with pytest.raises(CommandError, match=message):
        _small(**options)
    assert every_row() == before


def test_it_asks_for_the_demo_content(small):
    PartnershipPage.objects.get().delete()
    with pytest.raises(CommandError, match=r"run `manage\.py load_demo` first"):
        _small()


def test_summaries_fit():
    rng = sample_content.random_for(1, "summaries", 0)
    assert max(len(sample_content.summary(rng)) for _ in range(500)) <= 160


def test_the_made_up_files_are_sound():
    reader = PdfReader(io.BytesIO(sample_content.pdf("Sample: Agenda")), strict=True)
    assert [page.extract_text() for page in reader.pages] == ["Sample: Agenda"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Sample: Agenda"
    assert reader.root_object["/Lang"] == "en-GB"
    assert sample_content.png(0)[:8] == b"\x89PNG\r\n\x1a\n"
    assert sample_content.csv_file().decode().splitlines()[:2] == ["subject,reports", "brighter lighting,10"]
