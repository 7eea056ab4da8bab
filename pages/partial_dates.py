"""Dates known to the year, the month or the day. The missing parts are never filled in.

Stored as ISO 8601 dates with reduced precision ("2023", "2023-09", "2023-09-01"; ISO 8601-1, 4.1.2.3), which sort
correctly as text.
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
HOW_TO = 'Give a year, a month or a day, such as "2023", "September 2023" or "1 September 2023".'


class Precision(models.TextChoices):
    """How much of a date is known."""

    YEAR = "year", "Year"
    MONTH = "month", "Month"
    DAY = "day", "Day"


@dataclass(frozen=True, order=True)
class PartialDate:
    """A calendar date of which only the year, or the year and month, may be known.

    Raises ValueError for a `value` in another format.
    """

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", self.value):
            raise ValueError(HOW_TO)
        parts = [int(part) for part in self.value.split("-")]
        date(*[*parts, 1, 1][:3])  # a month 13 or a 30 February raises ValueError

    @property
    def precision(self) -> Precision:
        return {4: Precision.YEAR, 7: Precision.MONTH, 10: Precision.DAY}[len(self.value)]

    @property
    def first_day(self) -> date:
        """The first day that it can mean."""
        parts = [int(part) for part in self.value.split("-")]
        return date(*[*parts, 1, 1][:3])

    @property
    def last_day(self) -> date:
        """The last day that it can mean: a period that ends in "2027" includes the whole of 2027."""
        first = self.first_day
        if self.precision == Precision.YEAR:
            return date(first.year, 12, 31)
        if self.precision == Precision.MONTH:
            return first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return first

    def __str__(self) -> str:
        first = self.first_day
        if self.precision == Precision.YEAR:
            return str(first.year)
        if self.precision == Precision.MONTH:
            return f"{first:%B %Y}"
        return f"{first.day} {first:%B %Y}"


def read_partial_date(text: str) -> PartialDate:
    """Parse a partial date that a person typed. Raises ValueError, whose message gives the accepted formats."""
    if len(text) > 40:
        raise ValueError(HOW_TO)
    text = re.sub(r"\s+", " ", text.strip())
    if match := re.fullmatch(r"(?:(\d{1,2}) )?([A-Za-z]+) (\d{4})", text):
        day, month_name, year = match.groups()
        month = MONTHS.get(month_name.lower())
        if month is None:
            raise ValueError(HOW_TO)
        text = f"{year}-{month:02}" + (f"-{int(day):02}" if day else "")
    elif match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        day, month_text, year = match.groups()
        text = f"{year}-{int(month_text):02}-{int(day):02}"
    try:
        return PartialDate(text)
    except ValueError as error:
        raise ValueError(HOW_TO) from error


class PartialDateFormField(forms.CharField):
    """A form field that parses a partial date, and gives None for an empty one."""

    def prepare_value(self, value: object) -> object:
        return str(value) if isinstance(value, PartialDate) else value

    def to_python(self, value: str | PartialDate | None) -> PartialDate | None:  # type: ignore[override]
        if value is None or value in self.empty_values:
            return None
        if isinstance(value, PartialDate):
            return value
        try:
            return read_partial_date(value)
        except ValueError as error:
            raise ValidationError(HOW_TO) from error

    def has_changed(self, initial: str | PartialDate | None, data: str | PartialDate | None) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


class PartialDateField(models.CharField):
    """A model field that holds a `PartialDate`, or None if the date is not known."""

    description = "A date known to the year, month or day"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 10
        kwargs["null"] = True
        kwargs.setdefault("help_text", HOW_TO)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"], kwargs["null"]
        return name, path, args, kwargs

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> PartialDate | None:
        return PartialDate(value) if value else None

    def to_python(self, value: object) -> PartialDate | None:
        if value in (None, ""):
            return None
        if isinstance(value, PartialDate):
            return value
        try:
            return read_partial_date(str(value))
        except ValueError as error:
            raise ValidationError(HOW_TO) from error

    def get_prep_value(self, value: object) -> str | None:
        partial_date = self.to_python(value)
        return partial_date.value if partial_date else None

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def clean(self, value: object, model_instance: models.Model | None) -> PartialDate | None:
        """Replaces the validation of `CharField`, which needs the length of the value: a `PartialDate` has none."""
        partial_date = self.to_python(value)
        if partial_date is None and not self.blank:
            raise ValidationError(self.error_messages["null"], code="null")
        return partial_date

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super(models.CharField, self).formfield(**{"form_class": PartialDateFormField, **kwargs})
