"""Two people press buttons at the same moment, in threads with connections of their own, on PostgreSQL.

What is public afterwards was shown, as it is, to those who approved it (tests/approval_book.py), and the ledger tells
one story of it.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from wagtail.models import Collection, CollectionViewRestriction, GroupCollectionPermission

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
# The version was approved with a file that readers cannot open.
APPROVED_AS_HIDDEN = ("approve_and_lift_the_privacy", "approve_and_move_the_collection_out_of_a_private_one")


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
    drawer, url = drawer_of_the_file(book), "wagtailadmin_collections:set_privacy"
    client = administrator_client()
    return press(book, "approve"), lambda: client.post(reverse(url, args=[drawer.pk]), {"restriction_type": "login"})


def approve_and_lift_the_privacy(book):
    drawer, url = drawer_of_the_file(book), "wagtailadmin_collections:set_privacy"
    CollectionViewRestriction.objects.create(collection=drawer, restriction_type="login")
    submit_again(book)
    client = administrator_client()
    return press(book, "approve"), lambda: client.post(reverse(url, args=[drawer.pk]), {"restriction_type": "none"})


def approve_and_move_the_collection_to_a_private_one(book):
    drawer = drawer_of_the_file(book)
    private = Collection.get_first_root_node().add_child(name="Private")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    client = administrator_client()
    return press(book, "approve"), lambda: move(client, drawer, private)


def approve_and_move_the_collection_out_of_a_private_one(book):
    private = Collection.get_first_root_node().add_child(name="Private")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    drawer = drawer_of_the_file(book, private)
    submit_again(book)
    client = administrator_client()
    return press(book, "approve"), lambda: move(client, drawer, Collection.get_first_root_node())


def administrator_client():
    """An administrator who is no moderator."""
    client = Client()
    client.force_login(User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("root"))
    return client


def drawer_of_the_file(book, parent=None):
    drawer = (parent or Collection.get_first_root_node()).add_child(name="Drawer")
    Document.objects.filter(pk=book.files("story")[-1].pk).update(collection=drawer)
    return drawer


def submit_again(book):
    """So that the version that waits says that readers cannot open the file."""
    editor = book.people["editor"]
    book.now("story").current_workflow_state.cancel(user=editor)
    book.now("story").save_revision(user=editor)
    page = book.now("story")
    page.get_workflow().start(page, editor)


def move(client, collection, parent):
    url = reverse("wagtailadmin_collections:edit", args=[collection.pk])
    return client.post(url, {"name": collection.name, "parent": parent.pk})


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
    approve_and_lift_the_privacy,
    approve_and_move_the_collection_to_a_private_one,
    approve_and_move_the_collection_out_of_a_private_one,
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
            is_public = book.files("story")[-1] in public_documents(Document.objects.all())
            assert is_public is (pair.__name__ not in APPROVED_AS_HIDDEN), order
        changes = list(PublicChange.objects.filter(record=page.uuid).order_by("version").values_list("kind", flat=True))
        assert changes == (["published"] if page.live else []), (order, changes)
        assert page.workflow_states.filter(status="in_progress").count() <= 1, order
        assert Approval.objects.filter(revision__object_id=str(page.pk), voided_at=None).count() <= 1, order
        if pair is submit_and_submit:
            assert page.workflow_states.filter(status="in_progress").count() == 1, order
        elif order == "first" and pair is not take_back_and_approve:
            assert page.live is True, order
        book.renew("story")


@pytest.mark.parametrize("order", ["the approval first", "the move first"])
def test_the_files_of_a_notice_stay_in_their_collection_while_it_is_approved(order, committed):  # noqa: F811
    book, root = Book(committed), Collection.get_first_root_node()
    keepers = Group.objects.create(name="Keepers of collections")
    for permission in Permission.objects.filter(codename__in=["add_collection", "change_collection"]):
        GroupCollectionPermission.objects.create(group=keepers, collection=root, permission=permission)
    book.people["other moderator"].groups.add(keepers)
    files = Collection.objects.get(pk=book.reviews.files_id)
    drawer = files.add_child(name="Case")
    document = book.files("notice")[-1]
    Document.objects.filter(pk=document.pk).update(collection=drawer)
    Screen(book, "moderator", "notice").press("approve")
    lead = Screen(book, "other lead", "notice")
    steps = [lambda: lead.press("approve"), lambda: move(book.clients["other moderator"], drawer, root)]
    at_once(*(steps if order == "the approval first" else reversed(steps)))
    assert book.now("notice").live is True
    document.refresh_from_db()
    assert document.collection == (drawer if order == "the approval first" else files)
    drawer.refresh_from_db()
    assert drawer.get_parent() == (files if order == "the approval first" else root)


@pytest.mark.parametrize("order", ["the approval first", "the deletion first"])
@pytest.mark.parametrize(("position", "route"), [(0, "wagtailimages:delete"), (-1, "wagtaildocs:delete")])
def test_a_file_is_deleted_while_its_page_is_approved(position, route, order, committed):  # noqa: F811
    book, answers = Book(committed), []
    file, editor = book.files("story")[position], book.clients["editor"]
    type(file).objects.filter(pk=file.pk).update(uploaded_by_user=book.people["editor"])
    approve, url = press(book, "approve"), reverse(route, args=[file.pk])
    steps = [approve, lambda: answers.append(editor.post(url).status_code)]
    at_once(*(steps if order == "the approval first" else reversed(steps)))
    is_first = order == "the approval first"
    assert (book.now("story").live, type(file).objects.filter(pk=file.pk).exists()) == (is_first, is_first)
    assert answers == [302]  # to the list, or with the refusal
