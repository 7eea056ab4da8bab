"""Pages of each type that lists show, each with all that such a page can have."""

from datetime import timedelta

from django.utils import timezone

from pages import models
from tests import factories


def fill(home, rows):
    """`rows` pages of each listed type, each with rows, blocks, links, files and topics of its own."""
    now = timezone.now()
    topics = [factories.topic() for _ in range(rows)]
    period = models.PriorityPeriodPage.objects.first() or factories.page(models.PriorityPeriodPage, home)
    news_index = models.NewsIndexPage.objects.first() or factories.page(models.NewsIndexPage, home, slug="news")
    meetings = models.MeetingIndexPage.objects.first() or factories.page(models.MeetingIndexPage, home, slug="meetings")
    notices = models.DeathReviewIndexPage.objects.first() or factories.page(models.DeathReviewIndexPage, home)
    indexes = {
        kind: models.PublicationIndexPage.objects.filter(publication_kind=kind).first()
        or factories.page(models.PublicationIndexPage, home, publication_kind=kind)
        for kind in ("plans", "insights", "annual-reviews")
    }
    # A draft: it is asked for and not found, however many plans the answer already holds.
    replaced = factories.draft(models.CommunitySafetyPlanPage, indexes["plans"])
    for number in range(rows):
        document, picture = factories.document(), factories.image()
        priority = factories.page(
            models.PriorityPage,
            period,
            actions=[models.Action(text="Act", horizon="in-year", lead_agency=factories.agency())],
        )
        news = factories.page(
            models.NewsPage,
            news_index,
            image=picture,
            priority=priority,
            body=[
                ("paragraph", f'<p><a linktype="page" id="{priority.pk}">Priority</a></p>'),
                ("page_link", {"page": priority, "text": ""}),
                ("image", {"image": factories.image(), "caption": ""}),
                ("document", document),
            ],
            topics=[],
        )
        news.topics = [topics[number]]
        factories.publish(news)
        factories.page(
            models.MeetingPage,
            meetings,
            slug=f"meeting-{priority.pk}",
            starts_at=now + timedelta(days=number + 1),
            agenda_items=[models.AgendaItem(number="1", title="Item")],
            papers=[
                models.Paper(
                    document=factories.document(),
                    agenda_item_number="1",
                    kind="agenda",
                    late_reason="It was not ready.",
                )
            ],
        )
        insight = factories.page(
            models.InsightPage,
            indexes["insights"],
            disclosure_checked_by="A colleague",
            disclosure_checked_on="2026-01-01",
            page_documents=[models.PageDocument(document=document)],
        )
        factories.page(
            models.CommunitySafetyPlanPage,
            indexes["plans"],
            supersedes=replaced,
            based_on=insight,
            page_documents=[models.PageDocument(document=factories.document())],
        )
        factories.page(
            models.AnnualReviewPage,
            indexes["annual-reviews"],
            outcomes=[models.Outcome(priority=priority, text="Outcome")],
        )
        factories.page(
            models.DeathReviewNoticePage,
            notices,
            legal_basis=models.LegalBasis.objects.create(name=f"Law {priority.pk}"),
            review_documents=[
                models.ReviewDocument(kind="overview-report", state="published", document=factories.document())
            ],
            recommendations=[
                models.Recommendation(number="1", text="Do", level="local", owner_agency=factories.agency())
            ],
        )
