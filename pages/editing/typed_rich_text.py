"""Stores rich text in the form in which the editor widget would submit it unchanged.

The widget (Draftail) drops white space at the ends of a paragraph when it opens stored text. If that white space were
stored, an untouched form would submit a different text, and the colleague who saves it would count as its author.
"""

from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter

original = ContentstateConverter.to_database_format


def to_database_format(converter: ContentstateConverter, contentstate: str) -> str:
    """Convert twice: the second conversion gives what an untouched form submits."""
    typed = original(converter, contentstate)
    normalised: str = original(converter, converter.from_database_format(typed))
    return normalised


def install() -> None:
    """Replace the method of Wagtail's converter, for all rich text fields and blocks."""
    ContentstateConverter.to_database_format = to_database_format
