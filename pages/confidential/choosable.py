"""What a person may refer to: the pages, documents and images that the choosers of the admin offer them.

One rule for every form (`refuse`, called by pages/confidential/hidden_objects.py and by forms that are no model's) and
for every
screen that tells of what something refers to. A key that was typed proves nothing: one that does not exist and one
that somebody may not choose get the same words. What a stored version refers to already stays when somebody else saves
it, unseen.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import BaseForm, ModelChoiceField
from django.forms.models import model_to_dict
from wagtail.blocks import StreamValue
from wagtail.models import Page
from wagtail.permissions import policy_registry
from wagtail.rich_text import extract_references_from_rich_text

from documents.models import Document, Image
from pages.confidential.current_request import current_user
from pages.confidential.permissions import LONGEST_KEY, without_notices

Reference = tuple[type[Model], str]
# What not everybody may choose. Shared text and labels are for all who work here.
KINDS: tuple[type[Model], ...] = (Page, Document, Image)
NOT_TO_BE_CHOSEN = "Choose something else here: there is no such page or file that you may use."


def may_choose_pages(user: Any) -> bool:
    """Who may do nothing with any page is not told of drafts by the window to choose one."""
    return policy_registry.get_by_type(Page).explorable_root_instance(user) is not None


def choosable(kind: Any, user: Any) -> QuerySet[Any]:
    """Those of one of the kinds that the chooser offers the person."""
    if kind is Page:
        return without_notices(Page.objects.all(), user) if may_choose_pages(user) else Page.objects.none()
    return policy_registry.get_by_type(kind).instances_user_has_any_permission_for(user, ["choose"])


def out_of_reach(references: Iterable[Reference], user: Any) -> set[Reference]:
    """Those that do not exist, or that the person may not choose."""
    by_kind = defaultdict(set)
    for kind, key in references:
        by_kind[kind].add(key)
    found: set[Reference] = set()
    for kind, keys in by_kind.items():
        numbers = {key for key in keys if key.isdecimal() and len(key) <= LONGEST_KEY}
        offered = choosable(kind, user).filter(pk__in=numbers).values_list("pk", flat=True) if numbers else ()
        found |= {(kind, key) for key in keys - {str(key) for key in offered}}
    return found


def is_out_of_reach(model: type[Model], key: Any) -> bool:
    """Whether the person who asks may not be told what this is, or whether there is such a thing."""
    user = current_user()
    return user is not None and bool(out_of_reach(_known([(model, key)]), user))


def refuse(form: BaseForm, stored_rows: Iterable[Model] = ()) -> None:
    """Give an error to each field that refers to something that the person who asks may not choose.

    What the form was opened with was stored before and may stay, and what `stored_rows` refer to: the rows of a draft
    have no keys to know them by.
    """
    user = current_user()
    if user is None:
        return
    typed = {name: set(_in(value)) for name, value in form.cleaned_data.items()}
    refused = out_of_reach({reference for references in typed.values() for reference in references}, user)
    if refused:
        refused -= _stored(form, form.initial)
        refused -= {reference for row in stored_rows for reference in _stored(form, model_to_dict(row))}
    for name, references in typed.items():
        if references & refused:
            form.add_error(name, NOT_TO_BE_CHOSEN)
    _say_the_same_of_keys_of_nothing(form)


def _say_the_same_of_keys_of_nothing(form: BaseForm) -> None:
    """In place of Django's own words for a key that does not exist."""
    for name, errors in form.errors.items():
        model = _chosen_by(form.fields.get(name))
        if model and issubclass(model, KINDS) and any(error.code == "invalid_choice" for error in errors.as_data()):
            form.errors[name] = form.error_class([NOT_TO_BE_CHOSEN])


def _stored(form: BaseForm, values: Mapping[str, Any]) -> set[Reference]:
    found: set[Reference] = set()
    for name, value in values.items():
        model = _chosen_by(form.fields.get(name))
        if model and isinstance(value, int):
            found |= set(_known([(model, value)]))
        else:
            found |= set(_in(value))
    return found


def _chosen_by(field: Any) -> Any:
    """The model that a field chooses one of; None for other fields."""
    return field.queryset.model if isinstance(field, ModelChoiceField) and field.queryset is not None else None


def _in(value: Any) -> Iterator[Reference]:
    """What the value of a field refers to, as deep as blocks and rows go."""
    if isinstance(value, Model):
        yield from _known([(type(value), value.pk)])
    elif isinstance(value, StreamValue):
        yield from _known(each[:2] for each in value.stream_block.extract_references(value))
    elif isinstance(value, str) and ("linktype=" in value or "embedtype=" in value):
        yield from _known(each[:2] for each in extract_references_from_rich_text(value))
    elif isinstance(value, list | tuple | set | QuerySet):
        for each in value:
            yield from _in(each)


def _known(references: Iterable[Any]) -> Iterator[Reference]:
    for model, key in references:
        for kind in KINDS:
            if issubclass(model, kind):
                yield kind, str(key)
