"""Deadlines for staff: the address of each person's calendar, and the reminders that were sent.

pages/editing/staff_calendar.py and the command `send_reminders` use these rows. None of them is public.
"""

import secrets

from django.conf import settings
from django.db import models

from pages.models.base import ContentPage


def new_calendar_key() -> str:
    """128 random bits, as 22 characters that are safe in URLs."""
    return secrets.token_urlsafe(16)


class StaffCalendar(models.Model):
    """The private address from which a calendar program reads the deadlines of one person."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_calendar")
    key = models.CharField(max_length=32, unique=True, default=new_calendar_key)

    def __str__(self) -> str:
        return f"Calendar of {self.user}"


class ReviewReminder(models.Model):
    """A reminder of the review of a page that somebody got today. Rows of earlier days are deleted."""

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sent_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["page", "user", "sent_on"], name="one_reminder_a_day_and_page_and_person")
        ]

    def __str__(self) -> str:
        return f"{self.sent_on}: {self.page}"
