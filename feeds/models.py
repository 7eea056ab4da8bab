"""The entries of the feeds, written when what they tell of is published, so that reading a feed asks for rows alone.

feeds/build/items.py writes them. They outlive their pages, without their text: feeds tell for a time that something
went.
"""

from django.db import models

from pages.models import ContentPage, PublicRecord, Topic


class FeedItem(models.Model):
    """One entry as all formats carry it; feeds/entry.py says what each part is."""

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

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.uuid)


class FeedPlace(models.Model):
    """That an entry is in a feed; the key of a feed is that of feeds/catalogue.py."""

    item = models.ForeignKey(FeedItem, on_delete=models.CASCADE, related_name="places")
    feed = models.CharField(max_length=60, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["item", "feed"], name="one_place_in_each_feed")]

    def __str__(self) -> str:
        return self.feed


class FeedLink(models.Model):
    """That an entry shows the title or the address of another page, or would if that page were public."""

    item = models.ForeignKey(FeedItem, on_delete=models.CASCADE, related_name="links")
    to = models.UUIDField(db_index=True, help_text="The uuid of the other page, which may be gone.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["item", "to"], name="one_link_from_entry_to_page")]

    def __str__(self) -> str:
        return str(self.to)


class FeedName(models.Model):
    """A slug that the feed of a topic has or had, so that the old address leads to the present one."""

    slug = models.CharField(max_length=100, unique=True)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.slug


class FeedState(models.Model):
    """Up to which change of the content (pages/visibility/ledger.py) the entries are written, and for which addresses
    of the site, in one row. `written_at` says which expiries they know of."""

    version = models.BigIntegerField(default=0)
    written_for = models.CharField(max_length=1000)
    written_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.version)


class FeedPing(models.Model):
    """A feed that changed, which the hub has to be told (feeds/websub.py)."""

    url = models.CharField(max_length=500, primary_key=True)
    next_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.url
