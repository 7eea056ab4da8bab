"""The one rule for what is public, as SQL and as Python, and that nothing hidden is in any answer."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from wagtail.models import PageViewRestriction

from pages import models
from pages.choices import WithdrawalKind
from pages.visibility import Answer, answer, public, withdrawn
from tests import factories
from tests.whole_schema import QUERIES, everything

MARK = "zzmarker"


def unpublish(page):
    page.unpublish()


def expire(page):
    type(page).objects.filter(pk=page.pk).update(expire_at=timezone.now() - timedelta(seconds=1))


def need_login(page):
    PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)


def need_password(page):
    PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.PASSWORD, password="secret")


def withdraw(page, kind=WithdrawalKind.WITHDRAWN):
    models.ContentPage.objects.filter(pk=page.pk).update(
        withdrawal_kind=kind, withdrawal_explanation="Out of date.", withdrawn_at=timezone.now()
    )


def make_gone(page):
    withdraw(page, WithdrawalKind.GONE)


def schedule(page):
    page.go_live_at = timezone.now() + timedelta(days=1)
    page.save_revision().publish()


def never_published(page):
    """Live, yet no revision was ever published: somebody set a flag behind the system's back."""
    type(page).objects.filter(pk=page.pk).update(live=True)


AFTER_PUBLISHING = {
    "unpublished": unpublish,
    "expired": expire,
    "login": need_login,
    "password": need_password,
    "withdrawn": withdraw,
    "gone": make_gone,
}
INSTEAD_OF_PUBLISHING = {
    "draft": lambda page: None,
    "scheduled": schedule,
    "never published": never_published,
}
OWN_STATES = [*AFTER_PUBLISHING, *INSTEAD_OF_PUBLISHING]
STATES = [*OWN_STATES, *(f"child of {state}" for state in OWN_STATES)]


def put(state, model, parent, **fields):
    """A page in a state."""
    if state in INSTEAD_OF_PUBLISHING:
        page = factories.draft(model, parent, **fields)
        INSTEAD_OF_PUBLISHING[state](page)
    else:
        page = factories.page(model, parent, **fields)
        AFTER_PUBLISHING.get(state, lambda page: None)(page)
    page.refresh_from_db()
    return page


EXPECTED = {
    **dict.fromkeys(STATES, Answer.HIDDEN),
    "live": Answer.PUBLIC,
    "withdrawn": Answer.WITHDRAWN,
    "gone": Answer.WITHDRAWN,
}


@pytest.mark.parametrize("state", EXPECTED)
def test_sql_and_python_agree_on_every_state(home, state):
    if state.startswith("child of "):
        parent = factories.page(models.StandardPage, home)
        page = factories.page(models.StandardPage, parent)
        own = state.removeprefix("child of ")
        if own in AFTER_PUBLISHING:
            AFTER_PUBLISHING[own](parent)
        else:
            type(parent).objects.filter(pk=parent.pk).update(live=False)
    else:
        page = put(state, models.StandardPage, home)
    assert answer(page) == EXPECTED[state]
    for other in models.ContentPage.objects.all():
        in_sql = (
            Answer.PUBLIC
            if public(models.ContentPage.objects.filter(pk=other.pk)).exists()
            else Answer.WITHDRAWN
            if withdrawn(models.ContentPage.objects.filter(pk=other.pk)).exists()
            else Answer.HIDDEN
        )
        assert in_sql == answer(other), other
    assert answer(home) == Answer.PUBLIC


def test_a_page_expires_at_its_second_whether_or_not_the_scheduler_ran(home):
    end = timezone.now() + timedelta(hours=1)
    page = factories.page(models.StandardPage, home, expire_at=end)
    assert answer(page, end - timedelta(microseconds=1)) == Answer.PUBLIC
    assert answer(page, end) == Answer.HIDDEN
    assert public(models.StandardPage.objects.all(), end - timedelta(microseconds=1)).count() == 1
    assert public(models.StandardPage.objects.all(), end).count() == 0
    assert page.live is True


def test_a_restriction_on_the_root_of_the_tree_hides_everything(home):
    need_login(home.get_parent())
    assert answer(home) == Answer.HIDDEN
    assert not public(models.ContentPage.objects.all()).exists()


# --- Markers: what is hidden is in no answer -----------------------------------------------------------------


def body(**blocks):
    return list(blocks.items())


def secrets(state, home):
    """Pages of many types in a state, each with the marker wherever text can be, and files and a topic of their own."""
    own = state.removeprefix("child of ")
    below = state.startswith("child of ")
    topic = factories.topic(name=f"{MARK} topic", slug=f"{MARK}-topic")
    document = factories.document(f"{MARK} document", name=f"{MARK}.csv")
    picture = factories.image(f"{MARK} picture", description=f"{MARK} alt")
    text = f"<p>{MARK} text</p>"
    common = {
        "summary": f"{MARK} summary",
        "seo_title": f"{MARK} seo",
        "search_description": f"{MARK} search",
    }
    content = body(paragraph=text, image={"image": picture, "caption": f"{MARK} caption"}, document=document)
    state_of_pages = "live" if below else own
    standard_parent = factories.page(models.StandardPage, home) if below else home
    period = factories.page(models.PriorityPeriodPage, home, starts_on="2031", ends_on="2032")
    indexes = {
        kind: factories.page(models.PublicationIndexPage, home, publication_kind=kind)
        for kind in ("plans", "insights", "annual-reviews")
    }
    pages = {
        "standard": put(
            state_of_pages,
            models.StandardPage,
            standard_parent,
            title=f"{MARK} standard",
            slug=f"{MARK}-standard",
            body=content,
            show_in_menus=True,
            **common,
        ),
        "priority": put(
            state_of_pages,
            models.PriorityPage,
            period,
            title=f"{MARK} priority",
            rationale=text,
            actions=[models.Action(text=f"{MARK} action", horizon="in-year")],
            **common,
        ),
        "insight": put(
            state_of_pages,
            models.InsightPage,
            indexes["insights"],
            title=f"{MARK} insight",
            subjects=f"{MARK} subject",
            headline_findings=f"{MARK} finding",
            disclosure_checked_by="A colleague",
            disclosure_checked_on="2026-01-01",
            page_documents=[models.PageDocument(document=document)],
            **common,
        ),
        "plan": put(
            state_of_pages,
            models.CommunitySafetyPlanPage,
            indexes["plans"],
            title=f"{MARK} plan",
            body=content,
            **common,
        ),
        "review": put(
            state_of_pages,
            models.AnnualReviewPage,
            indexes["annual-reviews"],
            title=f"{MARK} review",
            actions_ahead=f"{MARK} ahead",
            **common,
        ),
    }
    if not below:
        news_index = models.NewsIndexPage.objects.get()
        meeting_index = models.MeetingIndexPage.objects.get()
        review_index = models.DeathReviewIndexPage.objects.get()
        pages["news"] = put(
            state_of_pages,
            models.NewsPage,
            news_index,
            title=f"{MARK} news",
            body=content,
            image=picture,
            **common,
        )
        pages["meeting"] = put(
            state_of_pages,
            models.MeetingPage,
            meeting_index,
            title=f"{MARK} meeting",
            starts_at=timezone.now() + timedelta(days=2),
            agenda_items=[models.AgendaItem(number="1", title=f"{MARK} item")],
            papers=[models.Paper(document=document, title=f"{MARK} paper")],
            **common,
        )
        pages["notice"] = put(
            state_of_pages,
            models.DeathReviewNoticePage,
            review_index,
            pseudonym=MARK,
            executive_summary=text,
            learning_themes=f"{MARK} theme",
            recommendations=[models.Recommendation(number="1", text=f"{MARK} recommendation", level="local")],
            **common,
        )
    for page in pages.values():
        page.topics.set([topic])
        models.ContentPage.topics.through.objects.get_or_create(contentpage_id=page.pk, topic_id=topic.pk)
    if below:
        for container in (standard_parent, period, *indexes.values()):
            if own in AFTER_PUBLISHING:
                AFTER_PUBLISHING[own](container)
            else:
                models.ContentPage.objects.filter(pk=container.pk).update(live=False)
    return pages


@pytest.fixture
def world(home):
    """Public pages of every type; `point_at` makes them point at other pages in every way that there is."""
    factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.MeetingIndexPage, home, slug="meetings")
    factories.page(models.DeathReviewIndexPage, home, slug="death-reviews")
    return home


def point_at(home, pages):
    links = "".join(f'<p><a linktype="page" id="{page.pk}">words</a></p>' for page in pages.values())
    stream = [("page_link", {"page": page, "text": ""}) for page in pages.values()] + [("paragraph", links)]
    factories.page(models.StandardPage, home, title="Hub", slug="hub", body=stream)
    period = factories.page(
        models.PriorityPeriodPage,
        home,
        title="Public period",
        slug="public-period",
        evidence=pages["insight"],
    )
    priority = factories.page(
        models.PriorityPage,
        period,
        title="Public priority",
        rationale=links,
        number=1,
        actions=[
            models.Action(
                text="Act",
                horizon="in-year",
                lead_agency=factories.agency(name=f"{MARK} agency", live=False),
            )
        ],
    )
    factories.page(
        models.NewsPage,
        models.NewsIndexPage.objects.get(),
        title="Public news",
        body=stream,
        priority=pages["priority"],
    )
    plans = factories.page(models.PublicationIndexPage, home, publication_kind="plans")
    factories.page(
        models.CommunitySafetyPlanPage,
        plans,
        title="Public plan",
        supersedes=pages["plan"],
        based_on=pages["insight"],
    )
    reviews = factories.page(models.PublicationIndexPage, home, publication_kind="annual-reviews")
    factories.page(
        models.AnnualReviewPage,
        reviews,
        title="Public review",
        outcomes=[
            models.Outcome(priority=pages["priority"], text="Outcome"),
            models.Outcome(priority=priority, text="Other outcome"),
        ],
    )
    factories.page(
        models.MeetingPage,
        models.MeetingIndexPage.objects.get(),
        title="Public meeting",
        starts_at=timezone.now() + timedelta(days=1),
        how_to_ask_a_question=links,
    )


def everything_public(client) -> dict[str, bytes]:
    """Channel → bytes, for every root field with everything below it, pages, the feeds and the front page."""
    found = {f"graphql {name}": json.dumps(everything(name)).encode() for name in QUERIES}
    for path in ("/news/", "/hub/", "/meetings/", "/public-period/", "/death-reviews/"):
        found[f"graphql page {path}"] = json.dumps(everything("page", path)).encode()
        found[f"html {path}"] = client.get(path).content
    for feed in ("news", "meetings"):
        for kind in ("rss", "atom"):
            found[f"{feed}.{kind}"] = client.get(f"/feeds/{feed}.{kind}").content
    found["front page"] = client.get("/").content
    return found


def carriers(client) -> set[str]:
    return {name for name, content in everything_public(client).items() if MARK.encode() in content}


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_a_hidden_page_is_in_any_channel(world, client, state):
    pages = secrets(state, world)
    point_at(world, pages)
    assert carriers(client) == set()
    for page in pages.values():
        path = page.url_path.removeprefix(world.url_path)
        expected = 410 if state in ("withdrawn", "gone") else 404
        assert client.get(f"/{path}").status_code == expected


def test_the_same_pages_are_in_the_channels_when_they_are_public(world, client):
    """The control: the test above would pass if the queries asked for nothing."""
    pages = secrets("live", world)
    point_at(world, pages)
    found = carriers(client)
    lists = {"plans", "insights", "annualReviews", "deathReviews", "news", "meetings", "navigation", "topics"}
    assert {f"graphql {name}" for name in lists} <= found
    assert {
        "graphql page /hub/",
        "html /hub/",
        "html /news/",
        "news.rss",
        "news.atom",
        "meetings.rss",
    } <= found


def test_a_draft_of_a_live_page_changes_nothing_public(world, client):
    pages = {
        "news": factories.page(models.NewsPage, models.NewsIndexPage.objects.get(), title="Plain news"),
        "meeting": factories.page(models.MeetingPage, models.MeetingIndexPage.objects.get()),
    }
    before = everything_public(client)
    for page in pages.values():
        page.title = f"{MARK} title"
        page.slug = f"{MARK}-slug"
        page.summary = f"{MARK} summary"
        page.save_revision()
    assert everything_public(client) == before
