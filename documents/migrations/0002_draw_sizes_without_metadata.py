"""Forget the sizes of pictures that have the metadata of the original: all but those in WebP.

`publish_scheduled` draws them anew, and whoever asks for one before.
"""

from django.db import migrations, transaction


def forget(apps, schema_editor):
    old = apps.get_model("documents", "Rendition").objects.exclude(filter_spec__endswith="|format-webp")
    files = [(row.file.storage, row.file.name) for row in old]
    old.delete()
    transaction.on_commit(lambda: [storage.delete(name) for storage, name in files])


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
