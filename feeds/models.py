"""The entries of the feeds, stored at publication, so that a request for a feed only reads rows.

feeds/build/items.py writes them. They outlive their pages, without their text, because feeds report for some time that
an entry was removed.
"""

from django.db import models

from pages.models import ContentPage, PublicRecord, Topic


class FeedItem(models.Model):
    """One entry, as all formats have it. feeds/entry.py describes each part."""

    uuid = models.UUIDField(primary_key=True)
    record = models.ForeignKey(PublicRecord, on_delete=models.CASCADE, related_name="+")
    page = models.ForeignKey(ContentPage, null=True, on_delete=models.SET_NULL, related_name="+")
    url = models.CharField(max_length=2800)
    title = models.TextField()
    summary = models.TextField()
    html = models.TextField()
    change_note = models.CharField(max_length=300)
    categories = models.JSONField(default=list)
    enclosures = models.JSONField(default=list)
    image = models.JSONField(null=True)
    published = models.DateTimeField(db_index=True)
    updated = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When it went without an explanation.")
    for_the_record = models.BooleanField(default=False, help_text="No news when it was written: only archives have it.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.uuid)


class FeedPlace(models.Model):
    """The membership of an entry in a feed. `feed` is a key of feeds/catalogue.py.

    An entry that leaves a feed keeps its place there, without being shown. Otherwise an older entry would take the
    place, and look new.
    """

    item = models.ForeignKey(FeedItem, on_delete=models.CASCADE, related_name="places")
    feed = models.CharField(max_length=60, db_index=True)
    left_at = models.DateTimeField(null=True, help_text="When the entry left this feed.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["item", "feed"], name="one_place_in_each_feed")]

    def __str__(self) -> str:
        return self.feed


class FeedLink(models.Model):
    """A link from an entry to a page whose title or address the entry shows, or would if that page were public."""

    item = models.ForeignKey(FeedItem, on_delete=models.CASCADE, related_name="links")
    to = models.UUIDField(db_index=True, help_text="The uuid of the other page, which may be gone.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["item", "to"], name="one_link_from_entry_to_page")]

    def __str__(self) -> str:
        return str(self.to)


class FeedName(models.Model):
    """A slug that the feed of a topic had while a public page had the topic, for redirects from old addresses."""

    slug = models.CharField(max_length=100, unique=True)
    name = models.CharField(
        max_length=100, default="", help_text="The last name of the topic on a public page, at its last slug there."
    )
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.slug


class FeedState(models.Model):
    """The one row that says what the stored entries reflect.

    `version` is the last change in the ledger (pages/visibility/ledger.py). `written_for` is the format of entries,
    which includes the addresses of the site. Expiries up to `written_at` are taken into account.
    """

    version = models.BigIntegerField(default=0)
    written_for = models.CharField(max_length=1000)
    written_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.version)


class FeedPing(models.Model):
    """A changed feed of which the hub has not been notified yet (feeds/websub.py)."""

    url = models.CharField(max_length=500, primary_key=True)
    next_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.url
