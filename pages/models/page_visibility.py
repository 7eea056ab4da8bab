"""Which pages are public, kept as rows. Triggers of the database write them (pages/visibility/facts.py)."""

from django.contrib.contenttypes.models import ContentType
from django.db import models
from wagtail.models import Page

from pages.content.choices import WithdrawalKind


class PageVisibility(models.Model):
    """A page that readers may see, or could see if it were not withdrawn. A page without a row is hidden.

    Never save or delete a row. The database keeps the rows right when a page changes, in the same statement, whichever
    way it is changed.
    """

    page = models.OneToOneField(
        Page, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="visibility"
    )
    until = models.DateTimeField(
        db_index=True, help_text="When the page or a page above it expires. The year 9999 if none does."
    )
    withdrawal_kind = models.CharField(
        max_length=20, choices=WithdrawalKind.choices, help_text="That of the page itself."
    )

    page_type = models.ForeignKey(
        ContentType, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    first_published_at = models.DateTimeField()
    uuid = models.UUIDField(help_text="That of the page. With `first_published_at`, it is the order of most lists.")

    class Meta:
        default_permissions = ()
        # A part of a list is read from here, however long the list is.
        indexes = [models.Index(fields=["page_type", "-first_published_at", "-uuid"], name="visibility_in_order")]

    def __str__(self) -> str:
        return str(self.page_id)
