"""Five people, a story and a notice with files; and a book of what each screen showed and of who made what.

The book is kept by the test itself, from rendered forms and from the rows of files at that moment. `Book.check` says
what must hold whatever anybody did: each public version, with its files, was shown in exactly that state to each of
those who approved it, on the screen on which they did, and none of them made any part of it.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from copy import copy, deepcopy
from datetime import timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from documents.access.public_files import public_documents, public_images
from documents.models import Document, Image
from pages import models
from pages.approval.scheduling import expire_what_is_over
from pages.approval.workflow import set_up_death_reviews
from pages.models import ContentPage
from pages.models.approvals import Approval
from tests import factories
from tests.admin_forms import edit_url, posted, posted_document
from tests.recorded_rows import RecordedRows, forget_what_is_cached

PEOPLE = {
    "editor": "Editors",
    "other editor": "Editors",
    "moderator": "Moderators",
    "other moderator": "Moderators",
    "lead": "Safeguarding leads",
    "other lead": "Safeguarding leads",
}
MENDED = {"summary": "By the moderator."}  # a colleague's change of the moderator's text
NEEDED = {"story": ["moderator"], "notice": ["moderator", "safeguarding-lead"]}
BUTTONS = {
    "save": {},
    "submit": {"action-submit": "on"},
    "take back": {"action-cancel-workflow": "on"},
    "restart": {"action-restart-workflow": "on"},
    "approve": {"action-workflow-action": "true", "workflow-action-name": "approve"},
    "send back": {
        "action-workflow-action": "true",
        "workflow-action-name": "reject",
        "workflow-action-extra-data": json.dumps({"comment": "Say more."}),
    },
}
_numbers = count(1)


def new_words(what: str) -> str:
    """Words that nobody wrote before: they tell who made them."""
    return f"{what} {next(_numbers)}"


class Screen:
    """An edit screen as somebody opened it, with what it showed. It may be sent much later, and more than once."""

    def __init__(self, book: "Book", who: str, thing: str) -> None:
        self.book, self.who, self.thing = book, who, thing
        page = book.now(thing)
        self.url = edit_url(page)
        files = book.files_of(page)
        answer = book.clients[who].get(self.url)
        self.opened = answer.status_code == 200
        if self.opened:
            self.form = posted(answer.content, **body_fields(page.get_latest_revision_as_object()))
            self.state = (self.form["summary"].strip(), files)

    def press(self, button: str, **changes: Any) -> Any:
        """Press a button, with what was typed before. Nothing, where the screen did not open for this person."""
        if not self.opened:
            return None
        if "summary" in changes:
            self.book.writers[changes["summary"]] = self.who
        elif button == "approve":
            self.book.decided[self.thing, self.who].add(self.state)
        form = {**self.form, **BUTTONS[button], **changes}
        return self.book.clients[self.who].post(self.url, form, headers={"referer": f"http://testserver{self.url}"})

    def save_by_itself(self, **changes: Any) -> Any:
        """What the browser sends some time after somebody typed, or pressed a button."""
        if not self.opened:
            return None
        if "summary" in changes:
            self.book.writers[changes["summary"]] = self.who
        form = {**self.form, **changes}
        return self.book.clients[self.who].post(self.url, form, headers={"accept": "application/json"})


def body_fields(page: Any) -> dict[str, str]:
    """The blocks of the body, as the editor in the browser sends them."""
    blocks = page.body.get_prep_value() if isinstance(page, models.NewsPage) else []
    fields = {"body-count": str(len(blocks))}
    for number, block in enumerate(blocks):
        start = f"body-{number}"
        fields |= {f"{start}-type": block["type"], f"{start}-order": str(number), f"{start}-deleted": ""}
        fields[f"{start}-id"] = block["id"]
        parts = block["value"].items() if isinstance(block["value"], dict) else [("", block["value"])]
        fields |= {f"{start}-value{'-' if name else ''}{name}": str(value) for name, value in parts}
    return fields


class Book:
    def __init__(self, home: models.PartnershipPage) -> None:
        self.clients: dict[str, Client] = {}
        self.people: dict[str, User] = {}
        for who, group in PEOPLE.items():
            user = User.objects.create_user(who.replace(" ", "_"), email=f"{who[0]}@example.org", password="x")
            user.groups.add(Group.objects.get(name=group))
            self.people[who] = user
            self.clients[who] = Client()
            self.clients[who].force_login(user)
        self.names = {user.pk: who for who, user in self.people.items()}
        self.news = factories.page(models.NewsIndexPage, home, slug="news")
        self.reviews = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
        set_up_death_reviews(self.reviews)
        self.reviews.refresh_from_db()
        self.things: dict[str, int] = {}
        self.writers: dict[str, str] = {}  # text → who wrote it
        self.makers: dict[str, str] = {}  # key of a file, or what is said of it → who made it
        self.decided: dict[tuple[str, str], set[Any]] = defaultdict(set)  # the states on which somebody pressed Approve
        self.read: dict[str, set[str]] = defaultdict(set)  # the texts that readers saw since the thing was not public
        self.direct: set[str] = set()  # what moderators said of files that were public already
        self.renew("story")
        self.renew("notice")

    def again(self) -> "Book":
        """With the same entries, for the same rows when they have been written again."""
        book = copy(self)
        book.people = {user_name(user): user for user in User.objects.filter(pk__in=self.names)}
        book.clients = {who: Client() for who in book.people}
        for who, client in book.clients.items():  # the sessions are among the rows, and begin now
            client.cookies = deepcopy(self.clients[who].cookies)
        Session.objects.update(expire_date=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
        book.news = models.NewsIndexPage.objects.get(pk=self.news.pk)
        book.reviews = models.DeathReviewIndexPage.objects.get(pk=self.reviews.pk)
        for name in ("things", "writers", "makers", "direct"):
            setattr(book, name, copy(getattr(self, name)))
        for name in ("decided", "read"):
            kept = {key: set(found) for key, found in getattr(self, name).items()}
            setattr(book, name, defaultdict(set, kept))
        return book

    def renew(self, thing: str) -> None:
        """Another story, or notice, that waits for its first approval."""
        words = new_words("Text")
        if thing == "story":
            body = [("heading", {"text": "Heading", "level": "2"}), ("document", factories.document())]
            page: Any = factories.draft(models.NewsPage, self.news, summary=words, body=body, image=factories.image())
            author = "editor"
        else:
            document = factories.document(collection=self.reviews.files)
            row = models.ReviewDocument(kind="overview-report", state="published", document=document, sort_order=0)
            help_ = models.NoticeSupportService(service=factories.support_service(), sort_order=0)
            page = factories.draft(
                models.DeathReviewNoticePage,
                self.reviews,
                summary=words,
                review_documents=[row],
                notice_support_services=[help_],
            )
            author = "lead"
        self.things[thing] = page.pk
        self.writers[words] = author
        page.save_revision(user=self.people[author])
        page.get_workflow().start(page, self.people[author])

    def now(self, thing: str) -> Any:
        return ContentPage.objects.get(pk=self.things[thing]).specific

    # --- Files ---

    def files(self, thing: str) -> list[Any]:
        page = self.now(thing)
        if thing == "notice":
            return [row.document for row in page.review_documents.all()]
        return [page.image, Document.objects.get(pk=page.body[1].value.pk)]

    def files_of(self, page: Any) -> frozenset[tuple[str, str]]:
        """The keys of the files, and what is said of them, as they are in the database at this moment."""
        return frozenset((file.file_key, words_of(file)) for file in self.files(self.name_of(page)))

    def name_of(self, page: Any) -> str:
        return next(name for name, pk in self.things.items() if pk == page.pk)

    def change_file(self, who: str, changed: Any, /, **changes: Any) -> Any:
        """Send the screen of a file. Whoever the admin lets do it made what is new."""
        file = type(changed).objects.get(pk=changed.pk)
        public = file.published_in.filter(page__live=True).exists()
        if isinstance(file, Document):
            url, fields = reverse("wagtaildocs:edit", args=[file.pk]), posted_document(file, **changes)
        else:
            kept = {"title": file.title, "description": file.description, "collection": file.collection_id, "tags": ""}
            url, fields = reverse("wagtailimages:edit", args=[file.pk]), {**kept, **changes}
        if "title" in changes:
            self.makers[changes["title"]] = who
        answer = self.clients[who].post(url, fields)
        again = type(file).objects.get(pk=file.pk)
        if again.file_key != file.file_key:
            self.makers[again.file_key] = who
        if public and PEOPLE[who] == "Moderators" and again.title != file.title:
            self.direct.add(words_of(again))
        return answer

    def exchange(self, who: str, file: Any) -> Any:
        if isinstance(file, Document):
            text = new_words("a,b\n1").encode()
            return self.change_file(who, file, file=SimpleUploadedFile("t.csv", text, "text/csv"))
        other = factories.image()
        with other.file.open() as opened:
            picture = SimpleUploadedFile("p.png", opened.read(), "image/png")
        other.delete()
        return self.change_file(who, file, file=picture)

    def describe(self, who: str, file: Any) -> Any:
        return self.change_file(who, file, title=new_words("Title"))

    # --- What must hold ---

    def public_state(self, page: Any) -> tuple[str, frozenset[tuple[str, str]]]:
        """What readers get: the text, and those of its files that anybody can have."""
        documents = public_documents(Document.objects.filter(published_in__page=page.pk))
        images = public_images(Image.objects.filter(published_in__page=page.pk))
        return page.summary, frozenset((file.file_key, words_of(file)) for file in (*documents, *images))

    def check(self) -> None:
        for thing in self.things:
            page = self.now(thing)
            if not page.live or page.withdrawal_kind:
                if page.scheduled_revision is None:  # it may be approved for a date because of what readers saw
                    self.read.pop(thing, None)
                continue
            approvals = Approval.objects.filter(revision=page.live_revision_id).exclude(by=None)
            approvers = {(approval.role, self.names[approval.by_id]) for approval in approvals}
            assert {role for role, _ in approvers} >= set(NEEDED[thing]), (thing, approvers)
            assert len({who for _, who in approvers}) >= len(NEEDED[thing]), (thing, approvers)
            text, files = self.public_state(page)
            for _, who in approvers:
                assert self._was_shown(thing, who, text, files), (thing, who, text, files, self.decided[thing, who])
                made = self._writer(thing, text) | {
                    self.makers[part]
                    for key, words in files
                    for part in (key, json.loads(words)[0])
                    if part in self.makers and words not in self.direct
                }
                assert who not in made, (thing, who, "approved what they made")
            self.read[thing].add(text)

    def _writer(self, thing: str, text: str) -> set[str]:
        """Who wrote a text that is public now, unless readers saw it before: then others approved it."""
        return set() if text in self.read[thing] else {self.writers[text]}

    def copy(self, who: str, thing: str) -> None:
        """Copy a page in the admin. The copy takes its place in the book."""
        page = self.now(thing)
        parent = page.get_parent().pk
        form = {"new_title": "Copy", "new_slug": new_words("copy").replace(" ", "-"), "new_parent_page": parent}
        self.clients[who].post(reverse("wagtailadmin_pages:copy", args=[page.pk]), form)
        copy = type(page).objects.latest("pk")
        if copy.pk not in self.things.values() and copy.pk > page.pk:
            self.things[thing] = copy.pk
            self.read.pop(thing, None)
            for key in [key for key in self.decided if key[0] == thing]:
                del self.decided[key]

    def start_again(self, who: str, thing: str, way: str) -> None:
        """End the workflow of a thing without a publication, and submit it again without a change."""
        if way == "restart":
            Screen(self, who, thing).press("send back")
            Screen(self, who, thing).press("restart")
            return
        Screen(self, who, thing).press(way)
        Screen(self, who, thing).press("submit")

    def expire(self, thing: str) -> None:
        ContentPage.objects.filter(pk=self.things[thing]).update(expire_at=timezone.now() - timedelta(minutes=1))
        expire_what_is_over(timezone.now())

    def unschedule(self, who: str, thing: str) -> None:
        page = self.now(thing)
        for revision in page.revisions.filter(approved_go_live_at__isnull=False):
            self.clients[who].post(reverse("wagtailadmin_pages:revisions_unschedule", args=[page.pk, revision.pk]))

    def _was_shown(self, thing: str, who: str, text: str, files: frozenset[tuple[str, str]]) -> bool:
        """Moderators may say something else of a file that is public: not on a notice."""
        direct = self.direct if thing == "story" else set()
        for shown_text, shown_files in self.decided[thing, who]:
            keys = {key for key, _ in shown_files}
            if text == shown_text and all(
                (key, words) in shown_files or (key in keys and words in direct) for key, words in files
            ):
                return True
        return False


def presses(who: str, thing: str, button: str, **changes: Any) -> Callable[[Book], Any]:
    """Somebody opens the screen and presses a button."""
    return lambda book: Screen(book, who, thing).press(button, **changes)


def by_the_moderator(book: Book, **changes: Any) -> None:
    """The story is the moderator's, and a colleague approves it."""
    Screen(book, "editor", "story").press("take back")
    Screen(book, "moderator", "story").press("submit", summary="By the moderator", **changes)
    Screen(book, "other moderator", "story").press("approve")


class RecordedBook:
    """A book and the rows of the database as some work left them, so that many tests begin there."""

    def __init__(
        self, work: Callable[[], Book], upon: RecordedRows, unblock: Any, before: "RecordedBook | None" = None
    ) -> None:
        self.unblock, self.before = unblock, before
        forget_what_is_cached()
        with unblock():
            self.rows = RecordedRows(lambda: self._keep(work()), upon)
        forget_what_is_cached()

    def _keep(self, book: Book) -> None:
        self.book = book

    def after(self, *work: Callable[[Book], Any]) -> "RecordedBook":
        """For a fixture that begins before the transaction of a test: the work is done in a database without this."""

        def more() -> Book:
            book = self.book.again()
            for step in work:
                step(book)
            return book

        return RecordedBook(more, self.rows, self.unblock, before=self)

    def written(self) -> Book:
        """The book, with its rows in the database, in which there is a home page."""
        self.write()
        forget_what_is_cached()
        return self.book.again()

    def write(self) -> None:
        if self.before:
            self.before.write()
        self.rows.write()


def user_name(user: User) -> str:
    return user.username.replace("_", " ")


def words_of(file: Any) -> str:
    """All that readers are told of a file; its title comes first."""
    return json.dumps([getattr(file, name) for name in file.public_facts])


def tomorrow() -> str:
    return f"{timezone.localtime() + timedelta(days=1):%Y-%m-%d %H:%M}"
