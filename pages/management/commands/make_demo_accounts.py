"""Creates an account for each role, with a published password, for demonstrations."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from pages.content.choices import Role

PASSWORD = "community-safety-demo"  # noqa: S105 - published on purpose: see the refusal below
# Role by user name. The administrator is a superuser without a role.
ACCOUNTS = {
    "admin": None,
    "editor": Role.EDITOR,
    "moderator": Role.MODERATOR,
    "safeguarding": Role.SAFEGUARDING_LEAD,
}


class Command(BaseCommand):
    help = "Makes the demo accounts admin, editor, moderator and safeguarding. Leaves accounts that exist alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--password", default=PASSWORD, help="Password of the accounts (%(default)s).")
        parser.add_argument(
            "--yes-on-a-public-server",
            action="store_true",
            help="Make them although CMS_URL is https://, where anybody could try a published password.",
        )

    def handle(self, *args: str, **options: Any) -> None:
        password: str = options["password"]
        if settings.CMS_URL.startswith("https://") and not options["yes_on_a_public_server"]:
            raise CommandError(
                f"{settings.CMS_URL} looks like a public server, and the demo password is published. Make "
                "accounts with `manage.py createsuperuser`, or add --yes-on-a-public-server and --password."
            )
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(f"--password: {' '.join(error.messages)}") from error
        groups = {group.has_role.role: group for group in Group.objects.filter(has_role__isnull=False)}
        if missing := sorted(role.label for role in ACCOUNTS.values() if role and role not in groups):
            raise CommandError(
                f"These groups are missing: {', '.join(missing)}. Run `manage.py set_up_moderation` first."
            )
        made = []
        self.stdout.write(f"{'User name':14}{'E-mail':28}{'Role':20}")
        with transaction.atomic():
            for name, role in ACCOUNTS.items():
                group = groups[role] if role else None
                if existed := User.objects.filter(username=name).exists():
                    note = "was there, left alone"
                else:
                    note = "made"
                    self._make(name, group, password)
                made += [] if existed else [name]
                self.stdout.write(f"{name:14}{f'{name}@example.org':28}{group or 'Administrator'!s:20}{note}")
        if made:
            self.stdout.write(f"Password of {', '.join(made)}: {password}")

    def _make(self, name: str, group: Group | None, password: str) -> None:
        email = f"{name}@example.org"
        if group is None:
            User.objects.create_superuser(name, email, password)
        else:
            User.objects.create_user(name, email, password).groups.add(group)
