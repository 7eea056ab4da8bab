"""Changes the addresses that contain the text: of pages, in the ledger and of redirects.

pages/redaction/redact.py calls it first, so that it can then change the links to these pages.
"""

from uuid import UUID

from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page

from pages.content import addresses
from pages.models import PublicAddress, PublicRecord
from pages.redaction.spellings import Spellings


def redact_addresses(spellings: Spellings) -> dict[str, int]:
    """Returns the number of changed rows by model. Sets `spellings.moved`: old path → new path."""
    root = addresses.site_root_path()
    tree_paths = _redact_tree_paths(spellings)
    new_root = next((new for _, old, new in tree_paths if old == root), root)
    moved: dict[int, tuple[str, str]] = {}
    paths = set()
    for page, old, new in tree_paths:
        path = f"/{new.removeprefix(new_root)}"
        paths.add(path)
        if new != old:
            moved[page] = (f"/{old.removeprefix(root)}", path)
    spellings.moved = {old: new for old, new in moved.values() if new != old}
    return {
        "page address": len(moved),
        **_redact_ledger(spellings, moved, paths),
        "redirect": _redact_redirects(spellings, paths),
    }


def _redact_tree_paths(spellings: Spellings) -> list[tuple[int, str, str]]:
    """Give pages new slugs, unique among siblings. Returns for each page its key, old tree path and new tree path."""
    rows = list(Page._base_manager.order_by("path").values_list("pk", "path", "slug", "url_path"))
    slugs: dict[str, set[str]] = {}
    for _, path, slug, _ in rows:
        slugs.setdefault(path[: -Page.steplen], set()).add(slug)
    parents: dict[str, tuple[str, str]] = {}
    found = []
    for pk, path, slug, url_path in rows:
        siblings = slugs[path[: -Page.steplen]]
        new_slug, new = spellings.without(slug, address=True), url_path
        if new_slug != slug:
            new_slug = free(new_slug, siblings, 255)
            siblings.add(new_slug)
        old_parent, parent = parents.get(path[: -Page.steplen], ("", ""))
        if new_slug != slug or parent != old_parent or spellings.without(url_path, address=True) != url_path:
            new = f"{parent}{new_slug}/" if parent else "/"
            Page._base_manager.filter(pk=pk).update(slug=new_slug, url_path=new)
        parents[path] = (url_path, new)
        found.append((pk, url_path, new))
    return found


def _redact_ledger(spellings: Spellings, moved: dict[int, tuple[str, str]], paths: set[str]) -> dict[str, int]:
    """Change the paths in the ledger. Returns the number of changed rows by model.

    The current path of a page becomes its new path. A former path becomes one that leads to no other page.
    """
    rows = list(PublicAddress.objects.values_list("pk", "record", "record__page", "path"))
    new_paths = _NewPaths(spellings, moved, paths | {path for *_, path in rows})
    changed_addresses = changed_records = 0
    for pk, record, page, path in rows:
        if (new := new_paths.of(record, page, path)) != path:
            _change_address(pk, record, new)
            changed_addresses += 1
    for record, page, path in list(PublicRecord.objects.values_list("pk", "page", "path")):
        if (new := new_paths.of(record, page, path)) != path:
            PublicRecord.objects.filter(pk=record).update(path=new)
            changed_records += 1
    return {"public address": changed_addresses, "public record": changed_records}


class _NewPaths:
    """The new paths for the ledger. The same path of the same record always gets the same new path."""

    def __init__(self, spellings: Spellings, moved: dict[int, tuple[str, str]], taken: set[str]) -> None:
        self.spellings, self.moved, self.taken = spellings, moved, taken
        self.assigned: dict[tuple[UUID, str], str] = {}

    def of(self, record: UUID, page: int | None, path: str) -> str:
        if (record, path) not in self.assigned:
            old, new = self.moved.get(page or 0, ("", ""))
            self.assigned[record, path] = new if path == old else self._without(path)
        return self.assigned[record, path]

    def _without(self, path: str) -> str:
        new = self.spellings.without(path, address=True)
        if new != path:
            new = free(new, self.taken, 2600)
            self.taken.add(new)
        return new


def _change_address(pk: int, record: UUID, new: str) -> None:
    if PublicAddress.objects.filter(record=record, path=new).exists():
        PublicAddress.objects.filter(pk=pk).delete()
    else:
        PublicAddress.objects.filter(pk=pk).update(path=new)


def _redact_redirects(spellings: Spellings, paths: set[str]) -> int:
    """Change the old paths of redirects. Nobody requests the new ones, but they must not clash with pages or others."""
    rows = list(Redirect.objects.values_list("pk", "old_path"))
    taken = {path for _, path in rows} | {path.rstrip("/") for path in paths}
    changed = 0
    for pk, path in rows:
        new = spellings.without(path, address=True)
        if new != path:
            new = free(new, taken, 255)
            taken.add(new)
            Redirect.objects.filter(pk=pk).update(old_path=new)
            changed += 1
    return changed


def free(name: str, taken: set[str], longest: int) -> str:
    """The name if it is not taken, else the name with the lowest free number after it.

    The result has at most `longest` characters. A slash at the end of a path stays at the end.
    """
    slash = "/" if name.endswith("/") else ""
    stem, candidate, number = name.removesuffix("/"), name[:longest], 1
    while candidate in taken:
        number += 1
        ending = f"-{number}{slash}"
        candidate = stem[: longest - len(ending)] + ending
    return candidate
