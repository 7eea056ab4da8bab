"""Content in every state in which readers must not see it, for tests/test_visibility.py.

Each piece carries `MARK` wherever text can be, and `point_at` makes public pages that point at it in every way.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import PageViewRestriction

from pages import models
from pages.content.choices import WithdrawalKind
from pages.takedown.withdrawal import take_down
from pages.visibility.rule import Answer
from tests import factories
from tests.recorded_rows import RecordedRows

MARK = "zzmarker"


def administrator() -> User:
    """Also a moderator: being a superuser alone opens no door."""
    user, _ = User.objects.get_or_create(username="administrator", is_superuser=True)
    user.groups.add(Group.objects.get_or_create(name="Moderators")[0])
    return user


def expire(page):
    type(page).objects.filter(pk=page.pk).update(expire_at=timezone.now() - timedelta(seconds=1))


def need_login(page):
    PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)


def need_password(page):
    """As an older release may have left it: the choice itself is off."""
    PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.PASSWORD, password="secret")


def need_group(page):
    restriction = PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.GROUPS)
    restriction.groups.add(Group.objects.get(name="Editors"))


def withdraw_with(kind, explanation=""):
    """Not through pages/takedown/withdrawal.py: it refuses for a notice what the rule must hide all the same."""

    def do(page):
        models.ContentPage.objects.filter(pk=page.pk).update(
            withdrawal_kind=kind, withdrawal_explanation=explanation, withdrawn_at=timezone.now()
        )

    return do


def schedule(page):
    page.go_live_at = timezone.now() + timedelta(days=1)
    factories.approve(page).publish()


def never_published(page):
    """Live, yet no revision was ever published: somebody set a flag behind the system's back."""
    type(page).objects.filter(pk=page.pk).update(live=True)


AFTER_PUBLISHING = {
    "unpublished": lambda page: page.unpublish(),
    "expired": expire,
    "login": need_login,
    "password": need_password,
    "group": need_group,
    "withdrawn": withdraw_with(WithdrawalKind.WITHDRAWN, "Out of date."),
    "gone": withdraw_with(WithdrawalKind.GONE),
    "taken down": lambda page: take_down(page, administrator(), "It names somebody."),
    "deleted": lambda page: page.delete(),
}
INSTEAD_OF_PUBLISHING = {
    "draft": lambda page: None,
    "scheduled": schedule,
    "never published": never_published,
}
OWN_STATES = [*AFTER_PUBLISHING, *INSTEAD_OF_PUBLISHING]
STATES = [*OWN_STATES, *(f"child of {state}" for state in OWN_STATES)]
# What was public once is gone, and what never was is not there at all.
EXPECTED = {
    **dict.fromkeys(STATES, Answer.GONE),
    **{state: Answer.HIDDEN for own in INSTEAD_OF_PUBLISHING for state in (own, f"child of {own}")},
    "live": Answer.PUBLIC,
    "withdrawn": Answer.WITHDRAWN,
}
STATUS = {Answer.PUBLIC: 200, Answer.WITHDRAWN: 410, Answer.GONE: 410, Answer.HIDDEN: 404}


def begin(state, model, parent, **fields):
    """A page on its way to a state; `finish` takes it there."""
    if state not in INSTEAD_OF_PUBLISHING:
        return factories.page(model, parent, **fields)
    page = factories.draft(model, parent, **fields)
    INSTEAD_OF_PUBLISHING[state](page)
    page.refresh_from_db()
    return page


def finish(state, page):
    if state in AFTER_PUBLISHING:
        page = type(page).objects.get(pk=page.pk)
        AFTER_PUBLISHING[state](page)


def take_to(state, page):
    """Take a page to any state: it was published, or is a draft where the state is one of a page that never was."""
    {**AFTER_PUBLISHING, **INSTEAD_OF_PUBLISHING}[state](type(page).objects.get(pk=page.pk))


def body(**blocks):
    return list(blocks.items())


def secrets(state, home):
    """Pages of many types on their way to a state, and those that `finish` has to take there.

    Each has the marker wherever text can be, and files and a topic of their own.
    """
    own = state.removeprefix("child of ")
    below = state.startswith("child of ")
    topic = factories.topic(name=f"{MARK} topic", slug=f"{MARK}-topic")
    document = factories.document(f"{MARK} document", f"{MARK} content".encode(), name=f"{MARK}.csv")
    picture = factories.image(f"{MARK} picture", description=f"{MARK} alt")
    for file in (document, picture):
        file.tags.add(f"{MARK} tag")
    text = f"<p>{MARK} text</p>"
    common = {
        "summary": f"{MARK} summary",
        "seo_title": f"{MARK} seo",
        "search_description": f"{MARK} search",
    }
    content = body(paragraph=text, image={"image": picture, "caption": f"{MARK} caption"}, document=document)
    state_of_pages, state_of_parents = ("live", own) if below else (own, "live")
    standard_parent = begin(state_of_parents, models.StandardPage, home) if below else home
    period = begin(state_of_parents, models.PriorityPeriodPage, home, starts_on="2031", ends_on="2032")
    indexes = {
        kind: begin(state_of_parents, models.PublicationIndexPage, home, publication_kind=kind)
        for kind in ("plans", "insights", "annual-reviews")
    }
    pages = {
        "standard": begin(
            state_of_pages,
            models.StandardPage,
            standard_parent,
            title=f"{MARK} standard",
            slug=f"{MARK}-standard",
            body=content,
            show_in_menus=True,
            **common,
        ),
        "priority": begin(
            state_of_pages,
            models.PriorityPage,
            period,
            title=f"{MARK} priority",
            rationale=text,
            actions=[models.Action(text=f"{MARK} action", horizon="in-year")],
            **common,
        ),
        "insight": begin(
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
        "plan": begin(
            state_of_pages,
            models.CommunitySafetyPlanPage,
            indexes["plans"],
            title=f"{MARK} plan",
            body=content,
            **common,
        ),
        "review": begin(
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
        pages["news"] = begin(
            state_of_pages,
            models.NewsPage,
            news_index,
            title=f"{MARK} news",
            body=content,
            image=picture,
            **common,
        )
        pages["meeting"] = begin(
            state_of_pages,
            models.MeetingPage,
            meeting_index,
            title=f"{MARK} meeting",
            starts_at=timezone.now() + timedelta(days=2),
            agenda_items=[models.AgendaItem(number="1", title=f"{MARK} item")],
            papers=[models.Paper(document=document, title=f"{MARK} paper", late_reason=f"{MARK} late")],
            **common,
        )
        pages["notice"] = begin(
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
        models.ContentPage.topics.through.objects.get_or_create(contentpage_id=page.pk, topic_id=topic.pk)
    return pages, (standard_parent, period, *indexes.values()) if below else tuple(pages.values())


def shared_text(live: bool) -> dict:
    """One snippet of each kind that public pages use, published or never published."""
    return {
        "agency": factories.agency(name=f"{MARK} agency", live=live),
        "venue": factories.venue(name=f"{MARK} venue", live=live),
        "contact": factories.snippet(models.Contact, team=f"{MARK} team", live=live),
        "service": factories.support_service(name=f"{MARK} service", live=live),
        "alert": factories.snippet(
            models.Alert, message=f"{MARK} alert", active_until=timezone.now() + timedelta(days=1), live=live
        ),
    }


def point_at(home, pages, live: bool = False):
    """Public pages of every type whose links, rows and blocks lead to the given ones and to shared text."""
    shared = shared_text(live)

    links = "".join(f'<p><a linktype="page" id="{page.pk}">words</a></p>' for page in pages.values())
    stream = [("page_link", {"page": page, "text": ""}) for page in pages.values()] + [("paragraph", links)]
    factories.page(models.StandardPage, home, title="Hub", slug="hub", body=stream)
    period = factories.page(
        models.PriorityPeriodPage,
        home,
        title="Public period",
        slug="public-period",
        evidence=pages["insight"],
        evidence_statements=[models.EvidenceStatement(text="Statement")],
    )
    factories.page(models.PriorityPeriodPage, home, title="Past period", starts_on="2001", ends_on="2002")
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
                lead_agency=shared["agency"],
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
        page_documents=[models.PageDocument(document=factories.document())],
    )
    insights = models.PublicationIndexPage.objects.filter(publication_kind="insights").last()
    factories.page(
        models.InsightPage,
        insights if insights.live else factories.page(models.PublicationIndexPage, home, publication_kind="insights"),
        title="Public insight",
        disclosure_checked_by="A colleague",
        disclosure_checked_on="2026-01-01",
        page_documents=[
            models.PageDocument(document=factories.document()),
            models.PageDocument(document=factories.document(kind="dataset")),
        ],
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
        page_documents=[models.PageDocument(document=factories.document())],
    )
    meeting = factories.page(
        models.MeetingPage,
        models.MeetingIndexPage.objects.get(),
        title="Public meeting",
        starts_at=timezone.now() + timedelta(days=1),
        how_to_ask_a_question=links,
        agenda_items=[models.AgendaItem(number="1", title="Item")],
        papers=[
            models.Paper(document=factories.document(), agenda_item_number="1", kind="agenda", late_reason="Late.")
        ],
    )
    models.MeetingChange.objects.create(page=meeting, at=timezone.now(), field="starts")
    notice = factories.page(
        models.DeathReviewNoticePage,
        models.DeathReviewIndexPage.objects.get(),
        executive_summary=links,
        legal_basis=models.LegalBasis.objects.create(name="Law"),
        review_documents=[
            models.ReviewDocument(kind="overview-report", state="published", document=factories.document())
        ],
        recommendations=[models.Recommendation(number="1", text="Do", level="local", owner_agency=shared["agency"])],
    )
    # Publication refuses a venue that is not published, and a notice without a service that is.
    models.MeetingPage.objects.filter(pk=meeting.pk).update(venue=shared["venue"])
    notice.notice_support_services.update(service=shared["service"])
    factories.page(
        models.BusinessAsUsualPage,
        home,
        work_topics=[models.WorkTopic(title="Topic")],
        work_areas=[models.WorkArea(name="Area", leadership_kind="lead", led_by_agency=shared["agency"])],
    )
    home.refresh_from_db()
    home.contact = shared["contact"]
    home.memberships = [models.Membership(agency=shared["agency"])]
    home.related_work = [models.RelatedLink(title="Work", url="https://example.org/")]
    factories.publish(home)
    Redirect.objects.create(old_path="/old", redirect_page=pages["standard"])


def indexes(home):
    """Public pages that hold the others; `point_at` makes more that point at hidden pages in every way that there is."""
    factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.MeetingIndexPage, home, slug="meetings")
    factories.page(models.DeathReviewIndexPage, home, slug="death-reviews")


class World(NamedTuple):
    """What was written once and is written again for each test: pages that other pages point at."""

    rows: RecordedRows
    pages: dict[str, Any]  # keys, by the kinds of pages
    to_finish: list[Any]  # keys of the pages that are to be taken to a state, in this order


class Worlds:
    """Worlds in which pages are published or drafts, below published pages or drafts, made when one is first needed.

    All states of pages that were published begin with the same world, and those of pages that never were with another.
    There has to be a home page, and nothing else.
    """

    def __init__(self) -> None:
        self.made: dict[tuple[str, bool, bool], World] = {}

    @staticmethod
    def _make(begun: str, below: bool, live: bool) -> World:
        found: dict[str, Any] = {}

        def work() -> None:
            home = models.PartnershipPage.objects.get()
            indexes(home)
            pages, to_finish = secrets(f"child of {begun}" if below else begun, home)
            point_at(home, pages, live=live)
            found["pages"] = {name: page.pk for name, page in pages.items()}
            found["to_finish"] = [page.pk for page in to_finish]

        return World(RecordedRows(work), **found)

    def write(self, state: str, live: bool = False) -> tuple[dict[str, Any], list[Any]]:
        """Pages on their way to the state, and those that `take_to` has to take there.

        Shared text, which public pages show, is published when `live`.
        """
        own = state.removeprefix("child of ")
        key = ("draft" if own in INSTEAD_OF_PUBLISHING else "live", own != state, live)
        if key not in self.made:
            self.made[key] = self._make(*key)
        world = self.made[key]
        world.rows.write()
        pages = {page.pk: page for page in models.ContentPage.objects.specific()}
        return {name: pages[pk] for name, pk in world.pages.items()}, [pages[pk] for pk in world.to_finish]
