"""Template tags and filters for pages/templates/pages/."""

from typing import Any

from django.db.models import Model
from django.template import Library
from django.template.context import Context
from django.utils.safestring import SafeString

from pages.content import plain_words
from pages.graphql.public_fields import split_lines
from pages.models import ContentPage, MeetingPage
from pages.models.meetings import same_number
from pages.reading import page_html
from pages.visibility import current, rule

register = Library()
register.filter("day", plain_words.day)
register.filter("day_and_weekday", plain_words.day_and_weekday)
register.filter("local", plain_words.local)
register.filter("when", plain_words.when)
register.filter("place", plain_words.place)
register.filter("lines", split_lines)
register.filter("changes_told", lambda meeting, venue: meeting.changes_told(venue))


@register.simple_tag(takes_context=True)
def rich_text(context: Context, obj: Model, name: str) -> SafeString:
    """A rich text field as HTML."""
    return page_html.rich_text_html(obj, getattr(obj, name), context["loader"])


@register.simple_tag(takes_context=True)
def blocks(context: Context, page: ContentPage, name: str) -> SafeString:
    """A StreamField as HTML."""
    return page_html.blocks_html(page, getattr(page, name), context["loader"])


@register.simple_tag(takes_context=True)
def public(context: Context, obj: Model, name: str) -> Any:
    """The target of a foreign key of `obj`, or None if it is not public. Templates must not follow foreign keys."""
    return page_html.related(obj, name, context["loader"])


@register.simple_tag(takes_context=True)
def current_work(context: Context) -> dict[str, Any]:
    """The current period with its priorities, the current plan and the next meeting, for the home page."""
    as_of = context["at"]
    period, plan, meeting = current.periods(as_of)[1], current.current_plan(as_of), current.next_meeting(as_of)
    return {
        "period": page_html.link_to(period) if period else None,
        "priorities": [page_html.link_to(each) for each in rule.public(period.listed_pages(), as_of)] if period else [],
        "plan": page_html.link_to(plan) if plan else None,
        "meeting": page_html.link_to(meeting) if meeting else None,
        "meeting_note": meeting.note_in_lists() if meeting else "",
    }


@register.simple_tag(takes_context=True)
def papers(context: Context, meeting: MeetingPage, item: str = "") -> list[page_html.PublicPaper]:
    """The public papers of an agenda item, or without `item` those of no agenda item."""
    return page_html.papers(meeting, context["loader"], same_number(item))


@register.simple_tag(takes_context=True)
def documents(context: Context, page: ContentPage, data_files: bool = False) -> list[page_html.File]:
    """The public documents of a page: its data files, or all others."""
    return page_html.documents(page, context["loader"], data_files)
