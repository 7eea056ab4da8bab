"""Dates and times stay in their boxes as they were typed: what is not understood is refused there, never replaced.

Which ones are understood stands in cms/formats/en/formats.py.
"""

from typing import Any

from django import forms
from wagtail.admin.widgets import AdminDateInput, AdminDateTimeInput, AdminTimeInput

EXAMPLES = {
    forms.DateField: "Write a date as in 15/12/2026 or 15 December 2026.",
    forms.TimeField: "Write a time as in 09:00 or 9am.",
    forms.DateTimeField: "Write a date and time as in 15/12/2026 09:00 or 15 December 2026 9am.",
}


def install() -> None:
    """Applies to all forms and to all boxes with Wagtail's picker of dates, in whatever list, block or screen."""
    for field, example in EXAMPLES.items():
        field.default_error_messages = {**field.default_error_messages, "invalid": example}
    for box in (AdminDateInput, AdminTimeInput, AdminDateTimeInput):
        _leave_as_typed(box)


def _leave_as_typed(box: Any) -> None:
    """The picker writes the present moment over what it does not understand, unless it is told not to."""
    config = box.get_config
    box.get_config = lambda widget: {**config(widget), "validateOnBlur": False}
