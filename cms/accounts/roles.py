"""Logs who adds whom to which group. This must leave a trace: a new moderator can approve."""

from django.contrib.auth.models import Group, User
from wagtail.log_actions import LogFormatter, log
from wagtail.models import BaseLogEntry

ROLES_CHANGED = "cms.roles_changed"
_VERBS = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}


def on_roles_changed(
    sender: type, instance: User | Group, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: object
) -> None:
    """Receiver of `m2m_changed` for the groups of accounts, whichever screen, bulk action or command changes them."""
    verb = _VERBS.get(action)
    if verb is None:
        return
    if isinstance(instance, Group):
        people = list(instance.user_set.all() if pk_set is None else User.objects.filter(pk__in=pk_set))
        names = [instance.name] if people else []
    else:
        groups = instance.groups.all() if pk_set is None else Group.objects.filter(pk__in=pk_set)
        people, names = [instance], sorted(groups.values_list("name", flat=True))
    for person in people if names else []:
        log(instance=person, action=ROLES_CHANGED, data={"groups": names, "change": verb})


class RolesFormatter(LogFormatter):
    label = "Change roles"

    def format_message(self, log_entry: BaseLogEntry) -> str:
        verb = "Added to" if log_entry.data["change"] == "added" else "Removed from"
        return f"{verb}: {', '.join(log_entry.data['groups'])}"
