"""HTTP caches in front are told after the commit what to forget: pages, files, feeds and the sitemap."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.files.base import ContentFile
from wagtail.models import CollectionViewRestriction

from documents.models import RENDITIONS
from pages import models
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.hidden_content import administrator

FEEDS = ("all", "news", "meetings", "publications", "priorities", "death-reviews")
LISTS = {
    f"http://testserver{path}"
    for path in (
        *(f"/feeds/{name}.{kind}" for name in FEEDS for kind in ("rss", "atom", "json")),
        "/feeds/meetings.ics",
        "/feeds/meetings-with-cancelled.ics",
        "/feeds.opml",
        "/sitemap.xml",
    )
}


@pytest.fixture
def told(settings, django_capture_on_commit_callbacks):
    """Runs something and returns the addresses, all as http, that a cache on loopback was told to forget."""
    found: list[str] = []

    class Cache(BaseHTTPRequestHandler):
        def do_PURGE(self):
            found.append(f"http://{self.headers['Host']}{self.path}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Cache)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    backend = {"BACKEND": "wagtail.contrib.frontend_cache.backends.HTTPBackend", "LOCATION": address}

    def run(action):
        found.clear()
        settings.WAGTAILFRONTENDCACHE = {address: backend}
        settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
        with django_capture_on_commit_callbacks(execute=True):
            action()
            assert found == []  # nothing before the commit
        settings.WAGTAILFRONTENDCACHE = {}
        return set(found)

    yield run
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(home):
    document, picture = factories.document(), factories.image()
    body = [("document", document), ("image", {"image": picture, "caption": ""})]
    return factories.page(models.StandardPage, home, slug="page", body=body)


def files_of(page):
    document = page.published_files.get(document__isnull=False).document
    picture = page.published_files.get(image__isnull=False).image
    return {
        document.address,
        *(rendition.full_url for rendition in picture.renditions.filter(filter_spec__in=RENDITIONS.values())),
    }


HERE = "http://testserver/page/"
ABOVE = "http://testserver/"  # lists the page


def test_publishing_withdrawing_and_deleting_tell_the_caches(page, told):
    files = files_of(page)
    assert len(files) == 6
    for action in (
        lambda: factories.publish(page),
        page.unpublish,
        lambda: factories.publish(page),
        lambda: take_down(page, administrator(), "It names somebody."),
        lambda: models.StandardPage.objects.get().delete(),
    ):
        assert told(action) == {HERE, ABOVE, *files, *LISTS}


def test_a_file_that_a_new_version_drops_is_forgotten(page, told):
    files = files_of(page)
    page.body = [("heading", {"text": "Nothing", "level": "2"})]
    assert told(lambda: factories.publish(page)) == {HERE, ABOVE, *files, *LISTS}


def test_with_a_website_its_address_is_told_too(page, told, settings):
    settings.WEBSITE_URL = "https://www.example.org"
    website = {"http://www.example.org/page/", "http://www.example.org/"}
    assert told(page.unpublish) == {HERE, ABOVE, *website, *files_of(page), *LISTS}


def test_a_moved_page_is_forgotten_at_both_addresses(page, told):
    page.slug = "new"
    assert told(lambda: factories.publish(page)) == {HERE, "http://testserver/new/", ABOVE, *files_of(page), *LISTS}


def test_a_draft_tells_nobody_anything(page, told):
    page.title = "Draft"
    assert told(page.save_revision) == set()


def test_a_file_that_goes_private_or_is_taken_down_is_forgotten(page, told):
    files = files_of(page)
    document = page.published_files.get(document__isnull=False).document
    restriction = CollectionViewRestriction(collection=document.collection, restriction_type="login")
    assert told(restriction.save) == {HERE, *files, *LISTS}
    assert told(restriction.delete) == {HERE, *files, *LISTS}
    assert told(lambda: take_down(document, administrator(), "It names somebody.")) == {HERE, document.address, *LISTS}


def test_what_shows_something_that_changed_is_forgotten_too(home, page, told):
    """Here the pages below it with their breadcrumbs, and one that links to it."""
    below = factories.page(models.StandardPage, page, slug="below")
    link = ("paragraph", f'<p><a linktype="page" id="{below.pk}">More</a></p>')
    factories.page(models.StandardPage, home, slug="links", body=[link])
    page = models.StandardPage.objects.get(slug="page")
    page.title = "Another"
    found = told(lambda: factories.publish(page))
    assert found - files_of(page) - LISTS == {HERE, ABOVE, f"{HERE}below/"}
    found = told(
        lambda: take_down(models.StandardPage.objects.get(slug="below"), administrator(), "It names somebody.")
    )
    assert found - LISTS == {HERE, f"{HERE}below/", "http://testserver/links/"}


def test_what_rolls_back_is_not_told(page, told, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("pages.takedown.withdrawal.log", fail)

    def action():
        with pytest.raises(RuntimeError):
            take_down(page, administrator(), "It names somebody.")

    assert told(action) == set()
    assert models.StandardPage.objects.get().live is True


def test_a_file_that_moves_or_is_exchanged_is_forgotten(page, told):
    document = page.published_files.get(document__isnull=False).document
    private = document.collection.add_child(name="Private")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    document.collection = private
    assert told(document.save) == {HERE, document.address, *LISTS}
    old = document.address
    document.file = ContentFile(b"new", "table.csv")
    assert told(document.save) == {HERE, old, document.address, *LISTS}


def test_shared_text_that_comes_or_goes_refreshes_the_lists(home, told):
    venue = factories.venue()
    assert told(lambda: factories.publish(venue)) == LISTS
    assert told(venue.unpublish) == LISTS


@pytest.mark.parametrize("how", ["taken down", "deleted"])
def test_feeds_about_what_went_are_forgotten_too(home, told, how):
    """The feed of a topic with nothing else in it, and that of a priority, under each of its addresses."""
    topic = factories.topic(slug="cycling")
    period = factories.page(models.PriorityPeriodPage, home, slug="2026")
    priority = factories.page(models.PriorityPage, period, slug="theft", topics=[topic])
    priority.slug = "burglary"
    factories.publish(priority)
    found = told(
        lambda: take_down(priority, administrator(), "It names somebody.") if how != "deleted" else priority.delete()
    )
    names = ("topics/cycling", "priorities/2026-theft", "priorities/2026-burglary")
    assert {f"http://testserver/feeds/{name}.{kind}" for name in names for kind in ("rss", "atom", "json")} <= found
