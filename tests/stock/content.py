"""Public pages that point in every way to hidden content of every kind, which has its word in every text."""

from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image as Picture
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents.models import Document
from wagtail.images.models import Image
from wagtail.models import Collection, CollectionViewRestriction, Page, PageViewRestriction, Site

from tests.stock.leaks import HIDDEN, word
from tests.stock.models import ArticleLink, ArticlePage, Label


def page(parent, name, **fields):
    values = {"title": f"{name} title", "slug": f"{name}-slug", "intro": f"<p>{name} body</p>", **fields}
    return parent.add_child(instance=ArticlePage(**values))


def document(name, **fields):
    content = ContentFile(f"{name} content".encode(), f"{name}.txt")
    return Document.objects.create(title=f"{name} document", file=content, **fields)


def image(name, **fields):
    content = BytesIO()
    Picture.new("RGB", (40, 30)).save(content, "PNG")
    return Image.objects.create(title=f"{name} image", file=ContentFile(content.getvalue(), f"{name}.png"), **fields)


def hidden_pages(home):
    tomorrow = timezone.now() + timedelta(days=1)
    pages = {state: page(home, word(state), live=state not in ("draft", "scheduled")) for state in (*HIDDEN, "expired")}
    pages["scheduled"].go_live_at = tomorrow
    pages["scheduled"].save_revision().publish()
    pages["scheduled"].refresh_from_db()
    PageViewRestriction.objects.create(page=pages["login"], restriction_type="login")
    PageViewRestriction.objects.create(page=pages["password"], restriction_type="password", password="secret")
    ArticlePage.objects.filter(pk=pages["expired"].pk).update(expire_at=timezone.now() - timedelta(hours=1))
    parent = page(home, "zzparent", live=False)
    pages["child of a draft"] = page(parent, word("child of a draft"))
    return pages


def files():
    private = Collection.get_first_root_node().add_child(name="Private")
    below = private.add_child(name="Below")
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    found = {
        "zzprivate": (document("zzprivate", collection=private), image("zzprivate", collection=private)),
        "zzbelow": (document("zzbelow", collection=below), image("zzbelow", collection=below)),
        "zzunused": (document("zzunused"), image("zzunused")),
        "public": (document("public"), image("public")),
    }
    documents, images = ({name: both[kind] for name, both in found.items()} for kind in (0, 1))
    return SimpleNamespace(documents=documents, images=images, rendition=images["zzunused"].get_rendition("width-20"))


def make():
    home = page(Page.objects.get(depth=1), "home")
    Site.objects.update(root_page=home)
    hidden, uploads, label = hidden_pages(home), files(), Label.objects.create(text="zzlabel text", live=False)
    private_document, private_image = uploads.documents["zzprivate"], uploads.images["zzprivate"]
    links = "".join(f'<p><a linktype="page" id="{target.pk}">words</a></p>' for target in hidden.values())
    embeds = (
        f'<p><a linktype="document" id="{private_document.pk}">words</a></p>'
        f'<embed embedtype="image" id="{private_image.pk}" format="left" alt=""/>'
    )
    hub = page(
        home,
        "hub",
        intro=links + embeds,
        document=private_document,
        image=private_image,
        label=label,
        links=[ArticleLink(page=target) for target in hidden.values()]
        + [ArticleLink(document=private_document, image=private_image, label=label)],
        body=[
            *(("page", target.page_ptr) for target in hidden.values()),
            *(("card", {"page": target}) for target in hidden.values()),
            ("pages", [target.page_ptr for target in hidden.values()]),
            ("text", links),
            ("document", private_document),
            ("image", private_image),
            ("label", label),
        ],
    )
    for state, target in hidden.items():
        page(home, f"to {state}", slug=f"to-{target.pk}", related=target)
        Redirect.objects.create(old_path=f"/old-{target.pk}", redirect_page=target)
    # A draft that points to what is public, and brings a document and a tag of its own.
    draft = hidden["draft"]
    draft.about, draft.document, draft.image = hub, uploads.documents["public"], uploads.images["public"]
    draft.tags.add("zztag")
    draft.save()
    of_draft = document("zzofadraft")
    page(home, "other draft", slug="other-draft", live=False, document=of_draft)
    changed = page(home, "changed", expire_at=timezone.now() + timedelta(days=1))
    changed.title = "zzlater title"
    changed.save_revision()
    changed.refresh_from_db()
    for number, secret in enumerate(("a", "b")):
        owner = User.objects.create(username=f"owner {number}", password=secret)
        page(home, f"owned {number}", slug=f"owned-{number}", owner=owner)
    return SimpleNamespace(hidden=hidden, label=label, hub=hub, changed=changed, of_draft=of_draft, files=uploads)
