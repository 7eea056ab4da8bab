"""Mail that is waiting to be sent, and mail that could not be sent (pages/editing/outbox.py)."""

from django.db import models


class OutgoingMail(models.Model):
    """One message. The row is deleted when the message is sent.

    After the last failed try, the row is kept for some time without the message.
    """

    to = models.TextField(blank=True, help_text="Addresses, separated by commas; empty for mail that nobody gets.")
    sealed = models.BinaryField(help_text="The message, encrypted: it may hold a link that opens an account.")
    written_at = models.DateTimeField()
    next_try_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=100, blank=True, help_text="The kind of error, and never the message.")
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.to}, {self.written_at:%Y-%m-%d %H:%M}"
