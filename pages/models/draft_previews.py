"""Drafts that the public website shows to one person for some minutes.

pages/reading/draft_previews.py creates them.
"""

import secrets

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from wagtail.models import Page

from pages.models.base import ContentPage


def new_preview_key() -> str:
    """128 random bits, as 22 characters that are safe in URLs."""
    return secrets.token_urlsafe(16)


class DraftPreview(models.Model):
    """The last state of one edit screen of one person, saved or not. It is deleted with the page or the person."""

    key = models.CharField(max_length=22, unique=True, default=new_preview_key)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(ContentPage, null=True, on_delete=models.CASCADE, related_name="+")
    # The parent and the type of a new page that was never saved.
    parent = models.ForeignKey(Page, null=True, on_delete=models.CASCADE, related_name="+")
    page_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
    content = models.JSONField(encoder=DjangoJSONEncoder)
    at = models.DateTimeField(help_text="When it was shown last.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "page"], name="one_preview_for_person_and_page"),
            models.UniqueConstraint(
                fields=["user", "parent", "page_type"],
                condition=models.Q(page=None),
                name="one_preview_for_person_and_new_page",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.page_type}, {self.at:%Y-%m-%d %H:%M}"
