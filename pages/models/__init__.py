"""All page types, snippets and records, one module per subject."""

from pages.models.approvals import Approval
from pages.models.base import ChangeNote, ContentPage, PageDocument
from pages.models.business_as_usual import BusinessAsUsualPage, WorkArea, WorkTopic
from pages.models.death_reviews import (
    DeathReviewIndexPage,
    DeathReviewNoticePage,
    NoticeSupportService,
    Recommendation,
    ReviewDocument,
)
from pages.models.draft_previews import DraftPreview
from pages.models.meetings import AgendaItem, MeetingChange, MeetingIndexPage, MeetingPage, Paper
from pages.models.moderation import FourEyesTask, RoleGroup
from pages.models.news import NewsIndexPage, NewsPage
from pages.models.outgoing_mail import OutgoingMail
from pages.models.page_visibility import PageVisibility
from pages.models.partnership import Membership, PartnershipPage, RelatedLink
from pages.models.priorities import Action, EvidenceStatement, PriorityPage, PriorityPeriodPage
from pages.models.public_records import ContentVersion, PublicAddress, PublicChange, PublicRecord, Takedown
from pages.models.publications import (
    AnnualReviewPage,
    CommunitySafetyPlanPage,
    InsightPage,
    Outcome,
    PublicationIndexPage,
)
from pages.models.search_text import SearchText
from pages.models.shown_pages import ShownPage
from pages.models.snippets import Agency, Alert, Contact, LegalBasis, SupportService, Topic, Venue
from pages.models.staff_deadlines import ReviewReminder, StaffCalendar
from pages.models.standard import StandardPage

__all__ = [
    "Action",
    "Agency",
    "AgendaItem",
    "Alert",
    "AnnualReviewPage",
    "Approval",
    "BusinessAsUsualPage",
    "ChangeNote",
    "CommunitySafetyPlanPage",
    "Contact",
    "ContentPage",
    "ContentVersion",
    "DeathReviewIndexPage",
    "DeathReviewNoticePage",
    "DraftPreview",
    "EvidenceStatement",
    "FourEyesTask",
    "InsightPage",
    "LegalBasis",
    "MeetingChange",
    "MeetingIndexPage",
    "MeetingPage",
    "Membership",
    "NewsIndexPage",
    "NewsPage",
    "NoticeSupportService",
    "Outcome",
    "OutgoingMail",
    "PageDocument",
    "PageVisibility",
    "Paper",
    "PartnershipPage",
    "PriorityPage",
    "PriorityPeriodPage",
    "PublicAddress",
    "PublicChange",
    "PublicRecord",
    "PublicationIndexPage",
    "Recommendation",
    "RelatedLink",
    "ReviewDocument",
    "ReviewReminder",
    "RoleGroup",
    "SearchText",
    "ShownPage",
    "StaffCalendar",
    "StandardPage",
    "SupportService",
    "Takedown",
    "Topic",
    "Venue",
    "WorkArea",
    "WorkTopic",
]
