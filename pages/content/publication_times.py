"""Describes and validates the times at which a version is to be published and to expire."""

from datetime import datetime, timedelta

from django.http import QueryDict
from django.utils import timezone
from wagtail.models import DraftStateMixin


def in_words(moment: datetime) -> str:
    """As in "Tuesday 15 December 2026 at 9am", in local time."""
    local = timezone.localtime(moment)
    if (local.hour, local.minute) in ((0, 0), (12, 0)):
        time = "midnight, as the day begins" if local.hour == 0 else "midday"
    else:
        minutes = f".{local.minute:02}" if local.minute else ""
        time = f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"
    return f"{local:%A} {local.day} {local:%B %Y} at {time}"


def sends_back(sent: QueryDict) -> bool:
    """Whether the submitted form rejects the version, or cancels its workflow. `sent` is the form data."""
    forward = ("action-publish", "action-submit", "action-restart-workflow")
    if any(sent.get(name) for name in forward):
        return False
    if sent.get("action-workflow-action"):
        return sent.get("workflow-action-name") == "reject"
    return bool(sent.get("action-cancel-workflow"))


def time_problems(version: DraftStateMixin) -> dict[str, str]:
    """Error messages for the times of a version that is to be submitted or approved, by field name."""
    problems = {}
    now = timezone.now()
    if version.go_live_at and version.go_live_at <= now and not _has_live_time(version):
        problems["go_live_at"] = (
            f"{in_words(version.go_live_at)} has passed. Leave this empty to publish as soon as it is approved, or "
            "give a later time."
        )
    if version.expire_at and version.expire_at <= now:
        problems["expire_at"] = f"{in_words(version.expire_at)} has passed. Leave this empty, or give a later time."
    return problems


def _has_live_time(version: DraftStateMixin) -> bool:
    """Whether `go_live_at` is that of the live version, to the minute: forms leave out the seconds."""
    rows = type(version)._default_manager.filter(pk=version.pk, live=True)
    published_at = rows.values_list("go_live_at", flat=True).first()
    return bool(published_at) and abs(published_at - version.go_live_at) < timedelta(minutes=1)


def schedule_in_words(version: DraftStateMixin) -> str:
    """What approval of the version will do, for the approver. Empty if the version will be published at once."""
    if problems := time_problems(version):
        return "It cannot be approved as it is: " + " ".join(problems.values()) + " Ask its author to change it."
    sentences = []
    if version.go_live_at and version.go_live_at > timezone.now():
        sentences.append(f"When it is approved, it will be published on {in_words(version.go_live_at)}.")
    if version.expire_at:
        sentences.append(f"It will be unpublished on {in_words(version.expire_at)}.")
    return " ".join(sentences)
