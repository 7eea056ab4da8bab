from django.core.management.base import BaseCommand

from pages.approval.workflow import set_up_moderation


class Command(BaseCommand):
    help = "Creates the groups, permissions and workflows. Safe to run again: it only adds what is missing."

    def handle(self, *args: str, **options: object) -> None:
        set_up_moderation()
        self.stdout.write("Groups, permissions and workflows are in place.")
