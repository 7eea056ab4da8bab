"""What is kept for staff so that deadlines reach them: the address of a calendar, and which reminders went out.

pages/editing/staff_calendar.py and the command `send_reminders` use these rows; nothing of them is public.
"""

import secrets

from django.conf import settings
from django.db import models

from pages.models.base import ContentPage


def new_calendar_key() -> str:
    """128 random bits, as 22 letters of an address."""
    return secrets.token_urlsafe(16)


class StaffCalendar(models.Model):
    """The private address at which the calendar program of one person reads that person's deadlines."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_calendar")
    key = models.CharField(max_length=32, unique=True, default=new_calendar_key)

    def __str__(self) -> str:
        return f"Calendar of {self.user}"


class ReviewReminder(models.Model):
    """That somebody was reminded today of the review of a page. Rows of earlier days are deleted."""

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sent_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["page", "user", "sent_on"], name="one_reminder_a_day_and_page_and_person")
        ]

    def __str__(self) -> str:
        return f"{self.sent_on}: {self.page}"
