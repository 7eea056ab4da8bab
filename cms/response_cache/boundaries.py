"""The instants at which an answer changes although nobody changes anything.

The three lists name every field with a date or time of the public models. A new field must be entered in one of them:
tests/test_response_cache.py compares them with the models.
"""

from datetime import datetime, time, timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from feeds.models import FeedItem
from pages.models import Alert, MeetingPage, PageVisibility
from pages.models.snippets import ModeratedSnippet

# Fields after whose instant an answer may be another one.
CHANGES_WITH_TIME: dict[type[Model], tuple[str, ...]] = {
    Alert: ("active_from", "active_until", "expire_at"),
    FeedItem: ("published", "updated"),
    MeetingPage: ("starts_at",),
    PageVisibility: ("until",),
    **{model: ("expire_at",) for model in ModeratedSnippet.__subclasses__() if model is not Alert},
}
# Compared with the local day only: everything that is dropped for its age is dropped at the start of a day.
CHANGES_AT_THE_START_OF_A_DAY = {
    "feeds.FeedItem.ended_at",
    "pages.CommunitySafetyPlanPage.effective_from",
    "pages.CommunitySafetyPlanPage.effective_to",
    "pages.ContentPage.withdrawn_at",
    "pages.PriorityPeriodPage.ends_on",
    "pages.PriorityPeriodPage.starts_on",
}
# Shown, or not even that, and compared with nothing; or in the past when they are written.
NEVER_CHANGES_AN_ANSWER = {
    "cms.RegisteredDocument.registered_at",
    "documents.Document.created_at",
    "documents.Image.created_at",
    "documents.PublicFileRecord.first_public_at",
    "documents.PublishedFile.first_public_at",
    "feeds.FeedPlace.left_at",
    "feeds.FeedState.written_at",
    "pages.Action.due_on",
    "pages.ChangeNote.at",
    "pages.ContentPage.last_reviewed_on",
    "pages.ContentPage.marked_reviewed_at",
    "pages.ContentPage.next_review_due_on",
    "pages.ContentPage.public_updated_at",
    "pages.DeathReviewNoticePage.family_informed_on",
    "pages.DeathReviewNoticePage.minimum_online_until",
    "pages.DeathReviewNoticePage.qa_letter_on",
    "pages.DeathReviewNoticePage.sent_to_commissioner_on",
    "pages.InsightPage.disclosure_checked_on",
    "pages.MeetingChange.at",
    "pages.MeetingPage.ends_at",
    "pages.MeetingPage.questions_deadline",
    "pages.PageVisibility.first_published_at",
    "pages.PublicAddress.since",
    "pages.PublicChange.at",
    "pages.PublicRecord.ended_at",
    "pages.PublicRecord.first_public_at",
    "pages.Recommendation.due_on",
    "pages.Takedown.at",
    "pages.Takedown.confirmed_at",
    "pages.Takedown.ended_at",
    "wagtailcore.Page.expire_at",  # PageVisibility.until has it
    "wagtailcore.Page.first_published_at",
    "wagtailcore.Page.go_live_at",
    "wagtailcore.Page.last_published_at",
    "wagtailcore.Page.latest_revision_created_at",
    "wagtailcore.Page.locked_at",
    "wagtailredirects.Redirect.created_at",
    *(
        f"{model._meta.label}.{field}"
        for model in ModeratedSnippet.__subclasses__()
        for field in ("first_published_at", "go_live_at", "last_published_at")
    ),
}


def next_boundary(as_of: datetime) -> datetime:
    """The first instant after this one at which an answer may change by itself: at the latest, the next local day."""
    return min([_next_day(as_of), *(found for rows in _rows(as_of) if (found := rows.first()) is not None)])


def _next_day(as_of: datetime) -> datetime:
    return datetime.combine(timezone.localdate(as_of) + timedelta(days=1), time(), timezone.get_default_timezone())


def _rows(as_of: datetime) -> list[QuerySet[Model, datetime]]:
    return [
        model._default_manager.filter(**{f"{field}__gt": as_of}).order_by(field).values_list(field, flat=True)
        for model, fields in CHANGES_WITH_TIME.items()
        for field in fields
    ]
