"""Removes the triggers before migrations, which change the tables under them, and installs them afterwards."""

from django.apps import AppConfig
from django.db.migrations import Migration

from cms.triggers import content_version
from pages import database_triggers
from pages.database_triggers import Trigger
from pages.visibility import facts

Plan = list[tuple[Migration, bool]]


def triggers() -> list[Trigger]:
    return [*facts.triggers(), *content_version.triggers()]


def are_installed() -> bool:
    """Whether the database has exactly these triggers. One query."""
    return database_triggers.installed() == {trigger.name for trigger in triggers()}


def before_migrations(sender: AppConfig, plan: Plan, **kwargs: object) -> None:
    """Receiver of `pre_migrate`. On SQLite, a migration that makes a table anew would lose them, or fail."""
    if plan:
        database_triggers.remove()


def install() -> None:
    """Install the triggers if they are not installed. What changed while there were none is worked out."""
    if database_triggers.install(triggers()):
        facts.renew_all()
