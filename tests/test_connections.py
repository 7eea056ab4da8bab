"""Lists: their order, their cursors, and that a change of content meanwhile moves nothing."""

import base64
import re
import uuid
from datetime import timedelta
from itertools import product

import pytest
import time_machine

from pages import models
from tests import factories
from tests.factories import london
from tests.recorded_rows import RecordedRows
from tests.test_query_counts import queries

PAGES = """query($first: Int, $after: String, $last: Int, $before: String) {
  news(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { title } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


@pytest.fixture(scope="module")
def five_news(recorded_home, django_db_blocker):
    def make():
        index = factories.page(models.NewsIndexPage, models.PartnershipPage.objects.get(), slug="news")
        for number, minutes in ((1, 0), (2, 10), (3, 10), (4, 20), (5, 30)):
            with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=minutes), tick=False):
                factories.page(models.NewsPage, index, title=f"News {number}")

    with django_db_blocker.unblock():
        return RecordedRows(make, upon=recorded_home)


@pytest.fixture
def news(home, five_news):
    """Five news, "News 5" the newest; 2 and 3 were published in the same instant."""
    five_news.write()
    return models.NewsIndexPage.objects.get()


def titles(connection):
    return [node["title"] for node in connection["nodes"]]


def test_news_is_newest_first_and_pages_forwards(news, ask):
    expected = [page.title for page in models.NewsPage.objects.order_by("-first_published_at", "-uuid")]
    assert expected[0] == "News 5"
    assert expected[-1] == "News 1"
    seen, after = [], None
    while True:
        part = ask(PAGES, first=2, after=after)["news"]
        assert part["totalCount"] == 5
        assert part["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert part["pageInfo"]["endCursor"] == part["edges"][-1]["cursor"]
        seen += titles(part)
        if not part["pageInfo"]["hasNextPage"]:
            break
        after = part["pageInfo"]["endCursor"]
    assert seen == expected


def test_paging_backwards_gives_the_same_order(news, ask):
    everything = titles(ask(PAGES, first=5)["news"])
    last = ask(PAGES, last=2)["news"]
    assert titles(last) == everything[-2:]
    assert last["pageInfo"]["hasPreviousPage"] is True
    assert last["pageInfo"]["hasNextPage"] is False
    before = ask(PAGES, last=2, before=last["pageInfo"]["startCursor"])["news"]
    assert titles(before) == everything[1:3]


def test_a_new_item_at_the_front_repeats_nothing(news, ask):
    first = ask(PAGES, first=2)["news"]
    expected = titles(ask(PAGES, first=5)["news"])[2:]
    factories.page(models.NewsPage, news, title="News 6")
    assert titles(ask(PAGES, first=5, after=first["pageInfo"]["endCursor"])["news"]) == expected


def test_a_cursor_whose_item_is_gone_still_works(news, ask):
    first = ask(PAGES, first=2)["news"]
    expected = titles(ask(PAGES, first=5)["news"])[2:]
    models.NewsPage.objects.get(title=first["nodes"][-1]["title"]).delete()
    assert titles(ask(PAGES, first=5, after=first["pageInfo"]["endCursor"])["news"]) == expected


def test_first_is_capped_at_a_hundred_and_may_be_nothing(news, ask):
    assert titles(ask(PAGES, first=0)["news"]) == []
    assert len(titles(ask(PAGES, first=100_000)["news"])) == 5


def test_a_cursor_of_another_list_is_refused(news, ask, refused, home):
    meetings = factories.page(models.MeetingIndexPage, home)
    factories.page(models.MeetingPage, meetings)
    cursor = ask("{ meetings { pageInfo { endCursor } } }")["meetings"]["pageInfo"]["endCursor"]
    [error] = refused(PAGES, after=cursor)
    assert error["message"] == 'Argument "after": this is not a cursor of this list.'


def test_meetings_upcoming_past_and_all(home, ask):
    index = factories.page(models.MeetingIndexPage, home)
    for month in (1, 3, 5):
        factories.page(
            models.MeetingPage,
            index,
            title=f"Month {month}",
            slug=f"m{month}",
            starts_at=london(2026, month, 2, 10),
        )
    query = "query($when: MeetingWhen) { meetings(when: $when) { totalCount nodes { title startsAt } } }"
    with time_machine.travel(london(2026, 2, 1, 12), tick=False):
        answers = {when: ask(query, when=when)["meetings"] for when in ("ALL", "UPCOMING", "PAST")}
    assert {when: titles(answer) for when, answer in answers.items()} == {
        "ALL": ["Month 5", "Month 3", "Month 1"],
        "UPCOMING": ["Month 3", "Month 5"],
        "PAST": ["Month 1"],
    }
    # The offset of London: winter time in March, summer time in May.
    assert [node["startsAt"] for node in answers["UPCOMING"]["nodes"]] == [
        "2026-03-02T10:00:00+00:00",
        "2026-05-02T10:00:00+01:00",
    ]


def test_next_meeting_skips_what_residents_cannot_come_to(home, ask):
    index = factories.page(models.MeetingIndexPage, home)
    common = {"status_notice": "<p>Notice</p>", "closed_reason": "Reason"}
    for day, fields in (
        (2, {"status": "cancelled"}),
        (3, {"status": "postponed"}),
        (4, {"open_to_public": "closed"}),
        (5, {"open_to_public": "part", "title": "Open in part"}),
        (6, {"title": "Later"}),
    ):
        factories.page(
            models.MeetingPage,
            index,
            slug=f"day-{day}",
            starts_at=london(2026, 3, day, 10),
            **common,
            **fields,
        )
    with time_machine.travel(london(2026, 2, 1, 12), tick=False):
        assert ask("{ nextMeeting { title } }")["nextMeeting"] == {"title": "Open in part"}


def test_news_filters(home, ask):
    index = factories.page(models.NewsIndexPage, home)
    period = factories.page(models.PriorityPeriodPage, home)
    priority = factories.page(models.PriorityPage, period, slug="one")
    topic = factories.topic(slug="cycling")
    with time_machine.travel(london(2026, 1, 1, 12), tick=False):
        factories.page(models.NewsPage, index, title="Old")
    with time_machine.travel(london(2026, 1, 2, 12), tick=False):
        factories.page(models.NewsPage, index, title="About one", priority=priority)
        tagged = factories.draft(models.NewsPage, index, title="Tagged")
        tagged.topics = [topic]
        factories.publish(tagged)

    def found(**arguments):
        query = "query($topic: String, $priority: String, $after: DateTime) { news(topic: $topic, priority: $priority, publishedAfter: $after) { totalCount nodes { title topics { slug } } } }"
        return sorted(titles(ask(query, **arguments)["news"]))

    assert found(topic="cycling") == ["Tagged"]
    assert found(topic=str(topic.uuid)) == ["Tagged"]
    assert found(topic="unknown") == found(topic=str(uuid.uuid4())) == []
    assert found(priority="one") == ["About one"]
    assert found(priority=str(priority.uuid)) == ["About one"]
    assert found(after="2026-01-01T12:00:00+00:00") == ["About one", "Tagged"]
    told = {"id": str(topic.uuid), "name": topic.name, "slug": "cycling"}
    assert ask("{ topics { id name slug } }")["topics"] == [told]
    topic.name, topic.slug = "Riding", "riding"
    topic.save()
    assert found(topic=told["id"]) == found(topic="riding") == ["Tagged"]
    assert ask("{ topics { id name slug } }")["topics"] == [{**told, "name": "Riding", "slug": "riding"}]


def test_periods_and_their_status(home, ask):
    for start, end in (("2023", "2025"), ("2025", "2027"), ("2027", "2029")):
        period = factories.page(
            models.PriorityPeriodPage,
            home,
            title=f"{start} to {end}",
            slug=f"p{start}",
            starts_on=start,
            ends_on=end,
        )
        factories.page(models.PriorityPage, period, title=f"Priority of {start}", number=1)
    query = """{ partnership { currentPeriod { title status } pastPeriods { title status } }
      priorities { title period { title status } } }"""
    with time_machine.travel(london(2025, 12, 31, 23), tick=False):
        answer = ask(query)
    # Both contain the day; the later start is current.
    assert answer["partnership"] == {
        "currentPeriod": {"title": "2025 to 2027", "status": "CURRENT"},
        "pastPeriods": [{"title": "2023 to 2025", "status": "PAST"}],
    }
    assert answer["priorities"] == [
        {"title": "Priority of 2025", "period": {"title": "2025 to 2027", "status": "CURRENT"}}
    ]
    with time_machine.travel(london(2030, 1, 1, 0), tick=False):
        assert ask(query)["partnership"]["currentPeriod"] is None
        assert ask(query)["priorities"] == []
    by_slug = ask('{ priorities(period: "p2027") { title period { status } } }')["priorities"]
    assert [priority["title"] for priority in by_slug] == ["Priority of 2027"]
    assert ask('{ priorities(period: "nothing") { title } }')["priorities"] == []
    key = models.PriorityPeriodPage.objects.get(slug="p2027").uuid
    by_id = ask(f'{{ priorities(period: "{key}") {{ title }} }}')["priorities"]
    assert by_id == [{"title": "Priority of 2027"}]


# --- Every combination of arguments, against a plain list ------------------------------------------------------

PART = """($first: Int, $after: String, $last: Int, $before: String) {
  list: %s(first: $first, after: $after, last: $last, before: $before) { ...Part } }"""
IN_FULL = """{ totalCount nodes { title } edges { cursor node { title } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"""
NUMBERS = (None, 0, 2, 3, 9)


def expected_part(everything, first, after, last, before):
    """What the Relay specification says, of a plain list; `after` and `before` are places in it, or None."""
    between = everything[0 if after is None else after + 1 : before]
    if last is None:
        part, cut = between[:first], first is not None and first < len(between)
        return part, after is not None, before is not None or cut
    part, cut = between[-last:] if last else [], last < len(between)
    return part, after is not None or cut, before is not None


@pytest.fixture
def several(home):
    """Six news, and six pages below a page with drafts between them: the answers to the whole of each list."""
    index = factories.page(models.NewsIndexPage, home, slug="news")
    for number in range(6):
        with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=number // 2), tick=False):
            factories.page(models.NewsPage, index, title=f"News {number}")
        factories.draft(models.NewsPage, index)
    topical = factories.page(models.StandardPage, home, slug="advice", title="Advice")
    for number in range(6):
        factories.draft(models.StandardPage, topical)
        factories.page(models.StandardPage, topical, title=f"Page {number}")


LISTS = {
    "news": f"query {PART % 'news'} fragment Part on NewsConnection {IN_FULL}",
    "children": "query "
    + (PART % "children").replace("{\n  list", '{ above: page(urlPath: "/advice/") { list').replace("} }", "} } }")
    + f" fragment Part on PageConnection {IN_FULL}",
}


@pytest.mark.parametrize("name", LISTS)
def test_every_combination_of_arguments_gives_what_relay_says(name, several, ask, refused):
    def part(**args):
        answer = ask(LISTS[name], **args)
        return answer.get("above", answer)["list"]

    whole = part(first=100)
    everything, cursors = titles(whole), [edge["cursor"] for edge in whole["edges"]]
    assert len(everything) == 6
    places = (None, 0, 2, 5)
    for first, last, after, before in product(NUMBERS, NUMBERS, places, places):
        both = first is not None and last is not None
        if both and (after, before) not in ((None, None), (0, 5)):
            continue  # refused for the two numbers alone
        asked = {
            "first": first,
            "last": last,
            "after": None if after is None else cursors[after],
            "before": None if before is None else cursors[before],
        }
        if both:
            [error] = refused(LISTS[name], **asked)
            assert error["message"] == 'Argument "last": give first or last, not both.'
            continue
        expected, earlier, later = expected_part(everything, first, after, last, before)
        found = part(**asked)
        said = (first, last, after, before)
        assert titles(found) == expected, said
        assert [edge["node"]["title"] for edge in found["edges"]] == expected, said
        assert found["totalCount"] == 6, said
        own = [cursors[everything.index(title)] for title in expected]
        assert found["pageInfo"] == {
            "hasPreviousPage": earlier,
            "hasNextPage": later,
            "startCursor": own[0] if own else None,
            "endCursor": own[-1] if own else None,
        }, said


def test_what_lies_beyond_a_cursor_is_looked_up_when_its_item_is_gone(news, ask):
    [cursor] = [edge["cursor"] for edge in ask(PAGES, first=1)["news"]["edges"]]
    assert ask(PAGES, first=1, after=cursor)["news"]["pageInfo"]["hasPreviousPage"] is True
    models.NewsPage.objects.get(title="News 5").delete()
    after = ask(PAGES, first=4, after=cursor)["news"]
    assert titles(after)[0] == "News 4"
    assert after["pageInfo"]["hasPreviousPage"] is False


# --- The pages below a page ------------------------------------------------------------------------------------

BELOW = """query($path: String!, $first: Int, $after: String) { page(urlPath: $path) {
  children(first: $first, after: $after) { nodes { title } edges { cursor } pageInfo { hasNextPage endCursor } } } }"""


@pytest.fixture
def below(home, ask):
    """Pages A to E below "/advice/", and what the API tells of them."""
    parent = factories.page(models.StandardPage, home, slug="advice")
    for name in "ABCDE":
        factories.page(models.StandardPage, parent, title=name, slug=name.lower())

    def part(first, after=None, path="/advice/"):
        return ask(BELOW, path=path, first=first, after=after)["page"]["children"]

    return parent, part


def plain(cursor):
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def test_a_cursor_of_the_tree_is_the_same_with_hidden_pages_beside_it(below):
    parent, part = below
    made = {title: models.StandardPage.objects.get(title=title) for title in "ABCDE"}
    before = [edge["cursor"] for edge in part(5)["edges"]]
    assert [plain(cursor) for cursor in before] == [f'[1,"tree","{page.uuid}"]' for page in made.values()]
    hidden = factories.draft(models.StandardPage, parent)
    hidden.move(made["C"], pos="left")
    assert [edge["cursor"] for edge in part(5)["edges"]] == before
    assert titles(part(5, after=before[1])) == ["C", "D", "E"]


def test_after_pages_were_moved_a_list_goes_on_after_the_page_of_the_cursor(below):
    parent, part = below
    first = part(2)
    assert titles(first) == ["A", "B"]
    models.StandardPage.objects.get(title="E").move(models.StandardPage.objects.get(title="A"), pos="left")
    assert titles(part(5, after=first["pageInfo"]["endCursor"])) == ["C", "D"]  # no page comes twice
    models.StandardPage.objects.get(title="B").move(parent, pos="last-child")
    assert titles(part(5, after=first["pageInfo"]["endCursor"])) == []
    assert titles(part(5)) == ["E", "A", "C", "D", "B"]


@pytest.mark.parametrize("how", ["unpublished", "deleted", "moved elsewhere"])
def test_the_page_of_a_cursor_goes(how, below, home, ask, refused):
    _, part = below
    cursor = part(2)["pageInfo"]["endCursor"]
    page = models.StandardPage.objects.get(title="B")
    if how == "unpublished":
        page.unpublish()
        assert titles(part(2, after=cursor)) == ["C", "D"]
        return
    if how == "deleted":
        page.delete()
        why = "the page of this cursor was deleted: start again without a cursor."
    else:
        page.move(home, pos="last-child")
        why = "this is not a cursor of this list."
    [error] = refused(BELOW, path="/advice/", after=cursor)
    assert error["message"] == f'Argument "after": {why}'
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


def test_a_page_that_was_never_public_has_no_cursor(below, refused):
    """A forged cursor tells nothing of a draft, not even to somebody who knows its uuid."""
    parent, _ = below
    draft = factories.draft(models.StandardPage, parent)
    forged = base64.urlsafe_b64encode(f'[1,"tree","{draft.uuid}"]'.encode()).decode().rstrip("=")
    nobody = base64.urlsafe_b64encode(f'[1,"tree","{uuid.uuid4()}"]'.encode()).decode().rstrip("=")
    answers = [refused(BELOW, path="/advice/", after=cursor) for cursor in (forged, nobody)]
    assert answers[0] == answers[1]


def test_a_cursor_of_the_tree_costs_one_query(below):
    _, part = below
    cursor = part(1)["pageInfo"]["endCursor"]
    assert len(queries(lambda: part(3, after=cursor))) == len(queries(lambda: part(3))) + 1


def test_no_cursor_holds_more_than_readers_are_told(home, ask):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    with time_machine.travel(london(2026, 1, 1, 12), tick=False):
        news = factories.page(models.NewsPage, index, title="Burglary")
        factories.page(
            models.MeetingPage, factories.page(models.MeetingIndexPage, home), starts_at=london(2026, 2, 1, 9)
        )
    [meeting] = models.MeetingPage.objects.all()
    answer = ask(
        """{ news { edges { cursor } } meetings { edges { cursor } } search(query: "burglary") { edges { cursor } }
        changes(last: 1) { edges { cursor } } }"""
    )
    found = {name: plain(part["edges"][0]["cursor"]) for name, part in answer.items()}
    assert found["news"] == f'[1,"news","2026-01-01T12:00:00+00:00","{news.uuid}"]'
    assert found["meetings"] == f'[1,"meetings","2026-02-01T09:00:00+00:00","{meeting.uuid}"]'
    assert re.fullmatch(rf'\[1,"search [0-9a-f]+",[0-3],"2026-01-01T12:00:00\+00:00","{news.uuid}"\]', found["search"])
    assert found["changes"] == f'[1,"changes",{models.PublicChange.objects.count()},"2026-01-01T12:00:00+00:00"]'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: -1", 'Argument "first": give a number from 0 to 100.'),
        ("first: 1, last: 1", 'Argument "last": give first or last, not both.'),
        ('after: "x"', 'Argument "after": this is not a cursor of this list.'),
        ('first: 2, before: "x"', 'Argument "before": this is not a cursor of this list.'),
    ],
)
def test_the_children_of_a_withdrawn_page_refuse_what_every_list_refuses(arguments, message, home, ask, refused):
    page = factories.page(models.StandardPage, home, slug="old")
    page.unpublish()
    query = '{ page(urlPath: "/old/") { __typename children%s { totalCount nodes { id } } } }'
    empty = {"page": {"__typename": "WithdrawnPage", "children": {"totalCount": 0, "nodes": []}}}
    assert ask(query % "(first: 2, after: null, last: null, before: null)") == empty
    [error] = refused(query % f"({arguments})")
    assert error["message"] == message
