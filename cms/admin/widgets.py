"""Starts Wagtail's widgets without scripts in the page, so that the admin's Content-Security-Policy can refuse those.

Wagtail 8 writes `<script>new PageChooser("id", {…});</script>` behind each chooser. Here the same call stands in the
attributes of a hidden element, and cms/static/cms/widgets.js makes it. Inline panels and dates have templates for that.
tests/test_security_headers.py holds the list of scripts that Wagtail writes.
"""

import json
import re
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from wagtail.admin.widgets import BaseChooser

_CALL = re.compile(r"(.*)<script>(?:new )?(\w+)\((.*)\);</script>", re.DOTALL)
_wagtails = BaseChooser.render


def without_script(widget: BaseChooser, *args: Any, **kwargs: Any) -> SafeString:
    """What Wagtail renders of a chooser, with the call in attributes. Raises when Wagtail writes it otherwise."""
    found = _CALL.fullmatch(_wagtails(widget, *args, **kwargs))
    if found is None:
        raise ValueError(f"{type(widget).__name__} is not started as expected: see cms/admin/widgets.py.")
    html, name, arguments = found.groups()
    called = format_html(
        '<span hidden data-widget="{}" data-arguments="{}"></span>', name, json.dumps(json.loads(f"[{arguments}]"))
    )
    return mark_safe(html + called)  # noqa: S308 - Wagtail's own HTML, and ours, which is escaped


def start_without_scripts() -> None:
    BaseChooser.render = without_script
