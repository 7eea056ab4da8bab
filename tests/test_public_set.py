"""Whatever people do in whatever order, every channel shows exactly what is public: a state machine.

People publish, schedule, edit, move, rename, restrict, withdraw, take down and delete pages, and exchange, hide and
take down files. The machine writes it down in its own book (tests/public_book.py), and after every step a reader
compares the channels with the book (tests/public_reader.py). Each run tries the same sequences; a failure prints its
steps.
"""

from copy import deepcopy
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction

from documents.models import Document, Image
from pages import models
from pages.takedown.withdrawal import take_down, withdraw
from pages.visibility import facts
from tests import factories
from tests.hidden_content import administrator
from tests.public_book import Book, File, Kind, Node, Venue, Version
from tests.public_reader import Reader
from tests.recorded_rows import RecordedRows

START = factories.london(2026, 3, 1, 10)
SLUGS = ["a", "b", "c"]  # few, so that pages come to lie where others lay
MODELS = {"standard": models.StandardPage, "news": models.NewsPage, "meetings": models.MeetingPage}


class Site(RuleBasedStateMachine):
    beginning: "Beginning"

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        self.book = Book(START)
        self.reader = Reader(self.book)
        self.count = 0
        self.home = models.PartnershipPage.objects.get()

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)
        cache.clear()  # what was kept for a version that another run counts anew

    @initialize()
    def a_site_with_something_on_it(self) -> None:
        self.beginning.rows.write()
        self.book, self.count, self.shelf = deepcopy((self.beginning.book, self.beginning.count, self.beginning.shelf))
        self.reader = Reader(self.book)

    def put_something_on_it(self) -> None:
        """Public pages of each kind with files, a draft with a published page below it, and a private collection."""
        self.shelf = Collection.get_first_root_node().add_child(name="Shelf")
        self.lock()
        venue = factories.venue(name=self.word("venue"))
        self.book.venue = Venue(venue.pk, venue.name)
        files = [self.uploaded(picture) for picture in (False, True, False, False)]
        self.put(files[3], on_shelf=True)
        public = self.new_page("standard", None, "a", files[0])
        below = self.new_page("standard", public, "a", files[1])
        draft = self.new_page("standard", None, "b")
        hidden = self.new_page("standard", draft, "b", files[2])
        news = self.new_page("news", None, "a", files[0], files[1])
        meeting = self.new_page("meetings", None, "a", files[3])
        for node, hours in ((public, None), (below, None), (hidden, None), (news, 6), (meeting, None)):
            self.publish_now(node, hours)

    # --- Short ways to say things ---

    def word(self, kind: str) -> str:
        self.count += 1
        return f"zz{kind}{self.count}zz"

    def pick(self, data, choices):
        return data.draw(st.sampled_from(choices))

    def alive(self):
        return self.book.alive()

    def public(self):
        return self.book.public_nodes()

    def page(self, node: Node):
        return models.ContentPage.objects.get(pk=node.pk).specific

    def stored(self, file: File):
        return (Image if file.picture else Document).objects.get(pk=file.pk)

    # --- What people do with pages ---

    def version(self, kind: Kind, slug: str, *files: File) -> Version:
        venue = self.book.venue if kind == "meetings" else None
        return Version(self.word("page"), slug, tuple((file, file.word) for file in files), venue)

    def drawn_version(self, data, kind: Kind, slug: str, parent: Node | None, node: Node | None = None) -> Version:
        """Words that were never used, perhaps with files, perhaps for another address."""
        documents = [file for file in self.book.files if not file.picture and not file.deleted]
        pictures = [file for file in self.book.files if file.picture and not file.deleted and kind != "meetings"]
        files = [data.draw(st.sampled_from([None, *choices])) for choices in (documents, pictures)]
        slug = self.pick(data, [slug, slug, *self.free(kind, parent, node)])
        return self.version(kind, slug, *(file for file in files if file))

    def free(self, kind: Kind, parent: Node | None, node: Node | None = None) -> list[str]:
        siblings = [other for other in self.alive() if (other.kind, other.parent) == (kind, parent) and other != node]
        return [slug for slug in SLUGS if not any(slug in other.slugs() for other in siblings)]

    def content(self, kind: Kind, version: Version) -> dict:
        text = f"<p>{version.word}</p>" + "".join(
            f'<p><a linktype="page" id="{node.pk}">words</a></p>' for node in self.book.nodes
        )
        values = {"title": version.word, "summary": version.word, "slug": version.slug}
        documents = [self.stored(file) for file, _ in version.files if not file.picture]
        pictures = [self.stored(file) for file, _ in version.files if file.picture]
        if kind == "meetings":
            venue = models.Venue.objects.get(pk=version.venue.pk)
            papers = [models.Paper(document=document) for document in documents]
            return values | {"how_to_ask_a_question": text, "venue": venue, "papers": papers}
        body = [("paragraph", text), *(("document", document) for document in documents)]
        body += [("page_link", {"page": models.ContentPage.objects.get(pk=node.pk)}) for node in self.alive()[:3]]
        body += [("image", {"image": picture}) for picture in pictures]
        values["body"] = body
        return values | ({"image": next(iter(pictures), None)} if kind == "news" else {})

    def new_page(self, kind: Kind, parent: Node | None, slug: str, *files: File) -> Node:
        return self.made(kind, parent, self.version(kind, slug, *files))

    def made(self, kind: Kind, parent: Node | None, version: Version) -> Node:
        above = self.page(parent) if parent else self.home
        if kind != "standard":
            above = {"news": models.NewsIndexPage, "meetings": models.MeetingIndexPage}[kind].objects.get()
        page = factories.draft(MODELS[kind], above, show_in_menus=True, **self.content(kind, version))
        node = Node(page.pk, str(page.uuid), kind, parent, version.slug, version)
        self.book.nodes.append(node)
        return node

    @precondition(lambda self: len(self.alive()) < 8)
    @rule(data=st.data(), kind=st.sampled_from(list(MODELS)), below=st.booleans())
    def create(self, data, kind, below) -> None:
        tops = [node for node in self.alive() if node.kind == "standard" and node.parent is None]
        parent = self.pick(data, tops) if below and kind == "standard" and tops else None
        slug = (self.free(kind, parent) or [f"p{self.count}"])[0]
        self.made(kind, parent, self.drawn_version(data, kind, slug, parent))

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def edit(self, data) -> None:
        self.edited(data, self.pick(data, self.alive()))

    def edited(self, data, node: Node) -> None:
        node.draft = self.drawn_version(data, node.kind, node.draft.slug, node.parent, node)
        page = self.page(node).get_latest_revision_as_object()
        for name, value in self.content(node.kind, node.draft).items():
            setattr(page, name, value)
        page.save_revision()
        node.scheduled = None  # what was approved for later is not what stands there now

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), until=st.none() | st.integers(1, 12))
    def edit_and_publish(self, data, until) -> None:
        node = self.pick(data, self.alive())
        self.edited(data, node)
        self.publish_now(node, until)

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), until=st.none() | st.integers(1, 12))
    def publish(self, data, until) -> None:
        self.publish_now(self.pick(data, self.alive()), until)

    def publish_now(self, node: Node, until: int | None) -> None:
        node.expires = self.book.at + timedelta(hours=until) if until else None
        self.approve(node, None, node.expires)
        node.publish(node.draft.as_it_is(self.book.shelf_is_private))

    def approve(self, node: Node, go_live_at, expire_at) -> None:
        page = self.page(node)
        page = page.get_latest_revision_as_object() if page.latest_revision_id else page
        page.go_live_at, page.expire_at = go_live_at, expire_at
        factories.approve(page).publish()

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), hours=st.integers(1, 12))
    def schedule(self, data, hours) -> None:
        node = self.pick(data, self.alive())
        node.scheduled = (self.book.at + timedelta(hours=hours), node.draft.as_it_is(self.book.shelf_is_private))
        self.approve(node, node.scheduled[0], None)
        if not node.published:
            node.slug = node.draft.slug  # Wagtail writes a scheduled version over a page that is not live

    @precondition(lambda self: [node for node in self.alive() if node.published])
    @rule(data=st.data())
    def unpublish(self, data) -> None:
        node = self.pick(data, [node for node in self.alive() if node.published])
        self.page(node).unpublish()
        node.unpublish()

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def restrict_or_open(self, data) -> None:
        node = self.pick(data, self.alive())
        if node.restricted:
            PageViewRestriction.objects.get(page_id=node.pk).delete()
        else:
            PageViewRestriction.objects.create(page_id=node.pk, restriction_type=PageViewRestriction.LOGIN)
        node.restricted = not node.restricted

    @precondition(lambda self: len(self.public()) > 1)
    @rule(data=st.data(), kind=st.sampled_from(["withdrawn", "gone", "redirect"]))
    def withdraw(self, data, kind) -> None:
        node = self.pick(data, self.public())
        if kind == "redirect":
            node.alternative = self.pick(data, [other for other in self.public() if other != node])
        alternative = self.page(node.alternative) if node.alternative else None
        withdraw(self.page(node), administrator(), kind, "Out of date.", alternative)
        node.withdrawn, node.scheduled = kind, None

    @precondition(lambda self: self.public())
    @rule(data=st.data())
    def take_down(self, data) -> None:
        node = self.pick(data, self.public())
        take_down(self.page(node), administrator(), "It names somebody.")
        node.unpublish()

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def move(self, data) -> None:
        parents = {node.parent for node in self.alive()}
        movable = [node for node in self.alive() if node.kind == "standard" and node not in parents]
        if not movable:
            return
        node = self.pick(data, movable)
        tops = [other for other in self.alive() if other.kind == "standard" and not other.parent and other != node]
        beside = {top: [other for other in self.alive() if other.parent == top and other != node] for top in tops}
        beside[None] = tops
        targets = [top for top in [None, *tops] if not any(node.slugs() & other.slugs() for other in beside[top])]
        if not targets:
            return
        node.parent = self.pick(data, targets)
        self.page(node).move(self.page(node.parent) if node.parent else self.page_of_home(), pos="last-child")

    def page_of_home(self):
        self.home.refresh_from_db()
        return self.home

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def delete(self, data) -> None:
        node = self.pick(data, self.alive())
        self.page(node).delete()
        for other in self.book.nodes:
            if other is node or other.parent is node:
                other.deleted = True
        self.book.redirects = {path: to for path, to in self.book.redirects.items() if not to[0].deleted}

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), permanent=st.booleans())
    def redirect(self, data, permanent) -> None:
        """An editor's redirect, perhaps to a hidden page, perhaps from where a page is or was."""
        node, path = self.pick(data, self.alive()), self.pick(data, [*self.book.paths, "/elsewhere/"])
        Redirect.objects.filter(old_path=Redirect.normalise_path(path)).delete()
        Redirect.add_redirect(path, self.page(node), permanent)
        self.book.redirects[path] = (node, permanent)

    # --- What people do with files ---

    @precondition(lambda self: len(self.book.files) < 6)
    @rule(picture=st.booleans())
    def upload(self, picture) -> None:
        self.uploaded(picture)

    def uploaded(self, picture: bool) -> File:
        label, word = self.word("label"), self.word("file")
        document = {"title": label, "content": word.encode(), "name": "data.csv"}
        stored = factories.image(description=label) if picture else factories.document(**document)
        file = File(stored.pk, picture, label, word, {word: self.address(stored)})
        self.book.files.append(file)
        return file

    @staticmethod
    def address(stored) -> str:
        return f"/images/{stored.file_key}/content.webp" if isinstance(stored, Image) else stored.url

    @precondition(lambda self: self.book.public_files())
    @rule(data=st.data())
    def take_file_down(self, data) -> None:
        file = self.pick(data, list(self.book.public_files().values()))
        take_down(self.stored(file), administrator(), "It names somebody.")
        file.down = True

    @rule(data=st.data())
    def replace_file(self, data) -> None:
        file = self.pick(data, self.book.files)
        stored = self.stored(file)
        file.word = self.word("file")
        with factories.image().file.open() as other:
            stored.file = ContentFile(other.read() if file.picture else file.word.encode(), stored.filename)
        stored.save()
        file.addresses[file.word] = self.address(stored)

    @rule(data=st.data())
    def move_file(self, data) -> None:
        """Into the collection that may be private, or out of it, which makes more of a difference."""
        on_shelf = [file for file in self.book.files if file.on_shelf]
        file = self.pick(data, [*on_shelf, *on_shelf, *self.book.files])
        self.put(file, not file.on_shelf)

    def put(self, file: File, on_shelf: bool) -> None:
        stored = self.stored(file)
        stored.collection = self.shelf if on_shelf else Collection.get_first_root_node()
        stored.save()
        file.on_shelf = on_shelf

    @rule()
    def lock_or_open_the_shelf(self) -> None:
        if self.book.shelf_is_private:
            CollectionViewRestriction.objects.get(collection=self.shelf).delete()
            self.book.shelf_is_private = False
        else:
            self.lock()

    def lock(self) -> None:
        private = CollectionViewRestriction.LOGIN
        CollectionViewRestriction.objects.create(collection=self.shelf, restriction_type=private)
        self.book.shelf_is_private = True

    # --- What people do with shared text ---

    @rule(publish=st.booleans())
    def edit_venue(self, publish) -> None:
        venue = models.Venue.objects.get(pk=self.book.venue.pk)
        venue.name = self.word("venue")
        revision = venue.save_revision()
        if publish:
            factories.approved(revision).publish()
            self.book.venue.published = venue.name

    @precondition(lambda self: self.book.venue.published)
    @rule()
    def unpublish_venue(self) -> None:
        models.Venue.objects.get(pk=self.book.venue.pk).unpublish()
        self.book.venue.published = None

    # --- Time ---

    @rule(hours=st.integers(1, 15))
    def time_passes(self, hours) -> None:
        self.later(timedelta(hours=hours, minutes=1))  # never the very instant of a schedule

    def later(self, by: timedelta) -> None:
        self.book.at += by
        self.time.move_to(self.book.at)
        self.book.note(by_the_clock=True)

    @rule()
    def scheduler_runs(self) -> None:
        call_command("publish_scheduled")
        for node in self.alive():
            if node.expires and node.expires <= self.book.at and node.published:
                node.unpublish()
            if node.scheduled and node.scheduled[0] <= self.book.at:
                version, node.scheduled = node.scheduled[1], None
                if version.has_the_same_files():  # with another file it is not what was approved
                    node.publish(version)
                    node.expires = None

    # --- What readers see ---

    @invariant()
    def every_channel_shows_exactly_the_public_set(self) -> None:
        self.book.note()
        assert facts.differences(timezone.now()) == (set(), set())
        self.reader.looks_everywhere()
        if self.reader.turn % 4 == 0:
            self.if_everything_went()
        self.later(timedelta(seconds=1))  # so that no two things happen at the same instant

    def if_everything_went(self) -> None:
        """Whatever should have been remembered is missing now, if it is. Undone, so that it is not remembered by this."""
        with transaction.atomic():
            PageViewRestriction.objects.create(page=self.home, restriction_type=PageViewRestriction.LOGIN)
            self.book.home_is_private = True
            self.reader.finds_nothing()
            self.book.home_is_private = False
            transaction.set_rollback(True)


class Beginning:
    """What each run begins with: it is made once, and its rows are written for each run."""

    def __init__(self) -> None:
        site = Site()
        try:
            self.rows = RecordedRows(site.put_something_on_it)
        finally:
            site.teardown()
        self.book, self.count, self.shelf = site.book, site.count, site.shelf


@pytest.mark.usefixtures("client")
def test_every_channel_shows_exactly_the_public_set(home):
    factories.page(models.NewsIndexPage, home, slug="news")
    factories.page(models.MeetingIndexPage, home, slug="meetings")
    Site.beginning = Beginning()
    run_state_machine_as_test(
        Site,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
