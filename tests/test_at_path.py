"""What a reader finds at a path after pages moved, went or were redirected: the same by GraphQL and at the CMS."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import PageViewRestriction, Site

from pages import models
from pages.models import PublicAddress, PublicRecord
from tests import factories

QUERY = """query($path: String!) {
  page(urlPath: $path) { __typename id title url urlPath
    ... on WithdrawnPage { withdrawal { kind explanation withdrawnAt alternativeUrl } } }
  redirect(path: $path) { target permanent }
}"""
NOTHING = {"page": None, "redirect": None}


@pytest.fixture
def at(ask):
    return lambda path: ask(QUERY, path=path)


def moved_to(path):
    return {"page": None, "redirect": {"target": f"http://testserver{path}", "permanent": True}}


def gone(page, path, ended_at=None):
    withdrawal = {"kind": "GONE", "explanation": None, "withdrawnAt": ended_at, "alternativeUrl": None}
    here = {"__typename": "WithdrawnPage", "id": str(page.uuid), "title": None}
    return {
        "page": {**here, "url": f"http://testserver{path}", "urlPath": path, "withdrawal": withdrawal},
        "redirect": None,
    }


def test_a_new_slug_leads_from_the_old_address_to_the_new_one(home, at, client):
    page = factories.page(models.StandardPage, home, slug="old")
    child = factories.page(models.StandardPage, page, slug="child")
    page.refresh_from_db()
    page.slug = "new"
    factories.publish(page)
    for path in ("/old/", "/old", "old"):
        assert at(path) == moved_to("/new/")
    assert at("/old/child/") == moved_to("/new/child/")
    assert at("/new/child/")["page"]["id"] == str(child.uuid)
    answer = client.get("/old/child/")
    assert (answer.status_code, answer["Location"]) == (301, "http://testserver/new/child/")
    assert answer["Cache-Control"] == "no-cache"
    assert Redirect.objects.count() == 0  # the ledger does it


def test_a_slug_that_is_only_a_draft_moves_nothing(home, at):
    page = factories.page(models.StandardPage, home, slug="old")
    page.slug = "secret"
    page.save_revision()
    assert at("/old/")["page"]["id"] == str(page.uuid)
    assert at("/secret/") == NOTHING


def test_a_moved_page_keeps_its_uuid_and_every_address_it_had_leads_to_it(home, at):
    first, second = (factories.page(models.StandardPage, home, slug=slug) for slug in ("first", "second"))
    page = factories.page(models.StandardPage, first, slug="page")
    for parent in (second, home, first):
        page.refresh_from_db()
        parent.refresh_from_db()
        page.move(parent, pos="last-child")
    assert at("/first/page/")["page"]["id"] == str(page.uuid)
    assert at("/second/page/") == at("/page/") == moved_to("/first/page/")
    assert PublicRecord.objects.get(uuid=page.uuid).path == "/first/page/"


def test_moving_what_was_never_public_makes_no_redirect(home, at):
    draft = factories.draft(models.StandardPage, home, slug="draft")
    child = factories.page(models.StandardPage, draft, slug="child")
    draft.slug = "secret"
    draft.save()
    assert at("/draft/child/") == at("/secret/child/") == NOTHING
    assert not PublicRecord.objects.filter(uuid__in=[draft.uuid, child.uuid]).exists()


def test_the_latest_page_at_an_address_answers_for_it(home, at):
    with time_machine.travel(factories.london(2026, 3, 1, 10), tick=False):
        first = factories.page(models.StandardPage, home, slug="here")
        first.slug = "elsewhere"
        factories.publish(first)
    with time_machine.travel(factories.london(2026, 3, 2, 10), tick=False):
        second = factories.page(models.StandardPage, home, slug="here")
        assert at("/here/")["page"]["id"] == str(second.uuid)
    with time_machine.travel(factories.london(2026, 7, 3, 10), tick=False):
        second.unpublish()
        assert at("/here/") == gone(second, "/here/", "2026-07-03T10:00:00+01:00")
        assert at("/elsewhere/")["page"]["id"] == str(first.uuid)


def test_deletion_leaves_only_that_something_was_there(home, at, client):
    with time_machine.travel(factories.london(2026, 3, 1, 10), tick=False):
        parent = factories.page(models.StandardPage, home, slug="parent")
        child = factories.page(models.StandardPage, parent, slug="child")
        draft = factories.draft(models.StandardPage, parent, slug="draft")
        models.StandardPage.objects.get(pk=parent.pk).delete()
        assert at("/parent/") == gone(parent, "/parent/", "2026-03-01T10:00:00+00:00")
        assert at("/parent/child/") == gone(child, "/parent/child/", "2026-03-01T10:00:00+00:00")
        assert at("/parent/draft/") == NOTHING
        assert client.get("/parent/child/").status_code == 410
    assert not PublicRecord.objects.filter(uuid=draft.uuid).exists()


def test_an_expired_page_is_gone_at_its_second_and_dated_when_it_was_processed(home, at):
    end = factories.london(2026, 3, 2, 10)
    with time_machine.travel(factories.london(2026, 3, 1, 10), tick=False):
        page = factories.page(models.StandardPage, home, slug="page", expire_at=end)
        child = factories.page(models.StandardPage, page, slug="child")
    with time_machine.travel(end - timedelta(microseconds=1), tick=False):
        assert at("/page/")["page"]["id"] == str(page.uuid)
    with time_machine.travel(end, tick=False):
        assert at("/page/") == gone(page, "/page/")
        assert at("/page/child/") == gone(child, "/page/child/")
    with time_machine.travel(end + timedelta(minutes=5), tick=False):
        call_command("publish_scheduled")
        assert at("/page/") == gone(page, "/page/", "2026-03-02T10:05:00+00:00")
        assert at("/page/child/") == gone(child, "/page/child/", "2026-03-02T10:05:00+00:00")


def test_what_was_published_below_an_expired_page_is_remembered_when_that_comes_back(home, at):
    with time_machine.travel(factories.london(2026, 3, 1, 10), tick=False) as clock:
        parent = factories.page(models.StandardPage, home, slug="parent", expire_at=factories.london(2026, 3, 1, 11))
        clock.move_to(factories.london(2026, 3, 1, 12))
        child = factories.page(models.StandardPage, parent, slug="child")
        assert at("/parent/child/") == NOTHING
        parent.refresh_from_db()
        parent.expire_at = None
        factories.publish(parent)
        assert at("/parent/child/")["page"]["id"] == str(child.uuid)
        parent.unpublish()
        assert at("/parent/child/") == gone(child, "/parent/child/", "2026-03-01T12:00:00+00:00")


def test_publishing_a_parent_makes_what_is_below_it_public_and_remembered(home, at):
    parent = factories.draft(models.StandardPage, home, slug="parent")
    child = factories.page(models.StandardPage, parent, slug="child")
    assert at("/parent/child/") == NOTHING
    parent.refresh_from_db()
    factories.publish(parent)
    assert at("/parent/child/")["page"]["id"] == str(child.uuid)
    parent.unpublish()
    assert at("/parent/child/")["page"]["__typename"] == "WithdrawnPage"


def test_a_restriction_and_its_lifting_are_remembered(home, at):
    parent = factories.page(models.StandardPage, home, slug="parent")
    child = factories.page(models.StandardPage, parent, slug="child")
    restriction = PageViewRestriction.objects.create(page=parent, restriction_type="login")
    hidden = factories.page(models.StandardPage, parent, slug="hidden")
    assert at("/parent/hidden/") == NOTHING
    assert at("/parent/child/")["page"]["__typename"] == "WithdrawnPage"
    restriction.delete()
    assert at("/parent/child/")["page"]["id"] == str(child.uuid)
    assert at("/parent/hidden/")["page"]["id"] == str(hidden.uuid)
    assert PublicRecord.objects.filter(uuid=hidden.uuid, ended_at=None).count() == 1


def test_a_private_page_that_never_was_public_leaves_nothing_when_it_is_deleted(home, at):
    page = factories.draft(models.StandardPage, home, slug="page")
    PageViewRestriction.objects.create(page=page, restriction_type="login")
    factories.publish(page)
    models.StandardPage.objects.get().delete()
    assert at("/page/") == NOTHING
    assert not PublicRecord.objects.filter(uuid=page.uuid).exists()


def test_an_editors_redirect_wins_over_what_the_ledger_remembers(home, at, client):
    old = factories.page(models.StandardPage, home, slug="old")
    new = factories.page(models.StandardPage, home, slug="new")
    redirect = Redirect.objects.create(old_path="/old", redirect_page=new, is_permanent=False)
    assert at("/old/")["page"]["id"] == str(old.uuid)  # a public page comes first
    old.unpublish()
    assert at("/old/") == {"page": None, "redirect": {"target": "http://testserver/new/", "permanent": False}}
    answer = client.get("/old/")
    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/new/")
    new.unpublish()
    assert at("/old/")["page"]["__typename"] == "WithdrawnPage"  # never to what is not public
    redirect.redirect_page, redirect.redirect_link = None, "https://example.org/elsewhere"
    redirect.save()
    assert at("/old/")["page"]["__typename"] == "WithdrawnPage"  # nor to another site
    Redirect.objects.create(old_path="/old", site=Site.objects.get(), redirect_link="/its-own-site", is_permanent=True)
    assert at("/old/")["redirect"] == {"target": "http://testserver/its-own-site", "permanent": True}


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "//evil.example/", "ftp://example.org/", "/old", "http://testserver/old/"]
)
def test_a_redirect_to_itself_or_to_what_is_no_web_address_is_ignored(home, at, link):
    Redirect.objects.create(old_path="/old", redirect_link=link)
    assert at("/old/") == NOTHING


def test_a_hidden_page_costs_and_says_as_much_as_one_that_does_not_exist(home, client):
    factories.draft(models.StandardPage, home, slug="draft")

    def answer(path, send):
        send(path)  # once before counting, for Wagtail's cached site root
        with CaptureQueriesContext(connection) as queries:
            response = send(path)
        return len(queries), response.status_code, response.content.replace(path.encode(), b""), dict(response.headers)

    def query(path):
        return client.post("/graphql/", {"query": QUERY, "variables": {"path": path}}, content_type="application/json")

    hidden = models.StandardPage.objects.get(slug="draft")
    Redirect.objects.create(old_path="/to-hi", redirect_page=hidden)
    for send in (client.get, query):
        assert answer("/draft/", send) == answer("/no-pg/", send)
        assert answer("/to-hi/", send) == answer("/no-pg/", send)


def test_the_ledger_is_written_with_the_publication_or_not_at_all(home, monkeypatch):
    page = factories.draft(models.StandardPage, home, slug="page")

    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("cms.publication.effects.ledger.update", fail)
    with pytest.raises(RuntimeError):
        factories.approve(page).publish()
    page.refresh_from_db()
    assert (page.live, page.first_published_at) == (False, None)
    assert not PublicAddress.objects.filter(path="/page/").exists()


def test_a_published_version_of_a_public_page_writes_nothing_new(home):
    page = factories.page(models.StandardPage, home, slug="page")
    before = list(PublicRecord.objects.values()), list(PublicAddress.objects.values())
    page.title = "Another title"
    factories.publish(page)
    assert (list(PublicRecord.objects.values()), list(PublicAddress.objects.values())) == before
