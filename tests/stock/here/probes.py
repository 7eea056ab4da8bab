"""For each leak of the stock stack, the same question put to this project."""

from functools import partial

from django.conf import settings
from django.utils import timezone

from pages.content import addresses
from tests.stock.here.content import OPEN
from tests.stock.here.visitor import TEXTS, Closed, asking, fetching, fetching_again, following, get_all, send_all
from tests.stock.leaks import HIDDEN, SCHEDULE, SERVED_BY_WAGTAIL, word

OPEN_PATH = "/period/zzopen-slug/"
OPEN_PAGE = f'page(urlPath: "{OPEN_PATH}") {{ %s }}'
TWO_PAGES = f'{{ open: {OPEN_PAGE} hidden: page(urlPath: "%s") {{ %s }} }}'
BODY = '{ page(urlPath: "/hub/") { ... on StandardPage { body { %s } } } }'
TREE = "partnership { children(first: 20) { nodes { TEXTS children(first: 20) { nodes { TEXTS } } } } }"
LEADS = f"{{ {OPEN_PAGE % '... on PriorityPage { actions { leadAgency { name } } }'} }}"
NEWS = "{ news%s { nodes { title } } }"
PICTURES = "{ news(first: 100) { nodes { image { alt rendition(name: CARD) { url } } } } }"
PLAN_FILES = "{ plans { nodes { documents { title url checksum } } } }"
RICH_TEXT = BODY % "... on ParagraphBlock { richText { html text } }"


def no_field(name, kind="Query"):
    return f"Cannot query field '{name}' on type '{kind}'."


def no_type(name, fields="id"):
    return {BODY % f"... on {name} {{ {fields} }}": f"Unknown type '{name}'."}


def own(hidden):
    return [f"{word(hidden)} title", f"{word(hidden)} body"]


def pages(world):
    for state in HIDDEN:
        yield from ways_to(world, state)
    for state in (*HIDDEN, "expired"):
        yield f"{state} page through search", searching(word(state))
    for state in SERVED_BY_WAGTAIL:
        path = addresses.url_path(world.targets[state])
        yield f"{state} page in a list", asking(f"{{ {TREE} }}", own("open"), [word(state)])
        texts = TEXTS.replace("url urlPath ", "")  # a page that was public says at its path that it is gone
        yield f"{state} page by its path", asking(TWO_PAGES % (texts, path, texts), own("open"), [word(state)])
        yield f"{state} page as HTML", Closed(partial(get_all, OPEN_PATH, path), own("open"), own(state))
    child, texts = addresses.url_path(world.targets["child of a draft"]), "title parent { title }"
    yield "draft parent through parent", asking(TWO_PAGES % (texts, child, texts), [f"{OPEN} period"], ["zzparent"])
    yield "address of a draft parent through urlPath", asking(f"{{ {TREE} }}", [OPEN_PATH], ["zzparent"])


def searching(hidden):
    """Finds what is public by its word, and for that of what is hidden neither a page nor a number."""
    words = {"open": OPEN, "hidden": hidden, "both": f"{OPEN} {hidden}"}
    found = (f'{name}: search(query: "{each}") {{ ...Found }}' for name, each in words.items())
    query = f"{{ {' '.join(found)} }} fragment Found on SearchResultConnection {{ nodes {{ TEXTS }} totalCount }}"
    nothing = [f'"{name}":{{"nodes":[],"totalCount":0}}' for name in ("hidden", "both")]
    return asking(query, [*own("open"), *nothing], [hidden])


def ways_to(world, state):
    page_link, shown, hidden = BODY % "... on PageLinkBlock { text page { TEXTS } }", own("open"), [word(state)]
    ways = {
        "chooser block": (page_link, no_type("PageChooserBlock", "page { title }")),
        "chooser in a struct block": (page_link, no_type("StructBlock", "blocks { id }")),
        "chooser in a list block": (page_link, no_type("ListBlock", "items { id }")),
        "foreign key": ("{ news(first: 100) { nodes { priority { TEXTS } } } }", {}),
        "row of a page": ("{ annualReviews { nodes { outcomes { priority { TEXTS } } } } }", {}),
    }
    for way, (query, refused) in ways.items():
        yield f"{state} page through a {way}", asking(query, shown, hidden, refused)
    introduction = '{ page(urlPath: "/news/") { ... on NewsIndexPage { introduction { html text } } } }'
    for name, query in {"rich-text field": introduction, "rich-text block": RICH_TEXT}.items():
        yield f"address of a {state} page in a {name}", asking(query, [OPEN_PATH], hidden)
    target = f"http://testserver{OPEN_PATH}"
    yield (
        f"{state} page through redirects",
        following(
            *(f"/old-{world.targets[name].pk}/" for name in ("open", state)),
            shown=[f'"open":{{"target":"{target}"}}', f" gives 301 {target}"],
            not_shown=hidden,
            refused={"{ redirects { target } }": no_field("redirects")},
        ),
    )


def fields(world):
    relations = {
        "a page": (
            "PriorityPage",
            f"{{ {OPEN_PAGE % '... on PriorityPage { news { nodes { title } } %s}'} }}",
            "newspageSet",
        ),
        "a document": ("Document", "{ plans { nodes { documents { title %s} } } }", "publishedIn"),
        "an image": ("Image", "{ news { nodes { image { alt %s} } } }", "publishedIn"),
    }
    for owner, (kind, query, relation) in relations.items():
        refused = {
            query % f"{name} {{ id }}": no_field(name, kind) for name in (relation, "referredBy", "articlepageSet")
        }
        yield f"draft through a reverse relation of {owner}", asking(query % "", [f"{OPEN} "], ["zzdraft"], refused)
    changed, scheduled = world.changed, world.targets["scheduled"]
    moments = (changed.expire_at, changed.latest_revision_created_at, scheduled.go_live_at)
    dates = "publishedAt publicUpdatedAt lastReviewedOn nextReviewDueOn changeHistory { at note } TEXTS"
    query = f'{{ page(urlPath: "/changed/") {{ {dates} }} {TREE.replace("TEXTS", dates)} }}'
    shown = [f"{OPEN} changed", timezone.localtime(changed.first_published_at).isoformat()]
    hidden = ["zzlater", *(timezone.localtime(moment).isoformat() for moment in moments)]
    for name in SCHEDULE:
        refused = {f"{{ {OPEN_PAGE % name} }}": no_field(name, "PageInterface")}
        yield f"{name} of a page", asking(query, shown, hidden, refused)
    rich_text = "... on ParagraphBlock { richText { html text } }"
    body = BODY % f"id blockType ... on PageLinkBlock {{ text page {{ TEXTS }} }} {rich_text}"
    refused = {BODY % name: no_field(name, "StreamFieldInterface") for name in ("rawValue", "field")}
    yield "draft through rawValue", asking(body, own("open"), ["zzdraft"], refused)
    yield "link to a draft through rawValue", asking(body, [OPEN_PATH], ["linktype", "zzdraft"], refused)
    for name, order in (("order by a secret column", "owner__password"), ("columns in an error", "bogus")):
        yield (
            name,
            Closed(
                partial(send_all, NEWS % "", NEWS % f'(after: "{order}")'),
                [f"{OPEN} news", "this is not a cursor of this list"],
                ["Choices are", "draft_title", "first_published_at", "password"],
                {NEWS % f'(order: "{order}")': "Unknown argument 'order' on field 'Query.news'."},
            ),
        )


def snippets_and_tags(world):
    ways = {
        "snippets": (LEADS, {"{ snippets { contentType } }": no_field("snippets")}),
        "its singular field": (LEADS, {"{ agency(id: 1) { name } }": no_field("agency")}),
        "its plural field": ("{ alerts { message } }", {"{ agencies { name } }": no_field("agencies")}),
        "a foreign key": ("{ meetings { nodes { venue { name } } } }", {}),
        "a row": (LEADS, {}),
        "a chooser": (LEADS, no_type("SnippetChooserBlock")),
    }
    for way, (query, refused) in ways.items():
        yield f"draft snippet through {way}", asking(query, [OPEN], ["zzlabel"], refused)
    yield "draft snippet through search", searching("zzlabel")
    refused = {"{ tags { name } }": no_field("tags"), "{ tag(id: 1) { name } }": no_field("tag")}
    yield "tag of drafts through tags", asking("{ topics { name slug } }", [f"{OPEN} topic"], ["zztag"], refused)


def files(world):
    ways = {
        "document": {
            "foreign key": PLAN_FILES,
            "row of a page": "{ meetings { nodes { papers { title url } } } }",
            "chooser block": BODY % "... on DocumentBlock { document { title url } }",
            "rich text": RICH_TEXT,
        },
        "image": {
            "foreign key": PICTURES,
            "row of a page": PICTURES,
            "chooser block": BODY % "... on ImageBlock { image { alt rendition(name: CARD) { url } } }",
        },
    }
    for kind, found in (("document", world.files.documents), ("image", world.files.images)):
        key, every = found[OPEN].file_key, ways[kind]["foreign key"]
        hidden = {name: [name, found[name].file_key] for name in ("zzprivate", "zzbelow", "zzunused")}
        refused = {f"{{ {name} {{ id }} }}": no_field(name) for name in (kind, f"{kind}s")}
        for way, query in ways[kind].items():
            yield f"private {kind} through a {way}", asking(query, [key], hidden["zzprivate"])
        yield f"file below a private collection through {kind}s", asking(every, [key], hidden["zzbelow"], refused)
        yield f"unused {kind} through a list", asking(every, [key], hidden["zzunused"], refused)
        by_number = [address(file).replace(file.file_key, str(file.pk)) for file in (found["zzunused"], found[OPEN])]
        yield f"unused {kind} through its integer key", fetching(address(found[OPEN]), *by_number, refused=refused)
    # There are no pictures in rich text here.
    hidden = ["<embed", "<img", "zzprivate", world.files.images["zzprivate"].file_key]
    yield "private image through a rich text", asking(RICH_TEXT, [world.files.documents[OPEN].file_key], hidden)
    counts = {"open": f"{OPEN} content", "private": "zzprivate", "below": "zzbelow", "nothing": "zznothing"}
    searches = [f'{{ {name}: search(query: "{words}") {{ totalCount }} }}' for name, words in counts.items()]
    # The plan, a meeting and the hub show the same files, of which readers may have one.
    shown = ['"open":{"totalCount":3}', *(f'"{name}":{{"totalCount":0}}' for name in list(counts)[1:])]
    yield "a search that fails tells of a private file", Closed(partial(send_all, *searches), shown, ["errors"])


def address(file):
    return file.url if hasattr(file, "page_count") else f"/images/{file.file_key}/card.webp"


def stored(*files):
    """The addresses at which a web server or a careless setting would serve files by their storage names."""
    prefixes = ("/", "/media/", settings.MEDIA_URL, "/documents/", "/images/")
    return [f"{prefix}{file.name}" for file in files for prefix in prefixes]


def file_addresses(world):
    documents, images = world.files.documents, world.files.images
    document, image = address(documents[OPEN]), address(images[OPEN])
    private, unused = documents["zzprivate"], images["zzunused"]
    yield "unused document by its address", fetching(document, address(documents["zzunused"]))
    yield "document of a draft by its address", fetching(document, address(documents["zzofadraft"]))
    by_name = [address(private), *stored(private.file, documents[OPEN].file)]
    yield "private document by its storage name", fetching(document, *by_name)
    yield "unused image by its storage name", fetching(image, *stored(unused.file, images[OPEN].file))
    renditions = [found.renditions.first().file for found in (unused, images[OPEN])]
    yield "rendition of an unused image by its storage name", fetching(image, *stored(*renditions))
    remote = address(documents["zzremote"])
    yield "private document in remote storage by an old address", fetching_again(remote, world.files.later)
    size = "{ news { nodes { image { %s } } } }"
    refused = {
        size % "renditions { url }": no_field("renditions", "Image"),
        size % "rendition(name: CARD, width: 20) { url }": "Unknown argument 'width' on field 'Image.rendition'.",
    }
    yield "renditions of an unused image", fetching(image, address(unused), refused=refused)


def closed(world):
    groups = (pages, fields, snippets_and_tags, files, file_addresses)
    return {name: probe for group in groups for name, probe in group(world)}
