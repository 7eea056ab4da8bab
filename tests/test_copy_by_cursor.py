"""Whoever follows `changes`, and fetches again the pages that it names, has what everything fetched from nothing has.

For every field in which a page can refer to something, found by walking the models and blocks. For each that can name a
page there is a page that names one with nothing else; what names files and shared text has one of its own in each.
Then everything that can happen to these happens.
"""

from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db.models import ProtectedError
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction

from documents.models import Document, Image
from pages import models
from pages.content.choices import UpdateKind
from pages.editing.reviews import mark_as_reviewed
from pages.models import ContentPage
from pages.models.snippets import ModeratedSnippet
from pages.search.index import indexed_together
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.hidden_content import administrator
from tests.kept_copy import Copy
from tests.references_found import PAGE_TYPES, Reference, references

START = factories.london(2026, 3, 2, 10)
REFERENCES = list(references())
TO_PAGES = [reference for reference in REFERENCES if issubclass(reference.target, ContentPage)]
TO_OTHERS = [reference for reference in REFERENCES if reference not in TO_PAGES]
# What pages name: those that a field can name and no others, and some that others show without naming them.
NAMED = [
    models.StandardPage,
    models.InsightPage,
    models.CommunitySafetyPlanPage,
    models.PriorityPage,
    models.PriorityPeriodPage,
    models.MeetingPage,
]
NOTICE = models.DeathReviewNoticePage


class Site:
    """Pages that name others, and what they name."""

    def __init__(self, home):
        self.home, self.number = home, 0
        self.sections = [factories.page(models.StandardPage, home, slug=f"section-{n}") for n in "ab"]
        self.periods = [factories.page(models.PriorityPeriodPage, home, starts_on=year) for year in ("2025", "2024")]
        self.notices = factories.page(models.DeathReviewIndexPage, home, slug="notices")
        self.pages = {model: self.page(model, self.sections[0]) for model in NAMED}
        self.others = {}
        with indexed_together():
            for reference in TO_PAGES:
                for page in self.named_by(reference):
                    self.page(reference.model, home, **reference.fields(page))
            for model in PAGE_TYPES:
                fields = {}
                for reference in TO_OTHERS:
                    if reference.model is model:
                        self.others[reference] = self.other(reference.target)
                        for name, value in reference.fields(self.others[reference]).items():
                            fields[name] = fields[name] + value if name in fields else value
                self.page(model, home, **fields)

    def page(self, model, parent, **fields):
        self.number += 1
        parent = {models.PriorityPage: self.periods[0], NOTICE: self.notices}.get(model, parent)
        slug = {} if model is NOTICE else {"slug": f"p-{self.number}"}
        more = {
            models.InsightPage: {"disclosure_checked_by": "A colleague", "disclosure_checked_on": "2026-01-01"},
            models.MeetingPage: {"starts_at": START - timedelta(days=30)},
        }.get(model, {})
        topics = fields.pop("topics", [])
        page = factories.draft(model, parent, **{**slug, **more, **fields})
        page.topics = topics
        return factories.publish(page)

    def named_by(self, reference: Reference):
        if reference.target is not ContentPage:
            return [self.pages[reference.target]]
        if (reference.model, reference.where) == (models.StandardPage, "body.page_link.page"):
            return self.pages.values()
        return [self.pages[models.StandardPage]]

    def other(self, model):
        self.number += 1
        if model is Document:
            return factories.document(html_equivalent=self.pages[models.StandardPage])
        if model is Image:
            return factories.image()
        fields = {
            models.Agency: {"sector": "council"},
            models.Contact: {"team": "A team"},
            models.SupportService: {"phone": "0800 000 000"},
            models.Topic: {"slug": f"topic-{self.number}"},
            models.Venue: {"address": "Cambridge", "postcode": "CB1 1JF"},
        }.get(model, {})
        if model is not models.Contact:
            fields["name"] = f"Name {self.number}"
        if issubclass(model, ModeratedSnippet):
            return factories.snippet(model, **fields)
        return model.objects.create(**fields)

    # --- What happens to pages ---

    def fresh(self, page):
        return type(page).objects.get(pk=page.pk)

    def publish(self, page, **fields):
        page = self.fresh(page)
        for name, value in fields.items():
            setattr(page, name, value)
        factories.publish(page)

    def restrict(self, page):
        PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)

    def lift(self, page):
        PageViewRestriction.objects.get(page=page).delete()

    def move(self, page, place):
        to = {models.PriorityPage: self.periods, NOTICE: [self.notices, self.sections[1]]}.get(
            type(page), self.sections
        )
        self.fresh(page).move(ContentPage.objects.get(pk=to[place].pk), pos="last-child")


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=True) as clock:
        yield clock


@pytest.fixture
def frozen():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def site(home, clock):
    return Site(home)


@pytest.fixture
def told(site):
    """Does something, and says what a copy that followed the list had wrong then."""
    copy, wrong = Copy(), {}
    assert len(copy.pages) > len(TO_PAGES) + len(PAGE_TYPES)

    def do(name, action):
        action()
        if stale := copy.stale():
            wrong[name] = stale
        print(f"{name}: {len(copy.named)} pages named, {len(stale)} fields stale")

    yield do
    assert {name: len(stale) for name, stale in wrong.items()} == {}, next(iter(wrong.values()))[:5]


def each(pages, action):
    """Do it to each target. What the rules refuse for some of them is not done to them."""

    def run():
        done = 0
        for page in pages:
            with suppress(ValidationError, PermissionDenied, ProtectedError):
                action(page)
                done += 1
        assert done

    return run


def test_every_kind_of_place_was_found():
    found = {str(reference) for reference in REFERENCES}
    assert {
        "NewsPage.priority to PriorityPage",
        "NewsPage.image to Image",
        "NewsPage.topics to Topic",
        "NewsPage.body.callout.rich_text to Document",
        "StandardPage.body.page_link.page to ContentPage",
        "AnnualReviewPage.outcomes.priority to PriorityPage",
        "MeetingPage.papers.document to Document",
        "PartnershipPage.purpose to ContentPage",
        "DeathReviewNoticePage.recommendations.owner_agency to Agency",
    } <= found
    assert len(found) == len(REFERENCES)


def test_what_happens_to_what_pages_show_is_told_of_all_that_show_it(site, told, clock):
    to_pages(site, told, clock)
    to_files_and_shared_text(site, told, clock)


def to_pages(site, told, clock):
    user, pages = administrator(), [*site.pages.values()]
    back = each(pages, site.publish)
    major = {"update_kind": UpdateKind.MAJOR, "change_note": "New."}
    told("another title", each(pages, lambda page: site.publish(page, title=f"{page.title} now")))
    told("a major update", each(pages, lambda page: site.publish(page, summary="Another.", **major)))
    told("reviewed", each(pages, lambda page: mark_as_reviewed(site.fresh(page), user)))
    told("another address", each(pages, lambda page: site.publish(page, slug=f"{page.slug}-now")))
    told("moved", each(pages, lambda page: site.move(page, 1)))
    told("moved back", each(pages, lambda page: site.move(page, 0)))
    told("another title above", lambda: site.publish(site.sections[0], title="Above"))
    told("another address above", lambda: site.publish(site.sections[0], slug="above"))
    told("a new title of the home page", lambda: site.publish(site.home, title="The partnership"))
    told("withdrawn", each(pages, lambda page: withdraw(site.fresh(page), user, "withdrawn", "It was wrong.")))
    told("back from withdrawal", back)
    told("sent elsewhere", each(pages, lambda page: withdraw(site.fresh(page), user, "redirect", "", site.home)))
    told("back from elsewhere", back)
    told("taken down", each(pages, lambda page: take_down(site.fresh(page), user, "It names somebody.")))
    told("back from a takedown", back)
    told("unpublished", each(pages, lambda page: site.fresh(page).unpublish()))
    told("published again", back)
    told("made private", each(pages, site.restrict))
    told("made public", each(pages, site.lift))
    told("private above", lambda: site.restrict(site.sections[0]))
    told("public above", lambda: site.lift(site.sections[0]))

    def expire():
        in_an_hour = timezone.now() + timedelta(hours=1)
        each(pages, lambda page: site.publish(page, expire_at=in_an_hour))()
        clock.shift(timedelta(hours=2))

    def expire_and_run():
        expire()
        call_command("publish_scheduled")

    told("expired", expire_and_run)
    told("back after it expired", each(pages, lambda page: site.publish(page, expire_at=None)))
    expire()
    told(
        "expired, and back before it was processed",
        each(pages, lambda page: site.publish(page, expire_at=None, summary="Back.")),
    )
    told("deleted", each(pages, lambda page: site.fresh(page).delete()))
    below = site.page(models.StandardPage, site.sections[0])
    site.page(models.StandardPage, site.home, body=[("page_link", {"page": below, "text": ""})])
    told("deleted above", lambda: site.fresh(site.sections[0]).delete())


def to_files_and_shared_text(site, told, clock):
    user, web_page = administrator(), site.sections[1]
    files = [thing for thing in site.others.values() if isinstance(thing, Document | Image)]
    documents = [thing for thing in files if isinstance(thing, Document)]
    labels = [thing for thing in site.others.values() if isinstance(thing, models.Topic | models.LegalBasis)]
    snippets = [thing for thing in site.others.values() if isinstance(thing, ModeratedSnippet)]
    for thing in site.others.values():
        thing.refresh_from_db()

    def set_and_save(**fields):
        def action(thing):
            thing.refresh_from_db()
            for name, value in fields.items():
                if hasattr(thing, name):
                    setattr(thing, name, value)
            factories.publish(thing) if isinstance(thing, ModeratedSnippet) else thing.save()

        return action

    def renamed(thing):
        name = "team" if isinstance(thing, models.Contact) else "name"
        set_and_save(**{name: f"{getattr(thing, name)} now"})(thing)

    told("labels renamed", each(labels, renamed))
    told("snippets changed", each(snippets, renamed))
    told("snippets unpublished", each(snippets, lambda snippet: snippet.unpublish()))
    told("snippets back", each(snippets, set_and_save()))

    def expire():
        each(snippets, set_and_save(expire_at=timezone.now() + timedelta(hours=1)))()
        clock.shift(timedelta(hours=2))
        call_command("publish_scheduled")

    told("snippets expired", expire)
    told("snippets back after they expired", each(snippets, set_and_save(expire_at=None)))
    told("files described", each(files, set_and_save(title="Another title", description="Another picture")))
    told("another web page", each(documents, set_and_save(html_equivalent=web_page)))
    told("the web page moved", lambda: site.publish(web_page, slug="elsewhere"))
    told("the web page went", lambda: site.fresh(web_page).unpublish())
    told("the web page is back", lambda: site.publish(web_page))
    told("the web page was deleted", lambda: site.fresh(web_page).delete())
    private = Collection.get_first_root_node().add_child(name="Private")
    restriction = CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    told("files made private", each(files, set_and_save(collection=private)))
    told("their collection made public", restriction.delete)
    told("files taken down", each(files, lambda file: take_down(file, user, "It names somebody.")))

    def bring_back():
        models.Takedown.objects.all().delete()
        each(files, set_and_save())()

    told("files back", bring_back)
    told("deleted", each(list(site.others.values()), lambda thing: thing.delete()))


def test_what_follows_from_other_pages_and_from_the_time_is_told(home, frozen):
    copy, wrong = Copy(), {}
    index = factories.page(models.MeetingIndexPage, home)
    plans = factories.page(models.PublicationIndexPage, home)
    shows = factories.page(models.StandardPage, home, slug="shows")
    periods, made = {}, {}

    def period(years, **fields):
        starts, ends = years.split("-")
        periods[years] = factories.page(models.PriorityPeriodPage, home, starts_on=starts, ends_on=ends, **fields)
        shows.body = [("page_link", {"page": each, "text": ""}) for each in periods.values()]
        factories.publish(shows)

    def priority(number, years):
        made[number] = factories.page(models.PriorityPage, periods[years], number=number, slug=f"priority-{number}")

    def change(page, **fields):
        page = type(page).objects.get(pk=page.pk)
        for name, value in fields.items():
            setattr(page, name, value)
        factories.publish(page)

    def delete(page):
        type(page).objects.get(pk=page.pk).delete()

    def wait(until):
        frozen.move_to(until)
        call_command("publish_scheduled")

    def meeting(day):
        made[day] = factories.page(
            models.MeetingPage, index, slug=day, starts_at=factories.london(2026, 3, int(day), 18)
        )

    def plan(name, starts, ends=None):
        made[name] = factories.page(
            models.CommunitySafetyPlanPage, plans, slug=name, effective_from=starts, effective_to=ends
        )

    steps = [
        ("a period", lambda: period("2025-2026")),
        ("the next period", lambda: period("2027-2029")),
        ("an old period", lambda: period("2020-2024")),
        ("a priority", lambda: priority(1, "2025-2026")),
        ("another priority", lambda: priority(2, "2025-2026")),
        ("a number", lambda: change(made[2], number=3)),
        ("a title of a priority", lambda: change(made[2], title="Better")),
        ("another period", lambda: made[2].move(ContentPage.objects.get(pk=periods["2027-2029"].pk), pos="last-child")),
        ("other years", lambda: change(periods["2020-2024"], starts_on="2019")),
        ("a title of a period", lambda: change(periods["2025-2026"], title="Two years")),
        ("a meeting", lambda: meeting("10")),
        ("an earlier meeting", lambda: meeting("5")),
        ("a later meeting", lambda: meeting("20")),
        ("a meeting with another time", lambda: change(made["5"], ends_at=factories.london(2026, 3, 5, 20))),
        ("it has begun", lambda: wait(factories.london(2026, 3, 5, 18))),
        ("the next is called off", lambda: withdraw(made["10"], administrator(), "withdrawn", "Off.")),
        ("the last has begun", lambda: wait(factories.london(2026, 3, 21, 9))),
        ("a plan", lambda: plan("plan", "2024", "2026")),
        ("the next plan", lambda: plan("next-plan", "2026-06")),
        ("a plan with another title", lambda: change(made["plan"], title="The plan")),
        ("the next plan is in force", lambda: wait(factories.london(2026, 6, 1, 9))),
        ("it was deleted", lambda: delete(made["next-plan"])),
        ("no plan is left, and the period is over", lambda: wait(factories.london(2027, 1, 1, 9))),
        ("the period was deleted", lambda: delete(periods["2027-2029"])),
    ]
    for name, step in steps:
        step()
        if stale := copy.stale():
            wrong[name] = stale
        print(f"{name}: {len(copy.named)} pages named, {len(stale)} fields stale")
    assert wrong == {}
