"""Replaces the fields of the types that grapple generates with exactly the declared fields of the public contract."""

from functools import cache

import graphene
from django.apps import apps
from django.db.models import Model
from grapple.registry import registry

from cms.graphql.types import files as file_types
from cms.graphql.types.interfaces import Node, PageInterface
from cms.graphql.types.page_fields import PAGE_FIELDS
from pages.graphql import block_types
from pages.models import ContentPage


def _declared_fields(model: type[Model]) -> dict[str, graphene.Field]:
    """The mounted fields by name, from the model's `graphql_fields` and from PAGE_FIELDS."""
    fields = {}
    for declaration in [*getattr(model, "graphql_fields", []), *PAGE_FIELDS.get(model, [])]:
        declared, mount = declaration()
        fields[declared.field_name] = mount(declared.field_type)
    return fields


def _interface_fields() -> dict[str, graphene.Field]:
    """The fields of `PageInterface` as every page type has them. The title is required there."""
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
def contract_types() -> tuple[type[graphene.ObjectType], ...]:
    """All page and block types, for the schema, which finds snippets, rows and files through their fields."""
    blocks = block_types.register()
    file_types.register()
    pages = []
    for model in apps.get_models():
        node = registry.models.get(model)
        if node is None or not hasattr(model, "graphql_fields"):
            continue
        is_page = issubclass(model, ContentPage)
        # Remove the fields of Wagtail that grapple adds, such as draftTitle, expireAt and the integer key.
        node._meta.fields.clear()
        node._meta.fields.update({**(_interface_fields() if is_page else {}), **_declared_fields(model)})
        # Graphene's options are frozen, but it reads these only when it builds the schema.
        object.__setattr__(node._meta, "description", (model.__doc__ or "").strip().split("\n\n")[0])
        object.__setattr__(node._meta, "interfaces", (Node, PageInterface) if is_page else ())
        if is_page:
            pages.append(node)
    return (*pages, *blocks)
