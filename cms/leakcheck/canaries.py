"""The words and addresses of canaries, which `plant_canaries` and cms/leakcheck/check.py share.

The documentation must not contain the words: the CMS serves it, and the check would find them there.
"""

# In every hidden text.
CANARY = "zqcanary"
# In the addresses of canary pages that were public once. Those are known, so the API may still name them.
FORMER = "zqformer"
# On the one public page. If the check does not find this word, it checked the wrong site.
CONTROL = "zqcontrol"

NEVER_PUBLIC = ("draft", "scheduled", "restricted", "child")
ONCE_PUBLIC = ("expired", "unpublished", "gone")
STATES = (*NEVER_PUBLIC, *ONCE_PUBLIC)
# Kind of page (`ContentPage.canary_kind`) → the usual path of its parent. Only standard pages can have pages below
# them.
PARENTS = {"standard": "/", "news": "/news/", "meeting": "/meetings/"}


def slug(kind: str, state: str) -> str:
    return f"{FORMER if state in ONCE_PUBLIC else CANARY}-{kind}-{state}"


def hidden_paths() -> dict[str, set[int]]:
    """Path of a hidden canary page → the status codes that do not reveal it."""
    paths = {f"/{CANARY}-edit/": {404}, f"/{slug('standard', 'draft')}/{slug('standard', 'child')}/": {404}}
    for kind, parent in PARENTS.items():
        for state in STATES:
            if state != "child":
                paths[f"{parent}{slug(kind, state)}/"] = {404, 410} if state in ONCE_PUBLIC else {404}
    return paths


def well_known_addresses() -> list[str]:
    """Addresses that people who know Wagtail and Django would try first."""
    names = ("pages", "documents", "images")
    feeds = [
        f"/feeds/{name}.{kind}" for name in ("news", "meetings", CANARY) for kind in ("rss", "atom", "json", "ics")
    ]
    documents = [f"/documents/{number}/{file}" for number in range(1, 6) for file in ("", f"{CANARY}-draft.csv")]
    images = [f"/images/{CANARY}/{number}/original/{CANARY}-draft.png" for number in range(1, 6)]
    folders = ("media", "media/documents", "media/original_images", "media/images", "unserved", "unserved/documents")
    files = [f"/{folder}/{file}" for folder in folders for file in ("", f"{CANARY}-draft.csv", f"{CANARY}-draft.png")]
    apis = [f"{root}/{name}/" for root in ("/admin/api/main", "/api/v2") for name in names]
    others = ["/", "/sitemap.xml", "/robots.txt", "/feeds/", "/docs/", "/admin/pages/", "/admin/reports/site-history/"]
    return [*others, *feeds, *documents, *images, *files, *apis]
