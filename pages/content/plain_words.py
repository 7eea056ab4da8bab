"""Formats days, times, places, files and pages in plain English, the same in all channels."""

from datetime import date, datetime
from typing import Protocol

from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from wagtail.models import Page

from documents.choices import DocumentAccessibility
from documents.models import Document


def name_of(obj: Model) -> str:
    """The title in lists of the admin. A death-review notice is named by its reference alone."""
    return obj.get_admin_display_title() if isinstance(obj, Page) else str(obj)


def local(moment: datetime) -> datetime:
    """The instant in the time zone TIME_ZONE, whatever time zone a user has chosen for the admin."""
    return timezone.localtime(moment, timezone.get_default_timezone())


def day(on: date) -> str:
    """As in "11 February 2026"."""
    return f"{on.day} {on:%B %Y}"


def day_and_weekday(on: date) -> str:
    """As in "Tuesday 24 February 2026"."""
    return f"{on:%A} {day(on)}"


def clock(moment: datetime) -> str:
    """As in "10am", "2:30pm", "midday" or "midnight"."""
    here = local(moment)
    if here.minute == 0 and here.hour in (0, 12):
        return "midday" if here.hour else "midnight"
    minutes = f":{here.minute:02}" if here.minute else ""
    return f"{here.hour % 12 or 12}{minutes}{'am' if here.hour < 12 else 'pm'}"


def when(starts: datetime, ends: datetime | None = None) -> str:
    """As in "Tuesday 24 February 2026, 10am", or "… 10am to midday" if the end is known."""
    text = f"{day_and_weekday(local(starts))}, {clock(starts)}"
    if ends is None:
        return text
    same_day = local(starts).date() == local(ends).date()
    return f"{text} to {clock(ends) if same_day else when(ends)}"


class Place(Protocol):
    """The parts of an address that `Venue` has."""

    @property
    def room(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def postcode(self) -> str: ...


def place(venue: Place) -> str:
    """A `Venue` on one line, as in "Conference Room 2, Parkside Place Community Fire Station, Cambridge, CB1 1JF"."""
    return ", ".join(part for part in (venue.room, venue.name, venue.address, venue.postcode) if part)


def file_facts(document: Document) -> str:
    """The description beside a link to a file, as in "PDF, 1.2 MB, 4 pages"."""
    facts = [document.file_type.upper()]
    if document.file_size is not None:
        facts.append(filesizeformat(document.file_size))
    if document.page_count:
        facts.append(f"{document.page_count} page{'' if document.page_count == 1 else 's'}")
    if document.language.partition("-")[0] != "en":
        facts.append(f"language: {document.language}")
    if document.accessible in (DocumentAccessibility.NO, DocumentAccessibility.PARTIAL):
        facts.append("may not work with a screen reader")
    return ", ".join(fact for fact in facts if fact)
