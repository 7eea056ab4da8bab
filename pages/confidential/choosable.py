"""Decides which pages, documents and images a user may refer to: those that the choosers of the admin offer them.

The same rule holds for every form and for every screen that names a referenced object. Forms call `refuse`, model forms
through pages/confidential/hidden_objects.py. A key that does not exist and a key that the user may not choose get the
same error message, so that nobody can find out what exists. References that are already stored stay when a user who may
not see them saves the object.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet
from django.forms import BaseForm, Field, ModelChoiceField
from django.forms.models import model_to_dict
from wagtail.blocks import StreamValue
from wagtail.models import Page
from wagtail.permissions import policy_registry
from wagtail.rich_text import extract_references_from_rich_text

from documents.models import Document, Image
from pages.confidential.current_request import current_user
from pages.confidential.permissions import LONGEST_KEY, without_notices

Reference = tuple[type[Model], str]
# The models that are restricted. Everybody in the admin may choose snippets.
KINDS: tuple[type[Model], ...] = (Page, Document, Image)
NOT_TO_BE_CHOSEN = "Choose something else. This page or file does not exist, or you may not use it."


def may_choose_pages(user: User | AnonymousUser) -> bool:
    """Whether the page chooser is open to the user: it lists drafts, so only users with rights on a page may use it."""
    return policy_registry.get_by_type(Page).explorable_root_instance(user) is not None


def choosable(kind: type[Model], user: User | AnonymousUser) -> QuerySet[Any]:
    """The objects of one of the KINDS that the chooser offers the user."""
    if issubclass(kind, Page):
        return without_notices(Page.objects.all(), user) if may_choose_pages(user) else Page.objects.none()
    return policy_registry.get_by_type(kind).instances_user_has_any_permission_for(user, ["choose"])


def out_of_reach(references: Iterable[Reference], user: User | AnonymousUser) -> set[Reference]:
    """The references to objects that do not exist or that the user may not choose."""
    by_kind = defaultdict(set)
    for kind, key in references:
        by_kind[kind].add(key)
    found: set[Reference] = set()
    for kind, keys in by_kind.items():
        numbers = {key for key in keys if key.isdecimal() and len(key) <= LONGEST_KEY}
        offered = choosable(kind, user).filter(pk__in=numbers).values_list("pk", flat=True) if numbers else ()
        found |= {(kind, key) for key in keys - {str(key) for key in offered}}
    return found


def is_out_of_reach(model: type[Model], key: object) -> bool:
    """Whether the current user may not know what this object is or whether it exists."""
    user = current_user()
    return user is not None and bool(out_of_reach(_known([(model, key)]), user))


def refuse(form: BaseForm, stored_rows: Iterable[Model] = ()) -> None:
    """Add an error to each field that refers to an object that the current user may not choose.

    References in the initial data of the form are already stored and may stay, as may those of `stored_rows`: the
    inline rows of a draft have no primary keys by which they could be matched.
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
    _replace_invalid_choice_errors(form)


def _replace_invalid_choice_errors(form: BaseForm) -> None:
    """Replace Django's own message for a key that does not exist."""
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


def _chosen_by(field: Field | None) -> type[Model] | None:
    """The model whose objects a field offers; None for other fields."""
    return field.queryset.model if isinstance(field, ModelChoiceField) and field.queryset is not None else None


def _in(value: object) -> Iterator[Reference]:
    """The references in the value of a field, including those in blocks, rich text and lists."""
    if isinstance(value, Model):
        yield from _known([(type(value), value.pk)])
    elif isinstance(value, StreamValue):
        yield from _known(each[:2] for each in value.stream_block.extract_references(value))
    elif isinstance(value, str) and ("linktype=" in value or "embedtype=" in value):
        yield from _known(each[:2] for each in extract_references_from_rich_text(value))
    elif isinstance(value, list | tuple | set | QuerySet):
        for each in value:
            yield from _in(each)


def _known(references: Iterable[tuple[type[Model], object]]) -> Iterator[Reference]:
    """The references to objects of one of the KINDS, each with that kind as its model."""
    for model, key in references:
        for kind in KINDS:
            if issubclass(model, kind):
                yield kind, str(key)
