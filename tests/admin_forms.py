"""What the admin's edit screens send: the form as the browser would post it back unchanged, and changes."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse
from wagtail.models import Page
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


def edit_url(thing: Any) -> str:
    if isinstance(thing, Page):
        return reverse("wagtailadmin_pages:edit", args=[thing.pk])
    return reverse(thing.snippet_viewset.get_url_name("edit"), args=[thing.pk])


def shown_on(html: bytes) -> str:
    """What an edit screen says that it shows."""
    return re.findall(r'name="shown" value="([^"]*)"', html.decode())[0]


def decide(client: Client, thing: Any, action: str, **fields: Any) -> Any:
    """Open the edit screen of a page or snippet, and decide on what it shows, by the address for decisions alone."""
    thing = type(thing).objects.get(pk=thing.pk)
    name = "wagtailadmin_pages:workflow_action"
    if not isinstance(thing, Page):
        name = thing.snippet_viewset.get_url_name("workflow_action")
    shown = shown_on(client.get(edit_url(thing)).content)
    address = reverse(name, args=[thing.pk, action, thing.current_workflow_task_state.pk])
    return client.post(address, {"shown": shown, **fields}, follow=True)
