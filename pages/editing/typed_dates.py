"""Keeps dates and times in form fields as they were typed: invalid input gets an error, and is never replaced.

cms/formats/en/formats.py lists the accepted formats.
"""

from django import forms
from wagtail.admin.widgets import AdminDateInput, AdminDateTimeInput, AdminTimeInput

DateWidget = type[AdminDateInput] | type[AdminTimeInput] | type[AdminDateTimeInput]
EXAMPLES = {
    forms.DateField: "Write a date as in 15/12/2026 or 15 December 2026.",
    forms.TimeField: "Write a time as in 09:00 or 9am.",
    forms.DateTimeField: "Write a date and time as in 15/12/2026 09:00 or 15 December 2026 9am.",
}


def install() -> None:
    """Change the error messages of all date and time fields, and the configuration of Wagtail's date pickers."""
    for field, example in EXAMPLES.items():
        field.default_error_messages = {**field.default_error_messages, "invalid": example}
    for widget in (AdminDateInput, AdminTimeInput, AdminDateTimeInput):
        _keep_invalid_input(widget)


def _keep_invalid_input(widget: DateWidget) -> None:
    """Turn off `validateOnBlur`, with which the date picker replaces invalid input with the current time."""
    config = widget.get_config
    widget.get_config = lambda self: {**config(self), "validateOnBlur": False}
