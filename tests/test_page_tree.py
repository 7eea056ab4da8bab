"""An editor cannot put a page where it makes no sense."""

import pytest
from django.core.exceptions import ValidationError
from wagtail.models import Page

from pages import models
from tests import factories

SECTIONS = {
    models.PriorityPeriodPage,
    models.BusinessAsUsualPage,
    models.NewsIndexPage,
    models.MeetingIndexPage,
    models.PublicationIndexPage,
    models.DeathReviewIndexPage,
    models.StandardPage,
}
CHILDREN = {
    models.PartnershipPage: SECTIONS,
    models.PriorityPeriodPage: {models.PriorityPage},
    models.NewsIndexPage: {models.NewsPage},
    models.MeetingIndexPage: {models.MeetingPage},
    models.PublicationIndexPage: {
        models.CommunitySafetyPlanPage,
        models.InsightPage,
        models.AnnualReviewPage,
    },
    models.DeathReviewIndexPage: {models.DeathReviewNoticePage},
    models.StandardPage: {models.StandardPage},
    models.PriorityPage: set(),
    models.BusinessAsUsualPage: set(),
    models.NewsPage: set(),
    models.MeetingPage: set(),
    models.CommunitySafetyPlanPage: set(),
    models.InsightPage: set(),
    models.AnnualReviewPage: set(),
    models.DeathReviewNoticePage: set(),
}


@pytest.mark.parametrize("parent", CHILDREN, ids=lambda model: model.__name__)
def test_each_page_type_holds_only_the_types_that_belong_there(parent):
    assert set(parent.allowed_subpage_models()) == CHILDREN[parent]


def test_only_a_partnership_stands_at_the_root(db):
    root = Page.objects.get(depth=1)
    creatable = {model for model in Page.creatable_subpage_models() if model.can_create_at(root)}
    assert creatable == {models.PartnershipPage}
    assert models.ContentPage.is_creatable is False


def test_one_partnership_and_one_of_each_single_section(home):
    factories.page(models.NewsIndexPage, home)
    assert not models.PartnershipPage.can_create_at(Page.objects.get(depth=1))
    assert not models.NewsIndexPage.can_create_at(home)
    assert models.MeetingIndexPage.can_create_at(home)


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("plans", models.CommunitySafetyPlanPage),
        ("insights", models.InsightPage),
        ("annual-reviews", models.AnnualReviewPage),
    ],
)
def test_a_publication_index_takes_only_its_own_kind(home, kind, allowed):
    index = factories.page(models.PublicationIndexPage, home, publication_kind=kind)
    publications = CHILDREN[models.PublicationIndexPage]
    assert {model for model in publications if model.can_create_at(index)} == {allowed}


def test_a_priority_number_is_unique_in_its_period(home):
    period = factories.page(models.PriorityPeriodPage, home)
    factories.page(models.PriorityPage, period, number=1)
    other = factories.draft(models.PriorityPage, period, number=1)
    with pytest.raises(ValidationError) as refusal:
        factories.publish(other)
    assert refusal.value.message_dict == {"number": ["Another priority of this period has the number 1."]}
    other.refresh_from_db()
    assert other.live is False


def test_pages_can_be_ten_levels_deep_and_no_deeper(home):
    parent = home
    while parent.depth < 10:
        parent = factories.page(models.StandardPage, parent)
    too_deep = factories.draft(models.StandardPage, parent)
    with pytest.raises(ValidationError, match="at most 10 levels deep"):
        factories.publish(too_deep)


def test_a_meeting_gets_its_date_as_its_address(home):
    meetings = factories.page(models.MeetingIndexPage, home, slug="meetings")
    meeting = factories.page(models.MeetingPage, meetings, title="Spring meeting", slug="")
    assert meeting.slug == "24-february-2026"
