"""Forget the sizes of pictures that are stored under the name of the picture's file.

Object storage shows the path to readers. `publish_scheduled` draws the sizes anew, and whoever asks for one before.
"""

from pathlib import PurePath

from django.db import migrations, transaction


def forget(apps, schema_editor):
    renditions = apps.get_model("documents", "Rendition").objects
    old = [row for row in renditions.all() if PurePath(row.file.name).stem != "picture"]
    files = [(row.file.storage, row.file.name) for row in old]
    renditions.filter(pk__in=[row.pk for row in old]).delete()
    transaction.on_commit(lambda: [storage.delete(name) for storage, name in files])


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_pictures_that_cannot_be_drawn")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
