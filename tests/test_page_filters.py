"""Arguments of lists: times and dates, enumerations, and names of what may not exist; and the list of all pages."""

import json

import pytest
import time_machine

from pages import models
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.hidden_content import administrator

NEWS = """query ($topic: String, $priority: String, $after: DateTime, $before: DateTime) {
  news(topic: $topic, priority: $priority, publishedAfter: $after, publishedBefore: $before) { nodes { title } } }"""
MEETINGS = """query ($after: DateTime, $before: DateTime, $status: [MeetingStatus!], $when: MeetingWhen! = ALL) {
  meetings(startsAfter: $after, startsBefore: $before, status: $status, when: $when) { nodes { title } } }"""
PAGES = """query ($types: [PageType!], $under: String, $updated: DateTime, $first: Int, $after: String) {
  pages(types: $types, under: $under, updatedAfter: $updated, first: $first, after: $after) {
    totalCount pageInfo { endCursor hasNextPage } nodes { title urlPath updatedAt } } }"""


def titles(data):
    return [node["title"] for node in next(iter(data.values()))["nodes"]]


def warnings(client, query, **variables):
    answer = client.post("/graphql/", {"query": query, "variables": variables}, content_type="application/json")
    content = json.loads(answer.content)
    assert "errors" not in content
    return content.get("extensions", {}).get("warnings", [])


def unknown(argument, field):
    return {
        "message": f'Argument "{argument}": nothing public has this slug or id.',
        "path": [field],
        "extensions": {"code": "NOTHING_NAMED"},
    }


def test_news_and_meetings_by_date(home, ask, refused):
    news, meetings = factories.page(models.NewsIndexPage, home), factories.page(models.MeetingIndexPage, home)
    for day in (23, 24, 25):
        with time_machine.travel(factories.london(2026, 6, day, 0, 30), tick=False):
            factories.page(models.NewsPage, news, title=f"June {day}")
        starts = factories.london(2026, 6, day, 0, 30)
        factories.page(models.MeetingPage, meetings, slug=f"m{day}", title=f"June {day}", starts_at=starts)
    for query in (NEWS, MEETINGS):
        # A date is the beginning of the day in London, which has summer time.
        assert titles(ask(query, after="2026-06-24")) == ["June 25", "June 24"]
        assert titles(ask(query, before="2026-06-24")) == ["June 23"]
        assert titles(ask(query, after="2026-06-24", before="2026-06-25")) == ["June 24"]
        assert titles(ask(query, after="2026-06-24T00:29:59+01:00")) == ["June 25", "June 24"]
        assert titles(ask(query, after="2026-06-24T00:30:00+01:00")) == ["June 25"]
        [error] = refused(query, after="2026-06-24T10:00:00")
        assert error["message"].endswith("give a date, or a time with its offset, as in 2026-02-24T10:00:00+00:00.")
        [error] = refused(query, before="1066-10-14")
        assert error["message"].endswith('Before": give a year from 1900 to 2200.')


def test_meetings_by_status(home, ask):
    index = factories.page(models.MeetingIndexPage, home)
    for number, status in enumerate(("provisional", "confirmed", "held")):
        factories.page(models.MeetingPage, index, slug=status, title=status, status=status,
                       starts_at=factories.london(2026, 1, 1 + number, 10))  # fmt: skip
    assert titles(ask(MEETINGS, status=["HELD", "CONFIRMED"])) == ["held", "confirmed"]
    for all_of_them in ([], None):
        assert titles(ask(MEETINGS, status=all_of_them)) == ["held", "confirmed", "provisional"]
    assert titles(ask(MEETINGS, status=["HELD"], when="UPCOMING")) == []


def test_an_empty_list_of_types_means_all(home, ask):
    factories.page(models.StandardPage, home, title="Bicycle")
    query = 'query ($types: [PageType!]) { search(query: "bicycle", types: $types) { nodes { title } } }'
    assert [titles(ask(query, types=types)) for types in ([], None, ["STANDARD_PAGE"], ["NEWS_PAGE"])] == [
        ["Bicycle"], ["Bicycle"], ["Bicycle"], [],
    ]  # fmt: skip


@pytest.mark.parametrize("is_there", [False, True])
def test_what_an_argument_names_in_vain_is_told_alike_whether_hidden_or_not_there(home, client, is_there):
    if is_there:
        draft = factories.draft(models.StandardPage, home, slug="nothing", topics=[])
        draft.topics = [factories.topic(slug="nothing")]
        draft.save_revision()
        period = factories.draft(models.PriorityPeriodPage, home, slug="nothing-period")
        factories.draft(models.PriorityPage, period, slug="nothing")
    assert warnings(client, NEWS, topic="nothing", priority="nothing") == [
        unknown("topic", "news"), unknown("priority", "news"),
    ]  # fmt: skip
    assert warnings(client, '{ priorities(period: "nothing-period") { title } }') == [unknown("period", "priorities")]
    assert warnings(client, PAGES, under="/nothing/") == [unknown("under", "pages")]
    search = '{ search(query: "bicycle", topic: "nothing") { totalCount } }'
    assert warnings(client, search) == [unknown("topic", "search")]


def test_what_is_public_and_has_nothing_is_no_warning(home, client):
    topic = factories.topic(slug="parks")
    page = factories.page(models.StandardPage, home, slug="page")
    page.topics = [topic]
    factories.publish(page)
    assert warnings(client, NEWS, topic="parks") == warnings(client, NEWS, topic=str(topic.uuid)) == []
    assert warnings(client, PAGES, under="/page/") == warnings(client, PAGES, under=str(page.uuid)) == []


def test_all_pages_are_listed_newest_first_by_type_place_and_time(home, ask):
    made = {}
    parents = {"a": home, "b": home, "c": "a", "d": "c"}
    for hour, (name, parent) in enumerate(parents.items()):
        with time_machine.travel(factories.london(2026, 3, 1, 10 + hour), tick=False):
            made[name] = factories.page(models.StandardPage, made.get(parent, home), slug=name, title=name.upper())
    factories.draft(models.StandardPage, home, title="Draft")
    with time_machine.travel(factories.london(2026, 3, 2, 9), tick=False):
        made["a"].refresh_from_db()
        made["a"].summary = "Corrected."
        factories.publish(made["a"])
        take_down(made["b"], administrator(), "It names somebody.")
    assert titles(ask(PAGES)) == ["D", "C", "A", home.title]
    assert titles(ask(PAGES, under="/")) == ["D", "C", "A"]
    assert titles(ask(PAGES, under="/a/")) == titles(ask(PAGES, under=str(made["a"].uuid))) == ["D", "C"]
    assert titles(ask(PAGES, under=str(made["b"].uuid))) == []
    assert titles(ask(PAGES, types=["PARTNERSHIP_PAGE"])) == [home.title]
    assert titles(ask(PAGES, types=[])) == ["D", "C", "A", home.title]
    [updated] = ask(PAGES, updated="2026-03-02")["pages"]["nodes"]
    assert updated == {"title": "A", "urlPath": "/a/", "updatedAt": "2026-03-02T09:00:00+00:00"}
    first = ask(PAGES, first=2)["pages"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (4, True)
    assert titles(ask(PAGES, first=2, after=first["pageInfo"]["endCursor"])) == ["A", home.title]


ADDRESSES = """{ navigation { url urlPath children { url urlPath } }
  feeds { title format priority } meetings { nodes { id calendarUrl } }
  partnership { relatedWork { url urlPath } } businessAsUsual { topics { url urlPath } } alerts { url urlPath } }"""


def test_addresses_of_the_site_have_their_path_beside_them(home, ask, client, settings):
    settings.WEBSITE_URL = "https://www.example.org/safety"
    links = {
        "https://www.example.org/safety/news/?a=1#b": "/news/?a=1#b",
        "https://www.example.org/safety": "/",
        "http://testserver/feeds/": "/feeds/",
        "https://www.example.org/elsewhere/": None,
        "https://elsewhere.example/": None,
    }
    home.related_work = [models.RelatedLink(title="Link", url=url) for url in links]
    factories.publish(home)
    work = [models.WorkTopic(title="Topic", url=url) for url in [*links, ""]]
    factories.page(models.BusinessAsUsualPage, home, work_topics=work, slug="work", show_in_menus=True)
    index = factories.page(models.MeetingIndexPage, home, slug="meetings", show_in_menus=True)
    meeting = factories.page(models.MeetingPage, index, show_in_menus=True, slug="m")
    period = factories.page(models.PriorityPeriodPage, home)
    priority = factories.page(
        models.PriorityPage, period, title="Streets", actions=[models.Action(text="Act", horizon="in-year")]
    )
    told = ask(ADDRESSES)
    assert {each["url"]: each["urlPath"] for each in told["partnership"]["relatedWork"]} == links
    assert {each["url"]: each["urlPath"] for each in told["businessAsUsual"]["topics"]} == links | {None: None}
    assert {each["urlPath"]: each["url"] for each in told["navigation"]} == {
        path: f"https://www.example.org/safety{path}" for path in ("/work/", "/meetings/")
    }
    [below] = [child for each in told["navigation"] for child in each["children"]]
    assert below == {"url": "https://www.example.org/safety/meetings/m/", "urlPath": "/meetings/m/"}
    [shown] = told["meetings"]["nodes"]
    assert shown["calendarUrl"] == f"http://testserver/meetings/{meeting.uuid}.ics"
    assert client.get(shown["calendarUrl"]).status_code == 200
    of_priorities = {(each["title"], each["priority"]) for each in told["feeds"] if each["priority"]}
    assert of_priorities == {("Streets", str(priority.uuid))}
