"""A draft on the website by token: for one page and one person, for some minutes, and never a death-review notice."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Collection, GroupCollectionPermission
from wagtail.test.utils.form_data import querydict_from_html

from documents.models import RENDITIONS
from pages import models
from pages.models import DraftPreview
from pages.reading.draft_previews import begin, draft_files, shown_by
from tests import factories

PAGE = """query Page($urlPath: String!, $token: String) { page(urlPath: $urlPath, token: $token) {
  __typename id title url urlPath ... on NewsPage { publishedAt body { ... on ParagraphBlock { richText { html } }
  ... on DocumentBlock { document { title url } } ... on ImageBlock { image { rendition(name: CONTENT) { url } } } } } } }"""
NOW = factories.london(2026, 3, 2, 10)


@pytest.fixture(autouse=True)
def _website(settings):
    settings.WEBSITE_PREVIEW_URL = "https://www.example.org/preview"
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def clock(_website):
    return _website


@pytest.fixture
def editor(home):
    user = User.objects.create_user("editor", "editor@example.org", "x")
    user.groups.add(Group.objects.get(name="Editors"))
    return user


@pytest.fixture
def news(home):
    """A public story, and a later draft of it."""
    index = factories.page(models.NewsIndexPage, home, slug="news")
    news = factories.page(models.NewsPage, index, slug="story", title="The public story")
    news.title = "The draft"
    news.save_revision()
    return news


def draft_of(news):
    return models.NewsPage.objects.get(pk=news.pk).get_latest_revision_as_object()


def seen(ask, token, path="/news/story/"):
    return ask(PAGE, urlPath=path, token=token)["page"]


def test_the_preview_mode_leads_to_the_website_with_a_token(news, editor, client, ask):
    client.force_login(editor)
    edit = client.get(reverse("wagtailadmin_pages:edit", args=[news.pk]))
    form = querydict_from_html(edit.content.decode(), form_id="page-edit-form")
    url = reverse("wagtailadmin_pages:preview_on_edit", args=[news.pk])
    typed = {**form.dict(), "title": "Typed and not saved", "slug": "new-address", "body-count": "0"}
    assert client.post(url, typed).json() == {"is_valid": True, "is_available": True}
    answer = client.get(url, {"mode": "website"})
    address = urlsplit(answer["Location"])
    assert (answer.status_code, address.netloc, address.path) == (302, "www.example.org", "/preview")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert query["urlPath"] == "/news/new-address/"
    found = seen(ask, query["token"], query["urlPath"])
    assert (found["id"], found["title"], found["urlPath"]) == (
        str(news.uuid),
        "Typed and not saved",
        "/news/new-address/",
    )
    assert seen(ask, None)["title"] == "The public story"
    assert draft_of(news).title == "The draft"


def test_a_page_that_was_never_saved_can_be_previewed(news, editor, client, ask):
    client.force_login(editor)
    arguments = ["pages", "newspage", news.get_parent().pk]
    add = client.get(reverse("wagtailadmin_pages:add", args=arguments))
    form = querydict_from_html(add.content.decode(), form_id="page-edit-form")
    url = reverse("wagtailadmin_pages:preview_on_add", args=arguments)
    client.post(url, {**form.dict(), "title": "New", "slug": "new", "summary": "News.", "body-count": "0"})
    query = parse_qs(urlsplit(client.get(url, {"mode": "website"})["Location"]).query)
    found = seen(ask, query["token"][0], "/news/new/")
    assert (found["title"], found["urlPath"], found["publishedAt"]) == ("New", "/news/new/", NOW.isoformat())
    assert models.NewsPage.objects.count() == 1
    news.get_parent().specific.delete()
    assert seen(ask, query["token"][0], "/news/new/") is None
    assert DraftPreview.objects.count() == 0


def test_a_tab_that_is_open_shows_what_was_typed_last(news, editor, ask):
    draft = draft_of(news)
    first = begin(draft, editor)
    draft.title = "Typed later"
    second = begin(draft, editor)
    assert seen(ask, first)["title"] == seen(ask, second)["title"] == "Typed later"
    assert DraftPreview.objects.count() == 1


def revoked(how, news, editor, clock):
    match how:
        case "time":
            clock.shift(timedelta(minutes=15, seconds=1))
        case "deleted":
            models.NewsPage.objects.get(pk=news.pk).delete()
        case "account closed":
            User.objects.filter(pk=editor.pk).update(is_active=False)
        case "account deleted":
            editor.delete()
        case "right lost":
            editor.groups.clear()
        case "moved":
            news.get_parent().specific.move(factories.page(models.StandardPage, home_of(news)), pos="last-child")


def home_of(news):
    return models.PartnershipPage.objects.get()


@pytest.mark.parametrize("how", ["time", "deleted", "account closed", "account deleted", "right lost"])
def test_a_token_stops_working(how, news, editor, clock, ask):
    token = begin(draft_of(news), editor)
    assert seen(ask, token)["title"] == "The draft"
    revoked(how, news, editor, clock)
    assert seen(ask, token) is None


def test_wrong_tokens_and_paths_answer_as_no_page_does(news, editor, client):
    token = begin(draft_of(news), editor)
    other = factories.page(models.NewsPage, news.get_parent().specific, slug="other")

    def answer(path, token):
        sent = client.post(
            "/graphql/",
            {"query": PAGE, "variables": {"urlPath": path, "token": token}},
            content_type="application/json",
        )
        return sent.status_code, sent.content, sent["Cache-Control"]

    nothing = answer("/nowhere/", token)
    assert nothing[1] == b'{"data": {"page": null}}' or nothing[1] == b'{"data":{"page":null}}'
    key, moment, signature = token.split(".")
    forged = [
        "",
        "abc",
        "x" * 5000,
        "\x00",
        f"{key}.{moment}.{signature[::-1]}",
        f"{key}..{signature}",
        f"{begin(draft_of(other), editor).split('.')[0]}.{moment}.{signature}",
    ]
    for wrong in forged:
        assert answer("/news/story/", wrong) == nothing
    assert answer("/news/other/", token) == nothing
    assert answer("/news/story", token)[1] == answer("/news/story/", token)[1] != nothing[1]


def test_a_notice_has_no_token(home, client, ask):
    lead = User.objects.create_superuser("lead", "lead@example.org", "x")
    lead.groups.set(Group.objects.all())
    index = factories.page(models.DeathReviewIndexPage, home)
    notice = factories.draft(models.DeathReviewNoticePage, index)
    notice.save_revision()
    with pytest.raises(PermissionDenied):
        begin(notice, lead)
    assert DraftPreview.objects.count() == 0
    client.force_login(lead)
    url = reverse("wagtailadmin_pages:view_draft", args=[notice.pk])
    assert client.get(url, {"mode": "website"}).status_code == 404
    # Not even when somebody writes the row by hand.
    token = begin(factories.draft(models.NewsPage, factories.page(models.NewsIndexPage, home)), lead)
    DraftPreview.objects.update(page=notice, page_type=notice.cached_content_type, content=notice.serializable_data())
    assert shown_by(token) is None


def test_a_draft_shows_in_its_own_field_alone(news, editor, ask):
    token = begin(draft_of(news), editor)
    query = """query ($token: String) {
      before: page(urlPath: "/news/story/") { title }
      draft: page(urlPath: "/news/story/", token: $token) { title parent { title children { nodes { title } } } }
      after: page(urlPath: "/news/story/") { title }
      news { nodes { title } } changes(last: 1) { nodes { page { title } } }
    }"""
    found = ask(query, token=token)
    assert (found["before"], found["after"]) == ({"title": "The public story"}, {"title": "The public story"})
    assert found["draft"]["title"] == "The draft"
    assert found["news"]["nodes"] == [{"title": "The public story"}]
    assert found["changes"]["nodes"] == [{"page": {"title": "The public story"}}]


def test_no_cache_keeps_a_draft(news, editor, client):
    token = begin(draft_of(news), editor)
    for variables in ({"urlPath": "/news/story/", "token": token}, {"urlPath": "/news/story/", "token": "wrong"}):
        answer = client.post("/graphql/", {"query": PAGE, "variables": variables}, content_type="application/json")
        assert "no-store" in answer["Cache-Control"]


def test_a_draft_that_lacks_something_says_where(home, editor, ask, refused):
    index = factories.page(models.MeetingIndexPage, home, slug="meetings")
    meeting = factories.draft(models.MeetingPage, index, slug="m", starts_at=None)
    token = begin(meeting, editor)
    query = 'query ($t: String) { page(urlPath: "/meetings/m/", token: $t) { ... on MeetingPage { startsAt } } }'
    [error] = refused(query, t=token)
    assert (error["message"], error["path"], error["extensions"]) == (
        "The draft has no value here yet, and a published page must have one.",
        ["page", "startsAt"],
        {"code": "DRAFT_INCOMPLETE"},
    )


# --- Files ---


@pytest.fixture
def story(news):
    """The draft shows a paper and a picture that no public page shows."""
    draft = draft_of(news)
    draft.body = [("document", factories.document("Secret")), ("image", {"image": factories.image("Secret")})]
    draft.save_revision()
    return draft


def files(ask, token):
    blocks = seen(ask, token)["body"]
    return blocks[0]["document"]["url"], blocks[1]["image"]["rendition"]["url"]


def test_the_files_of_a_draft_come_with_the_token_and_only_with_it(story, editor, clock, ask):
    visitor = Client()
    other = factories.document("Another secret")
    token = begin(story, editor)
    for url in files(ask, token):
        address = urlsplit(url)
        answer = visitor.get(f"{address.path}?{address.query}")
        assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
        assert visitor.get(address.path).status_code == 404
        assert visitor.get(address.path, {"preview": "wrong"}).status_code == 404
        # The token is for this draft's files, and no others.
        assert visitor.get(urlsplit(other.address).path, {"preview": token}).status_code == 404
        assert visitor.cookies == {}
    addresses = files(ask, token)
    clock.shift(timedelta(minutes=16))
    assert [visitor.get(urlsplit(url).path + "?" + urlsplit(url).query).status_code for url in addresses] == [404, 404]


def test_public_files_keep_their_public_addresses(story, editor, ask):
    factories.publish(story)
    token = begin(draft_of(story), editor)
    assert [urlsplit(url).query for url in files(ask, token)] == ["", ""]
    assert seen(ask, token)["body"] == seen(ask, None)["body"]


def test_a_file_that_the_writer_may_not_see_is_in_no_preview(news, editor, ask):
    """Somebody types the number of a file of a death review into the form of a page of their own."""
    shelf = Collection.get_first_root_node().add_child(name="Death reviews")
    GroupCollectionPermission.objects.exclude(group__name="Safeguarding leads").update(
        collection=Collection.get_first_root_node().add_child(name="Files")
    )
    hidden = factories.document("Hidden", collection=shelf)
    draft = draft_of(news)
    draft.body = [("document", hidden)]
    token = begin(draft, editor)
    assert "Hidden" not in str(seen(ask, token))
    assert Client().get(urlsplit(hidden.address).path, {"preview": token}).status_code == 404


def test_files_of_notices_are_in_no_preview(news, home):
    """A safeguarding lead may choose them, and puts one into a story."""
    lead = User.objects.create_superuser("lead", "lead@example.org", "x")
    index = factories.page(models.DeathReviewIndexPage, home)
    document, image = factories.document("Review"), factories.image("Review")
    models.DeathReviewIndexPage.objects.update(files=Collection.get_first_root_node().add_child(name="Death reviews"))
    for file in (document, image):
        file.collection = models.DeathReviewIndexPage.objects.get(pk=index.pk).files
        file.save()
    draft = draft_of(news)
    draft.body = [("document", document), ("image", {"image": image})]
    token = begin(draft, lead)
    assert draft_files(shown_by(token)) == (set(), set())
    for address in (document.address, image.get_rendition(RENDITIONS["CARD"]).url):
        assert Client().get(urlsplit(address).path, {"preview": token}).status_code == 404


def test_papers_of_exempt_items_are_in_no_preview(home, editor, ask):
    index = factories.page(models.MeetingIndexPage, home, slug="meetings")
    exempt, report = factories.document("Exempt"), factories.document("Report")
    meeting = factories.draft(
        models.MeetingPage,
        index,
        slug="m",
        agenda_items=[
            models.AgendaItem(number="1", title="One"),
            models.AgendaItem(number="2A", title="Two", access="exempt", exempt_reason="Paragraph 1."),
        ],
        papers=[
            models.Paper(document=report, agenda_item_number="1"),
            models.Paper(document=exempt, agenda_item_number="2a "),
        ],
    )
    token = begin(meeting, editor)
    query = """query ($t: String) { page(urlPath: "/meetings/m/", token: $t) { ... on MeetingPage {
      papers { document: title url } agendaItems { title papers { title } } } } }"""
    found = ask(query, t=token)["page"]
    assert found["agendaItems"] == [{"title": "One", "papers": [{"title": "Report"}]}, {"title": "Two", "papers": []}]
    [paper] = found["papers"]
    assert Client().get(urlsplit(paper["url"]).path, {"preview": token}).status_code == 200
    assert Client().get(urlsplit(exempt.address).path, {"preview": token}).status_code == 404


def test_old_drafts_are_forgotten(news, editor, clock):
    begin(draft_of(news), editor)
    clock.shift(timedelta(minutes=14))
    call_command("publish_scheduled")
    assert DraftPreview.objects.count() == 1
    clock.shift(timedelta(minutes=2))
    call_command("publish_scheduled")
    assert DraftPreview.objects.count() == 0


def test_without_a_website_there_is_no_such_mode(news, editor, client, settings):
    settings.WEBSITE_PREVIEW_URL = ""
    client.force_login(editor)
    url = reverse("wagtailadmin_pages:view_draft", args=[news.pk])
    assert client.get(url, {"mode": "website"}).status_code == 404
    assert "Website" not in str(BeautifulSoup(client.get(url).content, "html.parser").select("option"))
    assert timezone.now() == NOW
    assert DraftPreview.objects.count() == 0
