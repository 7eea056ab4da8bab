"""Dates are understood as they are written in Britain, and anything else is refused beside its box, in every form."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.urls import get_resolver
from django.utils import translation
from wagtail.admin.panels import get_edit_handler
from wagtail.admin.widgets import AdminDateInput, AdminDateTimeInput, AdminTimeInput
from wagtail.models import get_page_models
from wagtail.snippets.models import get_snippet_models

from pages.editing.typed_dates import EXAMPLES
from pages.partial_dates import HOW_TO, PartialDateFormField
from tests.factories import london

NINE = london(2026, 12, 15, 9)
MOMENTS = {
    "15/12/2026 09:00": NINE,
    "15/12/2026 9:00": NINE,
    "15/12/26 09:00": NINE,
    "15/12/2026 9am": NINE,
    "15/12/2026 9.30pm": london(2026, 12, 15, 21, 30),
    "15 December 2026 09:00": NINE,
    "15 Dec 2026 9am": NINE,
    "15 december 2026 at 9 AM": NINE,
    "2026-12-15 09:00": NINE,
    "01/02/2026 12:00": london(2026, 2, 1, 12),
    "15 December 2026": london(2026, 12, 15),
}
DAYS = {
    "15/12/2026": date(2026, 12, 15),
    "15/12/26": date(2026, 12, 15),
    "1/2/2026": date(2026, 2, 1),
    "15.12.2026": date(2026, 12, 15),
    "15 December 2026": date(2026, 12, 15),
    "15 Dec 2026": date(2026, 12, 15),
    "2026-12-15": date(2026, 12, 15),
}
TIMES = {"09:00": time(9), "9am": time(9), "9.30pm": time(21, 30), "12 pm": time(12)}
UNDERSTOOD = {forms.DateTimeField: MOMENTS, forms.DateField: DAYS, forms.TimeField: TIMES}
# The second has the day and the month the American way round.
NOT_UNDERSTOOD = ("next Tuesday", "12/15/2026", "12/15/2026 09:00", "31/02/2026 09:00", "15/12", "now", "0")


def form_classes(above: type = forms.BaseForm) -> Iterator[type]:
    for each in above.__subclasses__():
        yield each
        yield from form_classes(each)


@pytest.fixture(scope="module")
def boxes() -> list[tuple[str, forms.Field]]:
    """Every box for a date or a time in any form that the process knows, once all of its screens are loaded."""
    assert get_resolver().url_patterns
    kept = [get_edit_handler(model).get_form_class() for model in [*get_page_models(), *get_snippet_models()]]
    kinds = (*EXAMPLES, PartialDateFormField)
    found = [
        (f"{form.__name__}.{name}", field)
        for form in form_classes()
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, kinds)
    ]
    assert kept
    return found


def test_the_walk_finds_the_boxes_of_pages_rows_snippets_and_lists(boxes):
    names = {name.rpartition(".")[2] for name, _ in boxes}
    expected = {
        "go_live_at",
        "expire_at",
        "starts_at",
        "ends_at",
        "questions_deadline",
        "last_reviewed_on",
        "active_from",
    }
    assert expected | {"due_on", "effective_from", "family_informed_on"} <= names


def test_every_box_understands_british_dates_and_refuses_the_rest_with_an_example(boxes):
    wrong = []
    for name, field in boxes:
        kind = next((kind for kind in EXAMPLES if isinstance(field, kind)), None)
        for text, meant in UNDERSTOOD.get(kind, {}).items():
            if field.clean(text) != meant:
                wrong.append((name, text))
        for text in NOT_UNDERSTOOD:
            with pytest.raises(ValidationError) as refused:
                field.clean(text)
            if refused.value.messages != [EXAMPLES[kind] if kind else HOW_TO]:
                wrong.append((name, text, refused.value.messages))
    assert wrong == []


def test_no_box_lets_the_picker_write_over_what_was_typed(boxes):
    pickers = (AdminDateInput, AdminTimeInput, AdminDateTimeInput)
    configured = {name: field.widget.get_config() for name, field in boxes if isinstance(field.widget, pickers)}
    assert len(configured) > 10
    assert {name for name, config in configured.items() if config["validateOnBlur"] is not False} == set()
    assert [box().get_config()["validateOnBlur"] for box in pickers] == [False, False, False]


@pytest.mark.parametrize("language", ["en-gb", "en", "en-us"])
def test_the_day_comes_first_in_whatever_english(language):
    with translation.override(language):
        assert forms.DateField().clean("01/02/2026") == date(2026, 2, 1)


@pytest.mark.parametrize("text", ["29/03/2026 01:30", "25/10/2026 01:30"])
def test_a_time_that_comes_twice_or_not_at_all_is_refused(text):
    with pytest.raises(ValidationError, match="may be ambiguous or it may not exist"):
        forms.DateTimeField().clean(text)


def test_the_hours_around_the_change_of_clocks_are_understood():
    assert forms.DateTimeField().clean("29/03/2026 02:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert forms.DateTimeField().clean("25/10/2026 02:30") == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
