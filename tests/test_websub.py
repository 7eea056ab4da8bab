"""A hub is told which feeds changed, after the commit, and again when it was down."""

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
import time_machine
from django.core.management import call_command

from cms.publication import effects as publication
from feeds import websub
from feeds.models import FeedPing
from pages import models
from tests import factories
from tests.factories import london

NOW = london(2026, 3, 2, 9)


class Hub(HTTPServer):
    """A hub on loopback that remembers what it was told. `status` is what it answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.told, self.status = [], 204
        self.address = f"http://127.0.0.1:{self.server_port}/"

    def topics(self):
        found = sorted(form["hub.url"][0].removeprefix("http://testserver/feeds/") for form in self.told)
        self.told.clear()
        return found


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server.status < 300:
            self.server.told.append(form)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(settings):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.WEBSUB_HUB = server.address
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def publish(django_capture_on_commit_callbacks):
    def run(change):
        with django_capture_on_commit_callbacks(execute=True):
            return change()

    return run


def in_formats(*names):
    return sorted(f"{name}.{kind}" for name in names for kind in ("rss", "atom", "json"))


def test_the_hub_is_told_of_each_feed_that_changed(home, clock, hub, publish):
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    publish(lambda: factories.page(models.StandardPage, home))
    assert hub.topics() == []  # neither is in a feed
    topic = factories.topic(slug="cycling")
    story = publish(lambda: factories.page(models.NewsPage, index, topics=[topic]))
    assert [form["hub.mode"] for form in hub.told] == [["publish"]] * 9
    assert hub.topics() == in_formats("all", "news", "topics/cycling")
    story.title = "A draft"
    publish(story.save_revision)
    assert hub.topics() == []
    publish(lambda: factories.publish(story))
    assert hub.topics() == in_formats("all", "news", "topics/cycling")
    publish(lambda: factories.publish(story))  # with nothing that readers would notice
    assert hub.topics() == []
    publish(story.unpublish)
    assert hub.topics() == in_formats("all", "news", "topics/cycling")  # its followers learn that it went
    assert FeedPing.objects.count() == 0


def test_the_hub_is_not_told_of_death_reviews(home, clock, hub, publish):
    """It is a third party, and would have the notice after it was taken down."""
    reviews = publish(lambda: factories.page(models.DeathReviewIndexPage, home))
    publish(lambda: factories.page(models.DeathReviewNoticePage, reviews))
    assert (hub.topics(), FeedPing.objects.count()) == ([], 0)


def test_a_hub_that_is_down_is_told_later(home, clock, hub, publish):
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    hub.status = 503
    story = publish(lambda: factories.page(models.NewsPage, index))
    assert models.NewsPage.objects.get(pk=story.pk).live  # nobody is kept from publishing
    assert (hub.topics(), FeedPing.objects.count()) == ([], 6)
    hub.status = 202
    call_command("publish_scheduled")
    assert hub.topics() == []  # not before a minute has passed
    clock.shift(timedelta(minutes=1))
    call_command("publish_scheduled")
    assert hub.topics() == in_formats("all", "news")
    assert FeedPing.objects.count() == 0


def test_nobody_waits_long_for_a_slow_hub(home, clock, hub, publish, monkeypatch):
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    with monkeypatch.context() as slow:
        slow.setattr(websub, "PATIENCE", -1)  # over before the first answer
        publish(lambda: factories.page(models.NewsPage, index))
    assert (hub.topics(), FeedPing.objects.count()) == ([], 6)
    call_command("publish_scheduled")
    assert (hub.topics(), FeedPing.objects.count()) == (in_formats("all", "news"), 0)


def test_a_calendar_names_its_hub(home, client, hub):
    factories.page(models.MeetingIndexPage, home, slug="meetings")
    assert f'<{hub.address}>; rel="hub"' in client.get("/feeds/meetings.ics")["Link"]


def test_one_that_stays_away_is_given_up_and_logged(home, clock, hub, publish, caplog):
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    hub.status = 500
    publish(lambda: factories.page(models.NewsPage, index))
    for _ in range(12 * 6):
        clock.shift(timedelta(hours=7))
        call_command("publish_scheduled")
    assert FeedPing.objects.count() == 0
    assert caplog.text.count("could not be told") == 6


def test_without_a_hub_nothing_is_kept(home, clock, publish):
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    publish(lambda: factories.page(models.NewsPage, index))
    assert FeedPing.objects.count() == 0


def test_the_hub_is_told_once_in_each_transaction_and_after_the_caches(
    home, clock, hub, django_capture_on_commit_callbacks, settings, monkeypatch
):
    """Whoever waits for a publication waits for the hub once, and it fetches nothing that is out of date."""
    index = factories.page(models.NewsIndexPage, home)
    order = []
    monkeypatch.setattr(publication, "purge_urls_from_cache", lambda urls: order.append("caches"))
    monkeypatch.setattr(publication, "send_pings", lambda: order.append("hub"))
    settings.WAGTAILFRONTENDCACHE = {"default": {"BACKEND": "unused"}}
    with django_capture_on_commit_callbacks(execute=True):
        factories.page(models.NewsPage, index)
    assert (order[0], order.count("hub")) == ("caches", 1)


def test_two_may_tell_the_hub_at_once(home, clock, hub, publish, monkeypatch):
    """What another process has told it meanwhile is no error of this one, which was not heard."""
    index = publish(lambda: factories.page(models.NewsIndexPage, home))
    hub.status = 503
    publish(lambda: factories.page(models.NewsPage, index))
    monkeypatch.setattr(websub, "_ping", lambda url: not FeedPing.objects.filter(url=url).delete())
    clock.shift(timedelta(minutes=1))
    assert websub.send_pings() == (0, 5)
