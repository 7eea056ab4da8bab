"""What the admin's own widgets and screens tell of a page or file that something refers to: only what the person who
asks may choose (pages/confidential/choosable.py).

Wagtail looks these up by their keys for everybody, and takes what a form sends. It has no setting for either, so the
places where it does are replaced here, all in one. tests/test_references.py puts a restricted page and restricted files
into every field and asks every screen, so that it notices when a new version of Wagtail looks them up elsewhere.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import shortcuts
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Manager, Model, QuerySet
from django.forms import BaseForm, ModelChoiceField
from wagtail.admin import compare
from wagtail.admin.forms.collections import BaseGroupCollectionMemberPermissionFormSet
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.admin.rich_text.converters.contentstate_models import Entity
from wagtail.admin.rich_text.converters.html_to_contentstate import PageLinkElementHandler
from wagtail.admin.views.chooser import ExternalLinkView
from wagtail.admin.views.pages.copy import CopyView
from wagtail.admin.widgets.chooser import BaseChooser
from wagtail.blocks import ChooserBlock
from wagtail.documents.rich_text.contentstate import DocumentLinkElementHandler
from wagtail.images.rich_text.contentstate import ImageElementHandler
from wagtail.models import Collection, GroupCollectionPermission, Page

from documents.models import Document, Image
from pages.confidential.choosable import is_out_of_reach, refuse
from pages.confidential.current_request import current_user
from pages.confidential.permissions import LONGEST_KEY, hides_death_reviews, in_sight, is_hidden

NOT_SHOWN = "Something that is not there, or not for you to see"
NO_PICTURE = {"url": "data:,", "width": 0, "height": 0}


def replace(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """The function takes the place of the attribute, which it gets as its first argument. Raises AttributeError when
    there is no such attribute (any more)."""
    original = getattr(owner, name)

    def put(function: Callable[..., Any]) -> None:
        setattr(owner, name, wraps(original)(lambda *args, **kwargs: function(original, *args, **kwargs)))

    return put


def replace_wagtail_parts() -> None:
    """Called once, when the apps are loaded."""
    replace(WagtailAdminModelForm, "is_valid")(is_valid)
    replace(WagtailAdminModelForm, "_clean_form")(clean_form)
    replace(shortcuts, "_get_queryset")(looked_up)
    replace(CopyView, "post")(copy_below)
    replace(BaseGroupCollectionMemberPermissionFormSet, "__init__")(rights_in_sight)
    replace(BaseGroupCollectionMemberPermissionFormSet, "add_fields")(collections_to_choose)
    replace(BaseGroupCollectionMemberPermissionFormSet, "save")(save_rights_in_sight)
    replace(ExternalLinkView, "post")(link_by_address)
    replace(BaseForm, "_clean_fields")(clean_fields)
    replace(ModelChoiceField, "to_python")(chosen)
    replace(ChooserBlock, "value_from_form")(value_from_form)
    replace(ChooserBlock, "clean")(clean_block)
    replace(BaseChooser, "get_value_data")(value_data)
    replace(PageLinkElementHandler, "get_attribute_data")(page_link)
    replace(DocumentLinkElementHandler, "get_attribute_data")(document_link)
    replace(ImageElementHandler, "create_entity")(image_in_text)
    replace(compare.ForeignObjectComparison, "get_objects")(compared_objects)
    replace(compare, "get_comparison_class_for_block")(comparison_of_block)


# --- What views look up ---


def looked_up(original: Any, rows: Any) -> Any:
    """For `get_object_or_404` and its kin, by which views look up the keys in addresses and in what is sent."""
    found = original(rows)
    if isinstance(found, Manager):
        found = found.all()
    return in_sight(found) if isinstance(found, QuerySet) else found


def copy_below(original: Any, view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
    """A page to copy to that is missing, hidden, or deleted meanwhile, is for the form to refuse."""
    key = request.POST.get("new_parent_page", "")
    if key.isdecimal() and len(key) <= LONGEST_KEY and in_sight(Page.objects.filter(pk=key)).exists():
        return original(view, request, *args, **kwargs)
    view.parent_page = view.page.get_parent()
    return super(CopyView, view).post(request, *args, **kwargs)


def link_by_address(original: Any, view: Any, request: Any) -> Any:
    """The window for a link makes one to a page of an address of ours: not of a page that may not be chosen."""
    answer = original(view, request)
    found = json.loads(answer.content)
    page = found.get("internal") or found.get("result") or {}
    if "id" in page and is_out_of_reach(Page, page["id"]):
        return view.render_chosen_response(view.get_result_data())
    return answer


# --- What forms take ---


def is_valid(original: Any, form: Any) -> bool:
    """Lets the forms of rows know which rows there were."""
    for formset in form.formsets.values():
        for row in formset.forms if form.is_bound else ():
            row.stored_rows = list(formset.get_queryset())
    return original(form)


def clean_form(original: Any, form: Any) -> None:
    original(form)
    refuse(form, getattr(form, "stored_rows", ()))


def clean_fields(original: Any, form: Any) -> None:
    """What is hidden is no choice, but where it was chosen before. The forms of pages, shared text and files are looked
    at as a whole (`refuse`)."""
    as_a_whole = isinstance(form, WagtailAdminModelForm)
    for name, field in form.fields.items():
        field.may_name = None if as_a_whole else form.get_initial_for_field(field, name)
        field.leaves_out_hidden = not as_a_whole
    original(form)


def chosen(original: Any, field: Any, value: Any) -> Any:
    """A number that is too large for the database is the key of nothing, and so is the key of something hidden."""
    wrong = ValidationError(field.error_messages["invalid_choice"], "invalid_choice", {"value": value})
    try:
        found = original(field, value)
    except OverflowError:
        raise wrong from None
    if getattr(field, "leaves_out_hidden", False) and isinstance(found, Model) and is_hidden(found):
        before = field.may_name
        if found.pk != (before.pk if isinstance(before, Model) else before):
            raise wrong
    return found


def value_from_form(original: Any, block: Any, value: Any) -> Any:
    """A key of nothing is kept until the form is looked at as a whole, which then answers as it does to other keys that
    may not be chosen."""
    try:
        found = original(block, value)
    except (ValueError, OverflowError):  # no key at all
        return None
    return block.model_class(pk=value) if found is None and value and current_user() is not None else found


def clean_block(original: Any, block: Any, value: Any) -> Any:
    """What does not exist or is hidden is refused when the form is looked at as a whole."""
    unseen = isinstance(value, Model) and (value._state.adding or is_hidden(value))
    return value if unseen else original(block, value)


# --- What screens tell ---


def value_data(original: Any, widget: Any, value: Any) -> Any:
    key = value.pk if isinstance(value, Model) else value
    if key in (None, "") or not is_out_of_reach(widget.model_class, key):
        return original(widget, value)
    told = {"id": key, "edit_url": "", "title": NOT_SHOWN, widget.display_title_key: NOT_SHOWN}
    return {**told, "parent_id": None, "preview": NO_PICTURE, "default_alt_text": ""}


def page_link(original: Any, handler: Any, attrs: dict[str, str]) -> dict[str, Any]:
    if is_out_of_reach(Page, attrs["id"]):
        return {"id": attrs["id"], "url": None, "parentId": None}
    return original(handler, attrs)


def document_link(original: Any, handler: Any, attrs: dict[str, str]) -> dict[str, Any]:
    key = attrs.get("id")
    return {"id": key} if key and is_out_of_reach(Document, key) else original(handler, attrs)


def image_in_text(original: Any, handler: Any, name: str, attrs: Any, *args: Any) -> Entity:
    if is_out_of_reach(Image, attrs["id"]):
        told = {"id": attrs["id"], "src": "", "alt": attrs.get("alt"), "format": attrs["format"]}
        return Entity("IMAGE", "IMMUTABLE", told)
    return original(handler, name, attrs, *args)


def _seen(value: Any) -> Any:
    return None if isinstance(value, Model) and is_out_of_reach(type(value), value.pk) else value


def compared_objects(original: Any, comparison: Any) -> tuple[Any, Any]:
    before, after = original(comparison)
    return _seen(before), _seen(after)


def comparison_of_block(original: Any, block: Any) -> Any:
    found = original(block)
    return type(found.__name__, (_ComparisonOfChosen, found), {}) if isinstance(block, ChooserBlock) else found


class _ComparisonOfChosen:
    def __init__(self, block: Any, exists_a: bool, exists_b: bool, val_a: Any, val_b: Any) -> None:
        super().__init__(block, exists_a, exists_b, _seen(val_a), _seen(val_b))  # type: ignore[call-arg]

    def htmlvalue(self, val: Any) -> str:
        return super().htmlvalue(_seen(val))  # type: ignore[misc]


# --- Rights on collections, on the screen of a group ---


def rights_in_sight(original: Any, formset: Any, *args: Any, **kwargs: Any) -> None:
    original(formset, *args, **kwargs)
    formset.initial = [row for row in formset.initial if not is_hidden(row["collection"])]


def collections_to_choose(original: Any, formset: Any, form: Any, index: Any) -> None:
    original(formset, form, index)
    form.fields["collection"].queryset = in_sight(form.fields["collection"].queryset)


@transaction.atomic
def save_rights_in_sight(original: Any, formset: Any) -> None:
    """Wagtail's takes away each right that is not on the screen. Rights on hidden collections stay."""
    if not hides_death_reviews():
        original(formset)
        return
    rows = [form.cleaned_data for form in formset.forms if form not in formset.deleted_forms]
    wanted = {(row["collection"], right) for row in rows if "collection" in row for right in row["permissions"]}
    stored = formset.instance.collection_permissions.filter(
        permission__in=formset.permission_queryset, collection__in=in_sight(Collection.objects.all())
    )
    had = {(each.collection, each.permission): each for each in stored.select_related("collection", "permission")}
    gone = [each.pk for right, each in had.items() if right not in wanted]
    formset.instance.collection_permissions.filter(pk__in=gone).delete()
    GroupCollectionPermission.objects.bulk_create(
        GroupCollectionPermission(group=formset.instance, collection=collection, permission=permission)
        for collection, permission in wanted - had.keys()
    )
