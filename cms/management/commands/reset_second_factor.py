"""Removes a lost second factor, so that its owner can sign in with their password and set up a new one."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from wagtail.log_actions import log

from cms.accounts.second_factor import SECOND_FACTOR_RESET
from cms.accounts.sessions import end_sessions


class Command(BaseCommand):
    help = "Removes the authenticator app, passkeys and recovery codes of an account, and ends its sessions. Logs this."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="User name of the account. First check who is asking for this.")

    @transaction.atomic
    def handle(self, *args: object, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no account with the user name {options['username']}.")
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if not removed:
            raise CommandError(f"{user.get_username()} has no second factor.")
        end_sessions(user)
        log(instance=user, action=SECOND_FACTOR_RESET)
        self.stdout.write(f"{user.get_username()} is signed out, and must set up a new second factor after signing in.")
