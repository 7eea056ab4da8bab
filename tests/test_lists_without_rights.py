"""What lists and reports of the admin tell people who lost a right, or who never had one: nothing that they may not
find elsewhere.
"""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.log_actions import log
from wagtail.models import (
    Collection,
    GroupCollectionPermission,
    GroupPagePermission,
    ModelLogEntry,
    Page,
    Workflow,
    WorkflowPage,
)

from documents.models import Document
from pages import models
from tests import factories
from tests.admin_forms import posted_document

pytestmark = pytest.mark.django_db
TITLE = "Arrest of zzhobson"
HISTORY = "wagtailadmin_reports:site_history"


@pytest.fixture
def moderator(book):
    """A moderator whose group has lost the right to handle death reviews."""
    take_the_right_from_moderators()
    return book.clients["moderator"]


def take_the_right_from_moderators():
    Group.objects.get(name="Moderators").permissions.remove(Permission.objects.get(codename="handle_death_reviews"))


def text(client, address, **more):
    answer = client.get(address, more, follow=True)
    assert answer.status_code == 200
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def everywhere(client, name, word):
    """Whether the list, its part that is loaded later, and its export have the word."""
    address = reverse(name)
    return [word in text(client, address), word in text(client, address, export="csv")]


# --- Redirects ---


@pytest.mark.parametrize("page", ["edit", "delete"])
def test_a_redirect_to_a_notice_is_not_there_for_a_moderator_without_the_right(book, moderator, page):
    hidden = Redirect.objects.create(old_path="/review-of-zzjane", redirect_page=book.now("notice"))
    shown = Redirect.objects.create(old_path="/other", redirect_page=book.news)
    form = {"old_path": "/taken", "site": "", "is_permanent": "on", "redirect_page": "", "redirect_link": "/news/"}
    address = reverse(f"wagtailredirects:{page}", args=[hidden.pk])
    assert moderator.get(address).status_code == moderator.post(address, form).status_code == 404
    hidden.refresh_from_db()
    assert (hidden.old_path, hidden.redirect_page_id) == ("/review-of-zzjane", book.now("notice").pk)
    assert moderator.get(reverse(f"wagtailredirects:{page}", args=[shown.pk])).status_code == 200
    assert book.clients["lead"].get(address).status_code in (302, 403)  # leads do nothing with redirects


def test_a_redirect_names_its_page_to_those_who_may_choose_it(book, somebody):
    draft = factories.draft(models.NewsPage, book.news, title=TITLE)
    Redirect.objects.create(old_path="/short", redirect_page=draft)
    reader, moderator = somebody("view_redirect", "change_redirect"), book.clients["moderator"]
    for address in (reverse("wagtailredirects:index"), reverse("wagtailredirects:index_results")):
        told, told_moderator = text(reader, address), text(moderator, address)
        assert ("/short" in told, TITLE in told, f"/pages/{draft.pk}/" in told) == (True, False, False)
        assert (TITLE in told_moderator, f"/pages/{draft.pk}/" in told_moderator) == (True, True)
    told, told_moderator = (text(who, reverse("wagtailredirects:index"), export="csv") for who in (reader, moderator))
    assert ("/short" in told, draft.slug in told, draft.slug in told_moderator) == (True, False, True)
    found = [
        "/short" in text(who, reverse("wagtailredirects:index_results"), q=word)
        for who in (reader, moderator)
        for word in (draft.slug, "short")
    ]
    assert found == [False, True, True, True]


# --- Locked pages ---


@pytest.mark.parametrize("group", ["Moderators", "Editors who unlock"])
def test_locked_pages_are_told_to_those_who_may_still_find_them(book, group):
    """Somebody locked a notice as a lead, and a story, and has moved to another group since."""
    notice, story, person = book.now("notice"), book.now("story"), book.people["other lead"]
    locked = {"locked": True, "locked_by": person, "locked_at": timezone.now()}
    Page.objects.filter(pk__in=[notice.pk, story.pk]).update(**locked)
    take_the_right_from_moderators()
    new, created = Group.objects.get_or_create(name=group)
    if created:
        new.permissions.add(Permission.objects.get(codename="access_admin"))
        for codename in ("change_page", "lock_page", "unlock_page"):
            right = Permission.objects.get(content_type__app_label="wagtailcore", codename=codename)
            GroupPagePermission.objects.create(group=new, page=Page.get_first_root_node(), permission=right)
    person.groups.set([new])
    client = book.clients["other lead"]
    assert everywhere(client, "wagtailadmin_reports:locked_pages", notice.title) == [False, False]
    assert everywhere(client, "wagtailadmin_reports:locked_pages", story.title) == [True, True]
    assert notice.title not in text(client, reverse("wagtailadmin_reports:locked_pages_results"))


def test_an_ordinary_page_that_somebody_may_no_longer_find_is_not_among_the_locked(book, somebody):
    client = somebody()
    group, story = Group.objects.get(name="Odd"), book.now("story")
    for codename in ("change_page", "unlock_page"):
        right = Permission.objects.get(content_type__app_label="wagtailcore", codename=codename)
        GroupPagePermission.objects.create(group=group, page=book.reviews, permission=right)
    other = factories.page(models.NewsPage, book.news, slug="other")
    GroupPagePermission.objects.create(group=group, page=other, permission=right)
    Page.objects.filter(pk__in=[story.pk, other.pk]).update(
        locked=True, locked_by=User.objects.get(username="odd"), locked_at=timezone.now()
    )
    assert everywhere(client, "wagtailadmin_reports:locked_pages", story.title) == [False, False]
    assert everywhere(client, "wagtailadmin_reports:locked_pages", other.title) == [True, True]


# --- The site history ---


def rename(client, document, title, **more):
    form = posted_document(document, title=title, **more)
    assert client.post(reverse("wagtaildocs:edit", args=[document.pk]), form).status_code == 302
    document.refresh_from_db()


def test_the_history_keeps_the_title_that_a_document_had_in_the_collection_of_death_reviews(book, moderator):
    document = factories.document("Overview", collection=book.reviews.files)
    other = factories.document("Crime figures")
    rename(book.clients["lead"], document, "zzjane overview report")
    rename(book.clients["lead"], document, "Guidance for families", collection=Collection.get_first_root_node().pk)
    rename(book.clients["other moderator"], other, "Crime figures of May")
    assert [entry.label for entry in ModelLogEntry.objects.for_instance(document).order_by("pk")] == [
        "zzjane overview report",
        "Guidance for families",
    ]
    assert everywhere(moderator, HISTORY, "zzjane") == [False, False]
    assert "overview report" not in text(moderator, reverse(HISTORY), label="zzjane")
    assert everywhere(moderator, HISTORY, "Crime figures of May") == [True, True]
    Group.objects.get(name="Moderators").permissions.add(Permission.objects.get(codename="handle_death_reviews"))
    assert everywhere(moderator, HISTORY, "zzjane") == [True, True]


def test_the_history_keeps_the_address_of_a_redirect_that_led_to_a_notice(book, moderator):
    redirect = Redirect.objects.create(old_path="/review-of-zzjane", redirect_page=book.now("notice"))
    redirect.old_path, redirect.redirect_page = "/short", book.news
    redirect.save()
    redirect.old_path = "/shorter"
    redirect.save()
    assert [
        ("zzjane" in entry.message, entry.data.get("of_death_reviews"))
        for entry in ModelLogEntry.objects.for_instance(redirect).order_by("pk")
    ] == [(True, "now"), (True, "before"), (False, None)]
    moved_in = Redirect.objects.create(old_path="/zzjane", redirect_page=book.news)
    moved_in.redirect_page = book.now("notice")
    moved_in.save()
    moved_in.old_path, moved_in.redirect_page = "/zznews", book.news
    moved_in.save()
    assert everywhere(moderator, HISTORY, "zzjane") == [False, False]
    assert everywhere(moderator, HISTORY, "/shorter") == [True, True]
    assert everywhere(moderator, HISTORY, "/zznews") == [False, False]


def test_the_history_tells_of_files_that_the_person_may_find(book, somebody):
    """Somebody with rights on the files of one collection, and with the right to handle death reviews."""
    root = Collection.get_first_root_node()
    own, restricted = root.add_child(name="Own"), root.add_child(name="Police only")
    files = [factories.document(title, collection=where) for title, where in ((TITLE, restricted), ("zzown", own))]
    deleted = factories.document("zzdeleted", collection=restricted)
    for file in (*files, deleted):
        log(file, "wagtail.edit", user=book.people["lead"])
    deleted.delete()
    client = somebody("change_public_file", "handle_death_reviews")
    group = Group.objects.get(name="Odd")
    for right in Permission.objects.filter(codename__in=["add_document", "change_document", "choose_document"]):
        GroupCollectionPermission.objects.create(group=group, collection=own, permission=right)
    assert [everywhere(client, HISTORY, word) for word in (TITLE, "zzown", "zzdeleted")] == [
        [False, False],
        [True, True],
        [False, False],
    ]
    assert everywhere(book.clients["moderator"], HISTORY, "zzdeleted") == [True, True]
    assert Document.objects.filter(title=TITLE).exists()


# --- The first screen ---


def test_where_nothing_can_be_published_is_said_of_pages_that_the_person_may_find(book, somebody):
    draft = factories.draft(models.NewsPage, book.news, title=TITLE)
    WorkflowPage.objects.create(page=draft, workflow=Workflow.objects.create(name="For reports"))
    WorkflowPage.objects.filter(page=Page.get_first_root_node()).delete()
    client = somebody("change_workflow")
    told = text(client, reverse("wagtailadmin_home"))
    assert ("Nothing can be approved or published for: pages" in told, TITLE in told) == (True, False)
    right = Permission.objects.get(content_type__app_label="wagtailcore", codename="change_page")
    GroupPagePermission.objects.create(group=Group.objects.get(name="Odd"), page=draft, permission=right)
    assert f"“{TITLE}” and the pages below it" in text(client, reverse("wagtailadmin_home"))


# --- What answered with an error ---


def test_a_page_is_deleted_together_with_a_page_below_it_that_is_selected_too(book, home, somebody):
    above = factories.draft(models.StandardPage, home, title="Above", slug="above")
    below = factories.draft(models.StandardPage, above, title="Below", slug="below")
    client = somebody()
    for codename in ("add_page", "change_page", "bulk_delete_page", "publish_page"):
        right = Permission.objects.get(content_type__app_label="wagtailcore", codename=codename)
        GroupPagePermission.objects.create(
            group=Group.objects.get(name="Odd"), page=Page.get_first_root_node(), permission=right
        )
    address = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "delete"])
    answer = client.post(f"{address}?id={above.pk}&id={below.pk}&next=/admin/", follow=True)
    assert "1 page and 1 child page have been deleted" in answer.content.decode()
    assert not Page.objects.filter(pk__in=[above.pk, below.pk]).exists()
    assert Page.find_problems() == ([], [], [], [], [])


def test_no_preview_of_a_picture_in_a_size_of_ones_own(book):
    image = factories.image("Bridge", "A bridge")
    for name, more in (("preview", ["original"]), ("url_generator", []), ("url_generator_output", [])):
        address = reverse(f"wagtailimages:{name}", args=[image.pk, *more])
        assert book.clients["moderator"].get(address).status_code == 404


# --- Tags ---


@pytest.mark.parametrize("hidden_one_is", ["missing", "there", "deleted"])
@pytest.mark.parametrize("kind", ["document", "picture"])
def test_the_capitals_of_a_hidden_tag_do_not_come_back(book, kind, hidden_one_is):
    """Hundreds of names can be tried at once. The same words in the same letters are the same tag, which says nothing."""
    if hidden_one_is != "missing":
        make = factories.document if kind == "document" else factories.image
        hidden = make("Overview", collection=book.reviews.files)
        hidden.tags.add("Jane ZZHOBSON", "Exactly")
        if hidden_one_is == "deleted":
            hidden.delete()
    factories.document("Shown").tags.add("Market Square")
    own = factories.document("Mine")
    url, client = reverse("wagtaildocs:edit", args=[own.pk]), book.clients["editor"]
    tags = '"jane zzhobson", "market square", Exactly, new, NEW'
    assert client.post(url, posted_document(own, title="Mine", tags=tags)).status_code == 302
    assert sorted(own.tags.names()) == ["Exactly", "Market Square", "NEW", "jane zzhobson"]
    assert client.post(url, posted_document(own, title="Mine", tags='"JANE zzhobson"')).status_code == 302
    assert list(own.tags.names()) == ["jane zzhobson"]


def test_a_tag_that_somebody_may_find_is_used_again_whatever_hidden_ones_there_are(book):
    factories.document("Overview", collection=book.reviews.files).tags.add("FLOOD")
    own = factories.document("Mine")
    lead = book.clients["lead"]
    lead.post(reverse("wagtaildocs:edit", args=[own.pk]), posted_document(own, title="Mine", tags="flood"))
    assert list(own.tags.names()) == ["FLOOD"]
