"""Adds the last public name of a topic at its last public slug, and gives one to each topic that has a feed already.

A topic with a page in its feed is shown with its name. If all its pages went, its name may be that of a draft by now, and
the last one that readers saw is not known: the feed gets the words of its last public slug.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def give_names(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    feed_name, place = apps.get_model("feeds", "FeedName"), apps.get_model("feeds", "FeedPlace")
    shown = place.objects.filter(feed__startswith="topic:", left_at=None, item__ended_at=None)
    with_pages = {int(feed.removeprefix("topic:")) for feed in shown.values_list("feed", flat=True).distinct()}
    for topic in apps.get_model("pages", "Topic").objects.filter(pk__in=with_pages):
        feed_name.objects.update_or_create(slug=topic.slug, defaults={"topic": topic, "name": topic.name})
    latest = feed_name.objects.exclude(topic__in=with_pages).values("topic").annotate(last=models.Max("pk"))
    for row in feed_name.objects.filter(pk__in=latest.values("last")):
        row.name = row.slug.replace("-", " ").capitalize()
        row.save()


class Migration(migrations.Migration):

    dependencies = [
        ("feeds", "0002_places_that_entries_left"),
    ]

    operations = [
        migrations.AddField(
            model_name="feedname",
            name="name",
            field=models.CharField(
                default="",
                help_text="The last name of the topic on a public page, at its last slug there.",
                max_length=100,
            ),
        ),
        migrations.RunPython(give_names, migrations.RunPython.noop),
    ]
