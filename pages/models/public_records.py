"""Permanent records of what was ever public: pages, their addresses, and emergency takedowns.

pages/visibility/ledger.py writes these rows. pages/reading/at_path.py and the list of changes
(cms/graphql/schema/changes.py) read them. They contain no text of any page.
"""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import MaxLengthValidator
from django.db import models

from documents.models import Document, Image
from pages.content.choices import ChangeKind
from pages.models.base import ChangeNote, ContentPage
from pages.models.moderation import APPROVING, is_in

TAKE_DOWN = "pages.take_down"


def may_take_down(user: User | AnonymousUser) -> bool:
    """Whether the user is a moderator or a safeguarding lead. A superuser is neither unless in one of their groups."""
    return user.has_perm(TAKE_DOWN) and any(is_in(user, role) for role in APPROVING)


class PublicRecord(models.Model):
    """A page that was public at least once. The row remains when the page is deleted."""

    uuid = models.UUIDField(primary_key=True)
    page = models.ForeignKey(ContentPage, null=True, on_delete=models.SET_NULL, related_name="+")
    path = models.CharField(max_length=2600, help_text="Where it is public, or was last: the path on the site.")
    show_safe_exit = models.BooleanField()
    first_public_at = models.DateTimeField()
    ended_at = models.DateTimeField(
        null=True,
        help_text="When it stopped being public. Empty while it is, and after an expiry that nobody processed yet.",
    )

    def __str__(self) -> str:
        return f"{self.path} ({self.uuid})"


class PublicAddress(models.Model):
    """A path at which a page was public. Old paths redirect to the current one."""

    record = models.ForeignKey(PublicRecord, on_delete=models.CASCADE, related_name="addresses")
    path = models.CharField(max_length=2600, db_index=True)
    since = models.DateTimeField(help_text="When the page last became public here.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record", "path"], name="one_row_per_record_and_path")]

    def __str__(self) -> str:
        return self.path


class ContentVersion(models.Model):
    """The number of the last change, in one row.

    Adding a change locks the row until the commit, so changes become visible in the order of their numbers.
    """

    number = models.BigIntegerField(default=0)
    knows_shown_pages = models.BooleanField(default=False, help_text="Whether `ShownPage` has all published pages.")
    worked_out = models.JSONField(default=dict, help_text="What pages show by date, as it was last told.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)


class PublicChange(models.Model):
    """A change of a page that readers could notice. Rows are added, and never changed.

    They contain no text and no address: the API reads both from the page, while it is public.
    """

    version = models.BigIntegerField(primary_key=True)
    record = models.ForeignKey(PublicRecord, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=20, choices=ChangeKind.choices)
    at = models.DateTimeField()
    major = models.BooleanField()
    note = models.ForeignKey(ChangeNote, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.version}: {self.get_kind_display()}"


class Takedown(models.Model):
    """An emergency takedown by one person. A second person confirms it afterwards."""

    record = models.ForeignKey(PublicRecord, null=True, on_delete=models.PROTECT, related_name="takedowns")
    # The takedown remains when the file is deleted.
    document = models.ForeignKey(Document, null=True, on_delete=models.SET_NULL, related_name="takedowns")
    image = models.ForeignKey(Image, null=True, on_delete=models.SET_NULL, related_name="takedowns")
    address = models.CharField(max_length=2600, help_text="Its public address at the time.")
    reason = models.TextField(
        "why",
        max_length=1000,
        validators=[MaxLengthValidator(1000)],
        help_text="For colleagues only: readers see a neutral line. Do not repeat here what must not be read.",
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True, help_text="When a new version was approved. A file stays down.")
    of_death_reviews = models.BooleanField(
        default=False, editable=False, help_text="Whether it belonged to a death review then. It may have moved since."
    )

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ()
        permissions = [("take_down", "Can take pages and files offline at once")]

    def __str__(self) -> str:
        return self.address
