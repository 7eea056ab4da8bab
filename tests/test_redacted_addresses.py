"""Redacted addresses and names stay different where they must, and the ledger and links go with the pages."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from taggit.models import Tag
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, Revision

from pages import models
from pages.models import PublicAddress, PublicRecord
from pages.redaction.addresses import free
from pages.redaction.redact import redact
from tests import factories


def page(parent, slug, **fields):
    return factories.page(models.StandardPage, parent, **{"title": "A page", "slug": slug, **fields})


@pytest.fixture
def siblings(home):
    """Two pages whose slugs differ in the spelling of a name only, each with a page below it."""
    first, second = page(home, "jane-doe"), page(home, "janedoe")
    return first, second, page(first, "below"), page(second, "below")


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def test_siblings_stay_different_and_what_is_below_goes_with_them(siblings, client):
    redact("Jane Doe")
    first, second, below_first, below_second = map(fresh, siblings)
    assert [(each.slug, each.url_path) for each in (first, second, below_first, below_second)] == [
        ("redacted", "/home/redacted/"),
        ("redacted-2", "/home/redacted-2/"),
        ("below", "/home/redacted/below/"),
        ("below", "/home/redacted-2/below/"),
    ]
    for each in (first, second, below_first, below_second):
        path = each.url_path.removeprefix("/home")
        assert PublicRecord.objects.get(uuid=each.uuid).path == path
        assert list(PublicAddress.objects.filter(record=each.uuid).values_list("path", flat=True)) == [path]
        assert client.get(path).status_code == 200
    assert client.get("/jane-doe/below/").status_code == 404


def test_a_slug_that_is_taken_is_not_taken_again(home):
    taken, found = page(home, "redacted"), page(home, "jane-doe")
    redact("Jane Doe")
    assert (fresh(taken).slug, fresh(found).slug) == ("redacted", "redacted-2")


def test_a_draft_can_still_be_published_afterwards(siblings):
    second = siblings[1]
    second.title = "Changed"
    second.save_revision()
    redact("Jane Doe")
    revision = fresh(second).get_latest_revision()
    assert (revision.content["slug"], revision.content["url_path"]) == ("redacted-2", "/home/redacted-2/")
    factories.approved(revision).publish()
    published = fresh(second)
    assert (published.title, published.url_path) == ("Changed", "/home/redacted-2/")


def test_a_new_slug_in_a_draft_becomes_the_pages_own(home):
    draft = page(home, "about")
    draft.slug = "jane-doe"
    draft.save_revision()
    redact("Jane Doe")
    assert [each.content["slug"] for each in Revision.objects.for_instance(draft)] == ["about", "about"]


def test_links_and_redirects_follow_the_pages(siblings, home):
    _, second, _, below_second = siblings
    to_page = Redirect.objects.create(old_path="/jane-doe-news", redirect_link="/janedoe/below/")
    from_pages = [
        Redirect.objects.create(old_path=path, redirect_page=second) for path in ("/doe/janedoe", "/Jane_Doe")
    ]
    body = [("paragraph", '<p><a href="http://testserver/janedoe/">Jane</a> <a href="/janedoe/below">Doe</a></p>')]
    linking = page(home, "links", body=body)
    redact("Jane Doe")
    assert fresh(to_page).old_path == "/redacted-news"
    assert fresh(to_page).redirect_link == "/redacted-2/below/"
    assert [fresh(each).old_path for each in from_pages] == ["/doe/redacted", "/redacted-3"]  # 2 are pages
    assert fresh(linking).body[0].value.source == (
        '<p><a href="http://testserver/redacted-2/">[redacted]</a><a href="/redacted-2/below"></a></p>'
    )
    assert fresh(below_second).url_path == "/home/redacted-2/below/"


def test_old_addresses_of_the_ledger_stay_different(home, client):
    moved = page(home, "jane-doe")
    for slug in ("janedoe", "jane_doe", "now"):
        moved.slug = slug
        factories.publish(moved)
    gone = page(home, "jane-doe")
    gone.delete()
    redact("Jane Doe")
    addresses = PublicAddress.objects.filter(record=moved.uuid).order_by("pk").values_list("path", flat=True)
    assert list(addresses) == ["/redacted/", "/redacted-2/", "/redacted-3/", "/now/"]
    assert PublicRecord.objects.get(uuid=moved.uuid).path == "/now/"
    record = PublicRecord.objects.get(uuid=gone.uuid)
    assert record.path == "/redacted-4/"
    assert [each.path for each in record.addresses.all()] == ["/redacted-4/"]
    assert client.get("/redacted-4/").status_code == 410


def test_an_address_that_a_page_had_before_is_noted_once(home):
    found = page(home, "redacted")
    found.slug = "jane-doe"
    factories.publish(found)
    redact("Jane Doe")
    assert list(PublicAddress.objects.filter(record=found.uuid).values_list("path", flat=True)) == ["/redacted/"]
    assert PublicRecord.objects.get(uuid=found.uuid).path == fresh(found).url_path.removeprefix("/home") == "/redacted/"


def test_the_home_page_keeps_its_path(home, client):
    Page.objects.filter(pk=home.pk).update(slug="jane-doe", url_path="/jane-doe/")
    home.refresh_from_db()
    below = page(home, "below")
    redact("Jane Doe")
    assert (fresh(home).url_path, fresh(below).url_path) == ("/redacted/", "/redacted/below/")
    assert PublicRecord.objects.get(uuid=below.uuid).path == "/below/"


def test_names_that_must_be_unique_stay_so(home):
    agencies = [factories.agency(name=name) for name in ("Jane Doe", "Jane  Doe", "[redacted]")]
    topics = [
        factories.topic(name=name, slug=slug) for name, slug in (("Jane Doe", "jane-doe"), ("Jane-Doe", "janedoe"))
    ]
    tags = [Tag.objects.create(name=name, slug=name) for name in ("jane-doe", "janedoe")]
    redact("Jane Doe")
    assert [fresh(each).name for each in agencies] == ["[redacted]-2", "[redacted]-3", "[redacted]"]
    assert [(fresh(each).name, fresh(each).slug) for each in topics] == [
        ("[redacted]", "redacted"),
        ("redacted", "redacted-2"),
    ]
    assert [(fresh(each).name, fresh(each).slug) for each in tags] == [
        ("redacted", "redacted"),
        ("redacted-2", "redacted-2"),
    ]


def test_a_refusal_of_the_database_is_told_without_the_text(home, monkeypatch):
    agency = factories.agency(name="Jane Doe")
    taken = factories.agency(name="[redacted]")
    monkeypatch.setattr("pages.redaction.redact._unique", lambda model, key, changes: changes)
    monkeypatch.setattr("sys.stdin", StringIO("Jane Doe"))
    with pytest.raises(CommandError) as refused:
        call_command("redact", "--yes")
    assert str(refused.value) == "IntegrityError in the table pages_agency. Nothing was changed."
    assert refused.value.__suppress_context__
    assert (fresh(agency).name, fresh(taken).name) == ("Jane Doe", "[redacted]")


def test_free_names():
    assert free("a", {"b"}, 9) == "a"
    assert free("a", {"a", "a-2"}, 9) == "a-3"
    assert free("/a/", {"/a/"}, 9) == "/a-2/"
    assert free("abcdef", {"abcd", "ab-2"}, 4) == "ab-3"
