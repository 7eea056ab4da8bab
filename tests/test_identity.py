"""Ids: they stay while content changes, no two objects share one, and `node` finds only what everybody may see."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import GraphQLObjectType

from cms.graphql.schema.query import schema
from documents.models import Document, Image
from pages import models
from pages.content.choices import WithdrawalKind
from pages.models.snippets import ModeratedSnippet
from pages.takedown.withdrawal import withdraw
from pages.visibility.rule import Answer
from tests import factories
from tests.hidden_content import EXPECTED, administrator, begin, finish

TYPES = schema.graphql_schema.type_map
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on PageInterface { heading urlPath } } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on PageInterface { heading urlPath } } }"


def test_what_has_an_identity_has_an_id():
    """Caches such as urql's graphcache keep these by type and id without being told how."""
    snippets = {model.__name__ for model in ModeratedSnippet.__subclasses__()}
    pages = {kind.name for kind in schema.graphql_schema.get_possible_types(TYPES["PageInterface"])}
    expected = snippets | pages | {"Document", "Image", "Topic", "AgendaItem", "Paper", "Action"}
    with_id = {kind.name for kind in TYPES.values() if isinstance(kind, GraphQLObjectType) and "id" in kind.fields}
    blocks = {kind.name for kind in schema.graphql_schema.get_possible_types(TYPES["StreamFieldInterface"])}
    assert with_id - blocks == expected
    for name in expected:
        assert str(TYPES[name].fields["id"].type) == "ID!", name


@pytest.mark.parametrize("state", EXPECTED)
def test_by_id_there_is_what_is_public_and_what_was_withdrawn_with_an_explanation(home, ask, state):
    own = state.removeprefix("child of ")
    page = parent = begin(own, models.StandardPage, home, title="zzmarker", slug="zzslug")
    if state != own:
        page = factories.page(models.StandardPage, parent, title="zzmarker", slug="zzslug")
    finish(own, parent)
    told = ask(NODES, ids=[str(page.uuid)])["nodes"]
    assert [ask(NODE, id=str(page.uuid))["node"]] == (told or [None])
    answer = {"id": str(page.uuid), "heading": "zzmarker", "urlPath": "/zzslug/"}
    assert told == {
        Answer.PUBLIC: [{"__typename": "StandardPage", **answer}],
        Answer.WITHDRAWN: [{"__typename": "WithdrawnPage", **answer}],
    }.get(EXPECTED[state], [])


def test_a_hidden_id_takes_as_many_queries_as_an_unknown_one(home, ask):
    draft = factories.draft(models.StandardPage, home)
    gone = factories.page(models.StandardPage, home)
    gone.unpublish()
    counts = []
    for key in (uuid4(), uuid4(), draft.uuid, gone.uuid, "not a uuid"):
        with CaptureQueriesContext(connection) as sql:
            assert ask(NODE, id=str(key)) == {"node": None}
        counts.append(len([each for each in sql if "set_config" not in each["sql"]]))
    assert counts[1:4] == [counts[1]] * 3


def test_nodes_are_in_the_order_of_their_ids_and_at_most_100(home, ask, refused):
    pages = [factories.page(models.StandardPage, home) for _ in range(2)]
    withdraw(pages[1], administrator(), WithdrawalKind.WITHDRAWN, "Out of date.")
    ids = [str(each.uuid) for each in (pages[1], home, pages[0])]
    assert [each["id"] for each in ask(NODES, ids=[ids[0], str(uuid4()), *ids[1:], ids[0]])["nodes"]] == ids
    messages = [each["message"] for each in refused(NODES, ids=[str(uuid4())] * 101)]
    assert messages == ['Argument "ids": give at most 100.']


MEETING = """{ meetings { nodes { agendaItems { id title papers { id } } papers { id title } venue { id name } } }
  news { nodes { image { id alt } } } priorities { actions { id text status leadAgency { id name } } } }"""


def test_ids_stay_while_content_is_edited_and_are_no_two_objects(home, ask):
    venue, agency, document = factories.venue(), factories.agency(), factories.document()
    index = factories.page(models.MeetingIndexPage, home)
    meetings = [
        factories.page(
            models.MeetingPage,
            index,
            slug=f"m{number}",
            venue=venue,
            agenda_items=[models.AgendaItem(number=item, title=f"Item {item}") for item in "12"],
            papers=[models.Paper(document=document, agenda_item_number=item, late_reason="Late.") for item in "12"],
        )
        for number in range(2)
    ]
    period = factories.page(models.PriorityPeriodPage, home)
    actions = [models.Action(text=text, horizon="in-year", lead_agency=agency) for text in ("Do this.", "Do that.")]
    priority = factories.page(models.PriorityPage, period, actions=actions)
    picture = factories.image()
    factories.page(models.NewsPage, factories.page(models.NewsIndexPage, home), image=picture)
    before = ask(MEETING)
    ids = set()
    for meeting in before["meetings"]["nodes"]:
        assert [paper["id"] for item in meeting["agendaItems"] for paper in item["papers"]] == [
            paper["id"] for paper in meeting["papers"]
        ]
        ids |= {each["id"] for each in [*meeting["agendaItems"], *meeting["papers"]]}
        assert meeting["venue"] == {"id": str(venue.public_id), "name": venue.name}
    assert len(ids) == 2 * 4
    told = before["priorities"][0]["actions"]
    assert [each["leadAgency"]["id"] for each in told] == [str(agency.public_id)] * 2
    assert before["news"]["nodes"][0]["image"]["id"] == str(picture.public_id)
    # New rows in the database, in another order, with other words beside the id.
    for meeting in meetings:
        meeting.agenda_items = [models.AgendaItem(number=item, title="Renamed") for item in "21"]
        meeting.papers = [
            models.Paper(document=document, agenda_item_number=item, title="Renamed", late_reason="Late.")
            for item in "21"
        ]
        factories.publish(meeting)
    priority.actions = [models.Action(text=each.text, horizon="delivered", status="done") for each in reversed(actions)]
    factories.publish(priority)
    venue.name, agency.name = "Another hall", "Another name"
    for snippet in (venue, agency):
        factories.publish(snippet)
    after = ask(MEETING)
    for old, new in zip(before["meetings"]["nodes"], after["meetings"]["nodes"], strict=True):
        for name in ("agendaItems", "papers"):
            assert [each["id"] for each in new[name]] == [each["id"] for each in reversed(old[name])]
            assert {each["title"] for each in new[name]} == {"Renamed"}
        assert new["venue"] == {"id": old["venue"]["id"], "name": "Another hall"}
    assert [(each["id"], each["status"]) for each in after["priorities"][0]["actions"]] == [
        (each["id"], "DONE") for each in reversed(told)
    ]


def test_every_snippet_and_file_has_an_id_of_its_own_that_no_version_changes(home):
    for model in (*ModeratedSnippet.__subclasses__(), Document, Image):
        field = model._meta.get_field("public_id")
        assert (field.unique, field.editable) == (True, False), model
    agency = factories.agency()
    old = agency.get_latest_revision()
    old.content.pop("public_id")  # as an older release stored it
    assert old.as_object().public_id == agency.public_id
    assert apps.get_model("pages", "Agency").objects.get().public_id == agency.public_id
