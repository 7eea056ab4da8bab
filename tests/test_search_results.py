"""Search: in which order results come, what is shown of them, filters, cursors and what an answer costs."""

import base64
import json
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms.graphql.schema import search as search_module
from pages import models
from tests import factories
from tests.factories import london
from tests.recorded_rows import RecordedRows
from tests.searched import NO_CURSOR, SEARCH, standard, text, upload, with_files


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
    assert titles("zebra", topic=str(other.uuid)) == ["Zebra two"]
    assert titles("zebra", topic=str(uuid4())) == []
    assert titles("zebra", types=["MEETING_PAGE"]) == []
    assert titles("zebra", types=[]) == titles("zebra")
    assert titles("zebra", topic="nothing") == titles("zebra", topic="") == []
    assert "PageType" in refused('{ search(query: "x", types: [ANY]) { totalCount } }')[0]["message"]


# --- Cursors -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded_ten(recorded_home, django_db_blocker):
    def make():
        home = models.PartnershipPage.objects.get()
        for number in range(10):
            with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=number), tick=False):
                if number < 5:
                    standard(home, f"Page {number}", body=text("zebra"))
                else:
                    standard(home, f"Zebra {number}")

    with django_db_blocker.unblock():
        return RecordedRows(make, upon=recorded_home)


@pytest.fixture
def ten(home, recorded_ten):
    """In this order: "Zebra 9" to "Zebra 5" in the title, "Page 4" to "Page 0" in the text."""
    recorded_ten.write()
    home.refresh_from_db()
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


def test_as_many_queries_for_twelve_results_as_for_four(home, search):
    def add(rows):
        for number in range(rows):
            with_files(home, "Page", upload(f"Zebra {number}", "gorilla"))
            standard(home, "Zebra", body=text("gorilla"))

    add(2)
    few = {query: count_queries(lambda query=query: search(query, first=100)) for query in ("zebra", "gorilla", "page")}
    add(4)
    many = {
        query: count_queries(lambda query=query: search(query, first=100)) for query in ("zebra", "gorilla", "page")
    }
    assert search("gorilla")["totalCount"] == 12
    assert many == few


def test_a_highlight_is_worked_out_once_under_however_many_names(home, ask, monkeypatch):
    for number in range(2):
        factories.page(models.StandardPage, home, slug=f"page-{number}", summary="Zebra crossing")
    worked_out = []

    def highlight(texts, wanted, letters):
        worked_out.append(letters)
        return "x"

    monkeypatch.setattr(search_module, "highlight", highlight)
    [one, two] = ask('{ search(query: "zebra") { edges { a: highlight b: highlight c: highlight } } }')["search"][
        "edges"
    ]
    assert one == two == {"a": "x", "b": "x", "c": "x"}
    assert worked_out == [250_000, 250_000]  # letters of each text: the two results share what there is
