"""What the admin's edit screens send: the form as the browser would post it back unchanged, and changes."""

from typing import Any

from wagtail.test.utils.form_data import querydict_from_html

from documents.models import Document


def posted(html: bytes, form_id: str = "page-edit-form", **changes: Any) -> dict[str, Any]:
    """The browser builds StreamFields with JavaScript: give "body-count" and the fields of the blocks as changes."""
    fields = querydict_from_html(html.decode(), form_id=form_id)
    return {**{name: values if len(values) > 1 else values[0] for name, values in fields.lists()}, **changes}


def posted_document(document: Document, **changes: Any) -> dict[str, Any]:
    """What the screen of a document sends."""
    form = {
        "title": document.title,
        "kind": document.kind,
        "language": document.language,
        "accessible": document.accessible,
        "html_equivalent": "",
        "accessibility_exemption": "",
        "collection": document.collection_id,
        "tags": "",
    }
    return {**form, **changes}
