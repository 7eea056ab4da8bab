"""The same hidden content in the models of this project, among public pages that point to it in every way."""

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Collection, CollectionViewRestriction, PageViewRestriction

from documents.models import RENDITIONS
from pages import models
from pages.approval.workflow import set_up_moderation
from tests import factories
from tests.stock.leaks import HIDDEN, SERVED_BY_WAGTAIL, word

OPEN = "zzopen"  # the word of what is public; what is hidden has that of leaks.py
PAGES = ("open", *HIDDEN, *SERVED_BY_WAGTAIL)


def priority(state, parent, **fields):
    """A page in a state, with the word of that state in its title, its address and its text."""
    make = factories.draft if state in ("draft", "scheduled") else factories.page
    texts = {"title": f"{word(state)} title", "slug": f"{word(state)}-slug", "rationale": f"<p>{word(state)} body</p>"}
    page = make(models.PriorityPage, parent, **texts, **fields)
    if state == "scheduled":
        page.go_live_at = timezone.now() + timedelta(days=1)
        factories.approve(page).publish()
    elif state == "expired":
        models.PriorityPage.objects.filter(pk=page.pk).update(expire_at=timezone.now() - timedelta(seconds=1))
    elif state in ("login", "password"):
        PageViewRestriction.objects.create(page=page, restriction_type=state, password="secret")
    page.refresh_from_db()
    return page


def priorities(home):
    period = factories.page(models.PriorityPeriodPage, home, title=f"{OPEN} period", slug="period")
    draft_parent = factories.draft(models.PriorityPeriodPage, home, title="zzparent title", slug="zzparent-slug")
    agencies = [factories.agency(name=f"{OPEN} agency"), factories.agency(name="zzlabel agency", live=False)]
    actions = [models.Action(text="Act", horizon="in-year", lead_agency=agency) for agency in agencies]
    parents = dict.fromkeys(PAGES, period) | {"child of a draft": draft_parent}
    return {
        state: priority(state, parents[state], **({"actions": actions} if state == "open" else {})) for state in PAGES
    }


def files():
    private = Collection.get_first_root_node().add_child(name="Private")
    places = {"zzprivate": private, "zzbelow": private.add_child(name="Below")}
    CollectionViewRestriction.objects.create(collection=private, restriction_type="login")
    later = Collection.get_first_root_node().add_child(name="Private later")
    documents, images = {}, {}
    for name in (OPEN, *places, "zzunused", "zzofadraft", "zzremote"):
        place = {"collection": places[name]} if name in places else {"collection": later} if name == "zzremote" else {}
        documents[name] = factories.document(f"{name} document", f"{name} content".encode(), f"{name}.txt", **place)
        images[name] = factories.image(f"{name} image", f"{name} alt", **place)
        images[name].get_renditions(*RENDITIONS.values())
    return SimpleNamespace(documents=documents, images=images, later=later)


def pages_with_files(home, uploads):
    documents, images = uploads.documents, uploads.images
    shown = [documents[name] for name in (OPEN, "zzprivate", "zzbelow", "zzremote")]
    plans = factories.page(models.PublicationIndexPage, home, publication_kind="plans")
    rows = [models.PageDocument(document=document) for document in shown]
    factories.page(models.CommunitySafetyPlanPage, plans, page_documents=rows)
    meetings = factories.page(models.MeetingIndexPage, home)
    papers = [models.Paper(document=document) for document in shown]
    open_hall, hidden_hall = factories.venue(name=f"{OPEN} hall"), factories.venue(name="zzlabel hall", live=False)
    factories.page(models.MeetingPage, meetings, papers=papers, venue=open_hall)
    meeting = factories.page(models.MeetingPage, meetings, venue=open_hall)
    # Publication refuses a venue that is not public.
    models.MeetingPage.objects.filter(pk=meeting.pk).update(venue=hidden_hall)
    news = models.NewsIndexPage.objects.get()
    for number, name in enumerate((OPEN, "zzprivate", "zzbelow")):
        factories.page(models.NewsPage, news, title=f"Picture {number}", image=images[name])
    stream = [("document", documents["zzofadraft"]), ("document", documents[OPEN]), ("image", {"image": images[OPEN]})]
    factories.draft(models.StandardPage, home, title="zzdraft user", body=stream)


def hub(home, targets, uploads):
    links = "".join(f'<p><a linktype="page" id="{target.pk}">words</a></p>' for target in targets.values())
    names = (OPEN, "zzprivate", "zzbelow")
    documents, images = ([kind[name] for name in names] for kind in (uploads.documents, uploads.images))
    links_to_files = "".join(f'<p><a linktype="document" id="{document.pk}">words</a></p>' for document in documents)
    pictures = "".join(f'<embed embedtype="image" id="{image.pk}" format="left" alt=""/>' for image in images)
    factories.page(models.NewsIndexPage, home, slug="news", introduction=links)
    body = [
        *(("page_link", {"page": target, "text": ""}) for target in targets.values()),
        *(("document", document) for document in documents),
        *(("image", {"image": image, "caption": ""}) for image in images),
        ("paragraph", links + links_to_files + pictures),
    ]
    return factories.page(models.StandardPage, home, title=f"{OPEN} hub", slug="hub", body=body)


def make():
    set_up_moderation()
    home = factories.home()
    targets, uploads = priorities(home), files()
    hub(home, targets, uploads)
    pages_with_files(home, uploads)
    news = models.NewsIndexPage.objects.get()
    for number, target in enumerate(targets.values()):
        factories.page(models.NewsPage, news, title=f"News {number}", priority=target)
        Redirect.objects.create(old_path=f"/old-{target.pk}", redirect_page=target)
    factories.page(models.NewsPage, news, title=f"{OPEN} news", priority=targets["open"])
    factories.draft(models.NewsPage, news, title="zzdraft news", priority=targets["open"])
    reviews = factories.page(models.PublicationIndexPage, home, publication_kind="annual-reviews")
    outcomes = [models.Outcome(priority=target, text="Outcome") for target in targets.values()]
    factories.page(models.AnnualReviewPage, reviews, outcomes=outcomes)
    topics = {name: factories.topic(name=f"{name} topic", slug=name) for name in (OPEN, "zztag")}
    for page, topic in ((targets["open"], topics[OPEN]), (targets["draft"], topics["zztag"])):
        page.topics.set([topic])
        models.ContentPage.topics.through.objects.get_or_create(contentpage_id=page.pk, topic_id=topic.pk)
    end = timezone.now() + timedelta(days=1)
    for name, live in ((OPEN, True), ("zzlabel", False)):
        factories.snippet(models.Alert, message=f"{name} alert", active_until=end, live=live)
    changed = factories.page(models.StandardPage, home, title=f"{OPEN} changed", slug="changed", expire_at=end)
    changed.title = "zzlater title"
    changed.save_revision()
    changed.refresh_from_db()
    return SimpleNamespace(targets=targets, files=uploads, changed=changed)
