"""The pages to which the published version of each page refers. `PublishedFile` is the same for files."""

from django.db import models
from wagtail.models import Page

from pages.models.base import ContentPage


class ShownPage(models.Model):
    """A page to which the published version of another refers in a field, a row, a block or a text.

    The publishing transaction writes it (pages/visibility/dependents.py). It does not say whether either page is public
    now.
    """

    page = models.ForeignKey(ContentPage, on_delete=models.CASCADE, related_name="+")
    # No database constraint, because texts and blocks may refer to pages that were deleted.
    shown = models.ForeignKey(Page, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")

    wagtail_reference_index_ignore = True

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["page", "shown"], name="one_row_per_page_and_shown_page")]

    def __str__(self) -> str:
        return f"{self.page_id} shows {self.shown_id}"
