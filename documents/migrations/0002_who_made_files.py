"""Who gave a file its bytes and its words. Of the files of before, only who uploaded them is known."""

from django.db import migrations, models


def from_who_uploaded_it(apps, schema_editor):
    facts = {
        "Document": ("title", "kind", "language", "accessible", "html_equivalent_id", "accessibility_exemption"),
        "Image": (
            "title",
            "description",
            "decorative",
            "focal_point_x",
            "focal_point_y",
            "focal_point_width",
            "focal_point_height",
        ),
    }
    for name, words in facts.items():
        rows = apps.get_model("documents", name)._base_manager
        for file in rows.filter(uploaded_by_user__isnull=False).only("pk", "uploaded_by_user").iterator():
            made = dict.fromkeys(("file", *words), file.uploaded_by_user_id)
            rows.filter(pk=file.pk).update(made_by=made)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial")]
    operations = [
        migrations.AddField("document", "made_by", models.JSONField(default=dict, editable=False)),
        migrations.AddField("image", "made_by", models.JSONField(default=dict, editable=False)),
        migrations.RunPython(from_who_uploaded_it, migrations.RunPython.noop),
    ]
