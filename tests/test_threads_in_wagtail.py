"""What Wagtail shares between threads, and that `cms/admin/threads.py` keeps it apart.

Here the second thread works at a point of our choice within the work of the first, so that nothing depends on luck.
`tests/test_threads.py` lets many run freely. A test of "Wagtail still …" that fails means that Wagtail has mended it: then
take that part out of `cms/admin/threads.py`, with its tests.
"""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Event

import pytest
from django.core.exceptions import ValidationError
from wagtail import blocks
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.admin.rich_text.converters.html_to_contentstate import HtmlToContentStateHandler
from wagtail.blocks.base import BlockField, BlockWidget

from cms.admin import threads
from pages.content.rich_text import FEATURES

# --- The parser of rich text ---

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
    assert converted(threads.wagtails_parsing) != ALONE


def test_each_form_has_a_parser_of_its_own(converted):
    assert converted(ContentstateConverter.from_database_format) == ALONE


def test_the_boxes_of_forms_ask_what_is_replaced(monkeypatch):
    monkeypatch.setattr(ContentstateConverter, "from_database_format", lambda converter, html: f"replaced {html}")
    assert DraftailRichTextArea(features=FEATURES).format_value("<p>One</p>") == "replaced <p>One</p>"


# --- The check of blocks ---


class Slow(blocks.CharBlock):
    """Waits in the middle of the check of "slow"."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.reached, self.go_on = Event(), Event()

    def clean(self, value):
        if value == "slow":
            self.reached.set()
            assert self.go_on.wait(20)
        return super().clean(value)


def while_a_draft_is_saved(check, work):
    """Do the work with the same blocks: in the middle of the saving, unless something keeps it back till the end."""
    slow = Slow()
    stream = blocks.StreamBlock([("words", slow)], required=False)
    draft = BlockField(stream)
    draft.is_deferred_validation = True  # as Wagtail's form says it
    with ThreadPoolExecutor(2) as pool:
        saving = pool.submit(check, draft, stream.to_python([{"type": "words", "value": "slow"}]))
        assert slow.reached.wait(20)
        working = pool.submit(work, stream)
        wait([working], timeout=None if check is threads.wagtails_checking else 0.2)
        slow.go_on.set()
        saving.result(20)
        return working.result(20)


def submit(check, stream):
    try:
        check(BlockField(stream), stream.to_python([{"type": "words", "value": ""}]))
    except ValidationError:
        return "refused"
    return "taken"


def required(describe, stream):
    """Whether the browser is told that the box must be filled in."""
    widget = BlockWidget(stream)
    describe(widget)
    return '"required": true' in widget._block_json


def test_wagtail_still_leaves_out_a_check_while_a_draft_is_saved():
    check = threads.wagtails_checking
    assert while_a_draft_is_saved(check, partial(submit, check)) == "taken"


def test_who_saves_a_draft_leaves_out_no_check_of_others():
    assert while_a_draft_is_saved(BlockField.clean, partial(submit, BlockField.clean)) == "refused"


def test_wagtail_still_describes_boxes_as_optional_while_a_draft_is_saved():
    describe = partial(required, threads.wagtails_describing)
    assert while_a_draft_is_saved(threads.wagtails_checking, describe) is False


def test_who_saves_a_draft_makes_no_box_of_others_optional():
    describe = partial(required, BlockWidget._build_block_json)
    assert while_a_draft_is_saved(BlockField.clean, describe) is True
