"""Gives pages whose address has the text another one, and takes the ledger and the redirects along.

pages/redaction/redact.py calls it first: links to these pages then follow them.
"""

from uuid import UUID

from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page

from pages.content import addresses
from pages.models import PublicAddress, PublicRecord
from pages.redaction.spellings import Spellings


def redact_addresses(spellings: Spellings) -> dict[str, int]:
    """Returns the number of changed rows by model; `spellings.moved` then leads from old paths to new ones."""
    root = addresses.site_root_path()
    now = _tree_paths(spellings)
    new_root = next((new for _, old, new in now if old == root), root)
    moved: dict[int, tuple[str, str]] = {}
    paths = set()
    for page, old, new in now:
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


def _tree_paths(spellings: Spellings) -> list[tuple[int, str, str]]:
    """Gives pages new slugs, no two of siblings the same. Returns each page, its old tree path and its new one."""
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
    """A path where a page is now becomes its new path, any other one a path that leads to no other page."""
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
    """What becomes of the paths in the ledger: the same path of the same record becomes the same."""

    def __init__(self, spellings: Spellings, moved: dict[int, tuple[str, str]], taken: set[str]) -> None:
        self.spellings, self.moved, self.taken = spellings, moved, taken
        self.known: dict[tuple[object, str], str] = {}

    def of(self, record: object, page: int | None, path: str) -> str:
        if (record, path) not in self.known:
            old, new = self.moved.get(page or 0, ("", ""))
            self.known[record, path] = new if path == old else self._without(path)
        return self.known[record, path]

    def _without(self, path: str) -> str:
        new = self.spellings.without(path, address=True)
        if new != path:
            new = free(new, self.taken, 2600)
            self.taken.add(new)
        return new


def _change_address(pk: int, record: UUID, new: str) -> None:
    if PublicAddress.objects.filter(record=record, path=new).exists():
        PublicAddress.objects.filter(pk=pk).delete()  # noted already
    else:
        PublicAddress.objects.filter(pk=pk).update(path=new)


def _redact_redirects(spellings: Spellings, paths: set[str]) -> int:
    """Where editors redirect from. Nobody asks for the new paths; they must not hide a page or one another."""
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
    """The name, or the name with the lowest number behind it that is not taken; the slash of a path stays last."""
    slash = "/" if name.endswith("/") else ""
    stem, candidate, number = name.removesuffix("/"), name[:longest], 1
    while candidate in taken:
        number += 1
        ending = f"-{number}{slash}"
        candidate = stem[: longest - len(ending)] + ending
    return candidate
