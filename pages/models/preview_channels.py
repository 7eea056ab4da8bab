"""The previews of a draft between which editors can choose.

The setting PREVIEW_CHANNELS names them, so that page types need not import the code of the previews.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class PreviewChannel:
    """One preview: its name in addresses, its label for editors, whether it supports a page type, and its response to a
    page, a user and an instant.
    """

    name: str
    label: str
    carries: Callable[[type], bool]
    respond: Callable[[Any, Any, datetime], HttpResponse]


def channels_of(model: type) -> dict[str, PreviewChannel]:
    """The previews of a page type by name. The first one is the default."""
    return {channel.name: channel for channel in import_string(settings.PREVIEW_CHANNELS) if channel.carries(model)}
