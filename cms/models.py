"""The GraphQL documents that front ends have registered (cms/graphql/http/registered_documents.py), and the version of
everything that readers can be shown (cms/triggers/content_version.py).
"""

from django.db import models


class RegisteredDocument(models.Model):
    """A GraphQL document that clients request by its hash. Its text never changes: another text has another hash."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    text = models.TextField()
    registered_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"


class DataVersion(models.Model):
    """A part of the version: the version is the sum of all numbers. Only triggers of the database change the rows."""

    number = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)
