"""Every field that can refer to a page or a file, found by walking models and blocks: an editor cannot put into it what
the choosers do not offer, and sees nothing of what somebody else put there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignKey, JSONField, ManyToManyField
from django.urls import reverse
from modelcluster.fields import ParentalKey
from wagtail import blocks
from wagtail.admin.forms.models import WagtailAdminModelForm
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page, ReferenceIndex, get_page_models
from wagtail.rich_text import RichText

from documents.models import Document, Image
from pages import models
from pages.approval.workflow import set_up_death_reviews
from pages.confidential.choosable import NOT_TO_BE_CHOSEN
from pages.confidential.hidden_objects import NOT_SHOWN
from pages.content.references import child_relations
from pages.content.rich_text import FEATURES
from pages.models import ContentPage
from pages.models.snippets import ModeratedSnippet
from tests import factories
from tests.admin_forms import posted, posted_document

pytestmark = pytest.mark.django_db
MISSING = 987654321
EDITED = [
    model
    for model in get_page_models()
    if issubclass(model, ContentPage)
    and model not in (ContentPage, models.DeathReviewIndexPage, models.DeathReviewNoticePage)
]


def made():
    index = factories.page(models.DeathReviewIndexPage, models.PartnershipPage.objects.get())
    set_up_death_reviews(index)
    index.refresh_from_db()
    page = factories.draft(models.DeathReviewNoticePage, index)
    page.save_revision()
    document = factories.document("Zztitle of a report", name="zzfile.csv", collection=index.files)
    return page, document, factories.image("Zztitle of a picture", description="Zzalternative", collection=index.files)


class Things:
    """A draft notice, and a document and a picture of death reviews, with the marks by which one knows them."""

    def __init__(self, page: Any, document: Any, image: Any) -> None:
        self.page, self.document, self.image = page, document, image

    def marks(self) -> list[str]:
        keys = (self.page.reference, self.page.slug, self.document.file_key, self.image.file_key)
        return ["zztitle", "zzfile", "zzalternative", *(key.lower() for key in keys)]

    def told(self, response: Any) -> list[str]:
        text = response.content.decode().lower()
        return [mark for mark in self.marks() if mark in text]

    def of(self, model: Any) -> Any:
        """What a field that leads to the model can hold."""
        return next((each for each in (self.page, self.document, self.image) if isinstance(each, model)), None)


@pytest.fixture(scope="module")
def recorded_things(record):
    return record(made)


@pytest.fixture
def things(home, recorded_things):
    return Things(*recorded_things.again())


def sign_in(client, group):
    user, made = User.objects.get_or_create(username=group)
    if made:
        user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return user


# --- What can refer to something ---


def keys_of(model: Any) -> list[ForeignKey]:
    """The foreign keys that somebody fills in."""
    fields = model._meta.concrete_fields
    return [
        each
        for each in fields
        if isinstance(each, ForeignKey)
        and each.editable
        and not isinstance(each, ParentalKey)
        and not each.remote_field.parent_link
        and issubclass(each.related_model, Page | Document | Image)
        and each.model._meta.app_label in ("pages", "documents")
    ]


def values_of(block: Any, things: Any) -> Iterator[Any]:
    """Values of a block that refer to the things, one for each place in it, as deep as blocks go."""
    if isinstance(block, blocks.ChooserBlock):
        if thing := things.of(block.model_class):
            yield thing
    elif isinstance(block, blocks.RichTextBlock):
        yield from (RichText(text) for text in texts(things))
    elif isinstance(block, blocks.StructBlock):
        for name, child in block.child_blocks.items():
            for value in values_of(child, things):
                yield block.normalize(
                    {**{key: each.get_default() for key, each in block.child_blocks.items()}, name: value}
                )
    elif isinstance(block, blocks.ListBlock):
        yield from (block.normalize([value]) for value in values_of(block.child_block, things))
    elif isinstance(block, blocks.StreamBlock):
        for name, child in block.child_blocks.items():
            yield from (block.normalize([(name, value)]) for value in values_of(child, things))


def texts(things: Any, features: list[str] = FEATURES) -> list[str]:
    """Texts that link to the things, as far as a field with these features can."""
    kinds = (("link", "page", things.page), ("document-link", "document", things.document))
    return [
        f'<p data-block-key="a"><a linktype="{kind}" id="{thing.pk}">words</a></p>'
        for feature, kind, thing in kinds
        if feature in features
    ]


def body_of(field: StreamField, things: Any) -> list[tuple[str, Any]]:
    return [
        (name, value) for name, block in field.stream_block.child_blocks.items() for value in values_of(block, things)
    ]


def draftail(source: str) -> str:
    """What the browser sends for a text, by somebody who knows nothing of what it refers to but the keys."""
    text = json.loads(blocks.RichTextBlock(features=FEATURES).field.widget.format_value(source))
    for entity in text["entityMap"].values():
        entity["data"] = {"id": entity["data"]["id"]}
    return json.dumps(text)


def typed(prefix: str, block: Any, value: Any) -> dict[str, str]:
    """What the browser sends for the value of a block."""
    if isinstance(block, blocks.StreamBlock):
        form = {f"{prefix}-count": str(len(value))}
        for place, child in enumerate(value):
            here = f"{prefix}-{place}"
            form |= {f"{here}-deleted": "", f"{here}-order": str(place), f"{here}-type": child.block_type}
            form |= {f"{here}-id": child.id or "", **typed(f"{here}-value", child.block, child.value)}
        return form
    if isinstance(block, blocks.StructBlock):
        return {
            k: v
            for name, child in block.child_blocks.items()
            for k, v in typed(f"{prefix}-{name}", child, value[name]).items()
        }
    if isinstance(block, blocks.RichTextBlock):
        return {prefix: draftail(value.source)}
    if isinstance(block, blocks.ChooserBlock):
        return {prefix: str(value.pk)}
    return {prefix: "" if value is None else str(value)}


def test_only_these_kinds_of_fields_can_refer_to_something():
    """A field of another kind needs a place in pages/confidential/choosable.py, and in the tests below."""
    rows = {getattr(model, name).rel.related_model for model in get_page_models() for name in child_relations(model)}
    for model in {*EDITED, *rows, *ModeratedSnippet.__subclasses__(), Document, Image}:
        for field in model._meta.get_fields():
            if isinstance(field, JSONField) and not isinstance(field, StreamField):
                assert not field.editable, field
            if isinstance(field, ManyToManyField):
                assert not issubclass(field.related_model, Page | Document | Image), field
    assert "image" not in FEATURES  # pictures in texts would have to be asked for, too
    for model in (*ModeratedSnippet.__subclasses__(), *EDITED):
        form = model.get_edit_handler().get_form_class() if hasattr(model, "get_edit_handler") else None
        assert form is None or issubclass(form, WagtailAdminModelForm)


# --- What an editor types ---


def refused(client, page, form, things, text):
    """The errors of the edit screen after the keys of the things were typed into every field, and what it tells."""
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    form = dict(form)
    for field in type(page)._meta.concrete_fields:
        if isinstance(field, RichTextField) and text in texts(things, field.features):
            form[field.name] = draftail(text)
        elif isinstance(field, StreamField):
            form |= typed(
                field.name, field.stream_block, getattr(type(page)(**{field.name: body_of(field, things)}), field.name)
            )
    for field in keys_of(type(page)):
        form[field.name] = str(key_for(field, things))
    for name in child_relations(type(page)):
        for field in keys_of(getattr(type(page), name).rel.related_model):
            if f"{name}-TOTAL_FORMS" in form:
                form |= {f"{name}-TOTAL_FORMS": "1", f"{name}-INITIAL_FORMS": "0", f"{name}-0-ORDER": "1"}
                form |= {
                    f"{name}-0-{field.name}": str(key_for(field, things)),
                    f"{name}-0-id": "",
                    f"{name}-0-DELETE": "",
                }
    before = page.revisions.count()
    response = client.post(url, form)
    assert (response.status_code, page.revisions.count()) == (200, before)
    shown = response.context["form"]
    found = {name: list(errors) for name, errors in shown.errors.items()}
    for name, formset in shown.formsets.items():
        found |= {
            f"{name}-{key}": list(v)
            for row in formset.forms
            for key, v in row.errors.items()
            if v == [NOT_TO_BE_CHOSEN]
        }
    return found, things.told(response)


def key_for(field, things):
    thing = things.of(field.related_model)
    return thing.pk if thing else things.page.pk  # a notice, where only a page of another type can be


def expected(model, things, text):
    fields = {each.name for each in model._meta.concrete_fields if holds(each, things, text)}
    for name in child_relations(model):
        if any(getattr(each, "relation_name", "") == name for each in panels(model.get_edit_handler())):
            fields |= {f"{name}-{each.name}" for each in keys_of(getattr(model, name).rel.related_model)}
    return {name: [NOT_TO_BE_CHOSEN] for name in sorted(fields)}


def holds(field, things, text):
    if isinstance(field, RichTextField):
        return text in texts(things, field.features)
    return isinstance(field, StreamField) or field in keys_of(field.model)


def panels(panel):
    yield panel
    for child in getattr(panel, "children", ()):
        yield from panels(child)


class Missing:
    """Keys of nothing, in place of the things."""

    def __init__(self) -> None:
        self.page = ContentPage(pk=MISSING)
        self.document, self.image = Document(pk=MISSING), Image(pk=MISSING)

    of = Things.of
    told = staticmethod(lambda response: [])


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_an_editor_refers_to_nothing_that_the_choosers_do_not_offer(home, things, client, model):
    """A key that may not be chosen and a key of nothing are refused with the same words, in the same place."""
    sign_in(client, "Editors")
    page = factories.draft(model, home)
    page.save_revision()
    form = posted(client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content)
    missing = Missing()
    for which, text in ((things, texts(things)[0]), (things, texts(things)[1]), (missing, texts(missing)[0])):
        found, told = refused(client, page, form, which, text)
        assert (dict(sorted(found.items())), told) == (expected(model, which, text), [])


@pytest.mark.parametrize("place", range(7))
def test_each_block_is_looked_at_by_itself(home, things, client, place):
    sign_in(client, "Editors")
    page = factories.draft(models.NewsPage, home)
    page.save_revision()
    field = models.NewsPage._meta.get_field("body")
    all_of_them = body_of(field, things)
    assert len(all_of_them) == 7
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    body = models.NewsPage(body=[all_of_them[place]]).body
    form = posted(client.get(url).content, **typed("body", field.stream_block, body))
    response = client.post(url, form)
    assert response.context["form"].errors == {"body": [NOT_TO_BE_CHOSEN]}
    assert (things.told(response), page.revisions.count()) == ([], 1)
    preview = reverse("wagtailadmin_pages:preview_on_edit", args=[page.pk])
    assert client.post(preview, form).json()["is_valid"] is False
    moderator = sign_in(client, "Moderators")
    assert client.post(url, form).status_code == 302
    assert page.revisions.last().user == moderator


def test_a_document_has_the_same_content_as_a_page_that_may_be_chosen(home, things, client):
    sign_in(client, "Editors")
    document = factories.document("Ordinary")
    url = reverse("wagtaildocs:edit", args=[document.pk])
    for key in (things.page.pk, MISSING):
        response = client.post(url, posted_document(document, html_equivalent=str(key)))
        assert response.context["form"].errors == {"html_equivalent": [NOT_TO_BE_CHOSEN]}
        assert (things.told(response), NOT_SHOWN in response.content.decode()) == ([], True)
    document.refresh_from_db()
    assert document.html_equivalent is None
    assert client.post(url, posted_document(document, html_equivalent=str(home.pk))).status_code == 302
    Document.objects.update(html_equivalent=things.page)
    assert things.told(client.get(url)) == []
    response = client.post(url, posted_document(document, title="Mended", html_equivalent=str(things.page.pk)))
    document.refresh_from_db()
    assert (response.status_code, document.title, document.html_equivalent_id) == (302, "Mended", things.page.pk)
    sign_in(client, "Moderators")
    assert things.page.reference.lower() in things.told(client.get(url))


# --- What is stored already ---


def holding(page, things):
    """A draft that refers to the things in every field, as somebody made it who may."""
    for field in type(page)._meta.concrete_fields:
        if isinstance(field, RichTextField):
            setattr(page, field.name, "".join(texts(things, field.features)))
        elif isinstance(field, StreamField):
            setattr(page, field.name, body_of(field, things))
    for field in keys_of(type(page)):
        if thing := things.of(field.related_model):
            setattr(page, field.name, thing)
    for name in child_relations(type(page)):
        row = getattr(type(page), name).rel.related_model
        keys = {each.name: thing for each in keys_of(row) if (thing := things.of(each.related_model))}
        if keys and any(getattr(each, "relation_name", "") == name for each in panels(page.get_edit_handler())):
            setattr(page, name, [row(**keys)])
    page.save_revision()
    return page


def screens(page):
    first, last = page.revisions.order_by("pk").first(), page.revisions.order_by("pk").last()
    names = "wagtailadmin_pages"
    yield reverse(f"{names}:edit", args=[page.pk])
    yield reverse(f"{names}:view_draft", args=[page.pk])
    yield reverse(f"{names}:history", args=[page.pk])
    yield reverse(f"{names}:usage", args=[page.pk])
    yield reverse(f"{names}:revisions_compare", args=[page.pk, first.pk, last.pk])
    yield reverse(f"{names}:revisions_compare", args=[page.pk, last.pk, last.pk])
    yield reverse(f"{names}:revisions_compare", args=[page.pk, last.pk, first.pk])
    yield reverse(f"{names}:revisions_revert", args=[page.pk, last.pk])
    yield reverse(f"{names}:revisions_view", args=[page.pk, last.pk])
    yield reverse(f"{names}:copy", args=[page.pk])
    yield from (f"{reverse(f'{names}:view_draft', args=[page.pk])}?mode={mode}" for mode, _ in page.preview_modes)


def sent(client, page):
    """What the browser sends of the edit screen when nobody typed anything."""
    form = posted(client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content)
    for field in type(page)._meta.concrete_fields:
        if isinstance(field, StreamField):
            draft = page.get_latest_revision_as_object()
            form |= typed(field.name, field.stream_block, getattr(draft, field.name))
    return form


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_an_editor_sees_nothing_of_what_a_draft_refers_to(home, things, client, model):
    page = factories.draft(model, home)
    page.save_revision()
    holding(page, things)
    sign_in(client, "Editors")
    found = {screen: things.told(client.get(screen)) for screen in screens(page)}
    assert {screen: told for screen, told in found.items() if told} == {}
    edit, preview = (reverse(f"wagtailadmin_pages:{name}", args=[page.pk]) for name in ("edit", "preview_on_edit"))
    form = sent(client, page)
    assert client.post(preview, form).json() == {"is_valid": True, "is_available": True}
    for mode, _label in page.preview_modes:
        response = client.get(f"{preview}?mode={mode}")
        assert (response.status_code, things.told(response)) == (200, [])
    before = of_draft(page, things)
    assert client.post(edit, form).status_code == 302
    assert (of_draft(page, things), page.revisions.count()) == (before, 3)
    sign_in(client, "Moderators")
    assert (things.told(client.get(edit)) != []) == any(before)


def of_draft(page, things):
    """How often the draft refers to each of the things."""
    draft = type(page).objects.get(pk=page.pk).get_latest_revision_as_object()
    found = [(kind, key) for kind, key, *_ in ReferenceIndex._extract_references_from_object(draft)]
    kinds = ContentType.objects.get_for_models(Page, Document, Image)
    things = {Page: things.page, Document: things.document, Image: things.image}
    return [found.count((kinds[kind].pk, str(thing.pk))) for kind, thing in things.items()]
