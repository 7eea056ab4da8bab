"""Finds broken links in public pages: the target is a draft, was withdrawn or deleted, or never existed.

`BrokenLinksReport` shows each user those in pages that the user may edit. It checks only targets inside the CMS: pages,
documents, and addresses below WEBSITE_URL and CMS_URL. It sends no request to other sites.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Field, ForeignKey, Model, URLField
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.admin.ui.tables import Column, TitleColumn
from wagtail.admin.views.reports import ReportView
from wagtail.models import Page
from wagtail.permissions import policy_registry

from documents.access.public_files import public_documents, public_images
from documents.models import Document, Image
from pages.confidential.permissions import editable_by, in_sight
from pages.content import addresses
from pages.content.death_reviews import of_death_reviews
from pages.content.references import contents, row_relations
from pages.content.rich_text import absolute, linked_ids, typed_addresses
from pages.models import ContentPage, DeathReviewNoticePage
from pages.models.base import page_types
from pages.reading.at_path import Redirection, at_path
from pages.visibility.rule import public, public_rows, withdrawn


@dataclass(frozen=True)
class Link:
    """A link in a page. `kind` is "page", "document" or "address"; `to` is a primary key, or the address."""

    page_id: int
    where: str
    kind: str
    to: Any


@dataclass(frozen=True)
class BrokenLink:
    page_id: int
    page: str
    where: str
    target: str
    why: str


# --- Collecting the links ---


def _links(obj: Model, page_id: int, row: str = "") -> Iterator[Link]:
    """The links of a page, or of one of its child objects. `row` is the name of the child's model."""

    def link(model_field: "Field[Any, Any]", place: int, kind: str, to: int | str) -> Link:
        parts = [row, str(model_field.verbose_name), f"block {place}" if place else ""]
        where = ", ".join(filter(None, parts))
        return Link(page_id, where[:1].upper() + where[1:], kind, to)

    for model_field, place, kind, content in contents(obj):
        if kind == "text":
            yield from (link(model_field, place, *found) for found in _in_text(content))
        elif kind != "image":
            yield link(model_field, place, kind, content)
    for model_field in obj._meta.concrete_fields:
        value = getattr(obj, model_field.attname)
        if value and model_field.editable and (found := _in_field(model_field, value)):
            yield link(model_field, 0, *found)


def _in_text(text: str) -> Iterator[tuple[str, Any]]:
    """Kind and target of each link in rich text."""
    pages, documents = linked_ids([text])
    yield from (("page", key) for key in sorted(pages))
    yield from (("document", key) for key in sorted(documents))
    yield from (("address", address) for address in sorted(typed_addresses(text)))


def _in_field(model_field: "Field[Any, Any]", value: Any) -> tuple[str, Any] | None:
    """Kind and target of the link in a field. None for fields that hold no link, and for parental keys."""
    if isinstance(model_field, URLField):
        address = absolute(value)
        return ("address", address) if address else None
    if not isinstance(model_field, ForeignKey) or isinstance(model_field, ParentalKey):
        return None
    target: Any = model_field.related_model
    if issubclass(target, Page) and not model_field.remote_field.parent_link:
        return "page", value
    return ("document", value) if target is Document else None


def _row_models() -> list[tuple[Any, str]]:
    """The models of the child objects of pages, each with the name of its ParentalKey."""
    relations = {
        relation.related_model: relation.field.name for model in page_types() for relation in row_relations(model)
    }
    return sorted(relations.items(), key=lambda item: item[0].__name__)


def links_of_public_pages(user: User | AnonymousUser, as_of: datetime) -> Iterator[Link]:
    """The links of the public pages that the user may edit. One query for each page type and each child model."""
    editable = editable_by(user).values("pk")
    for model in page_types():
        for page in public(model._default_manager.filter(pk__in=editable), as_of).iterator():
            yield from _links(page, page.pk)
    for model, name in _row_models():
        rows = public_rows(model.objects.filter(**{f"{name}__in": editable}), f"{name}__", as_of)
        for row in rows.iterator():
            yield from _links(row, getattr(row, f"{name}_id"), str(model._meta.verbose_name))


# --- Checking the links ---


class _Targets:
    """What readers can reach, loaded once, and the reasons why they cannot reach the rest."""

    def __init__(self, user: User | AnonymousUser, as_of: datetime) -> None:
        self.as_of = as_of
        self.public_pages = dict(public(ContentPage.objects.all(), as_of).values_list("pk", "url_path"))
        self.public_paths = {path.removesuffix("/") for path in self.public_pages.values()}
        documents = public_documents(Document.objects.all(), as_of).values_list("pk", "file_key")
        self.public_documents = dict(documents)
        self.of_death_reviews = set(Document.objects.filter(of_death_reviews()).values_list("pk", flat=True))
        self.notices = set(DeathReviewNoticePage.objects.values_list("pk", flat=True))
        images = public_images(Image.objects.all(), as_of).values_list("file_key", flat=True)
        self.public_files = {*self.public_documents.values(), *images}
        self.titles = dict(editable_by(user).values_list("pk", "title"))
        self.withdrawn = set(withdrawn(ContentPage.objects.all(), as_of).values_list("pk", flat=True))
        self.live = dict(in_sight(Page.objects.all()).values_list("pk", "live"))
        self.all_documents = set(in_sight(Document.objects.all()).values_list("pk", flat=True))
        seen = policy_registry.get_by_type(Document).instances_user_has_any_permission_for(user, ["change", "choose"])
        self.document_titles = dict(seen.values_list("pk", "title"))

    def problem(self, link: Link) -> tuple[str, str] | None:
        """The target in words and what is wrong with it. None if readers can follow the link."""
        if link.kind == "page":
            return None if link.to in self.public_pages else self._page(link.to)
        if link.kind == "document":
            out_of_place = link.to in self.of_death_reviews and link.page_id not in self.notices
            return self._document(link.to) if out_of_place or link.to not in self.public_documents else None
        return self._address(link.to)

    def _page(self, key: int) -> tuple[str, str]:
        if key not in self.live:
            return f"Page {key}", "The page was deleted."
        title = self.titles.get(key, "A page that you cannot edit")
        if key in self.withdrawn:
            return title, "The page was withdrawn."
        if not self.live[key]:
            return title, "The page is not published."
        return title, "The page is private or has expired, or a page above it is not public."

    def _document(self, key: int) -> tuple[str, str]:
        if key not in self.all_documents:
            return f"Document {key}", "The document was deleted."
        return (
            self.document_titles.get(key, "A document that you cannot see"),
            "Readers cannot open the file: no approved page shows this version, it is private, or it was taken down.",
        )

    def _address(self, address: str) -> tuple[str, str] | None:
        for base in filter(None, (settings.WEBSITE_URL, settings.CMS_URL)):
            path = _path_below(base, address)
            if path is not None:
                return self._path(address, path, of_the_cms=base == settings.CMS_URL)
        return None

    def _path(self, address: str, path: str, of_the_cms: bool) -> tuple[str, str] | None:
        if addresses.tree_path(path).removesuffix("/") in self.public_paths:
            return None
        kind, _, rest = path.strip("/").partition("/")
        if of_the_cms and kind in ("documents", "images") and rest:
            known = rest.partition("/")[0] in self.public_files
            return None if known else (address, "There is no public file at this address.")
        if of_the_cms and _is_other_view(path):
            return None
        # This costs queries, but few typed addresses are not those of public pages.
        found = at_path(path, self.as_of)
        if isinstance(found, Redirection):
            return self._address(found.target) and (address, "It redirects to a page that is not public.")
        if found is not None:
            return address, "The page at this address was withdrawn or removed."
        return address, "The CMS has no page at this address. If the website has its own page there, ignore this line."


def _path_below(base: str, address: str) -> str | None:
    """The path of an address relative to a base URL. None if the address is on another site."""
    try:
        ours, theirs = urlsplit(base), urlsplit(address)
    except ValueError:
        return None
    path = unquote(theirs.path) or "/"
    if theirs.scheme not in ("http", "https") or theirs.netloc.lower() != ours.netloc.lower():
        return None
    below = ours.path.rstrip("/") + "/"
    return path[len(below) - 1 :] if f"{path}/".startswith(below) else None


def _is_other_view(path: str) -> bool:
    """Whether the path is routed to a view other than Wagtail's page view, such as a feed."""
    try:
        return resolve(path).url_name != "wagtail_serve"
    except Resolver404:
        return False


def broken_links(user: User | AnonymousUser, as_of: datetime) -> list[BrokenLink]:
    """The broken links in pages that the user may edit: by page title, then in the order of the page."""
    targets, found = _Targets(user, as_of), []
    for link in links_of_public_pages(user, as_of):
        if problem := targets.problem(link):
            found.append(BrokenLink(link.page_id, targets.titles[link.page_id], link.where, *problem))
    return sorted(found, key=lambda broken: (broken.page.casefold(), broken.page_id))


# --- The report ---


def _escape_formula(value: str) -> str:
    """Text that a spreadsheet program does not read as a formula (CSV injection)."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value


class BrokenLinksReport(ReportView):
    """Wagtail report for everybody who may edit pages, with export to CSV and XLSX."""

    model = ContentPage
    any_permission_required = ("add", "change", "publish")
    page_title = "Broken links"
    header_icon = "link"
    template_name = "pages/admin/broken_links.html"
    index_url_name = "broken_links"
    index_results_url_name = "broken_links_results"
    columns = (
        TitleColumn("page", label="Page", get_url=lambda link: reverse("wagtailadmin_pages:edit", args=[link.page_id])),
        Column("where", label="Where"),
        Column("target", label="Leads to"),
        Column("why", label="What is wrong"),
    )
    list_export = ("page", "where", "target", "why")
    export_headings = {"page": "Page", "where": "Where", "target": "Leads to", "why": "What is wrong"}
    export_filename = "broken-links"
    no_results_message = "There are no broken links."

    def get_queryset(self) -> list[BrokenLink]:
        return broken_links(self.request.user, timezone.now())

    def get_preprocess_function(self, field: str, value: object, export_format: str) -> Any:
        return (
            _escape_formula
            if export_format == self.FORMAT_CSV
            else super().get_preprocess_function(field, value, export_format)
        )
