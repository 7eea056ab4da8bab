"""Whatever takes a public page away, or changes its address, is for moderators: a table of actions, roles and states.

Each cell is driven over HTTP and is done, or refused with nothing changed.
"""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.contrib.redirects.models import Redirect
from wagtail.log_actions import LogContext
from wagtail.models import (
    Collection,
    CollectionViewRestriction,
    ModelLogEntry,
    Page,
    PageLogEntry,
    PageViewRestriction,
    Revision,
    Site,
)

from documents.models import Document
from pages import models
from pages.approval.workflow import group_of, set_up_death_reviews
from pages.confidential.reading_log import SEEN
from pages.content import addresses
from pages.content.choices import Role, WithdrawalKind
from pages.models import ContentPage, PublicAddress, PublicChange, PublicRecord, Takedown
from pages.takedown.withdrawal import public_path, take_down
from tests import factories

PAGES = "wagtailadmin_pages:"
# Nobody signed in, an editor, a moderator, a safeguarding lead, a superuser in no group, one who is a moderator.
ROLES = "NEMLSX"


@pytest.fixture
def people(home):
    found = {
        "E": User.objects.create_user("editor"),
        "M": User.objects.create_user("moderator"),
        "L": User.objects.create_user("lead"),
        "S": User.objects.create_superuser("admin"),
        "X": User.objects.create_superuser("both"),
    }
    for letter, role in {
        "E": Role.EDITOR,
        "M": Role.MODERATOR,
        "L": Role.SAFEGUARDING_LEAD,
        "X": Role.MODERATOR,
    }.items():
        found[letter].groups.add(group_of(role))
    return found


@pytest.fixture
def clients(people):
    signed_in = {letter: Client() for letter in ROLES}
    for letter, person in people.items():
        signed_in[letter].force_login(person)
    return signed_in


# --- The states ---


def states(home, people):
    """A page in each state, all beside one another, and where they are moved to."""
    factories.page(models.StandardPage, home, title="Elsewhere", slug="elsewhere")

    def page(slug, parent=home, **fields):
        return factories.page(models.StandardPage, parent, title=slug, slug=slug, **fields)

    found = {"draft": factories.draft(models.StandardPage, home, slug="draft")}
    found["submitted"] = factories.draft(models.StandardPage, home, slug="submitted")
    found["submitted"].save_revision(user=people["E"])
    found["submitted"].get_workflow().start(found["submitted"], people["E"])
    found["scheduled"] = factories.draft(models.StandardPage, home, slug="scheduled")
    found["scheduled"].go_live_at = timezone.now() + timedelta(days=1)
    factories.approve(found["scheduled"]).publish()
    found["public"] = page("public")
    found["public with a draft"] = page("with-draft")
    found["public with a draft"].save_revision(user=people["E"])
    private = page("private")
    found["below a private page"] = page("below", private)
    PageViewRestriction.objects.create(page=private, restriction_type=PageViewRestriction.LOGIN)
    found["expired"] = page("expired")
    models.StandardPage.objects.filter(slug="expired").update(expire_at=timezone.now() - timedelta(seconds=1))
    found["withdrawn"] = page("withdrawn")
    ContentPage.objects.filter(slug="withdrawn").update(
        withdrawal_kind=WithdrawalKind.GONE, withdrawn_at=timezone.now()
    )
    found["taken down"] = page("taken-down")
    take_down(found["taken down"], people["M"], "It names somebody.")
    found["index with public children"] = page("index")
    page("child", found["index with public children"])
    reviews = factories.page(models.DeathReviewIndexPage, home, title="Reviews", slug="reviews")
    set_up_death_reviews(reviews)
    found["notice draft"] = factories.draft(models.DeathReviewNoticePage, reviews)
    found["notice public"] = factories.page(models.DeathReviewNoticePage, reviews)
    return {name: type(page).objects.get(pk=page.pk) for name, page in found.items()}


LIVE = ("public", "public with a draft", "below a private page", "expired", "withdrawn", "index with public children")
NOT_LIVE = ("draft", "submitted", "scheduled", "taken down")
NOTICES = ("notice draft", "notice public")


# --- The actions: what is sent, what it leads to, and who may in which state ---


def bulk(client, page, action, **data):
    return client.post(f"{reverse('wagtail_bulk_action', args=['wagtailcore', 'page', action])}?id={page.pk}", data)


def elsewhere():
    return Page.objects.get(slug="elsewhere")


def move(client, page):
    return client.post(reverse(f"{PAGES}move_confirm", args=[page.pk, elsewhere().pk]))


def to_the_end(client, page):
    return client.post(reverse(f"{PAGES}set_page_position", args=[page.pk]))


def unschedule(client, page):
    revision = page.revisions.filter(approved_go_live_at__isnull=False).first()
    return client.post(reverse(f"{PAGES}revisions_unschedule", args=[page.pk, revision.pk if revision else 0]))


def take_down_by_the_screen(client, page):
    record = PublicRecord.objects.filter(pk=page.uuid).first()
    address = public_path(page) if record else "/nowhere/"
    return client.post(reverse("takedowns"), {"address": address, "reason": "It names somebody."})


def parent_is_elsewhere(page):
    return Page.objects.get(pk=page.pk).get_parent().slug == "elsewhere"


def is_gone(page):
    return not Page.objects.filter(pk=page.pk).exists()


def is_down(page):
    return not Page.objects.get(pk=page.pk).live


DELETING = {
    **dict.fromkeys(("draft", "submitted"), "EMSX"),
    **dict.fromkeys(("scheduled", "taken down", *LIVE), "MX"),
    "index with public children": "X",  # Wagtail's permission to delete a page with others below it is nobody's
    "notice draft": "MLSX",
    "notice public": "",
}
MOVING = {**DELETING, "index with public children": "MX", **dict.fromkeys(NOTICES, "")}
UNPUBLISHING = {**dict.fromkeys(LIVE, "MX"), **dict.fromkeys((*NOT_LIVE, *NOTICES), "")}
ACTIONS = {
    "delete": (lambda c, p: c.post(reverse(f"{PAGES}delete", args=[p.pk])), is_gone, DELETING),
    "bulk delete": (lambda c, p: bulk(c, p, "delete"), is_gone, DELETING),
    "move_confirm": (move, parent_is_elsewhere, MOVING),
    "bulk move": (lambda c, p: bulk(c, p, "move", chooser=elsewhere().pk), parent_is_elsewhere, MOVING),
    "set_page_position": (
        to_the_end,
        lambda page: Page.objects.get(pk=page.pk).get_next_sibling() is None,
        {**dict.fromkeys((*LIVE, *NOT_LIVE, "notice draft"), "MX"), "notice public": ""},
    ),
    "unpublish": (lambda c, p: c.post(reverse(f"{PAGES}unpublish", args=[p.pk])), is_down, UNPUBLISHING),
    "bulk unpublish": (lambda c, p: bulk(c, p, "unpublish"), is_down, UNPUBLISHING),
    "bulk publish": (
        lambda c, p: bulk(c, p, "publish"),
        lambda page: False,
        dict.fromkeys((*LIVE, *NOT_LIVE, *NOTICES), ""),
    ),
    "set_privacy": (
        lambda c, p: c.post(reverse(f"{PAGES}set_privacy", args=[p.pk]), {"restriction_type": "login"}),
        lambda page: PageViewRestriction.objects.filter(page=page).exists(),
        {**dict.fromkeys((*LIVE, *NOT_LIVE), "MX"), **dict.fromkeys(NOTICES, "")},
    ),
    "revisions_unschedule": (
        unschedule,
        lambda page: not page.revisions.filter(approved_go_live_at__isnull=False).exists(),
        {**dict.fromkeys((*LIVE, *NOT_LIVE, *NOTICES), ""), "scheduled": "MX"},
    ),
    "withdraw_page": (
        lambda c, p: c.post(reverse("withdraw_page", args=[p.pk]), {"kind": "gone", "explanation": "Old."}),
        lambda page: ContentPage.objects.get(pk=page.pk).withdrawal_explanation == "Old.",
        {
            **dict.fromkeys((*LIVE, *NOT_LIVE, *NOTICES), ""),
            **dict.fromkeys(("public", "public with a draft", "withdrawn", "index with public children"), "MX"),
        },
    ),
    "takedowns": (
        take_down_by_the_screen,
        is_down,
        {**dict.fromkeys(NOT_LIVE, ""), **dict.fromkeys(LIVE, "MLX"), "notice draft": "", "notice public": "MLX"},
    ),
}
# Of the addresses for pages, those that take nothing away: they show something, or write a draft, a lock or a review.
# What is saved in a form, an older version too, goes through approval (tests/test_routes_to_publication.py).
TAKE_NOTHING_AWAY = {
    "edit", "preview_on_edit", "view_draft", "copy", "convert_alias", "usage", "move", "lock", "unlock",
    "history", "history_results", "revisions_index", "revisions_view", "revisions_revert", "revisions_compare",
    "workflow_action", "collect_workflow_action_data", "confirm_workflow_cancellation", "workflow_preview",
    "workflow_history", "workflow_history_detail", "call_off_meeting", "mark_as_reviewed",
}  # fmt: skip


def test_every_action_on_a_page_is_in_the_table():
    def names(patterns, before=""):
        for one in patterns:
            route = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                yield from names(one.url_patterns, route)
            elif re.match(r"admin/pages/.*(<int:page_id>|page_to_move_id|<pk>)", route):
                yield one.name

    bulk_action_registry._scan_for_bulk_actions()
    expected = {f"bulk {name}" for name in bulk_action_registry.actions["wagtailcore"]["page"]}
    expected |= set(names(get_resolver().url_patterns)) - TAKE_NOTHING_AWAY
    assert {*ACTIONS} - {"takedowns"} == expected


def snapshot():
    """What a refusal leaves alone. That somebody saw a notice is noted all the same."""
    tables = (ContentPage, PublicRecord, PublicAddress, PublicChange, PageViewRestriction, Takedown, Site)
    return [
        *(list(table.objects.order_by("pk").values()) for table in tables),
        *(list(log.objects.exclude(action=SEEN).order_by("pk").values()) for log in (PageLogEntry, ModelLogEntry)),
        list(Revision.objects.order_by("pk").values_list("pk", "approved_go_live_at")),
    ]


def test_who_may_take_what_away(home, people, clients):
    """All cells on one set-up, which is in place again after each."""
    pages = states(home, people)
    before, wrong = snapshot(), []
    for action, (do, is_done, allowed) in ACTIONS.items():
        assert set(allowed) == set(pages)
        for state, page in pages.items():
            done = ""
            for role in ROLES:
                with transaction.atomic():
                    status = do(clients[role], page).status_code
                    changed = snapshot() != before
                    if changed and is_done(page):
                        done += role
                    elif changed or status >= 500:
                        wrong.append(f"{action}, {state}, {role}: refused ({status}), and yet something changed")
                    transaction.set_rollback(True)
                cache.clear()
            if done != allowed[state]:
                wrong.append(f"{action}, {state}: for {done or 'nobody'}, not for {allowed[state] or 'nobody'}")
    assert wrong == []


# --- What else takes something public away ---


@pytest.fixture(scope="module")
def recorded_things(record):
    return record(public_things)


@pytest.fixture
def things(home, recorded_things):
    return recorded_things.again()


def public_things():
    """A public page with a file in a collection of its own, a snippet and a label."""
    home = models.PartnershipPage.objects.get()
    collection = Collection.get_first_root_node().add_child(name="Reports")
    document = factories.document(collection=collection)
    topic, agency = factories.topic(name="Bikes"), factories.agency(name="Council")
    page = factories.draft(models.StandardPage, home, title="Advice", slug="advice", body=[("document", document)])
    page.topics = [topic]
    factories.publish(page)
    other = Collection.get_first_root_node().add_child(name="Drawer")
    CollectionViewRestriction.objects.create(collection=other, restriction_type="login")
    Redirect.objects.create(old_path="/old", redirect_page=page)
    elsewhere = factories.page(models.StandardPage, home, title="Elsewhere", slug="elsewhere")
    return {"collection": collection, "drawer": other, "document": document, "topic": topic, "agency": agency,
            "page": page, "elsewhere": elsewhere}  # fmt: skip


def of(thing, view):
    return reverse(thing.snippet_viewset.get_url_name(view), args=[thing.pk])


def whole_bulk(app, model, action, *keys):
    return f"{reverse('wagtail_bulk_action', args=[app, model, action])}?" + "&".join(f"id={key}" for key in keys)


def site_form(t, **changes):
    form = {"hostname": "localhost", "port": 80, "site_name": "S", "root_page": t["page"].get_parent().pk}
    return {**form, "is_default_site": "on", **changes}


DOORS = {
    "root of the site": lambda c, t: c.post(
        reverse("wagtailsites:edit", args=[Site.objects.get().pk]), site_form(t, root_page=t["elsewhere"].pk)
    ),
    "another default site": lambda c, t: c.post(
        reverse("wagtailsites:add"), site_form(t, hostname="other", root_page=t["elsewhere"].pk, is_default_site="")
    ),
    "site deleted": lambda c, t: c.post(reverse("wagtailsites:delete", args=[Site.objects.get().pk])),
    "collection made private": lambda c, t: c.post(
        reverse("wagtailadmin_collections:set_privacy", args=[t["collection"].pk]), {"restriction_type": "login"}
    ),
    "all collections made private": lambda c, t: c.post(
        reverse("wagtailadmin_collections:set_privacy", args=[Collection.get_first_root_node().pk]),
        {"restriction_type": "login"},
    ),
    "collection moved": lambda c, t: c.post(
        reverse("wagtailadmin_collections:edit", args=[t["collection"].pk]), {"name": "R", "parent": t["drawer"].pk}
    ),
    "file moved": lambda c, t: c.post(
        whole_bulk("documents", "document", "add_to_collection", t["document"].pk), {"collection": t["drawer"].pk}
    ),
    "file deleted": lambda c, t: c.post(reverse("wagtaildocs:delete", args=[t["document"].pk])),
    "files deleted": lambda c, t: c.post(whole_bulk("documents", "document", "delete", t["document"].pk)),
    "snippet deleted": lambda c, t: c.post(of(t["agency"], "delete")),
    "snippets deleted": lambda c, t: c.post(whole_bulk("pages", "agency", "delete", t["agency"].pk)),
    "snippet unpublished": lambda c, t: c.post(of(t["agency"], "unpublish")),
    "label deleted": lambda c, t: c.post(of(t["topic"], "delete")),
    "labels deleted": lambda c, t: c.post(whole_bulk("pages", "topic", "delete", t["topic"].pk)),
    "redirect deleted": lambda c, t: c.post(reverse("wagtailredirects:delete", args=[Redirect.objects.get().pk])),
}


def everything():
    tables = (Site, Collection, CollectionViewRestriction, Document, models.Agency, models.Topic, Redirect, ContentPage)
    return [list(table.objects.order_by("pk").values()) for table in (*tables, ModelLogEntry, PublicChange)]


@pytest.mark.parametrize("door", DOORS)
def test_other_doors_are_for_moderators_too(home, clients, things, door):
    before = everything()
    DOORS[door](clients["S"], things)
    assert everything() == before
    DOORS[door](clients["X"], things)
    assert everything() != before


def public_notice(home, *documents):
    reviews = factories.page(models.DeathReviewIndexPage, home, title="Reviews", slug="reviews")
    set_up_death_reviews(reviews)
    return factories.page(models.DeathReviewNoticePage, reviews, review_documents=list(documents))


NOT_OF_A_NOTICE = ("collection", "collections", "file", "files")


@pytest.mark.parametrize("door", [door for door in DOORS if door.split()[0] in (*NOT_OF_A_NOTICE, "all")])
def test_the_file_of_a_public_notice_is_for_no_moderator_alone(home, clients, things, door):
    notice = public_notice(home, models.ReviewDocument(kind="other", state="published", document=things["document"]))
    before = everything()
    DOORS[door](clients["X"], things)
    assert everything() == before
    assert [row.document for row in notice.published_files.all()] == [things["document"]]


def test_no_change_of_sites_takes_a_public_notice_away(home, clients, things):
    """Sites in two steps, too: without a default site Wagtail serves the page of any."""
    public_notice(home)
    site = Site.objects.get()
    url = reverse("wagtailsites:edit", args=[site.pk])
    form = site_form(things, root_page=home.pk)
    for step in (
        lambda: clients["X"].post(url, {name: form[name] for name in form if name != "is_default_site"}),
        lambda: DOORS["another default site"](clients["X"], things),
        lambda: DOORS["root of the site"](clients["X"], things),
        lambda: DOORS["site deleted"](clients["X"], things),
        lambda: clients["X"].post(
            reverse("wagtailsites:add"), site_form(things, hostname="other", root_page=things["elsewhere"].pk)
        ),
    ):
        step()
        assert addresses.site_root_path() == home.url_path


def test_the_first_site_takes_nothing_away(home, people):
    Site.objects.all().delete()
    with LogContext(user=people["S"]):
        Site.objects.create(hostname="localhost", root_page=home, is_default_site=True)
    assert Site.objects.get().root_page_id == home.pk


ACTS = {
    "page deleted": lambda t: t["page"].delete(),
    "page moved": lambda t: t["page"].move(t["elsewhere"], pos="last-child"),
    "pages deleted": lambda t: ContentPage.objects.filter(pk=t["page"].pk).delete(),
    "snippets deleted": lambda t: models.Agency.objects.filter(pk=t["agency"].pk).delete(),
    "files deleted": lambda t: Document.objects.filter(pk=t["document"].pk).delete(),
}


@pytest.mark.parametrize("act", ACTS)
def test_where_it_happens_is_asked_again_whatever_the_route(people, things, act):
    """A screen that asks nothing, of a package that somebody adds. Code without a person may."""
    before = everything()
    for role in "SE":
        with pytest.raises(PermissionDenied), transaction.atomic(), LogContext(user=people[role]):
            ACTS[act](things)
        assert everything() == before
    for person in (None, people["M"]):
        with transaction.atomic(), LogContext(user=person):
            ACTS[act](things)
            transaction.set_rollback(True)
        things = {**things, "page": models.StandardPage.objects.get(slug="advice")}
