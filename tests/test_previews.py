"""The previews in the admin: what each channel will carry, made from the unsaved draft, and seen by nobody else."""

import json
from datetime import timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction, Page, Revision

from cms.graphql.schema.query import schema
from feeds.build.items import update_entries
from feeds.build.stories import entry_page_types
from feeds.catalogue import listing
from feeds.read.sources import feed
from pages import models
from pages.models import ContentPage
from tests import factories
from tests.admin_forms import posted
from tests.factories import london
from tests.test_admin import PLACES, sign_in  # noqa: F401 - fixtures
from tests.whole_schema import QUERIES, everything

NOW = london(2026, 2, 1, 9)
MARKER = "DRAFT-WORD-THAT-NO-READER-MAY-SEE"
FED = ["", "feed", "search", "social", "graphql"]
EVERYWHERE = ["", "search", "social", "graphql"]
MODES = {
    models.AnnualReviewPage: FED,
    models.BusinessAsUsualPage: EVERYWHERE,
    models.CommunitySafetyPlanPage: FED,
    models.DeathReviewIndexPage: EVERYWHERE,
    models.DeathReviewNoticePage: FED,
    models.InsightPage: FED,
    models.MeetingIndexPage: EVERYWHERE,
    models.MeetingPage: ["", "feed", "calendar", "search", "social", "graphql"],
    models.NewsIndexPage: EVERYWHERE,
    models.NewsPage: FED,
    models.PartnershipPage: EVERYWHERE,
    models.PriorityPage: FED,
    models.PriorityPeriodPage: EVERYWHERE,
    models.PublicationIndexPage: EVERYWHERE,
    models.StandardPage: EVERYWHERE,
}
# What types need beside what the factories give them.
MORE = {
    models.InsightPage: {"disclosure_checked_by": "A colleague", "disclosure_checked_on": "2026-01-01"},
}


@pytest.fixture(autouse=True)
def _clock():
    """Nothing moves between a preview and the publication."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(client, home):
    user = User.objects.create_superuser("root")
    user.groups.set(Group.objects.filter(name__in=["Moderators", "Safeguarding leads"]))
    client.force_login(user)
    return client


@pytest.fixture(scope="session")
def recorded_meeting(record):
    return record(meeting_that_is_called_off, at=NOW)


@pytest.fixture
def meeting(home, recorded_meeting):
    """A meeting that readers know of, and a later draft of it, which calls it off and adds a paper."""
    recorded_meeting.write()
    home.refresh_from_db()
    return models.MeetingPage.objects.get().get_latest_revision_as_object()


def meeting_that_is_called_off():
    home = models.PartnershipPage.objects.get()
    index = factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")
    meeting = factories.page(
        models.MeetingPage,
        index,
        title="Partnership meeting",
        slug="february",
        summary="Reports & questions.",
        status="confirmed",
        venue=factories.venue(name="Fire Station", address="Cambridge", postcode="CB1 1JF"),
        papers=[models.Paper(kind="agenda", document=factories.document("Agenda"))],
    )
    meeting.topics.add(factories.topic(name="Cycling"))
    meeting.status = "cancelled"
    meeting.status_notice = "<p>Too few people.</p>"
    meeting.agenda_items = [models.AgendaItem(number=str(number), title=f"Item {number}") for number in (1, 2)]
    meeting.papers.add(models.Paper(kind="report", agenda_item_number="2", document=factories.document("Report")))
    meeting.update_kind, meeting.change_note = "major", "The meeting is off."
    meeting.save_revision()


def form_of(client, url):
    """The form of an edit screen as the browser sends it, with what its script adds for bodies."""
    return {"body-count": "0", **posted(client.get(url).content)}


def preview_of(client, page, mode, **typed):
    """A preview of the latest draft, or of what was typed on its edit screen and not saved."""
    return BeautifulSoup(previewed(client, page, mode, **typed), "html.parser")


def previewed(client, page, mode, **typed):
    client.force_login(User.objects.get(username="root"))  # a test that waits for days outlives its session
    url = reverse("wagtailadmin_pages:view_draft", args=[page.pk])
    if typed:
        url = reverse("wagtailadmin_pages:preview_on_edit", args=[page.pk])
        data = form_of(client, reverse("wagtailadmin_pages:edit", args=[page.pk]))
        assert client.post(url, {**data, **typed}).json() == {"is_valid": True, "is_available": True}
    response = client.get(url, {"mode": mode})
    assert response.status_code == 200
    return response.content.decode()


def entries(name):
    """What the feed of this name holds now."""
    at = timezone.now()
    update_entries(at)
    return list(feed(listing(name, at), at).entries)


def words(soup, selector="main"):
    return " ".join(soup.select_one(selector).get_text(" ").split())


def terms(soup):
    """A list of terms and descriptions as a dictionary."""
    return {dt.text: dt.find_next_sibling("dd").text for dt in soup.select("dl dt")}


# --- Which modes there are ---


def test_each_page_type_has_the_previews_of_the_channels_that_carry_it(db):
    types = [model for model in _below(ContentPage) if not model._meta.abstract]
    assert {model: [name for name, _ in model().preview_modes] for model in types} == MODES
    assert models.MeetingPage().preview_modes == [
        ("", "Page"),
        ("feed", "Feed reader"),
        ("calendar", "Calendar"),
        ("search", "Search result"),
        ("social", "Social card"),
        ("graphql", "GraphQL"),
    ]
    # What has a feed mode is in a feed, and the other way round.
    assert set(entry_page_types()) == {model for model, names in MODES.items() if "feed" in names}


def _below(model):
    return [each for child in model.__subclasses__() for each in (child, *_below(child))]


@pytest.mark.parametrize("model", MODES, ids=lambda model: model.__name__)
def test_every_mode_of_every_page_type_takes_an_empty_form(tree, staff, model):
    parent = tree[PLACES[model]] if model in PLACES else tree["home"]
    if model is models.PartnershipPage:
        parent = Page.objects.get(depth=1)
        tree["home"].delete()
    elif model not in PLACES:
        tree[model].delete()  # there can be one
    arguments = ["pages", model._meta.model_name, parent.pk]
    data = form_of(staff, reverse("wagtailadmin_pages:add", args=arguments))
    url = reverse("wagtailadmin_pages:preview_on_add", args=arguments)
    assert staff.post(url, data).json() == {"is_valid": True, "is_available": True}
    count = Page.objects.count()
    for mode, label in model().preview_modes:
        response = staff.get(url, {"mode": mode})
        assert response.status_code == 200, mode
        soup = BeautifulSoup(response.content, "html.parser")
        title = soup.select_one("h1").text
        if mode:
            assert title == label
        elif model is models.DeathReviewNoticePage:
            assert title.startswith("Death review DR-")
        else:
            assert title == "Placeholder title"
    assert Page.objects.count() == count


def test_a_mode_that_a_type_has_not_is_not_found(staff, home):
    index = factories.page(models.NewsIndexPage, home)
    news = factories.draft(models.NewsPage, index)
    for page, mode in ((news, "calendar"), (index, "feed"), (news, "nonsense")):
        url = reverse("wagtailadmin_pages:view_draft", args=[page.pk])
        assert staff.get(url, {"mode": mode}).status_code == 404


# --- The same as after publication ---


@pytest.mark.parametrize("model", [*PLACES, models.PartnershipPage], ids=lambda model: model.__name__)
def test_graphql_answers_for_a_draft_as_for_the_page_once_it_is_published(tree, staff, ask, model):
    if model is models.PartnershipPage:
        page = tree["home"]
        page.memberships = [models.Membership(agency=factories.agency(name="Fire Service"), role="observer")]
        page.update_kind, page.change_note, page.strapline = "major", "A member more.", "Together"
        page.save_revision()
    else:
        page = factories.draft(model, tree[PLACES[model]], **MORE.get(model, {}))
    page.topics.add(factories.topic())
    page.save_revision()
    soup = preview_of(staff, page, "graphql")
    query, answer = (each.text for each in soup.select("pre"))
    data = json.loads(answer)["data"]
    assert data["page"]["title"] == page.title
    assert data["page"]["__typename"] == model.__name__
    assert "Fields that need a value" not in words(soup)
    factories.publish(page.get_latest_revision_as_object())
    assert ask(query) == data


def test_graphql_answers_with_rows_that_were_never_saved_and_with_the_changes_that_readers_are_told(
    meeting, staff, ask
):
    report = meeting.papers.all()[1].document
    factories.page(  # makes the report public elsewhere: it can be shown at once
        models.NewsPage,
        factories.page(models.NewsIndexPage, meeting.get_parent().get_parent()),
        body=[("document", report)],
    )
    query, answer = (each.text for each in preview_of(staff, meeting, "graphql").select("pre"))
    page = json.loads(answer)["data"]["page"]
    assert page["changeHistory"] == [{"at": "2026-02-01T09:00:00+00:00", "note": "The meeting is off."}]
    assert [(change["field"], change["after"]) for change in page["changeLog"]] == [("status", "Cancelled")]
    papers = [(item["number"], [paper["title"] for paper in item["papers"]]) for item in page["agendaItems"]]
    assert papers == [("1", []), ("2", ["Report"])]
    [topic] = models.Topic.objects.all()
    assert page["topics"] == [{"id": str(topic.uuid), "name": "Cycling", "slug": topic.slug}]
    factories.publish(meeting.get_latest_revision_as_object())
    assert ask(query)["page"] == page


def test_the_query_beside_the_answer_is_valid_for_every_type(db):
    from graphql import parse, validate  # noqa: PLC0415
    from grapple.registry import registry  # noqa: PLC0415

    from cms.graphql.schema.page_query import page_query  # noqa: PLC0415

    for model in MODES:
        query = page_query(schema.graphql_schema, registry.models[model]._meta.name, '/a "quoted" path/')
        assert validate(schema.graphql_schema, parse(query)) == [], model


def test_the_feed_preview_of_a_new_page_is_the_entry_that_the_feed_gets(home, staff):
    index = factories.page(models.NewsIndexPage, home, title="News", slug="news")
    page = factories.draft(
        models.NewsPage,
        index,
        title="A bench",
        summary="One & more.",
        image=factories.image(description="A new bench"),
        body=[("heading", {"text": "Where", "level": "2"}), ("document", factories.document("Map"))],
    )
    page.topics.add(factories.topic(name="Parks"))
    page.save_revision()
    html = previewed(staff, page, "feed")
    soup = BeautifulSoup(html, "html.parser")
    assert entries("news") == []
    factories.publish(page.get_latest_revision_as_object())
    (entry,) = entries("news")
    assert entry.content in html
    assert 'alt="A new bench"' in entry.content
    (file,) = entry.enclosures
    assert [link["href"] for link in soup.select(".files a")] == [file.url]
    assert [each.text for each in soup.select(".card h2, .card h2 + .note")][:2] == [entry.title, entry.url]
    assert soup.select_one(".summary").text == entry.summary == "One & more."
    assert entry.categories == ("Parks",)
    assert "Categories: Parks" in words(soup)
    assert "News (RSS 2.0, Atom 1.0, JSON Feed 1.1)" in words(soup)
    assert "Published 1 February 2026, 9am" in words(soup)
    assert words(soup, ".notice") == "Publishing this page adds a new entry to the feed."


def test_the_feed_preview_of_a_changed_page_is_the_entry_that_the_feed_gets(meeting, staff):
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        html = previewed(staff, meeting, "feed")
        (before,) = entries("meetings")
        assert before.title == "Partnership meeting"
        factories.publish(meeting.get_latest_revision_as_object())
        (*changes, entry) = entries("meetings")
    assert {change.title for change in changes} == {
        "Report published: Partnership meeting",
        "Meeting cancelled: Partnership meeting",
    }
    soup = BeautifulSoup(html, "html.parser")
    assert entry.content in html
    assert " has been cancelled: Too few people." in entry.content
    assert "Published 4 February 2026." in entry.content  # the paper that is new
    assert soup.select_one(".card h2").text == entry.title == "Cancelled: Partnership meeting"
    assert soup.select_one(".summary").text == entry.summary
    assert [link["href"] for link in soup.select(".files a")] == [file.url for file in entry.enclosures]
    assert len(entry.enclosures) == 2
    assert "An RSS entry can have one file, so RSS has the first." in words(soup)
    assert "Published 1 February 2026, 9am. Updated 4 February 2026, 9am" in words(soup)


def test_the_feed_preview_says_what_readers_notice(meeting, staff):
    major = (
        "A major update adds no second entry. The entry gets a new date of update, and many feed readers show it again."
    )
    minor = "A minor update adds no new entry. The text of the entry changes, and its dates stay the same."
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        soup = preview_of(staff, meeting, "feed")
        assert words(soup, ".notice") == major
        assert "Published 1 February 2026, 9am. Updated 4 February 2026, 9am" in words(soup)
        soup = preview_of(staff, meeting, "feed", update_kind="minor")
        assert words(soup, ".notice") == minor
        assert "Published 1 February 2026, 9am" in words(soup)
        assert "Updated" not in words(soup)


def test_the_feed_preview_says_when_the_feed_has_no_room_for_the_page(home, staff, monkeypatch):
    monkeypatch.setattr("feeds.read.sources.AT_ONCE", 1)
    monkeypatch.setattr("cms.previews.AT_ONCE", 1)
    index = factories.page(models.NewsIndexPage, home)
    old = factories.page(models.NewsPage, index)
    assert "not one of them" not in words(preview_of(staff, old, "feed"))
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        factories.page(models.NewsPage, index)
        assert len(entries("news")) == 1
        minor, major = (preview_of(staff, old, "feed", update_kind=kind) for kind in ("minor", "major"))
        assert words(minor, ".notice").endswith(
            "The feed has the 1 newest entries, and this page is no longer one of them."
        )
        assert "not one of them" not in words(major)  # a correction is told beside them


def test_a_file_that_readers_cannot_have_is_in_no_preview(home, staff):
    index = factories.page(models.NewsIndexPage, home)
    private = Collection.get_first_root_node().add_child(name="Private")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    secret = factories.document("Kept back", collection=private)
    page = factories.draft(models.NewsPage, index, body=[("document", secret), ("document", factories.document("Map"))])
    page.save_revision()
    for mode in ("", "feed"):
        assert "Map" in words(preview_of(staff, page, mode))
        assert "Kept back" not in words(preview_of(staff, page, mode))
    soup = preview_of(staff, page, "graphql")
    assert "Files that are not public yet are left out; they appear when the page is published." in words(soup)
    body = json.loads(soup.select("pre")[1].text)["data"]["page"]["body"]
    assert [block["document"] for block in body] == [None, None]


# --- What was typed and not saved ---


def test_what_was_typed_is_in_every_mode_and_reaches_no_reader(home, staff, ask):
    index = factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")
    page = factories.page(models.MeetingPage, index, title="Meeting", slug="february")
    revisions = Revision.objects.count()
    typed = {"title": MARKER, "slug": "moved", "summary": f"{MARKER} in short."}
    for mode in MODES[models.MeetingPage]:
        soup = preview_of(staff, page, mode, **typed)
        assert MARKER in words(soup), mode
        if mode:
            assert "http://testserver/meetings/moved/" in str(soup), mode
    staff.logout()
    assert Revision.objects.count() == revisions
    for address in ("/meetings/", "/meetings/february/", "/sitemap.xml", "/feeds/meetings.rss", "/feeds/meetings.atom"):
        response = staff.get(address)
        assert response.status_code == 200
        assert MARKER not in response.content.decode()
    for field in QUERIES:
        assert MARKER not in json.dumps(everything(field, "/meetings/february/"), default=str)
        assert MARKER not in json.dumps(everything(field, "/meetings/moved/"), default=str)
    assert staff.get("/meetings/moved/").status_code == 404


@pytest.mark.parametrize("mode", MODES[models.MeetingPage])
def test_a_preview_writes_nothing_and_costs_the_same_for_any_number_of_rows(home, staff, mode):
    index = factories.page(models.MeetingIndexPage, home)
    costs = []
    for rows in (2, 20):
        page = factories.draft(
            models.MeetingPage,
            index,
            slug=f"rows-{rows}",
            agenda_items=[models.AgendaItem(number=str(number), title="Item") for number in range(rows)],
            papers=[
                models.Paper(agenda_item_number=str(number), document=factories.document()) for number in range(rows)
            ],
        )
        page.topics.set([factories.topic() for _ in range(rows)])
        page.save_revision()
        draft = page.get_latest_revision_as_object()
        draft.make_preview_request(preview_mode=mode)  # fills caches
        draft = page.get_latest_revision_as_object()
        with CaptureQueriesContext(connection) as queries:
            assert draft.make_preview_request(preview_mode=mode).status_code == 200
        costs.append(len(queries))
        assert [
            query["sql"] for query in queries if query["sql"].split()[0] not in ("SELECT", "SAVEPOINT", "RELEASE")
        ] == []
    assert costs[0] == costs[1] <= 30


# --- Who sees it, and how ---


def test_previews_are_for_people_who_may_see_the_draft(tree, sign_in, client):  # noqa: F811
    notice = factories.draft(models.DeathReviewNoticePage, tree[models.DeathReviewIndexPage])
    news = factories.draft(models.NewsPage, tree[models.NewsIndexPage])
    names = ("view_draft", "preview_on_edit")
    addresses = {
        (name, page): reverse(f"wagtailadmin_pages:{name}", args=[page.pk]) for name in names for page in (notice, news)
    }
    for (_, page), url in addresses.items():
        for mode in MODES[type(page)]:
            refused = client.get(url, {"mode": mode})
            assert (refused.status_code, page.title in refused.content.decode()) == (302, False)
    editor = sign_in("Editors")
    for name in names:
        for mode in MODES[models.DeathReviewNoticePage]:
            refused = editor.get(addresses[name, notice], {"mode": mode})
            assert (refused.status_code, notice.title in refused.content.decode()) == (404, False)
    for mode in MODES[models.NewsPage]:
        response = editor.get(addresses["view_draft", news], {"mode": mode})
        assert response.status_code == 200
        assert news.title in response.content.decode()
        assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
        assert response["X-Robots-Tag"] == "noindex"
        assert response["X-Frame-Options"] == "SAMEORIGIN"
        assert response["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self' http://testserver;")
        assert b"<script" not in response.content


def test_a_notice_shows_nothing_restricted_and_its_neutral_title_in_every_mode(tree, staff):
    restricted = ("decision_reasons", "parallel_proceedings", "dates_to_avoid")
    notice = factories.draft(
        models.DeathReviewNoticePage,
        tree[models.DeathReviewIndexPage],
        name_blocklist=[MARKER],
        stage="in-progress",
        legal_clearance="not-asked",
        **dict.fromkeys(restricted, MARKER),
    )
    notice.save_revision()
    for mode in MODES[models.DeathReviewNoticePage]:
        html = str(preview_of(staff, notice, mode))
        assert f"Death review {notice.reference}" in html, mode
        assert MARKER not in html, mode
        for word in ("stage", "legalClearance", "qaOutcome", "in-progress"):
            assert word not in html, (mode, word)
    answer = json.loads(preview_of(staff, notice, "graphql").select("pre")[1].text)["data"]["page"]
    assert answer["minimumOnlineUntil"] == "2027-02-01"
