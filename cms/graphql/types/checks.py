"""System checks of the contract: each editable field of a page type is in the API or in its `private_fields`."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from grapple.registry import registry

from cms.graphql.types.page_fields import PAGE_FIELDS
from pages.content.references import row_relations
from pages.models import ContentPage
from pages.models.base import page_types


@register()
def check_contract(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """Reports page types without a type in the API (E001), and editable fields that are in neither list (E002)."""
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
                    f"{model.__name__}.{name} can be edited, but is neither in the API nor marked as private.",
                    hint=f"Add it to {model.__name__}.graphql_fields, or to its private_fields if it is not public.",
                    obj=model,
                    id="cms.E002",
                )
            )
    return problems


def editable_names(model: type[ContentPage]) -> set[str]:
    """The names of the editable fields and rows that a page type itself declares."""
    fields = {field.name for field in model._meta.local_fields if field.editable and not field.primary_key}
    return fields | {relation.get_accessor_name() for relation in row_relations(model) if relation.model is model}


def public_names(model: type[ContentPage]) -> set[str]:
    """The names of the model fields and rows that the public type of a page shows."""
    return {field.source for field in [*getattr(model, "graphql_fields", []), *PAGE_FIELDS.get(model, [])]}
