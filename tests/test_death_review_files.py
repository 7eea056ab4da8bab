"""A file of death reviews is public through a notice and nothing else, and no cache keeps it, whatever page names it."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.urls import reverse
from wagtail.models import Collection

from cms.graphql.schema.page_query import page_query
from cms.graphql.schema.query import schema
from documents.access.public_files import remember_public_files
from documents.models import RENDITIONS, Document, PublishedFile
from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.search.index import record
from tests import factories

pytestmark = pytest.mark.django_db
OPEN = "public, max-age=60, must-revalidate"
MARK = "zzrestricted"
FEEDS = ("/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json")


@pytest.fixture
def index(home):
    index = factories.page(models.DeathReviewIndexPage, home)
    set_up_death_reviews(index)
    index.refresh_from_db()
    return index


@pytest.fixture
def below(index):
    """A collection below that of death reviews, where somebody sorts the files of one review."""
    return index.files.add_child(name="One review")


def file(**fields):
    return factories.document(f"{MARK} report", content=f"{MARK},b\n1,2\n".encode(), **fields)


def moved(file, collection):
    """By the form of the file, which saves it."""
    file.refresh_from_db()
    file.collection = collection
    file.save()


def answer(client, file):
    url = file.url if isinstance(file, Document) else file.get_rendition(RENDITIONS["CONTENT"]).url
    response = client.get(url)
    return response.status_code, response.headers.get("Cache-Control")


def user(client, group):
    person = User.objects.create_user(group)
    person.groups.add(Group.objects.get(name=group))
    client.force_login(person)
    return person


def names(page, document, image):
    """The page, with the two in every place that it has for one, and published past the gates: as before there were
    any."""
    body = [("document", document), ("image", {"image": image}), ("paragraph", link(document))]
    models.NewsPage.objects.filter(pk=page.pk).update(body=json.dumps(stored(body)), image=image)
    for each in ({"document": document}, {"image": image}):
        file = next(iter(each.values()))
        PublishedFile.objects.create(page=page, file_key=file.file_key, first_public_at=page.last_published_at, **each)
    remember_public_files(page.published_files.all())
    record(models.NewsPage.objects.get(pk=page.pk))


def link(document):
    return f'<p><a linktype="document" id="{document.pk}">words</a></p>'


def stored(body):
    return models.NewsPage(body=body).body.get_prep_value()


@pytest.fixture
def news(home):
    return factories.page(models.NewsPage, factories.page(models.NewsIndexPage, home), title="Some news")


@pytest.fixture
def told(news, client, ask, search):
    """Which channels tell readers something of a file: of its title, its words, its key or its alternative text."""
    path = news.url_path.removeprefix("/home")

    def find(*files):
        marks = [MARK, *(file.file_key for file in files)]
        answers = {each: client.get(each).content.decode() for each in (path, *FEEDS)}
        answers["GraphQL"] = json.dumps(ask(page_query(schema.graphql_schema, "NewsPage", path, [])))
        found = {name for name, answer in answers.items() if any(mark in answer for mark in marks)}
        return found | ({"search"} if search(MARK)["totalCount"] else set())

    return find


@pytest.mark.parametrize("where", ["index", "below"])
def test_no_page_but_a_notice_makes_such_a_file_public(news, below, index, client, told, where):
    """Whatever was published earlier: moving the file in, or out, counts at once."""
    collection = {"index": index.files, "below": below}[where]
    document, image = file(), factories.image(description=f"{MARK} alt")
    names(news, document, image)
    everywhere = {news.url_path.removeprefix("/home"), *FEEDS, "GraphQL", "search"}
    assert told(document, image) == everywhere
    assert (answer(client, document), answer(client, image)) == ((200, OPEN), (200, OPEN))
    for each in (document, image):
        moved(each, collection)
    assert told(document, image) == set()
    assert (answer(client, document), answer(client, image)) == ((410, "no-store"), (410, "no-store"))
    for each in (document, image):
        moved(each, Collection.get_first_root_node())
    assert told(document, image) == everywhere
    assert (answer(client, document), answer(client, image)) == ((200, OPEN), (200, OPEN))


def test_such_a_file_is_never_stored_and_shows_on_its_notice_alone(news, index, client, told, ask):
    """A notice shows it, and so does a page: the page shows nothing, and the file is one of a notice."""
    document, image = file(collection=index.files), factories.image(description=f"{MARK} alt", collection=index.files)
    notice = factories.page(
        models.DeathReviewNoticePage,
        index,
        executive_summary=link(document),
        review_documents=[models.ReviewDocument(kind="overview-report", state="published", document=document)],
    )
    PublishedFile.objects.create(
        page=notice, image=image, file_key=image.file_key, first_public_at=notice.last_published_at
    )
    PublishedFile.objects.update(no_store=False)
    names(news, document, image)
    assert told(document, image) == set()
    assert (answer(client, document), answer(client, image)) == ((200, "no-store"), (200, "no-store"))
    path = notice.url_path.removeprefix("/home")
    shown = json.dumps(ask(page_query(schema.graphql_schema, "DeathReviewNoticePage", path, [])))
    html = client.get(path).content.decode()
    assert (shown.count(document.file_key), html.count(document.file_key)) == (2, 2)
    notice.unpublish()
    assert (answer(client, document)[0], answer(client, image)[0]) == (410, 410)


def test_news_with_such_a_file_forced_into_it_is_not_published(news, index, client, told):
    """An editor's version names the file by its number, a moderator approves it: the file stays unknown."""
    document = file(collection=index.files)
    editor, moderator = user(client, "Editors"), user(client, "Moderators")
    news.body = [("document", document)]
    news.save_revision(user=editor)
    news.get_workflow().start(news, editor)
    state = news.current_workflow_task_state
    client.force_login(moderator)
    client.post(reverse("wagtailadmin_pages:workflow_action", args=[news.pk, "approve", state.pk]))
    client.logout()
    news.refresh_from_db()
    assert (news.live_revision_id == state.revision_id, [*news.published_files.all()]) == (False, [])
    assert (answer(client, document), told(document)) == ((404, "no-cache"), set())


PLACES = [
    ("NewsPage", lambda document, image: {"body": [("document", document)]}, "body", "Body"),
    ("NewsPage", lambda document, image: {"body": [("image", {"image": image})]}, "body", "Body"),
    ("NewsPage", lambda document, image: {"body": [("paragraph", link(document))]}, "body", "Body"),
    ("NewsPage", lambda document, image: {"image": image}, "image", "Image"),
    ("NewsIndexPage", lambda document, image: {"introduction": link(document)}, "introduction", "Introduction"),
    (
        "CommunitySafetyPlanPage",
        lambda document, image: {"page_documents": [models.PageDocument(document=document)]},
        "page_documents",
        "Documents",
    ),
]


@pytest.mark.parametrize(("model", "fields", "field", "label"), PLACES)
def test_a_page_with_such_a_file_says_where_it_is_and_not_what(index, home, model, fields, field, label):
    document, image = file(collection=index.files), factories.image("Secret title", collection=index.files)
    page = factories.draft(getattr(models, model), home, **fields(document, image))
    assert page.publishing_problems() == {
        field: f"“{label}” has a file that this page may not show. Remove it, and upload a file for this page."
    }
    with pytest.raises(ValidationError, match="has a file that this page may not show"):
        factories.publish(page)
    for each in (document, image):
        moved(each, Collection.get_first_root_node())
    assert page.publishing_problems() == {}


def test_a_notice_may_have_such_a_file(index):
    row = models.ReviewDocument(kind="overview-report", state="published", document=file(collection=index.files))
    assert factories.draft(models.DeathReviewNoticePage, index, review_documents=[row]).publishing_problems() == {}


def test_a_file_that_was_moved_away_since_is_hidden_again_when_the_notice_is_published(client, index, below):
    document = file(collection=below)
    row = models.ReviewDocument(kind="overview-report", state="published", document=document)
    notice = factories.draft(models.DeathReviewNoticePage, index, review_documents=[row])
    revision = factories.approve(notice)
    below.move(Collection.get_first_root_node(), "sorted-child")
    revision.publish()
    document.refresh_from_db()
    assert document.collection == index.files
    assert answer(client, document) == (200, "no-store")
    user(client, "Editors")
    assert MARK not in client.get(reverse("wagtaildocs:index")).content.decode()
