"""What the admin's edit screens send: the form of a page as the browser would post it back unchanged, and changes."""

from typing import Any

from bs4 import BeautifulSoup, Tag


def posted(html: bytes, **changes: Any) -> dict[str, Any]:
    """The fields of the edit form, with changes: a value for a field, or None to leave one out.

    The browser builds StreamFields with JavaScript: give "body-count" and the fields of the blocks as changes.
    """
    page = BeautifulSoup(html, "html.parser")
    form = page.select_one("form[data-edit-form]")
    assert form is not None, "there is no edit form on this screen"
    fields: dict[str, Any] = {}
    for element in form.select("input, select, textarea"):
        name = element.get("name")
        if not name or element.has_attr("disabled"):
            continue
        value = _value(element)
        if value is not None:
            fields[str(name)] = value
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None}


def _value(element: Tag) -> Any:
    if element.name == "select":
        chosen = [option.get("value", "") for option in element.select("option[selected]")]
        return chosen if element.has_attr("multiple") else (chosen or [""])[0]
    if element.name == "textarea":
        return element.text.removeprefix("\n")
    kind = element.get("type", "text")
    if kind in ("checkbox", "radio"):
        return element.get("value", "on") if element.has_attr("checked") else None
    return None if kind in ("submit", "button", "file") else element.get("value", "")
