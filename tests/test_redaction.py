"""A text that must go for good is taken out of everything that the CMS keeps, and written nowhere."""

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Comment, Page, PageLogEntry
from wagtail.search import index
from wagtail.search.backends import get_search_backend

from documents.models import Document
from pages import models
from pages.redaction.redact import RedactionError, redact
from tests import factories

NAME = "Zoë O'Marker & Sons"
SPELLINGS = [
    NAME,
    "zoë  o'marker &  sons",
    "Zoë O’Marker & Sons",
    "Zoë O&#x27;Marker &amp; Sons",
    "<b>Zoë</b> O'Marker&nbsp;&amp; Sons",
]


def everything_stored() -> str:
    """All rows of all tables as text, but for accounts and sessions."""
    found = []
    for model in apps.get_models():
        if model._meta.managed and model._meta.app_label not in ("auth", "sessions"):
            for row in model._base_manager.values():
                found.append(json.dumps(row, default=str, ensure_ascii=False))
    return "\n".join(found).encode().decode("unicode_escape", "ignore") + "\n".join(found)


@pytest.fixture
def told_everywhere(home):
    author = User.objects.create_user("author")
    topic = factories.topic(name=f"About {NAME}", slug="zoe-omarker-sons")
    body = [
        ("heading", {"text": NAME, "level": "2"}),
        ("paragraph", "".join(f"<p>{text}</p>" for text in SPELLINGS)),
        ("table", {"data": [[NAME, "x"]]}),
        ("document", factories.document(NAME, name=f"{NAME}.csv")),
    ]
    page = factories.page(
        models.StandardPage, home, title=f"What {NAME} did", slug="zoe-omarker-sons", summary=NAME, body=body
    )
    page.title = f"Again {NAME}"
    page.save_revision(user=author, log_action=True)
    page.topics.add(topic)
    Comment.objects.create(page=page, user=author, text=NAME, contentpath="title")
    Redirect.objects.create(old_path="/zoe-omarker-sons", redirect_page=page)
    factories.agency(name=NAME)
    return page


def test_a_text_is_taken_out_of_everything(told_everywhere, ask, client):
    assert "Marker" in everything_stored()
    changed = redact(NAME)
    after = everything_stored()
    for spelling in ("Marker", "marker"):
        assert spelling not in after, after[after.index(spelling) - 200 : after.index(spelling) + 100]
    assert changed["standard page"] == 1
    page = models.StandardPage.objects.get()
    assert page.title == "What [redacted] did"
    assert page.slug == "redacted"
    assert page.url_path == "/home/redacted/"
    heading, paragraph, table, _ = page.body
    assert heading.value["text"] == "[redacted]"
    assert paragraph.value.source.count("[redacted]") == len(SPELLINGS)
    assert table.value["data"] == [["[redacted]", "x"]]
    assert page.get_latest_revision_as_object().title == "Again [redacted]"
    document = Document.objects.get()
    assert "arker" not in document.file.name
    assert document.file.read() == b"a,b\n1,2\n"
    assert client.get("/zoe-omarker-sons/").status_code == 404
    assert ask('{ page(urlPath: "/redacted/") { title } }') == {"page": {"title": "What [redacted] did"}}


def test_it_is_logged_that_it_ran_and_not_what_it_removed(told_everywhere, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO(f"{NAME}\n"))
    out = StringIO()
    call_command("redact", "--yes", stdout=out)
    entry = PageLogEntry.objects.get(action="pages.redacted")
    assert entry.page_id == Page.objects.get(depth=1).pk
    assert list(entry.data) == ["rows"]
    assert f"{entry.data['rows']} rows redacted." in out.getvalue()
    assert "arker" not in out.getvalue()


def test_the_search_index_forgets_it(told_everywhere):
    page = models.StandardPage.objects.get()
    index.insert_or_update_object(page)
    backend = get_search_backend()
    before = [found.pk for found in backend.search("Zoë", models.StandardPage)]
    assert before == [page.pk]
    redact(NAME)
    assert list(backend.search("Zoë", models.StandardPage)) == []


def test_readers_do_not_find_it_any_more(home, ask):
    """Neither on the page nor in the words of a file; the file itself has to be taken down."""
    document = factories.document("Report", f"By {NAME} herself".encode(), "report.txt")
    body = [("paragraph", f"<p>Of {NAME} himself</p>"), ("document", document)]
    factories.page(models.StandardPage, home, title="Page", body=body)

    def found(words):
        edges = ask("query($q: String!) { search(query: $q) { edges { highlight } } }", q=words)["search"]["edges"]
        return [edge["highlight"] for edge in edges]

    assert len(found("zoe marker")) == 1
    redact(NAME)
    assert found("marker") == found("zoe") == []
    assert found("himself") == ["Of [redacted] <mark>himself</mark>"]
    assert found("herself") == ["Report By [redacted] <mark>herself</mark>"]


def test_nothing_is_redacted_and_no_file_moved_when_something_goes_wrong(told_everywhere, monkeypatch):
    before, file = everything_stored(), Document.objects.get().file
    folder = file.name.rsplit("/", 1)[0]

    def fail(*args, **kwargs):
        raise RuntimeError(f"no room for {NAME}")

    monkeypatch.setattr("pages.redaction.redact.log", fail)
    monkeypatch.setattr("sys.stdin", StringIO(NAME))
    with pytest.raises(CommandError) as refused:
        call_command("redact", "--yes")
    assert str(refused.value) == "RuntimeError in the log. Nothing was changed."
    assert refused.value.__suppress_context__
    assert everything_stored() == before
    assert file.storage.listdir(folder) == ([], [file.name.rsplit("/", 1)[1]])
    assert file.storage.open(file.name).read() == b"a,b\n1,2\n"


def test_a_cache_that_fails_after_the_commit_undoes_nothing(
    told_everywhere, monkeypatch, django_capture_on_commit_callbacks
):
    old, atomic = Document.objects.get().file.name, transaction.atomic

    @contextmanager
    def committing():
        with django_capture_on_commit_callbacks() as callbacks, atomic():
            yield
        for callback in callbacks:
            callback()

    def outermost(using=None, savepoint=True, durable=False):
        return committing() if durable else atomic(using, savepoint, durable)

    def fail():
        raise OSError(f"no answer for {NAME}")

    monkeypatch.setattr("pages.redaction.redact.transaction.atomic", outermost)
    with pytest.raises(RedactionError) as failed:
        redact(NAME, purge_caches=lambda: transaction.on_commit(fail))
    assert str(failed.value).startswith("OSError in the caches. The text was removed")
    file = Document.objects.get().file
    assert "arker" not in file.name
    assert file.read() == b"a,b\n1,2\n"
    assert not file.storage.exists(old)


@pytest.mark.parametrize("text", ["", "  ", "ab", "a b"])
def test_a_text_that_is_too_short_is_refused(told_everywhere, monkeypatch, text):
    before = everything_stored()
    monkeypatch.setattr("sys.stdin", StringIO(text))
    with pytest.raises(CommandError, match="at least 3 letters or digits"):
        call_command("redact", "--yes")
    assert everything_stored() == before


def test_it_asks_for_a_yes(db):
    with pytest.raises(CommandError, match="Add --yes"):
        call_command("redact")


def test_other_words_and_the_systems_own_stay(told_everywhere):
    redact("paragraph")  # also the name of a kind of block
    page = models.StandardPage.objects.get()
    assert [block.block_type for block in page.body] == ["heading", "paragraph", "table", "document"]
    assert page.title == f"What {NAME} did"


def test_a_part_of_a_word_and_the_systems_own_columns_stay(home, client):
    picture = factories.image(title="Max and Maxine")
    page = factories.page(
        models.StandardPage, home, title="Lee Asleep", slug="page", body=[("image", {"image": picture, "caption": ""})]
    )
    redact("Max")
    redact("Lee")
    redact("publish")
    page = models.StandardPage.objects.get(pk=page.pk)
    picture.refresh_from_db()
    assert (page.title, picture.title) == ("[redacted] Asleep", "[redacted] and Maxine")
    assert page.get_latest_revision_as_object().title == "[redacted] Asleep"
    assert PageLogEntry.objects.filter(action="wagtail.publish", page=page.pk).exists()
    [url] = [each.url for each in picture.renditions.all() if each.url.endswith("content.webp")]
    assert client.get(url).status_code == 200
