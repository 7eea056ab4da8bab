"""A browser sends one request for one press of a button, also while a form saves itself, on a slow machine.

The site answers with a thread for each request and commits (tests/threaded_site.py). Each answer to a button takes a while,
before or after its work by turns, so that an autosave of the same form would fall into it.
"""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import override_settings
from playwright.sync_api import expect
from wagtail.rich_text import RichText

from pages import models
from pages.approval.workflow import set_up_moderation
from tests import factories
from tests.browser.chromium import PATIENCE, SCREEN
from tests.threaded_site import threaded_site

# On PostgreSQL, where two requests of a browser are answered at the same time.
TIMES = int(os.environ.get("APPROVALS_IN_A_BROWSER") or (4 if connection.vendor == "postgresql" else 2))
SLOW = 0.6  # seconds that an answer to a button takes on top of its work
THROTTLE = 4  # times slower than this machine
# What Wagtail does within seconds, within tenths of them: it looks for changes since now, and saves them soon.
AT_ONCE = """() => {
  const form = document.querySelector("[data-edit-form]");
  form.setAttribute("data-w-unsaved-check-interval-value", "40");
  form.setAttribute("data-w-autosave-interval-value", "40");
  window.wagtail.app.getControllerForElementAndIdentifier(form, "w-unsaved").setInitialFormData();
}"""
FORMS = re.compile(r"/admin/(pages|snippets)/(.*/)?(edit|add)/.*(?<!preview/)")
CHANGES = "{ changes(first: 100) { nodes { kind pageId } } }"
REASONS = ("Request changes", "Approve with comment")  # asked for in a dialog
TEXT = '<p data-block-key="a1b2c">Story {}: bring your bike.</p>'


@dataclass
class Slow:
    """A slow server in front of the site, which knows what it was sent and what it failed at."""

    application: Any
    numbers: Any = field(default_factory=count)
    sent: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def started(status: str, headers: Any, problem: Any = None) -> Any:
            if status.startswith("5"):
                self.failed.append(f"{environ['PATH_INFO']}: {status}")
            return start_response(status, headers, problem)

        if environ["REQUEST_METHOD"] != "POST" or not FORMS.fullmatch(environ["PATH_INFO"]):
            return self.application(environ, started)
        what = "autosave" if "json" in environ.get("HTTP_ACCEPT", "") else "button"
        sent = self.sent  # of this test, also when the answer comes after it
        sent.append(f"{what} begins")
        first = what == "autosave" or next(self.numbers) % 2
        if first:
            time.sleep(SLOW)
        answer = self.application(environ, started)
        if not first:
            time.sleep(SLOW)
        sent.append(f"{what} ends")
        return answer


@dataclass
class Desk:
    """Somebody's browser before the site."""

    site: Any
    server: Slow
    chromium: Any
    people: dict[str, Any]
    news: int
    tabs: dict[str, Any] = field(default_factory=dict)

    def __call__(self, who: str, step: Callable[..., Any], *arguments: Any) -> Any:
        if who not in self.tabs:
            key = self.site.session(self.people[who])
            self.tabs[who] = self.chromium.thread.submit(self._open, key).result()
        return self.chromium.thread.submit(step, self.tabs[who], *arguments).result()

    def _open(self, key: str) -> Any:
        context = self.chromium.browser.new_context(base_url=self.site.url, viewport=SCREEN, locale="en-GB")
        context.set_default_timeout(3 * PATIENCE)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": self.site.url}])
        return context.new_page()

    def close(self) -> None:
        for tab in self.tabs.values():
            self.chromium.thread.submit(tab.context.close).result()

    def ask(self, query: str) -> Any:
        return json.loads(self.site.anonymous().post_json("/graphql/", json.dumps({"query": query}).encode()).body)


def people_and_news() -> tuple[dict[str, Any], int]:
    set_up_moderation()
    people = {}
    for name, group in (("editor", "Editors"), ("moderator", "Moderators")):
        people[name] = User.objects.create_user(name, f"{name}@example.org", "x", first_name=name.title())
        people[name].groups.add(Group.objects.get(name=group))
    return people, factories.page(models.NewsIndexPage, factories.home()).pk


@pytest.fixture(scope="module")
def desk(copied_database, _chromium):
    servers = []

    def slow(application: Any) -> Slow:
        servers.append(Slow(application))
        return servers[0]

    with (
        threaded_site(copied_database, slow) as site,
        override_settings(CMS_URL=site.url, WAGTAILADMIN_BASE_URL=site.url),
    ):
        desk = Desk(site, servers[0], _chromium, *site.within(people_and_news))
        yield desk
        desk.close()


@pytest.fixture(autouse=True)
def _nothing_yet(db, desk):
    """The database of `db` stays empty: what these tests do is in a copy of it."""
    desk.server.sent, desk.server.failed = [], []


_numbers = count(1)


def drafted(people: dict[str, Any], news: int, kind: str) -> tuple[int, str]:
    """A story of the editor: its key, and its text."""
    number = next(_numbers)
    text = TEXT.format(number)
    body = [("paragraph", RichText(text))]
    fields: dict[str, Any] = {}
    if kind != "plain":
        picture = factories.image()
        fields["image"] = picture
        table = {"data": [["Day", "Place"], ["Saturday", "Square"]], "table_header_choice": "row", "cell": []}
        body += [("image", {"image": picture, "caption": "The square"}), ("table", table)]
    folder = models.NewsIndexPage.objects.get(pk=news)
    story = factories.draft(models.NewsPage, folder, title=f"Story {number}", slug=f"s-{number}", body=body, **fields)
    story.save_revision(user=people["editor"])
    return story.pk, text


def submitted(people: dict[str, Any], news: int, kind: str) -> tuple[int, str]:
    """The same, waiting for a moderator."""
    pk, text = drafted(people, news, kind)
    story = models.NewsPage.objects.get(pk=pk)
    story.get_workflow().start(story, people["editor"])
    return pk, text


def slowly(page: Any, rate: int) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    session.detach()


def open_form(page: Any, story: int) -> None:
    page.goto(f"/admin/pages/{story}/edit/")
    page.wait_for_function("window.wagtail?.app && document.querySelector('[data-edit-form]')")
    page.evaluate(AT_ONCE)


def press(page: Any, name: str) -> str:
    """Press the button, slowly and twice, and return what is said afterwards."""
    if name != "Save draft":
        page.locator("footer").get_by_role("button", name="More actions").click()
    slowly(page, THROTTLE)
    with page.expect_navigation(timeout=6 * PATIENCE):
        page.locator("footer").get_by_role("button", name=name, exact=True).dblclick()
        if name in REASONS:
            dialog = page.get_by_role("dialog")
            dialog.locator("#id_comment").fill("The square closes at 3pm.")
            dialog.get_by_role("button", name=name).dblclick()
    slowly(page, 1)
    return page.locator(".messages").inner_text()


def approve(page: Any, story: int) -> str:
    open_form(page, story)
    return press(page, "Approve")


def type_and_press(page: Any, address: str, title: str, name: str) -> str:
    """Press the button while the form saves what was typed."""
    page.goto(address)
    page.wait_for_function("window.wagtail?.app && document.querySelector('[data-edit-form]')")
    page.evaluate(AT_ONCE)
    with page.expect_request(lambda request: request.method == "POST" and FORMS.search(request.url) is not None):
        page.locator("#id_title, #id_name").first.fill(title)
    return press(page, name)


def state(pk: int) -> dict[str, Any]:
    story = models.NewsPage.objects.get(pk=pk)
    workflow = story.workflow_states.order_by("pk").last()
    return {
        "live": story.live,
        "text": story.body[0].value.source if story.body else "",
        "draft over it": story.has_unpublished_changes or story.latest_revision_id != story.live_revision_id,
        "workflow": workflow and workflow.status,
    }


def trace(desk: Desk, pk: int) -> dict[str, Any]:
    """What became of a story, and what the server was sent."""
    uuid = str(desk.site.within(lambda: models.NewsPage.objects.get(pk=pk).uuid))
    told = [node["kind"] for node in desk.ask(CHANGES)["data"]["changes"]["nodes"] if node["pageId"] == uuid]
    return {
        **desk.site.within(state, pk),
        "told": told,
        "in order": in_order(desk.server.sent),
        "failed": desk.server.failed,
    }


ONE_BUTTON = ["button begins", "button ends"]


def in_order(sent: list[str]) -> bool:
    """Whether the button was sent once and last, when each save of the form by itself had been answered."""
    saves = Counter(sent[:-2])
    return sent[-2:] == ONE_BUTTON and saves == Counter(["autosave begins", "autosave ends"] * (len(sent[:-2]) // 2))


APPROVED = {
    "live": True,
    "draft over it": False,
    "workflow": "approved",
    "told": ["PUBLISHED"],
    "in order": True,
    "failed": [],
}


@pytest.mark.parametrize("kind", ["plain", "with pictures and a table"])
def test_an_approval_is_sent_once(desk, kind):
    wrong = []
    for number in range(TIMES):
        pk, text = desk.site.within(submitted, desk.people, desk.news, kind)
        desk.server.sent, desk.server.failed = [], []
        said = desk("moderator", approve, pk)
        found = {**trace(desk, pk), "said": "It is approved, and readers see it now." in said}
        expected = {**APPROVED, "text": text, "said": True}
        if found != expected:
            wrong.append((number, {name: found[name] for name in found if found[name] != expected[name]}))
    assert wrong == []


def test_an_approval_with_a_comment_is_sent_once(desk):
    pk, text = desk.site.within(submitted, desk.people, desk.news, "plain")

    def approve_with_comment(page):
        open_form(page, pk)
        return press(page, "Approve with comment")

    assert "It is approved, and readers see it now." in desk("moderator", approve_with_comment)
    assert trace(desk, pk) == {**APPROVED, "text": text}


@pytest.mark.parametrize(
    ("who", "name", "says", "workflow"),
    [
        ("editor", "Save draft", "has been updated", None),
        ("editor", "Submit to Moderators approval", "has been submitted for moderation", "in_progress"),
        ("moderator", "Request changes", "It goes back to its author, with your reason.", "needs_changes"),
    ],
)
def test_a_button_waits_for_the_autosave_that_is_under_way(desk, who, name, says, workflow):
    pk, _ = desk.site.within(submitted if who == "moderator" else drafted, desk.people, desk.news, "plain")
    assert says in desk(who, type_and_press, f"/admin/pages/{pk}/edit/", "Typed at the last moment", name)
    found = trace(desk, pk)
    assert found == {**found, "live": False, "workflow": workflow, "told": [], "failed": []}
    assert len(desk.server.sent) > 2, "nothing saved itself"
    assert in_order(desk.server.sent), desk.server.sent
    latest = desk.site.within(lambda: models.NewsPage.objects.get(pk=pk).get_latest_revision_as_object().title)
    assert latest == "Typed at the last moment"


def test_a_workflow_is_cancelled_once(desk):
    pk, _ = desk.site.within(submitted, desk.people, desk.news, "plain")

    def cancel(page):
        open_form(page, pk)
        return press(page, "Cancel workflow")

    assert "has been cancelled" in desk("editor", cancel)
    found = trace(desk, pk)
    assert found == {**found, "live": False, "workflow": "cancelled", "told": [], "failed": []}
    sent = desk.server.sent
    assert in_order(sent[: sent.index("button ends") + 1])  # the screen that answers may save itself then
    assert sent.count("button begins") == 1


def test_a_new_page_is_made_once(desk):
    """Its first autosave makes it. A button that is pressed meanwhile made another one."""
    address = f"/admin/pages/add/pages/newspage/{desk.news}/"
    said = desk("editor", type_and_press, address, "Brand new", "Save draft")
    assert "has been updated" in said or "created" in said
    assert desk.site.within(lambda: models.NewsPage.objects.filter(title="Brand new").count()) == 1
    assert (in_order(desk.server.sent), desk.server.failed) == (True, []), desk.server.sent


def test_a_piece_of_shared_text_is_submitted_once(desk):
    agency = desk.site.within(lambda: factories.agency(name="Fire service"))
    address = f"/admin/snippets/pages/agency/edit/{agency.pk}/"
    desk("editor", type_and_press, address, "Fire and rescue", "Submit to Moderators approval")
    found = desk.site.within(
        lambda: [state.status for state in models.Agency.objects.get(pk=agency.pk).workflow_states.all()]
    )
    assert (found, in_order(desk.server.sent), desk.server.failed) == (["in_progress"], True, []), desk.server.sent
    assert desk.site.within(lambda: models.Agency.objects.get(pk=agency.pk).name) == "Fire service"


def submit_in_vain(page: Any, story: int) -> None:
    """Submit without a summary, which is refused; then write one, which the form saves by itself."""
    open_form(page, story)
    page.locator("#id_summary").fill("")
    said = press(page, "Submit to Moderators approval")
    assert "could not be saved due to validation errors" in said, said
    page.evaluate(AT_ONCE)
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and bool(FORMS.search(answer.url))
    ) as saved:
        page.locator("#id_summary").fill("Written after all.")
    assert saved.value.json()["success"] is True
    page.locator("footer").get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Submit to Moderators approval").click()
    expect(page.locator(".messages")).to_contain_text("submitted for moderation", timeout=3 * PATIENCE)


def test_a_form_that_was_refused_saves_itself_again_and_can_be_sent(desk):
    pk, _ = desk.site.within(drafted, desk.people, desk.news, "plain")
    desk("editor", submit_in_vain, pk)
    found = desk.site.within(state, pk)
    assert (found["workflow"], desk.server.failed) == ("in_progress", [])
