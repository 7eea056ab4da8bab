"""Which pages the published version of a page leads to, as `PublishedFile` says it of files."""

from django.db import models
from wagtail.models import Page

from pages.models.base import ContentPage


class ShownPage(models.Model):
    """A page that the published version of another names in a field, a row, a block or its text.

    Written in the publishing transaction (pages/visibility/dependents.py). It says nothing about whether either is
    public now.
    """

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    # What is written in texts and blocks may be gone, and nothing removes it there.
    shown = models.ForeignKey(Page, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")

    wagtail_reference_index_ignore = True

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["page", "shown"], name="one_row_per_page_and_shown_page")]

    def __str__(self) -> str:
        return f"{self.page_id} shows {self.shown_id}"
