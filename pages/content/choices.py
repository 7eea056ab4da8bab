"""The values that fields of pages and snippets can take.

Each class is also a public GraphQL enum of the same name, unless it is listed in `PRIVATE`.
"""

from django.db.models import TextChoices


class MembershipRole(TextChoices):
    """In what role an agency takes part in the partnership."""

    RESPONSIBLE_AUTHORITY = "responsible-authority", "Responsible authority (statutory member)"
    NON_STATUTORY_MEMBER = "non-statutory-member", "Non-statutory member"
    OBSERVER = "observer", "Observer"
    UNCONFIRMED = "unconfirmed", "Not confirmed"


class AgencySector(TextChoices):
    """What kind of organisation an agency is."""

    COUNCIL = "council", "Council"
    POLICE = "police", "Police"
    FIRE = "fire", "Fire and rescue"
    PROBATION = "probation", "Probation"
    HEALTH = "health", "Health"
    TRANSPORT_POLICE = "transport-police", "Transport police"
    BUSINESS = "business", "Business"
    VOLUNTARY = "voluntary", "Voluntary sector"
    HIGHER_EDUCATION = "higher-education", "Higher education"
    PCC_OFFICE = "pcc-office", "Office of a Police and Crime Commissioner"


class ActionHorizon(TextChoices):
    """By when an action is meant to be done."""

    IN_YEAR = "in-year", "In the year ahead"
    STRATEGY_LIFE = "strategy-life", "Over the life of the strategy"
    DELIVERED = "delivered", "Delivered"


class ActionStatus(TextChoices):
    """How far an action or recommendation is, as reported."""

    NOT_REPORTED = "not-reported", "Not reported"
    NOT_STARTED = "not-started", "Not started"
    IN_PROGRESS = "in-progress", "In progress"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"


class Direction(TextChoices):
    """Which way a figure went."""

    UP = "up", "Up"
    DOWN = "down", "Down"
    SAME = "same", "The same"


class LeadershipKind(TextChoices):
    """Whether work is done in a working group or is an area of work."""

    CHAIR = "chair", "Working group, with a chair"
    LEAD = "lead", "Area of work, with a lead"


class MeetingStatus(TextChoices):
    """Whether a meeting takes place as announced."""

    PROVISIONAL = "provisional", "Provisional"
    CONFIRMED = "confirmed", "Confirmed"
    RESCHEDULED = "rescheduled", "Rescheduled"
    POSTPONED = "postponed", "Postponed"
    CANCELLED = "cancelled", "Cancelled"
    HELD = "held", "Held"


class MeetingWhen(TextChoices):
    """Which meetings to list."""

    ALL = "all", "All, the latest first"
    UPCOMING = "upcoming", "Those that have not started, the soonest first"
    PAST = "past", "Those that have started, the latest first"


class OpenToPublic(TextChoices):
    """Whether residents may come to a meeting."""

    OPEN = "open", "Open to the public"
    PART = "part", "Open in part"
    CLOSED = "closed", "Closed to the public"


class AttendanceMode(TextChoices):
    """How people take part in a meeting."""

    IN_PERSON = "in-person", "In person"
    ONLINE = "online", "Online"
    HYBRID = "hybrid", "In person and online"


class AgendaItemAccess(TextChoices):
    """Whether the public may hear an agenda item."""

    PUBLIC = "public", "Public"
    EXEMPT = "exempt", "Exempt: the public is asked to leave"


class PaperKind(TextChoices):
    """What a paper of a meeting is."""

    AGENDA = "agenda", "Agenda"
    REPORT = "report", "Report"
    SUPPLEMENT = "supplement", "Supplement"
    DRAFT_MINUTES = "draft-minutes", "Draft minutes"
    MINUTES = "minutes", "Approved minutes"


class YesNoUnknown(TextChoices):
    """A fact that may not be known."""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNKNOWN = "unknown", "Not known"


class PeriodStatus(TextChoices):
    """Whether a priority period is past, current or in the future."""

    PAST = "past", "Over, or replaced by a later period"
    CURRENT = "current", "Current"
    FUTURE = "future", "Not started"


class PlanAvailability(TextChoices):
    """How a plan can be had."""

    ONLINE = "online", "Online"
    ON_REQUEST = "on-request", "On request"
    ARCHIVED = "archived", "Archived"


class InsightKind(TextChoices):
    """What kind of insight it is."""

    STRATEGIC_ASSESSMENT = "strategic-assessment", "Strategic assessment"
    OTHER_REPORT = "other-report", "Other report"
    DATASET = "dataset", "Dataset"


class PublicationKind(TextChoices):
    """Which publications a section holds."""

    PLANS = "plans", "Community safety plans"
    INSIGHTS = "insights", "Insights"
    ANNUAL_REVIEWS = "annual-reviews", "Annual reviews"


class CalloutTone(TextChoices):
    """What a highlighted text is for."""

    INFORMATION = "information", "Information"
    WARNING = "warning", "Warning"
    SUPPORT = "support", "Where to get support"


class AlertSeverity(TextChoices):
    """How serious an alert is."""

    NOTICE = "notice", "Notice"
    WARNING = "warning", "Warning"
    EMERGENCY = "emergency", "Emergency"


class ReviewDocumentKind(TextChoices):
    """Which document of a death review it is."""

    OVERVIEW_REPORT = "overview-report", "Overview report"
    EXECUTIVE_SUMMARY = "executive-summary", "Executive summary"
    ACTION_PLAN = "action-plan", "Action plan"
    QUALITY_ASSURANCE_LETTER = "quality-assurance-letter", "Quality assurance letter"
    LEARNING_BRIEFING = "learning-briefing", "Learning briefing"
    EASY_READ = "easy-read", "Easy read version"


class ReviewDocumentState(TextChoices):
    """Whether a document of a death review is published."""

    PUBLISHED = "published", "Published"
    WITHHELD = "withheld", "Withheld, with a reason"
    NOT_PRODUCED = "not-produced", "Not produced"


class RecommendationLevel(TextChoices):
    """Whom a recommendation is addressed to."""

    LOCAL = "local", "Local"
    COUNTY = "county", "County"
    NATIONAL = "national", "National"


class PublicationDecision(TextChoices):
    """How much of a death review is published."""

    FULL = "full", "Publish in full"
    REDACTED = "redacted", "Publish with redactions"
    SUMMARY_ONLY = "summary-only", "Publish a summary only"
    DECLINED = "declined", "Do not publish the review"


class WithdrawalKind(TextChoices):
    """In what way a page was taken away."""

    WITHDRAWN = "withdrawn", "Withdrawn, with an explanation"
    REDIRECT = "redirect", "Redirected to another page"
    GONE = "gone", "Gone, without an explanation"


class FeedFormat(TextChoices):
    """In what form a feed comes."""

    RSS = "rss", "RSS 2.0"
    ATOM = "atom", "Atom 1.0"
    JSON = "json", "JSON Feed 1.1"
    ICALENDAR = "ics", "iCalendar"


class ChangeKind(TextChoices):
    """What happened to a page."""

    PUBLISHED = "published", "It became public"
    UPDATED = "updated", "A newer version was published"
    MOVED = "moved", "Its address changed"
    WITHDRAWN = "withdrawn", "It is not public any more"
    DELETED = "deleted", "It was deleted"


class UpdateKind(TextChoices):
    """Whether an update notifies readers."""

    MINOR = "minor", "Minor: a correction that readers need not be told about"
    MAJOR = "major", "Major: readers are told"


class ApprovalRole(TextChoices):
    """In what role somebody approved a version."""

    MODERATOR = "moderator", "Moderator"
    SAFEGUARDING_LEAD = "safeguarding-lead", "Safeguarding lead"
    FAST_LANE = "fast-lane", "Moderator, in the fast lane"
    COMMAND = "command", "Command of the system"


class Role(TextChoices):
    """The role of a group of users, with the name that a new group gets."""

    EDITOR = "editor", "Editors"
    MODERATOR = ApprovalRole.MODERATOR.value, "Moderators"
    SAFEGUARDING_LEAD = ApprovalRole.SAFEGUARDING_LEAD.value, "Safeguarding leads"


class DeathReviewStage(TextChoices):
    """The stage of a death review. Restricted."""

    NOTIFIED = "notified", "Notified"
    DECISION = "decision", "Decision whether to review"
    COMMISSIONED = "commissioned", "Commissioned"
    NOT_COMMISSIONED = "not-commissioned", "Not commissioned"
    IN_PROGRESS = "in-progress", "In progress"
    PAUSED = "paused", "Paused"
    FAMILY_REVIEW = "family-review", "With the family"
    AGREED = "agreed", "Agreed by the partnership"
    QUALITY_ASSURANCE = "quality-assurance", "Submitted to quality assurance"
    CHANGES_REQUIRED = "changes-required", "Changes required by quality assurance"
    CLEARED = "cleared", "Cleared"
    CHECKS = "checks", "Checks before publication"
    SCHEDULED = "scheduled", "Scheduled"
    PUBLISHED = "published", "Published"
    MONITORING = "monitoring", "Monitoring the action plan"
    RETENTION_REVIEW = "retention-review", "Review of how long to keep it online"
    EXTENDED = "extended", "Kept online for longer"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DECLINED = "declined", "Publication declined"


class QualityAssuranceOutcome(TextChoices):
    """The result of quality assurance. Restricted."""

    NOT_SUBMITTED = "not-submitted", "Not submitted"
    WAITING = "waiting", "Waiting"
    CHANGES_REQUIRED = "changes-required", "Changes required"
    CLEARED = "cleared", "Cleared"


class LegalClearance(TextChoices):
    """Whether lawyers have cleared publication. Restricted."""

    NOT_ASKED = "not-asked", "Not asked for"
    WAITING = "waiting", "Waiting"
    REFUSED = "refused", "Refused"
    GIVEN = "given", "Given"


# Enumerations that are not in the public schema.
PRIVATE = (UpdateKind, ApprovalRole, DeathReviewStage, QualityAssuranceOutcome, LegalClearance)
