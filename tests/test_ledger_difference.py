"""What the ledger writes down of a change, worked out without a database."""

from dataclasses import replace
from uuid import UUID

import pytest

from pages.content.choices import ChangeKind
from pages.models import ChangeNote, PublicRecord
from pages.visibility.difference import PublicPage, PublishedVersion, difference
from tests.factories import london

BEFORE, NOW = london(2026, 1, 1), london(2026, 2, 1)
ABOVE = PublicPage(1, UUID(int=1), "/plans/", False)
BELOW = PublicPage(2, UUID(int=2), "/plans/2026/", False)
NOTE = ChangeNote(note="A new aim.")


def kept(page, **differently):
    """The record of a page that was public before, as it is now."""
    facts = {"uuid": page.uuid, "page_id": page.key, "path": page.path, "show_safe_exit": page.show_safe_exit}
    return PublicRecord(**{**facts, "first_public_at": BEFORE, **differently})


def found(records, pages, published=None):
    return difference({record.uuid: record for record in records}, pages, NOW, published)


def changes(difference):
    return [(change.record_id, change.kind, change.major, change.note) for change in difference.changes]


def records(difference):
    return [(row.uuid, row.page_id, row.path, row.first_public_at, row.ended_at) for row in difference.records]


def addresses(difference):
    return [(row.record_id, row.path, row.since) for row in difference.addresses]


def test_nothing_changed():
    nothing = found([kept(ABOVE), kept(BELOW)], [ABOVE, BELOW])
    assert nothing == found([], [])
    assert not any(vars(nothing).values())


def test_pages_that_were_never_public_are_published_in_the_order_of_their_paths():
    new = found([], [BELOW, ABOVE])
    assert changes(new) == [(page.uuid, ChangeKind.PUBLISHED, True, None) for page in (ABOVE, BELOW)]
    assert records(new) == [(page.uuid, page.key, page.path, NOW, None) for page in (ABOVE, BELOW)]
    assert addresses(new) == [(page.uuid, page.path, NOW) for page in (ABOVE, BELOW)]
    assert new.paths == {"/plans/", "/plans/2026/"}
    assert new.shown_differently == {1, 2}
    assert new.ended == []


def test_a_page_that_is_public_again_elsewhere_keeps_its_first_date():
    again = found([kept(ABOVE, path="/old/", ended_at=BEFORE)], [ABOVE])
    assert changes(again) == [(ABOVE.uuid, ChangeKind.PUBLISHED, True, None)]
    assert records(again) == [(ABOVE.uuid, 1, "/plans/", BEFORE, None)]
    assert addresses(again) == [(ABOVE.uuid, "/plans/", NOW)]
    assert again.paths == {"/plans/", "/old/"}


def test_a_page_that_moved():
    moved = found([kept(ABOVE, path="/old/")], [ABOVE])
    assert changes(moved) == [(ABOVE.uuid, ChangeKind.MOVED, False, None)]
    assert records(moved) == [(ABOVE.uuid, 1, "/plans/", BEFORE, None)]
    assert addresses(moved) == [(ABOVE.uuid, "/plans/", NOW)]
    assert moved.paths == {"/plans/", "/old/"}
    assert moved.shown_differently == {1}


def test_pages_that_are_public_no_longer_end_once():
    gone = found([kept(BELOW), kept(ABOVE), kept(replace(ABOVE, uuid=UUID(int=3)), ended_at=BEFORE)], [])
    assert [record.uuid for record in gone.ended] == [ABOVE.uuid, BELOW.uuid]
    assert gone.paths == {"/plans/", "/plans/2026/"}
    assert gone.shown_differently == {1, 2}
    assert (gone.changes, gone.records, gone.addresses) == ([], [], [])


def test_a_page_that_was_deleted_is_shown_nowhere():
    assert found([kept(ABOVE, page_id=None)], []).shown_differently == set()


def test_another_safe_exit_changes_the_record_alone():
    exit_added = found([kept(ABOVE)], [replace(ABOVE, show_safe_exit=True)])
    assert [row.show_safe_exit for row in exit_added.records] == [True]
    assert exit_added.changes == exit_added.addresses == []
    assert exit_added.paths == exit_added.shown_differently == set()


@pytest.mark.parametrize("note", [NOTE, None])
def test_a_version_of_a_public_page_is_an_update_and_major_with_a_note(note):
    updated = found([kept(ABOVE), kept(BELOW)], [ABOVE, BELOW], PublishedVersion(ABOVE.uuid, note=note))
    assert changes(updated) == [(ABOVE.uuid, ChangeKind.UPDATED, note is not None, note)]
    assert updated.records == updated.addresses == []
    assert updated.paths == updated.shown_differently == set()


def test_a_version_that_others_show_differently():
    version = PublishedVersion(ABOVE.uuid, is_shown_differently=True)
    assert found([kept(ABOVE), kept(BELOW)], [ABOVE, BELOW], version).shown_differently == {1}


def test_the_first_version_is_no_update():
    version = PublishedVersion(ABOVE.uuid, has_new_title=True, is_shown_differently=True)
    assert changes(found([], [ABOVE], version)) == [(ABOVE.uuid, ChangeKind.PUBLISHED, True, None)]


def test_a_version_that_moves_the_page_is_a_move_and_an_update():
    both = found([kept(ABOVE, path="/old/")], [ABOVE], PublishedVersion(ABOVE.uuid, note=NOTE))
    assert changes(both) == [
        (ABOVE.uuid, ChangeKind.MOVED, False, None),
        (ABOVE.uuid, ChangeKind.UPDATED, True, NOTE),
    ]


def test_pages_below_show_a_new_title():
    renamed = found([kept(ABOVE), kept(BELOW)], [ABOVE, BELOW], PublishedVersion(ABOVE.uuid, has_new_title=True))
    assert changes(renamed) == [(page.uuid, ChangeKind.UPDATED, False, None) for page in (ABOVE, BELOW)]
    assert renamed.shown_differently == set()


def test_pages_below_that_move_with_the_page_are_not_updated_as_well():
    old = [kept(ABOVE, path="/old/"), kept(BELOW, path="/old/2026/")]
    moved = found(old, [ABOVE, BELOW], PublishedVersion(ABOVE.uuid, has_new_title=True))
    assert changes(moved) == [
        (ABOVE.uuid, ChangeKind.MOVED, False, None),
        (ABOVE.uuid, ChangeKind.UPDATED, False, None),
        (BELOW.uuid, ChangeKind.MOVED, False, None),
    ]


def test_a_page_that_had_expired_comes_back_with_those_below_it():
    back = found([kept(ABOVE), kept(BELOW)], [ABOVE, BELOW], PublishedVersion(ABOVE.uuid, was_over=True))
    assert changes(back) == [(page.uuid, ChangeKind.UPDATED, False, None) for page in (ABOVE, BELOW)]
    assert back.shown_differently == {1, 2}
