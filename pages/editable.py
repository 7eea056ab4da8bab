"""Which pages somebody may edit, as a queryset: the rule of `permissions_for_user(user).can_edit()` for whole lists.

The editor's home, the staff's calendar, the reminders and the report of broken links show nothing beyond it.
"""

from typing import Any

from django.db.models import Q, QuerySet
from wagtail.models import Page
from wagtail.permission_policies.pages import PagePermissionPolicy

from pages.models import ContentPage, DeathReviewIndexPage, DeathReviewNoticePage
from pages.models.death_reviews import HANDLE_DEATH_REVIEWS

OF_DEATH_REVIEWS = (DeathReviewIndexPage, DeathReviewNoticePage)


def editable_by(user: Any) -> QuerySet[ContentPage]:
    """Death reviews are only for people who may handle them. A task of a workflow, which lets its approvers into the
    edit screen while it lasts, counts for nothing here."""
    allowed = PagePermissionPolicy().instances_user_has_permission_for(user, "change")
    pages = ContentPage.objects.filter(pk__in=allowed.values("pk"))
    return pages if user.has_perm(HANDLE_DEATH_REVIEWS) else without_death_reviews(pages)


def without_death_reviews(pages: QuerySet[ContentPage]) -> QuerySet[ContentPage]:
    return pages.exclude(Q(deathreviewindexpage__isnull=False) | Q(deathreviewnoticepage__isnull=False))


def may_see(user: Any, thing: Any) -> bool:
    """Whether a list may name this page or snippet to somebody who otherwise has to do with it."""
    page = thing.specific if isinstance(thing, Page) else thing
    return not isinstance(page, OF_DEATH_REVIEWS) or user.has_perm(HANDLE_DEATH_REVIEWS)
