"""System checks of page types and blocks: a declaration that is missing stops the start of the server."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from wagtail.blocks import Block
from wagtail.fields import StreamField
from wagtail.models import Page

from pages.graphql.block_types import PublicBlock, block_classes

_blocks_by_name: dict[str, type[Block]] = {}


def check_page_type(model: type[Page], base: type[Page]) -> Iterator[CheckMessage]:
    """What the declaration of a page type, and those of its blocks, lack. `base` is the class of all page types."""
    name = model.__name__
    classes = model.__mro__[: model.__mro__.index(base)]
    if not any("parent_page_types" in each.__dict__ for each in classes):
        yield Error(
            f"{name} does not set parent_page_types, so editors cannot create it anywhere.",
            hint=f'Set {name}.parent_page_types, for example to ["pages.PartnershipPage"].',
            obj=model,
            id="pages.E001",
        )
    if not hasattr(model, "feed_key"):
        yield Error(
            f"{name} does not set feed_key, so it is not clear whether a feed lists it.",
            hint=f'Set {name}.feed_key to the key of a feed, such as "news", or to None.',
            obj=model,
            id="pages.E002",
        )
    if "graphql_fields" not in {attribute for each in classes for attribute in each.__dict__}:
        yield Error(
            f"{name} has no fields in the API.",
            hint=f"List its public fields in {name}.graphql_fields (pages/graphql/public_fields.py).",
            obj=model,
            id="pages.E003",
        )
    if not _exists(model.article_template()):
        yield Error(
            f"{name} has no template for its HTML page and its entry in feeds.",
            hint=f"Write templates/{model.article_template()} in the app of {name}.",
            obj=model,
            id="pages.E004",
        )
    for block, field in block_classes(model).items():
        yield from _check_block(block, field)


def _check_block(block: type[Block], field: StreamField) -> Iterator[CheckMessage]:
    name = block.__name__
    if not issubclass(block, PublicBlock):
        yield Error(
            f"{name}, a block of {field.model.__name__}.{field.name}, is not a PublicBlock, so no reader can see it.",
            hint=f"Write a class that inherits from PublicBlock and {name}, as in pages/blocks.py.",
            obj=field,
            id="pages.E005",
        )
        return
    if not hasattr(block, "graphql_fields"):
        yield Error(
            f"{name} has no fields in the API.",
            hint=f"List them in {name}.graphql_fields, as the blocks in pages/blocks.py do.",
            obj=field,
            id="pages.E006",
        )
    if not hasattr(block, "html_template") or not _exists(block.html_template):
        yield Error(
            f"{name} has no template for HTML.",
            hint=f"Write one, and set {name}.html_template to its name, for example pages/blocks/heading.html.",
            obj=field,
            id="pages.E007",
        )
    if _blocks_by_name.setdefault(name, block) is not block:
        yield Error(
            f"Two block classes have the name {name}, which is also the name of their type in the API.",
            hint=f"Rename one of them: {block.__module__} or {_blocks_by_name[name].__module__}.",
            obj=field,
            id="pages.E008",
        )


def _exists(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
