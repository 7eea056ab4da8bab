"""Withdrawing a page and taking things down in an emergency, on the admin's screens, and what readers see then."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, PageLogEntry, PageViewRestriction

from documents.models import Document, Image
from pages import models
from pages.models import Takedown
from pages.models.approvals import NotApprovedError
from pages.takedown.withdrawal import take_down as take_offline
from tests import factories
from tests.admin_forms import decide

PAGE = """query($path: String!) { page(urlPath: $path) { __typename title summary showSafeExit noindex
  ... on WithdrawnPage { withdrawal { kind explanation withdrawnAt alternativeUrl } } }
  redirect(path: $path) { target permanent } }"""


@pytest.fixture
def people(home):
    found = {}
    for group in ("Editors", "Moderators", "Safeguarding leads"):
        user = User.objects.create_user(group.split()[0].lower(), password="x")
        user.groups.add(Group.objects.get(name=group))
        found[group] = user
    return found


def withdraw(client, page, **fields):
    data = {"kind": "withdrawn", "explanation": "", "alternative": "", **fields}
    return client.post(reverse("withdraw_page", args=[page.pk]), data)


def take_down(client, address, reason="It names somebody."):
    return client.post(reverse("takedowns"), {"address": address, "reason": reason})


def test_a_moderator_withdraws_a_page_with_an_explanation(home, people, client, ask):
    page = factories.page(models.StandardPage, home, slug="page", title="Old advice", show_in_menus=True)
    client.force_login(people["Moderators"])
    with time_machine.travel(factories.london(2026, 7, 1, 9), tick=False):
        assert withdraw(client, page, explanation="The law changed.").status_code == 302
    client.logout()
    assert ask(PAGE, path="/page/") == {
        "page": {
            "__typename": "WithdrawnPage",
            "title": "Old advice",
            "summary": None,
            "showSafeExit": False,
            "noindex": True,
            "withdrawal": {
                "kind": "WITHDRAWN",
                "explanation": "The law changed.",
                "withdrawnAt": "2026-07-01T09:00:00+01:00",
                "alternativeUrl": None,
            },
        },
        "redirect": None,
    }
    answer = client.get("/page/")
    html = answer.content.decode()
    assert answer.status_code == 410
    assert "<h1>Old advice</h1>" in html
    assert "withdrawn on 1 July 2026" in html
    assert "<p>The law changed.</p>" in html
    assert ask("{ navigation { title } }") == {"navigation": []}
    entry = PageLogEntry.objects.get(action="pages.withdrawn")
    assert (entry.user, entry.data) == (people["Moderators"], {"kind": "withdrawn"})


def test_the_screen_has_the_script_of_its_page_chooser(home, people, client):
    page = factories.page(models.StandardPage, home)
    client.force_login(people["Moderators"])
    html = client.get(reverse("withdraw_page", args=[page.pk])).content.decode()
    assert "wagtailadmin/js/page-chooser.js" in html
    assert html.index("Withdraw this page</button>") < html.index("</form>")


def test_a_page_can_be_redirected_or_made_gone(home, people, client, ask):
    page = factories.page(models.StandardPage, home, slug="page", title="Old advice")
    other = factories.page(models.StandardPage, home, slug="other")
    client.force_login(people["Moderators"])
    assert withdraw(client, page, kind="redirect", alternative=other.pk).status_code == 302
    found = ask(PAGE, path="/page/")
    assert found["redirect"] == {"target": "http://testserver/other/", "permanent": True}
    assert found["page"]["withdrawal"]["kind"] == "REDIRECT"
    answer = client.get("/page/")
    assert (answer.status_code, answer["Location"]) == (301, "http://testserver/other/")
    # When what it leads to goes, it is simply gone.
    other.unpublish()
    found = ask(PAGE, path="/page/")
    assert (found["redirect"], found["page"]["title"], found["page"]["withdrawal"]["kind"]) == (None, None, "GONE")
    factories.approve(other).publish()
    assert (
        withdraw(client, page, kind="gone", explanation="Nobody reads this.", alternative=other.pk).status_code == 302
    )
    assert ask(PAGE, path="/page/")["page"]["withdrawal"]["alternativeUrl"] is None
    found = ask(PAGE, path="/page/")["page"]
    assert (found["title"], found["withdrawal"]["kind"], found["withdrawal"]["explanation"]) == (None, "GONE", None)
    html = client.get("/page/").content.decode()
    assert "Old advice" not in html
    assert "Nobody reads this" not in html
    # What was said in haste can be mended.
    assert withdraw(client, page, explanation="The law changed.").status_code == 302
    assert ask(PAGE, path="/page/")["page"]["withdrawal"]["explanation"] == "The law changed."


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({}, "explanation", "Tell readers why"),
        ({"explanation": "   "}, "explanation", "Tell readers why"),
        ({"kind": "redirect"}, "alternative", "Choose the page"),
        ({"kind": "redirect", "alternative": "self"}, "alternative", "Choose another page"),
        ({"kind": "redirect", "alternative": "draft"}, "alternative", "Choose another page"),
        ({"kind": "nonsense"}, "kind", "Select a valid choice"),
        ({"explanation": "x" * 1001}, "explanation", "at most 1000"),
    ],
)
def test_an_incomplete_withdrawal_is_refused_and_changes_nothing(home, people, client, fields, field, message):
    page = factories.page(models.StandardPage, home, slug="page")
    keys = {"self": page.pk, "draft": factories.draft(models.StandardPage, home).pk}
    client.force_login(people["Moderators"])
    fields = {name: keys.get(value, value) for name, value in fields.items()}
    response = withdraw(client, page, **fields)
    assert response.status_code == 200
    assert message in str(response.context["form"].errors[field])
    page.refresh_from_db()
    assert (page.withdrawal_kind, page.withdrawn_at) == ("", None)
    assert client.get("/page/").status_code == 200
    assert not PageLogEntry.objects.filter(action="pages.withdrawn").exists()


def test_an_editor_cannot_withdraw_or_take_down(home, people, client):
    page = factories.page(models.StandardPage, home, slug="page")
    client.force_login(people["Editors"])
    assert withdraw(client, page, kind="gone").status_code == 302  # Wagtail's way to say no
    assert take_down(client, "/page/").status_code == 302
    page.refresh_from_db()
    assert (page.withdrawal_kind, page.live, Takedown.objects.count()) == ("", True, 0)
    menu = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert "Take down in an emergency" not in menu


def test_a_draft_cannot_be_withdrawn(home, people, client):
    page = factories.draft(models.StandardPage, home)
    client.force_login(people["Moderators"])
    response = withdraw(client, page, kind="gone")
    assert "not public" in str(response.context["form"].errors["kind"])


def test_what_was_scheduled_or_submitted_does_not_bring_a_withdrawn_page_back(home, people, client):
    page = factories.page(models.StandardPage, home, slug="page")
    page.go_live_at = timezone.now() + timedelta(days=1)
    factories.approve(page).publish()
    page.get_workflow().start(page, people["Editors"])
    client.force_login(people["Moderators"])
    withdraw(client, page, kind="gone")
    page = models.StandardPage.objects.get(pk=page.pk)
    assert page.revisions.filter(approved_go_live_at__isnull=False).count() == 0
    assert page.workflow_in_progress is False


def test_a_newly_approved_version_brings_a_withdrawn_page_back(home, people, client, ask):
    page = factories.page(models.StandardPage, home, slug="page", title="Advice")
    client.force_login(people["Moderators"])
    withdraw(client, page, explanation="Wrong.")
    edit = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert "This page is withdrawn. It becomes public again when a new version is approved." in edit
    page = models.StandardPage.objects.get(pk=page.pk)
    page.save_revision(user=people["Editors"])
    page.get_workflow().start(page, people["Editors"])
    assert ask(PAGE, path="/page/")["page"]["__typename"] == "WithdrawnPage"
    decide(client, page, "approve")
    assert ask(PAGE, path="/page/")["page"]["__typename"] == "StandardPage"
    page.refresh_from_db()
    assert (page.withdrawal_kind, page.withdrawal_explanation, page.withdrawn_at) == ("", "", None)


@pytest.mark.parametrize("group", ["Moderators", "Safeguarding leads"])
def test_one_person_takes_a_page_down_at_once(home, people, client, ask, group):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    document = factories.document()
    factories.page(models.NewsPage, index, slug="page", title="A real name", body=[("document", document)])
    child_paths = ["/news/page/", "/feeds/news.rss", "/feeds/news.atom", "/sitemap.xml"]
    client.force_login(people[group])
    assert take_down(client, "https://www.example.org/news/page/?utm=1").status_code == 302
    client.logout()
    for path in child_paths:
        assert b"A real name" not in client.get(path).content
    assert ask("{ news { totalCount } }") == {"news": {"totalCount": 0}}
    found = ask(PAGE, path="/news/page/")["page"]
    assert (found["title"], found["withdrawal"]["explanation"]) == (None, "This page is not available at the moment.")
    answer = client.get("/news/page/")
    assert answer.status_code == 410
    assert "This page is not available at the moment." in answer.content.decode()
    assert client.get(document.url).status_code == 410
    takedown = Takedown.objects.get()
    assert (takedown.by, takedown.address, takedown.confirmed_at) == (people[group], "/news/page/", None)
    assert PageLogEntry.objects.filter(action="pages.taken_down", user=people[group]).count() == 1


def test_a_second_person_confirms_a_takedown(home, people, client):
    factories.page(models.StandardPage, home, slug="page")
    client.force_login(people["Moderators"])
    take_down(client, "/page/")
    takedown = Takedown.objects.get()
    confirm = reverse("confirm_takedown", args=[takedown.pk])
    client.post(confirm)
    takedown.refresh_from_db()
    assert takedown.confirmed_by is None
    client.force_login(people["Editors"])
    client.post(confirm)
    takedown.refresh_from_db()
    assert takedown.confirmed_by is None
    client.force_login(people["Safeguarding leads"])
    assert client.get(confirm).status_code == 405
    client.post(confirm)
    takedown.refresh_from_db()
    assert takedown.confirmed_by == people["Safeguarding leads"]
    assert PageLogEntry.objects.filter(action="pages.takedown_confirmed").count() == 1


def test_a_page_that_was_taken_down_comes_back_through_approval_only(home, people, client, ask):
    page = factories.page(models.StandardPage, home, slug="page")
    page.go_live_at = timezone.now() + timedelta(days=1)
    factories.approve(page).publish()
    client.force_login(people["Moderators"])
    take_down(client, "/page/")
    page = models.StandardPage.objects.get(pk=page.pk)
    assert (page.live, page.revisions.filter(approved_go_live_at__isnull=False).count()) == (False, 0)
    page.go_live_at = None
    factories.publish(page)
    assert ask(PAGE, path="/page/")["page"]["__typename"] == "StandardPage"
    assert Takedown.objects.get().ended_at is not None
    page.unpublish()
    assert ask(PAGE, path="/page/")["page"]["withdrawal"]["explanation"] is None


def test_a_withdrawn_page_can_still_be_taken_down(home, people, client, ask):
    page = factories.page(models.StandardPage, home, slug="page", title="A real name")
    client.force_login(people["Moderators"])
    withdraw(client, page, explanation="It named somebody.")
    take_down(client, "/page/")
    found = ask(PAGE, path="/page/")["page"]
    assert (found["title"], found["withdrawal"]["explanation"]) == (None, "This page is not available at the moment.")


def test_a_document_and_a_picture_are_taken_down_and_stay_down(home, people, client, ask):
    document, picture = factories.document(), factories.image()
    page = factories.page(
        models.StandardPage,
        home,
        slug="page",
        body=[("document", document), ("image", {"image": picture, "caption": ""})],
    )
    [rendition] = [each for each in picture.renditions.all() if each.url.endswith("card.webp")]
    client.force_login(people["Moderators"])
    for thing in (document, rendition):
        assert client.get(thing.url).status_code == 200
        take_down(client, f"http://testserver{thing.url}")
    client.logout()
    factories.publish(page)
    assert (client.get(document.url).status_code, client.get(rendition.url).status_code) == (410, 410)
    blocks = """{ page(urlPath: "/page/") { ... on StandardPage { body {
        ... on DocumentBlock { document { url } } ... on ImageBlock { image { alt } } } } } }"""
    assert ask(blocks)["page"]["body"] == [{"document": None}, {"image": None}]
    assert (Document.objects.count(), Image.objects.count(), Takedown.objects.count()) == (1, 1, 2)
    assert ModelLogEntry.objects.filter(action="pages.taken_down").count() == 2


@pytest.mark.parametrize(
    ("address", "reason", "field"),
    [
        ("/nowhere/", "Why", "address"),
        ("/draft/", "Why", "address"),
        ("/documents/xxxxxxxxxxxxxxxxxxxxxx/file.csv", "Why", "address"),
        ("not an address", "Why", "address"),
        ("http://[broken", "Why", "address"),
        ("/page/", "  ", "reason"),
    ],
)
def test_a_takedown_of_nothing_or_for_no_reason_is_refused(home, people, client, address, reason, field):
    factories.draft(models.StandardPage, home, slug="draft")
    page = factories.page(models.StandardPage, home, slug="page")
    client.force_login(people["Moderators"])
    response = take_down(client, address, reason)
    assert list(response.context["form"].errors) == [field]
    page.refresh_from_db()
    assert (page.live, Takedown.objects.count()) == (True, 0)


def test_a_notice_goes_only_with_an_explanation_and_after_its_time(home, people, client, ask):
    index = factories.page(models.DeathReviewIndexPage, home, slug="reviews")
    notice = factories.page(models.DeathReviewNoticePage, index)
    path = f"/reviews/{notice.slug}/"
    client.force_login(people["Moderators"])
    response = withdraw(client, notice, explanation="Its time is over.")
    assert "needs a second approver" in str(response.context["form"].errors["kind"])
    assert ask(PAGE, path=path)["page"]["__typename"] == "DeathReviewNoticePage"
    models.DeathReviewNoticePage.objects.update(minimum_online_until=timezone.localdate())
    response = withdraw(client, notice, kind="gone")
    assert "must know why it was withdrawn" in str(response.context["form"].errors["kind"])
    assert withdraw(client, notice, explanation="Its time is over.").status_code == 302
    found = ask(PAGE, path=path)["page"]
    assert (found["withdrawal"]["explanation"], found["showSafeExit"]) == ("Its time is over.", True)
    assert client.get(path)["Cache-Control"] == "no-store"


def test_notices_do_not_expire_and_do_not_go_with_what_is_above_them(home, people, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(models.DeathReviewNoticePage, index)
    for page in (notice, index):
        page.expire_at = timezone.now() + timedelta(days=1)
        assert list(page.publishing_problems()) == ["expire_at"]
    administrator = User.objects.create_superuser("administrator", password="x")
    administrator.groups.add(Group.objects.get(name="Moderators"))
    for page, user in ((home, people["Moderators"]), (index, administrator)):
        client.force_login(user)
        response = withdraw(client, page, kind="gone")
        assert "death-review notices below" in str(response.context["form"].errors["kind"])
    assert not models.ContentPage.objects.exclude(withdrawal_kind="").exists()


def test_a_takedown_understands_old_addresses_and_those_of_the_website(home, people, client, settings):
    settings.WEBSITE_URL = "https://www.example.org/safety"
    page = factories.page(models.StandardPage, home, slug="documents")
    child = factories.page(models.StandardPage, page, slug="old")
    grandchild = factories.page(models.StandardPage, child, slug="deep")
    grandchild.slug = "new"
    factories.publish(grandchild)
    client.force_login(people["Moderators"])
    assert take_down(client, "https://www.example.org/safety/documents/old/deep/").status_code == 302
    assert Takedown.objects.get().address == "/documents/old/new/"
    assert models.StandardPage.objects.get(pk=grandchild.pk).live is False


def test_a_takedown_of_an_address_that_went_does_not_hit_who_had_it_before(home, people, client):
    first = factories.page(models.StandardPage, home, slug="here")
    first.slug = "elsewhere"
    factories.publish(first)
    factories.page(models.StandardPage, home, slug="here").unpublish()
    client.force_login(people["Moderators"])
    response = take_down(client, "/here/")
    assert "no public page or file" in str(response.context["form"].errors["address"])
    first.refresh_from_db()
    assert first.live is True


def test_a_file_that_is_not_public_cannot_be_taken_down(home, people, client):
    document = factories.document()
    client.force_login(people["Moderators"])
    response = take_down(client, document.url)
    assert "There is no public page or file at this address." in str(response.context["form"].errors["address"])
    assert Takedown.objects.count() == 0


def test_nobody_unpublishes_or_deletes_a_notice_that_readers_knew(home, people, client):
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.page(models.DeathReviewNoticePage, index)
    administrator = User.objects.create_superuser("administrator", password="x")
    for user in (administrator, people["Moderators"], people["Safeguarding leads"]):
        client.force_login(user)
        for page in (notice, index):
            for name in ("unpublish", "delete"):
                client.post(reverse(f"wagtailadmin_pages:{name}", args=[page.pk]))
    assert models.DeathReviewNoticePage.objects.get().live is True
    assert models.DeathReviewIndexPage.objects.get().live is True
    draft = factories.draft(models.DeathReviewNoticePage, index)
    assert draft.permissions_for_user(administrator).can_delete() is True


def test_pages_above_notices_cannot_go_in_silence(home, client):
    client.force_login(User.objects.create_superuser("root", password="x"))
    index = factories.page(models.DeathReviewIndexPage, home)
    for page in (home, index):
        for name in ("unpublish", "delete"):
            client.post(reverse(f"wagtailadmin_pages:{name}", args=[page.pk]))
        client.post(reverse("wagtailadmin_pages:set_privacy", args=[page.pk]), {"restriction_type": "login"})
        after = type(page).objects.get(pk=page.pk)
        after.expire_at = timezone.now()
        assert set(after.publishing_problems()) == {"expire_at"}
        assert (after.live, PageViewRestriction.objects.count()) == (True, 0)


def test_the_front_page_says_that_the_home_page_was_taken_down(home, client, people):
    take_offline(home, people["Moderators"], "A name.")
    response = client.get("/")
    assert "This page is not available at the moment." in response.content.decode()
    assert home.title not in response.content.decode()
    assert response["Cache-Control"] == "no-cache"


def test_the_version_that_was_taken_down_does_not_come_back_by_itself(home, people):
    page = factories.page(models.StandardPage, home)
    approved = page.live_revision
    take_offline(page, people["Moderators"], "A name.")
    with pytest.raises(NotApprovedError):
        approved.publish()
    page.refresh_from_db()
    assert page.live is False
