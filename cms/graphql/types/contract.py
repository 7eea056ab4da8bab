"""Turns the types that grapple generated into the public contract: exactly the fields that are declared, no more."""

from functools import cache
from typing import Any

import graphene
from django.apps import apps
from grapple.registry import registry

from cms.graphql.types import files as file_types
from cms.graphql.types.interfaces import PageInterface
from cms.graphql.types.page_fields import PAGE_FIELDS
from pages.graphql import block_types
from pages.models import ContentPage


def _declared(model: type) -> dict[str, graphene.Field]:
    """Field name → mounted field, from the model's `graphql_fields` and from PAGE_FIELDS."""
    fields = {}
    for declaration in [*getattr(model, "graphql_fields", []), *PAGE_FIELDS.get(model, [])]:
        declared, mount = declaration()
        fields[declared.field_name] = mount(declared.field_type)
    return fields


def _page_fields() -> dict[str, graphene.Field]:
    return {
        name: graphene.Field(
            graphene.NonNull(graphene.String) if name == "title" else field._type,
            args=dict(field.args),
            description="Its title." if name == "title" else field.description,
            deprecation_reason=field.deprecation_reason,
            resolver=getattr(PageInterface, f"resolve_{name}", None),
        )
        for name, field in PageInterface._meta.fields.items()
    }


@cache
def contract_types() -> tuple[Any, ...]:
    """All page and block types, for the schema. Snippets, rows and files are reached from them."""
    blocks = block_types.register()
    file_types.register()
    pages = []
    for model in apps.get_models():
        node = registry.models.get(model)
        if node is None or not hasattr(model, "graphql_fields"):
            continue
        is_page = issubclass(model, ContentPage)
        # Grapple adds Wagtail's own fields (draftTitle, expireAt, the integer key …): start from none of them.
        node._meta.fields.clear()
        node._meta.fields.update({**(_page_fields() if is_page else {}), **_declared(model)})
        # Graphene freezes its options, yet reads these only when the schema is built.
        object.__setattr__(node._meta, "description", (model.__doc__ or "").strip().split("\n\n")[0])
        object.__setattr__(node._meta, "interfaces", (PageInterface,) if is_page else ())
        if is_page:
            pages.append(node)
    return (*pages, *blocks)
