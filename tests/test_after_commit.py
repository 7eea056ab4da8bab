"""What happens after a commit, with a clock that ticks: a frozen one hides that two readings of "now" differ."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction

from documents.models import PublishedFile
from feeds.models import FeedPing
from pages import models
from pages.editing import outbox
from pages.models.outgoing_mail import OutgoingMail
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.factories import london
from tests.hidden_content import administrator
from tests.test_feed_stories import items
from tests.test_websub import hub, in_formats, publish  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def _ticking_clock():
    with time_machine.travel(london(2026, 3, 2, 9), tick=True):
        yield


@pytest.fixture
def news(tree, hub, publish):  # noqa: F811 - the fixtures that are imported
    """A story with a file and a picture, of which the hub has been told."""
    figures, image = factories.document("Figures"), factories.image()
    story = publish(
        lambda: factories.page(
            models.NewsPage, tree[models.NewsIndexPage], title="A story", image=image, body=[("document", figures)]
        )
    )
    hub.topics()
    return story


def moved(file):
    """As the form does it: saved, and moved afterwards without a signal."""
    elsewhere, private = (Collection.get_first_root_node().add_child(name=name) for name in ("Elsewhere", "Private"))
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    file.collection = elsewhere
    file.save()
    return lambda: (elsewhere.save(), elsewhere.move(private, "sorted-child"))


CHANGES = {
    "published": lambda story: factories.publish(_with(story, title="Another title")),
    "withdrawn": lambda story: withdraw(story, administrator(), "withdrawn", "The figures were wrong."),
    "taken down": lambda story: take_down(story, administrator(), "It names somebody."),
    "unpublished": lambda story: story.unpublish(),
    "deleted": lambda story: story.delete(),
    "file made private": lambda story: CollectionViewRestriction.objects.create(
        collection=story.published_files.exclude(document=None).get().document.collection, restriction_type="login"
    ),
}


def _with(page, **values):
    for name, value in values.items():
        setattr(page, name, value)
    return page


@pytest.mark.parametrize("how", CHANGES)
def test_the_hub_is_told_at_once_of_whatever_changes(how, news, hub, publish):  # noqa: F811 - fixtures
    publish(lambda: CHANGES[how](news))
    assert (hub.topics(), FeedPing.objects.count()) == (in_formats("all", "news"), 0)


def test_the_hub_is_told_at_once_of_a_collection_that_was_moved(news, hub, publish):  # noqa: F811 - fixtures
    move = publish(lambda: moved(news.published_files.exclude(document=None).get().document))
    hub.topics()
    publish(move)
    assert (hub.topics(), FeedPing.objects.count()) == (in_formats("all", "news"), 0)


def test_the_scheduler_tells_the_hub_in_the_run_in_which_something_expires(news, hub):  # noqa: F811 - fixtures
    models.NewsPage.objects.filter(pk=news.pk).update(expire_at=timezone.now())
    call_command("publish_scheduled")
    assert (hub.topics(), FeedPing.objects.count()) == (in_formats("all", "news"), 0)


def test_mail_is_sent_in_the_run_after_it_was_written(home):
    outbox.put([mail.EmailMessage("Subject", "Body", to=["somebody@example.org"])])
    assert outbox.deliver(timezone.now()) == (1, 0)
    assert OutgoingMail.objects.count() == 0


def test_a_publication_has_one_time(news, client):
    """Its files, its notes and its dates all have it: what came together is told together."""
    assert {row.first_public_at for row in PublishedFile.objects.filter(page=news)} == {news.first_published_at}
    news.update_kind, news.change_note = "major", "It was Tuesday."
    factories.publish(news)
    news.refresh_from_db()
    assert news.public_updated_at == news.last_published_at == news.change_notes.get().at
    [item] = items(client)
    assert item["content_html"].startswith("<p><strong>Updated 2 March 2026:</strong> It was Tuesday.</p>")
    assert news.last_published_at - news.first_published_at < timedelta(minutes=1)


def test_missing_sizes_of_pictures_are_made_after_the_commit(news, publish):  # noqa: F811 - fixtures
    news.image.renditions.all().delete()
    publish(lambda: factories.publish(_with(news, title="Another title")))
    assert news.image.renditions.exists()
