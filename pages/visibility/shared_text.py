"""Finds the pages that show a snippet or a label, and so change when it changes."""

from typing import Any

from django.db.models import ForeignObjectRel, Model
from modelcluster.fields import ParentalKey

from pages.models import ContentPage


def pages_showing(shared: Model) -> Any:
    """The pages that refer to a snippet or a label, in a field or in a child object."""
    keys: set[int] = set()
    # Relations without a reverse accessor are hidden.
    relations = [each for each in type(shared)._meta.get_fields(include_hidden=True) if each.auto_created]
    for field in [each.field for each in relations if isinstance(each, ForeignObjectRel)]:
        model: Any = field.model
        rows = model._default_manager.filter(**{field.name: shared})
        if issubclass(model, ContentPage):
            keys |= set(rows.values_list("pk", flat=True))
        for parent in model._meta.concrete_fields:
            if isinstance(parent, ParentalKey) and issubclass(parent.related_model, ContentPage):
                keys |= set(rows.values_list(parent.attname, flat=True))
    return ContentPage.objects.filter(pk__in=keys)
