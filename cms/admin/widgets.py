"""Starts Wagtail's widgets without inline scripts, so that the admin's Content-Security-Policy can forbid those.

Wagtail 8 renders `<script>new PageChooser("id", {…});</script>` after each chooser. Here a hidden element has the same
call in its attributes, and cms/static/cms/widgets.js makes the call. Inline panels and dates have templates for that.
tests/test_security_headers.py has the list of inline scripts that Wagtail renders.
"""

import json
import re

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from wagtail.admin.widgets import BaseChooser

_CALL = re.compile(r"(.*)<script>(?:new )?(\w+)\((.*)\);</script>", re.DOTALL)
_wagtails = BaseChooser.render


def without_script(widget: BaseChooser, *args: object, **kwargs: object) -> SafeString:
    """The chooser's HTML from Wagtail, with the call in attributes. Raises ValueError for an unknown form of it."""
    found = _CALL.fullmatch(_wagtails(widget, *args, **kwargs))
    if found is None:
        raise ValueError(f"{type(widget).__name__} does not render the expected script: see cms/admin/widgets.py.")
    html, name, arguments = found.groups()
    call = format_html(
        '<span hidden data-widget="{}" data-arguments="{}"></span>', name, json.dumps(json.loads(f"[{arguments}]"))
    )
    return mark_safe(html + call)  # noqa: S308 - Wagtail's own HTML, and ours, which is escaped


def start_without_scripts() -> None:
    BaseChooser.render = without_script
