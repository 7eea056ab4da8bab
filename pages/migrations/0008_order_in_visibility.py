import uuid
from datetime import UTC, datetime

import django.db.models.deletion
from django.db import migrations, models


def empty(apps, schema_editor):
    """The rows are worked out anew once all migrations are done (cms/triggers/install.py)."""
    apps.get_model('pages', 'PageVisibility').objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('pages', '0007_changes_taken_down'),
    ]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop),
        migrations.AddField(
            model_name='pagevisibility',
            name='page_type',
            field=models.ForeignKey(db_constraint=False, db_index=False, default=0, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='contenttypes.contenttype'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='pagevisibility',
            name='first_published_at',
            field=models.DateTimeField(default=datetime(1970, 1, 1, tzinfo=UTC)),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='pagevisibility',
            name='uuid',
            field=models.UUIDField(default=uuid.UUID(int=0), help_text='That of the page. With `first_published_at`, it is the order of most lists.'),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name='pagevisibility',
            index=models.Index(fields=['page_type', '-first_published_at', '-uuid'], name='visibility_in_order'),
        ),
    ]
