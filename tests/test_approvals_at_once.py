"""Two people press buttons at the same moment, in threads with connections of their own, on PostgreSQL.

What is public afterwards was shown, as it is, to those who approved it (tests/approval_book.py), and the ledger tells
one story of it.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from wagtail.models import Collection, CollectionViewRestriction

from documents.access.public_files import public_documents
from documents.models import Document
from pages.models import PublicChange
from pages.models.approvals import Approval
from tests.approval_book import Book, Screen, new_words
from tests.test_changes_at_once import at_once, committed, put_back  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time."),
]
ROUNDS_WITHOUT_ORDER = 2


def approve_and_save(book):
    saver = Screen(book, "other moderator", "story")
    return press(book, "approve"), lambda: saver.press("save", summary=new_words("Text"))


def approve_and_approve(book):
    return press(book, "approve"), press(book, "approve", "other moderator")


def approve_twice(book):
    screen = Screen(book, "moderator", "story")
    return lambda: screen.press("approve"), lambda: screen.press("approve")


def approve_and_exchange_a_file(book):
    file = book.files("story")[-1]
    return press(book, "approve"), lambda: book.exchange("editor", file)


def approve_and_describe_a_file(book):
    file = book.files("story")[-1]
    return press(book, "approve"), lambda: book.describe("editor", file)


def approve_and_hide_a_file(book):
    file = book.files("story")[-1]
    drawer = Collection.get_first_root_node().add_child(name="Drawer")
    CollectionViewRestriction.objects.create(collection=drawer, restriction_type="login")
    url = f"{reverse('wagtail_bulk_action', args=['documents', 'document', 'add_to_collection'])}?id={file.pk}"
    return press(book, "approve"), lambda: book.clients["other editor"].post(url, {"collection": drawer.pk})


def approve_and_make_the_collection_private(book):
    """By an administrator who is no moderator."""
    root = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    drawer = Collection.get_first_root_node().add_child(name="Drawer")
    Document.objects.filter(pk=book.files("story")[-1].pk).update(collection=drawer)
    url = reverse("wagtailadmin_collections:set_privacy", args=[drawer.pk])
    return press(book, "approve"), lambda: client.post(url, {"restriction_type": "login"})


def approve_and_autosave(book):
    screen = Screen(book, "moderator", "story")
    return lambda: screen.press("approve"), lambda: screen.save_by_itself(summary=new_words("Text"))


def approve_and_autosave_of_a_colleague(book):
    other = Screen(book, "other moderator", "story")
    return press(book, "approve"), lambda: other.save_by_itself(summary=new_words("Text"))


def take_back_and_approve(book):
    return press(book, "take back", "editor"), press(book, "approve")


def submit_and_submit(book):
    Screen(book, "editor", "story").press("take back")
    screen = Screen(book, "editor", "story")
    return lambda: screen.press("submit"), lambda: screen.press("submit")


def press(book, button, who="moderator"):
    screen = Screen(book, who, "story")
    return lambda: screen.press(button)


PAIRS = [
    approve_and_save,
    approve_and_approve,
    approve_twice,
    approve_and_exchange_a_file,
    approve_and_describe_a_file,
    approve_and_hide_a_file,
    approve_and_make_the_collection_private,
    approve_and_autosave,
    approve_and_autosave_of_a_colleague,
    take_back_and_approve,
    submit_and_submit,
]


def without_order(first, second):
    barrier = Barrier(2, timeout=60)

    def one(step):
        try:
            barrier.wait()
            step()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for waiting in [pool.submit(one, step) for step in (first, second)]:
            waiting.result(timeout=120)


@pytest.mark.parametrize("pair", PAIRS)
def test_two_buttons_at_once(pair, committed):  # noqa: F811
    book = Book(committed)
    orders = ["first", "second", *["none"] * ROUNDS_WITHOUT_ORDER]
    for order in orders:
        steps = pair(book)
        if order == "none":
            without_order(*steps)
        else:
            at_once(*(steps if order == "first" else reversed(steps)))
        page = book.now("story")
        book.check()
        if page.live:
            assert set(public_documents(Document.objects.all())) >= {book.files("story")[-1]}, order
        changes = list(PublicChange.objects.filter(record=page.uuid).order_by("version").values_list("kind", flat=True))
        assert changes == (["published"] if page.live else []), (order, changes)
        assert page.workflow_states.filter(status="in_progress").count() <= 1, order
        assert Approval.objects.filter(revision__object_id=str(page.pk), voided_at=None).count() <= 1, order
        if pair is submit_and_submit:
            assert page.workflow_states.filter(status="in_progress").count() == 1, order
        elif order == "first" and pair is not take_back_and_approve:
            assert page.live is True, order
        book.renew("story")
