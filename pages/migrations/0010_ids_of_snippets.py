"""Give each snippet that readers see a permanent id."""

import uuid

from django.db import migrations, models

MODELS = ("agency", "alert", "contact", "supportservice", "venue")


def give_ids(apps, schema_editor):
    for name in MODELS:
        rows = apps.get_model("pages", name)._base_manager
        for key in rows.values_list("pk", flat=True):
            rows.filter(pk=key).update(public_id=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [("pages", "0009_takedowns_of_death_reviews")]
    operations = [
        *(
            migrations.AddField(name, "public_id", models.UUIDField(default=None, editable=False, null=True))
            for name in MODELS
        ),
        migrations.RunPython(give_ids, migrations.RunPython.noop),
        *(
            migrations.AlterField(
                name, "public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
            )
            for name in MODELS
        ),
    ]
