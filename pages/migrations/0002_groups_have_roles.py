from django.db import migrations, models

import pages.models.moderation

NAMES = {"editor": "Editors", "moderator": "Moderators", "safeguarding-lead": "Safeguarding leads"}


def from_names(apps, schema_editor):
    """The groups that had a role by their names keep it, and from now on whatever they are called."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    rows = apps.get_model("pages", "RoleGroup").objects.using(schema_editor.connection.alias)
    for role, name in NAMES.items():
        if group := groups.filter(name=name).first():
            rows.create(role=role, group=group)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("pages", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleGroup",
            fields=[
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("editor", "Editors"),
                            ("moderator", "Moderators"),
                            ("safeguarding-lead", "Safeguarding leads"),
                        ],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=pages.models.moderation.keep_groups_with_a_role,
                        related_name="has_role",
                        to="auth.group",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(from_names, migrations.RunPython.noop),
    ]
