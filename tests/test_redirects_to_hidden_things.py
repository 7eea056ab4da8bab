"""A redirect whose target was typed as an address tells of nothing that is not public, to readers or colleagues.

With the page chosen, the database knows where it leads. An imported list has only addresses.
"""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect

from pages import models
from pages.content import addresses
from pages.content.choices import Role, WithdrawalKind
from pages.models.moderation import RoleGroup
from pages.reading.at_path import at_path
from pages.takedown.withdrawal import take_down, withdraw
from tests import factories
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


@pytest.mark.parametrize(
    "typed", ["a draft notice", "a draft notice without a slash", "a public notice", "a file of death reviews"]
)
def test_colleagues_without_the_right_find_no_redirect_to_a_notice(things, client, typed):
    row = Redirect.objects.create(old_path="/review-of-jane-roe", redirect_link=things[typed][0])
    other = Redirect.objects.create(old_path="/ordinary", redirect_link=things["a public page"][0])
    group = RoleGroup.objects.get(role=Role.MODERATOR).group
    group.permissions.remove(*group.permissions.filter(codename="handle_death_reviews"))
    user = User.objects.create_user("colleague")
    user.groups.add(group)
    client.force_login(user)
    target = things[typed][0].partition("?")[0].strip("/").rpartition("/")[2]  # the reference, or the name of the file
    for address in ("/admin/redirects/", "/admin/redirects/?export=csv", "/admin/reports/site-history/"):
        answer = client.get(address)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert ["jane-roe" in text, target in text, "ordinary" in text] == [False, False, True], address
    for view in ("wagtailredirects:edit", "wagtailredirects:delete"):
        assert client.post(reverse(view, args=[row.pk])).status_code == 404
    assert Redirect.objects.filter(pk=row.pk).exists()
    assert client.get(reverse("wagtailredirects:edit", args=[other.pk])).status_code == 200
