"""What the CMS answers at the paths of pages: exact HTML for what is public, and no sign of the rest."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import get_template
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import PageViewRestriction

from documents.models import PublishedFile
from pages import models
from pages.content import plain_words
from pages.models import ContentPage
from pages.web.views import CHILDREN_AT_ONCE, page_at_path
from tests import factories
from tests.factories import london

SECRET = "MARKER-OF-SOMETHING-SECRET"


@pytest.fixture(autouse=True)
def _clock():
    """1 December 2026, 9am, unless a test goes elsewhere."""
    with time_machine.travel(london(2026, 12, 1, 9), tick=False):
        yield


@pytest.fixture
def news_index(home):
    return factories.page(models.NewsIndexPage, home, title="News", slug="news")


@pytest.fixture
def meeting_index(home):
    return factories.page(models.MeetingIndexPage, home, title="Meetings", slug="meetings")


def main_of(response) -> str:
    """The part of the page between the navigation and the end, without indentation."""
    html = response.content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    return "\n".join(line.strip() for line in main.splitlines()[1:] if line.strip())


def article_of(response) -> str:
    return re.search(r"<article>\n(.*?)\n</article>", main_of(response), re.DOTALL)[1]


def at_path(path: str = ""):
    """The view itself: cms/urls.py has a page of its own at "/"."""
    return page_at_path(RequestFactory().get(f"/{path}"), path)


def paragraph(*targets: tuple[str, ContentPage]) -> tuple[str, str]:
    links = "".join(f'<a linktype="page" id="{page.pk}">{text}</a> ' for text, page in targets)
    return ("paragraph", f"<p>{links}</p>")


def withdraw(page: ContentPage, **fields) -> None:
    ContentPage.objects.filter(pk=page.pk).update(withdrawn_at=london(2026, 3, 1, 9), **fields)


def hidden_pages(index) -> dict[str, ContentPage]:
    """One page of each kind that readers must not learn of, all with the marker in every text."""
    text = {"summary": SECRET, "body": [("paragraph", f"<p>{SECRET}</p>")]}

    def made(slug, **fields):
        return factories.page(models.NewsPage, index, title=f"{SECRET} {slug}", slug=slug, **text, **fields)

    pages = {
        "draft": factories.draft(models.NewsPage, index, title=f"{SECRET} draft", slug="draft", **text),
        "expired": made("expired"),
        "scheduled": factories.draft(models.NewsPage, index, title=f"{SECRET} scheduled", slug="scheduled", **text),
        "private": made("private"),
        "unpublished": made("unpublished"),
        "withdrawn": made("withdrawn"),
    }
    now = timezone.now()
    # As between two runs of publish_scheduled: the page is still live, but its time is over.
    ContentPage.objects.filter(pk=pages["expired"].pk).update(expire_at=now - timedelta(seconds=1))
    pages["scheduled"].go_live_at = now + timedelta(days=1)
    factories.approve(pages["scheduled"]).publish()
    PageViewRestriction.objects.create(
        page=pages["private"], restriction_type=PageViewRestriction.PASSWORD, password="x"
    )
    pages["unpublished"].unpublish()
    withdraw(pages["withdrawn"], withdrawal_kind="gone")
    return pages


# --- What a page shows ---


def test_every_page_type_has_a_template_named_after_it():
    types = [model for model in apps.get_models() if issubclass(model, ContentPage) and model is not ContentPage]
    assert len(types) == 15
    for model in types:
        get_template(f"pages/{model._meta.model_name}.html")


def test_a_page_is_complete_html_with_its_feeds_and_no_script(client, news_index):
    factories.page(models.NewsPage, news_index, title="A new bench", slug="bench", summary="One more & seat.")
    response = client.get("/news/bench/")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    head, _, body = response.content.decode().partition("</head>")
    lines = [line.strip() for line in head.splitlines()]
    assert lines == [
        "<!doctype html>",
        '<html lang="en-GB">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>A new bench - Testing Partnership</title>",
        '<meta name="description" content="One more &amp; seat.">',
        '<link rel="canonical" href="http://testserver/news/bench/">',
        '<link rel="stylesheet" href="/static/pages/page.css">',
        *(
            f'<link rel="alternate" type="{media_type}" title="{title} ({label})" '
            f'href="http://testserver/feeds/{title.lower().removesuffix(" updates")}.{kind}">'
            for title in ("All updates", "News", "Meetings", "Publications", "Priorities")
            for kind, label, media_type in (
                ("rss", "RSS 2.0", "application/rss+xml"),
                ("atom", "Atom 1.0", "application/atom+xml"),
                ("json", "JSON Feed 1.1", "application/feed+json"),
                ("ics", "iCalendar", "text/calendar"),
            )
            if kind != "ics" or title == "Meetings"
        ),
    ]
    assert "<script" not in head + body
    assert 'href="#main"' in body
    assert '<li><a href="http://testserver/">Testing Partnership</a></li>' in body
    assert '<li><a href="http://testserver/news/">News</a></li>' in body


def test_every_block_becomes_plain_semantic_html(client, news_index):
    target = factories.page(models.NewsPage, news_index, title="Target", slug="target")
    picture = factories.image(description='A "market" square')
    paper = factories.document("A paper", b"a,b\n1,2\n", "paper.csv", language="cy", accessible="no")
    body = [
        ("heading", {"text": "A <b> heading", "level": "3"}),
        paragraph(("in text", target)),
        (
            "paragraph",
            '<p>Fish &amp; chips <a href="https://example.org/?a=1&amp;b=2">out</a></p><script>x</script>',
        ),
        ("image", {"image": picture, "caption": "The market"}),
        ("document", paper),
        ("page_link", {"page": target, "text": ""}),
        (
            "table",
            {
                "data": [["Year", "Thefts"], ["2024", "10"], ["2025", None]],
                "first_row_is_table_header": True,
                "first_col_is_header": True,
                "table_caption": "Thefts <by> year",
            },
        ),
        ("callout", {"tone": "warning", "rich_text": "<p>Take care.</p>"}),
        ("callout", {"tone": "information", "rich_text": "<p>Good to know.</p>"}),
    ]
    factories.page(models.NewsPage, news_index, slug="blocks", body=body)
    lines = article_of(client.get("/news/blocks/")).splitlines()[1:]  # without the date
    assert lines == [
        "<h3>A &lt;b&gt; heading</h3>",
        '<p><a href="http://testserver/news/target/">in text</a> </p>',
        '<p>Fish &amp; chips <a href="https://example.org/?a=1&amp;b=2">out</a></p>x',
        "<figure>",
        f'<img src="http://testserver/images/{picture.file_key}/content.webp" width="{picture.width}" '
        f'height="48" alt="A &quot;market&quot; square">',
        "<figcaption>The market</figcaption>",
        "</figure>",
        f'<p><a href="http://testserver/documents/{paper.file_key}/paper.csv">A paper (CSV, 8\xa0bytes, '
        "language: cy, may not work with a screen reader)</a>",
        "</p>",
        '<p><a href="http://testserver/news/target/">Target</a></p>',
        '<div class="table" tabindex="0" role="region" aria-label="Thefts &lt;by&gt; year">',
        "<table>",
        "<caption>Thefts &lt;by&gt; year</caption>",
        '<thead><tr><th scope="col">Year</th><th scope="col">Thefts</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row">2024</th><td>10</td></tr>',
        '<tr><th scope="row">2025</th><td></td></tr>',
        "</tbody>",
        "</table>",
        "</div>",
        '<div class="callout" role="note">',
        "<p><strong>Warning</strong></p>",
        "<p>Take care.</p>",
        "</div>",
        '<div class="callout" role="note">',
        "<p>Good to know.</p>",
        "</div>",
    ]


def test_titles_are_escaped(client, news_index):
    factories.page(models.NewsPage, news_index, title="<script>alert(1)</script>", slug="x")
    html = client.get("/news/x/").content.decode()
    assert "<script" not in html
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in html


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
        "<li>21 February 2026. Where: Room 2 (before: Room 1). More room.</li>",
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


def test_other_pages_have_no_exit_and_may_be_found(client, news_index):
    html = client.get("/news/").content.decode()
    assert "bbc.co.uk" not in html
    assert "noindex" not in html


def test_the_foot_of_a_page_says_when_it_was_reviewed_and_what_changed(client, home):
    page = factories.page(models.StandardPage, home, slug="about", last_reviewed_on=date(2026, 2, 11))
    models.ChangeNote.objects.create(page=page, at=london(2026, 6, 30, 23, 30), note="New opening hours.")
    page.topics = [factories.topic(name="Cycling")]
    factories.publish(page)
    assert main_of(client.get("/about/")).splitlines()[-8:] == [
        "<footer>",
        "<p>Topics: Cycling</p>",
        '<p>Last reviewed: <time datetime="2026-02-11">11 February 2026</time></p>',
        "<h2>Updates</h2>",
        "<ul>",
        "<li>30 June 2026: New opening hours.</li>",
        "</ul>",
        "</footer>",
    ]


def test_an_alert_shows_while_it_is_active(client, home):
    now = timezone.now()
    factories.snippet(models.Alert, message="Flood in town.", severity="warning", active_until=now + timedelta(hours=1))
    factories.snippet(models.Alert, message=SECRET, active_until=now - timedelta(hours=1))
    factories.page(models.StandardPage, home, slug="about")
    html = client.get("/about/").content.decode()
    assert "<p><strong>Warning:</strong> Flood in town." in html
    assert SECRET not in html


def test_pages_lead_to_what_can_be_followed(client, news_index, meeting_index):
    factories.page(models.StandardPage, news_index.get_parent(), slug="about")
    for name in ("news", "meetings"):
        html = client.get(f"/{name}/").content.decode()
        assert html.count('/feeds/"') == 1
        assert article_of(client.get(f"/{name}/")) == (
            f'<p class="row"><a href="http://testserver/feeds/{name}/">Follow {name}</a></p>'
        )
    html = client.get("/about/").content.decode()
    assert re.findall(r'<(\w+)[^>]*><a href="(/feeds/[^"]*)">([^<]*)<', html) == [
        ("footer", "/feeds/", "Follow what is published")
    ]
    assert (
        '<footer class="foot"><a href="/feeds/">Follow what is published</a></footer>'
        in client.get("/none/").content.decode()
    )


# --- Lists ---


def test_lists_show_public_pages_alone_newest_first(client, news_index):
    for day in (1, 3, 2):
        with time_machine.travel(london(2026, 2, day, 9), tick=False):
            factories.page(models.NewsPage, news_index, title=f"News of {day} February", slug=f"n{day}")
    hidden_pages(news_index)
    main = main_of(client.get("/news/"))
    assert re.findall(r">(News of[^<]*)</a>\n<span class=\"note\">([^<]*)<", main) == [
        ("News of 3 February", "3 February 2026"),
        ("News of 2 February", "2 February 2026"),
        ("News of 1 February", "1 February 2026"),
    ]
    assert SECRET not in main


def test_long_lists_come_in_parts_and_other_parts_do_not_exist(client, home, settings):
    for number in range(CHILDREN_AT_ONCE + 1):
        factories.page(models.StandardPage, home, slug=f"p{number}")
    first, second = at_path(), page_at_path(RequestFactory().get("/", {"page": "2"}), "")
    assert main_of(first).count("<li>\n<a href=") == CHILDREN_AT_ONCE
    assert '<a rel="next" href="?page=2">Next page</a>' in main_of(first)
    assert main_of(second).count("<li>\n<a href=") == 1
    assert '<a rel="prev" href="?page=1">Previous page</a>' in main_of(second)
    missing = client.get("/missing/")
    for part in ("0", "3", "-1", "x", "1.5", "9" * 30, ""):
        response = client.get("/p1/", {"page": part})
        assert (response.status_code, response.content) == (404, missing.content)


# --- What is not public ---


def test_a_hidden_page_answers_like_one_that_does_not_exist(client, news_index):
    pages = hidden_pages(news_index)
    below_a_draft = factories.page(
        models.StandardPage,
        factories.draft(models.StandardPage, news_index.get_parent().specific, slug="draft-parent"),
        slug="child",
        title=SECRET,
    )
    missing = client.get("/news/there-is-no-such-page/")
    assert missing.status_code == 404
    assert missing["Content-Type"] == "text/html; charset=utf-8"
    never_public = [name for name in pages if pages[name].first_published_at is None]
    assert never_public == ["draft", "scheduled"]
    paths = [f"/news/{name}/" for name in never_public]
    for path in [*paths, "/draft-parent/", f"/draft-parent/{below_a_draft.slug}/"]:
        response = client.get(path)
        assert (response.status_code, path) == (404, path)
        assert response.content == missing.content
        assert response.headers == missing.headers
        assert not response.cookies
    assert SECRET not in missing.content.decode()
    for name in pages.keys() - set(never_public):
        response = client.get(f"/news/{name}/")
        assert (response.status_code, name) == (410, name)
        assert SECRET not in response.content.decode()


def test_links_to_what_is_not_public_become_plain_words(client, news_index):
    pages = hidden_pages(news_index)
    period = factories.page(models.PriorityPeriodPage, news_index.get_parent().specific)
    priority = factories.page(models.PriorityPage, period, title=SECRET, number=1)
    priority.unpublish()
    body = [paragraph(*((f"words {name}", page) for name, page in pages.items()))]
    body += [("page_link", {"page": page, "text": ""}) for page in pages.values()]
    body += [("page_link", {"page": pages["draft"], "text": "My words"})]
    factories.page(models.NewsPage, news_index, slug="links", priority=priority, body=body)
    response = client.get("/news/links/")
    words = " ".join(f"words {name}" for name in pages)
    assert article_of(response).splitlines()[1:] == [f"<p>{words} </p>", "<p>My words</p>"]
    assert SECRET not in response.content.decode()
    for page in pages.values():
        assert f"/{page.slug}/" not in response.content.decode()


def test_a_file_shows_only_while_the_published_version_uses_it(client, news_index):
    document, picture = factories.document(SECRET), factories.image(description=SECRET)
    body = [("document", document), ("image", {"image": picture, "caption": ""})]
    page = factories.page(models.NewsPage, news_index, slug="files", body=body)
    assert SECRET in client.get("/news/files/").content.decode()
    PublishedFile.objects.filter(page=page).delete()
    assert SECRET not in client.get("/news/files/").content.decode()


def test_a_document_leads_to_the_web_page_with_the_same_content(client, news_index):
    same = factories.page(models.NewsPage, news_index, title="The same", slug="same")
    hidden = hidden_pages(news_index)["draft"]
    body = [
        ("document", factories.document("One", html_equivalent=same)),
        ("document", factories.document("Two", html_equivalent=hidden)),
    ]
    factories.page(models.NewsPage, news_index, slug="files", body=body)
    html = client.get("/news/files/").content.decode()
    assert html.count("as a web page") == 1
    assert ', or <a href="http://testserver/news/same/">read “The same” as a web page</a>' in html
    assert SECRET not in html


# --- Withdrawn ---


def test_a_withdrawn_page_is_gone_and_says_why(client, news_index):
    page = factories.page(
        models.NewsPage, news_index, title="Old news", slug="old", body=[("paragraph", f"<p>{SECRET}</p>")]
    )
    other = factories.page(models.NewsPage, news_index, title="New news", slug="new")
    withdraw(
        page,
        withdrawal_kind="withdrawn",
        withdrawal_explanation="It was <wrong>.",
        withdrawal_alternative=other,
    )
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert main_of(response).splitlines() == [
        "<h1>Old news</h1>",
        '<div class="notice" role="note">',
        "<p><strong>This page was withdrawn on 1 March 2026.</strong></p>",
        "<p>It was &lt;wrong&gt;.</p>",
        "</div>",
        '<p>Read instead: <a href="http://testserver/news/new/">New news</a></p>',
    ]
    assert SECRET not in response.content.decode()
    assert response["Cache-Control"] == "no-cache"


def test_a_page_that_is_gone_tells_nothing_of_itself(client, news_index):
    page = factories.page(models.NewsPage, news_index, title=SECRET, slug="old", summary=SECRET)
    withdraw(page, withdrawal_kind="gone", withdrawal_explanation=SECRET)
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert main_of(response).splitlines() == [
        "<h1>This page has been removed</h1>",
        "<p>It is no longer published.</p>",
    ]
    assert SECRET not in response.content.decode()


def test_a_redirected_page_leads_to_a_public_page_or_is_gone(client, news_index):
    other = factories.page(models.NewsPage, news_index, title=SECRET, slug="new")
    page = factories.page(models.NewsPage, news_index, title=SECRET, slug="old")
    withdraw(page, withdrawal_kind="redirect", withdrawal_alternative=other)
    response = client.get("/news/old/")
    assert (response.status_code, response["Location"]) == (301, "http://testserver/news/new/")
    other.unpublish()
    response = client.get("/news/old/")
    assert response.status_code == 410
    assert SECRET not in response.content.decode()
    assert "/news/new/" not in response.content.decode()


def test_what_lies_below_a_withdrawn_page_is_gone_without_a_word(client, home):
    parent = factories.page(models.StandardPage, home, slug="parent")
    factories.page(models.StandardPage, parent, slug="child")
    withdraw(parent, withdrawal_kind="withdrawn", withdrawal_explanation="Why.")
    assert client.get("/parent/").status_code == 410
    child = client.get("/parent/child/")
    assert (child.status_code, client.get("/parent/none/").status_code) == (410, 404)
    assert "It is no longer published." in child.content.decode()


# --- HTTP ---


def test_with_a_website_pages_redirect_to_it_and_the_rest_stays(client, news_index, settings):
    factories.page(models.NewsPage, news_index, slug="new")
    old = factories.page(models.NewsPage, news_index, slug="old")
    hidden_pages(news_index)
    settings.WEBSITE_URL = "https://www.example.org"
    response = client.get("/news/new/?page=2")
    assert (response.status_code, response["Location"]) == (302, "https://www.example.org/news/new/")
    assert response.content == b""
    assert client.get("/news/draft/").content == client.get("/news/none/").content
    assert client.get("/news/withdrawn/").status_code == 410
    withdraw(old, withdrawal_kind="redirect", withdrawal_alternative=news_index)
    assert client.get("/news/old/")["Location"] == "https://www.example.org/news/"


def test_only_reading_is_allowed(client, news_index):
    page, head = client.get("/news/"), client.head("/news/")
    assert head.content == b""
    assert head.status_code == 200
    assert head["Content-Type"] == page["Content-Type"]
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)("/news/").status_code == 405


def test_no_session_is_read_for_a_page(client, news_index):
    client.cookies["sessionid"] = "not-a-session"
    cache_of_visitor = client.get("/news/")
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/news/")
    assert not [query for query in captured.captured_queries if "session" in query["sql"]]
    assert response.content == cache_of_visitor.content
    assert not response.cookies
    assert not response.has_header("Vary")


def count_queries(client, path: str) -> int:
    client.get(path)  # once before, for Wagtail's cached site root
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured.captured_queries)


def fill(news_index, meeting_index, rows: int) -> None:
    """A news page, a meeting and an index, each with this many blocks, links, files, rows and children."""
    home = news_index.get_parent().specific
    others = [factories.page(models.NewsPage, news_index) for _ in range(rows)]
    body = []
    for other in others:
        body += [
            paragraph(("a", other)),
            ("page_link", {"page": other, "text": ""}),
            ("image", {"image": factories.image(), "caption": ""}),
            ("document", factories.document(html_equivalent=other)),
        ]
    factories.page(models.NewsPage, news_index, slug=f"news-{rows}", body=body)
    factories.page(
        models.MeetingPage,
        meeting_index,
        slug=f"meeting-{rows}",
        agenda_items=[models.AgendaItem(number=str(n), title="Item") for n in range(rows)],
        papers=[models.Paper(document=factories.document(), agenda_item_number=str(n)) for n in range(rows)],
    )
    period = factories.page(models.PriorityPeriodPage, home, slug=f"period-{rows}")
    actions = [models.Action(text="Act.", horizon="in-year", lead_agency=factories.agency()) for _ in range(rows)]
    factories.page(models.PriorityPage, period, slug="one", actions=actions)
    parent = factories.page(models.StandardPage, home, slug=f"parent-{rows}")
    for _ in range(rows):
        factories.page(models.StandardPage, parent)


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(client, news_index, meeting_index):
    for rows in (2, 20):
        fill(news_index, meeting_index, rows)
    for path in ("/news/news-{}/", "/meetings/meeting-{}/", "/period-{}/one/", "/parent-{}/"):
        few, many = (count_queries(client, path.format(rows)) for rows in (2, 20))
        assert few == many, path
        assert many < 25, path


# --- Previews ---


def preview(page):
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("viewer")
    return page.serve_preview(request, page.default_preview_mode)


def test_a_preview_shows_the_draft_with_its_files_and_no_other_draft(news_index):
    page = factories.page(models.NewsPage, news_index, slug="p", title="Published")
    other = hidden_pages(news_index)["draft"]
    document, picture = factories.document("New paper"), factories.image(description="New picture")
    page.title = "Draft of it"
    page.image = picture
    page.body = [paragraph(("to the other", other)), ("document", document)]
    page.save_revision()
    draft = page.get_latest_revision_as_object()
    response = preview(draft)
    assert response.status_code == 200
    html = response.content.decode()
    assert "<h1>Draft of it</h1>" in html
    assert "New paper (CSV" in html
    assert 'alt="New picture"' in html
    assert "<p>to the other </p>" in html
    assert SECRET not in html
    assert not PublishedFile.objects.filter(page=page).exists()


def test_a_page_that_was_never_saved_can_be_previewed(meeting_index):
    meeting = models.MeetingPage(
        title="Not saved",
        starts_at=london(2026, 2, 24, 10),
        agenda_items=[models.AgendaItem(number="1", title="In memory")],
        papers=[models.Paper(document=factories.document("Held in memory"), agenda_item_number="1")],
    )
    meeting.depth = meeting_index.depth + 1
    meeting.path = meeting._get_path(meeting_index.path, meeting.depth, 1)
    meeting.set_url_path(meeting_index)
    html = preview(meeting).content.decode()
    assert "<h1>Not saved</h1>" in html
    assert "<li>1. In memory" in html
    assert "Report: <a href=" in html
    assert ">Held in memory (CSV, 8\xa0bytes)</a>" in html
    assert '<li><a href="http://testserver/meetings/">Meetings</a></li>' in html


def test_the_admin_previews_a_new_page(client, meeting_index):
    client.force_login(User.objects.create_superuser("root"))
    url = f"/admin/pages/add/pages/meetingpage/{meeting_index.pk}/preview/"
    form = {
        "title": "Typed just now",
        "slug": "typed",
        "summary": "S",
        "starts_at": "2026-02-24 10:00",
        "venue": factories.venue().pk,
        "status": "provisional",
        "status_notice": "null",
        "open_to_public": "open",
        "attendance_mode": "in-person",
        "how_to_ask_a_question": "null",
        "update_kind": "minor",
        "papers-TOTAL_FORMS": "0",
        "papers-INITIAL_FORMS": "0",
        "agenda_items-TOTAL_FORMS": "1",
        "agenda_items-INITIAL_FORMS": "0",
        "agenda_items-0-number": "1",
        "agenda_items-0-title": "Typed item",
        "agenda_items-0-access": "public",
        "agenda_items-0-ORDER": "1",
    }
    answer = client.post(url, form)
    assert answer.json() == {"is_valid": True, "is_available": True}
    html = client.get(url).content.decode()
    assert "<h1>Typed just now</h1>" in html
    assert "<li>1. Typed item" in html
    assert "Tuesday 24 February 2026, 10am" in html
