"""Many people at once: nobody gets what belongs to another, and everybody gets what they would get alone."""

import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from html import unescape
from itertools import cycle

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from pages import models
from pages.approval.workflow import set_up_moderation
from pages.models import ContentPage
from pages.models.snippets import ModeratedSnippet
from tests import factories
from tests.admin_forms import posted
from tests.test_facts import CONTRACT, VARIABLES
from tests.threaded_site import threaded_site

EDITORS = 10
# How often each of them saves: more often on PostgreSQL, where they write at the same time.
ROUNDS_OF_WORK = int(os.environ.get("TEN_EDITORS_ROUNDS") or (4 if connection.vendor == "postgresql" else 1))
MARK = re.compile(r"mark-(\d+)-(\d+)-")


pytestmark = pytest.mark.django_db


@pytest.fixture
def site(copied_database, settings):
    with threaded_site(copied_database) as site:
        settings.CMS_URL = settings.WAGTAILADMIN_BASE_URL = site.url
        yield site


PARAGRAPHS = 50  # of each rich text, as in a long report: what threads share is shared for longer


def draftail(text):
    """Rich text as the editor's box sends it, with words in bold and links."""
    block = {
        "text": f"{text} bold link",
        "type": "unstyled",
        "depth": 0,
        "inlineStyleRanges": [{"offset": len(text) + 1, "length": 4, "style": "BOLD"}],
        "entityRanges": [{"offset": len(text) + 6, "length": 4, "key": 0}],
        "data": {},
    }
    blocks = [{**block, "key": f"{number:05}"} for number in range(PARAGRAPHS)]
    link = {"type": "LINK", "mutability": "MUTABLE", "data": {"url": f"https://example.org/{text}"}}
    return json.dumps({"blocks": blocks, "entityMap": {"0": link}})


def story(mark):
    """What the edit screen of a story sends; each text has its own mark, and rich text has it twice."""
    return {
        "title": f"{mark}title",
        "slug": mark.strip("-"),
        "summary": f"{mark}summary",
        "body-count": "3",
        "body-0-id": "",
        "body-0-order": "0",
        "body-0-type": "paragraph",
        "body-0-value": draftail(f"{mark}paragraph"),
        "body-0-deleted": "",
        "body-1-id": "",
        "body-1-order": "1",
        "body-1-type": "callout",
        "body-1-value-tone": "information",
        "body-1-value-rich_text": draftail(f"{mark}callout"),
        "body-1-deleted": "",
        "body-2-id": "",
        "body-2-order": "2",
        "body-2-type": "heading",
        "body-2-value-text": f"{mark}heading",
        "body-2-value-level": "2",
        "body-2-deleted": "",
    }


WORDS = ("title", "summary", "paragraph", "callout", "heading")


class Editor:
    """Writes one page again and again, and reads what the screens hold."""

    def __init__(self, number, browser, page):
        self.number, self.browser, self.rounds = number, browser, 0
        self.edit = reverse("wagtailadmin_pages:edit", args=[page])
        self.preview = reverse("wagtailadmin_pages:preview_on_edit", args=[page])
        self.modes = cycle(mode for mode, _ in models.NewsPage().preview_modes)
        self.html = self.look(self.edit, set())

    def work(self):
        """Save the page with new words, look at a preview and at the form; how often each word stands in the form."""
        self.rounds += 1
        mark = f"mark-{self.number}-{self.rounds}-"
        form = posted(self.html, **story(mark))
        previewed = self.browser.post(self.preview, form)
        assert (previewed.status, json.loads(previewed.body)["is_valid"]) == (200, True)
        self.look(f"{self.preview}?mode={next(self.modes)}", {mark})
        assert self.browser.post(self.edit, form).status == 200
        self.html = self.look(self.edit, {mark})
        text = unescape(self.html.decode())
        return {word: text.count(mark + word) for word in WORDS}

    def look(self, path, marks):
        answer = self.browser.get(path)
        assert answer.status == 200, path
        assert {found[0] for found in MARK.finditer(unescape(answer.body.decode()))} == marks, path
        return answer.body


def prepare_stories():
    """So many editors, and a draft for each."""
    set_up_moderation()
    index = factories.page(models.NewsIndexPage, factories.home())
    people, pages = [], []
    for number in range(EDITORS):
        people.append(User.objects.create_user(f"editor{number}", f"editor{number}@example.org", "x"))
        people[-1].groups.add(Group.objects.get(name="Editors"))
        pages.append(factories.draft(models.NewsPage, index, title="Empty", slug=f"story-{number}").pk)
    return people, pages


def test_ten_editors_get_no_word_of_each_other(site):
    people, pages = site.within(prepare_stories)
    editors = [Editor(n, site.signed_in_as(people[n]), pages[n]) for n in range(EDITORS)]
    alone = editors[0].work()
    assert alone == {"title": 4, "summary": 1, "paragraph": 2 * PARAGRAPHS, "callout": 2 * PARAGRAPHS, "heading": 1}

    def work_on(editor):
        for _ in range(ROUNDS_OF_WORK):
            assert editor.work() == alone

    with ThreadPoolExecutor(EDITORS) as pool:
        work = [pool.submit(work_on, editor) for editor in editors]
    assert [repr(each.exception()) for each in work if each.exception()] == []
    assert [editor.rounds for editor in editors] == [ROUNDS_OF_WORK + 1] + [ROUNDS_OF_WORK] * (EDITORS - 1)


# --- What everybody asks for -----------------------------------------------------------------------------------

ROUNDS = 2  # in which each address is asked for while others are
THREADS = 6
PUBLIC = ["/", "/feeds/", "/feeds.opml", "/docs/", "/sitemap.xml", "/robots.txt", "/graphiql/", "/never-was/"]
LINK = re.compile(r'(?:href|src|xmlUrl|content)="([^"#?]+)|<(?:loc|link|id)>([^<#?]+)<')
# What differs each time by design: the tokens of forms, the number under which an opened screen is known, and the keys of
# the paragraphs in an editor's box.
EACH_TIME = re.compile(
    rb'(csrfmiddlewaretoken" value="|CSRF_TOKEN\W+)\w+|editing-sessions/[\w/]+|editing-session\W+\d+'
    rb"|key\\?&quot;: \\?&quot;\w{5}\\?&quot;"
)


def prepare_demo():
    """The demo content, who looks at it, and the screens: one of each type of page and shared text."""
    set_up_moderation()
    call_command("load_demo", verbosity=0)
    moderator = User.objects.create_user("moderator", "moderator@example.org", "x")
    moderator.groups.add(Group.objects.get(name="Moderators"))
    screens = [reverse("wagtailadmin_home"), reverse("wagtaildocs:index"), reverse("wagtailimages:index")]
    for model in apps.get_app_config("pages").get_models():
        if not issubclass(model, ContentPage | ModeratedSnippet) or not (obj := model.objects.order_by("pk").first()):
            continue
        page = issubclass(model, ContentPage)
        name = "wagtailadmin_pages:edit" if page else model.snippet_viewset.get_url_name("edit")
        screens.append(reverse(name, args=[obj.pk]))
    return moderator, screens


def linked(site, browser):
    """The public addresses that can be reached by links: pages, feeds, calendars, files and documentation."""
    found, unread = list(PUBLIC), list(PUBLIC)
    while unread:
        body = browser.get(unread.pop()).body.decode(errors="replace")
        for address in (unescape(first or second).removeprefix(site.url) for first, second in LINK.findall(body)):
            if (
                address.startswith("/")
                and not address.startswith(("/static/", "/admin/", "/docs/screenshots/"))
                and address not in found
            ):
                found.append(address)
                unread.append(address)
    return found


def answered(ask):
    try:
        answer = ask()
    except OSError as problem:
        return repr(problem)
    return answer.status, EACH_TIME.sub(b"", answer.body)


def difference(name, alone, together):
    """The address, and what differs first."""
    if alone[0] != together[0]:
        return name, alone[0], together[0]
    pairs = enumerate(zip(alone[1], together[1], strict=False))
    first = max(next((number for number, (one, other) in pairs if one != other), len(together[1])), 80)
    return name, alone[1][first - 80 : first + 80], together[1][first - 80 : first + 80]


def test_everybody_gets_what_they_get_alone(site):
    moderator, screens = site.within(prepare_demo)
    reader, staff = site.anonymous(), site.signed_in_as(moderator)
    with time_machine.travel(datetime.now(UTC), tick=False):  # screens say how long ago something was
        asks = {address: partial(reader.get, address) for address in linked(site, reader)}
        asks |= {f"moderator {address}": partial(staff.get, address) for address in screens}
        for file in CONTRACT:
            body = json.dumps({"query": file.read_text(), "variables": VARIABLES.get(file.stem, {})}).encode()
            asks[file.stem] = partial(reader.post_json, "/graphql/", body)
        alone = {name: answered(ask) for name, ask in asks.items()}
        seed = random.randrange(10**6)
        print("seed", seed, "addresses", len(asks))
        names = [*asks] * ROUNDS
        random.Random(seed).shuffle(names)
        with ThreadPoolExecutor(THREADS) as pool:
            together = list(pool.map(lambda name: answered(asks[name]), names))
    assert {answer[0] for answer in alone.values()} == {200, 404}
    assert {name for name, answer in alone.items() if answer[0] == 404} == {"/never-was/"}
    assert [
        difference(name, alone[name], got) for name, got in zip(names, together, strict=True) if got != alone[name]
    ] == []
