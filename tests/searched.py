"""What the tests of the search ask, what they publish, and all that the search keeps."""

from django.contrib.contenttypes.models import ContentType
from wagtail.search.models import IndexEntry

from documents.models import DocumentText
from pages import models
from pages.models import SearchText
from tests import factories

SEARCH = """query($query: String!, $first: Int, $after: String, $last: Int, $before: String, $types: [PageType!],
    $topic: String) {
  search(query: $query, first: $first, after: $after, last: $last, before: $before, types: $types, topic: $topic) {
    totalCount nodes { title } edges { cursor highlight node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
NO_CURSOR = "this is not a cursor of this list."


def standard(home, title, **fields):
    return factories.page(models.StandardPage, home, title=title, **fields)


def text(words):
    return [("paragraph", f"<p>{words}</p>")]


def upload(title, content, **fields):
    return factories.document(title, content.encode(), "report.txt", **fields)


def with_files(home, title, *documents, **fields):
    return standard(home, title, body=[("document", document) for document in documents], **fields)


def stored() -> str:
    """All that the search keeps of published pages and of files."""
    rows = [*SearchText.objects.values(), *DocumentText.objects.filter(document__search_texts__isnull=False).values()]
    return str(rows).lower() + indexed()


def indexed() -> str:
    """What the index of Wagtail's search backend has of published pages and of files."""
    kind = ContentType.objects.get_for_model(SearchText)
    return str([*IndexEntry.objects.filter(content_type=kind).values()]).lower()
