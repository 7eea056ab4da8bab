"""Lists: their order, their cursors, and that a change of content meanwhile moves nothing."""

from datetime import timedelta

import pytest
import time_machine

from pages import models
from tests import factories
from tests.factories import london

PAGES = """query($first: Int, $after: String, $last: Int, $before: String) {
  news(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { title } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


@pytest.fixture
def news(home):
    """Five news, "News 5" the newest; 2 and 3 were published in the same instant."""
    index = factories.page(models.NewsIndexPage, home, slug="news")
    for number, minutes in ((1, 0), (2, 10), (3, 10), (4, 20), (5, 30)):
        with time_machine.travel(london(2026, 1, 1, 12) + timedelta(minutes=minutes), tick=False):
            factories.page(models.NewsPage, index, title=f"News {number}")
    return index


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
    assert error["message"] == 'Argument "after": this is not a cursor that this list gave out.'


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
    assert found(topic="unknown") == []
    assert found(priority="one") == ["About one"]
    assert found(priority=str(priority.uuid)) == ["About one"]
    assert found(after="2026-01-01T12:00:00+00:00") == ["About one", "Tagged"]
    assert ask("{ topics { name slug } }")["topics"] == [{"name": topic.name, "slug": "cycling"}]


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
