"""The choices of fields of documents. Their names are those of the GraphQL enumerations."""

from django.db.models import TextChoices


class DocumentKind(TextChoices):
    """What a document is."""

    REPORT = "report", "Report"
    PLAN = "plan", "Plan"
    AGENDA = "agenda", "Agenda"
    MINUTES = "minutes", "Minutes"
    DATASET = "dataset", "Data file"
    LETTER = "letter", "Letter"
    BRIEFING = "briefing", "Briefing"
    EASY_READ = "easy-read", "Easy read version"
    OTHER = "other", "Other"


class DocumentAccessibility(TextChoices):
    """Whether a document works with a screen reader."""

    YES = "yes", "Yes, it was checked"
    PARTIAL = "partial", "Partly"
    NO = "no", "No"
    UNKNOWN = "unknown", "Not known"
