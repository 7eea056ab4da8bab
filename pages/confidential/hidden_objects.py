"""Keeps Wagtail's widgets, forms and screens from revealing pages and files that the user may not choose.

Wagtail looks up referenced objects by primary key for every user, and accepts every key that a form submits. It has no
setting for either, so this module replaces the functions that do so. pages/confidential/choosable.py has the rule.
tests/test_references.py puts a restricted page and restricted files into every field and requests every screen, so it
fails if a new version of Wagtail looks them up elsewhere.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import shortcuts
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Manager, Model, QuerySet
from django.forms import BaseForm, Form, ModelChoiceField
from django.http import HttpRequest, HttpResponse
from wagtail.admin import compare
from wagtail.admin.forms.collections import BaseGroupCollectionMemberPermissionFormSet
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.rich_text.converters.contentstate_models import Entity
from wagtail.admin.rich_text.converters.html_to_contentstate import PageLinkElementHandler
from wagtail.admin.views.chooser import ExternalLinkView
from wagtail.admin.views.pages.copy import CopyView
from wagtail.admin.widgets.chooser import BaseChooser
from wagtail.blocks import Block, ChooserBlock
from wagtail.documents.rich_text.contentstate import DocumentLinkElementHandler
from wagtail.images.rich_text.contentstate import ImageElementHandler
from wagtail.models import Collection, GroupCollectionPermission, Page

from documents.models import Document, Image
from pages.confidential.choosable import is_out_of_reach, refuse
from pages.confidential.current_request import current_user
from pages.confidential.permissions import LONGEST_KEY, hides_death_reviews, in_sight, is_hidden

NOT_SHOWN = "Something that does not exist or that you may not see"
NO_PICTURE = {"url": "data:,", "width": 0, "height": 0}
Original = Callable[..., Any]  # the replaced function


def replace(owner: object, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace a function of a class or module. The new function gets the original one as its first argument.

    Raises AttributeError if there is no function of this name.
    """
    original = getattr(owner, name)

    def set_replacement(function: Callable[..., Any]) -> None:
        setattr(owner, name, wraps(original)(lambda *args, **kwargs: function(original, *args, **kwargs)))

    return set_replacement


def replace_wagtail_parts() -> None:
    """Replace the functions. Called once, when the apps are loaded."""
    replace(WagtailAdminModelForm, "is_valid")(is_valid)
    replace(WagtailAdminModelForm, "_clean_form")(clean_form)
    replace(shortcuts, "_get_queryset")(visible_queryset)
    replace(CopyView, "post")(copy_to_parent)
    replace(BaseGroupCollectionMemberPermissionFormSet, "__init__")(init_with_visible_permissions)
    replace(BaseGroupCollectionMemberPermissionFormSet, "add_fields")(add_visible_collections)
    replace(BaseGroupCollectionMemberPermissionFormSet, "save")(save_visible_permissions)
    replace(ExternalLinkView, "post")(link_by_address)
    replace(BaseForm, "_clean_fields")(clean_fields)
    replace(ModelChoiceField, "to_python")(visible_choice)
    replace(ChooserBlock, "value_from_form")(value_from_form)
    replace(ChooserBlock, "clean")(clean_block)
    replace(BaseChooser, "get_value_data")(value_data)
    replace(PageLinkElementHandler, "get_attribute_data")(page_link)
    replace(DocumentLinkElementHandler, "get_attribute_data")(document_link)
    replace(ImageElementHandler, "create_entity")(image_in_text)
    replace(compare.ForeignObjectComparison, "get_objects")(compared_objects)
    replace(compare, "get_comparison_class_for_block")(comparison_of_block)


# --- Objects that views look up ---


def visible_queryset(original: Original, rows: type[Model] | Manager[Any] | QuerySet[Any]) -> Any:
    """For `get_object_or_404` and `get_list_or_404`, with which views look up submitted keys."""
    found = original(rows)
    if isinstance(found, Manager):
        found = found.all()
    return in_sight(found) if isinstance(found, QuerySet) else found


def copy_to_parent(
    original: Original, view: CopyView, request: HttpRequest, *args: object, **kwargs: object
) -> HttpResponse:
    """If the new parent is missing or hidden, let the form refuse it, as it does other invalid pages."""
    key = request.POST.get("new_parent_page", "")
    if key.isdecimal() and len(key) <= LONGEST_KEY and in_sight(Page.objects.filter(pk=key)).exists():
        return original(view, request, *args, **kwargs)
    view.parent_page = view.page.get_parent()
    return super(CopyView, view).post(request, *args, **kwargs)


def link_by_address(original: Original, view: ExternalLinkView, request: HttpRequest) -> HttpResponse:
    """Wagtail turns a link to an address of this site into a link to its page. Not if the user may not choose it."""
    response = original(view, request)
    data = json.loads(response.content)
    page = data.get("internal") or data.get("result") or {}
    if "id" in page and is_out_of_reach(Page, page["id"]):
        return view.render_chosen_response(view.get_result_data())
    return response


# --- Values that forms accept ---


def is_valid(original: Original, form: WagtailAdminModelForm) -> bool:
    """Pass the stored rows of each formset to its forms."""
    for formset in form.formsets.values():
        for row in formset.forms if form.is_bound else ():
            row.stored_rows = list(formset.get_queryset())
    return original(form)


def clean_form(original: Original, form: WagtailAdminModelForm) -> None:
    original(form)
    refuse(form, getattr(form, "stored_rows", ()))


def clean_fields(original: Original, form: Any) -> None:
    """Make fields refuse hidden objects, except the one that was chosen before.

    Forms of pages, snippets and files are excepted: `refuse` checks them as a whole.
    """
    checked_as_a_whole = isinstance(form, WagtailAdminModelForm)
    for name, field in form.fields.items():
        field.stored_value = None if checked_as_a_whole else form.get_initial_for_field(field, name)
        field.refuses_hidden = not checked_as_a_whole
    original(form)


def visible_choice(original: Original, field: Any, value: object) -> Any:
    """Refuse hidden objects and keys that are too large for the database as choices that do not exist."""
    invalid = ValidationError(field.error_messages["invalid_choice"], "invalid_choice", {"value": value})
    try:
        found = original(field, value)
    except OverflowError:
        raise invalid from None
    if getattr(field, "refuses_hidden", False) and isinstance(found, Model) and is_hidden(found):
        stored = field.stored_value
        if found.pk != (stored.pk if isinstance(stored, Model) else stored):
            raise invalid
    return found


def value_from_form(original: Original, block: ChooserBlock, value: Any) -> Model | None:
    """Keep the key of an object that does not exist, so that `refuse` reports it like one that may not be chosen."""
    try:
        found = original(block, value)
    except (ValueError, OverflowError):  # the value is not a primary key
        return None
    return block.model_class(pk=value) if found is None and value and current_user() is not None else found


def clean_block(original: Original, block: ChooserBlock, value: object) -> Any:
    """Leave objects that do not exist or are hidden to `refuse`, which checks the form as a whole."""
    unseen = isinstance(value, Model) and (value._state.adding or is_hidden(value))
    return value if unseen else original(block, value)


# --- Data that screens show ---


def value_data(original: Original, widget: BaseChooser, value: object) -> dict[str, Any] | None:
    key = value.pk if isinstance(value, Model) else value
    if key in (None, "") or not is_out_of_reach(widget.model_class, key):
        return original(widget, value)
    data = {"id": key, "edit_url": "", "title": NOT_SHOWN, widget.display_title_key: NOT_SHOWN}
    return {**data, "parent_id": None, "preview": NO_PICTURE, "default_alt_text": ""}


def page_link(original: Original, handler: PageLinkElementHandler, attrs: dict[str, str]) -> dict[str, Any]:
    if is_out_of_reach(Page, attrs["id"]):
        return {"id": attrs["id"], "url": None, "parentId": None}
    return original(handler, attrs)


def document_link(original: Original, handler: DocumentLinkElementHandler, attrs: dict[str, str]) -> dict[str, Any]:
    key = attrs.get("id")
    return {"id": key} if key and is_out_of_reach(Document, key) else original(handler, attrs)


def image_in_text(
    original: Original, handler: ImageElementHandler, name: str, attrs: dict[str, str], *args: object
) -> Entity:
    if is_out_of_reach(Image, attrs["id"]):
        data = {"id": attrs["id"], "src": "", "alt": attrs.get("alt"), "format": attrs["format"]}
        return Entity("IMAGE", "IMMUTABLE", data)
    return original(handler, name, attrs, *args)


def _visible_or_none(value: object) -> object:
    return None if isinstance(value, Model) and is_out_of_reach(type(value), value.pk) else value


def compared_objects(original: Original, comparison: compare.ForeignObjectComparison) -> tuple[object, object]:
    before, after = original(comparison)
    return _visible_or_none(before), _visible_or_none(after)


def comparison_of_block(original: Original, block: Block) -> type:
    comparison = original(block)
    if isinstance(block, ChooserBlock):
        return type(comparison.__name__, (_ChooserBlockComparison, comparison), {})
    return comparison


class _ChooserBlockComparison:
    def __init__(self, block: Block, exists_a: bool, exists_b: bool, val_a: object, val_b: object) -> None:
        values = _visible_or_none(val_a), _visible_or_none(val_b)
        super().__init__(block, exists_a, exists_b, *values)  # type: ignore[call-arg]

    def htmlvalue(self, val: object) -> str:
        return super().htmlvalue(_visible_or_none(val))  # type: ignore[misc]


# --- Permissions on collections, on the screen of a group ---


def init_with_visible_permissions(
    original: Original, formset: BaseGroupCollectionMemberPermissionFormSet, *args: object, **kwargs: object
) -> None:
    original(formset, *args, **kwargs)
    formset.initial = [row for row in formset.initial if not is_hidden(row["collection"])]


def add_visible_collections(
    original: Original, formset: BaseGroupCollectionMemberPermissionFormSet, form: Form, index: int | None
) -> None:
    original(formset, form, index)
    field: Any = form.fields["collection"]
    field.queryset = in_sight(field.queryset)


@transaction.atomic
def save_visible_permissions(original: Original, formset: BaseGroupCollectionMemberPermissionFormSet) -> None:
    """Save the permissions on the screen and keep those on hidden collections.

    Wagtail's method removes each permission that is not on the screen.
    """
    if not hides_death_reviews():
        original(formset)
        return
    rows = [form.cleaned_data for form in formset.forms if form not in formset.deleted_forms]
    wanted = {
        (row["collection"], permission) for row in rows if "collection" in row for permission in row["permissions"]
    }
    stored = formset.instance.collection_permissions.filter(
        permission__in=formset.permission_queryset, collection__in=in_sight(Collection.objects.all())
    )
    had = {(each.collection, each.permission): each for each in stored.select_related("collection", "permission")}
    removed = [row.pk for pair, row in had.items() if pair not in wanted]
    formset.instance.collection_permissions.filter(pk__in=removed).delete()
    GroupCollectionPermission.objects.bulk_create(
        GroupCollectionPermission(group=formset.instance, collection=collection, permission=permission)
        for collection, permission in wanted - had.keys()
    )
