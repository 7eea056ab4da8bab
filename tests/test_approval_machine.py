"""Whatever five people do with old and new screens: what is public was shown, as it is, to those who approved it."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pages.approval.scheduling import publish_what_is_due
from pages.models.approvals import Approval
from pages.takedown.withdrawal import take_down
from tests.approval_book import BUTTONS, PEOPLE, Book, Screen, new_words, tomorrow

THINGS = st.sampled_from(["story", "story", "notice"])
WHO = st.sampled_from(sorted(PEOPLE))
APPROVERS = st.sampled_from(["moderator", "other moderator", "lead", "other lead"])


class Approving(RuleBasedStateMachine):
    book: Book

    def __init__(self) -> None:
        super().__init__()
        self.kept = transaction.atomic()
        self.kept.__enter__()
        self.screens: list[Screen] = []
        self.before = (dict(self.book.writers), dict(self.book.makers))
        self.things = dict(self.book.things)
        self.book.decided.clear()
        self.book.read.clear()
        self.book.direct.clear()

    def teardown(self) -> None:
        self.book.things = self.things
        transaction.set_rollback(True)
        self.kept.__exit__(None, None, None)
        cache.clear()

    def screen(self, number: int) -> Screen:
        return self.screens[number % len(self.screens)]

    @rule(who=WHO, thing=THINGS)
    def opens(self, who, thing):
        self.screens.append(Screen(self.book, who, thing))

    @precondition(lambda self: self.screens)
    @rule(number=st.integers(0, 9), button=st.sampled_from(["approve", "approve", *BUTTONS]), types=st.booleans())
    def presses(self, number, button, types):
        screen = self.screen(number)
        screen.press(button, **({"summary": new_words("Text")} if types and button != "approve" else {}))

    @precondition(lambda self: self.screens)
    @rule(number=st.integers(0, 9), types=st.booleans(), pressed=st.sampled_from([*BUTTONS]))
    def saves_by_itself(self, number, types, pressed):
        typed = {"summary": new_words("Text")} if types else {}
        self.screen(number).save_by_itself(**BUTTONS[pressed], **typed)

    @rule(who=APPROVERS, thing=THINGS)
    def looks_and_approves(self, who, thing):
        screen = Screen(self.book, who, thing)
        screen.press("approve")
        self.screens.append(screen)

    @rule(who=APPROVERS, thing=THINGS)
    def types_and_approves(self, who, thing):
        Screen(self.book, who, thing).press("approve", summary=new_words("Text"))

    @rule(who=WHO, thing=THINGS, first=st.booleans(), exchanges=st.booleans())
    def changes_a_file(self, who, thing, first, exchanges):
        file = self.book.files(thing)[0 if first else -1]
        (self.book.exchange if exchanges else self.book.describe)(who, file)

    @rule(thing=THINGS, exchanges=st.booleans())
    def takes_back_changes_a_file_and_submits_again(self, thing, exchanges):
        self.swap(self.book, thing, exchanges)

    @staticmethod
    def swap(book, thing, exchanges):
        author = "editor" if thing == "story" else "lead"
        Screen(book, author, thing).press("take back")
        (book.exchange if exchanges else book.describe)(author, book.files(thing)[-1])
        Screen(book, author, thing).press("submit")

    @rule(who=st.sampled_from(["moderator", "other moderator"]))
    def unpublishes(self, who):
        page = self.book.now("story")
        self.book.clients[who].post(reverse("wagtailadmin_pages:unpublish", args=[page.pk]))

    @rule(who=WHO, thing=THINGS)
    def sets_a_date(self, who, thing):
        Screen(self.book, who, thing).press("save", go_live_at=tomorrow())

    @rule(who=WHO, thing=THINGS)
    def submits_for_a_date(self, who, thing):
        Screen(self.book, who, thing).press("submit", go_live_at=tomorrow())

    @rule(who=APPROVERS, thing=THINGS)
    def takes_a_date_off(self, who, thing):
        self.book.unschedule(who, thing)

    @rule(who=WHO, thing=THINGS, way=st.sampled_from(["send back", "take back", "restart"]))
    def ends_the_workflow_and_submits_again(self, who, thing, way):
        self.book.start_again(who, thing, way)

    @rule(thing=THINGS)
    def expires(self, thing):
        self.book.expire(thing)

    @rule(who=WHO, thing=THINGS)
    def copies(self, who, thing):
        self.book.copy(who, thing)

    @rule(thing=THINGS)
    def takes_down(self, thing):
        page = self.book.now(thing)
        if page.live:
            take_down(page, self.book.people["lead"], "It names somebody.")

    @rule()
    def time_passes(self):
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            publish_what_is_due(timezone.now())

    @invariant()
    def what_is_public_was_approved_as_it_is(self):
        self.book.check()


def test_whatever_they_do_what_is_public_was_shown_to_those_who_approved_it(book):
    machine = type("Machine", (Approving,), {"book": book})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=12,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- Ways that were walked before, in other systems or in this one ---


def exchanged_behind_an_open_screen(book):
    screen = Screen(book, "moderator", "story")
    Approving.swap(book, "story", exchanges=True)
    screen.press("approve")


def described_behind_an_open_screen(book):
    screen = Screen(book, "moderator", "story")
    Approving.swap(book, "story", exchanges=False)
    screen.press("approve")


def described_and_saved_without_a_change(book):
    screen = Screen(book, "moderator", "story")
    book.describe("editor", book.files("story")[0])
    Screen(book, "other moderator", "story").press("save")
    screen.press("approve")


def another_text_behind_an_open_screen(book):
    screen = Screen(book, "moderator", "story")
    Screen(book, "other moderator", "story").press("save", summary=new_words("Text"))
    screen.press("approve")


def a_file_of_ones_own(book):
    book.exchange("moderator", book.files("story")[-1])
    Screen(book, "other moderator", "story").press("save")
    Screen(book, "moderator", "story").press("approve")


def words_of_ones_own(book):
    book.describe("moderator", book.files("story")[0])
    Screen(book, "other moderator", "story").press("save")
    Screen(book, "moderator", "story").press("approve")


def a_file_of_the_second_approver(book):
    Screen(book, "lead", "notice").press("take back")
    book.exchange("other lead", book.files("notice")[0])
    Screen(book, "lead", "notice").press("submit")
    Screen(book, "moderator", "notice").press("approve")
    Screen(book, "other lead", "notice").press("approve")


def a_file_exchanged_between_two_approvals(book):
    Screen(book, "moderator", "notice").press("approve")
    screen = Screen(book, "other lead", "notice")
    book.exchange("lead", book.files("notice")[0])
    screen.press("approve")


def sent_back_and_approved_by_its_author(book):
    Screen(book, "moderator", "story").press("save", summary=new_words("Text"))
    book.start_again("other moderator", "story", "send back")
    Screen(book, "moderator", "story").press("approve")


def approved_for_a_date_and_then_by_its_author(book):
    Screen(book, "editor", "story").press("take back")
    Screen(book, "moderator", "story").press("submit", summary=new_words("Text"), go_live_at=tomorrow())
    Screen(book, "other moderator", "story").press("approve")
    assert book.now("story").scheduled_revision is not None
    book.unschedule("other moderator", "story")
    Screen(book, "moderator", "story").press("submit", go_live_at="")
    Screen(book, "moderator", "story").press("approve")


def expired_and_brought_back_by_its_author(book):
    Screen(book, "moderator", "story").press("save", summary=new_words("Text"))
    text = book.now("story").get_latest_revision_as_object().summary
    Screen(book, "other moderator", "story").press("approve")
    Screen(book, "editor", "story").press("submit", summary=new_words("Text"), go_live_at=tomorrow())
    Screen(book, "moderator", "story").press("approve")
    book.expire("story")
    book.unschedule("other moderator", "story")
    Screen(book, "editor", "story").press("submit", summary=text, go_live_at="", expire_at="")
    book.writers[text] = "moderator"
    Screen(book, "moderator", "story").press("approve")


REFUSED = [
    sent_back_and_approved_by_its_author,
    approved_for_a_date_and_then_by_its_author,
    expired_and_brought_back_by_its_author,
    exchanged_behind_an_open_screen,
    described_behind_an_open_screen,
    described_and_saved_without_a_change,
    another_text_behind_an_open_screen,
    a_file_of_ones_own,
    words_of_ones_own,
    a_file_of_the_second_approver,
    a_file_exchanged_between_two_approvals,
]


@pytest.mark.parametrize("walk", REFUSED)
def test_a_way_that_was_walked_before_leads_nowhere(book, walk):
    walk(book)
    book.check()
    assert (book.now("story").live, book.now("notice").live) == (False, False)
    assert Approval.objects.filter(by=book.people["moderator"], voided_at=None).count() == (
        1 if walk in (a_file_of_the_second_approver, a_file_exchanged_between_two_approvals) else 0
    )


def test_the_ordinary_ways_lead_to_readers(book):
    Screen(book, "moderator", "story").press("approve")
    Screen(book, "moderator", "notice").press("approve")
    Screen(book, "other lead", "notice").press("approve")
    book.check()
    assert (book.now("story").live, book.now("notice").live) == (True, True)
    assert len(book.public_state(book.now("story"))[1]) == 2
    assert len(book.public_state(book.now("notice"))[1]) == 1
