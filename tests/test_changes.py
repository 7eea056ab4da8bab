"""`changes`: a client that follows the list has exactly the set of public pages, from wherever it starts."""

import json
import os
import random
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction, ReferenceIndex

from pages import models
from pages.content import addresses
from pages.content.choices import UpdateKind
from pages.editing.reviews import mark_as_reviewed
from pages.redaction.redact import redact
from pages.takedown.withdrawal import take_down, withdraw
from pages.visibility.rule import public
from tests import factories
from tests.hidden_content import administrator
from tests.test_query_counts import queries

CHANGES = """query ($since: String, $first: Int) { changes(since: $since, first: $first) {
  totalCount pageInfo { hasNextPage endCursor } nodes { kind at major note pageId urlPath page { title urlPath } } } }"""
GONE = ("WITHDRAWN", "DELETED")
SEED, OPERATIONS = int(os.environ.get("FUZZ_SEED", "20260302")), 200
START = factories.london(2026, 3, 2, 10)


class Follower:
    """A front-end that keeps the set of public pages, by id and path, with nothing but the list of changes."""

    def __init__(self, ask, cursor=None, pages=None):
        self.ask, self.cursor, self.pages = ask, cursor, dict(pages or {})

    def catch_up(self):
        more = True
        while more:
            found = self.ask(CHANGES, since=self.cursor, first=7)["changes"]
            for change in found["nodes"]:
                if change["kind"] in GONE:
                    self.pages.pop(change["pageId"], None)
                else:
                    self.pages[change["pageId"]] = change["urlPath"]
            more, self.cursor = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]
        return self.pages


def all_public():
    return {str(page.uuid): addresses.url_path(page) for page in public(models.ContentPage.objects.all())}


def rows(ask, since=None):
    """Kind, major, note and path of the changes after a cursor, and the last cursor."""
    found = ask(CHANGES, since=since, first=100)["changes"]
    facts = [(row["kind"], row["major"], row["note"], row["urlPath"]) for row in found["nodes"]]
    return facts, found["pageInfo"]["endCursor"]


def content():
    """All that operations change: pages with their versions and places, and who may see them."""
    facts = ("pk", "path", "url_path", "live", "latest_revision", "live_revision", "withdrawal_kind", "expire_at")
    restrictions = PageViewRestriction.objects.order_by("pk").values_list("page", flat=True)
    return [*models.ContentPage.objects.order_by("pk").values_list(*facts)], [*restrictions], all_public()


class People:
    """Does what people do to a small site, in an order that a seed decides.

    There are pages in a tree, and news, meetings and death-review notices below their indexes.
    """

    WEIGHTS = {
        "make": 6, "publish": 9, "move": 4, "unpublish": 2, "restrict": 2, "lift": 5, "withdraw": 3, "take_down": 2,
        "delete": 4, "expire": 3, "schedule": 3, "wait": 5,
    }  # fmt: skip

    def __init__(self, seed, home, clock):
        self.random, self.home, self.clock, self.number = random.Random(seed), home, clock, 0
        self.indexes = {
            models.NewsPage: factories.page(models.NewsIndexPage, home),
            models.MeetingPage: factories.page(models.MeetingIndexPage, home),
            models.DeathReviewNoticePage: factories.page(models.DeathReviewIndexPage, home),
        }
        self.done = dict.fromkeys(self.WEIGHTS, 0)
        self.types_published = set()

    def step(self):
        """Try something. Counts it when it changed anything: what the rules refuse does not."""
        [name] = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))
        before = content()
        public_now = before[-1]
        pages = [page for page in models.ContentPage.objects.order_by("pk").specific() if page.pk != self.home.pk]
        if name in ("move", "delete", "withdraw"):
            pages = [page for page in pages if page.pk not in {index.pk for index in self.indexes.values()}]
        if name in ("unpublish", "withdraw", "take_down"):
            pages = [page for page in pages if str(page.uuid) in public_now]
        if not pages and name != "make":
            return
        with suppress(ValidationError):
            getattr(self, name)(self.random.choice(pages) if pages else None)
        self.done[name] += content() != before

    def new_slug(self):
        self.number += 1
        return f"p{self.number}"

    def parents(self, without=""):
        """Pages under which a page of the tree can be."""
        found = models.StandardPage.objects.filter(depth__lt=5).order_by("pk")
        return [self.home, *(page for page in found if not (without and page.path.startswith(without)))]

    def make(self, page):
        kind = self.random.choice([models.StandardPage, models.StandardPage, *self.indexes])
        parent = self.indexes[kind] if kind in self.indexes else self.random.choice(self.parents())
        slug = {} if kind is models.DeathReviewNoticePage else {"slug": self.new_slug()}
        factories.draft(kind, models.ContentPage.objects.get(pk=parent.pk), **slug)

    def version(self, page):
        page = page.get_latest_revision_as_object() if page.latest_revision_id else page
        page.summary = f"Words {self.random.random()}"
        if self.random.random() < 0.3 and not isinstance(page, models.DeathReviewNoticePage):
            page.slug = self.new_slug()
        if self.random.random() < 0.5:
            page.update_kind, page.change_note = UpdateKind.MAJOR, "Something is different."
        page.go_live_at = page.expire_at = None
        return page

    def publish(self, page):
        factories.publish(self.version(page))
        self.types_published.add(type(page))

    def expire(self, page):
        version = self.version(page)
        version.expire_at = timezone.now() + timedelta(hours=1)
        factories.publish(version)

    def schedule(self, page):
        version = self.version(page)
        version.go_live_at = timezone.now() + timedelta(hours=1)
        factories.approve(version).publish()

    def move(self, page):
        if isinstance(page, models.StandardPage):
            page.move(self.random.choice(self.parents(without=page.path)), pos="last-child")
        else:
            page.move(page.get_parent(), pos="first-child")

    def unpublish(self, page):
        page.unpublish()

    def restrict(self, page):
        PageViewRestriction.objects.get_or_create(page=page, restriction_type=PageViewRestriction.LOGIN)

    def lift(self, page):
        for restriction in PageViewRestriction.objects.all():
            restriction.delete()

    def withdraw(self, page):
        withdraw(page, administrator(), "withdrawn", "Out of date.")

    def take_down(self, page):
        take_down(page, administrator(), "It names somebody.")

    def delete(self, page):
        if page.numchild < 3:
            page.delete()

    def wait(self, page):
        self.clock.shift(timedelta(minutes=40))
        if self.random.random() < 0.7:
            call_command("publish_scheduled")


def test_whoever_follows_the_changes_has_the_public_set(home, ask):
    """200 operations. The one who follows from the beginning, and others who join on the way with the set of then.

    FUZZ_SEED=7 pytest tests/test_changes.py does other operations; a failure shows the seed.
    """
    print(f"FUZZ_SEED={SEED}")
    with time_machine.travel(START, tick=False) as clock:
        people = People(SEED, home, clock)
        first, others, most, looked = Follower(ask), [], 0, 0
        while (number := sum(people.done.values())) < OPERATIONS:
            people.step()
            if number >= looked + 10:
                looked = number
                call_command("publish_scheduled")
                assert first.catch_up() == all_public(), f"after operation {number}"
                most = max(most, len(first.pages))
                others.append(Follower(ask, first.cursor, first.pages))
        call_command("publish_scheduled")
        expected = all_public()
        assert Follower(ask).catch_up() == expected
        assert all(other.catch_up() == expected for other in others)
    assert min(people.done.values()) > 1, people.done
    assert people.types_published >= {models.StandardPage, *people.indexes}
    assert most > 5
    assert models.PublicChange.objects.count() > 70
    kinds = set(models.PublicChange.objects.values_list("kind", flat=True))
    assert kinds == {"published", "updated", "moved", "withdrawn", "deleted"}


@time_machine.travel(START, tick=False)
def test_the_life_of_a_page(home, ask):
    _, cursor = rows(ask)
    page = factories.page(models.StandardPage, home, slug="advice", title="Advice")
    page.title = "Better advice"
    page.update_kind, page.change_note = UpdateKind.MINOR, "Never shown."
    factories.publish(page)
    page.update_kind, page.change_note = UpdateKind.MAJOR, "New opening hours."
    factories.publish(page)
    page.slug = "good-advice"
    factories.publish(page)
    found, _ = rows(ask, cursor)
    assert found == [
        ("PUBLISHED", True, None, "/good-advice/"),
        ("UPDATED", False, None, "/good-advice/"),
        ("UPDATED", True, "New opening hours.", "/good-advice/"),
        ("MOVED", False, None, "/good-advice/"),
        ("UPDATED", False, None, "/good-advice/"),
    ]
    last = ask(CHANGES, since=cursor, first=100)["changes"]["nodes"][-1]
    assert last == {
        "kind": "UPDATED",
        "at": "2026-03-02T10:00:00+00:00",
        "major": False,
        "note": None,
        "pageId": str(page.uuid),
        "urlPath": "/good-advice/",
        "page": {"title": "Better advice", "urlPath": "/good-advice/"},
    }


@pytest.mark.parametrize("how", ["unpublish", "withdraw", "restrict", "delete"])
def test_of_a_page_that_went_nothing_is_told(how, home, ask):
    page = factories.page(models.StandardPage, home, slug="zzslug", title="zztitle")
    page.update_kind, page.change_note = UpdateKind.MAJOR, "zznote"
    factories.publish(page)
    uuid = str(page.uuid)
    assert "zznote" in str(ask(CHANGES))
    match how:
        case "unpublish":
            page.unpublish()
        case "withdraw":
            withdraw(page, administrator(), "withdrawn", "zzwhy")
        case "restrict":
            PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)
        case "delete":
            page.delete()
    answer = ask(CHANGES)["changes"]["nodes"]
    assert "zz" not in str(answer)
    mine = [row for row in answer if row["pageId"] == uuid]
    assert [(row["kind"], row["note"], row["page"], row["urlPath"]) for row in mine] == [
        ("PUBLISHED", None, None, None),
        ("UPDATED", None, None, None),
        ("DELETED" if how == "delete" else "WITHDRAWN", None, None, None),
    ]


def test_what_was_never_public_is_in_no_change(home, ask):
    before = ask(CHANGES)["changes"]["totalCount"]
    draft = factories.draft(models.StandardPage, home)
    factories.page(models.StandardPage, draft)
    draft.title = "Another draft"
    draft.save_revision()
    draft.move(home, pos="first-child")
    models.ContentPage.objects.get(pk=draft.pk).specific.delete()
    assert ask(CHANGES)["changes"]["totalCount"] == before


@time_machine.travel(START, tick=False)
def test_an_expiry_is_told_when_it_was_processed(home, ask):
    factories.page(models.StandardPage, home, slug="soon", expire_at=START + timedelta(hours=1))
    _, cursor = rows(ask)
    with time_machine.travel(START + timedelta(hours=2), tick=False):
        assert ask('{ page(urlPath: "/soon/") { title } }') == {"page": {"title": None}}
        assert rows(ask, cursor) == ([], cursor)
        call_command("publish_scheduled")
        assert rows(ask, cursor)[0] == [("WITHDRAWN", False, None, None)]


def test_what_pages_show_is_an_update_of_them(home, ask):
    """A venue, a topic, a file, a date of review: front-ends fetch the pages again that show them."""
    topic, venue, document = factories.topic(), factories.venue(), factories.document()
    index = factories.page(models.MeetingIndexPage, home)
    meeting = factories.page(models.MeetingPage, index, slug="m", venue=venue, papers=[models.Paper(document=document)])
    meeting.topics.add(topic)
    factories.publish(meeting)
    ReferenceIndex.create_or_update_for_object(meeting)  # a task of Wagtail's, which tests do not run
    other = factories.page(models.StandardPage, home)
    update = [("UPDATED", False, None, addresses.url_path(meeting))]
    _, cursor = rows(ask)

    def told():
        nonlocal cursor
        found, cursor = rows(ask, cursor)
        return found

    venue.room = "The other room"
    factories.publish(venue)
    assert told() == update
    topic.name = "Another name"
    topic.save()
    assert told() == update
    document.title = "Another title"
    document.save()
    assert told() == update
    take_down(document, administrator(), "It names somebody.")
    assert told() == update
    moderator = administrator()
    moderator.groups.add(Group.objects.get(name="Moderators"))
    mark_as_reviewed(other, moderator)
    assert told() == [("UPDATED", False, None, addresses.url_path(other))]


@pytest.mark.parametrize("kind", ["document", "image"])
@pytest.mark.parametrize("route", ["collection", "bulk action"])
def test_files_that_go_without_being_saved_are_an_update(
    route, kind, home, ask, client, django_capture_on_commit_callbacks
):
    """Wagtail moves collections, and files in bulk, without a signal. What is told of the files goes at once."""
    root = Collection.get_first_root_node()
    private, inner = root.add_child(name="Private"), root.add_child(name="Inner")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    index = factories.page(models.NewsIndexPage, home, slug="news")
    file = factories.document("Figures", collection=inner) if kind == "document" else factories.image(collection=inner)
    body = [("document", file)] if kind == "document" else []
    page = factories.page(models.NewsPage, index, slug="n", body=body, image=None if body else file)
    name = "attachments" if kind == "document" else "image"
    assert name in json.loads(client.get("/feeds/news.json").content)["items"][0]
    _, cursor = rows(ask)
    client.force_login(administrator())
    if route == "collection":
        address = reverse("wagtailadmin_collections:edit", args=[inner.pk])
        answers = {"name": inner.name, "parent": private.pk}
    else:
        address = reverse("wagtail_bulk_action", args=["documents", kind, "add_to_collection"]) + f"?id={file.pk}"
        answers = {"collection": private.pk}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(address, answers).status_code == 302
    client.logout()
    assert rows(ask, cursor)[0] == [("UPDATED", False, None, addresses.url_path(page))]
    [item] = json.loads(client.get("/feeds/news.json").content)["items"]
    assert name not in item
    assert "Figures" not in item["content_html"]


def test_cursors(home, ask, refused):
    factories.page(models.StandardPage, home)
    found, cursor = rows(ask)
    assert rows(ask, cursor) == ([], cursor)  # nothing new: the same place
    before = ask("query ($c: String) { changes(last: 1, before: $c) { nodes { kind } } }", c=cursor)["changes"]
    assert before["nodes"] == [{"kind": found[-2][0]}]
    since = "query ($c: String) { changes(last: 5, since: $c) { nodes { kind } } }"
    assert ask(since, c=cursor) == {"changes": {"nodes": []}}
    everything = ask("{ changes(last: 1) { pageInfo { endCursor } } }")["changes"]["pageInfo"]
    assert everything == {"endCursor": cursor}
    assert ask("query ($c: String) { changes(after: $c) { nodes { kind } } }", c=cursor) == {"changes": {"nodes": []}}
    models.PublicChange.objects.filter(version=models.PublicChange.objects.count()).delete()  # as after a restore
    [error] = refused(CHANGES, since=cursor)
    assert error["message"] == (
        'Argument "since": this list no longer has that change, because the content was restored from a backup: '
        "start again without a cursor."
    )
    [error] = refused(CHANGES, since="abc")
    assert error["message"] == 'Argument "since": this is not a cursor of this list.'
    news = ask("{ news { pageInfo { endCursor } } }")["news"]["pageInfo"]["endCursor"]
    assert news is None
    [error] = refused("query ($c: String) { changes(since: $c, after: $c) { totalCount } }", c=cursor)
    assert error["message"] == 'Argument "since": give since or after, not both: they mean the same.'
    assert len(found) == 3


@pytest.mark.parametrize("name", ["since", "after", "before"])
def test_a_cursor_from_before_a_restore_is_refused_when_the_list_is_as_long_again(name, home, ask, refused):
    factories.page(models.StandardPage, home)
    _, cursor = rows(ask)
    models.PublicChange.objects.order_by("version").last().delete()
    models.ContentVersion.objects.update(number=F("number") - 1)
    factories.page(models.StandardPage, home)
    factories.page(models.StandardPage, home)
    query = f"query ($c: String) {{ changes({name}: $c) {{ nodes {{ kind }} }} }}"
    assert [error["message"] for error in refused(query, c=cursor)] == [
        f'Argument "{name}": this list no longer has that change, because the content was restored from a backup: '
        "start again without a cursor."
    ]


def test_a_redaction_tells_front_ends_to_fetch_everything_again(home, ask):
    page = factories.page(models.StandardPage, home, slug="about-zzname", title="About zzname")
    page.slug = "zzname"
    factories.publish(page)
    _, cursor = rows(ask)
    redact("zzname")
    found, _ = rows(ask, cursor)
    assert {(kind, path) for kind, *_, path in found} == {("UPDATED", path) for path in all_public().values()}
    assert "zzname" not in str(ask(CHANGES, first=100))


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_does_not_grow(number, home, ask):
    for _ in range(number):
        factories.page(models.StandardPage, home)
    assert len(queries(lambda: ask(CHANGES, first=50))) == 5
