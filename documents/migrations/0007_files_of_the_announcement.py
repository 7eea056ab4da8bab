"""Gives files that were published with their page the time of that publication.

Both were read from the clock, one after the other. Feeds tell of papers that came after the announcement of a meeting:
without this they would tell now of every paper that came with it, and of those within five minutes, which they left out.
"""

from datetime import timedelta

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, OuterRef, Subquery


def give_files_the_time_of_the_announcement(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    published_file, page = apps.get_model("documents", "PublishedFile"), apps.get_model("wagtailcore", "Page")
    announced_at = F("page__first_published_at")
    with_it = published_file.objects.filter(
        first_public_at__gt=announced_at, first_public_at__lt=announced_at + timedelta(minutes=5)
    )
    at = page.objects.filter(pk=OuterRef("page")).values("first_published_at")
    published_file.objects.filter(pk__in=list(with_it.values_list("pk", flat=True))).update(first_public_at=Subquery(at))


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_ids_of_files")]
    operations = [migrations.RunPython(give_files_the_time_of_the_announcement, migrations.RunPython.noop)]
