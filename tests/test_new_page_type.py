"""A page type and a block that are added by the steps of docs/developing alone are found everywhere; what forgets a
step does not start.

The type is in tests/new_type, an app that only the process of this test has.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.checks import run_checks

from cms.graphql.types import checks as contract_checks
from feeds.checks import check_feeds
from pages import blocks, models
from tests.new_type import mounted

ROOT = Path(settings.BASE_DIR)
EXAMPLE = ROOT / "tests/new_type"
ARTICLE = (
    '<p class="note">Volunteer since 2021</p>\n<p>Anna walks.</p>\n'
    "<blockquote>\n  <p>I like the allotments.</p>\n  <footer>Anna</footer>\n</blockquote>\n"
)


pytestmark = pytest.mark.one_database


@pytest.fixture(scope="module")
def found(copied_database, tmp_path_factory):
    """Where the new page was found, as tests/new_type/found.py tells. It begins with the database of the tests."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {
        "DATABASE_OF_NEW_TYPE": copied_database["NAME"],
        "DJANGO_SETTINGS_MODULE": "tests.new_type.settings",
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "GRAPHQL_TIME_BUDGET": "60",
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.new_type.found"], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return json.loads(run.stdout)


def test_in_graphql_and_in_the_search(found):
    quote = {"blockType": "QuoteBlock", "text": "I like the allotments.", "saidBy": "Anna"}
    body = [{"blockType": "ParagraphBlock"}, quote, {"blockType": "DocumentBlock"}]
    assert found["graphql"] == {
        "data": {
            "volunteerStories": {
                "totalCount": 1,
                "nodes": [{"title": "Anna", "since": 2021, "topics": [], "body": body}],
            },
            "page": {"__typename": "VolunteerStoryPage", "since": 2021},
            "search": {"nodes": [{"title": "Anna", "__typename": "VolunteerStoryPage"}]},
        }
    }


def test_in_its_feed_and_in_that_of_everything(found):
    assert [each["title"] for each in found["feed"]] == ["Anna"]
    assert found["feed"][0]["html"].startswith(ARTICLE)
    assert found["also in"] == ["all"]


def test_as_html_with_its_file(found):
    assert ARTICLE in found["html"]
    assert found["file"] == 200


def test_in_each_preview(found):
    everything, title_and_summary = ["Anna", "I like the allotments.", "Summary"], ["Anna", "Summary"]
    assert found["previews"] == {
        "": everything,
        "website": [],  # the website shows it
        "feed": everything,
        "search": title_and_summary,
        "social": title_and_summary,
        "graphql": everything,
    }


def test_among_the_canaries_and_in_the_leak_crawl(found):
    assert found["planted"] == {
        "live": False,
        "blocks": ["callout", "document", "heading", "image", "paragraph", "quote"],
        "path": "/zqcanary-volunteerstorypage/",
    }
    assert found["asked for"] == ["meetings", "volunteerStories"]
    assert found["control was seen"]
    assert found["leaks"] == []


# --- What forgets a step ---


def _errors(model):
    return [(each.id, each.msg) for each in model.check() if each.id.startswith("pages.")]


def test_a_type_that_forgets_nothing_is_sound():
    assert [each for each in run_checks() if each.is_serious()] == []


def test_no_answer_about_feeds(monkeypatch):
    monkeypatch.delattr(models.StandardPage, "feed_key")
    assert _errors(models.StandardPage) == [
        ("pages.E002", "StandardPage does not set feed_key, so it is not clear whether a feed lists it."),
    ]


def test_a_feed_that_there_is_not(monkeypatch):
    monkeypatch.setattr(models.StandardPage, "feed_key", "gossip")
    assert [(each.id, each.msg) for each in check_feeds(None)] == [
        ("feeds.E002", "StandardPage.feed_key names the feed “gossip”, which no page type declares."),
    ]


def test_a_feed_that_is_declared_twice(monkeypatch):
    monkeypatch.setattr(models.StandardPage, "declared_feeds", models.NewsIndexPage.declared_feeds)
    assert [(each.id, each.msg, each.hint) for each in check_feeds(None)] == [
        (
            "feeds.E001",
            "Two page types declare the feed “news”.",
            "Give one of them another key: NewsIndexPage, StandardPage.",
        ),
    ]


def test_no_parent(monkeypatch):
    monkeypatch.setattr(
        models.StandardPage, "_clean_parent_page_models", None
    )  # where Wagtail keeps what it worked out
    monkeypatch.delattr(models.StandardPage, "parent_page_types")
    assert _errors(models.StandardPage) == [
        (
            "pages.E001",
            "StandardPage does not set parent_page_types, so editors cannot create it anywhere.",
        ),
    ]


def test_no_fields_in_the_api(monkeypatch):
    monkeypatch.delattr(models.StandardPage, "graphql_fields")
    assert _errors(models.StandardPage) == [("pages.E003", "StandardPage has no fields in the API.")]


def test_no_template(monkeypatch):
    monkeypatch.setattr(models.StandardPage, "article_template", classmethod(lambda cls: "pages/none.html"))
    assert _errors(models.StandardPage) == [
        ("pages.E004", "StandardPage has no template for its HTML page and its entry in feeds."),
    ]


def test_a_field_that_the_api_has_not(monkeypatch):
    monkeypatch.setattr(models.InsightPage, "private_fields", ("disclosure_checked_on",))
    assert [(each.id, each.msg) for each in contract_checks.check_contract(None)] == [
        (
            "cms.E002",
            "InsightPage.disclosure_checked_by can be edited, but is neither in the API nor marked as private.",
        ),
    ]


def test_rows_that_the_api_has_not(monkeypatch):
    fields = [field for field in models.MeetingPage.graphql_fields if field.source != "papers"]
    monkeypatch.setattr(models.MeetingPage, "graphql_fields", fields)
    assert [each.msg for each in contract_checks.check_contract(None)] == [
        "MeetingPage.papers can be edited, but is neither in the API nor marked as private.",
    ]


def test_a_type_of_an_app_that_the_api_does_not_know(monkeypatch):
    known = dict(contract_checks.registry.models)
    del known[models.StandardPage]
    monkeypatch.setattr(contract_checks, "registry", SimpleNamespace(models=known))
    assert [(each.id, each.msg) for each in contract_checks.check_contract(None)] == [
        ("cms.E001", "StandardPage has no type in the API."),
    ]


@pytest.mark.parametrize(
    ("attribute", "error"),
    [
        ("graphql_fields", ("pages.E006", "HeadingBlock has no fields in the API.")),
        ("html_template", ("pages.E007", "HeadingBlock has no template for HTML.")),
    ],
)
def test_a_block_that_forgets_something(monkeypatch, attribute, error):
    monkeypatch.delattr(blocks.HeadingBlock, attribute)
    assert _errors(models.StandardPage) == [error]


def test_a_block_that_nothing_can_show(monkeypatch):
    stream = models.StandardPage._meta.get_field("body").stream_block
    monkeypatch.setitem(stream.child_blocks, "heading", blocks.WrittenText())
    assert _errors(models.StandardPage) == [
        (
            "pages.E005",
            "WrittenText, a block of StandardPage.body, is not a PublicBlock, so no reader can see it.",
        ),
    ]


def test_two_blocks_of_one_name(monkeypatch):
    class HeadingBlock(blocks.HeadingBlock):
        pass

    _errors(models.StandardPage)  # the first of the name
    stream = models.StandardPage._meta.get_field("body").stream_block
    monkeypatch.setitem(stream.child_blocks, "heading", HeadingBlock())
    assert _errors(models.StandardPage) == [
        (
            "pages.E008",
            "Two block classes have the name HeadingBlock, which is also the name of their type in the API.",
        ),
    ]


# --- What the documentation says ---


@pytest.mark.parametrize("name", ["page-type", "block"])
def test_the_documentation_tells_the_steps_that_are_tested(name):
    text = (ROOT / f"docs/developing/{name}.md").read_text()
    code = re.findall(r"^```(?:python|html)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    files = [path.read_text() for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".html")]
    files.append(mounted.IMPORT + mounted.LINE)
    assert len(code) >= 2
    for block in code:
        assert any(block.strip() in each for each in files), block
