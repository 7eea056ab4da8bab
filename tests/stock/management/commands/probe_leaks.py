"""Prints as JSON what each probe found: `python -m django probe_leaks --settings tests.stock.settings`."""

import json
import shutil

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from tests.stock import content, probes


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, *args, **options):
        try:
            call_command("migrate", verbosity=0)
            with connection.schema_editor() as editor:
                for model in apps.get_app_config("stock").get_models():
                    editor.create_model(model)
            world = content.make()
            found = {
                "leaks": {name: probe() for name, probe in probes.leaks(world).items()},
                "hides": {name: probe() for name, probe in probes.hides().items()},
            }
        finally:
            shutil.rmtree(settings.MEDIA_ROOT)
        self.stdout.write(json.dumps(found))
