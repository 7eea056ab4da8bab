"""Public fields of page types that are computed from other pages. Models list their own fields in `graphql_fields`."""

from enum import Enum

import graphene
from graphql import GraphQLResolveInfo

from cms.graphql.context import context_of
from cms.graphql.types.connections import connection_args, connection_type
from cms.graphql.types.page_lists import news_of
from pages.content.choices import ActionHorizon, PeriodStatus
from pages.graphql.public_fields import PublicField, enum, list_of, public_field, type_of
from pages.models import (
    Action,
    CommunitySafetyPlanPage,
    MeetingPage,
    PartnershipPage,
    PriorityPage,
    PriorityPeriodPage,
)
from pages.visibility import current

NewsConnection = connection_type(type_of("pages.NewsPage"), "News")
PriorityList = list_of(type_of("pages.PriorityPage"))


def _current_plan(partnership: PartnershipPage, info: GraphQLResolveInfo) -> CommunitySafetyPlanPage | None:
    plan = current.current_plan(context_of(info).as_of)
    return context_of(info).loader.remember([plan])[0] if plan else None


def next_meeting(parent: PartnershipPage | None, info: GraphQLResolveInfo) -> MeetingPage | None:
    """Resolves `Query.nextMeeting` (without a parent) and `PartnershipPage.nextMeeting`."""
    meeting = current.next_meeting(context_of(info).as_of)
    return context_of(info).loader.remember([meeting])[0] if meeting else None


def _actions(priority: PriorityPage, info: GraphQLResolveInfo, horizon: Enum | str | None = None) -> list[Action]:
    actions = context_of(info).loader.children(priority, "actions")
    wanted = horizon.value if isinstance(horizon, Enum) else horizon
    return [action for action in actions if wanted is None or action.horizon == wanted]


def _period_status(name: str, deprecation_reason: str | None = None) -> PublicField:
    return public_field(
        name,
        enum(PeriodStatus),
        lambda period, info: context_of(info).loader.period_status(period).value,
        required=True,
        description="Whether it is past, current or in the future.",
        deprecation_reason=deprecation_reason,
    )


# The models cannot declare these fields, which need modules that models may not import: the connections of
# cms.graphql.types and pages/visibility/current.py.
PAGE_FIELDS: dict[type, list[PublicField]] = {
    PartnershipPage: [
        public_field(
            "current_period",
            type_of("pages.PriorityPeriodPage"),
            lambda partnership, info: context_of(info).loader.periods[1],
            description="The priority period that contains today. If two do, the one that started later.",
        ),
        public_field(
            "past_periods",
            list_of(type_of("pages.PriorityPeriodPage")),
            lambda partnership, info: context_of(info).loader.periods[0],
            required=True,
            description="Earlier priority periods, the latest first.",
        ),
        public_field(
            "current_plan",
            type_of("pages.CommunitySafetyPlanPage"),
            _current_plan,
            description="The community safety plan in force.",
        ),
        public_field(
            "next_meeting",
            type_of("pages.MeetingPage"),
            next_meeting,
            description="The next meeting that residents can attend.",
        ),
    ],
    PriorityPeriodPage: [
        _period_status("period_status"),
        # Fragments on periods and on meetings, whose status is another one, did not fit into one query.
        _period_status("status", "Use periodStatus. Goes after 2027-06-30."),
        public_field(
            "priorities",
            PriorityList,
            lambda period, info: context_of(info).loader.priorities_of(period),
            required=True,
            description="Its priorities, by number.",
        ),
    ],
    PriorityPage: [
        public_field(
            "period",
            type_of("pages.PriorityPeriodPage"),
            lambda priority, info: next(reversed(context_of(info).loader.ancestors(priority)), None),
            required=True,
            description="The period that it belongs to.",
        ),
        public_field(
            "actions",
            list_of(type_of("pages.Action")),
            _actions,
            required=True,
            args={"horizon": graphene.Argument(enum(ActionHorizon), description="Only actions of this horizon.")},
            description="What is done about it, in the published order.",
        ),
        public_field(
            "news",
            NewsConnection,
            lambda priority, info, **args: news_of(context_of(info).loader, priority, args),
            required=True,
            args=connection_args(),
            description="News about it, newest first.",
        ),
    ],
}
