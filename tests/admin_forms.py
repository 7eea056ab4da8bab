"""What the admin's edit screens send: the form as the browser would post it back unchanged, and changes."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse
from lxml import html as parsed
from wagtail.models import Page

from documents.models import Document


def posted(html: bytes, form_id: str | None = "page-edit-form", **changes: Any) -> dict[str, Any]:
    """The browser builds StreamFields with JavaScript: give "body-count" and the fields of the blocks as changes."""
    found = fields_of(html, form_id)
    return {**{name: values if len(values) > 1 else values[0] for name, values in found.items()}, **changes}


def fields_of(html: bytes, form_id: str | None) -> dict[str, list[str]]:
    """As querydict_from_html of Wagtail, whose parser takes as long as the whole request."""
    # The parser reads UTF-8 only where it is told so.
    root = parsed.document_fromstring(html, parser=parsed.HTMLParser(encoding="utf-8"))
    form = root.get_element_by_id(form_id) if form_id else root.forms[0]
    assert form.tag == "form"
    fields: dict[str, list[str]] = {}
    checked: dict[str, list[str]] = {}
    for field in form.iter("input", "textarea", "select"):
        name, kind = field.get("name"), field.get("type", "")
        if not name or name == "csrfmiddlewaretoken":
            continue
        if field.tag == "textarea":
            fields[name] = [field.text or ""]
        elif field.tag == "select":
            options = list(field.iter("option"))
            chosen = [option for option in options if option.get("selected") is not None] or options[:1]
            fields[name] = [option.get("value", option.text or "") for option in chosen]
        elif kind == "checkbox" and field.get("checked") is not None:
            checked.setdefault(name, []).append(field.get("value", ""))
        elif kind not in ("checkbox", "radio") or field.get("checked") is not None:
            fields[name] = [field.get("value", "")]
    for name, values in checked.items():
        fields[name] = [*fields.get(name, []), *values]
    return {name: values for name, values in fields.items() if values}


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
