"""Search: a file is found while readers can have it, and nothing hidden is found, counted or guessed."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction

from cms.graphql.context import GraphQLContext
from cms.graphql.schema.query import schema
from documents.models import Document
from pages import models
from pages.models import SearchText
from pages.reading.loader import Loader
from pages.search import index as search_index
from pages.takedown.withdrawal import take_down
from tests import factories, hidden_content
from tests.factories import london
from tests.searched import indexed, standard, stored, text, upload, with_files

# --- Files ---------------------------------------------------------------------------------------------------


def test_a_file_is_found_on_every_page_that_shows_it(home, titles, search):
    document = upload("Strategic report", "Shoplifting rose & fell")
    with_files(home, "First", document, summary="About shops")
    meetings = factories.page(models.MeetingIndexPage, home)
    paper = models.Paper(document=document, title="Item five", late_reason="Delayed")
    factories.page(models.MeetingPage, meetings, title="Meeting", papers=[paper])
    plans = factories.page(models.PublicationIndexPage, home, publication_kind="plans")
    row = models.PageDocument(document=document)
    factories.page(models.CommunitySafetyPlanPage, plans, title="Plan", page_documents=[row])
    link = f'<a linktype="document" id="{document.pk}">here</a>'
    standard(home, "Linked", body=text(link))
    assert sorted(titles("shoplifting")) == ["First", "Linked", "Meeting", "Plan"]
    assert sorted(titles("strategic")) == ["First", "Linked", "Meeting", "Plan"]
    assert titles("delayed") == titles("item five") == titles("shoplifting delayed") == ["Meeting"]
    assert titles("shops rose") == ["First"]  # the summary of the page and the text of the file
    highlights = {edge["node"]["title"]: edge["highlight"] for edge in search("shoplifting fell")["edges"]}
    shown = "Strategic report <mark>Shoplifting</mark> rose &amp; <mark>fell</mark>"
    assert highlights == {"First": shown, "Linked": shown, "Meeting": f"Item five Delayed {shown}", "Plan": shown}


def test_what_a_meeting_says_of_a_paper_goes_with_its_file(home, titles):
    document = upload("Report", "apples")
    meetings = factories.page(models.MeetingIndexPage, home)
    paper = models.Paper(document=document, title="Zebra", late_reason="Gorilla")
    factories.page(models.MeetingPage, meetings, title="Meeting", papers=[paper])
    assert titles("zebra") == titles("gorilla") == titles("apples") == ["Meeting"]
    document.collection = Collection.get_first_root_node().add_child(name="Shelf")
    document.save()
    CollectionViewRestriction.objects.create(collection=document.collection, restriction_type="login")
    assert titles("zebra") == titles("gorilla") == titles("apples") == []


def test_each_file_is_searched_by_itself(home, titles):
    with_files(home, "Both", upload("One", "apples"), upload("Two", "pears"))
    assert titles("apple") == titles("pear") == ["Both"]
    assert titles("apple pear") == []


def test_a_file_that_nothing_public_shows_is_not_found(home, titles):
    document = upload("Secret", "zebra")
    factories.draft(models.StandardPage, home, title="Draft", body=[("document", document)])
    assert titles("zebra") == titles("secret") == []


def exchange(document, content):
    document.file = ContentFile(content.encode(), "report.txt")
    document.save()


def test_a_file_that_was_exchanged_is_not_found_until_it_is_published(home, titles):
    document = upload("Report", "zebra")
    page = with_files(home, "Page", document)
    assert titles("zebra") == ["Page"]
    assert "zebra" in indexed()
    exchange(document, "gorilla")
    assert titles("zebra") == titles("gorilla") == titles("report") == []
    assert "zebra" not in indexed()
    call_command("update_index", verbosity=0)
    assert "gorilla" not in indexed()
    assert titles("zebra") == titles("gorilla") == titles("report") == []
    factories.publish(page)
    assert titles("gorilla") == ["Page"]
    assert titles("zebra") == []
    assert "zebra" not in stored()


def test_a_file_that_was_exchanged_behind_the_back_is_not_found(home, titles):
    document = upload("Report", "zebra")
    with_files(home, "Page", document)
    Document.objects.filter(pk=document.pk).update(file_key="another")
    assert titles("zebra") == []


def test_words_that_were_read_out_of_an_older_file_do_not_count(home):
    document = upload("Report", "zebra")
    with_files(home, "Page", document)
    Document.objects.filter(pk=document.pk).update(file_key="another")
    SearchText.objects.filter(document=document).update(file_key="another")
    call_command("update_index", verbosity=0)
    assert "report" in indexed()
    assert "zebra" not in indexed()


def test_a_new_version_lets_go_of_a_file(home, titles):
    page = with_files(home, "Page", upload("Report", "zebra"))
    page.body = text("No file")
    page.save_revision()
    assert titles("zebra") == ["Page"]
    factories.publish(page)
    assert titles("zebra") == []
    assert "zebra" not in stored()


def test_a_file_is_found_again_when_its_collection_is_opened(home, titles):
    shelf = Collection.get_first_root_node().add_child(name="Shelf")
    document = upload("Report", "zebra", collection=shelf.add_child(name="Below"))
    with_files(home, "Page", document)
    assert titles("zebra") == ["Page"]
    lock = CollectionViewRestriction.objects.create(collection=shelf, restriction_type="login")
    assert titles("zebra") == titles("report") == []
    lock.delete()
    assert titles("zebra") == ["Page"]


def test_a_file_that_was_taken_down_is_not_found(home, titles):
    document = upload("Report", "zebra")
    with_files(home, "Page", document)
    moderator = User.objects.create(username="m")
    moderator.groups.add(Group.objects.get(name="Moderators"))
    take_down(document, moderator, "It names somebody.")
    assert titles("zebra") == titles("report") == []
    assert titles("page") == ["Page"]


def test_another_title_of_a_file_counts_at_once(home, titles):
    document = upload("Letter of Ms Zebra", "words")
    with_files(home, "Page", document)
    document.title = "Letter"
    document.save()
    assert titles("zebra") == []
    assert titles("letter") == ["Page"]
    assert "zebra" not in stored()


def test_a_file_is_gone_with_its_row(home, titles):
    document = upload("Report", "zebra")
    page = with_files(home, "Page", document)
    page.delete()
    assert titles("zebra") == []
    assert SearchText.objects.filter(document=document).count() == 0
    document.delete()
    assert "zebra" not in stored()


# --- Pages ---------------------------------------------------------------------------------------------------


def test_exempt_items_and_their_papers_are_not_found(home, titles):
    meetings = factories.page(models.MeetingIndexPage, home)
    public, exempt = upload("Open paper", "apples"), upload("Closed paper", "zebra")
    page = factories.page(
        models.MeetingPage,
        meetings,
        title="Meeting",
        agenda_items=[
            models.AgendaItem(number="1", title="Apples"),
            models.AgendaItem(number="2", title="Gorilla", access="exempt", exempt_reason="Lion"),
        ],
        papers=[models.Paper(document=public, agenda_item_number="1")],
    )
    assert titles("apples") == ["Meeting"]
    assert titles("gorilla") == titles("lion") == []
    # Such a version cannot be published. As if one had been:
    page.papers.add(models.Paper(document=exempt, agenda_item_number=" 2", title="Tiger"))
    models.Paper.objects.create(page=page, document=exempt, agenda_item_number=" 2", title="Tiger")
    page.published_files.create(document=exempt, file_key=exempt.file_key, first_public_at=london(2026, 1, 1))
    search_index.record(models.MeetingPage.objects.get())
    assert titles("zebra") == titles("closed") == titles("tiger") == []
    assert titles("open paper") == ["Meeting"]


def test_words_of_other_pages_of_shared_text_and_of_pictures_are_not_found(home, titles):
    """They may go while the page stays."""
    other = standard(home, "Zebra")
    picture = factories.image("Zebra picture", description="Zebra alt")
    period = factories.page(models.PriorityPeriodPage, home)
    agency = factories.agency(name="Zebra agency")
    actions = [models.Action(text="Act", horizon="in-year", lead_agency=agency)]
    factories.page(models.PriorityPage, period, actions=actions)
    meetings = factories.page(models.MeetingIndexPage, home)
    factories.page(models.MeetingPage, meetings, venue=factories.venue(name="Zebra hall"))
    body = [
        ("page_link", {"page": other, "text": ""}),
        ("image", {"image": picture, "caption": "Gorilla"}),
        ("page_link", {"page": other, "text": "Lion"}),
    ]
    standard(home, "Page", body=body)
    assert titles("zebra") == ["Zebra"]
    assert titles("gorilla") == titles("lion") == ["Page"]


def test_addresses_names_of_choices_and_private_fields_are_not_found(home, titles):
    factories.page(
        models.InsightPage,
        factories.page(models.PublicationIndexPage, home, publication_kind="insights"),
        disclosure_checked_by="Zebra",
        disclosure_checked_on="2026-01-01",
        seo_title="Gorilla",
        body=[("callout", {"tone": "warning", "rich_text": "<p>x</p>"}), ("heading", {"text": "x", "level": "2"})],
    )
    home.related_work = [models.RelatedLink(title="Work", url="https://lion.example.org/")]
    factories.publish(home)
    for word in ("zebra", "gorilla", "lion", "warning", "heading"):
        assert titles(word) == [], word


def test_a_notice_is_found_by_its_reference_alone_until_it_may_be_listed(home, titles, search):
    reviews = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(
        models.DeathReviewNoticePage,
        reviews,
        summary="Zebra",
        executive_summary="<p>Gorilla</p>",
        parallel_proceedings="Lion",
        review_documents=[
            models.ReviewDocument(kind="overview-report", state="published", document=upload("Tiger", "Leopard"))
        ],
    )
    words = ("zebra", "gorilla", "lion", "tiger", "leopard")
    assert {word: titles(word) for word in words} == {word: [] for word in words}
    assert titles(notice.reference) == [notice.title]
    assert [edge["highlight"] for edge in search(notice.reference)["edges"]] == [None]
    notice.listed_by_search_engines = True
    factories.publish(notice)
    found = {word: titles(word) for word in words}
    assert found == {word: [] if word == "lion" else [notice.title] for word in words}
    notice.listed_by_search_engines = False
    factories.publish(notice)
    assert {word: titles(word) for word in words} == {word: [] for word in words}
    assert "gorilla" not in stored()


@pytest.mark.parametrize("state", hidden_content.STATES)
def test_a_hidden_page_is_neither_found_nor_counted(home, titles, state):
    """In the text, and in a file of its own."""
    own = state.removeprefix("child of ")
    document = upload("Report", "gorilla")
    fields = {"title": "Zebra", "summary": "Zebra", "body": [*text("Zebra"), ("document", document)]}
    if state == own:
        page = hidden_content.begin(own, models.StandardPage, home, **fields)
    else:
        page = hidden_content.begin(own, models.StandardPage, home, title="Parent")
        factories.page(models.StandardPage, page, **fields)
    standard(home, "Other", summary="No zebra and no gorilla")
    hidden_content.finish(own, page)
    assert titles("zebra") == titles("gorilla") == ["Other"]


def test_a_page_that_is_shown_again_is_found_again(home, titles):
    page = standard(home, "Zebra")
    hidden_content.need_login(page)
    assert titles("zebra") == []
    page.get_view_restrictions().delete()
    assert titles("zebra") == ["Zebra"]


def test_a_page_that_expires_is_not_found_from_that_second_on(home, titles):
    with time_machine.travel(london(2026, 1, 1), tick=False) as clock:
        standard(home, "Zebra", expire_at=london(2026, 1, 2))
        assert titles("zebra") == ["Zebra"]
        clock.move_to(london(2026, 1, 2))
        assert titles("zebra") == []


def test_an_answer_is_about_one_instant(home):
    """Its own, as with all other fields: not that at which the database is asked."""
    standard(home, "Zebra", expire_at=timezone.now() + timedelta(days=1))

    def count(at):
        query = '{ search(query: "zebra") { totalCount edges { highlight } } }'
        answer = schema.execute(query, context_value=GraphQLContext(at, Loader(at)))
        assert answer.errors is None
        return answer.data["search"]["totalCount"], len(answer.data["search"]["edges"])

    assert count(timezone.now()) == (1, 1)
    assert count(timezone.now() + timedelta(days=2)) == (0, 0)


def test_a_page_that_is_moved_below_a_private_one_is_not_found_until_it_is_back(home, titles):
    private, page = standard(home, "Private"), standard(home, "Zebra", body=text("apples"))
    below = standard(page, "Zebra below", body=[("document", upload("Report", "gorilla"))])
    hidden_content.need_login(private)
    assert sorted(titles("zebra")) == ["Zebra", "Zebra below"]
    page.move(private, pos="last-child")
    assert titles("zebra") == titles("apples") == titles("gorilla") == []
    models.StandardPage.objects.get(pk=page.pk).move(home, pos="last-child")
    assert sorted(titles("zebra")) == ["Zebra", "Zebra below"]
    assert titles("gorilla") == [below.title]


def test_a_draft_of_a_live_page_changes_nothing(home, titles, search):
    page = standard(home, "Zebra", body=text("apples"))
    before = search("zebra apple")
    page.title, page.summary, page.body = "Gorilla", "Gorilla", text("gorilla")
    page.save_revision()
    assert titles("gorilla") == []
    assert search("zebra apple") == before
    factories.publish(page)
    assert titles("gorilla") == ["Gorilla"]
    assert titles("zebra") == titles("apple") == []
    assert "zebra" not in stored()


def test_hidden_pages_do_not_move_public_ones(home, search):
    """Ranks that count how rare a word is would tell how many hidden pages have it."""
    standard(home, "One", body=text("zebra zebra zebra gorilla"))
    standard(home, "Two", body=text("zebra gorilla gorilla gorilla"))
    before = search("zebra gorilla")
    assert before["totalCount"] == 2
    for number in range(3):
        factories.draft(models.StandardPage, home, title=f"Zebra {number}", summary="Zebra")
        hidden_content.need_login(standard(home, f"Hidden zebra {number}", summary="Zebra"))
    call_command("update_index", verbosity=0)
    assert search("zebra gorilla") == before


def test_what_is_not_committed_is_not_found(home, titles):
    page = standard(home, "Zebra")
    with transaction.atomic():
        page.title = "Gorilla"
        factories.publish(page)
        assert titles("gorilla") == ["Gorilla"]
        transaction.set_rollback(True)
    assert titles("gorilla") == []
    assert titles("zebra") == ["Zebra"]
