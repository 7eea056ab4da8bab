"""System checks of the contract: whatever editors can write on a page is in the API, or is said not to be public."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from grapple.registry import registry

from cms.graphql.types.page_fields import PAGE_FIELDS
from pages.content.references import row_relations
from pages.models import ContentPage
from pages.models.base import page_types


@register()
def check_contract(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for model in page_types():
        if model not in registry.models:
            problems.append(
                Error(
                    f"{model.__name__} has no type in the API.",
                    hint=f'Add “{model._meta.app_label}” to GRAPPLE["APPS"] in the settings.',
                    obj=model,
                    id="cms.E001",
                )
            )
        for name in editable_names(model) - public_names(model) - {*model.private_fields}:
            problems.append(
                Error(
                    f"{model.__name__}.{name} is for editors to write, and readers of the API never get it.",
                    hint=f"Add it to {model.__name__}.graphql_fields, or to its private_fields if it is not public.",
                    obj=model,
                    id="cms.E002",
                )
            )
    return problems


def editable_names(model: type[ContentPage]) -> set[str]:
    """The fields, and the rows, that a page type has of its own and editors write."""
    fields = {field.name for field in model._meta.local_fields if field.editable and not field.primary_key}
    return fields | {relation.get_accessor_name() for relation in row_relations(model) if relation.model is model}


def public_names(model: type[ContentPage]) -> set[str]:
    """The fields and rows that the public type of a page is made of."""
    return {field.source for field in [*getattr(model, "graphql_fields", []), *PAGE_FIELDS.get(model, [])]}
