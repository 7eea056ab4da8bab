"""A redirect whose target was typed as an address tells of nothing that is not public, to readers or colleagues.

With the page chosen, the database knows where it leads. An imported list has only addresses.
"""

from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

from pages import models
from pages.content import addresses
from pages.content.choices import Role, WithdrawalKind
from pages.models.moderation import RoleGroup
from pages.reading.at_path import at_path
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
from tests.admin_forms import posted
from tests.hidden_content import administrator


@pytest.fixture
def things(tree):
    """An address of each thing that readers may not learn of, and of some that they may."""
    news, index = tree[models.NewsIndexPage], tree[models.DeathReviewIndexPage]
    index.refresh_from_db()
    shown = factories.document("Shown", name="shown.csv")
    down = factories.document("Down", name="down.csv")
    picture = factories.image("Unused")
    overview = factories.document("Overview", name="overview-of.csv", collection=index.files)
    page = factories.page(models.NewsPage, news, slug="public", body=[("document", shown), ("document", down)])
    taken = factories.page(models.StandardPage, tree["home"], slug="jane")
    moved = factories.page(models.StandardPage, tree["home"], slug="before")
    withdrawn = factories.page(models.StandardPage, tree["home"], slug="withdrawn")
    notice = factories.draft(models.DeathReviewNoticePage, index)
    public_notice = factories.page(models.DeathReviewNoticePage, index)
    take_down(taken, administrator(), "It names somebody.")
    take_down(down, administrator(), "It names somebody.")
    withdraw(withdrawn, administrator(), WithdrawalKind.GONE, "", None)
    moved.slug = "after"
    factories.publish(moved)
    return {
        "a draft": (addresses.url(factories.draft(models.NewsPage, news, slug="draft")), False),
        "a draft notice without a slash": (addresses.website("/" + addresses.url_path(notice).strip("/")), False),
        "a page taken down": (addresses.website("/jane/"), False),
        "a withdrawn page": (addresses.website("/withdrawn/"), False),
        "a draft notice": (addresses.url(notice) + "?from=old#top", False),
        "a file taken down": (down.address, False),
        "a file of death reviews": (overview.address, False),
        "a picture that no page shows": (addresses.website(f"/images/{picture.file_key}/large.jpg"), False),
        "a public page": (addresses.url(page), True),
        "a public notice": (addresses.url(public_notice), True),
        "an old address of a public page": (addresses.website("/before/"), True),
        "a public file": (shown.address, True),
        "a place that is no page": (addresses.website("/find-us/"), True),
    }


def sign_in_without_the_right(client):
    group = RoleGroup.objects.get(role=Role.MODERATOR).group
    group.permissions.remove(*group.permissions.filter(codename="handle_death_reviews"))
    user = User.objects.create_user("colleague")
    user.groups.add(group)
    client.force_login(user)


@pytest.fixture
def website(settings):
    settings.WEBSITE_URL = "https://www.example.org"


@pytest.fixture
def reviews(tree, website):
    """A draft notice, and a page that colleagues redirect to."""
    index = tree[models.DeathReviewIndexPage]
    return (
        factories.draft(models.DeathReviewNoticePage, index, slug="dr-jane-roe"),
        factories.page(models.StandardPage, tree["home"], slug="advice"),
    )


def messages(answer):
    """What the answer says of what was sent: messages and errors of fields."""
    said = [unescape(str(each).split("<span")[0]).strip() for each in answer.context["messages"]]
    return said, dict(answer.context["form"].errors) if "form" in answer.context else {}


def test_readers_are_led_to_what_is_public_alone(things, client, ask):
    for number, (address, _) in enumerate(things.values()):
        Redirect.objects.create(old_path=f"/old-{number}", redirect_link=address)
    found = {}
    for number, name in enumerate(things):
        answer = client.get(f"/old-{number}/")
        told = ask("query ($path: String!) { redirect(path: $path) { target } }", path=f"/old-{number}/")["redirect"]
        assert (told or {}).get("target") == answer.headers.get("Location")
        found[name] = (answer.headers.get("Location") or answer.status_code, name)
    assert found == {name: (address if leads else 404, name) for name, (address, leads) in things.items()}


def test_the_page_at_the_typed_address_is_known(things):
    """So that no cache keeps an answer that tells of a notice: a takedown must take effect at once."""
    Redirect.objects.create(old_path="/old", redirect_link=things["a public notice"][0])
    found = at_path("/old/", timezone.now())
    assert found.page.specific == models.DeathReviewNoticePage.objects.get(live=True)


def test_the_spelling_of_a_typed_address_does_not_matter(things, tree, settings, client):
    """The name of a host has no case, and a website may lie below a path."""
    settings.WEBSITE_URL = "https://www.example.org/safety"
    for number, address in enumerate(
        ("https://WWW.Example.org/safety/jane/", "https://www.example.org/safety/%6Aane", "/jane/")
    ):
        Redirect.objects.create(old_path=f"/old-{number}", redirect_link=address)
        assert at_path(f"/old-{number}/", timezone.now()) is None, address


@pytest.mark.parametrize(
    "typed", ["a draft notice", "a draft notice without a slash", "a public notice", "a file of death reviews"]
)
def test_colleagues_without_the_right_find_no_redirect_to_a_notice(things, client, typed):
    row = Redirect.objects.create(old_path="/review-of-jane-roe", redirect_link=things[typed][0])
    other = Redirect.objects.create(old_path="/ordinary", redirect_link=things["a public page"][0])
    sign_in_without_the_right(client)
    target = things[typed][0].partition("?")[0].strip("/").rpartition("/")[2]  # the reference, or the name of the file
    for address in ("/admin/redirects/", "/admin/redirects/?export=csv", "/admin/reports/site-history/"):
        answer = client.get(address)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert ["jane-roe" in text, target in text, "ordinary" in text] == [False, False, True], address
    for view in ("wagtailredirects:edit", "wagtailredirects:delete"):
        assert client.post(reverse(view, args=[row.pk])).status_code == 404
    assert Redirect.objects.filter(pk=row.pk).exists()
    assert client.get(reverse("wagtailredirects:edit", args=[other.pk])).status_code == 200


@pytest.mark.parametrize("for_one_site", [False, True], ids=["all sites", "one site"])
@pytest.mark.parametrize("typed", [False, True], ids=["chosen", "typed"])
def test_the_old_path_of_a_hidden_redirect_is_free_for_colleagues(reviews, client, typed, for_one_site):
    """Nobody loses anything: the hidden redirect stays, and leads readers to the notice once that is public."""
    notice, page = reviews
    site = Site.objects.get(is_default_site=True) if for_one_site else None
    target = {"redirect_link": addresses.url(notice)} if typed else {"redirect_page": notice}
    Redirect.objects.create(old_path="/review-of-jane-roe", site=site, **target)
    sign_in_without_the_right(client)
    form = {"site": site.pk if site else "", "is_permanent": "on", "redirect_page": page.pk, "redirect_link": ""}
    for old_path in ("/review-of-jane-roe", "/nothing-here"):
        answer = client.post(reverse("wagtailredirects:add"), {"old_path": old_path, **form}, follow=True)
        assert messages(answer) == ([f"Redirect '{old_path}' added."], {})
        row = Redirect.objects.get(old_path=old_path, redirect_page=page)
        assert row.site == site
        edited = client.post(
            reverse("wagtailredirects:edit", args=[row.pk]), {"old_path": old_path, **form}, follow=True
        )
        assert messages(edited) == ([f"Redirect '{old_path}' updated."], {})
        assert client.get(f"{old_path}/").headers["Location"] == addresses.url(page)
        again = client.post(reverse("wagtailredirects:add"), {"old_path": old_path, **form})
        assert "already exists" in again.content.decode()
    assert Redirect.objects.filter(**target).count() == 1
    factories.publish(notice)
    assert client.get("/review-of-jane-roe/").headers["Location"] == addresses.url(notice)
    assert "another redirect for this address comes first" in client.get("/admin/redirects/").content.decode()


def test_an_import_says_the_same_of_hidden_paths_and_of_free_ones(reviews, client):
    notice, page = reviews
    site = Site.objects.get(is_default_site=True)
    Redirect.objects.create(old_path="/review-of-jane-roe", redirect_page=notice, site=site)
    sign_in_without_the_right(client)
    rows = [f"{path},{to}" for path in ("/review-of-jane-roe", "/free") for to in ("https://x.example/", "")]
    rows += [f"{path},{addresses.url(page)}" for path in ("/review-of-jane-roe", "/free")]
    upload = SimpleUploadedFile("list.csv", "\n".join(["from,to", *rows]).encode(), content_type="text/csv")
    confirm = client.post(reverse("wagtailredirects:start_import"), {"import_file": upload})
    fields = {**posted(confirm.content, form_id=None), "from_index": 0, "to_index": 1, "permanent": "on"}
    answer = client.post(reverse("wagtailredirects:process_import"), {**fields, "site": site.pk})
    summary = answer.context["import_summary"]
    errors = {
        path: [error for of, _, error in summary["errors"] if of == path] for path in ("/review-of-jane-roe", "/free")
    }
    assert errors["/review-of-jane-roe"] == errors["/free"]
    assert (len(errors["/free"]), summary["successes"]) == (2, 2)  # another site, and what the line above has made


def test_nobody_finds_out_references_by_redirects_to_guessed_addresses(website, things, client):
    """A redirect to a notice would be hidden from them afterwards, and one to an address of nothing would not."""
    sign_in_without_the_right(client)
    notice, public = (things[name][0] for name in ("a draft notice", "a public notice"))
    index = public.rstrip("/").rpartition("/")[0] + "/"
    for link in (
        notice,
        public,
        index + "dr-nothing",
        index.replace("/re", "/RE") + "DR-JANE-ROE",
        f"{index}?old={notice}",
    ):
        form = {"old_path": "/old", "site": "", "is_permanent": "on", "redirect_page": "", "redirect_link": link}
        answer = client.post(reverse("wagtailredirects:add"), form)
        assert list(messages(answer)[1]) == ["redirect_link"], link
        assert "people who may handle death reviews" in answer.content.decode()
    assert not Redirect.objects.exists()
    client.post(reverse("wagtailredirects:add"), {**form, "redirect_link": index})
    assert Redirect.objects.get().redirect_link == index
