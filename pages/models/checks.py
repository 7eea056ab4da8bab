"""System checks of page types: what a type forgot stops the start, and does not go missing in silence."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from wagtail.blocks import Block

from pages.graphql.block_types import PublicBlock, block_classes

_names_of_blocks: dict[str, type[Block]] = {}


def problems_of_page_type(model: Any, base: type) -> Iterator[CheckMessage]:
    """`base` is the class above all page types."""
    name = model.__name__
    own = model.__mro__[: model.__mro__.index(base)]
    if not any("parent_page_types" in each.__dict__ for each in own):
        yield Error(
            f"{name} does not say below which pages it may stand, so editors can make it nowhere.",
            hint=f'Set {name}.parent_page_types, for example to ["pages.PartnershipPage"].',
            obj=model,
            id="pages.E001",
        )
    if not hasattr(model, "feed_key"):
        yield Error(
            f"{name} does not say whether a feed tells of it.",
            hint=f'Set {name}.feed_key to the key of a feed, such as "news", or to None.',
            obj=model,
            id="pages.E002",
        )
    if "graphql_fields" not in {attribute for each in own for attribute in each.__dict__}:
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
        yield from _problems_of_block(block, field)


def _problems_of_block(block: Any, field: Any) -> Iterator[CheckMessage]:
    name = block.__name__
    if not issubclass(block, PublicBlock):
        yield Error(
            f"{name} is a block of {field.model.__name__}.{field.name}, and neither the API nor a page can show it.",
            hint=f"Make a class for it that inherits from PublicBlock too, as those in pages/blocks.py: {name}.",
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
    if _names_of_blocks.setdefault(name, block) is not block:
        yield Error(
            f"Two classes of blocks have the name {name}, which is the name of their type in the API.",
            hint=f"Give one of them another name: {block.__module__} or {_names_of_blocks[name].__module__}.",
            obj=field,
            id="pages.E008",
        )


def _exists(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
