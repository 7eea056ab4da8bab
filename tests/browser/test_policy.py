"""No screen does what its Content-Security-Policy forbids, and a script that somebody smuggled in does not run."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from pages import models
from tests import factories
from tests.browser.test_editors_day import insert_block, write

PATIENT = 60_000  # milliseconds
# Kept across pages, in the order in which they come.
LISTEN = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error("refused: " + event.violatedDirective + " " + event.blockedURI + " " + event.sourceFile + ":" + event.lineNumber);
});
"""


def refused(text):
    """Whether the browser says that the policy stopped something, by itself or through the script above."""
    return "refused: " in text or "Content Security Policy" in text


@pytest.fixture
def watched(visit):
    """Open screens and do something on each; fails when the policy or a script complained."""
    problems = []

    def listen(page):
        page.add_init_script(LISTEN)
        page.on("console", lambda line: problems.append((page.url, line.text)) if refused(line.text) else None)
        page.on("pageerror", lambda error: problems.append((page.url, str(error))))

    def walk(steps, *arguments):
        visit(listen)
        found = visit(steps, *arguments)
        visit(lambda page: page.wait_for_timeout(300))
        assert problems == []
        return found

    return walk


def opened(page, addresses):
    for address in addresses:
        page.goto(address, timeout=PATIENT)
        expect(page.locator("main, #main, body").first).to_be_visible()


def test_screens_of_the_admin(visit, watched, demo, people, news):
    """Each once, as an administrator, who has all of them."""
    people["lead"].is_superuser = True
    people["lead"].save()
    story = factories.page(models.NewsPage, news, title="A story", image=factories.image())
    names = ["wagtailadmin_home", "wagtaildocs:index", "wagtailimages:index", "wagtailimages:add", "wagtaildocs:add",
             "wagtailusers_users:index", "wagtailusers_users:add", "wagtailusers_groups:index", "wagtailadmin_workflows:index",
             "wagtailadmin_reports:site_history", "wagtailadmin_reports:locked_pages", "wagtailadmin_reports:workflow",
             "wagtailadmin_account", "broken_links", "wagtailredirects:index", "wagtailredirects:add",
             "wagtailsnippets:index", "wagtailsites:index", "wagtailadmin_collections:index"]  # fmt: skip
    addresses = [
        *(reverse(name) for name in names),
        reverse("wagtailadmin_explore", args=[news.pk]),
        reverse("wagtailadmin_pages:history", args=[story.pk]),
        reverse("wagtailadmin_pages:usage", args=[story.pk]),
        reverse("wagtailadmin_pages:move", args=[story.pk]),
        reverse("wagtailadmin_pages:copy", args=[story.pk]),
        reverse("wagtailadmin_pages:delete", args=[story.pk]),
        reverse("wagtailimages:edit", args=[story.image_id]),
        reverse("wagtaildocs:edit", args=[factories.document().pk]),
        reverse("wagtailusers_groups:edit", args=[people["editor"].groups.get().pk]),
    ]
    visit.signed_in_as(people["lead"])
    watched(opened, addresses)


def test_writing(visit, watched, people, news, meeting):
    """StreamField, rich text, tables, choosers, dates, rows that are added, and the preview beside them."""
    edit = reverse("wagtailadmin_pages:edit", args=[meeting.pk])
    add = reverse("wagtailadmin_pages:add", args=["pages", "newspage", news.pk])
    visit.signed_in_as(people["editor"])

    def steps(page):
        page.goto(add, timeout=PATIENT)
        page.locator("#id_title").fill("A story")
        insert_block(page, "Paragraph")
        write(page, "#body-0-value", "Words.")
        page.get_by_role("button", name=re.compile("Choose an image", re.I)).first.click()
        expect(page.locator(".modal-body, .modal").first).to_be_visible()
        page.locator(".modal [data-dismiss=modal]").first.click()
        page.goto(edit, timeout=PATIENT)
        # Rows that were there and one that is added have choosers that work.
        rows = page.locator("[id^='id_papers-'][id$='-document-chooser']")
        before = rows.count()
        page.locator("#id_papers-ADD").click()
        expect(rows).to_have_count(before + 1)
        rows.last.get_by_role("button").first.click()
        expect(page.locator(".modal").first).to_be_visible()
        page.locator(".modal [data-dismiss=modal]").first.click()
        page.locator("#id_starts_at").click()
        page.get_by_role("button", name="Toggle preview").click()
        expect(page.locator("iframe").first).to_be_visible()
        page.wait_for_timeout(1_500)  # the preview is asked for a moment after the form was looked at
        return page.locator("[data-widget]").count()

    assert watched(steps) == 0


def test_pages_for_everybody(visit, watched, demo):
    """GraphiQL has a test of its own (test_graphiql.py)."""
    watched(
        opened, ["/", "/docs/", "/docs/graphql/", "/docs/security/", "/feeds/", "/feeds/news/", "/news/", "/nowhere/"]
    )


def test_signing_in(visit, watched, people):
    watched(opened, [reverse(name) for name in ("account_login", "account_reset_password", "account_inactive")])
    visit.signed_in_as(people["moderator"])
    watched(opened, [reverse(name) for name in ("mfa_index", "account_change_password")])


def test_a_script_that_was_smuggled_in_does_not_run(visit, people, demo):
    """Even where Wagtail would print it as it is."""
    evil = '</p><script>window.ran = 1</script><img src="x" onerror="window.ran = 2"><p>'
    visit.signed_in_as(people["moderator"])

    def smuggled(route):
        answer = route.fetch()
        body = answer.text().replace("</main>", f'<div id="evil">{evil}</div></main>', 1)
        route.fulfill(response=answer, body=body)

    def steps(page):
        page.route("**/admin/", smuggled)
        page.goto("/admin/", timeout=PATIENT)
        return page.evaluate("window.ran"), page.locator("#evil").count()

    assert visit(steps) == (None, 1)
