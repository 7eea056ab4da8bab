"""Search: what is written to the index of Wagtail's search backends, and when."""

from contextlib import nullcontext

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, transaction
from wagtail.search.backends import get_search_backend
from wagtail.search.models import IndexEntry
from wagtail.search.query import MATCH_ALL, And, Not, Or, Phrase, PlainText

from documents.models import Document, DocumentText
from pages import models
from pages.models import SearchText
from pages.search import index as search_index
from tests import factories, hidden_content
from tests.searched import standard, stored, text, upload, with_files


def test_the_words_can_be_entered_again(home, titles):
    with_files(home, "Zebra", upload("Report", "gorilla"))
    before = stored()
    IndexEntry.objects.all()._raw_delete(IndexEntry.objects.db)
    assert titles("zebra") == []
    call_command("update_index", verbosity=0)
    assert titles("zebra") == titles("gorilla") == ["Zebra"]
    SearchText.objects.all().delete()
    DocumentText.objects.all().delete()
    draft = factories.draft(models.StandardPage, home, title="Lion")
    live = standard(home, "Tiger")
    live.title = "Leopard"
    live.save_revision()
    call_command("rebuild_search", verbosity=0)
    assert titles("zebra") == titles("gorilla") == ["Zebra"]
    assert titles("tiger") == ["Tiger"]
    assert titles("lion") == titles("leopard") == []
    assert not SearchText.objects.filter(page=draft).exists()
    assert before.count("gorilla") <= stored().count("gorilla")


def test_many_pages_are_entered_together(home, titles):
    with search_index.indexed_together():
        standard(home, "Zebra")
        assert titles("zebra") == []
    assert titles("zebra") == ["Zebra"]

    def fail():
        standard(home, "Gorilla")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic(), search_index.indexed_together():
        fail()
    assert titles("gorilla") == []
    standard(home, "Lion")
    assert titles("lion") == ["Lion"]


def test_other_backends_give_keys_and_the_rule_is_asked_of_them(home, titles, settings):
    """Such as Elasticsearch: here one that keeps nothing and answers with all there is, hidden pages too."""
    standard(home, "Zebra")
    hidden_content.need_login(standard(home, "Hidden zebra"))
    settings.WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "tests.other_search_backend"}}
    assert titles("zebra") == ["Zebra", home.title]


@pytest.mark.parametrize(("catches", "published"), [(True, "Gorilla"), (False, "Zebra")])
def test_publication_goes_on_without_a_search_server_and_not_without_the_database(
    home, monkeypatch, catches, published
):
    page = standard(home, "Zebra")
    backend = get_search_backend()

    def fail(*args):
        raise DatabaseError

    monkeypatch.setattr(type(backend), "add_bulk", fail)
    monkeypatch.setattr(type(backend), "catch_indexing_errors", catches)
    page.title = "Gorilla"
    with nullcontext() if catches else pytest.raises(DatabaseError), transaction.atomic():
        factories.publish(page)
    assert models.StandardPage.objects.get(pk=page.pk).title == published


def test_editors_find_drafts_in_the_admin_and_readers_do_not(home, titles, client):
    draft = factories.draft(models.StandardPage, home, title="Zebra draft")
    live = standard(home, "Zebra live")
    call_command("update_index", verbosity=0)
    editors = {page.pk for page in models.StandardPage.objects.all().search("zebra")}
    assert editors == {draft.pk, live.pk}
    assert titles("zebra") == ["Zebra live"]
    client.force_login(User.objects.create_superuser("admin", "a@example.org", "x"))
    answer = client.get("/admin/pages/search/?q=zebra").content.decode()
    assert "Zebra draft" in answer
    assert "Zebra live" in answer


def test_our_backend_finds_what_wagtails_own_finds(home, settings):
    for title in ("Zebra gorilla", "Gorilla zebra", "Zebra"):
        standard(home, title)
    standard(home, "Other", body=text("zebra gorilla"))
    call_command("update_index", verbosity=0)
    settings.WAGTAILSEARCH_BACKENDS = {
        "default": {"BACKEND": "cms.admin.search_backend"},
        "wagtail": {"BACKEND": "wagtail.search.backends.database"},
    }
    phrase = Phrase("a3zebra a3gorilla")
    queries = ["zebra", "", PlainText("a3zebra a3gorilla", operator="and"), phrase, MATCH_ALL]
    queries += [Not(PlainText("zebra")), Or([PlainText("a1gorilla"), phrase]), And([PlainText("a1gorilla"), phrase])]
    queries += [And([PlainText("a3zebra"), Not(PlainText("a1gorilla"))]), Not(MATCH_ALL)]

    def found(backend, query, model, **how):
        return [row.pk for row in backend.search(query, model.objects.all(), **how)]

    counts = set()
    for model in (models.StandardPage, SearchText, Document):
        for query in queries:
            for ranked in (True, False):
                ours = found(get_search_backend("default"), query, model, order_by_relevance=ranked)
                assert ours == found(get_search_backend("wagtail"), query, model, order_by_relevance=ranked)
                counts.add(len(ours))
    assert counts >= {0, 1, 2, 3, 4}
    how = {"fields": ["title"], "order_by_relevance": False}
    for query in ("zebra", "gorilla"):
        ours = found(get_search_backend("default"), query, models.StandardPage, **how)
        assert ours == found(get_search_backend("wagtail"), query, models.StandardPage, **how)
        assert ours
