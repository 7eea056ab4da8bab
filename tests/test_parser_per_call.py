"""What Wagtail does with its parser of rich text, and what becomes of it with `cms/parser_per_call.py`."""

import json

import pytest
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.admin.rich_text.converters.html_to_contentstate import HtmlToContentStateHandler

from cms import parser_per_call
from pages.rich_text import FEATURES


ALONE = {"first": ["One", "and two."], "second": ["Somebody else's."]}


@pytest.fixture
def converted(monkeypatch):
    """The texts of two forms, of which the second is made while the first is half done, as threads do it."""

    def convert(function):
        box = DraftailRichTextArea(features=FEATURES)
        answers = {}
        parsed = HtmlToContentStateHandler.handle_data

        def in_between(parser, data):
            parsed(parser, data)
            if data == "One" and "second" not in answers:
                answers["second"] = function(box.converter, "<p>Somebody else's.</p>")

        monkeypatch.setattr(HtmlToContentStateHandler, "handle_data", in_between)
        try:
            answers["first"] = function(box.converter, "<p>One</p><p>and two.</p>")
        except AssertionError:  # the parser no longer knows where it was
            answers["first"] = '{"blocks": []}'
        return {name: [block["text"] for block in json.loads(text)["blocks"]] for name, text in answers.items()}

    return convert


def test_wagtail_still_shares_its_parser(converted):
    """When this fails, Wagtail has mended it: delete cms/parser_per_call.py, where it is connected, and this module."""
    assert converted(parser_per_call.wagtails_own) != ALONE


def test_each_call_has_a_parser_of_its_own(converted):
    assert converted(ContentstateConverter.from_database_format) == ALONE


def test_the_boxes_of_forms_ask_this_function(monkeypatch):
    """When this fails, Wagtail fills its boxes in another way: what is patched is not what runs."""
    monkeypatch.setattr(ContentstateConverter, "from_database_format", lambda converter, html: f"patched {html}")
    assert DraftailRichTextArea(features=FEATURES).format_value("<p>One</p>") == "patched <p>One</p>"
