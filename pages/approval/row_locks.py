"""Locks the rows of pages and snippets before they are unpublished, moved or deleted.

Wagtail reads the row, changes it, and sends its signals last (cms/publication/effects.py). Here all of that is one
transaction, for every screen, bulk action and command. A version that is approved at the same moment is published
either before or after it.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Model, Q
from django.http import HttpRequest
from wagtail.actions.delete_page import DeletePageAction
from wagtail.actions.move_page import MovePageAction
from wagtail.actions.unpublish import UnpublishAction
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.models import Page, Task, WorkflowState

from pages.confidential.hidden_objects import replace
from pages.models import ContentPage

Result = TypeVar("Result")


def replace_wagtail_parts() -> None:
    """Replace the methods. Called once, when the apps are loaded; Wagtail has no setting for it."""
    replace(UnpublishAction, "execute")(unpublish)
    replace(UnpublishPageAction, "execute")(unpublish)
    replace(MovePageAction, "execute")(move)
    replace(DeletePageAction, "execute")(delete)
    replace(WorkflowState, "update")(ask_the_first)


def ask_the_first(
    original: Callable[..., Result],
    state: WorkflowState,
    user: User | AnonymousUser | None = None,
    next_task: Task | None = None,
) -> Result:
    """Restart the workflow at its first task when a version is submitted again.

    Wagtail would continue at the task that sent the version back.
    """
    return original(state, user=user)


def hold(*pages: Page, above: bool = True) -> None:
    """Lock the pages, their descendants and (if `above`) their parents, and read their place in the tree again.

    Parents are locked because they count their children. Rows are locked from the top of the tree down, so that
    transactions that lock the same pages cannot deadlock.
    """
    for page in pages:
        page.refresh_from_db(fields=ContentPage.OF_THE_TREE)
    rows = Q(pk__in=[page.pk for page in pages])
    for page in pages:
        rows |= Q(path__startswith=page.path)
        if above:
            rows |= Q(path=page.path[: -page.steplen])
    held = ContentPage._base_manager.select_for_update(no_key=True).filter(rows).order_by("path")
    list(held.values_list("pk", "live"))  # a column of each of the two tables, so that both rows are locked
    for page in pages:
        page.refresh_from_db(fields=ContentPage.OF_THE_TREE)


def hold_all(request: HttpRequest, action_type: str, objects: Iterable[Model], action: BulkAction) -> None:
    """For Wagtail's hook `before_bulk_action`: lock all rows before the first one is changed."""
    pages = [obj for obj in objects if isinstance(obj, Page)]
    if pages:
        hold(*pages)


@transaction.atomic
def unpublish(
    original: Callable[..., Result], action: UnpublishAction | UnpublishPageAction, *args: object, **kwargs: object
) -> Result:
    obj = action.object
    if action.commit:  # otherwise it is about to be deleted, and `delete` has locked it
        if isinstance(obj, Page):
            hold(obj, above=False)
        else:
            obj.hold(obj.pk)
        obj.refresh_from_db()
    return original(action, *args, **kwargs)


@transaction.atomic
def move(original: Callable[..., Result], action: MovePageAction, *args: object, **kwargs: object) -> Result:
    hold(action.page, action.target)
    return original(action, *args, **kwargs)


@transaction.atomic
def delete(original: Callable[..., Result], action: DeletePageAction, *args: object, **kwargs: object) -> Result:
    """Whether the page may be deleted is checked again before its row is deleted (cms/publication/removal.py)."""
    hold(action.page)
    return original(action, *args, **kwargs)
