from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_who_made_files")]
    operations = [migrations.AddField("image", "undrawable", models.CharField(max_length=32, default="", editable=False))]
