"""What unpublishes, moves or deletes a page or shared text holds the rows first, and does all of it or nothing.

Wagtail reads, then changes the row, and only then says so (cms/publication/effects.py). Here that is one transaction,
whatever
screen, bulk action or code asks: a version that is approved at the same moment comes wholly before or wholly after.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q
from wagtail.actions.delete_page import DeletePageAction
from wagtail.actions.move_page import MovePageAction
from wagtail.actions.unpublish import UnpublishAction
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.models import Page, WorkflowState

from pages.confidential.hidden_objects import replace
from pages.models import ContentPage


def replace_wagtail_parts() -> None:
    """Called once, when the apps are loaded. Wagtail has no setting for it."""
    replace(UnpublishAction, "execute")(unpublish)
    replace(UnpublishPageAction, "execute")(unpublish)
    replace(MovePageAction, "execute")(move)
    replace(DeletePageAction, "execute")(delete)
    replace(WorkflowState, "update")(ask_the_first)


def ask_the_first(original: Any, state: WorkflowState, user: Any = None, next_task: Any = None) -> Any:
    """What was sent back by the second of two people is asked about from the beginning, and not at the second."""
    return original(state, user=user)


def hold(*pages: Page, above: bool = True) -> None:
    """Hold the pages, all below them, and the pages above, which count those below; and read where they are now.

    From above to below, so that two who hold some of the same, or one page first, do not wait for each other.
    """
    for page in pages:
        page.refresh_from_db(fields=ContentPage.OF_THE_TREE)
    rows = Q(pk__in=[page.pk for page in pages])
    for page in pages:
        rows |= Q(path__startswith=page.path)
        if above:
            rows |= Q(path=page.path[: -page.steplen])
    held = ContentPage._base_manager.select_for_update(no_key=True).filter(rows).order_by("path")
    list(held.values_list("pk", "live"))  # of both tables
    for page in pages:
        page.refresh_from_db(fields=ContentPage.OF_THE_TREE)


def hold_all(request: Any, action_type: str, objects: list[Any], action: Any) -> None:
    """For Wagtail's hook `before_bulk_action`: all rows before the first of them is changed."""
    pages = [obj for obj in objects if isinstance(obj, Page)]
    if pages:
        hold(*pages)


@transaction.atomic
def unpublish(original: Any, action: Any, *args: Any, **kwargs: Any) -> Any:
    obj = action.object
    if action.commit:  # else it is about to be deleted, and held
        if isinstance(obj, Page):
            hold(obj, above=False)
        else:
            obj.hold(obj.pk)
        obj.refresh_from_db()
    return original(action, *args, **kwargs)


@transaction.atomic
def move(original: Any, action: Any, *args: Any, **kwargs: Any) -> Any:
    hold(action.page, action.target)
    return original(action, *args, **kwargs)


@transaction.atomic
def delete(original: Any, action: Any, *args: Any, **kwargs: Any) -> Any:
    """Whether it may go is asked again after this, when its row is about to go (cms/publication/removal.py)."""
    hold(action.page)
    return original(action, *args, **kwargs)
