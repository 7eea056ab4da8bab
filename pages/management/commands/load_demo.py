"""Loads the demo content of a YAML file. Objects that exist are not changed."""

from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Orderable, Page, Site

import pages.models
from pages.approval.workflow import make_root_of_site, publish_by_command, set_up_death_reviews
from pages.content.choices import Role
from pages.models import Agency, Contact, ContentPage, DeathReviewIndexPage, PartnershipPage, Venue
from pages.models.moderation import RoleGroup
from pages.models.snippets import ModeratedSnippet

BUNDLED_FILE = Path(__file__).resolve().parents[2] / "demo_content.yaml"
# By section of the file: the model of its entries, and the field by which pages refer to them.
SNIPPETS: dict[str, tuple[type[ModeratedSnippet], str]] = {
    "agencies": (Agency, "name"),
    "venues": (Venue, "name"),
    "contacts": (Contact, "team"),
}
NOTHING_NEW = "Everything is already there. Nothing was changed."
WAGTAIL_FIELDS = {"title", "slug", "seo_title", "search_description", "show_in_menus"}
Entry = dict[str, Any]


class DemoError(Exception):
    """An error in the file. The message names the entry."""


class Command(BaseCommand):
    help = "Loads the demo content. Safe to run again: pages and shared text that exist are left as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file", type=Path, default=BUNDLED_FILE, help="YAML file to load (the bundled demo content)."
        )

    def handle(self, *args: str, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with transaction.atomic():
                made = DemoContent(read(path)).build()
        except DemoError as error:
            raise CommandError(f"{path.name}: {error}\nNothing was saved.") from error
        finally:
            Site.clear_site_root_paths_cache()  # it may hold a home page that was rolled back
        summary = f"{len(made)} pages and pieces of shared text added." if made else NOTHING_NEW
        if options["verbosity"] > 0:
            self.stdout.write("\n".join([*made, summary]))


def read(path: Path) -> Entry:
    """The parsed file. Raises `DemoError` if it cannot be read or is not valid YAML."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DemoError(f"the file cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # a ValueError comes from a date such as 2026-02-31
        raise DemoError(f"this is not valid YAML: {error}") from error
    return mapping(content, "the file", {*SNIPPETS, "home"})


def mapping(value: object, where: str, names: set[str] | None = None) -> Entry:
    """The value, if it is a mapping, with no keys other than `names`. Raises `DemoError`."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DemoError(f"{where}: give names with values, not {value!r}")
    if names is not None and (unknown := sorted(set(value) - names)):
        raise DemoError(f"{where}: unknown: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    return value


def listing(value: object, where: str) -> list[Any]:
    """The value, if it is a list. Raises `DemoError`."""
    if not isinstance(value, list):
        raise DemoError(f"{where}: give a list, not {value!r}")
    return value


def text(value: object, where: str) -> str:
    """The value without white space at its ends, if it is a text. Raises `DemoError`."""
    if not isinstance(value, str) or not value.strip():
        raise DemoError(f"{where}: give a text, not {value!r}")
    return value.strip()


def rich_text(value: object, where: str) -> str:
    """Plain text as HTML: an empty line starts a paragraph, lines that all start with "- " are a list."""
    html = []
    for block in text(value, where).split("\n\n"):
        lines = escape(block.strip(), quote=False).splitlines()
        if all(line.startswith("- ") for line in lines):
            html.append(f"<ul>{''.join(f'<li>{line[2:].strip()}</li>' for line in lines)}</ul>")
        else:
            html.append(f"<p>{' '.join(line.strip() for line in lines)}</p>")
    return "".join(html)


def body(value: object, where: str) -> list[tuple[str, Any]]:
    """The blocks of a page's body: headings and paragraphs."""
    blocks: list[tuple[str, Any]] = []
    for number, item in enumerate(listing(value, where), 1):
        location = f"{where}, block {number}"
        for kind, content in mapping(item, location, {"heading", "paragraph"}).items():
            if kind == "heading":
                blocks.append((kind, {"text": text(content, location), "level": "2"}))
            else:
                blocks.append((kind, rich_text(content, location)))
    return blocks


def scalar(field: "models.Field[Any, Any]", value: object, where: str) -> Any:
    """The value for a field that is neither relation nor rich content. A list becomes one line for each text."""
    if isinstance(value, list) and isinstance(field, models.TextField):
        return "\n".join(text(item, where) for item in value)
    if isinstance(value, (list, dict)) or value is None:
        raise DemoError(f"{where}: {value!r} does not belong here")
    value = field.to_python(value)
    if isinstance(value, datetime) and timezone.is_naive(value):
        return timezone.make_aware(value)
    return value


def why(error: ValidationError) -> str:
    if hasattr(error, "error_dict"):
        return "; ".join(f"{name}: {' '.join(lines)}" for name, lines in error.message_dict.items())
    return " ".join(error.messages)


class DemoContent:
    """One run over the file. References between pages are set after all pages exist."""

    def __init__(self, content: Entry) -> None:
        self.content = content
        self.snippets = {model: self._snippets(section) for section, (model, _) in SNIPPETS.items()}
        # By their path in the file, as in "plans/community-safety-plan"; the home page has the path "".
        self.pages: dict[str, Page] = {}
        self.drafts: list[tuple[str, ContentPage]] = []
        self.references: list[tuple[ContentPage, str, str, str]] = []
        self.made: list[str] = []

    def build(self) -> list[str]:
        """Create what is missing, and return a line for each object. Raises `DemoError`."""
        if RoleGroup.objects.count() < len(Role):
            raise DemoError("the groups are missing: run `manage.py set_up_moderation` first")
        if "home" not in self.content:
            raise DemoError('"home" is missing: the home page, with the pages under it')
        home = mapping(self.content["home"], "home")
        self._page(home, "", self._empty_root(), set())
        for page, name, path, where in self.references:
            if path not in self.pages:
                raise DemoError(f"{where}: there is no page {path!r} in the file")
            try:
                setattr(page, name, self.pages[path])
            except ValueError as error:
                raise DemoError(f"{where}: the page {path!r} is not of the type needed here") from error
        for path, page in self.drafts:
            self._publish(page, f"page {path or 'home'!r}")
        for index in DeathReviewIndexPage.objects.all():
            set_up_death_reviews(index)
        return self.made

    def _snippets(self, section: str) -> dict[str, Entry]:
        """The entries of a section of shared text, by their natural key."""
        model, key = SNIPPETS[section]
        found: dict[str, Entry] = {}
        for number, item in enumerate(listing(self.content.get(section, []), section), 1):
            where = f"{section}, entry {number}"
            entry = mapping(item, where)
            name = text(entry.get(key), f"{where}, {key}")
            if name in found:
                raise DemoError(f"{where}: {name!r} is there twice")
            for field in entry:
                self._field(model, field, f"{where}, {field}")
            found[name] = entry
        return found

    def _snippet(self, model: type[ModeratedSnippet], value: object, where: str) -> ModeratedSnippet:
        """The shared text with this name, created if it is missing.

        Only shared text to which a new page refers is created, so text that an editor renamed does not come back.
        """
        section, key = next((section, key) for section, (kind, key) in SNIPPETS.items() if kind is model)
        name = text(value, where)
        if (existing := model._default_manager.filter(**{key: name}).order_by("pk").first()) is not None:
            return existing
        if name not in self.snippets[model]:
            raise DemoError(f"{where}: {name!r} is not among the {section}")
        location = f"{section}, {name!r}"
        snippet = model(live=False)
        self._fill(snippet, self.snippets[model][name], location)
        try:
            snippet.full_clean()
        except ValidationError as error:
            raise DemoError(f"{location}: {why(error)}") from error
        snippet.save()
        self._publish(snippet, location)
        return snippet

    def _empty_root(self) -> Page:
        """The root of the tree, without the welcome page of a new Wagtail site."""
        root = Page.objects.get(depth=1)
        if PartnershipPage.objects.exists():
            return root
        site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
        if site is None or site.root_page_id == root.pk:
            return root
        welcome = site.root_page
        untouched = (
            welcome.specific_class is Page
            and welcome.depth == 2
            and welcome.numchild == 0
            and welcome.latest_revision_id is None
        )
        if not untouched:
            raise DemoError(f"the site has a home page already, {welcome.title!r}, which is no partnership page")
        # Deleting the root page of a site deletes the site, so the site gets another root page first.
        site.root_page = root
        site.save()
        welcome.delete()
        return Page.objects.get(pk=root.pk)

    def _page(self, entry: Entry, path: str, parent: Page, slugs: set[str]) -> None:
        """Create the page as a draft below its parent, unless it exists; then the pages below it."""
        where = f"page {path or 'home'!r}"
        model = self._page_type(entry.get("type"), where)
        slug = text(entry.get("slug"), f"{where}, slug")
        if slug in slugs:
            raise DemoError(f"{where}: the slug {slug!r} is there twice")
        slugs.add(slug)
        page = self._existing(model, slug, parent)
        if page is None:
            page = self._draft(model, entry, path, parent)
        self.pages[path] = page
        child_slugs: set[str] = set()
        for number, item in enumerate(listing(entry.get("children", []), f"{where}, children"), 1):
            child = mapping(item, f"{where}, child {number}")
            name = text(child.get("slug"), f"{where}, child {number}, slug")
            self._page(child, f"{path}/{name}".lstrip("/"), page, child_slugs)

    def _page_type(self, name: object, where: str) -> type[ContentPage]:
        model = getattr(pages.models, name, None) if isinstance(name, str) else None
        if not isinstance(model, type) or not issubclass(model, ContentPage) or model is ContentPage:
            raise DemoError(f"{where}: {name!r} is no type of page")
        return model

    def _existing(self, model: type[ContentPage], slug: str, parent: Page) -> Page | None:
        """The page with this slug; or, of a type with one page only, that page at any address."""
        if model.max_count == 1:
            return model.objects.first()
        found = parent.get_children().filter(slug=slug).first()
        return found.specific if found else None

    def _draft(self, model: type[ContentPage], entry: Entry, path: str, parent: Page) -> ContentPage:
        where = f"page {path or 'home'!r}"
        if not model.can_create_at(parent):
            raise DemoError(f"{where}: a {model._meta.verbose_name} cannot be under {parent.title!r}")
        page = model(live=False)
        fields = {name: value for name, value in entry.items() if name not in ("type", "children")}
        self._fill(page, fields, where)
        # Saving a draft validates little; without this, an error would come from the database and not name the field.
        unchecked = {field.name for field in model._meta.fields if field.name not in fields or field.is_relation}
        try:
            page.clean_fields(exclude=unchecked)
            parent.add_child(instance=page)
        except ValidationError as error:
            raise DemoError(f"{where}: {why(error)}") from error
        self.drafts.append((path, page))
        if page.is_home_page:
            make_root_of_site(page)
        return page

    def _publish(self, obj: ContentPage | ModeratedSnippet, where: str) -> None:
        try:
            publish_by_command(obj, command="load_demo")
        except ValidationError as error:
            raise DemoError(f"{where}: {why(error)}") from error
        except PermissionDenied as error:
            raise DemoError(f"{where}: {error}") from error
        self.made.append(f"Added {obj._meta.verbose_name}: {obj}")

    def _fill(self, obj: models.Model, entry: Entry, where: str) -> None:
        """Set each field of the entry. Only fields that editors can set are allowed."""
        for name, value in entry.items():
            location = f"{where}, {name}"
            field = self._field(type(obj), name, location)
            try:
                if isinstance(field, models.ManyToOneRel):
                    setattr(obj, name, self._rows(field, value, location))
                elif isinstance(field, RichTextField):
                    setattr(obj, name, rich_text(value, location))
                elif isinstance(field, StreamField):
                    setattr(obj, name, body(value, location))
                elif isinstance(field, models.ForeignKey):
                    self._refer(obj, field, value, location)
                else:
                    setattr(obj, name, scalar(field, value, location))
            except ValidationError as error:
                raise DemoError(f"{location}: {why(error)}") from error
            except (TypeError, ValueError) as error:
                raise DemoError(f"{location}: {value!r} does not belong here") from error

    def _field(self, model: type[models.Model], name: str, where: str) -> Any:
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            field = None
        if isinstance(field, models.ManyToOneRel) and isinstance(field.remote_field, ParentalKey):
            return field
        is_wagtails = issubclass(model, Page) and field is not None and field.model is Page
        if (
            not isinstance(field, models.Field)
            or isinstance(field, models.ManyToManyField)
            or not field.editable
            or (is_wagtails and name not in WAGTAIL_FIELDS)
        ):
            raise DemoError(f"{where}: there is no such field")
        return field

    def _rows(self, relation: models.ManyToOneRel, value: object, where: str) -> list[Orderable]:
        """The child objects of a page, such as the actions of a priority, in the order of the file."""
        rows = []
        for number, item in enumerate(listing(value, where), 1):
            location = f"{where}, entry {number}"
            row: Orderable = relation.related_model()
            self._fill(row, mapping(item, location), location)
            try:
                row.full_clean(exclude=[relation.remote_field.name])
            except ValidationError as error:
                raise DemoError(f"{location}: {why(error)}") from error
            row.sort_order = number - 1
            rows.append(row)
        return rows

    def _refer(self, obj: models.Model, field: models.ForeignKey[Any, Any], value: object, where: str) -> None:
        model = field.related_model
        if issubclass(model, ModeratedSnippet) and any(model is kind for kind, _ in SNIPPETS.values()):
            setattr(obj, field.name, self._snippet(model, value, where))
        elif issubclass(model, ContentPage) and isinstance(obj, ContentPage):
            self.references.append((obj, field.name, text(value, where).strip("/"), where))
        else:
            raise DemoError(f"{where}: this field cannot be set from the file")
