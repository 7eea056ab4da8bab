"""What the stock stack gives to anonymous visitors: one name for each kind of hidden content and each way to it."""

HIDDEN = ("draft", "scheduled", "password", "login")
SERVED_BY_WAGTAIL = ("expired", "child of a draft")  # Wagtail itself takes these for live and public
WAYS = ("chooser block", "chooser in a struct block", "chooser in a list block", "foreign key", "row of a page")
SCHEDULE = ("draftTitle", "expireAt", "goLiveAt", "hasUnpublishedChanges", "latestRevisionCreatedAt")

LEAKS = [
    *(f"{state} page through a {way}" for way in WAYS for state in HIDDEN),
    *(f"{state} page through search" for state in (*HIDDEN, "expired")),
    *(f"{state} page through redirects" for state in HIDDEN),
    *(f"address of a {state} page in a {text}" for text in ("rich-text field", "rich-text block") for state in HIDDEN),
    *(f"{state} page in a list" for state in SERVED_BY_WAGTAIL),
    *(f"{state} page by its path" for state in SERVED_BY_WAGTAIL),
    *(f"{state} page as HTML" for state in SERVED_BY_WAGTAIL),
    "draft parent through parent",
    "address of a draft parent through urlPath",
    *(f"draft through a reverse relation of {owner}" for owner in ("a page", "a document", "an image")),
    *(f"{field} of a page" for field in SCHEDULE),
    *(
        f"draft snippet through {way}"
        for way in (
            "snippets",
            "its singular field",
            "its plural field",
            "a foreign key",
            "a row",
            "a chooser",
            "search",
        )
    ),
    *(
        f"private {kind} through a {way}"
        for kind in ("document", "image")
        for way in ("foreign key", "row of a page", "chooser block", "rich text")
    ),
    "file below a private collection through documents",
    "file below a private collection through images",
    *(f"unused {kind} through {way}" for kind in ("document", "image") for way in ("a list", "its integer key")),
    "renditions of an unused image",
    "a search that fails tells of a private file",
    "tag of drafts through tags",
    "order by a secret column",
    "columns in an error",
    "draft through rawValue",
    "link to a draft through rawValue",
    "unused document by its address",
    "document of a draft by its address",
    "private document by its storage name",
    "unused image by its storage name",
    "rendition of an unused image by its storage name",
    "private document in remote storage by an old address",
]


def word(hidden: str) -> str:
    """The word that stands in everything that belongs to one kind of hidden content, and nowhere else."""
    return "zz" + hidden.replace(" ", "")
