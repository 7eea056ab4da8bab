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


class PictureCrop(TextChoices):
    """The crops of pictures in `srcset`. The focal point stays in view."""

    WHOLE = "whole", "The whole picture, in its own shape."
    LANDSCAPE = "landscape", "16 : 9."
    WIDE = "wide", "8 : 3."
    SQUARE = "square", "1 : 1."


class PictureWidth(TextChoices):
    """The widths of pictures in `srcset`."""

    W320 = "320", "320 pixels."
    W640 = "640", "640 pixels."
    W960 = "960", "960 pixels."
    W1280 = "1280", "1,280 pixels."
    W1920 = "1920", "1,920 pixels."


class PictureFormat(TextChoices):
    """The file formats of pictures in `srcset`."""

    AVIF = "avif", "The smallest files. Offer it before WebP, because some browsers do not show it."
    WEBP = "webp", "All current browsers show it."
