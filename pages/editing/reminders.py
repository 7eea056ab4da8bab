"""Works out who gets an e-mail about which reviews. The command `send_reminders` sends it.

The owner of a page is reminded if the account is active, has an e-mail address and may edit the page; otherwise those
who may publish the page. Death reviews are named by their reference alone, and only to people who may handle them.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from wagtail.models import GroupPagePermission

from pages.confidential.permissions import editable_by
from pages.content import addresses
from pages.content.death_reviews import may_see
from pages.content.plain_words import day, local, name_of
from pages.editing.deadlines import Deadline, pages_due_for_review
from pages.models import ContentPage, ReviewReminder

DAYS_BEFORE = 14


@dataclass
class Reminders:
    """The reviews to remind of, by recipient; and the pages that have no recipient."""

    by_recipient: dict[User, list[Deadline]]
    without_recipient: list[ContentPage]


def reminders(as_of: datetime) -> Reminders:
    """Reviews that are overdue or due within 14 days, without the reminders that were sent today."""
    today = local(as_of).date()
    due = [each for each in pages_due_for_review(ContentPage.objects.all(), as_of) if _is_near(each, today)]
    recipients = _Recipients()
    already_sent = set(ReviewReminder.objects.filter(sent_on=today).values_list("user_id", "page_id"))
    found, without_recipient = defaultdict(list), []
    for deadline in sorted(due, key=lambda each: (each.due_on, each.page.pk)):
        people = recipients.of(deadline.page)
        if not people:
            without_recipient.append(deadline.page)
        for person in people:
            if (person.pk, deadline.page.pk) not in already_sent:
                found[person].append(deadline)
    return Reminders(dict(found), without_recipient)


class _Recipients:
    """Finds who is reminded of a page. Data that several pages need is loaded once."""

    def __init__(self) -> None:
        accounts = get_user_model().objects.filter(is_active=True).exclude(email="")
        self.people = {user.pk: user for user in accounts}
        self.publishers = _publishers()
        self.may_edit: dict[int, set[int]] = {}  # of owners

    def of(self, page: ContentPage) -> list[User]:
        owner = self.people.get(page.owner_id)
        if owner and page.pk in self._edits(owner):
            return [owner]
        keys = {key for path, users in self.publishers.items() if page.path.startswith(path) for key in users}
        publishers = [self.people[key] for key in sorted(keys & self.people.keys())]
        return [person for person in publishers if may_see(person, page)]

    def _edits(self, owner: User) -> set[int]:
        if owner.pk not in self.may_edit:
            self.may_edit[owner.pk] = set(editable_by(owner).values_list("pk", flat=True))
        return self.may_edit[owner.pk]


def _is_near(deadline: Deadline, today: date) -> bool:
    return deadline.due_on <= today + timedelta(days=DAYS_BEFORE)


def _publishers() -> dict[str, set[int]]:
    """By tree path, the primary keys of the accounts that may publish the page there and those below it."""
    found = defaultdict(set)
    rows = GroupPagePermission.objects.filter(permission__codename="publish_page")
    for path, user in rows.values_list("page__path", "group__user"):
        found[path].add(user)
    return found


def message(person: User, due: list[Deadline], as_of: datetime) -> EmailMessage:
    """The e-mail to one person that lists the reviews due."""
    today = local(as_of).date()
    one = len(due) == 1
    lines = [
        "Please check that this page is still right:" if one else "Please check that these pages are still right:",
        "",
    ]
    for deadline in due:
        late = " (overdue)" if deadline.is_overdue(today) else ""
        lines += [
            f"{name_of(deadline.page)}, due on {day(deadline.due_on)}{late}",
            settings.CMS_URL + addresses.edit_url(deadline.page),
            "",
        ]
    lines += [
        'If a page is right as it is, choose "Mark as reviewed today" in the menu of its edit screen, or ask',
        "a moderator to do so. If it is not, edit it and submit it for moderation.",
    ]
    return EmailMessage(
        subject="1 page is due for review" if one else f"{len(due)} pages are due for review",
        body="\n".join(lines),
        to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: asks for no automatic reply
    )
