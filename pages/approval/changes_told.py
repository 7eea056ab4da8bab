"""Lists what readers will be told of earlier changes, for the screen on which a version is approved.

Change notes and the change log of a meeting are rows beside the version: the edit form does not show them.
"""

from django.utils import timezone

from pages.content.plain_words import day, local
from pages.models import ContentPage, MeetingPage, Venue
from pages.models.snippets import ModeratedSnippet
from pages.visibility.rule import Answer, answer
from pages.visibility.told_changes import rows_added


def changes_told(version: ContentPage | ModeratedSnippet) -> list[str]:
    """What the publication of this version tells readers again, because the page is not public now, and what it adds to
    the change log. One line each, without the change note of the version itself, which is in the form.
    """
    if not isinstance(version, ContentPage) or version.pk is None:
        return []
    found = []
    if answer(version) != Answer.PUBLIC:
        found += [f"{day(local(note.at))}: {note.note}" for note in version.change_notes.all()]
    if isinstance(version, MeetingPage):
        found += _changes_of_meeting(version)
    return found


def _changes_of_meeting(version: MeetingPage) -> list[str]:
    now = timezone.now()
    added = rows_added(version, version.known_version(), now).get("change_log", [])
    venue = Venue.objects.shown_at(now).filter(pk=version.venue_id).first()
    told = version.changes_told(venue, added)
    lines = [f"New: {change.text}" for change in told if added and change.at == added[0].at]
    if answer(version) != Answer.PUBLIC:
        lines = [f"{day(local(change.at))}: {change.text}" for change in told[: len(told) - len(lines)]] + lines
    return lines
