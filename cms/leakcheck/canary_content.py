"""Creates the hidden content that must never become public, and the public page that links to it (`plant_canaries`).

Every field that an editor can write gets a text with the canary word. The models say which fields there are.
"""

from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm
from wagtail.blocks import (
    Block,
    CharBlock,
    ChoiceBlock,
    ChooserBlock,
    ListBlock,
    RichTextBlock,
    StructBlock,
    TextBlock,
)
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction

from cms.leakcheck.canaries import CANARY, CONTROL, PARENTS, STATES, slug
from documents.models import Document, Image
from pages.approval.workflow import publish_by_command
from pages.content.choices import WithdrawalKind
from pages.content.references import row_relations
from pages.models import (
    ContentPage,
    PartnershipPage,
    StandardPage,
    Topic,
)
from pages.models.base import page_types
from pages.models.snippets import ModeratedSnippet
from pages.partial_dates import PartialDateField
from pages.visibility.rule import public

COMMAND = "plant_canaries"
DRAFT_FILES, PRIVATE_FILES, PUBLIC_FILES = FILES = (f"{CANARY} draft", f"{CANARY} private", f"{CONTROL} file")


def identity(name: str) -> UUID:
    """The uuid of a canary page. It is always the same, so that the page is found after an editor has changed it."""
    return uuid5(NAMESPACE_URL, f"{CANARY}:{name}")


def identities() -> set[UUID]:
    """The uuids of all canary pages."""
    in_states = [slug(kind, state) for kind in PARENTS for state in STATES]
    return {identity(name) for name in [CONTROL, *in_states, *(model.__name__ for model in page_types())]}


def type_of_kind(kind: str) -> type[ContentPage]:
    """The page type with this `canary_kind`. A canary of it is created in each state (cms/leakcheck/canaries.py)."""
    return next(model for model in page_types() if model.canary_kind == kind)


def parent_for(model: type[ContentPage]) -> ContentPage | None:
    """A public page below which editors can create a page of this type; None if there is none."""
    for parent_type in model.allowed_parent_page_models():
        if issubclass(parent_type, ContentPage):
            for parent in public(parent_type.objects.all()).order_by("path")[:50]:
                if model.can_create_at(parent):
                    return parent
    return None


def words_for(field: "models.Field[Any, Any]", label: str) -> str:
    """A valid value with the canary for a text field. It names the model and the field, as far as there is room."""
    if isinstance(field, RichTextField):
        return f"<p>{CANARY} {label} {field.name}</p>"
    if isinstance(field, PartialDateField):
        return str(timezone.localdate().year)
    if isinstance(field, models.URLField):
        return f"https://{CANARY}.example/"
    if isinstance(field, models.EmailField):
        return f"{CANARY}@{CANARY}.example"
    return (
        CANARY if field.max_length and field.max_length <= 20 else f"{CANARY} {label} {field.name}"[: field.max_length]
    )


class Canaries:
    """Creates the shared files, snippets and topic, then the hidden pages, then the public page with links to them."""

    def __init__(self, home: PartnershipPage) -> None:
        self.home, self.now = home, timezone.now()
        private = Collection.get_first_root_node().add_child(name=CANARY)
        CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
        # Only drafts use `draft_files`. The public page shows `private_files`, which are in a private collection.
        self.draft_files = self._files(DRAFT_FILES)
        self.private_files = self._files(PRIVATE_FILES, collection=private)
        self.topic = Topic.objects.create(name=f"{CANARY} topic", slug=CANARY)
        self.snippets: dict[type[models.Model], ModeratedSnippet] = {}
        for model in ModeratedSnippet.__subclasses__():
            self.snippets[model] = self._snippet(model)
        self.hidden: list[ContentPage] = []

    def plant(self) -> ContentPage:
        """Create all pages. Returns the public one."""
        states = [(kind, state) for kind in PARENTS for state in STATES if state != "child" or kind == "standard"]
        # One draft of each other type, unless `max_count` limits it: then editors could no longer create their own.
        drafts = [model for model in page_types() if model.max_count is None and not model.canary_kind]
        with tqdm(total=len(states) + len(drafts) + 1, desc="canaries", unit="page", disable=None) as progress:
            for kind, state in states:
                self._in_state(kind, state)
                progress.update()
            for model in drafts:
                if parent := parent_for(model):
                    self._add(parent, self._draft(model, model.__name__, f"{CANARY}-{model.__name__.lower()}"))
                progress.update()
            control = self._control()
            progress.update()
        return control

    def _in_state(self, kind: str, state: str) -> None:
        model = type_of_kind(kind)
        parent_type = model.clean_parent_page_models()[0]
        parent = public(parent_type._default_manager.all()).order_by("path").first()
        if state == "child":
            parent = ContentPage.objects.get(uuid=identity(slug(kind, "draft"))).specific
        if parent is None:
            return  # a site without news or without meetings
        page = self._add(parent, self._draft(model, slug(kind, state), slug(kind, state), rows=state == "draft"))
        if state == "scheduled":
            page.go_live_at = self.now + timedelta(days=3650)
        if state == "restricted":
            PageViewRestriction.objects.create(page=page, restriction_type=PageViewRestriction.LOGIN)
        if state != "draft":
            for name in model.refused_while_hidden:
                setattr(page, name, None)
            publish_by_command(page, COMMAND)
            page.refresh_from_db()
        if state == "expired":
            page.expire_at = self.now - timedelta(minutes=1)
            page.save()
        if state == "unpublished":
            page.unpublish()
        if state == "gone":
            page.withdrawal_kind, page.withdrawn_at = WithdrawalKind.GONE, self.now
            page.save()

    def _draft(self, model: type[ContentPage], name: str, address: str, rows: bool = True) -> ContentPage:
        page = model(uuid=identity(name), slug=address, show_in_menus=True, live=False)
        page.last_reviewed_on = timezone.localdate(self.now)
        for field, value in model.canary_values(self.now).items():
            setattr(page, field, value)
        self._fill(page, self.draft_files if rows else self.private_files, name.removeprefix(f"{CANARY}-"))
        for relation in row_relations(model) if rows else ():
            row = relation.related_model(sort_order=0)
            self._fill(row, self.draft_files, relation.related_model.__name__)
            setattr(page, relation.get_accessor_name(), [row])
        return page

    def _add(self, parent: ContentPage, page: ContentPage) -> ContentPage:
        parent.refresh_from_db()  # its count of pages below
        page.topics = [self.topic]
        parent.add_child(instance=page)
        page.save_revision(clean=False)
        self.hidden.append(page)
        return page

    def _control(self) -> ContentPage:
        """The public page. It refers to hidden pages and files in every possible way. Its own draft has a canary."""
        links = "".join(f'<a linktype="page" id="{page.pk}">page</a> ' for page in self.hidden)
        files = [*self.private_files, *self._files(PUBLIC_FILES)]
        for document in files[::2]:
            links += f'<a linktype="document" id="{document.pk}">document</a> '
        page = StandardPage(uuid=identity(CONTROL), title=f"{CONTROL} page", slug=CONTROL, live=False)
        page.summary = f"{CONTROL}: a page for a check of this site. It will be removed soon."
        page.last_reviewed_on = timezone.localdate(self.now)
        page.body = [
            ("paragraph", f"<p>{CONTROL} {links}</p>"),
            ("callout", {"tone": "information", "rich_text": f"<p>{CONTROL} {links}</p>"}),
            *(("page_link", {"page": hidden, "text": ""}) for hidden in self.hidden),
            *(("document", document) for document in files[::2]),
            *(("image", {"image": image, "caption": CONTROL}) for image in files[1::2]),
        ]
        self.home.refresh_from_db()
        self.home.add_child(instance=page)
        publish_by_command(page, COMMAND)
        page.refresh_from_db()
        page.slug, page.title, page.summary = f"{CANARY}-edit", f"{CANARY} title", f"{CANARY} summary"
        page.seo_title, page.search_description = f"{CANARY} seo title", f"{CANARY} search description"
        page.show_in_menus, page.body = True, _body(StandardPage._meta.get_field("body"), self.draft_files)
        page.topics = [self.topic]
        page.save_revision(clean=False)
        return page

    # --- What the pages are made of ---

    def _files(self, title: str, **fields: Any) -> tuple[Document, Image]:
        word = title.partition(" ")[0]
        text, picture = PngInfo(), BytesIO()
        text.add_text("Comment", word)
        colour = sum(title.encode()) % 256
        Picture.new("RGB", (1600, 1200), (colour, 90, 120)).save(picture, "PNG", pnginfo=text)
        name = title.replace(" ", "-")
        document = Document(title=title, file=ContentFile(f"word\n{title}\n".encode(), f"{name}.csv"), **fields)
        image = Image(title=title, description=title, file=ContentFile(picture.getvalue(), f"{name}.png"), **fields)
        for file in (document, image):
            file.full_clean()
            file.save()
            if word == CANARY:
                file.tags.add(CANARY)
        return document, image

    def _snippet(self, model: type[ModeratedSnippet]) -> ModeratedSnippet:
        """A draft of the snippet. An alert would be active for a year if it became public."""
        snippet = model(live=False)
        if hasattr(snippet, "active_until"):
            snippet.active_until = self.now + timedelta(days=365)
        self._fill(snippet, self.draft_files, model.__name__)
        snippet.save()
        snippet.save_revision(clean=False)
        return snippet

    def _fill(self, obj: models.Model, files: tuple[Document, Image], label: str) -> None:
        """Put the canary into every empty text field that editors can write, and refer to hidden files and snippets."""
        made: dict[type[models.Model], models.Model] = {Document: files[0], Image: files[1], **self.snippets}
        for field in obj._meta.concrete_fields:
            if not field.editable or field.primary_key or getattr(obj, field.attname):
                continue
            if isinstance(field, models.ForeignKey) and field.related_model in made:
                setattr(obj, field.name, made[field.related_model])
            elif isinstance(field, StreamField):
                setattr(obj, field.name, _body(field, files))
            elif isinstance(field, models.CharField | models.TextField):
                setattr(obj, field.name, field.choices[0][0] if field.choices else words_for(field, label))


# --- Blocks ---


def _body(field: StreamField, files: tuple[Document, Image]) -> list[tuple[str, Any]]:
    """A stream with one block of each kind that can have a text or a file, each with the canary."""
    blocks = field.stream_block.child_blocks.items()
    return [(name, value) for name, block in blocks if (value := _in_block(block, name, files)) is not None]


def _in_block(block: Block, name: str, files: tuple[Document, Image]) -> Any:
    """A value for the block. None if it has no text or file, or needs something else, such as a page."""
    match block:
        case StructBlock():
            return _in_parts(block, files)
        case ListBlock():
            value = _in_block(block.child_block, name, files)
            return None if value is None else [value]
        case ChooserBlock():
            return next((file for file in files if isinstance(file, block.model_class)), None)
        case ChoiceBlock():
            return block.get_default() or None
        case RichTextBlock():
            return f"<p>{CANARY} {name}</p>"
    return f"{CANARY} {name}" if isinstance(block, CharBlock | TextBlock) else None


def _in_parts(block: StructBlock, files: tuple[Document, Image]) -> dict[str, Any] | None:
    values = {part: _in_block(child, part, files) for part, child in block.child_blocks.items()}
    lacks = any(value is None and block.child_blocks[part].required for part, value in values.items())
    return None if lacks else values
