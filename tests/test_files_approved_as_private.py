"""A file that the approvers were told readers cannot open stays closed until the page is approved again.

Otherwise whoever may move it to another collection, its maker for one, would publish it alone.
"""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from wagtail.models import Collection, CollectionViewRestriction

from pages import models
from pages.approval.workflow import group_of
from pages.content.choices import Role
from pages.takedown.withdrawal import take_down
from tests import factories
from tests.admin_forms import decide, edit_url, posted_document
from tests.hidden_content import administrator

TOLD = (
    "cannot open this file: its collection is private, or it was taken down. If that ends, the page must be approved "
    "again before readers can open it"
)


def person(name, role):
    user = User.objects.create_user(name)
    user.groups.add(group_of(role))
    return user


@pytest.fixture
def private(tree):
    collection = Collection.get_first_root_node().add_child(name="Not for readers")
    CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
    return collection


@pytest.fixture
def people(private):
    return person("author", Role.EDITOR), person("maker", Role.MODERATOR), person("other", Role.MODERATOR)


def submitted(tree, author, document):
    page = factories.draft(models.NewsPage, tree[models.NewsIndexPage], body=[("document", document)])
    page.save_revision(user=author)
    page.get_workflow().start(page, author)
    return page


def approve(client, page, by):
    client.force_login(by)
    assert TOLD.replace("'", "&#x27;") in client.get(edit_url(page)).content.decode()
    decide(client, page, "approve")
    page.refresh_from_db()
    assert page.live
    client.logout()


def move_out(client, document, collection):
    client.post(reverse("wagtaildocs:edit", args=[document.pk]), posted_document(document, collection=collection.pk))


def lift(client, document, collection):
    CollectionViewRestriction.objects.all().delete()


def move_collection(client, document, collection):
    public = collection.add_child(name="Public")
    private = document.collection
    private.move(public, "sorted-child")
    CollectionViewRestriction.objects.all().delete()


@pytest.mark.parametrize("opens", [move_out, lift, move_collection])
def test_its_maker_does_not_open_it_alone(tree, client, private, people, opens):
    author, maker, other = people
    document = factories.document("Suspects", collection=private)
    page = submitted(tree, author, document)
    approve(client, page, other)
    assert client.get(document.url).status_code == 404
    client.force_login(maker)
    opens(client, document, Collection.get_first_root_node())
    client.logout()
    document.refresh_from_db()
    assert not CollectionViewRestriction.objects.filter(collection=document.collection).exists()
    assert client.get(document.url).status_code == 404
    factories.publish(page)  # a version that was approved with the open file
    assert client.get(document.url).status_code == 200


def test_a_file_that_was_open_when_it_was_approved_comes_back(tree, client):
    """Making its collection private for a while is a moderator's own decision, as for pages."""
    document = factories.document("Open")
    factories.page(models.NewsPage, tree[models.NewsIndexPage], body=[("document", document)])
    restriction = CollectionViewRestriction.objects.create(collection=document.collection, restriction_type="login")
    assert client.get(document.url).status_code == 410
    restriction.delete()
    assert client.get(document.url).status_code == 200


def test_a_picture_is_as_closed(tree, client, private):
    picture = factories.image("Suspects", collection=private)
    page = factories.page(models.NewsPage, tree[models.NewsIndexPage], image=picture)
    CollectionViewRestriction.objects.all().delete()
    assert [row.file_key for row in page.published_files.all()] == [""]
    factories.publish(page)
    assert [row.file_key for row in page.published_files.all()] == [picture.file_key]


# --- Takedowns -------------------------------------------------------------------------------------------------


def test_a_takedown_is_hidden_where_its_file_was_then(tree, client):
    """A file of death reviews that leaves their collection takes its name with it, not its past."""
    index = tree[models.DeathReviewIndexPage]
    index.refresh_from_db()
    document = factories.document("Overview", name="overview-of-jane-roe.csv", collection=index.files)
    ordinary = factories.document("Ordinary", name="ordinary.csv")
    review = models.ReviewDocument(kind="overview-report", state="published", document=document)
    factories.page(models.DeathReviewNoticePage, index, review_documents=[review])
    factories.page(models.NewsPage, tree[models.NewsIndexPage], body=[("document", ordinary)])
    taken = [take_down(each, administrator(), "Names the sister.") for each in (document, ordinary)]
    assert [each.of_death_reviews for each in taken] == [True, False]
    document.collection = Collection.get_first_root_node()
    type(document).objects.filter(pk=document.pk).update(collection=document.collection)
    group = group_of(Role.MODERATOR)
    group.permissions.remove(*group.permissions.filter(codename="handle_death_reviews"))
    client.force_login(person("moderator", Role.MODERATOR))
    for address in (reverse("takedowns"), "/admin/"):
        text = client.get(address).content.decode()
        assert ("overview-of-jane-roe" in text, "ordinary.csv" in text) == (False, True), address
