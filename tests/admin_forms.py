"""What the admin's edit screens send: the form as the browser would post it back unchanged, and changes."""

from typing import Any

from wagtail.test.utils.form_data import querydict_from_html


def posted(html: bytes, form_id: str = "page-edit-form", **changes: Any) -> dict[str, Any]:
    """The browser builds StreamFields with JavaScript: give "body-count" and the fields of the blocks as changes."""
    fields = querydict_from_html(html.decode(), form_id=form_id)
    return {**{name: values if len(values) > 1 else values[0] for name, values in fields.lists()}, **changes}
