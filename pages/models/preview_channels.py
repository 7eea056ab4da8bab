"""The previews of a draft that editors can choose between. The setting PREVIEW_CHANNELS names them, so that page types
need not import the code that shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class PreviewChannel:
    """One preview: its name in addresses, its label for editors, the page types that it carries, and its answer to the
    person who looks at a draft at an instant."""

    name: str
    label: str
    carries: Callable[[type], bool]
    respond: Callable[[Any, Any, datetime], HttpResponse]


def channels_of(model: type) -> dict[str, PreviewChannel]:
    """The previews of a page type by name; Wagtail shows the first one first."""
    return {channel.name: channel for channel in import_string(settings.PREVIEW_CHANNELS) if channel.carries(model)}
