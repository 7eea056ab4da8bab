"""Search: what is found, in which order, what is shown of it, and that nothing hidden is found, counted or guessed."""

import base64
import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from wagtail.models import Collection, CollectionViewRestriction
from wagtail.search.backends import get_search_backend
from wagtail.search.models import IndexEntry
from wagtail.search.query import And, Phrase, PlainText

from cms.graphql.search import PAGE_TYPES
from documents.models import Document, DocumentText
from pages import models, search_index
from pages.models import SearchText
from pages.withdrawal import take_down
from tests import factories, hidden_content
from tests.factories import london

SEARCH = """query($query: String!, $first: Int, $after: String, $last: Int, $before: String, $types: [PageType!],
    $topic: String) {
  search(query: $query, first: $first, after: $after, last: $last, before: $before, types: $types, topic: $topic) {
    totalCount nodes { title } edges { cursor highlight node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
NO_CURSOR = "this is not a cursor that this list gave out."


@pytest.fixture
def search(ask):
    return lambda query, **more: ask(SEARCH, query=query, **more)["search"]


@pytest.fixture
def titles(search):
    """The titles of all that is found; the count and the edges agree with it."""

    def found(query, **more):
        answer = search(query, **{"first": 100, **more})
        names = [node["title"] for node in answer["nodes"]]
        assert answer["totalCount"] == len(names)
        assert [edge["node"]["title"] for edge in answer["edges"]] == names
        return names

    return found


def standard(home, title, **fields):
    return factories.page(models.StandardPage, home, title=title, **fields)


def text(words):
    return [("paragraph", f"<p>{words}</p>")]


# --- What is found -------------------------------------------------------------------------------------------


def table(**value):
    return {"first_row_is_table_header": False, "first_col_is_header": False, "data": [[]], **value}


# Type of page → field → its value, with a word of its own: "zz" and a number take the place of "?".
SAID = {
    models.StandardPage: {
        "title": "About ?",
        "summary": "About ?.",
        "body": [
            ("heading", {"text": "? one", "level": "3"}),
            ("paragraph", "<p>Bicycle <b>?</b></p><ul><li>and ?</li></ul>"),
            ("callout", {"tone": "warning", "rich_text": "<p>?</p>"}),
            ("table", table(table_caption="?", data=[["Ward", "?"], ["?", None]])),
        ],
    },
    models.PartnershipPage: {
        "strapline": "?",
        "introduction": "<p>?</p>",
        "purpose": "<p>?</p>",
        "sectors": "Health\n?",
        "yearly_cycle": "<p>?</p>",
        "related_work": [models.RelatedLink(title="?", url="https://example.org/", description="?")],
    },
    models.PriorityPeriodPage: {"evidence_statements": [models.EvidenceStatement(text="?", value="?", unit="?")]},
    models.PriorityPage: {"rationale": "<p>?</p>", "actions": [models.Action(text="?", horizon="in-year")]},
    models.BusinessAsUsualPage: {
        "introduction": "<p>?</p>",
        "work_topics": [models.WorkTopic(title="?", description="?")],
        "work_areas": [
            models.WorkArea(name="?", leadership_kind="lead", led_by_as_published="The police", activities="One\n?")
        ],
    },
    models.NewsIndexPage: {"introduction": "<p>?</p>"},
    models.NewsPage: {"body": [("paragraph", "<p>?</p>")]},
    models.MeetingIndexPage: {"introduction": "<p>?</p>"},
    models.MeetingPage: {
        "status_notice": "<p>?</p>",
        "how_to_ask_a_question": "<p>?</p>",
        "open_to_public": "part",
        "closed_reason": "?",
        "agenda_items": [models.AgendaItem(number="1", title="?")],
    },
    models.PublicationIndexPage: {"introduction": "<p>?</p>"},
    models.CommunitySafetyPlanPage: {"body": [("paragraph", "<p>?</p>")]},
    models.InsightPage: {"subjects": "?\n?", "headline_findings": "?", "body": [("paragraph", "<p>?</p>")]},
    models.AnnualReviewPage: {
        "body": [("paragraph", "<p>?</p>")],
        "actions_ahead": "?",
        "outcomes": [models.Outcome(text="?")],
    },
    models.DeathReviewIndexPage: {"introduction": "<p>?</p>"},
    models.DeathReviewNoticePage: {
        "listed_by_search_engines": True,
        "summary": "?",
        "pseudonym": "?",
        "executive_summary": "<p>?</p>",
        "learning_themes": "?",
        "publication_decision": "summary-only",
        "publication_reason": "?",
        "recommendations": [models.Recommendation(number="1", text="?", level="local", outcome="?")],
        "review_documents": [models.ReviewDocument(kind="overview-report", state="withheld", reason="?")],
    },
}
PARENTS = {
    models.PriorityPage: models.PriorityPeriodPage,
    models.NewsPage: models.NewsIndexPage,
    models.MeetingPage: models.MeetingIndexPage,
    models.DeathReviewNoticePage: models.DeathReviewIndexPage,
    models.CommunitySafetyPlanPage: models.PublicationIndexPage,
    models.InsightPage: models.PublicationIndexPage,
    models.AnnualReviewPage: models.PublicationIndexPage,
}


class Filled:
    """The same content with another word in place of each "?"."""

    def __init__(self):
        self.words = []

    def __call__(self, value):
        if isinstance(value, str):
            while "?" in value:
                self.words.append(f"zz{len(self.words)}")
                value = value.replace("?", self.words[-1], 1)
            return value
        if isinstance(value, list | tuple):
            return type(value)(self(item) for item in value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if hasattr(value, "_meta"):
            return type(value)(
                **{f.name: self(getattr(value, f.name)) for f in value._meta.fields if not f.is_relation}
            )
        return value


@pytest.mark.parametrize("model", SAID, ids=lambda model: model.__name__)
def test_every_text_that_a_page_says_is_found(home, titles, model):
    filled = Filled()
    fields = filled(SAID[model])
    if model is models.PartnershipPage:
        for name, value in fields.items():
            setattr(home, name, value)
        page = factories.publish(home)
    else:
        parent = factories.page(PARENTS[model], home) if model in PARENTS else home
        page = factories.page(model, parent, **fields)
    assert filled.words
    assert {word: titles(word) for word in filled.words} == {word: [page.title] for word in filled.words}


def test_every_type_of_page_is_in_that_table():
    assert set(SAID) == set(PAGE_TYPES.values())


def test_all_words_have_to_be_there_wherever(home, titles):
    standard(home, "Bicycles", summary="In the city", body=text("They are <b>stolen</b>."))
    standard(home, "Shops", summary="In the city")
    assert titles("city bicycle theft") == []
    assert titles("CITIES, stealing? bicycle stolen") == []
    assert titles("stolen bicycle in the cities") == ["Bicycles"]
    assert sorted(titles("city")) == ["Bicycles", "Shops"]


def test_a_phrase_has_to_be_there_as_it_is(home, titles):
    standard(home, "Safe city", summary="Centre of the city", body=text("Taxi marshals") + text("help people"))
    assert titles('"safe cities"') == ["Safe city"]
    assert titles('"city safe"') == []
    assert titles('"centre of the city" "taxi marshal"') == ["Safe city"]
    assert titles('help "taxi marshal"') == ["Safe city"]
    assert titles('"city centre"') == []  # the title ends, and the summary begins
    assert titles("city centre") == ["Safe city"]


def test_case_accents_and_endings_do_not_matter(home, titles):
    standard(home, "Zoë's CAFÉS", summary="Łódź")
    for query in ("zoe", "ZOË", "café", "Cafes", "lodz", "zoë’s"):
        assert titles(query) == ["Zoë's CAFÉS"], query


@pytest.mark.parametrize("query", ["", " ", "the", "of and the", '""', '"the"', "!?", "*", "\u200b"])
def test_a_query_without_words_finds_nothing(home, search, query):
    standard(home, "The end")
    answer = search(query)
    assert (answer["totalCount"], answer["nodes"], answer["edges"]) == (0, [], [])


HOSTILE = [
    '"', '"""', "'", "''; DROP TABLE x; --", "\\", "\\'", "%", "_", "%s", "%(a)s", "{title}: zz", "title:zz", "zz*", "^zz",
    "NEAR(zz zz)", "zz NOT zz", "zz OR", "AND", "(", ")", "zz)", "((((", "-zz", "+zz", "zz:A", "zz & !zz", "zz <-> zz",
    "!zz", "zz | zz", "\u0001", "\ufffe", "🙂", "\u202ezz", "\u0301", "ﬃ", "<mark>", "&lt;zz",
    " ".join(f"w{number}" for number in range(50)), '"' + "a " * 90 + '"', "x" * 200, "a" * 100 + " " + "b" * 99,
    '"a b" ' * 33,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_whatever_is_typed_is_plain_text(home, search, query):
    standard(home, "Nothing to see")
    assert search(query)["nodes"] == []


@pytest.mark.parametrize("query", ["zz*", "(zz", "zz:A", "title:zz OR zz", "-zz", "!zz", 'zz"', "{title}: zz"])
def test_signs_in_a_query_separate_words_and_no_more(home, titles, query):
    standard(home, "A title or ZZ")
    assert titles(query.replace("OR ", "")) == ["A title or ZZ"]


def test_a_query_has_a_longest_length(home, search, refused):
    query = "{ search(query: %s) { totalCount } }"
    assert search("x" * 200)["totalCount"] == 0
    for name, arguments in {
        "query": f'query: "{"x" * 201}"',
        "topic": f'query: "x", topic: "{"x" * 201}"',
    }.items():
        error = refused(f"{{ search({arguments}) {{ totalCount }} }}")[0]
        assert error["message"] == f'Argument "{name}": give a text of at most 200 characters, without NUL.'
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    for letter in ("\\u0000", "\\ud800"):
        error = refused(query % f'"zz{letter}"')[0]
        assert "Something went wrong" not in error["message"]


# --- Files ---------------------------------------------------------------------------------------------------


def upload(title, content, **fields):
    return factories.document(title, content.encode(), "report.txt", **fields)


def with_files(home, title, *documents, **fields):
    return standard(home, title, body=[("document", document) for document in documents], **fields)


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
    exchange(document, "gorilla")
    assert titles("zebra") == titles("gorilla") == titles("report") == []
    call_command("update_index", verbosity=0)
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
    take_down(document, User.objects.create(username="m", is_superuser=True), "It names somebody.")
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


# --- What is not found ---------------------------------------------------------------------------------------


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
    for number in range(10):
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


def stored() -> str:
    """All that the search keeps of published pages and of files."""
    kind = ContentType.objects.get_for_model(SearchText)
    rows = [*SearchText.objects.values(), *DocumentText.objects.filter(document__search_texts__isnull=False).values()]
    return str([*rows, *IndexEntry.objects.filter(content_type=kind).values()]).lower()


# --- Order and highlights ------------------------------------------------------------------------------------


def test_the_title_comes_before_the_summary_the_text_and_files(home, search):
    with_files(home, "File", upload("Report", "bicycle theft"))
    standard(home, "Text", summary="theft", body=text("bicycle"))
    standard(home, "Summary of theft", summary="bicycle")
    standard(home, "Bicycle thefts", summary="Nothing")
    standard(home, "Also text", body=text("bicycle theft bicycle theft bicycle theft"))
    with_files(home, "File two", upload("Theft", "bicycle"))
    answer = search("bicycle theft")
    assert [node["title"] for node in answer["nodes"]] == [
        "Bicycle thefts",
        "Summary of theft",
        "Also text",
        "Text",
        "File two",
        "File",
    ]
    assert [edge["highlight"] for edge in answer["edges"]] == [
        None,
        "<mark>bicycle</mark>",
        "<mark>bicycle</mark> <mark>theft</mark> <mark>bicycle</mark> <mark>theft</mark> <mark>bicycle</mark> "
        "<mark>theft</mark>",
        "<mark>theft</mark>",
        "<mark>Theft</mark> <mark>bicycle</mark>",
        "Report <mark>bicycle</mark> <mark>theft</mark>",
    ]


def test_among_equals_the_last_major_update_comes_first_and_then_the_uuid(home, titles):
    pages = []
    for number, minutes in ((1, 0), (2, 10), (3, 10), (4, 20)):
        with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=minutes), tick=False):
            pages.append(standard(home, f"Zebra {number}"))
    same = sorted(pages[1:3], key=lambda page: page.uuid.hex, reverse=True)
    order = [pages[3].title, *(page.title for page in same), pages[0].title]
    assert titles("zebra") == order
    pages[1].summary = "A minor update"
    factories.publish(pages[1])
    assert titles("zebra") == order
    pages[1].update_kind, pages[1].change_note = "major", "It changed."
    factories.publish(pages[1])
    assert titles("zebra") == ["Zebra 2", "Zebra 4", "Zebra 3", "Zebra 1"]


def test_a_page_that_has_the_words_in_several_places_is_one_result(home, titles):
    document = upload("Zebra", "zebra")
    with_files(home, "Zebra", document, upload("Zebra two", "zebra"), summary="Zebra")
    assert titles("zebra") == ["Zebra"]


def test_a_highlight_is_harmless(home, search):
    standard(home, "Page", summary="<script>alert('zebra')</script> & more")
    shown = "&lt;script&gt;alert(&#x27;<mark>zebra</mark>&#x27;)&lt;/script&gt; &amp; more"
    assert [edge["highlight"] for edge in search("zebra")["edges"]] == [shown]


# --- Filters -------------------------------------------------------------------------------------------------


def test_only_pages_of_some_types_or_on_a_topic(home, titles, refused):
    topic, other = factories.topic(slug="safety"), factories.topic(slug="other")
    news = factories.page(models.NewsIndexPage, home, title="All news")
    for title, topics in (("Zebra one", [topic]), ("Zebra two", [topic, other]), ("Zebra three", [])):
        page = factories.draft(models.NewsPage, news, title=title)
        page.topics = topics
        factories.publish(page)
    page = factories.draft(models.StandardPage, home, title="Zebra four")
    page.topics = [topic]
    factories.publish(page)
    assert sorted(titles("zebra")) == ["Zebra four", "Zebra one", "Zebra three", "Zebra two"]
    assert titles("zebra", types=["NEWS_PAGE"]) == ["Zebra three", "Zebra two", "Zebra one"]
    assert titles("zebra", types=["NEWS_PAGE", "STANDARD_PAGE"], topic="other") == ["Zebra two"]
    assert titles("zebra", types=["STANDARD_PAGE"], topic="safety") == ["Zebra four"]
    assert sorted(titles("zebra", topic="safety")) == ["Zebra four", "Zebra one", "Zebra two"]
    assert titles("zebra", types=["MEETING_PAGE"]) == titles("zebra", types=[]) == []
    assert titles("zebra", topic="nothing") == titles("zebra", topic="") == []
    assert "PageType" in refused('{ search(query: "x", types: [ANY]) { totalCount } }')[0]["message"]


# --- Cursors -------------------------------------------------------------------------------------------------


@pytest.fixture
def ten(home):
    """In this order: "Zebra 9" to "Zebra 5" in the title, "Page 4" to "Page 0" in the text."""
    for number in range(10):
        with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=number), tick=False):
            if number < 5:
                standard(home, f"Page {number}", body=text("zebra"))
            else:
                standard(home, f"Zebra {number}")
    return [f"Zebra {number}" for number in range(9, 4, -1)] + [f"Page {number}" for number in range(4, -1, -1)]


def walk(search, way, cursor, number, meanwhile=lambda: None):
    seen, at = [], None
    while True:
        answer = search("zebra", **{way: number, cursor: at})
        names = [node["title"] for node in answer["nodes"]]
        seen = names + seen if way == "last" else seen + names
        info = answer["pageInfo"]
        if not info["hasPreviousPage" if way == "last" else "hasNextPage"]:
            return seen
        at = info["startCursor" if way == "last" else "endCursor"]
        meanwhile()


@pytest.mark.parametrize("number", [1, 3, 4, 10, 100])
def test_walking_in_parts_finds_all_in_order(ten, search, number):
    assert walk(search, "first", "after", number) == ten
    assert walk(search, "last", "before", number) == ten


def test_a_list_that_changes_meanwhile_repeats_and_loses_nothing(ten, home, search):
    def change():
        standard(home, "Zebra new")  # at the very front

    assert walk(search, "first", "after", 3, change) == ten
    models.StandardPage.objects.get(title="Page 2").unpublish()
    first = search("zebra", first=7)
    models.StandardPage.objects.get(title=first["nodes"][-1]["title"]).unpublish()  # the one that the cursor is of
    rest = search("zebra", after=first["pageInfo"]["endCursor"])
    seen = [node["title"] for node in [*first["nodes"], *rest["nodes"]]]
    assert [title for title in seen if title != "Zebra new"] == [title for title in ten if title != "Page 2"]


def test_a_cursor_of_another_list_is_refused(ten, home, search, refused, ask):
    cursor = search("zebra", first=1)["pageInfo"]["endCursor"]
    assert search("ZEBRAS", after=cursor)["totalCount"] == 10  # the same words
    children = ask("{ partnership { children(first: 1) { pageInfo { endCursor } } } }")["partnership"]["children"]
    others = [
        {"query": "zebra page"},
        {"query": "page"},
        {"query": '"zebra page"'},
        {"query": "zebra", "types": ["NEWS_PAGE"]},
        {"query": "zebra", "topic": "x"},
    ]
    asked = [
        *({**each, "after": cursor} for each in others),
        {"query": "zebra", "after": children["pageInfo"]["endCursor"]},
    ]
    for arguments in [*asked, {"query": "the", "after": cursor}]:
        error = refused(SEARCH, **arguments)[0]
        assert error["message"] == f'Argument "after": {NO_CURSOR}', arguments
    error = refused(SEARCH, query="zebra", before="zz")[0]
    assert error["message"] == f'Argument "before": {NO_CURSOR}'


def test_a_cursor_that_was_tampered_with_is_refused(ten, search, refused):
    cursor = search("zebra", first=1)["pageInfo"]["endCursor"]
    values = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    assert len(values) == 5
    for position, value in [
        (0, 2), (1, "search"), (2, "x"), (2, None), (2, 1.5), (3, "soon"), (3, "2026-01-01"), (3, 5), (4, "x"), (4, "\x00"),
    ]:  # fmt: skip
        wrong = [*values[:position], value, *values[position + 1 :]]
        text_ = base64.urlsafe_b64encode(json.dumps(wrong).encode()).decode().rstrip("=")
        error = refused(SEARCH, query="zebra", after=text_)[0]
        assert error["message"] == f'Argument "after": {NO_CURSOR}', wrong
    for number in (10**30, -(10**30), 0, 99):
        text_ = base64.urlsafe_b64encode(json.dumps([*values[:2], number, *values[3:]]).encode()).decode().rstrip("=")
        assert len(search("zebra", after=text_)["nodes"]) == (10 if number < 1 else 0)


# --- Cost ----------------------------------------------------------------------------------------------------


def count_queries(run):
    run()
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured)


def test_as_many_queries_for_thirty_results_as_for_three(home, search):
    def add(rows):
        for number in range(rows):
            with_files(home, "Page", upload(f"Zebra {number}", "gorilla"))
            standard(home, "Zebra", body=text("gorilla"))

    add(3)
    few = {query: count_queries(lambda query=query: search(query, first=100)) for query in ("zebra", "gorilla", "page")}
    add(12)
    many = {
        query: count_queries(lambda query=query: search(query, first=100)) for query in ("zebra", "gorilla", "page")
    }
    assert search("gorilla")["totalCount"] == 30
    assert many == few


# --- The index -----------------------------------------------------------------------------------------------


def test_the_words_can_be_entered_again(home, titles):
    with_files(home, "Zebra", upload("Report", "gorilla"))
    before = stored()
    IndexEntry.objects.all()._raw_delete(IndexEntry.objects.db)
    assert titles("zebra") == []
    call_command("update_index", verbosity=0)
    assert titles("zebra") == titles("gorilla") == ["Zebra"]
    SearchText.objects.all().delete()
    DocumentText.objects.all().delete()
    draft = factories.draft(models.StandardPage, home, title="Lion")
    live = standard(home, "Tiger")
    live.title = "Leopard"
    live.save_revision()
    call_command("rebuild_search", verbosity=0)
    assert titles("zebra") == titles("gorilla") == ["Zebra"]
    assert titles("tiger") == ["Tiger"]
    assert titles("lion") == titles("leopard") == []
    assert not SearchText.objects.filter(page=draft).exists()
    assert before.count("gorilla") <= stored().count("gorilla")


def test_many_pages_are_entered_together(home, titles):
    with search_index.entered_together():
        standard(home, "Zebra")
        assert titles("zebra") == []
    assert titles("zebra") == ["Zebra"]

    def fail():
        standard(home, "Gorilla")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic(), search_index.entered_together():
        fail()
    assert titles("gorilla") == []
    standard(home, "Lion")
    assert titles("lion") == ["Lion"]


def test_other_backends_give_keys_and_the_rule_is_asked_of_them(home, titles, settings):
    """Such as Elasticsearch: here one that keeps nothing and answers with all there is, hidden pages too."""
    standard(home, "Zebra")
    hidden_content.need_login(standard(home, "Hidden zebra"))
    settings.WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "tests.other_search_backend"}}
    assert titles("zebra") == ["Zebra", home.title]


def test_editors_find_drafts_in_the_admin_and_readers_do_not(home, titles, client):
    draft = factories.draft(models.StandardPage, home, title="Zebra draft")
    live = standard(home, "Zebra live")
    call_command("update_index", verbosity=0)
    editors = {page.pk for page in models.StandardPage.objects.all().search("zebra")}
    assert editors == {draft.pk, live.pk}
    assert titles("zebra") == ["Zebra live"]
    client.force_login(User.objects.create_superuser("admin", "a@example.org", "x"))
    answer = client.get("/admin/pages/search/?q=zebra").content.decode()
    assert "Zebra draft" in answer
    assert "Zebra live" in answer


def test_our_backend_finds_what_wagtails_own_finds(home, settings):
    for title in ("Zebra gorilla", "Gorilla zebra", "Zebra"):
        standard(home, title)
    standard(home, "Other", body=text("zebra gorilla"))
    call_command("update_index", verbosity=0)
    settings.WAGTAILSEARCH_BACKENDS = {
        "default": {"BACKEND": "cms.search_backend"},
        "wagtail": {"BACKEND": "wagtail.search.backends.database"},
    }
    ours, wagtails = get_search_backend("default"), get_search_backend("wagtail")
    queries = ["zebra", PlainText("a3zebra a3gorilla", operator="and"), Phrase("a3zebra a3gorilla")]
    queries.append(And([PlainText("a1gorilla"), Phrase("a3zebra a3gorilla")]))
    found = []
    for model in (models.StandardPage, SearchText, Document):
        for query in queries:
            for ranked in (True, False):
                both = [
                    [row.pk for row in backend.search(query, model.objects.all(), order_by_relevance=ranked)]
                    for backend in (ours, wagtails)
                ]
                assert (both[0] if ranked else sorted(both[0])) == (both[1] if ranked else sorted(both[1]))
                found.append(len(both[0]))
    assert {0, 1, 2, 3, 4} <= set(found)
