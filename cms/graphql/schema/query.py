"""The type Query of the public schema, with the root fields of the contract and none of grapple's own."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

import graphene
from django.conf import settings
from django.db.models import QuerySet
from graphql import GraphQLResolveInfo

from cms.graphql.context import context_of
from cms.graphql.schema import search
from cms.graphql.schema.changes import ARGUMENTS, ChangeConnection, changes
from cms.graphql.schema.lists import (
    all_pages,
    between,
    by_ids,
    checked_text,
    chosen,
    named,
    page_connection,
    past,
    sortable,
    upcoming,
    warn_if_unknown,
    whole_list,
)
from cms.graphql.schema.routes import Redirect, Resolution, redirect_at, resolution_of
from cms.graphql.types.connections import Connection, Order, connection_args, connection_type
from cms.graphql.types.contract import contract_types
from cms.graphql.types.interfaces import Node, PageConnection, PageInterface, WithdrawnPage
from cms.graphql.types.page_fields import NewsConnection, PriorityList, next_meeting
from cms.graphql.types.page_lists import NEWS_ORDER, public_of_type
from cms.publication.as_published import as_published
from feeds.catalogue import listings
from pages.content import addresses
from pages.content.choices import FeedFormat, MeetingStatus, MeetingWhen
from pages.graphql.public_fields import enum, list_of, type_of
from pages.models import (
    Alert,
    AnnualReviewPage,
    BusinessAsUsualPage,
    CommunitySafetyPlanPage,
    ContentPage,
    DeathReviewNoticePage,
    InsightPage,
    MeetingPage,
    NewsPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
    Topic,
)
from pages.models.base import page_types
from pages.reading.at_path import Withdrawn
from pages.reading.draft_loader import DraftLoader
from pages.reading.draft_previews import shown_by
from pages.visibility.rule import public, public_alerts, public_topics

TYPES = contract_types()

MEETINGS_SOONEST_FIRST = Order("meetings upcoming", ("starts_at", "uuid"))
MEETINGS_LATEST_FIRST = Order("meetings", MeetingPage.list_order)
WHOLE_MEETINGS: dict[str, tuple[Callable[..., QuerySet[MeetingPage]], Order]] = {
    MeetingWhen.UPCOMING: (upcoming, MEETINGS_SOONEST_FIRST),
    MeetingWhen.PAST: (past, MEETINGS_LATEST_FIRST),
    MeetingWhen.ALL: (sortable, MEETINGS_LATEST_FIRST),
}


class Site(graphene.ObjectType):
    """The site as a whole."""

    name = graphene.String(required=True, description="The name of the partnership.")
    root_url = graphene.String(required=True, description="The address of the public website.")


class NavigationItem(graphene.ObjectType):
    """An entry of the site's menu."""

    title = graphene.String(required=True, description="The title of the page.")
    url = graphene.String(required=True, description="Its absolute address.")
    url_path = graphene.String(required=True, description="Its path on the site.")
    children = graphene.Field(
        list_of(lambda: NavigationItem), required=True, description="Entries below it, one level."
    )


class Feed(graphene.ObjectType):
    """A feed that residents can follow."""

    title = graphene.String(required=True, description="What the feed is about.")
    url = graphene.String(required=True, description="Its absolute address.")
    format = graphene.Field(enum(FeedFormat), required=True, description="The format of the feed.")
    topic = graphene.String(description="The slug of its topic, for the feed of a topic.")
    priority = graphene.ID(description="The id of its priority, for the feed of a priority.")


A_DATE = "A date is the beginning of that day in London."
NONE_IS_ALL = "An empty list means all."
MeetingConnection = connection_type(type_of("pages.MeetingPage"), "Meeting")


def page_list(model: type[ContentPage], description: str, order_name: str = "") -> graphene.Field:
    """The root field for the public pages of a type, in its `list_order`. Pages without a value to sort by are omitted.

    Cursors contain `order_name`, by default the plural of the type's name. It must never change.
    """
    order = Order(order_name or str(model._meta.verbose_name_plural), model.list_order)

    def resolve(root: None, info: GraphQLResolveInfo, **args: Any) -> Connection:
        return whole_list(info, sortable, model, order, args)

    connection = connection_type(type_of(model._meta.label), model.__name__.removesuffix("Page"))
    return graphene.Field(connection, required=True, args=connection_args(), description=description, resolver=resolve)


def only_page(model: type[ContentPage], description: str) -> graphene.Field:
    """The root field for the one public page of a type, or null without one."""
    return graphene.Field(
        type_of(model._meta.label),
        description=description,
        resolver=lambda root, info: _only_page(info, model._default_manager.all()),
    )


class Query(graphene.ObjectType):
    """Everything that is public at the time of the request."""

    partnership = only_page(PartnershipPage, "The partnership itself: the home page of the site.")
    next_meeting = graphene.Field(
        type_of("pages.MeetingPage"),
        description="The earliest meeting in the future that residents can attend and that is neither cancelled nor "
        "postponed.",
    )
    meetings = graphene.Field(
        MeetingConnection,
        required=True,
        args=connection_args(
            when=graphene.Argument(
                enum(MeetingWhen), default_value=MeetingWhen.ALL.value, description="Which meetings."
            ),
            starts_after=graphene.DateTime(description=f"Only meetings that start after this time. {A_DATE}"),
            starts_before=graphene.DateTime(description=f"Only meetings that start before this time. {A_DATE}"),
            status=graphene.Argument(
                list_of(enum(MeetingStatus)), description=f"Only meetings of these statuses. {NONE_IS_ALL}"
            ),
        ),
        description="Meetings of the partnership.",
    )
    news = graphene.Field(
        NewsConnection,
        required=True,
        args=connection_args(
            topic=graphene.String(description="Only news on this topic: its slug or id."),
            priority=graphene.String(description="Only news about this priority: its slug or id."),
            published_after=graphene.DateTime(description=f"Only news first published after this time. {A_DATE}"),
            published_before=graphene.DateTime(description=f"Only news first published before this time. {A_DATE}"),
        ),
        description="News, newest first.",
    )
    priorities = graphene.Field(
        PriorityList,
        required=True,
        args={"period": graphene.String(description="The slug or id of a period. The current period if omitted.")},
        description="The priorities of a period, by number.",
    )
    business_as_usual = only_page(BusinessAsUsualPage, "The everyday work of the partnership.")
    plans = page_list(CommunitySafetyPlanPage, "Community safety plans, the latest first.", "plans")
    insights = page_list(InsightPage, "Assessments, reports and data, the latest year first.")
    annual_reviews = page_list(AnnualReviewPage, "Reviews, the latest first.")
    death_reviews = page_list(
        DeathReviewNoticePage,
        "Notices of Domestic Abuse Related Death Reviews, newest first. Show them with care.",
        "death reviews",
    )
    page = graphene.Field(
        PageInterface,
        args={
            "url_path": graphene.String(required=True, description='A path on the site, as in "/meetings/".'),
            "token": graphene.String(
                description="For previews: returns the draft of this token, at its future path. With an invalid or "
                "expired token, or at another path, the field is null."
            ),
        },
        description="The page at a path, or null. For a withdrawn page, a WithdrawnPage.",
    )
    pages = graphene.Field(
        PageConnection,
        required=True,
        args=connection_args(
            types=graphene.Argument(list_of(search.PageType), description=f"Only pages of these types. {NONE_IS_ALL}"),
            under=graphene.String(description="Only pages below this one, at any depth: its path or id."),
            updated_after=graphene.DateTime(description=f"Only pages with an `updatedAt` after this time. {A_DATE}"),
        ),
        description="All pages, the newest first. They keep their place in the list when they are updated.",
    )
    node = graphene.Field(
        Node,
        args={"id": graphene.ID(required=True, description="The id of a page.")},
        description="The page with an id, or null. For a page that is withdrawn with an explanation, a WithdrawnPage.",
    )
    nodes = graphene.Field(
        list_of(Node),
        required=True,
        args={"ids": graphene.Argument(list_of(graphene.ID), required=True, description="At most 100 ids of pages.")},
        description="The pages with these ids, in their order. Ids that `node` does not find are left out.",
    )
    navigation = graphene.Field(
        list_of(NavigationItem),
        required=True,
        description="The site's menu, in the order that editors gave it.",
    )
    topics = graphene.Field(
        list_of(type_of("pages.Topic")),
        required=True,
        description="The topics of public pages.",
    )
    feeds = graphene.Field(list_of(Feed), required=True, description="The feeds that residents can follow.")
    site = graphene.Field(Site, required=True, description="The site as a whole.")
    alerts = graphene.Field(
        list_of(type_of("pages.Alert")), required=True, description="The messages to show above every page now."
    )
    resolve = graphene.Field(
        Resolution,
        required=True,
        args={"path": graphene.String(required=True, description="A path on the site.")},
        description="What a website answers at a path: a page, a redirect, or that the page is gone or never was.",
    )
    redirect = graphene.Field(
        Redirect,
        args={"path": graphene.String(required=True, description="A path on the site.")},
        description="Where a path leads that no longer has a page, or null.",
    )
    search = search.field()
    changes = graphene.Field(
        ChangeConnection,
        required=True,
        args=ARGUMENTS,
        description="Pages that became public, were updated, moved, withdrawn or deleted, in order of time.",
    )

    @staticmethod
    def resolve_next_meeting(root: None, info: GraphQLResolveInfo) -> MeetingPage | None:
        return next_meeting(root, info)

    @staticmethod
    def resolve_meetings(
        root: None,
        info: GraphQLResolveInfo,
        when: Enum | str | None,
        starts_after: datetime | None = None,
        starts_before: datetime | None = None,
        status: list[Enum | str] | None = None,
        **args: Any,
    ) -> Connection:
        selected = str(when.value if isinstance(when, Enum) else when or MeetingWhen.ALL)
        statuses = chosen(status)
        if starts_after is None and starts_before is None and not statuses:
            build, order = WHOLE_MEETINGS[selected]
            return whole_list(info, build, MeetingPage, order, args)
        as_of = context_of(info).as_of
        meetings = between(sortable(MeetingPage, as_of=as_of), "starts_at", "starts", starts_after, starts_before)
        if statuses:
            meetings = meetings.filter(status__in=statuses)
        if selected == MeetingWhen.UPCOMING:
            return page_connection(info, meetings.filter(starts_at__gt=as_of), MEETINGS_SOONEST_FIRST, args)
        if selected == MeetingWhen.PAST:
            meetings = meetings.filter(starts_at__lte=as_of)
        return page_connection(info, meetings, MEETINGS_LATEST_FIRST, args)

    @staticmethod
    def resolve_news(
        root: None,
        info: GraphQLResolveInfo,
        topic: str | None = None,
        priority: str | None = None,
        published_after: datetime | None = None,
        published_before: datetime | None = None,
        **args: Any,
    ) -> Connection:
        if topic is None and priority is None and published_after is None and published_before is None:
            return whole_list(info, public_of_type, NewsPage, NEWS_ORDER, args)
        as_of = context_of(info).as_of
        news = between(
            public_of_type(NewsPage, as_of=as_of), "first_published_at", "published", published_after, published_before
        )
        topics = None if topic is None else named(public_topics(as_of), "topic", topic)
        if topics is not None:
            news = news.filter(topics__in=topics.values("pk"))
        priorities = (
            None if priority is None else named(public(PriorityPage.objects.all(), as_of), "priority", priority)
        )
        if priorities is not None:
            news = news.filter(priority__in=priorities.values("pk"))
        connection = page_connection(info, news, NEWS_ORDER, args)
        warn_if_unknown(info, connection, topic=topics, priority=priorities)
        return connection

    @staticmethod
    def resolve_priorities(root: None, info: GraphQLResolveInfo, period: str | None = None) -> list[PriorityPage]:
        loader = context_of(info).loader
        if period is None:
            current_period = loader.periods[1]
            return loader.priorities_of(current_period) if current_period else []
        periods = named(public(PriorityPeriodPage.objects.all(), context_of(info).as_of), "period", period)
        found = loader.remember(periods[:1])
        warn_if_unknown(info, found, period=periods)
        return loader.priorities_of(found[0]) if found else []

    @staticmethod
    def resolve_pages(root: None, info: GraphQLResolveInfo, **args: Any) -> Connection:
        filters = {name: args.pop(name) for name in ("types", "under", "updated_after") if name in args}
        return all_pages(info, args, **filters)

    @staticmethod
    def resolve_node(root: None, info: GraphQLResolveInfo, **args: str) -> ContentPage | Withdrawn | None:
        return next(iter(by_ids(info, [args["id"]])), None)

    @staticmethod
    def resolve_nodes(root: None, info: GraphQLResolveInfo, ids: list[str]) -> list[ContentPage | Withdrawn]:
        return by_ids(info, ids)

    @staticmethod
    def resolve_page(
        root: None, info: GraphQLResolveInfo, url_path: str, token: str | None = None
    ) -> ContentPage | Withdrawn | None:
        if token is not None:
            return _draft(info, url_path, token)
        return context_of(info).loader.page_at(checked_text("urlPath", url_path))

    @staticmethod
    def resolve_navigation(root: None, info: GraphQLResolveInfo) -> list[NavigationItem]:
        steplen = ContentPage.steplen
        sensitive = {model._meta.model_name or "": None for model in page_types() if model.is_sensitive}
        entries = ContentPage.objects.filter(depth__in=(3, 4), show_in_menus=True, **sensitive)
        rows = public(entries, context_of(info).as_of)
        items: dict[str, NavigationItem] = {}
        for page in rows.order_by("path"):
            path = addresses.url_path(page)
            item = NavigationItem(title=page.title, url=addresses.website(path), url_path=path, children=[])
            if page.depth == 3:
                items[page.path] = item
            elif page.path[:-steplen] in items:
                items[page.path[:-steplen]].children.append(item)
        return list(items.values())

    @staticmethod
    def resolve_topics(root: None, info: GraphQLResolveInfo) -> QuerySet[Topic]:
        return public_topics(context_of(info).as_of)

    @staticmethod
    def resolve_feeds(root: None, info: GraphQLResolveInfo) -> list[Feed]:
        return [
            Feed(
                title=feed.title,
                url=feed.url(feed_format),
                format=feed_format.value,
                topic=feed.topic,
                priority=feed.priority,
            )
            for feed in listings(context_of(info).as_of)
            for feed_format in feed.formats
        ]

    @staticmethod
    def resolve_site(root: None, info: GraphQLResolveInfo) -> Site:
        home = public(PartnershipPage.objects.all(), context_of(info).as_of).values_list("title", flat=True).first()
        return Site(name=home or settings.WAGTAIL_SITE_NAME, root_url=addresses.website("/"))

    @staticmethod
    def resolve_alerts(root: None, info: GraphQLResolveInfo) -> QuerySet[Alert]:
        return public_alerts(context_of(info).as_of)

    @staticmethod
    def resolve_redirect(root: None, info: GraphQLResolveInfo, path: str) -> Redirect | None:
        return redirect_at(info, checked_text("path", path))

    @staticmethod
    def resolve_resolve(root: None, info: GraphQLResolveInfo, path: str) -> Resolution:
        return resolution_of(info, checked_text("path", path))

    @staticmethod
    def resolve_search(root: None, info: GraphQLResolveInfo, query: str, **args: Any) -> Connection:
        return search.search(info, query, **args)

    @staticmethod
    def resolve_changes(root: None, info: GraphQLResolveInfo, since: str | None = None, **args: Any) -> Connection:
        return changes(info, since, args)


def _draft(info: GraphQLResolveInfo, url_path: str, token: str) -> ContentPage | None:
    """The draft of a token at its future path, or None for an invalid token or another path.

    The answer does not reveal which of the two it was. Sets the loader of the context to one that shows the draft.
    """
    shown = shown_by(token)
    if shown is None:
        return None
    as_published(shown.draft, context_of(info).as_of)
    if url_path.strip("/") != addresses.url_path(shown.draft).strip("/"):
        return None
    context_of(info).loader = DraftLoader(shown.draft, context_of(info).as_of, shown)
    return shown.draft


def _only_page(info: GraphQLResolveInfo, queryset: QuerySet[ContentPage]) -> ContentPage | None:
    page = public(queryset, context_of(info).as_of).order_by("path").first()
    return context_of(info).loader.remember([page])[0] if page else None


schema = graphene.Schema(query=Query, types=[*TYPES, WithdrawnPage])
