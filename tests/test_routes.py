"""`resolve` answers what the CMS itself answers at a path, and `changes` tells static builds what to put there."""

import json

import pytest
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import PageViewRestriction

from pages import models
from pages.content.choices import WithdrawalKind
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.hidden_content import administrator

RESOLVE = """query ($path: String!) { resolve(path: $path) { status page { __typename heading urlPath }
  redirect { target urlPath permanent } withdrawal { kind explanation alternativeUrl alternativeUrlPath } } }"""
SITE = "http://testserver"


def redirect(path, permanent=True):
    return {"target": SITE + path, "urlPath": path, "permanent": permanent}


def withdrawal(kind, explanation=None, alternative=None):
    path = alternative and SITE + alternative
    return {"kind": kind, "explanation": explanation, "alternativeUrl": path, "alternativeUrlPath": alternative}


def withdrawn(path, heading):
    return {"__typename": "WithdrawnPage", "heading": heading, "urlPath": path}


@pytest.fixture
def site(home):
    """A page in each state, at /<state>/, and the status, page, redirect and withdrawal of each."""
    pages = {
        name: factories.page(models.StandardPage, home, slug=name, title=name.title())
        for name in ("here", "explained", "redirected", "gone", "down", "moved", "private")
    }
    factories.draft(models.StandardPage, home, slug="draft")
    pages["moved"].slug = "now"
    factories.publish(pages["moved"])
    pages["gone"].unpublish()
    take_down(pages["down"], administrator(), "It names somebody.")
    PageViewRestriction.objects.create(page=pages["private"], restriction_type=PageViewRestriction.LOGIN)
    for name, kind in (("explained", WithdrawalKind.WITHDRAWN), ("redirected", WithdrawalKind.REDIRECT)):
        withdraw(pages[name], administrator(), kind, "Out of date.", pages["here"])
    for name, target, permanent in (("entered", "here", False), ("hidden", "private", True)):
        Redirect.objects.create(old_path=f"/{name}", redirect_page=pages[target], is_permanent=permanent)
    nothing = "This page is not available"
    down = "This page is not available at the moment."
    return {
        "/": (200, {"__typename": "PartnershipPage", "heading": home.title, "urlPath": "/"}, None, None),
        "/here/": (200, {"__typename": "StandardPage", "heading": "Here", "urlPath": "/here/"}, None, None),
        "/entered/": (302, None, redirect("/here/", permanent=False), None),
        "/moved/": (301, None, redirect("/now/"), None),
        "/redirected/": (301, None, redirect("/here/"), None),
        "/explained/": (
            410,
            withdrawn("/explained/", "Explained"),
            None,
            withdrawal("WITHDRAWN", "Out of date.", "/here/"),
        ),
        "/gone/": (410, withdrawn("/gone/", nothing), None, withdrawal("GONE")),
        "/private/": (410, withdrawn("/private/", nothing), None, withdrawal("GONE")),
        "/down/": (410, withdrawn("/down/", nothing), None, withdrawal("GONE", down)),
        "/draft/": (404, None, None, None),
        "/hidden/": (404, None, None, None),
        "/nowhere/": (404, None, None, None),
    }


def test_resolve_answers_as_the_cms_does(site, client, ask):
    names = ("status", "page", "redirect", "withdrawal")
    told = {path: ask(RESOLVE, path=path)["resolve"] for path in site}
    assert told == {path: dict(zip(names, expected, strict=True)) for path, expected in site.items()}
    assert {path: client.get(path).status_code for path in site} == {path: found[0] for path, found in site.items()}
    assert ask(RESOLVE, path="here")["resolve"] == told["/here/"]


def test_resolve_says_what_its_path_must_be(home, refused):
    message = 'Argument "path": give a text of at most 2000 characters, without NUL.'
    assert [each["message"] for each in refused(RESOLVE, path="a\0b")] == [message]


CHANGES = """query ($after: String) { changes(first: 100, after: $after) { pageInfo { endCursor } nodes {
  kind pageId previousUrlPath urlPath withdrawal { kind explanation } page { id } } } }"""


def told_since(ask, cursor):
    return [
        (each["kind"], each["previousUrlPath"], each["urlPath"], each["withdrawal"])
        for each in ask(CHANGES, after=cursor)["changes"]["nodes"]
    ]


def test_a_static_build_learns_where_pages_were_and_why_they_went(home, ask):
    pages = [factories.page(models.StandardPage, home, slug=name) for name in ("a", "b", "c", "d")]
    cursor = ask(CHANGES)["changes"]["pageInfo"]["endCursor"]
    moved, explained, gone, down = pages
    moved.slug = "new"
    factories.publish(moved)
    withdraw(explained, administrator(), WithdrawalKind.WITHDRAWN, "Out of date.")
    withdraw(gone, administrator(), WithdrawalKind.GONE)
    take_down(down, administrator(), "It names somebody.")
    reason = {"kind": "WITHDRAWN", "explanation": "Out of date."}
    assert told_since(ask, cursor) == [
        ("MOVED", "/a/", "/new/", None),
        ("UPDATED", None, "/new/", None),
        ("WITHDRAWN", "/b/", None, reason),
        ("WITHDRAWN", None, None, None),
        ("WITHDRAWN", None, None, None),
    ]
    # Somebody else lives at the old path now, and what was withdrawn is hidden from everybody.
    factories.page(models.StandardPage, home, slug="a")
    PageViewRestriction.objects.create(page=explained, restriction_type=PageViewRestriction.LOGIN)
    assert told_since(ask, cursor)[:3] == [
        ("MOVED", None, "/new/", None),
        ("UPDATED", None, "/new/", None),
        ("WITHDRAWN", None, None, None),
    ]


def test_a_page_that_moved_and_went_tells_no_path(home, ask):
    page = factories.page(models.StandardPage, home, slug="zzold")
    page.slug = "zznew"
    factories.publish(page)
    assert "zzold" in json.dumps(ask(CHANGES))
    page.unpublish()
    assert "zz" not in json.dumps(ask(CHANGES))


def test_a_page_that_moved_there_and_back_was_elsewhere_before(home, ask):
    page = factories.page(models.StandardPage, home, slug="a")
    cursor = ask(CHANGES)["changes"]["pageInfo"]["endCursor"]
    for slug in ("b", "c", "b"):
        page.slug = slug
        factories.publish(page)
    moves = [(before, path) for kind, before, path, _ in told_since(ask, cursor) if kind == "MOVED"]
    assert moves == [("/a/", "/b/"), ("/a/", "/b/"), ("/c/", "/b/")]
