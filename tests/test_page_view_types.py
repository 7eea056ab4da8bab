"""What the HTML of each page type shows."""
# ruff: noqa: F811 - tests take the fixtures that are imported

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone

from documents.models import PublishedFile
from pages import models
from pages.content import plain_words
from tests import factories
from tests.factories import london
from tests.test_page_views import SECRET, _clock, article_of, at_path, main_of, meeting_index  # noqa: F401 - fixtures


def test_a_meeting_says_when_where_and_what(client, meeting_index):
    hall = factories.venue(name="Fire Station", room="Room 2", address="Cambridge", postcode="CB1 1JF", step_free="yes")
    agenda, report, exempt = (factories.document(title, b"x", "a.csv") for title in ("Agenda", "Report", SECRET))
    with time_machine.travel(london(2026, 2, 20, 9), tick=False):
        meeting = factories.page(
            models.MeetingPage,
            meeting_index,
            title="Partnership meeting",
            slug="m",
            starts_at=london(2026, 2, 24, 10),
            status="confirmed",
            venue=hall,
            open_to_public="part",
            closed_reason="Item 2 is exempt.",
            how_to_ask_a_question="<p>Write to us.</p>",
            questions_deadline=london(2026, 2, 23, 12),
            agenda_items=[
                models.AgendaItem(number="1", title="Bicycles"),
                models.AgendaItem(number="2", title="A case", access="exempt", exempt_reason="Paragraph 1."),
            ],
            papers=[
                models.Paper(kind="agenda", document=agenda),
                models.Paper(
                    kind="report",
                    title="On bicycles",
                    document=report,
                    agenda_item_number="1",
                    late_reason="Ill.",
                ),
            ],
        )
    models.MeetingChange.objects.create(
        page=meeting,
        at=london(2026, 2, 21, 9),
        field="venue",
        before="Room 1",
        after="Room 2",
        reason="More room.",
    )
    # The form refuses such a paper. Were it there all the same, nobody would see it.
    models.Paper.objects.create(page=meeting, document=exempt, agenda_item_number="2", sort_order=9)
    PublishedFile.objects.create(
        page=meeting, document=exempt, file_key=exempt.file_key, first_public_at=timezone.now()
    )
    address = "http://testserver/documents"
    response = client.get("/meetings/m/")
    assert article_of(response).splitlines() == [
        "<dl>",
        "<dt>When</dt>",
        "<dd>Tuesday 24 February 2026, 10am</dd>",
        "<dt>Where</dt>",
        "<dd>Room 2, Fire Station, Cambridge, CB1 1JF</dd>",
        "<dt>Access</dt>",
        "<dd>Step-free access: yes<br>Hearing loop: not known<br>Accessible toilet: not known</dd>",
        "<dt>How to attend</dt>",
        "<dd>In person</dd>",
        "<dt>Who can attend</dt>",
        "<dd>Open in part. Item 2 is exempt.</dd>",
        "<dt>Agenda due</dt><dd>Friday 20 February 2026</dd>",
        "</dl>",
        f'<ul class="row"><li><a href="http://testserver/meetings/{meeting.uuid}.ics">Add to calendar</a></li>'
        '<li><a href="http://testserver/feeds/meetings/">Follow meetings</a></li></ul>',
        "<h2>Agenda</h2>",
        '<ul class="plain">',
        "<li>1. Bicycles",
        f'<ul><li>Report: <a href="{address}/{report.file_key}/a.csv">On bicycles (CSV, 1\xa0byte)</a>',
        '<span class="note">Published 20 February 2026. Late: Ill.</span>',
        "</li></ul>",
        "</li>",
        "<li>2. A case",
        '<span class="note">Exempt: the public is asked to leave. Paragraph 1.</span>',
        "</li>",
        "</ul>",
        "<h2>Papers</h2>",
        f'<ul><li>Agenda: <a href="{address}/{agenda.file_key}/a.csv">Agenda (CSV, 1\xa0byte)</a>',
        '<span class="note">Published 20 February 2026.</span>',
        "</li></ul>",
        "<h2>Ask a question</h2>",
        "<p>Write to us.</p>",
        "<p>Send questions by Monday 23 February 2026, midday.</p>",
        "<h2>Changes to this meeting</h2>",
        "<ul>",
        "<li>21 February 2026. The meeting planned for Tuesday 24 February 2026, 10am, Room 1 has been moved to Tuesday "
        "24 February 2026, 10am, Room 2: More room.</li>",
        "</ul>",
    ]
    assert SECRET not in response.content.decode()


def test_a_cancelled_meeting_says_so_first(client, meeting_index):
    meeting = factories.page(
        models.MeetingPage,
        meeting_index,
        slug="off",
        title="Partnership meeting",
        starts_at=london(2026, 7, 7, 14, 30),
        ends_at=london(2026, 7, 7, 16),
        status="cancelled",
        status_notice="<p>The hall is flooded.</p>",
    )
    assert article_of(client.get("/meetings/off/")).splitlines()[:7] == [
        '<div class="notice" role="note">',
        "<p><strong>This meeting has been cancelled.</strong></p>",
        "<p>The hall is flooded.</p>",
        "</div>",
        "<dl>",
        "<dt>Was planned for</dt>",
        "<dd>Tuesday 7 July 2026, 2:30pm to 4pm</dd>",
    ]
    # A calendar that has it already then shows that it is off.
    calendar = f"/meetings/{meeting.uuid}.ics"
    assert f'<li><a href="http://testserver{calendar}">Add to calendar</a></li>' in article_of(
        client.get("/meetings/off/")
    )
    assert "STATUS:CANCELLED\r\n" in client.get(calendar).content.decode()
    index = main_of(client.get("/meetings/"))
    assert '<span class="note">Cancelled: Tuesday 7 July 2026, 2:30pm to 4pm</span>' in index


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        (london(2026, 2, 24, 10), None, "Tuesday 24 February 2026, 10am"),
        (london(2026, 7, 1, 12), None, "Wednesday 1 July 2026, midday"),
        (london(2026, 7, 1, 0), None, "Wednesday 1 July 2026, midnight"),
        (datetime(2026, 7, 1, 23, 5, tzinfo=UTC), None, "Thursday 2 July 2026, 12:05am"),
        (
            london(2026, 2, 24, 9, 30),
            london(2026, 2, 24, 12, 15),
            "Tuesday 24 February 2026, 9:30am to 12:15pm",
        ),
        (
            london(2026, 2, 24, 18),
            london(2026, 2, 25, 1),
            "Tuesday 24 February 2026, 6pm to Wednesday 25 February 2026, 1am",
        ),
    ],
)
def test_times_in_words(starts, ends, words):
    with timezone.override("America/New_York"):  # as when an editor abroad previews a page
        assert plain_words.when(starts, ends) == words


def test_a_priority_groups_its_actions_by_horizon(client, home):
    period = factories.page(models.PriorityPeriodPage, home, slug="now")
    police, unpublished = factories.agency(name="Police"), factories.agency(name=SECRET, live=False)
    factories.page(
        models.PriorityPage,
        period,
        slug="one",
        number=1,
        rationale="<p>Because.</p>",
        actions=[
            models.Action(text="Done & dusted.", horizon="delivered"),
            models.Action(text="Explore it.", horizon="in-year", lead_agency=police, due_on=date(2026, 3, 31)),
            models.Action(text="Hope to.", horizon="strategy-life", status="in-progress", lead_agency=unpublished),
        ],
    )
    response = client.get("/now/one/")
    assert article_of(response).splitlines() == [
        '<p class="note">Priority 1</p>',
        "<p>Because.</p>",
        "<h2>In the year ahead</h2>",
        "<ul>",
        "<li>Explore it.",
        '<span class="note">Led by Police. Due 31 March 2026. </span>',
        "</li>",
        "</ul>",
        "<h2>Over the life of the strategy</h2>",
        "<ul>",
        "<li>Hope to.",
        '<span class="note">Status: in progress.</span>',
        "</li>",
        "</ul>",
        "<h2>Delivered</h2>",
        "<ul>",
        "<li>Done &amp; dusted.",
        "</li>",
        "</ul>",
    ]
    assert SECRET not in response.content.decode()


@time_machine.travel(london(2026, 2, 11, 12), tick=False)
def test_the_partnership_shows_members_priorities_and_what_comes_next(home, meeting_index):
    period = factories.page(models.PriorityPeriodPage, home, title="2025 to 2027", slug="p")
    factories.page(models.PriorityPage, period, title="Second", slug="second", number=2)
    factories.page(models.PriorityPage, period, title="First", slug="first", number=1)
    factories.page(models.MeetingPage, meeting_index, title="A meeting", slug="m")
    home.strapline = "Safer together"
    home.introduction = "<p>Who we are.</p>"
    home.sectors = "Councils\nPolice\n"
    council = factories.agency(name="Council", url="https://c.example/")
    home.memberships = [
        models.Membership(agency=council, role="unconfirmed"),
        models.Membership(agency=factories.agency(name=SECRET, live=False), role="observer"),
        models.Membership(agency=factories.agency(name="Police"), role="observer", basis_note="As published"),
    ]
    factories.publish(home)
    response = at_path()
    assert article_of(response).splitlines() == [
        '<p class="strapline">Safer together</p>',
        "<p>Who we are.</p>",
        "<h2>Next meeting</h2>",
        '<p><a href="http://testserver/meetings/m/">A meeting</a> '
        '<span class="note">Provisional: Tuesday 24 February 2026, 10am</span></p>',
        '<h2>Priorities, <a href="http://testserver/p/">2025 to 2027</a></h2>',
        '<ol class="plain">',
        '<li><a href="http://testserver/p/first/">First</a></li>'
        '<li><a href="http://testserver/p/second/">Second</a></li>',
        "</ol>",
        "<h2>Who takes part</h2>",
        "<ul><li>Councils</li><li>Police</li></ul>",
        "<h2>Members</h2>",
        "<ul>",
        '<li><a href="https://c.example/">Council</a> <span class="note">Role not confirmed</span></li>',
        '<li>Police <span class="note">Observer. As published</span></li>',
        "</ul>",
    ]
    assert SECRET not in response.content.decode()


def test_publications_show_their_own_fields(client, home):
    kinds = {
        kind: factories.page(models.PublicationIndexPage, home, slug=kind, publication_kind=kind)
        for kind in ("plans", "insights", "annual-reviews")
    }
    report, data = (
        factories.document("Report", b"x", "r.csv"),
        factories.document("Data", b"x", "d.csv", kind="dataset"),
    )
    insight = factories.page(
        models.InsightPage,
        kinds["insights"],
        title="Assessment",
        slug="a",
        reference_year="2024/25",
        subjects="Crime\nDisorder",
        headline_findings="Less of it",
        disclosure_checked_by=SECRET,
        disclosure_checked_on=date(2026, 1, 1),
        page_documents=[models.PageDocument(document=report), models.PageDocument(document=data)],
    )
    old = factories.page(models.CommunitySafetyPlanPage, kinds["plans"], title="Old plan", slug="old")
    factories.page(
        models.CommunitySafetyPlanPage,
        kinds["plans"],
        slug="new",
        effective_from="2023-09",
        supersedes=old,
        based_on=insight,
    )
    period = factories.page(models.PriorityPeriodPage, home, slug="p", evidence=insight)
    priority = factories.page(models.PriorityPage, period, title="Violence", slug="v", number=1)
    factories.page(
        models.AnnualReviewPage,
        kinds["annual-reviews"],
        slug="r",
        year="2024/25",
        outcomes=[models.Outcome(priority=priority, text="Less of it.")],
        actions_ahead="Go on",
    )
    address = "http://testserver/documents"
    assert article_of(client.get("/insights/a/")).splitlines() == [
        "<dl>",
        "<dt>Kind</dt><dd>Strategic assessment</dd>",
        "<dt>Year</dt><dd>2024/25</dd>",
        "</dl>",
        "<h2>What it covers</h2>",
        "<ul><li>Crime</li><li>Disorder</li></ul>",
        "<h2>Main findings</h2>",
        "<ul><li>Less of it</li></ul>",
        "<h2>Documents</h2>",
        f'<ul><li><a href="{address}/{report.file_key}/r.csv">Report (CSV, 1\xa0byte)</a>',
        "</li></ul>",
        "<h2>Data files</h2>",
        f'<ul><li><a href="{address}/{data.file_key}/d.csv">Data (CSV, 1\xa0byte)</a>',
        "</li></ul>",
    ]
    assert SECRET not in client.get("/insights/a/").content.decode()
    assert article_of(client.get("/plans/new/")).splitlines() == [
        "<dl>",
        "<dt>In force from</dt><dd>September 2023</dd>",
        "<dt>Available</dt><dd>Online</dd>",
        '<dt>Based on</dt><dd><a href="http://testserver/insights/a/">Assessment</a></dd>',
        '<dt>Replaces</dt><dd><a href="http://testserver/plans/old/">Old plan</a></dd>',
        "</dl>",
    ]
    assert article_of(client.get("/annual-reviews/r/")).splitlines() == [
        "<dl><dt>Year reviewed</dt><dd>2024/25</dd></dl>",
        "<h2>What came of each priority</h2>",
        '<h3><a href="http://testserver/p/v/">Violence</a></h3>',
        "<p>Less of it.</p>",
        "<h2>Actions for the year ahead</h2>",
        "<ul><li>Go on</li></ul>",
    ]
    assert article_of(client.get("/p/")).splitlines() == [
        "<p>From 2025 to the end of 2027.</p>",
        "<h2>Evidence</h2>",
        '<p>Source: <a href="http://testserver/insights/a/">Assessment</a></p>',
    ]


def test_business_as_usual_tells_a_chair_from_a_lead(client, home):
    council = factories.agency(name="Council")
    factories.page(
        models.BusinessAsUsualPage,
        home,
        slug="bau",
        work_topics=[models.WorkTopic(title="Cycle theft")],
        work_areas=[
            models.WorkArea(name="Group", leadership_kind="chair", led_by_as_published="the police"),
            models.WorkArea(name="Area", leadership_kind="lead", led_by_agency=council, activities="One\nTwo"),
        ],
    )
    assert article_of(client.get("/bau/")).splitlines() == [
        "<h2>What we work on together</h2>",
        "<ul>",
        "<li>Cycle theft</li>",
        "</ul>",
        "<h2>Working groups and areas of work</h2>",
        "<h3>Group</h3>",
        "<p>Chaired by the police</p>",
        "<h3>Area</h3>",
        "<p>Led by Council</p>",
        "<ul><li>One</li><li>Two</li></ul>",
    ]


def test_a_death_review_notice_hides_what_is_restricted_and_lets_people_leave(client, home):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    restricted = {
        "decision_reasons": SECRET,
        "parallel_proceedings": SECRET,
        "dates_to_avoid": SECRET,
        "family_informed_on": date(1999, 12, 31),
        "sent_to_commissioner_on": date(1999, 12, 30),
        "name_blocklist": [SECRET],
        "stage": "published",
    }
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        publication_decision="redacted",
        publication_reason="To protect children.",
        learning_themes="Listening",
        minimum_online_until=date(2028, 1, 31),
        recommendations=[models.Recommendation(number="1", text="Listen.", level="local")],
        review_documents=[
            models.ReviewDocument(kind="overview-report", state="withheld", reason="Not yet."),
            models.ReviewDocument(kind="easy-read", state="not-produced"),
        ],
        notice_support_services=[
            models.NoticeSupportService(
                service=factories.support_service(name="Helpline", phone="0808 1", url="https://help.example/")
            )
        ],
        executive_summary="<p>What we learned.</p>",
        **restricted,
    )
    path = f"/reviews/{notice.reference.lower()}/"
    response = client.get(path)
    assert response["Cache-Control"] == "no-store"
    html = response.content.decode()
    assert '<meta name="robots" content="noindex">' in html
    leave = '<a class="exit" href="https://www.bbc.co.uk/weather" rel="nofollow">Exit this page</a>'
    assert leave in html
    assert leave in client.get("/reviews/").content.decode()
    assert SECRET not in html
    assert "1999" not in html
    assert article_of(client.get(path)).splitlines() == [
        "<dl>",
        f"<dt>Reference</dt><dd>{notice.reference}</dd>",
        "<dt>Decision about publication</dt><dd>Publish with redactions. To protect children.</dd>",
        "<dt>Online at least until</dt><dd>31 January 2028</dd>",
        "</dl>",
        "<h2>Get support</h2>",
        "<ul>",
        '<li><a href="https://help.example/">Helpline</a><br>Telephone: 0808 1</li>',
        "</ul>",
        "<h2>Executive summary</h2>",
        "<p>What we learned.</p>",
        "<h2>Themes of learning</h2>",
        "<ul><li>Listening</li></ul>",
        "<h2>Recommendations</h2>",
        '<ul class="plain">',
        "<li>1. Listen.",
        '<span class="note">Local. Status: not reported.</span></li>',
        "</ul>",
        "<h2>Documents of the review</h2>",
        "<ul>",
        "<li>Overview report: withheld. Not yet.</li>",
        "<li>Easy read version: not produced</li>",
        "</ul>",
    ]
