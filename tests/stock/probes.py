"""For each leak, what an anonymous visitor sends to the stock stack, and whether the answer gives it away."""

import json
from functools import partial

from django.core.files.storage import InMemoryStorage
from django.test import Client, override_settings
from wagtail.models import Collection, CollectionViewRestriction

from tests.stock import content
from tests.stock.leaks import HIDDEN, SERVED_BY_WAGTAIL, word

TEXTS = "title slug ... on ArticlePage { intro }"
FILE = "title file url"
LIST = "{ pages(limit: 100) { TEXTS } }"
BODY_WAYS = {
    "chooser block": "... on PageChooserBlock { page { TEXTS } }",
    "chooser in a struct block": "... on CardBlock { page { TEXTS } }",
    "chooser in a list block": "... on ListBlock { items { ... on PageChooserBlock { page { TEXTS } } } }",
}
WAYS = {
    **{way: f"body {{ {block} }}" for way, block in BODY_WAYS.items()},
    "foreign key": "related { TEXTS }",
    "row of a page": "links { page { TEXTS } }",
}
IN_A_BUCKET = {
    "default": {"BACKEND": "tests.stock.probes.Bucket"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


class Bucket(InMemoryStorage):
    """Knows the addresses of files and no paths, as remote storage does."""

    def path(self, name):
        raise NotImplementedError

    def _relative_path(self, name):
        return name


def shows(path, *texts):
    """Whether an address answers with all the texts."""
    answer = Client().get(path)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code == 200 and all(text.encode() in content for text in texts)


def send(query):
    return Client().post("/api/graphql/", {"query": query.replace("TEXTS", TEXTS)}, "application/json").content.decode()


def data(query):
    answer = json.loads(send(query))
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def gives(query, *texts):
    """Whether an answer without errors has all the texts."""
    answer = json.dumps(data(query))
    return all(text in answer for text in texts)


def of_pages(fields, *texts):
    return gives(f"{{ pages(limit: 100) {{ ... on ArticlePage {{ {fields} }} }} }}", *texts)


def of_hub(fields, *texts):
    return gives(f'{{ page(slug: "hub-slug") {{ ... on ArticlePage {{ {fields} }} }} }}', *texts)


def texts_of(hidden):
    return [f"{word(hidden)} {part}" for part in ("title", "body")]


def searching(name):
    return f'{{ search(query: "{name}") {{ ... on ArticlePage {{ title intro }} ... on Label {{ text }} }} }}'


def page_probes(world):
    redirects = "{ redirects { newUrl page { TEXTS } } }"
    block = "body { ... on RichTextBlock { value } }"
    for state in HIDDEN:
        own, path = texts_of(state), f"/{word(state)}-slug/"
        for way, fields in WAYS.items():
            yield f"{state} page through a {way}", partial(of_pages, fields, *own)
        yield f"{state} page through redirects", partial(gives, redirects, *own, f'"newUrl": "{path}"')
        yield f"address of a {state} page in a rich-text field", partial(of_hub, "intro", path)
        yield f"address of a {state} page in a rich-text block", partial(of_hub, block, path)
    for state in (*HIDDEN, "expired"):
        yield f"{state} page through search", partial(gives, searching(word(state)), *texts_of(state))
    for state in SERVED_BY_WAGTAIL:
        own, path = texts_of(state), world.hidden[state].url
        yield f"{state} page in a list", partial(gives, LIST, *own)
        yield f"{state} page by its path", partial(gives, f'{{ page(urlPath: "{path}") {{ TEXTS }} }}', *own)
        yield f"{state} page as HTML", partial(shows, path, *own)
    yield "draft parent through parent", partial(of_pages, "parent { TEXTS }", *texts_of("parent"))
    yield "address of a draft parent through urlPath", partial(of_pages, "urlPath", "/zzparent-slug/")


def field_probes(world):
    changed, scheduled = world.changed, world.hidden["scheduled"]
    own = texts_of("draft")
    yield "draft through a reverse relation of a page", partial(of_hub, "referredBy { title intro }", *own)
    for kind, owner in (("documents", "a document"), ("images", "an image")):
        query = f"{{ {kind}(limit: 100) {{ articlepageSet {{ title intro }} }} }}"
        yield f"draft through a reverse relation of {owner}", partial(gives, query, *own)
    schedule = {
        "draftTitle": ("draftTitle", "zzlater title"),
        "expireAt": ("expireAt", changed.expire_at.isoformat()),
        "goLiveAt": ("related { ... on ArticlePage { goLiveAt } }", scheduled.go_live_at.isoformat()),
        "hasUnpublishedChanges": (
            "slug hasUnpublishedChanges",
            '{"slug": "changed-slug", "hasUnpublishedChanges": true}',
            '{"slug": "hub-slug", "hasUnpublishedChanges": false}',
        ),
        "latestRevisionCreatedAt": ("latestRevisionCreatedAt", changed.latest_revision_created_at.isoformat()),
    }
    for name, (fields, *texts) in schedule.items():
        yield f"{name} of a page", partial(of_pages, fields, *texts)
    yield "draft through rawValue", partial(of_hub, "body { ... on PageChooserBlock { rawValue } }", "zzdraft title")
    source = json.dumps(f'linktype="page" id="{world.hidden["draft"].pk}"').strip('"')
    yield "link to a draft through rawValue", partial(of_hub, "body { ... on RichTextBlock { rawValue } }", source)
    yield "order by a secret column", order_follows_passwords
    yield "columns in an error", lambda: "draft_title" in send('{ pages(order: "bogus") { title } }')


def order_follows_passwords():
    orders = []
    for sign in ("", "-"):
        pages = data(f'{{ pages(limit: 100, order: "{sign}owner__password") {{ slug }} }}')["pages"]
        orders.append([page["slug"] for page in pages if page["slug"].startswith("owned-")])
    return orders == [["owned-0", "owned-1"], ["owned-1", "owned-0"]]


def snippet_and_tag_probes(world):
    queries = {
        "snippets": "{ snippets { ... on Label { text } } }",
        "its singular field": f"{{ label(id: {world.label.pk}) {{ text }} }}",
        "its plural field": "{ labels { text } }",
        "search": searching("zzlabel"),
    }
    for way, query in queries.items():
        yield f"draft snippet through {way}", partial(gives, query, "zzlabel text")
    ways = {
        "a foreign key": "label { text }",
        "a row": "links { label { text } }",
        "a chooser": "body { ... on SnippetChooserBlock { snippet { ... on Label { text } } } }",
    }
    for way, fields in ways.items():
        yield f"draft snippet through {way}", partial(of_hub, fields, "zzlabel text")
    yield "tag of drafts through tags", partial(gives, "{ tags(limit: 100) { name } }", "zztag")


def file_probes(world):
    blocks = {"document": "DocumentChooserBlock", "image": "ImageChooserBlock"}
    for kind, uploads in (("document", world.files.documents), ("image", world.files.images)):
        private, unused = uploads["zzprivate"], uploads["zzunused"]
        own = [f"zzprivate {kind}", private.file.name, private.url if kind == "document" else private.file.url]
        ways = {
            "foreign key": f"{kind} {{ {FILE} }}",
            "row of a page": f"links {{ {kind} {{ {FILE} }} }}",
            "chooser block": f"body {{ ... on {blocks[kind]} {{ {kind} {{ {FILE} }} }} }}",
        }
        for way, fields in ways.items():
            yield f"private {kind} through a {way}", partial(of_hub, fields, *own)
        every, one = f"{{ {kind}s(limit: 100) {{ {FILE} }} }}", f"{{ {kind}(id: {unused.pk}) {{ {FILE} }} }}"
        yield f"file below a private collection through {kind}s", partial(gives, every, f"zzbelow {kind}")
        yield f"unused {kind} through a list", partial(gives, every, f"zzunused {kind}")
        yield f"unused {kind} through its integer key", partial(gives, one, f"zzunused {kind}")
    yield "private document through a rich text", partial(of_hub, "intro", world.files.documents["zzprivate"].url)
    yield "private image through a rich text", partial(of_hub, "intro", "/media/images/zzprivate")
    renditions = "{ images(limit: 100) { renditions { url } } }"
    yield "renditions of an unused image", partial(gives, renditions, world.files.rendition.url)
    yield "a search that fails tells of a private file", a_failing_search_tells


def a_failing_search_tells():
    found, nothing = (json.loads(send(searching(name))) for name in ("zzprivate", "zznothing"))
    return found["data"] is None and nothing == {"data": {"search": []}}


def address_probes(world):
    documents, images = world.files.documents, world.files.images
    yield "unused document by its address", partial(shows, documents["zzunused"].url, "zzunused content")
    yield "document of a draft by its address", partial(shows, world.of_draft.url, "zzofadraft content")
    yield "private document by its storage name", partial(shows, documents["zzprivate"].file.url, "zzprivate content")
    yield "unused image by its storage name", partial(shows, images["zzunused"].file.url, "PNG")
    yield "rendition of an unused image by its storage name", partial(shows, world.files.rendition.url, "PNG")
    yield "private document in remote storage by an old address", remote_storage_goes_on_serving


@override_settings(STORAGES=IN_A_BUCKET)
def remote_storage_goes_on_serving():
    """Wagtail leads to the file's address in the storage, which asks nobody when the collection is private later."""
    collection = Collection.get_first_root_node().add_child(name="Private later")
    document = content.document("zzremote", collection=collection)
    in_storage = Client().get(document.url)["Location"]
    CollectionViewRestriction.objects.create(collection=collection, restriction_type="login")
    asked_to_log_in = Client().get(document.url)["Location"].startswith("/_util/login/")
    return asked_to_log_in and shows(in_storage, "zzremote content")


def leaks(world):
    groups = (page_probes, field_probes, snippet_and_tag_probes, file_probes, address_probes)
    return {name: probe for group in groups for name, probe in group(world)}


def hides():
    """What the stock stack does hide: here the same probes find nothing."""
    return {
        **{f"{state} page in a list": partial(gives, LIST, f"{word(state)} title") for state in HIDDEN},
        "private document in a list": partial(gives, f"{{ documents(limit: 100) {{ {FILE} }} }}", "zzprivate"),
        "draft as HTML": partial(shows, f"/{word('draft')}-slug/", word("draft")),
    }
